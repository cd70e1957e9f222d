/**
 * Group commit: everything decided while a transaction is under way goes into the next one, in the
 * order in which it was decided. Whoever decided waits here until the transaction with its records
 * completed. When one fails, everything decided after it stood on state that is not on disk: all of
 * it is rejected, and the owner loads the state again.
 */
import { deferred, type Deferred } from '../../std/deferred.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { Durability, Storage } from '../ports.js'
import type { DurableRecord } from '../records.js'

export interface GroupCommitOptions {
  readonly storage: Storage
  readonly limits: BrokerLimits
  /** Called for each transaction that completed, before those who wait for it are told. */
  readonly onCommitted: (records: readonly DurableRecord[]) => void
  /** Called once when a transaction failed; nothing may be added from then on. */
  readonly onFailed: (error: unknown) => void
}

interface Entry {
  readonly records: readonly DurableRecord[]
  readonly durability: Durability
  readonly bytes: number
  readonly done: Deferred<void>
}

export class GroupCommit {
  readonly #options: GroupCommitOptions
  #queue: Entry[] = []
  #underWay: readonly Entry[] = []
  #failure: { readonly error: unknown } | undefined
  #pendingBytes = 0

  constructor(options: GroupCommitOptions) {
    this.#options = options
  }

  /** What of batches waits for the disk or is being written: memory that only the disk can free. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Resolves when the records, all of them or none, are durable. */
  add(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    const done = deferred<void>()
    const bytes = bytesOf(records)
    this.#queue.push({ records, durability, bytes, done })
    this.#pendingBytes += bytes
    if (this.#underWay.length === 0) void this.#flush()
    return done.promise
  }

  /** Resolves when everything decided so far is durable: what a read that saw it waits for. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    const last = this.#queue.at(-1) ?? this.#underWay.at(-1)
    return last === undefined ? Promise.resolve() : last.done.promise
  }

  /**
   * Rejects what is not being written yet, and everything that is added from now on. Resolves when
   * nothing is under way any more, whatever became of it.
   */
  async abandon(cause: unknown): Promise<void> {
    this.#failure ??= { error: cause }
    for (const entry of this.#queue.splice(0)) entry.done.reject(cause)
    await this.#underWay.at(-1)?.done.promise.catch(() => {
      // Those who wait for it are told.
    })
  }

  async #flush(): Promise<void> {
    const { storage, onCommitted, onFailed } = this.#options
    try {
      while (this.#queue.length > 0) {
        this.#underWay = this.#takeTransaction()
        const records = this.#underWay.flatMap((entry) => entry.records)
        const isStrict = this.#underWay.some((entry) => entry.durability === 'strict')
        await storage.commit(records, isStrict ? 'strict' : 'relaxed')
        onCommitted(records)
        for (const entry of this.#underWay) {
          this.#pendingBytes -= entry.bytes
          entry.done.resolve()
        }
        this.#underWay = []
      }
    } catch (error) {
      const doomed = [...this.#underWay, ...this.#queue]
      this.#underWay = []
      this.#queue = []
      this.#failure = { error }
      for (const entry of doomed) entry.done.reject(error)
      onFailed(error)
    }
  }

  #takeTransaction(): Entry[] {
    const { transactionBytesMax } = this.#options.limits
    let bytes = 0
    const firstLeftOut = this.#queue.findIndex((entry, index) => {
      bytes += entry.bytes
      return index > 0 && bytes > transactionBytesMax
    })
    return this.#queue.splice(0, firstLeftOut < 0 ? this.#queue.length : firstLeftOut)
  }
}

function bytesOf(records: readonly DurableRecord[]): number {
  let bytes = 0
  for (const record of records) if (record.type === 'batch') bytes += record.batch.byteLength
  return bytes
}
