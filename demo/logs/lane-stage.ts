/**
 * Draws the lanes while anything moves in them, once per frame, and rests otherwise. How often states
 * and messages come does not matter: each frame draws what is known by then.
 */
import type { HandledSpan } from '../ledger/last-handlers.js'
import { offsetAt, paintLane, RIGHT, type LanePicture } from './lane-painter.js'
import { Eased, recordsShown } from './lane-scale.js'
import type { LaneView } from './lane-view.js'
import { readPalette, type Palette } from './palette.js'

/** A frame that came late moves things no further than this. */
const FRAME_MS_MAX = 100

export interface LaneSelection {
  readonly partition: number
  readonly offset: number
}

export interface LaneNews {
  readonly lanes: readonly LaneView[]
  readonly selected: LaneSelection | undefined
  /** Undefined where nobody writes down who handled what. */
  readonly spansOf: ((partition: number) => readonly HandledSpan[]) | undefined
}

export class LaneStage {
  readonly #lanes = new Map<number, Lane>()
  readonly #reducedMotion = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #listening = new AbortController()
  readonly #scale = new Eased(0)
  #palette: Palette | undefined
  #news: LaneNews = { lanes: [], selected: undefined, spansOf: undefined }
  #frame: number | undefined
  #lastFrameMs = 0

  constructor() {
    const { signal } = this.#listening
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', () => this.repaint(), { signal })
    document.addEventListener('themechange', () => this.repaint(), { signal })
  }

  update(news: LaneNews): void {
    this.#news = news
    this.#askForFrame()
  }

  /** A lane's canvas is there; returns a function for when it goes. */
  add(partition: number, canvas: HTMLCanvasElement): () => void {
    const lane = new Lane(canvas, () => this.#askForFrame())
    this.#lanes.set(partition, lane)
    this.#askForFrame()
    return () => {
      lane.close()
      this.#lanes.delete(partition)
    }
  }

  hover(partition: number, x: number | undefined): number | undefined {
    this.#askForFrame()
    return this.#lanes.get(partition)?.hover(x)
  }

  /** Colours are not what they were. */
  repaint(): void {
    this.#palette = undefined
    this.#askForFrame()
  }

  close(): void {
    this.#listening.abort()
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
  }

  #askForFrame(): void {
    this.#frame ??= requestAnimationFrame((nowMs) => this.#draw(nowMs))
  }

  #draw(nowMs: number): void {
    const isResting = this.#lastFrameMs === 0
    const passedMs = isResting ? 16 : Math.min(nowMs - this.#lastFrameMs, FRAME_MS_MAX)
    const elapsedMs = this.#reducedMotion.matches ? Infinity : passedMs
    this.#frame = undefined
    this.#lastFrameMs = nowMs
    if (this.#drawAll(elapsedMs)) this.#askForFrame()
    else this.#lastFrameMs = 0
  }

  /** @returns whether something is still moving */
  #drawAll(elapsedMs: number): boolean {
    const { lanes, selected, spansOf } = this.#news
    const [first] = this.#lanes.values()
    if (lanes.length === 0 || first === undefined) return false
    this.#palette ??= readPalette(first.canvas.parentElement ?? document.body)
    const wanted = recordsShown(lanes)
    // Far away it is faster to be there than to see it come.
    if (this.#scale.value === 0) this.#scale.value = wanted
    let isMoving = this.#scale.follow(wanted, { elapsedMs, nearness: wanted / 500 })
    for (const view of lanes) {
      const lane = this.#lanes.get(view.partition)
      if (lane === undefined) continue
      const chosen = selected?.partition === view.partition ? selected.offset : undefined
      const spans = spansOf?.(view.partition)
      const shown = { view, spans, selected: chosen, records: this.#scale.value }
      if (lane.draw(shown, { elapsedMs, palette: this.#palette })) isMoving = true
    }
    return isMoving
  }
}

interface ShownLane {
  readonly view: LaneView
  readonly spans: readonly HandledSpan[] | undefined
  readonly selected: number | undefined
  /** How many the lane is wide. */
  readonly records: number
}

class Lane {
  readonly canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D | null
  readonly #observer: ResizeObserver
  readonly #marks = new Map<string, Eased>()
  #topicId: string | undefined
  #end = new Eased(0)
  #width = 0
  #height = 0
  #hoverX: number | undefined
  #picture: LanePicture | undefined

  constructor(canvas: HTMLCanvasElement, onResize: () => void) {
    this.canvas = canvas
    this.#context = canvas.getContext('2d')
    this.#observer = new ResizeObserver(() => {
      this.#resize()
      onResize()
    })
    this.#observer.observe(canvas)
    this.#resize()
  }

  hover(x: number | undefined): number | undefined {
    this.#hoverX = x
    if (x === undefined || this.#picture === undefined) return undefined
    return offsetAt(this.#picture, x)
  }

  close(): void {
    this.#observer.disconnect()
  }

  /** @returns whether it is still moving */
  draw(shown: ShownLane, how: { elapsedMs: number; palette: Palette }): boolean {
    const { view, spans, selected, records } = shown
    const context = this.#context
    if (context === null || this.#width === 0) return false
    this.#maybeStartAgain(view)
    const nearness = records / 2_000
    let isMoving = this.#end.follow(view.end, { ...how, nearness })
    const marks = view.marks.map(({ groupId, offset }) => {
      const target = offset ?? view.start
      const mark = this.#marks.get(groupId) ?? new Eased(target)
      this.#marks.set(groupId, mark)
      if (mark.follow(target, { ...how, nearness })) isMoving = true
      return Math.min(mark.value, this.#end.value)
    })
    this.#picture = {
      width: this.#width,
      height: this.#height,
      pixelsPerRecord: (this.#width - RIGHT) / records,
      start: view.start,
      end: view.end,
      shownEnd: this.#end.value,
      ownerNumber: view.owner?.number,
      spans: spans ?? [],
      locks: view.locks,
      marks,
      doneBelow: spans === undefined ? (view.marks[0]?.offset ?? view.start) : undefined,
      hovered: this.hover(this.#hoverX),
      selected,
    }
    paintLane(context, this.#picture, how.palette)
    return isMoving
  }

  /** Another topic is not the old one moving. */
  #maybeStartAgain({ topicId, end }: LaneView): void {
    if (this.#topicId === topicId) return
    this.#topicId = topicId
    this.#end = new Eased(end)
    this.#marks.clear()
  }

  #resize(): void {
    const { canvas } = this
    const ratio = devicePixelRatio
    this.#width = canvas.clientWidth
    this.#height = canvas.clientHeight
    canvas.width = Math.round(this.#width * ratio)
    canvas.height = Math.round(this.#height * ratio)
    this.#context?.setTransform(ratio, 0, 0, ratio, 0, 0)
  }
}
