/**
 * The state of the core and its way to the disk: replays what was decided, has the durable part
 * committed, and says what became durable. When a transaction fails, the state stands on what is not
 * on disk: it is dropped, whoever waits gets the error, and the state is loaded again. That is the
 * same path as a restart, so it is exercised all the time. A disk that is too full for batches takes
 * back the batches alone: members, their commits and all else go on.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId } from '../../protocol/names.js'
import type { Logger, Storage, Timer } from '../ports.js'
import { isDurable, type DecisionContext, type StateRecord, type StoreRecord } from '../records.js'
import { BrokerState } from './broker-state.js'
import { GroupCommit, type EntryOptions, type Urgency } from './group-commit.js'

const RECOVERY_BACKOFF_MS = 100
const RECOVERY_BACKOFF_MS_MAX = 5_000

export interface ShardRuntimeOptions {
  readonly storage: Storage
  readonly timer: Timer
  readonly logger: Logger
  readonly limits: BrokerLimits
  readonly context: () => DecisionContext
  readonly listener: ShardListener
}

export interface ShardListener {
  /** The state is another than before; perhaps not durably yet. */
  changed(): void
  committed(news: CommittedNews): void
  /** The state was loaded again: nothing soft is left of it. */
  recovered(): void
  /** The state cannot be loaded again: it is over. */
  ended(): void
}

/** What a transaction that completed means to those who wait. */
export interface CommittedNews {
  /** Partitions of which more can be read than before, and how many bytes more. */
  readonly readable: ReadonlyMap<PartitionId, number>
  /** Partitions that were made or deleted, or whose log start moved. */
  readonly changed: ReadonlySet<PartitionId>
  readonly topicsChanged: boolean
  /** What has changed in stores, in its order. */
  readonly stores: readonly StoreRecord[]
}

export class ShardRuntime {
  readonly #options: ShardRuntimeOptions
  #state: BrokerState
  #commit: GroupCommit
  #recovery: Promise<void> | undefined
  #isClosed = false
  #endBackoff = () => {}

  constructor(state: BrokerState, options: ShardRuntimeOptions) {
    this.#state = state
    this.#options = options
    this.#commit = this.#newCommit()
  }

  get state(): BrokerState {
    return this.#state
  }

  /** What of batches is decided and not on the disk yet. */
  get pendingBytes(): number {
    return this.#commit.pendingBytes
  }

  get isRecovering(): boolean {
    return this.#recovery !== undefined
  }

  /**
   * Resolves when the recovery under way is over; rejects when there will be no state any more. By
   * then the next one may be under way: look at `isRecovering` again before deciding anything.
   */
  async recovered(): Promise<void> {
    await this.#recovery
  }

  /**
   * Replays the records and has the durable ones committed: the one way in which state changes.
   * Resolves when they, and what was decided before, are durable. When topics changed, the groups
   * that read them get a new target in the same transaction. With nothing to write it does not wait for
   * batches: whatever rests on them asks for those (`batchesDurable`).
   */
  write(
    decided: readonly StateRecord[],
    urgency: Urgency,
    options: EntryOptions = {},
  ): Promise<void> {
    if (decided.length === 0) return this.#commit.settled({ withBatches: false })
    let records: readonly StateRecord[]
    try {
      records = this.#replay(decided)
    } catch (error) {
      this.recover(error)
      return Promise.reject(error)
    }
    const durable = records.filter(isDurable)
    const committed =
      durable.length === 0
        ? this.#commit.settled({ withBatches: false })
        : this.#commit.add(durable, urgency, options)
    this.#options.listener.changed()
    return committed
  }

  /** Resolves when the batches of a partition up to this base offset are durable. */
  batchesDurable(partitionId: PartitionId, upToOffset: number): Promise<void> {
    return this.#commit.batchesDurable(partitionId, upToOffset)
  }

