/**
 * Group commit: everything decided while a transaction is under way goes into the next one, in the
 * order in which it was decided. Whoever decided waits here until the transaction with its records
 * completed. When one fails, everything decided after it stood on state that is not on disk: all of
 * it is rejected, and the owner loads the state again.
 *
 * A transaction costs the same whatever is in it, and holds up those that come after. What nobody
 * waits for lingers, until there is something to share a transaction with or `commitLingerMs` is over.
 *
 * But for a full disk, which is no accident but a state that lasts: then what takes space, batches and
 * entries of stores, alone is rejected, that of the transaction and that which waits, the owner takes it
 * back, and all else is written without it. Nothing else is decided upon batches that are not durable yet.
 */
import { deferred, type Deferred } from '../../std/deferred.js'
import { hasCode, TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId } from '../../protocol/names.js'
import type { Durability, Storage, Timer } from '../ports.js'
import { needsSpace, type DurableRecord } from '../records.js'

/** How sure it is to be once it is answered, and whether it waits for others to go with. */
export type Urgency = Durability | 'lingering'

export interface GroupCommitOptions {
  readonly storage: Storage
  readonly limits: BrokerLimits
  readonly timer: Timer
  /** Called for each transaction that completed, before those who wait for it are told. */
  readonly onCommitted: (records: readonly DurableRecord[]) => void
  /**
   * Called when there is no space for batches, before those who wait for them are told: none that is
   * not durable will be. What is still to be written without them is given.
   */
  readonly onBatchesRejected: (stays: readonly DurableRecord[]) => void
  /** Called once when a transaction failed; nothing may be added from then on. */
  readonly onFailed: (error: unknown) => void
}

export interface EntryOptions {
  /**
   * Batches, or entries of a store, and other changes that are one: when there is no space nothing of it is
   * written, and what this returns, which takes the others back in memory, is written instead.
   */
  readonly undo?: () => readonly DurableRecord[]
}

interface Entry extends EntryOptions {
  readonly records: readonly DurableRecord[]
  readonly durability: Durability
  readonly bytes: number
  /** On a full disk it is rejected, and nothing else is with it. */
  readonly isRefusable: boolean
  /** Of that, what others may rest on: it changes more than the logs and the stores. */
  readonly isRestedOn: boolean
  readonly done: Deferred<void>
}

