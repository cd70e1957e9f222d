/** Rows, batches and records for the storage contract: small, valid in form, different by number. */
import type {
  BatchRange,
  Durability,
  LogEdges,
  Storage,
  StoredState,
} from '../../src/broker/ports.js'
import type { BatchEdge } from '../../src/protocol/batch-header.js'
import type { StoreReadRequest } from '../../src/protocol/requests/stores.js'
import type { DurableRecord } from '../../src/broker/records.js'
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
} from '../../src/broker/rows.js'
import type {
  ExchangeId,
  ExchangeName,
  GroupId,
  InstanceId,
  MemberId,
  PartitionId,
  ProducerId,
  StoreName,
  TopicId,
  TopicName,
} from '../../src/protocol/names.js'

export const partitionId = (id: number): PartitionId => id as PartitionId
export const topicId = (id: string): TopicId => id as TopicId
export const exchangeId = (id: string): ExchangeId => id as ExchangeId
export const groupId = (id: string): GroupId => id as GroupId
export const producerId = (id: number): ProducerId => id as ProducerId

export function topicRow(value: number): TopicRow {
  return {
    topic: `topic-${value}` as TopicName,
    partitionIds: [partitionId(value), partitionId(value + 1)],
    config: {
      retentionMs: null,
      retentionBytes: value,
      maxMessageBytes: 1024,
      dedupWindowMs: null,
    },
    createdAtMs: 1_700_000_000_000 + value,
  }
}

export function partitionRow(value: number): PartitionRow {
  return { topicId: topicId('t'), partition: value, logStartOffset: value }
}

export function producerRow(value: number): ProducerRow {
  const batch = { firstSequence: value, lastSequence: value + 9, baseOffset: value * 10 }
  return { producerEpoch: value, batches: [batch], updatedAtMs: value }
}

/** One that has been told of repeats. */
export function repeatingProducerRow(value: number): ProducerRow {
  const row = producerRow(value)
  const repeats = {
    indexes: Uint32Array.of(0, value),
    partitions: Uint32Array.of(value, 1),
    offsets: Float64Array.of(2 ** 40, value),
  }
  const batches = row.batches.flatMap((batch) => [
    { ...batch, repeats },
    batch,
    { ...batch, repeats, isAppended: false as const },
  ])
  return { ...row, batches }
}

export function groupRow(value: number): GroupRow {
  return {
    groupEpoch: value,
    assignor: 'uniform',
    subscribedSince: { 'topic-1': value },
    staticMembers: [
      {
        groupInstanceId: 'instance' as InstanceId,
        memberId: `member-${value}` as MemberId,
        clientId: 'client',
        memberEpoch: value,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        subscription: { topics: ['topic-1' as TopicName], patterns: [] },
        assigned: [partitionId(value)],
      },
    ],
  }
}

export function offsetRow(value: number): OffsetRow {
  return { offset: value, metadata: `at ${value}`, committedAtMs: value }
}

export function shareGroupRow(value: number): ShareGroupRow {
  return {
    options: {
      lockDurationMs: 30_000,
      deliveryCountLimit: value + 1,
      deadLetterTopic: null,
      isOrderedByKey: false,
      autoOffsetReset: 'earliest',
    },
    subscribedSince: { 'topic orders': value },
  }
}

export function sharePartitionRow(value: number): SharePartitionRow {
  return { startOffset: value, runs: [value, value + 1, 2, 3, 4, 5] }
}

export function exchangeRow(value: number): ExchangeRow {
  const alternateExchange = value === 1 ? null : (`exchange-${value + 1}` as ExchangeName)
  return { exchange: `exchange-${value}` as ExchangeName, type: 'headers', alternateExchange }
}

export function bindingRow(value: number): BindingRow {
  return {
    to: { type: 'topic', topicId: topicId(`t${value}`) },
    routingKey: `*.${value}`,
    headers: { format: 'pdf', pages: `${value}` },
    match: 'any',
    weight: value,
  }
}

export function publisherRow(value: number): PublisherRow {
  const placement = { partitionId: partitionId(value), topic: 'orders' as TopicName, partition: 0 }
  return {
    firstNumber: value,
    results: [
      { placements: [{ ...placement, batch: 0, baseOffset: value }] },
      { error: { code: 'UNROUTABLE_MESSAGE', message: 'no', details: { exchange: 'e' } } },
    ],
    updatedAtMs: value,
  }
}

/** A buffer that tells its partition and base offset apart from any other's. */
export function batchBytes(id: number, baseOffset: number, byteLength = 24): ArrayBuffer {
  const bytes = new Uint8Array(byteLength)
  for (let at = 0; at < byteLength; at += 1) bytes[at] = (id * 31 + baseOffset * 7 + at) % 251
  return bytes.buffer
}

export function batchEdge(id: number, baseOffset: number, byteLength?: number): BatchEdge {
  return edgeOf(batchBytes(id, baseOffset, byteLength))
}

export function logEdges(
  id: number,
  first: BatchEdge,
  last: BatchEdge,
  [firstOffset, lastOffset]: readonly [number, number],
): LogEdges {
  return { partitionId: partitionId(id), firstOffset, lastOffset, first, last }
}

/** What `load` tells of a batch: 80 bytes and how many there are. */
export function edgeOf(batch: ArrayBuffer): BatchEdge {
  return { header: batch.slice(0, 80), byteLength: batch.byteLength }
}

export function batchRecord(id: number, baseOffset: number, byteLength?: number): DurableRecord {
  const batch = batchBytes(id, baseOffset, byteLength)
  return { type: 'batch', partitionId: partitionId(id), baseOffset, batch }
}

