/**
 * What a broker reads when it starts, in the same transaction that raises the broker epoch and puts the
 * end to the older broker's journal: from its completion on, no commit of that one can land. Costs a
 * row each, and of the batches only the first and last of each partition, however long the logs are.
 */
import type { IDBPTransaction } from 'idb'
import type { LogEdges, StoredState } from '../src/broker/ports.js'
import { BATCH_HEADER_BYTES, type BatchEdge } from '../src/protocol/batch-header.js'
import type { PartitionId, StoreName as KeyStoreName } from '../src/protocol/names.js'
import { assert, definedOrThrow } from '../src/std/assert.js'
import { mapInGroups } from '../src/std/promises.js'
import { databaseDeleted, superseded } from './indexeddb-errors.js'
import { copyOf, splitRow, type StoredBatch } from './indexeddb-batch-rows.js'
import type { KeyedJournalRow } from './indexeddb-journal-row.js'
import { Journal, overlaid, rowsByStore, type JournalLimits } from './indexeddb-journal.js'
import {
  batchesFrom,
  entriesBehind,
  journalFrom,
  STORE_NAMES,
  type Database,
  type DatabaseSchema,
  type StoreName,
} from './indexeddb-schema.js'
import { ended, unlessAborted } from './indexeddb-transaction.js'

/** The last batch of a partition is read whole: so many of them at once. */
const EDGES_AT_ONCE = 16

type LoadTransaction = IDBPTransaction<DatabaseSchema, StoreName[], 'readwrite'>

export interface Load {
  /**
   * What this storage found when it loaded before, and the epoch that it raised then. It stays so, and
   * nothing is written, which may be impossible now; and a storage that has been superseded, or whose
   * database was deleted, must not go on with what is there now.
   */
  readonly own: Identity | undefined
  /** The id of a new database's first partition. */
  readonly firstPartitionId: number
  readonly journal: JournalLimits
}

export interface Loaded extends StoredState {
  /** Whether there is space in hand (indexeddb-reserve.ts). */
  readonly hasReserve: boolean
  /** As it is now, for the commits that follow. */
  readonly journal: Journal
}

/** Which database it is, and which broker has it. */
export type Identity = Pick<StoredState, 'databaseId' | 'brokerEpoch'>

/** @throws TabmqError BROKER_SUPERSEDED, STORAGE_LOST */
export async function loadState(database: Database, load: Load): Promise<Loaded> {
  const transaction = database.transaction([...STORE_NAMES], 'readwrite', { durability: 'relaxed' })
  const end = ended(transaction)
  const state = await unlessAborted(transaction, readState(transaction, load))
  await end
  return state
}

async function readState(transaction: LoadTransaction, load: Load): Promise<Loaded> {
  const rows = await readJournal(transaction)
  const identity = await raiseEpoch(transaction, load, rows)
  const { brokerEpoch: epoch } = identity
  const journal = new Journal({ ...load.journal, epoch }, rows)
  const pending = rowsByStore(journal.pending.values())
  const meta = transaction.objectStore('meta')
  const readNow = async <Name extends RowStore>(name: Name) =>
    overlaid(await readRows(transaction, name), pending.get(name))
  const [
    reserve,
    storedPartitionId,
    topics,
    partitions,
    producers,
    groups,
    offsets,
    shareGroups,
    sharePartitions,
    storeNames,
    exchanges,
    bindings,
    publishers,
  ] = await Promise.all([
    meta.getKey('reserve'),
    meta.get('nextPartitionId'),
    readNow('topics'),
    readNow('partitions'),
    readNow('producers'),
    readNow('groups'),
    readNow('offsets'),
    readNow('shareGroups'),
    readNow('sharePartitions'),
    readStoreNames(transaction),
    readNow('exchanges'),
    readNow('bindings'),
    readNow('publishers'),
  ])
  const [[, nextPartitionId] = []] = overlaid(
    [['nextPartitionId', storedPartitionId]],
    pending.get('meta'),
  )
  const edges = await mapInGroups(partitions, EDGES_AT_ONCE, async ([partitionId]) =>
    edgesOf(partitionId, [
      ...(await readEdges(transaction, partitionId)),
      ...journal.batchesOf(partitionId),
    ]),
  )
  return {
    ...identity,
    nextPartitionId: typeof nextPartitionId === 'number' ? nextPartitionId : 1,
    topics,
    partitions,
    producers: producers.map(([[partitionId, producerId], row]) => [partitionId, producerId, row]),
    groups,
    offsets: offsets.map(([[groupId, partitionId], row]) => [groupId, partitionId, row]),
    shareGroups,
    sharePartitions: sharePartitions.map(([[groupId, partitionId], row]) => [
      groupId,
      partitionId,
      row,
    ]),
    stores: [...new Set([...storeNames, ...journal.entries.stores()])],
    exchanges,
    bindings: bindings.map(([[exchangeId, bindingId], row]) => [exchangeId, bindingId, row]),
    publishers: publishers.map(([[exchangeId, producerId], row]) => [exchangeId, producerId, row]),
    edges: edges.filter((edge) => edge !== undefined),
    hasReserve: reserve !== undefined,
    journal,
  }
}

/**
 * Throws when this is not the database that it was, or another broker's by now.
 * @throws TabmqError BROKER_SUPERSEDED, STORAGE_LOST
 */
