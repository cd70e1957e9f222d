/** Draws one partition as a log: its records, who has handled them, and how far each group has come. */
import type { HandledSpan } from '../ledger/last-handlers.js'
import { formatCount } from '../format.js'
import { TAB_COLOURS } from '../shell/tab-marks.js'
import type { LaneLock } from './lane-view.js'
import type { Palette } from './palette.js'

export interface LanePicture {
  /** In CSS pixels. */
  readonly width: number
  readonly height: number
  readonly pixelsPerRecord: number
  readonly start: number
  readonly end: number
  /** Where the end is drawn, which moves to where it is. */
  readonly shownEnd: number
  readonly ownerNumber: number | undefined
  readonly spans: readonly HandledSpan[]
  readonly locks: readonly LaneLock[]
  /** In the order of the groups. */
  readonly marks: readonly number[]
  /** Where nobody writes down who handled what: what lies below is done. */
  readonly doneBelow: number | undefined
  readonly hovered: number | undefined
  readonly selected: number | undefined
}

const TOP = 9
const BOTTOM = 9
/** Room for the next one. */
export const RIGHT = 12
/** Narrower records are drawn as one bar. */
const CELL_MIN = 5
const LABELLED_CELL_MIN = 34

export function paintLane(
  context: CanvasRenderingContext2D,
  picture: LanePicture,
  palette: Palette,
): void {
  const { width, height } = picture
  context.clearRect(0, 0, width, height)
  context.fillStyle = palette.sunken
  roundRect(context, { x: 0, y: TOP, width, height: height - TOP - BOTTOM, radius: 5 })
  context.save()
  context.beginPath()
  context.roundRect(0, TOP, width, height - TOP - BOTTOM, 5)
  context.clip()
  const painter = new RecordPainter(context, picture)
  const owner = palette.tab(picture.ownerNumber)
  painter.paint(picture.start, picture.end - 1, { fill: owner, alpha: 0.26 })
  if (picture.doneBelow !== undefined) {
    painter.paint(picture.start, picture.doneBelow - 1, { fill: palette.accent, alpha: 0.75 })
  }
  for (const { tab, first, last } of picture.spans) {
    painter.paint(first, last, { fill: palette.tab(tab), alpha: alphaOf(tab) })
  }
  for (const { tab, first, last } of picture.locks) {
    painter.paint(first, last, { fill: palette.tab(tab.number), alpha: 0.6 })
  }
  paintEaten(context, picture, palette)
  painter.label(palette)
  painter.outline(picture.hovered, { stroke: palette.muted, lineWidth: 1.5 })
  painter.outline(picture.selected, { stroke: palette.text, lineWidth: 2 })
  context.restore()
  paintMarks(context, picture, palette)
}

/** The ninth tab has the first one's colour, and is paler: a pattern would not show in so narrow a cell. */
function alphaOf(tab: number): number {
  return 1 - 0.35 * (Math.floor((tab - 1) / TAB_COLOURS) % 2)
}

/** The offset that is drawn there; undefined where there is none. */
export function offsetAt(picture: LanePicture, x: number): number | undefined {
  const { width, shownEnd, pixelsPerRecord, start, end } = picture
  if (end <= start) return undefined
  const offset = Math.floor(shownEnd - (width - RIGHT - x) / pixelsPerRecord)
  return Math.min(end - 1, Math.max(start, offset))
}

function xOf({ width, shownEnd, pixelsPerRecord }: LanePicture, offset: number): number {
  return width - RIGHT - (shownEnd - offset) * pixelsPerRecord
}

class RecordPainter {
  readonly #context: CanvasRenderingContext2D
  readonly #picture: LanePicture
  readonly #firstVisible: number
  readonly #areCells: boolean
  readonly #gap: number

  constructor(context: CanvasRenderingContext2D, picture: LanePicture) {
    const { width, shownEnd, pixelsPerRecord, start } = picture
    this.#context = context
    this.#picture = picture
    this.#firstVisible = Math.max(start, Math.floor(shownEnd - width / pixelsPerRecord))
    this.#areCells = pixelsPerRecord >= CELL_MIN
    this.#gap = pixelsPerRecord >= 10 ? 2 : 1
  }

