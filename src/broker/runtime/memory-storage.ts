/**
 * The Storage port over Maps, for tests, the simulator and `tabmq/testing`. It keeps the same
 * promises as the IndexedDB one: a commit is there as a whole or not at all, nobody shares a
 * buffer with it, and of two storages on one database the newer fences the older. What survives a
 * broker is the {@link MemoryDatabase}: hand it to the next storage and it finds everything.
 */
import { unreachable } from '../../std/assert.js'
import { headerOf } from '../../protocol/batch-header.js'
import { TabmqError } from '../../protocol/errors.js'
import type {
  ExchangeId,
  GroupId,
  PartitionId,
  ProducerId,
  StoreName,
  TopicId,
} from '../../protocol/names.js'
import type { StorageEstimate } from '../../protocol/requests/cluster.js'
import type { StoreReadRequest } from '../../protocol/requests/stores.js'
import type { BatchRange, LogEdges, Storage, StoredState, StorePage } from '../ports.js'
import type { DurableRecord } from '../records.js'
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
} from '../rows.js'

interface StoredBatch {
  readonly baseOffset: number
  readonly batch: ArrayBuffer
}

/** What a disk would hold. Rows are immutable and kept as they come; batches are copied. */
export class MemoryDatabase {
  readonly databaseId: string
  /** Set when it was deleted: whoever still has it open finds nothing any more, for good. */
  isDeleted = false
  brokerEpoch = 0
  nextPartitionId = 1
  readonly topics = new Map<TopicId, TopicRow>()
  readonly partitions = new Map<PartitionId, PartitionRow>()
  readonly producers = new Map<PartitionId, Map<ProducerId, ProducerRow>>()
  readonly groups = new Map<GroupId, GroupRow>()
  readonly offsets = new Map<GroupId, Map<PartitionId, OffsetRow>>()
  readonly shareGroups = new Map<GroupId, ShareGroupRow>()
  readonly sharePartitions = new Map<GroupId, Map<PartitionId, SharePartitionRow>>()
  /** A store without entries has no entry. */
  readonly storeEntries = new Map<StoreName, Map<string, ArrayBuffer>>()
  readonly exchanges = new Map<ExchangeId, ExchangeRow>()
  readonly bindings = new Map<ExchangeId, Map<number, BindingRow>>()
  readonly publishers = new Map<ExchangeId, Map<ProducerId, PublisherRow>>()
  /** Per partition in offset order; a partition without batches has no entry. */
  readonly batches = new Map<PartitionId, StoredBatch[]>()

  /** The id tells this database from one that takes its place. */
  constructor(databaseId = 'memory') {
    this.databaseId = databaseId
  }
}

export class MemoryStorage implements Storage {
  readonly #database: MemoryDatabase
  #brokerEpoch: number | undefined
  #closed = false

  constructor(database: MemoryDatabase = new MemoryDatabase()) {
    this.#database = database
  }