  /** Waits for what is on its way to the disk, and writes nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#endBackoff()
    await this.#commit.settled({ withBatches: true }).catch(() => {
      // Whoever decided it was told.
    })
  }

  #replay(decided: readonly StateRecord[]): readonly StateRecord[] {
    for (const record of decided) this.#state.replay(record)
    if (!decided.some(changesTopics)) return decided
    const context = this.#options.context()
    const { groups, shares } = this.#state
    const more = [...groups.topicsChanged(context), ...shares.topicsChanged(context)]
    for (const record of more) this.#state.replay(record)
    return [...decided, ...more]
  }

  #newCommit(): GroupCommit {
    const { storage, limits, timer } = this.#options
    return new GroupCommit({
      storage,
      limits,
      timer,
      onCommitted: (records) => this.#onCommitted(records),
      onBatchesRejected: (stays) => this.#rollBack(stays),
      onFailed: (error) => this.recover(error),
    })
  }

  #onCommitted(records: readonly StateRecord[]): void {
    const readable = new Map<PartitionId, number>()
    const changed = new Set<PartitionId>()
    const stores: StoreRecord[] = []
    let topicsChanged = false
    for (const record of records) {
      if (record.type === 'batch') {
        const { partitionId, batch } = record
        const log = this.#state.logs.find(partitionId)
        if (log?.batchIsDurable(batch) !== true) continue
        readable.set(partitionId, (readable.get(partitionId) ?? 0) + batch.byteLength)
      } else if (record.type === 'producer') {
        const { partitionId, producerId, value } = record
        this.#state.logs.find(partitionId)?.producerIsDurable(producerId, value)
      } else if (record.type === 'publisher') {
        const { exchangeId, producerId, value } = record
        this.#state.exchanges.publisherIsDurable(exchangeId, producerId, value)
      } else if (record.type === 'partition') {
        changed.add(record.partitionId)
      } else if (record.type === 'topic') {
        topicsChanged = true
      } else if (record.type === 'storeEntry' || record.type === 'storeCleared') {
        stores.push(record)
      }
    }
    this.#options.listener.committed({ readable, changed, topicsChanged, stores })
  }

  /** Back to what is durable, and on to what will be without any batch. */
  #rollBack(stays: readonly StateRecord[]): void {
    const { logs, exchanges } = this.#state
    this.#options.logger.warn(
      'there is no space: batches and entries of stores that are under way are rejected',
    )
    this.#state.rollBack()
    for (const record of stays) {
      if (record.type === 'producer' && logs.find(record.partitionId)) logs.replay(record)
      if (record.type === 'publisher' && exchanges.has(record.exchangeId)) exchanges.replay(record)
    }
    this.#options.listener.changed()
  }

  /** Drops the state and loads it again, until that succeeds or the storage is somebody else's. */
  recover(cause: unknown): void {
    if (this.#isClosed || this.#recovery !== undefined) return
    const { logger, listener } = this.#options
    logger.error('the state is loaded again', cause)
    const recovery = this.#reload(cause).then(() => {
      this.#recovery = undefined
      listener.recovered()
    })
    this.#recovery = recovery
    recovery.catch((error: unknown) => {
      if (this.#isClosed) return
      logger.error('the broker ends: its state cannot be loaded again', error)
      listener.ended()
    })
  }

  async #reload(cause: unknown): Promise<void> {
    const { storage, limits, context, timer } = this.#options
    // What is still being written is in the loaded state only if it is loaded afterwards.
    await this.#commit.abandon(cause)
    for (let backoffMs = RECOVERY_BACKOFF_MS; ; backoffMs *= 2) {
      try {
        this.#state = new BrokerState(await storage.load(), limits, context().nowMs)
        this.#commit = this.#newCommit()
        return
      } catch (error) {
        if (this.#isClosed) throw brokerClosed(error)
        const isPassing = error instanceof TabmqError && error.retriable
        if (!isPassing || backoffMs > RECOVERY_BACKOFF_MS_MAX) throw error
        await new Promise<void>((resolve) => {
          const cancel = timer.schedule(backoffMs, resolve)
          this.#endBackoff = () => {
            cancel()
            resolve()
          }
        })
        if (this.#isClosed) throw brokerClosed(error)
      }
    }
  }
}

/** For those who asked too late, or waited for the state: there may be another broker. */
export function brokerClosed(cause?: unknown): TabmqError {
  return new TabmqError('BROKER_UNAVAILABLE', 'the broker has closed', {}, cause)
}

/** Partitions come and go with a `topic` record; one of a partition alone moves its log start. */
function changesTopics(record: StateRecord): boolean {
  return record.type === 'topic'
}
