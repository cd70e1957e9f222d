/** A message that this member has: its lock, as far as this tab can tell, and what became of it. */
import type { DecodedRecord } from '../../codec/decode-batch.js'
import type { AssignedPartition } from '../../protocol/requests.js'
import type { PendingAnswer } from '../request/reply.js'

export class HeldMessage {
  readonly partition: AssignedPartition
  readonly record: DecodedRecord
  readonly deliveryCount: number
  /** By the tab's own clock, the one that nobody sets. */
  lockedUntilMs: number
  /** Somebody has said what becomes of it, or nobody may any more. */
  isSettled = false
  /** It was released by `acknowledge`, and somebody is to have it again. */
  comesAgain = false
  /** Of a request that a handler has. */
  answer: PendingAnswer | undefined
  #abort: AbortController | undefined
  #lost: { readonly reason: unknown } | undefined

  constructor(
    partition: AssignedPartition,
    record: DecodedRecord,
    lock: { deliveryCount: number; lockedUntilMs: number },
  ) {
    this.partition = partition
    this.record = record
    this.deliveryCount = lock.deliveryCount
    this.lockedUntilMs = lock.lockedUntilMs
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Made when it is asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#lost !== undefined) this.#abort.abort(this.#lost.reason)
    }
    return this.#abort.signal
  }

  /** The lock is gone: nothing that is said of the message counts any more. */
  lose(reason: unknown): void {
    this.#lost ??= { reason }
    this.isSettled = true
    this.#abort?.abort(reason)
  }

  /** The handler is to end: the consumer stops. The lock is still there. */
  abort(reason: unknown): void {
    this.#lost ??= { reason }
    this.#abort?.abort(reason)
  }
}
