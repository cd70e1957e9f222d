/**
 * What the ledger says of one partition, offset by offset: a bit for "acknowledged as sent" and one
 * for "handled". Rows may arrive in any order of the two: a message is sometimes handled before the
 * tab that sent it has heard of the acknowledgement.
 */
import { GrowingBytes, type ByteRuns } from './growing-bytes.js'

const SENT = 1
const HANDLED = 2
/** Waited when the group was set to a place behind it. */
const PASSED = 4
/** Waited when it was deleted. */
const EXPIRED = 8
/** Handled, and sent by others than the tabs of this page. */
const FOREIGN = 16
const LOST_NAMED_MAX = 100

/** All that a count has to know to go on. */
export interface PartitionState {
  readonly flags: ByteRuns
  readonly sent: number
  readonly handled: number
  readonly handledAndSent: number
  readonly twice: number
  readonly outOfOrder: number
  readonly highestHandled: number
  readonly highestHandledAtMs: number
  readonly firstWaiting: number
  readonly end: number
  readonly passed: number
  readonly expired: number
  readonly foreign: number
  readonly expiredSpans: readonly (readonly [from: number, until: number])[]
}

export class PartitionCount {
  #flags = new GrowingBytes()
  #sent = 0
  #handled = 0
  #handledAndSent = 0
  #twice = 0
  #outOfOrder = 0
  #highestHandled = -1
  #highestHandledAtMs = 0
  /** No offset below it is waiting. */
  #firstWaiting = 0
  #end = 0
  #passed = 0
  #expired = 0
  #foreign = 0
  /** What retention took while nobody had handled it, for rows that come later: from, until. */
  #expiredSpans: (readonly [from: number, until: number])[] = []

  static from(state: PartitionState): PartitionCount {
    const count = new PartitionCount()
    count.#flags = GrowingBytes.from(state.flags)
    count.#sent = state.sent
    count.#handled = state.handled
    count.#handledAndSent = state.handledAndSent
    count.#twice = state.twice
    count.#outOfOrder = state.outOfOrder
    count.#highestHandled = state.highestHandled
    count.#highestHandledAtMs = state.highestHandledAtMs
    count.#firstWaiting = state.firstWaiting
    count.#end = state.end
    count.#passed = state.passed
    count.#expired = state.expired
    count.#foreign = state.foreign
    count.#expiredSpans = [...state.expiredSpans]
    return count
  }

  get state(): PartitionState {
    return {
      flags: this.#flags.toRuns(),
      sent: this.#sent,
      handled: this.#handled,
      handledAndSent: this.#handledAndSent,
      twice: this.#twice,
      outOfOrder: this.#outOfOrder,
      highestHandled: this.#highestHandled,
      highestHandledAtMs: this.#highestHandledAtMs,
      firstWaiting: this.#firstWaiting,
      end: this.#end,
      passed: this.#passed,
      expired: this.#expired,
      foreign: this.#foreign,
      expiredSpans: this.#expiredSpans,
    }
  }

  /** Acknowledged as sent. */
  get sent(): number {
    return this.#sent
  }

  /** Acknowledged and handled. */
  get handled(): number {
    return this.#handledAndSent
  }

  /** Handled, while nobody has written down that it was acknowledged. */
  get unconfirmed(): number {
    return this.#handled - this.#handledAndSent - this.#foreign
  }

  /** Handled, and sent by others. */
  get foreign(): number {
    return this.#foreign
  }

  /** Acknowledged, and passed over on purpose. */
  get passed(): number {
    return this.#passed
  }

  /** Acknowledged, and deleted by retention before anybody handled it. */
  get expired(): number {
    return this.#expired
  }

  /** How often something was handled that had been handled before. */
  get twice(): number {
    return this.#twice
  }

  /** How many were handled for the first time after a later one was. */
  get outOfOrder(): number {
    return this.#outOfOrder
  }

