/**
 * How many messages to have at hand: as many as the handlers get through in a moment. Of short jobs that is
 * many, so that none waits for the broker; of long ones hardly more than are handled, so that none waits
 * here while another member has nothing to do.
 */

/** What is at hand is meant to last for so long. */
export const MOMENT_MS = 50
/** How much the last handler counts beside all before. */
const WEIGHT = 0.1
const HANDLER_MS_MIN = 0.001

export class PrefetchEstimate {
  readonly #concurrency: number
  readonly #maxInFlight: number
  #averageMs: number | undefined

  constructor({ concurrency, maxInFlight }: { concurrency: number; maxInFlight: number }) {
    this.#concurrency = concurrency
    this.#maxInFlight = maxInFlight
  }

  /** So long a handler took. */
  note(tookMs: number): void {
    this.#averageMs =
      this.#averageMs === undefined ? tookMs : this.#averageMs + WEIGHT * (tookMs - this.#averageMs)
  }

  /**
   * Those that are being handled included. Nothing beyond them while nobody knows how long handlers take,
   * or when one has been at it for long.
   */
  wanted(runningForMs: number): number {
    const handlerMs = Math.max(this.#averageMs ?? Infinity, runningForMs, HANDLER_MS_MIN)
    const ahead = Math.floor((this.#concurrency * MOMENT_MS) / handlerMs)
    return Math.min(this.#concurrency + ahead, this.#maxInFlight)
  }
}