export function batchesDeleted(id: number, beforeOffset: number): DurableRecord {
  return { type: 'batchesDeleted', partitionId: partitionId(id), beforeOffset }
}

export function topicRecord(id: string, value: number | null): DurableRecord {
  return { type: 'topic', topicId: topicId(id), value: value === null ? null : topicRow(value) }
}

export function partitionRecord(id: number, value: number | null): DurableRecord {
  const row = value === null ? null : partitionRow(value)
  return { type: 'partition', partitionId: partitionId(id), value: row }
}

export function repeatingProducerRecord(
  partition: number,
  producer: number,
  value: number,
): DurableRecord {
  const row = repeatingProducerRow(value)
  return {
    type: 'producer',
    partitionId: partitionId(partition),
    producerId: producerId(producer),
    value: row,
  }
}

export function producerRecord(
  partition: number,
  producer: number,
  value: number | null,
): DurableRecord {
  return {
    type: 'producer',
    partitionId: partitionId(partition),
    producerId: producerId(producer),
    value: value === null ? null : producerRow(value),
  }
}

export function groupRecord(id: string, value: number | null): DurableRecord {
  return { type: 'group', groupId: groupId(id), value: value === null ? null : groupRow(value) }
}

export function offsetRecord(id: string, partition: number, value: number | null): DurableRecord {
  return {
    type: 'offset',
    groupId: groupId(id),
    partitionId: partitionId(partition),
    value: value === null ? null : offsetRow(value),
  }
}

export function shareGroupRecord(id: string, value: number | null): DurableRecord {
  const row = value === null ? null : shareGroupRow(value)
  return { type: 'shareGroup', groupId: groupId(id), value: row }
}

export function exchangeRecord(id: string, value: number | null): DurableRecord {
  const row = value === null ? null : exchangeRow(value)
  return { type: 'exchange', exchangeId: exchangeId(id), value: row }
}

export function bindingRecord(id: string, bindingId: number, value: number | null): DurableRecord {
  const row = value === null ? null : bindingRow(value)
  return { type: 'binding', exchangeId: exchangeId(id), bindingId, value: row }
}

export function publisherRecord(id: string, producer: number, value: number | null): DurableRecord {
  return {
    type: 'publisher',
    exchangeId: exchangeId(id),
    producerId: producerId(producer),
    value: value === null ? null : publisherRow(value),
  }
}

export function sharePartitionRecord(
  id: string,
  partition: number,
  value: number | null,
): DurableRecord {
  return {
    type: 'sharePartition',
    groupId: groupId(id),
    partitionId: partitionId(partition),
    value: value === null ? null : sharePartitionRow(value),
  }
}

export function storeEntry(
  store: string,
  key: string,
  value: number | null,
  byteLength = 8,
): DurableRecord {
  const bytes = value === null ? null : batchBytes(value, 0, byteLength)
  return { type: 'storeEntry', store: store as StoreName, key, value: bytes }
}

export function storeCleared(store: string): DurableRecord {
  return { type: 'storeCleared', store: store as StoreName }
}

/** Entries as `[key, bytes]`, and whether more may follow. */
export async function readStore(
  storage: Storage,
  store: string,
  range: Partial<Omit<StoreReadRequest, 'store'>> = {},
): Promise<{ entries: (readonly [string, ArrayBuffer])[]; hasMore: boolean }> {
  const wanted = { from: '', limit: 1_000, maxBytes: 1e9, ...range }
  const { entries, hasMore } = await storage.readStore({ store: store as StoreName, ...wanted })
  return { entries: entries.map(({ key, value }) => [key, value] as const), hasMore }
}

/** A batch whose buffer was transferred away: no backend can store it. */
export function detachedBatch(id: number, baseOffset: number): DurableRecord {
  const batch = batchBytes(id, baseOffset)
  structuredClone(batch, { transfer: [batch] })
  return { type: 'batch', partitionId: partitionId(id), baseOffset, batch }
}

/** A row that holds what structured clone refuses. */
export function uncloneableTopic(id: string): DurableRecord {
  const value = { ...topicRow(1), config: () => 'not a value' } as unknown as TopicRow
  return { type: 'topic', topicId: topicId(id), value }
}

/** Reads with limits that nothing in the suite reaches, unless they are given. */
export function read(
  storage: Storage,
  id: number,
  fromOffset: number,
  limits: Partial<Pick<BatchRange, 'maxBytes' | 'maxBatches'>> = {},
): Promise<ArrayBuffer[]> {
  const partition = partitionId(id)
  return storage.readBatches({
    partitionId: partition,
    fromOffset,
    maxBytes: 1e9,
    maxBatches: 1e6,
    ...limits,
  })
}

export function commit(
  storage: Storage,
  records: readonly DurableRecord[],
  durability: Durability = 'relaxed',
): Promise<void> {
  return storage.commit(records, durability)
}

/** The state without its epoch and in one order: a storage may list rows in any. */
export function comparable(state: StoredState): Record<string, unknown> {
  const { databaseId: _, brokerEpoch: __, stores: ___, edges, nextPartitionId, ...rows } = state
  const sorted = Object.entries(rows).map(([name, rows]) => [name, sortByKey(rows)] as const)
  const sortedEdges = [...edges].sort((left, right) => left.partitionId - right.partitionId)
  return { ...Object.fromEntries(sorted), nextPartitionId, edges: sortedEdges }
}

function sortByKey(rows: readonly (readonly unknown[])[]): (readonly unknown[])[] {
  const keyOf = (row: readonly unknown[]): string => JSON.stringify(row.slice(0, -1))
  return [...rows].sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))
}
