/**
 * A scan as a view has it: what was found so far, and whether it is still looking. It outlives the view, so
 * that whoever comes back finds what was there.
 */
import { weightOf } from './message-row.js'
import { MessageScan, PAGE_LIMITS, type PageLimits, type ScanOptions } from './message-scan.js'
import { NOTHING_READ, type Reading } from './reading.js'

const ROWS_MAX = 5_000
const WEIGHT_MAX = 64_000_000
/** Of each page so little is looked at that it can be told how far it has come. */
const STEP_LIMITS: PageLimits = { ...PAGE_LIMITS, looked: 4_000 }
/** So often it is told. */
const SHOW_EVERY_MS = 150

export class ScanReader {
  readonly #listeners = new Set<() => void>()
  #scan: MessageScan | undefined
  #running: AbortController | undefined
  #weight = 0
  #state: Reading | undefined

  /** Undefined before the first. */
  get state(): Reading | undefined {
    return this.#state
  }

  /** Returns a function that stops listening. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Begins anew. Resolves, as `more` does, when there is a page, or an error in the state. */
  async read(options: ScanOptions): Promise<void> {
    this.#weight = 0
    await this.#page(new MessageScan(options), NOTHING_READ)
  }

  async more(): Promise<void> {
    const state = this.#state
    if (this.#scan === undefined || state === undefined || state.isBusy || state.isFull) return
    await this.#page(this.#scan, state)
  }

  /** What was found by then is shown in a moment; `more` goes on from there. */
  stop(): void {
    this.#running?.abort()
  }

  async #page(scan: MessageScan, from: Reading): Promise<void> {
    const control = new AbortController()
    this.#running?.abort()
    this.#running = control
    this.#scan = scan
    let state: Reading = { ...from, isBusy: true, error: undefined }
    // What belongs to a scan that another has followed is of no interest any more.
    const show = () => {
      if (this.#running === control) this.#set(state)
    }
    show()
    try {
      // A step may end with nothing found, since it has looked at enough: the next goes on from there.
      let shownMs = 0
      for (let wanted = PAGE_LIMITS.rows; state.isBusy;) {
        const {
          rows: found,
          looked,
          isAtEnd,
        } = await scan.page(control.signal, {
          ...STEP_LIMITS,
          rows: wanted,
        })
        wanted -= found.length
        if (this.#running === control) for (const row of found) this.#weight += weightOf(row)
        const rows = found.length === 0 ? state.rows : [...state.rows, ...found]
        const isFull = !isAtEnd && (rows.length >= ROWS_MAX || this.#weight >= WEIGHT_MAX)
        const isBusy = !(isAtEnd || isFull || wanted <= 0 || control.signal.aborted)
        const { total, ranges } = scan
        state = {
          ...state,
          rows,
          looked: state.looked + looked,
          total,
          ranges,
          isBusy,
          isAtEnd,
          isFull,
        }
        const nowMs = performance.now()
        if (isBusy && nowMs - shownMs < SHOW_EVERY_MS) continue
        shownMs = nowMs
        show()
      }
    } catch (error) {
      state = { ...state, isBusy: false, error }
      show()
    }
  }

  #set(state: Reading): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