  isSent(offset: number): boolean {
    return (this.#flags.get(offset) & SENT) !== 0
  }

  isHandled(offset: number): boolean {
    return (this.#flags.get(offset) & HANDLED) !== 0
  }

  noteSent(offset: number): void {
    if (this.isSent(offset)) return
    const flags = this.#flags.get(offset)
    this.#flags.set(offset, flags | SENT)
    this.#sent += 1
    if ((flags & HANDLED) !== 0) this.#handledAndSent += 1
    else if (this.#expiredSpans.some(([from, until]) => from <= offset && offset < until)) {
      this.#expire(offset)
    } else this.#firstWaiting = Math.min(this.#firstWaiting, offset)
    this.#end = Math.max(this.#end, offset + 1)
  }

  /** @returns whether it had been handled before */
  noteHandled(offset: number, atMs: number): boolean {
    const flags = this.#flags.get(offset)
    if ((flags & HANDLED) !== 0) {
      this.#twice += 1
      return true
    }
    if ((flags & PASSED) !== 0) this.#passed -= 1
    if ((flags & EXPIRED) !== 0) this.#expired -= 1
    this.#flags.set(offset, (flags | HANDLED) & ~(PASSED | EXPIRED))
    this.#handled += 1
    if ((flags & SENT) !== 0) this.#handledAndSent += 1
    if (offset > this.#highestHandled) {
      this.#highestHandled = offset
      this.#highestHandledAtMs = atMs
    } else if (atMs > this.#highestHandledAtMs) {
      // An earlier time means that the row only came later: it had to wait for another tab.
      this.#outOfOrder += 1
    }
    this.#end = Math.max(this.#end, offset + 1)
    return false
  }

  /** The message at this offset was handled at another one too. */
  noteHandledElsewhere(): void {
    this.#twice += 1
  }

  /** Sent by others: there is no word of theirs in the ledger. */
  noteForeign(offset: number): void {
    this.#flags.set(offset, this.#flags.get(offset) | FOREIGN)
    this.#foreign += 1
  }

  /** The group was set on from one place to another by hand. */
  notePassed(from: number, until: number): void {
    for (let offset = from; offset < Math.min(until, this.#end); offset++) {
      if (!this.#isWaiting(offset)) continue
      this.#flags.set(offset, SENT | PASSED)
      this.#passed += 1
    }
  }

  /** Deleted is what lies in front of `until`; the group had come to `from` by then. */
  noteDeleted(from: number, until: number): void {
    if (from >= until) return
    const last = this.#expiredSpans.at(-1)
    // At its limit a log is cut all the time, a little further.
    if (last !== undefined && last[0] <= from && from <= last[1]) {
      this.#expiredSpans[this.#expiredSpans.length - 1] = [last[0], Math.max(last[1], until)]
    } else this.#expiredSpans.push([from, until])
    for (let offset = from; offset < Math.min(until, this.#end); offset++) {
      if (this.#isWaiting(offset)) this.#expire(offset)
    }
  }

  /**
   * What was sent, lies below the committed offset and was not handled: nobody will handle it now.
   * Only the first hundred are named.
   */
  lost(committed: number): { readonly count: number; readonly first: readonly number[] } {
    while (this.#firstWaiting < this.#end && !this.#isWaiting(this.#firstWaiting)) {
      this.#firstWaiting += 1
    }
    const first: number[] = []
    let count = 0
    for (let offset = this.#firstWaiting; offset < Math.min(committed, this.#end); offset++) {
      if (!this.#isWaiting(offset)) continue
      count += 1
      if (first.length < LOST_NAMED_MAX) first.push(offset)
    }
    return { count, first }
  }

  /** Forgets what was handled from there on, and keeps what was sent: it is to be handled again. */
  startAgain(from: number): void {
    this.#handled = 0
    this.#handledAndSent = 0
    this.#passed = 0
    this.#expired = 0
    this.#foreign = 0
    this.#twice = 0
    this.#outOfOrder = 0
    this.#highestHandled = -1
    this.#firstWaiting = 0
    for (let offset = 0; offset < this.#end; offset++) {
      const before = this.#flags.get(offset)
      const flags = offset < from ? passedOver(before) : before & SENT
      this.#flags.set(offset, flags)
      if ((flags & PASSED) !== 0) this.#passed += 1
      if ((flags & EXPIRED) !== 0) this.#expired += 1
      if ((flags & HANDLED) === 0) continue
      if ((flags & FOREIGN) !== 0) this.#foreign += 1
      this.#handled += 1
      this.#highestHandled = offset
      if ((flags & SENT) !== 0) this.#handledAndSent += 1
    }
  }

  #expire(offset: number): void {
    this.#flags.set(offset, SENT | EXPIRED)
    this.#expired += 1
  }

  #isWaiting(offset: number): boolean {
    return this.#flags.get(offset) === SENT
  }
}

function passedOver(flags: number): number {
  return flags === SENT ? SENT | PASSED : flags
}