export async function checkIdentity(database: Database, own: Identity): Promise<void> {
  const transaction = database.transaction(['meta'])
  const meta = transaction.objectStore('meta')
  const [databaseId, brokerEpoch] = await unlessAborted(
    transaction,
    Promise.all([meta.get('databaseId'), meta.get('brokerEpoch')]),
  )
  compareIdentity({ databaseId, brokerEpoch }, own)
}

function compareIdentity(stored: { databaseId: unknown; brokerEpoch: unknown }, own: Identity) {
  if (stored.databaseId !== own.databaseId) throw databaseDeleted()
  if (stored.brokerEpoch !== own.brokerEpoch) throw superseded(own.brokerEpoch)
}

/** What the journal says that is not in the rows yet. */
async function readJournal(transaction: LoadTransaction): Promise<KeyedJournalRow[]> {
  const from = (await transaction.objectStore('meta').get('journalFrom')) ?? 0
  assert(typeof from === 'number', () => 'the oldest epoch of the journal is no number')
  const rows = await readRows(transaction, 'journal', journalFrom(from))
  return rows.flatMap(([key, row]) => ('commitId' in row ? [[key, row] as const] : []))
}

async function raiseEpoch(
  transaction: LoadTransaction,
  { own, firstPartitionId }: Load,
  rows: readonly KeyedJournalRow[],
): Promise<Identity> {
  const meta = transaction.objectStore('meta')
  const [storedId, storedEpoch] = await Promise.all([
    meta.get('databaseId'),
    meta.get('brokerEpoch'),
  ])
  if (own !== undefined) {
    try {
      compareIdentity({ databaseId: storedId, brokerEpoch: storedEpoch }, own)
    } catch (error) {
      transaction.abort()
      throw error
    }
    return own
  }
  if (storedEpoch === undefined) await meta.put(firstPartitionId, 'nextPartitionId')
  // Databases of before this row get an id with the first broker that knows of it.
  const databaseId = typeof storedId === 'string' ? storedId : crypto.randomUUID()
  if (storedId === undefined) await meta.put(databaseId, 'databaseId')
  const before = storedEpoch ?? 0
  assert(typeof before === 'number', () => 'the broker epoch is no number')
  const brokerEpoch = before + 1
  const [, lastNumber = 0] = rows.findLast(([[epoch]]) => epoch === before)?.[0] ?? []
  await Promise.all([
    meta.put(brokerEpoch, 'brokerEpoch'),
    // In the place of its next row, and for good: nobody can say when one that hangs comes to itself.
    transaction.objectStore('journal').put({ closedBy: brokerEpoch }, [before, lastNumber + 1]),
  ])
  return { databaseId, brokerEpoch }
}

type RowStore = Exclude<StoreName, 'batches' | 'meta' | 'journal' | 'storeEntries'>

async function readRows<Name extends RowStore | 'journal'>(
  transaction: LoadTransaction,
  name: Name,
  range?: IDBKeyRange,
): Promise<(readonly [DatabaseSchema[Name]['key'], DatabaseSchema[Name]['value']])[]> {
  const store = transaction.objectStore(name)
  const [keys, rows] = await Promise.all([store.getAllKeys(range), store.getAll(range)])
  return keys.map((key, index) => [
    key,
    definedOrThrow(rows[index], () => `${name} has ${keys.length} keys, ${rows.length} rows`),
  ])
}

/** The stores in which there is a row: one request for each, however much is in it. */
async function readStoreNames(transaction: LoadTransaction): Promise<KeyStoreName[]> {
  const entries = transaction.objectStore('storeEntries')
  const names: KeyStoreName[] = []
  for (let key = await entries.getKey(IDBKeyRange.lowerBound([])); key !== undefined;) {
    names.push(key[0])
    key = await entries.getKey(entriesBehind(key[0]))
  }
  return names
}

/** The first and the last batch that are rows or parts of rows. */
async function readEdges(
  transaction: LoadTransaction,
  partitionId: PartitionId,
): Promise<StoredBatch[]> {
  const store = transaction.objectStore('batches')
  const range = batchesFrom(partitionId, 0)
  const [firstKey, firstRow, last] = await Promise.all([
    store.getKey(range),
    store.get(range),
    store.openCursor(range, 'prev'),
  ])
  if (firstKey === undefined || firstRow === undefined || last === null) return []
  const [first] = splitRow(firstKey[1], firstRow)
  return [first, splitRow(last.key[1], last.value).at(-1)].filter((batch) => batch !== undefined)
}

/** Of several under one base offset the last counts. */
function edgesOf(partitionId: PartitionId, batches: readonly StoredBatch[]): LogEdges | undefined {
  const [some] = batches
  if (some === undefined) return undefined
  let first = some
  let last = some
  for (const batch of batches) {
    if (batch.baseOffset <= first.baseOffset) first = batch
    if (batch.baseOffset >= last.baseOffset) last = batch
  }
  return {
    partitionId,
    firstOffset: first.baseOffset,
    lastOffset: last.baseOffset,
    first: edgeOf(first),
    last: edgeOf(last),
  }
}

function edgeOf({ bytes }: StoredBatch): BatchEdge {
  return { header: copyOf(bytes.subarray(0, BATCH_HEADER_BYTES)), byteLength: bytes.byteLength }
}
