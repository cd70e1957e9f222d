/**
 * What the broker needs from the world, as interfaces: storage, time, randomness, a way to say
 * something. The SharedWorker gives it the real ones, tests and the simulator their own. Nothing
 * under src/broker touches a host global.
 */
import type { BatchEdge } from '../protocol/batch-header.js'
import type {
  ExchangeId,
  GroupId,
  PartitionId,
  ProducerId,
  StoreName,
  TopicId,
} from '../protocol/names.js'
import type { Push } from '../protocol/push.js'
import type { StorageEstimate } from '../protocol/requests/cluster.js'
import type { StoreEntry, StoreReadRequest } from '../protocol/requests/stores.js'
import type { DurableRecord } from './records.js'
import type {
  BindingRow,
  ExchangeRow,
  GroupRow,
  OffsetRow,
  PartitionRow,
  ProducerRow,
  PublisherRow,
  ShareGroupRow,
  SharePartitionRow,
  TopicRow,
} from './rows.js'

/** How much a commit must survive: `relaxed` a killed browser, `strict` a power cut as well. */
export type Durability = 'relaxed' | 'strict'

/**
 * One database, used by one broker. Every method may reject with a TabmqError (`STORAGE_FULL`,
 * `STORAGE_ERROR`, `BROKER_SUPERSEDED`, …). Of what a rejected commit carried no part is there
 * afterwards, unless the error is `STORAGE_ERROR`: then all of it may be there or none, as when the
 * connection was cut before the completion was told, and only `load` says which. When the database
 * that was loaded has been deleted, every method rejects with `STORAGE_LOST`, for good: another of
 * the same name is not this one, and none is made.
 */
export interface Storage {
  /**
   * Reads everything but the batches. Called before anything else, when it raises the broker epoch,
   * and again after a failed commit, when it rejects if another broker has raised it since.
   */
  load(): Promise<StoredState>
  /**
   * Writes all of the records in one transaction, in their order, and resolves when it completed. One
   * commit is under way at a time, and its records and their buffers stay as they are until then.
   * The transaction checks the broker epoch: when another broker has raised it, nothing is written
   * and the call rejects with `BROKER_SUPERSEDED`.
   */
  commit(records: readonly DurableRecord[], durability: Durability): Promise<void>
  /**
   * Stored batches of a partition in offset order, starting with the one that contains
   * `fromOffset` (the last whose base offset is not above it) or, failing that, the first after it.
   * Reading stops when `maxBytes` or `maxBatches` is reached; at least one is read if there is any.
   */
  readBatches(range: BatchRange): Promise<ArrayBuffer[]>
  /**
   * Entries of a store in the order of their keys (by UTF-16 code units, as JavaScript compares strings),
   * from the key `from` on and before `to`. Reading stops at `limit`, and when `maxBytes` of values is
   * passed; at least one is read if there is any. What a commit changes is seen once that has resolved, all
   * of it or none.
   */
  readStore(range: StoreReadRequest): Promise<StorePage>
  /** What the origin uses and may use, where the platform tells. */
  estimate(): Promise<StorageEstimate>
  /** After this, every call rejects. Waits for the transaction under way. */
  close(): Promise<void>
}

export interface BatchRange {
  readonly partitionId: PartitionId
  readonly fromOffset: number
  readonly maxBytes: number
  readonly maxBatches: number
}

export interface StorePage {
  readonly entries: readonly StoreEntry[]
  /** Whether more may follow. */
  readonly hasMore: boolean
}

/** All rows but batches and what stores hold; of batches the edges of each partition that has any. */
export interface StoredState {
  /** A random string, made with the database: another database of the same name has another. */
  readonly databaseId: string
  readonly brokerEpoch: number
  readonly nextPartitionId: number
  readonly topics: readonly (readonly [TopicId, TopicRow])[]
  readonly partitions: readonly (readonly [PartitionId, PartitionRow])[]
  readonly producers: readonly (readonly [PartitionId, ProducerId, ProducerRow])[]
  readonly groups: readonly (readonly [GroupId, GroupRow])[]
  readonly offsets: readonly (readonly [GroupId, PartitionId, OffsetRow])[]
  readonly shareGroups: readonly (readonly [GroupId, ShareGroupRow])[]
  readonly sharePartitions: readonly (readonly [GroupId, PartitionId, SharePartitionRow])[]
  /** Every store in which there is anything, perhaps one that has become empty. */
  readonly stores: readonly StoreName[]
  readonly exchanges: readonly (readonly [ExchangeId, ExchangeRow])[]
  readonly bindings: readonly (readonly [ExchangeId, number, BindingRow])[]
  readonly publishers: readonly (readonly [ExchangeId, ProducerId, PublisherRow])[]
  readonly edges: readonly LogEdges[]
}

/** The first and the last stored batch of a partition, and the base offsets they are stored under. */
export interface LogEdges {
  readonly partitionId: PartitionId
  readonly firstOffset: number
  readonly lastOffset: number
  readonly first: BatchEdge
  readonly last: BatchEdge
}

/** Wall-clock time in ms since 1970, for timestamps, retention and deadlines. */
export interface Clock {
  nowMs(): number
}

export interface Timer {
  /** Calls back once after `delayMs`; returns a function that cancels. */
  schedule(delayMs: number, callback: () => void): () => void
}

export interface Random {
  /** A string that was never returned before and is not guessed. */
  freshId(): string
}

export interface Logger {
  warn(message: string, details?: unknown): void
  error(message: string, details?: unknown): void
}

/** What the workers of one origin share: locks that one of them has at a time, and a way to each other. */
export interface Origin {
  requestLock(lockName: string, options: LockOptions): LockRequest
  /** Hears what others say on the channel of that name, whatever that may be. */
  openChannel(channelName: string, onMessage: (message: unknown) => void): Channel
}

export interface LockOptions {
  /** Takes the lock from whoever has it, instead of waiting for it. */
  readonly steals: boolean
  /** Somebody else has stolen it. */
  readonly onStolen: () => void
}

export interface LockRequest {
  /**
   * Resolves when the lock is held; rejects with STORAGE_BLOCKED when there are none to be had. Stays
   * pending when it is released before.
   */
  readonly held: Promise<void>
  /** Lets go of the lock, or no longer waits for it. */
  release(): void
}

export interface Channel {
  post(message: unknown): void
  close(): void
}

/** The way back to one tab. */
export interface PushPort {
  /**
   * Resolves when the tab has taken the push, with `true` if it was of use there; may stay pending for ever
   * when the tab is gone.
   */
  push(message: Push): Promise<boolean | void>
}
