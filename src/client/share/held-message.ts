/** A message that this member has: its lock, as far as this tab can tell, and what became of it. */
import type { DecodedRecord } from '../../codec/decode-batch.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type { PendingAnswer } from '../request/reply.js'

export class HeldMessage {
  readonly partition: AssignedPartition
  readonly record: DecodedRecord
  readonly deliveryCount: number
  /** How long its lock lasts, and lasts anew when it is renewed: the group's to say, not this member's. */
  readonly lockDurationMs: number
  /** By the tab's own clock, the one that nobody sets. */
  lockedUntilMs: number
  /** Somebody has said what becomes of it, or nobody may any more. */
  isSettled = false
  /** It was released by `acknowledge`, and somebody is to have it again. */
  comesAgain = false
  /** Of a request that a handler has. */
  answer: PendingAnswer | undefined
  #abort: AbortController | undefined
  #isLost = false
  /** Why its handler is to end. */
  #aborted: { readonly reason: unknown } | undefined

  constructor(
    partition: AssignedPartition,
    record: DecodedRecord,
    lock: { deliveryCount: number; lockDurationMs: number; lockedUntilMs: number },
  ) {
    this.partition = partition
    this.record = record
    this.deliveryCount = lock.deliveryCount
    this.lockDurationMs = lock.lockDurationMs
    this.lockedUntilMs = lock.lockedUntilMs
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** Made when it is asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted.reason)
    }
    return this.#abort.signal
  }

  /** The lock is gone: nothing that is said of the message counts any more. */
  lose(reason: unknown): void {
    this.#isLost = true
    this.isSettled = true
    this.abort(reason)
  }

  /** The handler is to end. The lock may still be there: while the consumer stops, it is. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason }
    this.#abort?.abort(reason)
  }
}