  async load(): Promise<StoredState> {
    this.#throwIfClosed()
    const database = this.#database
    if (this.#brokerEpoch === undefined) {
      database.brokerEpoch += 1
      this.#brokerEpoch = database.brokerEpoch
    }
    throwIfSuperseded(database, this.#brokerEpoch)
    return {
      databaseId: database.databaseId,
      brokerEpoch: this.#brokerEpoch,
      nextPartitionId: database.nextPartitionId,
      topics: [...database.topics],
      partitions: [...database.partitions],
      producers: flatten(database.producers),
      groups: [...database.groups],
      offsets: flatten(database.offsets),
      shareGroups: [...database.shareGroups],
      sharePartitions: flatten(database.sharePartitions),
      stores: [...database.storeEntries.keys()],
      exchanges: [...database.exchanges],
      bindings: flatten(database.bindings),
      publishers: flatten(database.publishers),
      edges: [...database.partitions.keys()].flatMap((partitionId) =>
        edgesOf(partitionId, database.batches.get(partitionId) ?? []),
      ),
    }
  }

  async commit(records: readonly DurableRecord[]): Promise<void> {
    this.#throwIfClosed()
    if (this.#brokerEpoch === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'nothing can be committed before load()')
    }
    throwIfSuperseded(this.#database, this.#brokerEpoch)
    for (const record of copyRecords(records)) apply(this.#database, record)
  }

  async readBatches(range: BatchRange): Promise<ArrayBuffer[]> {
    this.#throwIfClosed()
    const stored = this.#database.batches.get(range.partitionId) ?? []
    const next = indexAtOrAfter(stored, range.fromOffset)
    const exact = stored[next]?.baseOffset === range.fromOffset
    const found: ArrayBuffer[] = []
    let bytes = 0
    for (const { batch } of stored.slice(exact ? next : Math.max(0, next - 1))) {
      bytes += batch.byteLength
      if (found.length > 0 && (bytes > range.maxBytes || found.length >= range.maxBatches)) break
      found.push(batch.slice(0))
    }
    return found
  }

  async readStore({ store, from, to, limit, maxBytes }: StoreReadRequest): Promise<StorePage> {
    this.#throwIfClosed()
    const stored = this.#database.storeEntries.get(store) ?? new Map<string, ArrayBuffer>()
    const keys = [...stored.keys()].filter((key) => key >= from && (to === undefined || key < to))
    const entries: { key: string; value: ArrayBuffer }[] = []
    let bytes = 0
    for (const key of keys.sort(byCodeUnits)) {
      const value = stored.get(key) ?? new ArrayBuffer(0)
      bytes += value.byteLength
      const isFull = entries.length >= limit || bytes > maxBytes
      if (entries.length > 0 && isFull) return { entries, hasMore: true }
      entries.push({ key, value: value.slice(0) })
    }
    return { entries, hasMore: false }
  }

  async estimate(): Promise<StorageEstimate> {
    this.#throwIfClosed()
    let usageBytes = 0
    for (const batches of this.#database.batches.values()) {
      for (const { batch } of batches) usageBytes += batch.byteLength
    }
    for (const entries of this.#database.storeEntries.values()) {
      for (const value of entries.values()) usageBytes += value.byteLength
    }
    return { usageBytes, quotaBytes: undefined, persisted: undefined }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new TabmqError('ILLEGAL_STATE', 'the storage is closed')
    if (this.#database.isDeleted) throw new TabmqError('STORAGE_LOST', 'the database was deleted')
  }
}

function throwIfSuperseded(database: MemoryDatabase, brokerEpoch: number): void {
  if (database.brokerEpoch === brokerEpoch) return
  throw new TabmqError(
    'BROKER_SUPERSEDED',
    `another broker has opened this database: broker epoch ${database.brokerEpoch}, not ${brokerEpoch}`,
    { brokerEpoch, storedBrokerEpoch: database.brokerEpoch },
  )
}

/** Whatever can throw does so here, before the first record is applied. */
function copyRecords(records: readonly DurableRecord[]): DurableRecord[] {
  try {
    return records.map(copyRecord)
  } catch (error) {
    throw new TabmqError('STORAGE_ERROR', `a commit failed: ${String(error)}`, {}, error)
  }
}

function copyRecord(record: DurableRecord): DurableRecord {
  switch (record.type) {
    case 'batch':
      return { ...record, batch: record.batch.slice(0) }
    case 'storeEntry':
      return { ...record, value: record.value?.slice(0) ?? null }
    case 'topic':
    case 'partition':
    case 'nextPartitionId':
    case 'batchesDeleted':
    case 'producer':
    case 'group':
    case 'offset':
    case 'shareGroup':
    case 'sharePartition':
    case 'storeCleared':
    case 'exchange':
    case 'binding':
    case 'publisher':
      return record
    default:
      return unreachable(record)
  }
}

function apply(database: MemoryDatabase, record: DurableRecord): void {
  switch (record.type) {
    case 'topic':
      return setOrDelete(database.topics, record.topicId, record.value)
    case 'partition':
      return setOrDelete(database.partitions, record.partitionId, record.value)
    case 'nextPartitionId':
      database.nextPartitionId = record.value
      return
    case 'batch':
      return putBatch(database, record.partitionId, record)
    case 'batchesDeleted':
      return deleteBatches(database, record.partitionId, record.beforeOffset)
    case 'producer':
      return setOrDeleteIn(database.producers, record.partitionId, record.producerId, record.value)
    case 'group':
      return setOrDelete(database.groups, record.groupId, record.value)
    case 'offset':
      return setOrDeleteIn(database.offsets, record.groupId, record.partitionId, record.value)
    case 'shareGroup':
      return setOrDelete(database.shareGroups, record.groupId, record.value)
    case 'sharePartition':
      return setOrDeleteIn(
        database.sharePartitions,
        record.groupId,
        record.partitionId,
        record.value,
      )
    case 'storeEntry':
      return setOrDeleteIn(database.storeEntries, record.store, record.key, record.value)
    case 'storeCleared':
      database.storeEntries.delete(record.store)
      return
    case 'exchange':
      return setOrDelete(database.exchanges, record.exchangeId, record.value)
    case 'binding':
      return setOrDeleteIn(database.bindings, record.exchangeId, record.bindingId, record.value)
    case 'publisher':
      return setOrDeleteIn(database.publishers, record.exchangeId, record.producerId, record.value)
    default:
      return unreachable(record)
  }
}

function putBatch(
  database: MemoryDatabase,
  partitionId: PartitionId,
  { baseOffset, batch }: StoredBatch,
): void {
  const stored = database.batches.get(partitionId) ?? []
  const index = indexAtOrAfter(stored, baseOffset)
  stored.splice(index, stored[index]?.baseOffset === baseOffset ? 1 : 0, { baseOffset, batch })
  database.batches.set(partitionId, stored)
}

function deleteBatches(
  database: MemoryDatabase,
  partitionId: PartitionId,
  beforeOffset: number,
): void {
  const stored = database.batches.get(partitionId)
  if (stored === undefined) return
  stored.splice(0, indexAtOrAfter(stored, beforeOffset))
  if (stored.length === 0) database.batches.delete(partitionId)
}

/** The index of the first batch whose base offset is not below `offset`. */
function indexAtOrAfter(batches: readonly StoredBatch[], offset: number): number {
  let low = 0
  let high = batches.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((batches[middle]?.baseOffset ?? Infinity) < offset) low = middle + 1
    else high = middle
  }
  return low
}

function edgesOf(partitionId: PartitionId, batches: readonly StoredBatch[]): LogEdges[] {
  const first = batches.at(0)
  const last = batches.at(-1)
  if (first === undefined || last === undefined) return []
  return [
    {
      partitionId,
      firstOffset: first.baseOffset,
      lastOffset: last.baseOffset,
      first: headerOf(first.batch),
      last: headerOf(last.batch),
    },
  ]
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function setOrDelete<Key, Row>(rows: Map<Key, Row>, key: Key, row: Row | null): void {
  if (row === null) rows.delete(key)
  else rows.set(key, row)
}

function setOrDeleteIn<Outer, Inner, Row>(
  rows: Map<Outer, Map<Inner, Row>>,
  outer: Outer,
  inner: Inner,
  row: Row | null,
): void {
  const group = rows.get(outer) ?? new Map<Inner, Row>()
  setOrDelete(group, inner, row)
  setOrDelete(rows, outer, group.size === 0 ? null : group)
}

function flatten<Outer, Inner, Row>(
  rows: ReadonlyMap<Outer, ReadonlyMap<Inner, Row>>,
): (readonly [Outer, Inner, Row])[] {
  return [...rows].flatMap(([outer, inner]) =>
    [...inner].map(([key, row]) => [outer, key, row] as const),
  )
}
