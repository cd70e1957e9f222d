/**
 * What a broker reads when it starts, in the same transaction that raises the broker epoch: from its
 * completion on, no commit of an older broker can land. Costs a row each, and of the batches only
 * the first and last of each partition, however long the logs are.
 */
import type { IDBPTransaction } from 'idb'
import type { LogEdges, StoredState } from '../src/broker/ports.js'
import { headerOf } from '../src/protocol/batch-header.js'
import type { PartitionId } from '../src/protocol/names.js'
import { definedOrThrow } from '../src/std/assert.js'
import { ignore, superseded } from './indexeddb-errors.js'
import {
  batchesFrom,
  STORE_NAMES,
  type Database,
  type DatabaseSchema,
  type StoreName,
} from './indexeddb-schema.js'

type LoadTransaction = IDBPTransaction<DatabaseSchema, StoreName[], 'readwrite'>

/**
 * @param ownEpoch what this storage raised the epoch to when it loaded before. It stays so, and
 *   nothing is written, which may be impossible now; and a storage that has been superseded must not
 *   take the database back.
 */
export async function loadState(
  database: Database,
  ownEpoch: number | undefined,
): Promise<StoredState> {
  const transaction = database.transaction([...STORE_NAMES], 'readwrite', { durability: 'relaxed' })
  transaction.done.catch(ignore)
  const brokerEpoch = await raiseEpoch(transaction, ownEpoch)
  const [nextPartitionId, topics, partitions, producers, groups, offsets] = await Promise.all([
    transaction.objectStore('meta').get('nextPartitionId'),
    readRows(transaction, 'topics'),
    readRows(transaction, 'partitions'),
    readRows(transaction, 'producers'),
    readRows(transaction, 'groups'),
    readRows(transaction, 'offsets'),
  ])
  const edges = await Promise.all(
    partitions.map(([partitionId]) => readEdges(transaction, partitionId)),
  )
  await transaction.done
  return {
    brokerEpoch,
    nextPartitionId: nextPartitionId ?? 1,
    topics,
    partitions,
    producers: producers.map(([[partitionId, producerId], row]) => [partitionId, producerId, row]),
    groups,
    offsets: offsets.map(([[groupId, partitionId], row]) => [groupId, partitionId, row]),
    edges: edges.filter((edge) => edge !== undefined),
  }
}

async function raiseEpoch(
  transaction: LoadTransaction,
  ownEpoch: number | undefined,
): Promise<number> {
  const meta = transaction.objectStore('meta')
  const stored = await meta.get('brokerEpoch')
  if (stored !== undefined && stored === ownEpoch) return stored
  if (stored !== undefined && ownEpoch !== undefined) {
    transaction.abort()
    throw superseded(stored, ownEpoch)
  }
  // With an own epoch but none stored, the database was deleted and is made again.
  const raised = (stored ?? ownEpoch ?? 0) + 1
  await meta.put(raised, 'brokerEpoch')
  return raised
}

async function readRows<Name extends Exclude<StoreName, 'batches' | 'meta'>>(
  transaction: LoadTransaction,
  name: Name,
): Promise<(readonly [DatabaseSchema[Name]['key'], DatabaseSchema[Name]['value']])[]> {
  const store = transaction.objectStore(name)
  const [keys, rows] = await Promise.all([store.getAllKeys(), store.getAll()])
  return keys.map((key, index) => [
    key,
    definedOrThrow(rows[index], () => `${name} has ${keys.length} keys, ${rows.length} rows`),
  ])
}

async function readEdges(
  transaction: LoadTransaction,
  partitionId: PartitionId,
): Promise<LogEdges | undefined> {
  const store = transaction.objectStore('batches')
  const range = batchesFrom(partitionId, 0)
  const [first, last] = await Promise.all([store.get(range), store.openCursor(range, 'prev')])
  if (first === undefined || last === null) return undefined
  return { partitionId, first: headerOf(first), last: headerOf(last.value) }
}
