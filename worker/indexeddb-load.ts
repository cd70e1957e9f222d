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
import { mapInGroups } from '../src/std/in-groups.js'
import { databaseDeleted, ignore, superseded } from './indexeddb-errors.js'
import {
  batchesFrom,
  closedEpoch,
  closedEpochsBefore,
  STORE_NAMES,
  type Database,
  type DatabaseSchema,
  type StoreName,
} from './indexeddb-schema.js'

/** The last batch of a partition is read whole: so many of them at once. */
const EDGES_AT_ONCE = 16
/** Of how many brokers before this one it is noted that they may not write any more. */
const CLOSED_EPOCHS_KEPT = 100

type LoadTransaction = IDBPTransaction<DatabaseSchema, StoreName[], 'readwrite'>

export interface Load {
  /**
   * What this storage raised the epoch to when it loaded before. It stays so, and nothing is written,
   * which may be impossible now; and a storage that has been superseded, or whose database was
   * deleted, must not go on with what is there now.
   */
  readonly ownEpoch: number | undefined
  /** The id of a new database's first partition. */
  readonly firstPartitionId: number
}

/** @throws TabmqError BROKER_SUPERSEDED */
export async function loadState(database: Database, load: Load): Promise<StoredState> {
  const transaction = database.transaction([...STORE_NAMES], 'readwrite', { durability: 'relaxed' })
  transaction.done.catch(ignore)
  const brokerEpoch = await raiseEpoch(transaction, load)
  const [nextPartitionId, topics, partitions, producers, groups, offsets] = await Promise.all([
    transaction.objectStore('meta').get('nextPartitionId'),
    readRows(transaction, 'topics'),
    readRows(transaction, 'partitions'),
    readRows(transaction, 'producers'),
    readRows(transaction, 'groups'),
    readRows(transaction, 'offsets'),
  ])
  const edges = await mapInGroups(partitions, EDGES_AT_ONCE, ([partitionId]) =>
    readEdges(transaction, partitionId),
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
  { ownEpoch, firstPartitionId }: Load,
): Promise<number> {
  const meta = transaction.objectStore('meta')
  const stored = await meta.get('brokerEpoch')
  if (stored !== undefined && stored === ownEpoch) return stored
  if (ownEpoch !== undefined) {
    transaction.abort()
    throw stored === undefined ? databaseDeleted() : superseded(ownEpoch)
  }
  if (stored === undefined) await meta.put(firstPartitionId, 'nextPartitionId')
  const raised = (stored ?? 0) + 1
  await Promise.all([
    meta.put(raised, 'brokerEpoch'),
    meta.put(raised, closedEpoch(raised - 1)),
    meta.delete(closedEpochsBefore(raised - CLOSED_EPOCHS_KEPT)),
  ])
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
