/**
 * The database on disk: one per broker name, its version the version of the on-disk format. A change
 * here or in a row is a new version with its own step in {@link upgradeDatabase}, a fixture of the
 * old one and a test that opens it.
 */
import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb'
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
} from '../src/broker/rows.js'
import type * as Names from '../src/protocol/names.js'
import type {
  ExchangeId,
  GroupId,
  PartitionId,
  ProducerId,
  TopicId,
} from '../src/protocol/names.js'
import { ignore } from './indexeddb-errors.js'
import type { ClosingRow, JournalRow } from './indexeddb-journal-row.js'

export const FORMAT_VERSION = 3

/** All keys are out of line: a row is stored as it is replayed. */
export interface DatabaseSchema extends DBSchema {
  /** One batch or several of a partition, side by side; the base offset is the first's. */
  batches: { key: [PartitionId, number]; value: ArrayBuffer }
  partitions: { key: PartitionId; value: PartitionRow }
  topics: { key: TopicId; value: TopicRow }
  offsets: { key: [GroupId, PartitionId]; value: OffsetRow }
  groups: { key: GroupId; value: GroupRow }
  producers: { key: [PartitionId, ProducerId]; value: ProducerRow }
  shareGroups: { key: GroupId; value: ShareGroupRow }
  sharePartitions: { key: [GroupId, PartitionId]; value: SharePartitionRow }
  /** The store, and the key in it. */
  storeEntries: { key: [Names.StoreName, string]; value: ArrayBuffer }
  exchanges: { key: ExchangeId; value: ExchangeRow }
  bindings: { key: [ExchangeId, number]; value: BindingRow }
  publishers: { key: [ExchangeId, ProducerId]; value: PublisherRow }
  journal: { key: JournalKey | JournalPartKey; value: JournalRow | ClosingRow }
  /**
   * `formatVersion` repeats the database's version for whoever reads a dump of the stores.
   * `journalFrom` is the oldest broker epoch of which the journal may hold anything. `databaseId` alone
   * is a string, and `reserve` alone an ArrayBuffer (indexeddb-reserve.ts).
   */
  meta: {
    key:
      | 'formatVersion'
      | 'brokerEpoch'
      | 'nextPartitionId'
      | 'journalFrom'
      | 'databaseId'
      | 'reserve'
    value: number | string | ArrayBuffer
  }
}

/** A broker epoch, and the number of one of its commits. */
export type JournalKey = [number, number]
/** The same, and which of the rows behind the commit's own it is. */
export type JournalPartKey = [number, number, number]

export type Database = IDBPDatabase<DatabaseSchema>

export const STORE_NAMES = [
  'batches',
  'partitions',
  'topics',
  'offsets',
  'groups',
  'producers',
  'shareGroups',
  'sharePartitions',
  'storeEntries',
  'exchanges',
  'bindings',
  'publishers',
  'journal',
  'meta',
] as const

const NEW_IN_3 = [
  'shareGroups',
  'sharePartitions',
  'storeEntries',
  'exchanges',
  'bindings',
  'publishers',
] as const

export type StoreName = (typeof STORE_NAMES)[number]
export type StoreKey<Name extends StoreName> = DatabaseSchema[Name]['key']

export function databaseNameOf(brokerName: string): string {
  return `tabmq:${brokerName}`
}

/** Brings a database of any older version to this one, step by step, in the upgrade transaction. */
export function upgradeDatabase(
  database: Database,
  oldVersion: number,
  _newVersion: number | null,
  transaction: IDBPTransaction<DatabaseSchema, StoreName[], 'versionchange'>,
): void {
  // A failed upgrade rejects the open; these two promises would only say so again.
  transaction.done.catch(ignore)
  if (oldVersion < 1) {
    for (const name of STORE_NAMES) database.createObjectStore(name)
  }
  if (oldVersion === 1) {
    database.createObjectStore('journal')
    // By these keys each epoch was ended before there was a journal.
    const closedEpochs = IDBKeyRange.bound(['closed'], ['closed', []])
    transaction.objectStore('meta').delete(closedEpochs).catch(ignore)
  }
  // What version 2 has written is as it is in version 3: rows of several batches are new, and stores.
  if (oldVersion === 1 || oldVersion === 2) {
    for (const name of NEW_IN_3) database.createObjectStore(name)
  }
  transaction.objectStore('meta').put(FORMAT_VERSION, 'formatVersion').catch(ignore)
}

/** Of a store what is from the one key on and before the other, or to its end; undefined if that is none. */
export function entriesBetween(
  store: Names.StoreName,
  from: string,
  to: string | undefined,
): IDBKeyRange | undefined {
  if (to !== undefined && to <= from) return undefined
  // An array sorts after every string.
  return IDBKeyRange.bound([store, from], [store, to ?? []], false, true)
}

/** All that is in a store. */
export function entriesOf(store: Names.StoreName): IDBKeyRange {
  return IDBKeyRange.bound([store], [store, []])
}

/** What is in the stores behind that one. */
export function entriesBehind(store: Names.StoreName): IDBKeyRange {
  return IDBKeyRange.lowerBound([store, []])
}

/** The rows of the journal from those of one commit up to and with those of another. */
export function journalBetween(first: JournalKey, last: JournalKey): IDBKeyRange {
  // An array sorts after every number.
  return IDBKeyRange.bound(first, [...last, []])
}

/** The journal from this broker epoch on. */
export function journalFrom(brokerEpoch: number): IDBKeyRange {
  return IDBKeyRange.lowerBound([brokerEpoch])
}

/**
 * The batches of a partition with a base offset below the given one. The bare `[partitionId]` sorts
 * before all of them, and after those of every partition before.
 */
export function batchesBefore(partitionId: PartitionId, beforeOffset: number): IDBKeyRange {
  return IDBKeyRange.bound([partitionId], [partitionId, beforeOffset], false, true)
}

/** The batches of a partition above the one offset, if there is one, up to and with the other. */
export function batchesBetween(
  partitionId: PartitionId,
  above: number | undefined,
  offset: number,
): IDBKeyRange {
  const lower = above === undefined ? [partitionId] : [partitionId, above]
  return IDBKeyRange.bound(lower, [partitionId, offset], true)
}

/** The batches of a partition from the given base offset on. */
export function batchesFrom(partitionId: PartitionId, offset: number): IDBKeyRange {
  return IDBKeyRange.bound([partitionId, offset], [partitionId, Infinity])
}

/** The batches of a partition after the given base offset. */
export function batchesAfter(partitionId: PartitionId, offset: number): IDBKeyRange {
  return IDBKeyRange.bound([partitionId, offset], [partitionId, Infinity], true)
}
