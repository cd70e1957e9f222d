/**
 * Sees to it that what is due happens: sleeps until the next deadline of any part, and forgives lateness
 * that is nobody's. Deadlines are data of the core, by the wall clock, which may be set and which goes on
 * while the machine sleeps; timers do not.
 */
import type { BrokerLimits } from '../../protocol/limits.js'
import type { Clock, Timer } from '../ports.js'
import type { DecisionContext, StateRecord } from '../records.js'
import type { BrokerState } from './broker-state.js'

/** A timer this much later than it was set for means that the broker itself was away. */
const LATENESS_FORGIVEN_MS = 1_000
/** A clock that goes back by more was set back; by less, it is the timers that are not exact. */
const CLOCK_SLIP_MS = 1_000

export interface WakeupsOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly limits: BrokerLimits
  readonly state: () => BrokerState
  readonly context: () => DecisionContext
  /** Whether there is a state to decide on. */
  readonly isReady: () => boolean
  readonly write: (records: readonly StateRecord[]) => void
  /** What was due has been decided. */
  readonly onExpired: () => void
  /**
   * It is time for what is done now and then. By `livedMs`, the clock without what nobody has lived
   * through, nobody was silent for longer than so.
   */
  readonly onCheck: (context: DecisionContext, livedMs: number) => void
  /** A decision cannot be made: the state is not what it should be. */
  readonly onFailed: (error: unknown) => void
}

export class Wakeups {
  readonly #options: WakeupsOptions
  #isClosed = false
  #wakeup: { readonly dueMs: number; readonly cancel: () => void } | undefined
  #nextCheckMs: number
  /** By how much the clock has gone ahead of the timers: nobody was silent for that long. */
  #skippedMs = 0
  /** What the clock said last, or must say by now. */
  #lastSeenMs: number

  constructor(options: WakeupsOptions) {
    this.#options = options
    this.#lastSeenMs = options.clock.nowMs()
    this.#nextCheckMs = this.#lastSeenMs + options.limits.retentionCheckIntervalMs
  }

  close(): void {
    this.#isClosed = true
    this.#wakeup?.cancel()
  }

  /**
   * Sleeps until the next deadline of any part. What is overdue is due now, not late. Before anything is
   * decided that sets a deadline, too: one by the clock of now is not to be moved with the others.
   */
  schedule(): void {
    if (this.#isClosed) return
    const { clock, timer, state } = this.#options
    const nowMs = clock.nowMs()
    this.#followClock(nowMs)
    const { groups, shares } = state()
    const nextMs = Math.min(
      groups.nextDeadlineMs() ?? Infinity,
      shares.nextDeadlineMs() ?? Infinity,
      this.#nextCheckMs,
    )
    const dueMs = Math.max(nowMs, nextMs)
    if (this.#wakeup !== undefined) {
      if (this.#wakeup.dueMs <= dueMs) return
      this.#wakeup.cancel()
    }
    const cancel = timer.schedule(dueMs - nowMs, () => this.#onDue(dueMs))
    this.#wakeup = { dueMs, cancel }
  }

  /** Whoever is awaited in the state that was loaded is so by the clock of now. */
  stateLoaded(): void {
    this.#followClock(this.#options.clock.nowMs(), { areDeadlinesNew: true })
  }

  #onDue(dueMs: number): void {
    const { state, write, isReady, onExpired, onCheck, onFailed } = this.#options
    this.#wakeup = undefined
    if (this.#isClosed || !isReady()) return
    const context = this.#options.context()
    const lateMs = context.nowMs - dueMs
    this.#lastSeenMs = Math.max(this.#lastSeenMs, dueMs)
    try {
      if (lateMs > LATENESS_FORGIVEN_MS) this.#skip(lateMs)
      const { groups, shares } = state()
      write([...groups.expire(context), ...shares.expire(context)])
      if (context.nowMs >= this.#nextCheckMs) {
        this.#nextCheckMs = context.nowMs + this.#options.limits.retentionCheckIntervalMs
        onCheck(context, context.nowMs - this.#skippedMs)
      }
    } catch (error) {
      // Nobody waits for this decision.
      onFailed(error)
      return
    }
    onExpired()
    this.schedule()
  }

  /**
   * Deadlines are times of the wall clock. When that is set back they go with it: a silent member
   * would stay, and nothing be checked, until it is again as late as it was. When it is found to be
   * later than the timer that waits, they go with it as well: the clock was set, or everybody slept,
   * and who is heard first afterwards must not be the one for whom all others are late.
   */
  #followClock(nowMs: number, { areDeadlinesNew = false } = {}): void {
    const byMs = nowMs - this.#lastSeenMs
    this.#lastSeenMs = nowMs
    if (byMs <= -CLOCK_SLIP_MS) {
      this.#nextCheckMs += byMs
      if (!areDeadlinesNew) this.#moveDeadlines(byMs)
      return
    }
    const lateMs = nowMs - (this.#wakeup?.dueMs ?? nowMs)
    if (lateMs <= LATENESS_FORGIVEN_MS) return
    this.#wakeup?.cancel()
    this.#wakeup = undefined
    this.#skip(lateMs, { areDeadlinesNew })
  }

  /** So much of the clock's time nobody has lived through: it counts against nobody. */
  #skip(lateMs: number, { areDeadlinesNew = false } = {}): void {
    this.#skippedMs += lateMs
    if (!areDeadlinesNew) this.#moveDeadlines(lateMs)
  }

  #moveDeadlines(byMs: number): void {
    const { state, write } = this.#options
    const { groups, shares } = state()
    const context = this.#options.context()
    write([...groups.extendDeadlines(byMs, context), ...shares.extendDeadlines(byMs, context)])
  }
}
