/**
 * What one tab takes of the broker for itself: requests in flight and the thread's time. It goes by
 * session id and outlives a second hello of the same tab, which must not be a way round the limits.
 */
import { TabmqError } from '../../protocol/errors.js'
import { SESSION_TURN_MS, type BrokerLimits } from '../../protocol/limits.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import type { Clock, Timer } from '../ports.js'

export interface SessionShareOptions {
  readonly limits: BrokerLimits
  readonly clock: Clock
  readonly timer: Timer
}

export class SessionShare {
  readonly #options: SessionShareOptions
  #requestsInFlight = 0
  /** How long the thread has worked for it since its turn began. */
  #spentMs = 0
  #isTurnTimed = false
  /** Requests that wait for its next turn, in order. */
  readonly #waiting: Deferred<void>[] = []

  constructor(options: SessionShareOptions) {
    this.#options = options
  }

  /**
   * Runs one request within the limit of requests in flight.
   * @throws TabmqError THROTTLING_QUOTA_EXCEEDED
   */
  async run<T>(request: () => Promise<T>): Promise<T> {
    const { sessionRequestsInFlightMax } = this.#options.limits
    if (this.#requestsInFlight >= sessionRequestsInFlightMax) {
      throw new TabmqError(
        'THROTTLING_QUOTA_EXCEEDED',
        `this tab has ${sessionRequestsInFlightMax} requests in flight, the most there may be`,
        { sessionRequestsInFlightMax },
      )
    }
    this.#requestsInFlight += 1
    try {
      return await request()
    } finally {
      this.#requestsInFlight -= 1
    }
  }

  /**
   * Lets a request begin in the tab's turn, and in the order of its requests. A tab that does not keep
   * the thread busy is never in the way of another, and does not wait.
   */
  async inTurn<T>(begin: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || this.#spentMs >= SESSION_TURN_MS) {
      const turn = deferred<void>()
      this.#waiting.push(turn)
      await turn.promise
    }
    const begun = begin()
    // What it waits for from here on (the disk, messages) keeps nobody from the thread.
    this.#beginNext()
    return begun
  }

  /** Work that nothing else of the thread gets in between of. */
  timed<T>(work: () => T): T {
    const { clock, timer } = this.#options
    const startedMs = clock.nowMs()
    try {
      return work()
    } finally {
      const tookMs = Math.max(0, clock.nowMs() - startedMs)
      this.#spentMs += tookMs
      if (tookMs > 0 && !this.#isTurnTimed) {
        this.#isTurnTimed = true
        timer.schedule(1, () => this.#beginTurn())
      }
    }
  }

  #beginTurn(): void {
    this.#isTurnTimed = false
    this.#spentMs = 0
    this.#beginNext()
  }

  #beginNext(): void {
    if (this.#spentMs < SESSION_TURN_MS) this.#waiting.shift()?.resolve()
  }
}