export class GroupCommit {
  readonly #options: GroupCommitOptions
  #queue: Entry[] = []
  /** Whether anything in the queue is to be written as soon as nothing else is. */
  #isDue = false
  #cancelLinger: (() => void) | undefined
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
  add(
    records: readonly DurableRecord[],
    urgency: Urgency,
    options: EntryOptions = {},
  ): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    const done = deferred<void>()
    const bytes = bytesOf(records)
    const isRefusable = records.some((record) => standsOnBatches(record) || needsSpace(record))
    const isRestedOn = isRefusable && !records.some(goesWithBatches) && options.undo !== undefined
    const durability = urgency === 'strict' ? 'strict' : 'relaxed'
    const kind = { durability, isRefusable, isRestedOn } as const
    this.#queue.push({ records, bytes, done, ...kind, ...options })
    this.#pendingBytes += bytes
    if (urgency === 'lingering') this.#linger()
    else this.#flush()
    return done.promise
  }

  /**
   * Resolves when everything decided so far is durable: what a read that saw it waits for. Without
   * batches for reads that look at none, so that a full disk does not fail them.
   */
  async settled({ withBatches }: { withBatches: boolean }): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    const pending = [...this.#underWay, ...this.#queue]
    // Each kind in its order; what needs space may be rejected where the others are not.
    const others = pending.findLast(({ isRefusable }) => !isRefusable)
    const refusable = withBatches ? pending.findLast(({ isRefusable }) => isRefusable) : undefined
    const waitedFor = [
      ...[refusable, others].flatMap((entry) => entry?.done.promise ?? []),
      ...pending
        .filter(({ isRestedOn }) => isRestedOn)
        .map(({ done }) => orTakenBack(done.promise)),
    ]
    if (waitedFor.length > 0) this.#flush()
    await Promise.all(waitedFor)
  }

  /**
   * Resolves when the batches of a partition up to this base offset are durable, and waits for nothing
   * else: others that are decided later may be rejected without them. With Infinity, when what its
   * producers have sent is, too.
   */
  async batchesDurable(partitionId: PartitionId, upToOffset: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    const isOne = (record: DurableRecord) =>
      goesWithBatches(record) &&
      record.partitionId === partitionId &&
      (record.type === 'batch' ? record.baseOffset : Infinity) <= upToOffset
    const pending = [...this.#underWay, ...this.#queue]
    await pending.findLast(({ records }) => records.some(isOne))?.done.promise
  }

  /**
   * Rejects what is not being written yet, and everything that is added from now on. Resolves when
   * nothing is under way any more, whatever became of it.
   */
  async abandon(cause: unknown): Promise<void> {
    this.#failure ??= { error: cause }
    this.#cancelLinger?.()
    for (const entry of this.#queue.splice(0)) entry.done.reject(cause)
    await this.#underWay.at(-1)?.done.promise.catch(() => {
      // Those who wait for it are told.
    })
  }

  #linger(): void {
    if (this.#isDue || this.#cancelLinger !== undefined) return
    const { timer, limits } = this.#options
    this.#cancelLinger = timer.schedule(limits.commitLingerMs, () => this.#flush())
  }

  /** Writes all that is in the queue, as soon as nothing is being written. */
  #flush(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    this.#isDue = this.#queue.length > 0
    if (this.#isDue && this.#underWay.length === 0) void this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    while (this.#isDue && this.#queue.length > 0) {
      this.#underWay = this.#takeTransaction()
      this.#isDue = this.#queue.length > 0
      try {
        await this.#write(this.#underWay)
      } catch (error) {
        this.#onWriteFailed(error)
      }
      this.#underWay = []
    }
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const { storage, onCommitted } = this.#options
    const records = entries.flatMap((entry) => entry.records)
    const isStrict = entries.some((entry) => entry.durability === 'strict')
    await storage.commit(records, isStrict ? 'strict' : 'relaxed')
    onCommitted(records)
    for (const entry of entries) {
      this.#pendingBytes -= entry.bytes
      entry.done.resolve()
    }
  }

  #onWriteFailed(error: unknown): void {
    try {
      // Once abandoned nothing more is written: the state is loaded from what is there.
      const isOver = this.#failure !== undefined
      if (!isOver && hasCode(error, 'STORAGE_FULL') && this.#rejectBatches(error)) return
    } catch (bug) {
      this.#fail(bug)
      return
    }
    this.#fail(error)
  }

  /** Whether the batches were what did not fit, and the rest is written without them. */
  #rejectBatches(error: unknown): boolean {
    const pending = [...this.#underWay, ...this.#queue]
    const refused = pending.filter(({ isRefusable }) => isRefusable)
    const isAboutSpace = this.#underWay.some(({ isRefusable }) => isRefusable)
    if (!isAboutSpace || !refused.every(canBeTakenBack)) return false
    this.#queue = pending.filter(({ isRefusable }) => !isRefusable)
    // Behind what was decided since, whose rows may rest on what is taken back: the last ones count. The
    // last that was decided is the first to go.
    for (const { undo } of [...refused].reverse()) if (undo !== undefined) this.#addUndone(undo())
    this.#isDue = this.#queue.length > 0
    this.#options.onBatchesRejected(this.#queue.flatMap(({ records }) => records))
    for (const entry of refused) {
      this.#pendingBytes -= entry.bytes
      entry.done.reject(error)
    }
    return true
  }

  #addUndone(records: readonly DurableRecord[]): void {
    if (records.length === 0) return
    const done = deferred<void>()
    done.promise.catch(() => {
      // Nobody waits for it: when it cannot be written, the state is loaded again.
    })
    this.#queue.push({
      records,
      durability: 'relaxed',
      bytes: 0,
      isRefusable: false,
      isRestedOn: false,
      done,
    })
  }

  #fail(error: unknown): void {
    const doomed = [...this.#underWay, ...this.#queue]
    this.#queue = []
    this.#failure ??= { error }
    for (const entry of doomed) entry.done.reject(error)
    this.#options.onFailed(error)
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

/**
 * A batch, or that a producer has sent one. That may stand on a batch before it though none was appended
 * for it: without that one, nobody must believe that it is there.
 */
function goesWithBatches(
  record: DurableRecord,
): record is Extract<DurableRecord, { type: 'batch' | 'producer' }> {
  return record.type === 'batch' || (record.type === 'producer' && record.value !== null)
}

/** The same, or that a producer has published something, which may be there from before. */
function standsOnBatches(record: DurableRecord): boolean {
  return goesWithBatches(record) || (record.type === 'publisher' && record.value !== null)
}

const REFUSED_ALONE: ReadonlySet<DurableRecord['type']> = new Set([
  'batch',
  'producer',
  'publisher',
  'storeEntry',
  'storeCleared',
])

/** Rolling back undoes batches and what goes with them; other changes undo themselves. */
function canBeTakenBack({ records, undo }: Entry): boolean {
  if (undo !== undefined) return true
  return records.every(({ type }) => REFUSED_ALONE.has(type))
}

function bytesOf(records: readonly DurableRecord[]): number {
  let bytes = 0
  for (const record of records) {
    if (record.type === 'batch') bytes += record.batch.byteLength
    else if (record.type === 'storeEntry') bytes += record.value?.byteLength ?? 0
  }
  return bytes
}

/** What was answered on the strength of it may be asked again. */
async function orTakenBack(done: Promise<void>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!hasCode(error, 'STORAGE_FULL')) throw error
    const message = 'what this rests on was taken back for want of space'
    throw new TabmqError('STORAGE_ERROR', message, {}, error)
  }
}
