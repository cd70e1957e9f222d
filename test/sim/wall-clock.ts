/** What the machine believes the time to be: as the scheduler has it, and by how much it was set. */
import type { Scheduler } from './scheduler.js'

export class WallClock {
  readonly #scheduler: Scheduler
  #aheadMs = 0
  #aheadMsMax = 0

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  nowMs(): number {
    return this.#scheduler.nowMs + this.#aheadMs
  }

  /** By how much it is behind what it has been: what was put off until then is not due before. */
  get behindMs(): number {
    return this.#aheadMsMax - this.#aheadMs
  }

  /** Somebody sets it, forward or back, for everybody on the machine. */
  jump(byMs: number): void {
    this.#aheadMs += byMs
    this.#aheadMsMax = Math.max(this.#aheadMsMax, this.#aheadMs)
  }
}