  /** Offsets, both inclusive. */
  paint(first: number, last: number, { fill, alpha }: { fill: string; alpha: number }): void {
    const context = this.#context
    const from = Math.max(first, this.#firstVisible)
    if (last < from) return
    context.fillStyle = fill
    context.globalAlpha = alpha
    context.beginPath()
    if (this.#areCells) for (let offset = from; offset <= last; offset++) this.#cell(offset)
    else this.#bar(from, last)
    context.fill()
    context.globalAlpha = 1
  }

  outline(
    offset: number | undefined,
    { stroke, lineWidth }: { stroke: string; lineWidth: number },
  ) {
    const { start, end, height, pixelsPerRecord } = this.#picture
    if (offset === undefined || offset < start || offset >= end) return
    const context = this.#context
    const width = Math.max(pixelsPerRecord - (this.#areCells ? this.#gap : 0), 3)
    context.strokeStyle = stroke
    context.lineWidth = lineWidth
    context.beginPath()
    const y = TOP + 2
    context.roundRect(xOf(this.#picture, offset), y, width, height - TOP - BOTTOM - 4, 3)
    context.stroke()
  }

  label({ panel }: Palette): void {
    const { pixelsPerRecord, end, height } = this.#picture
    if (pixelsPerRecord < LABELLED_CELL_MIN) return
    const context = this.#context
    context.fillStyle = panel
    context.font = '600 10px ui-monospace, monospace'
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    for (let offset = this.#firstVisible; offset < end; offset++) {
      const x = xOf(this.#picture, offset) + (pixelsPerRecord - this.#gap) / 2
      context.fillText(formatCount(offset), x, height / 2 + 0.5)
    }
  }

  #cell(offset: number): void {
    const { height, pixelsPerRecord } = this.#picture
    const x = xOf(this.#picture, offset)
    const width = pixelsPerRecord - this.#gap
    this.#context.roundRect(x, TOP + 3, width, height - TOP - BOTTOM - 6, Math.min(4, width / 3))
  }

  #bar(first: number, last: number): void {
    const { height, pixelsPerRecord } = this.#picture
    const width = Math.max((last - first + 1) * pixelsPerRecord, 1)
    const x = xOf(this.#picture, first)
    this.#context.rect(x, TOP + 3, width, height - TOP - BOTTOM - 6)
  }
}

/** Where retention has been: hatched, with a torn edge. */
function paintEaten(
  context: CanvasRenderingContext2D,
  picture: LanePicture,
  { muted, text }: Palette,
): void {
  const { start, end, height } = picture
  const x = xOf(picture, start)
  if (x < 0) return
  if (start === 0) {
    if (end === 0) return
    context.fillStyle = muted
    context.fillRect(x - 3, TOP, 1.5, height - TOP - BOTTOM)
    return
  }
  context.strokeStyle = muted
  context.globalAlpha = 0.45
  context.lineWidth = 1
  context.beginPath()
  for (let at = x % 8; at < x + height; at += 8) {
    context.moveTo(Math.min(at, x - 4), TOP + Math.max(0, at - (x - 4)))
    context.lineTo(at - height, TOP + height)
  }
  context.stroke()
  context.globalAlpha = 1
  if (x < 130) return
  context.fillStyle = text
  context.font = '500 10px system-ui, sans-serif'
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  context.fillText(`below ${formatCount(start)}: dropped by retention`, x - 10, height / 2)
}

/** The demo's own group above the lane, others below it. */
function paintMarks(
  context: CanvasRenderingContext2D,
  picture: LanePicture,
  { text, panel }: Palette,
): void {
  const { height, marks, start } = picture
  marks.forEach((mark, index) => {
    const x = Math.max(4, xOf(picture, Math.max(mark, start)) - 1)
    const isAbove = index === 0
    const tip = isAbove ? TOP + 1 : height - BOTTOM - 1
    const base = isAbove ? 1 : height - 1
    context.fillStyle = panel
    context.fillRect(x - 1.75, TOP, 3.5, height - TOP - BOTTOM)
    context.fillStyle = text
    context.fillRect(x - 0.75, TOP, 1.5, height - TOP - BOTTOM)
    context.beginPath()
    context.moveTo(x - 5, base)
    context.lineTo(x + 5, base)
    context.lineTo(x, tip)
    context.closePath()
    if (isAbove) context.fill()
    else {
      context.strokeStyle = text
      context.lineWidth = 1.25
      context.stroke()
    }
  })
}

function roundRect(
  context: CanvasRenderingContext2D,
  box: { x: number; y: number; width: number; height: number; radius: number },
): void {
  context.beginPath()
  context.roundRect(box.x, box.y, box.width, box.height, box.radius)
  context.fill()
}
