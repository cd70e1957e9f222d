/**
 * One commit: all of its records in one transaction, or none. Called by the storage, which runs it
 * again when the connection was cut.
 */
import type { IDBPTransaction } from 'idb'
import type { Durability } from '../src/broker/ports.js'
import type { DurableRecord } from '../src/broker/records.js'
import { TabmqError } from '../src/protocol/errors.js'
import { unreachable } from '../src/std/assert.js'
import { ignore, isConstraintError, superseded } from './indexeddb-errors.js'
import {
  batchesBefore,
  closedEpoch,
  STORE_OF_RECORD,
  type Database,
  type DatabaseSchema,
  type StoreKey,
  type StoreName,
} from './indexeddb-schema.js'
import { ended } from './indexeddb-transaction.js'

export type WriteTransaction = IDBPTransaction<DatabaseSchema, StoreName[], 'readwrite'>

interface Commit {
  readonly records: readonly DurableRecord[]
  readonly durability: Durability
  /** The epoch that this storage raised, undefined before it has loaded. */
  readonly brokerEpoch: number | undefined
  /** To be put down with it: without room for both there is none for either. */
  readonly reserve: ArrayBuffer | undefined
}

/**
 * Everything is issued in one go, the commit itself included, and nothing waits for an answer: a
 * transaction that the browser has heard of as a whole completes even when the worker dies in the next
 * moment, as it does when the last tab closes. So whether this broker may still write is for the
 * transaction itself to find out (`addIfOpen`).
 */
export async function commitRecords(database: Database, commit: Commit): Promise<void> {
  const { records, durability, brokerEpoch, reserve } = commit
  if (brokerEpoch === undefined) {
    throw new TabmqError('ILLEGAL_STATE', 'nothing can be committed before load()')
  }
  const stores = new Set(records.map(({ type }) => STORE_OF_RECORD[type])).add('meta')
  const transaction = database.transaction([...stores], 'readwrite', { durability })
  const end = ended(transaction)
  try {
    addIfOpen(transaction, brokerEpoch)
    if (reserve !== undefined) transaction.objectStore('meta').put(reserve, 'reserve').catch(ignore)
    for (const record of records) write(transaction, record).catch(ignore)
    transaction.commit()
  } catch (error) {
    // A value that cannot be cloned or a key that is none throws at once, amid the others.
    transaction.abort()
    await end.catch(ignore)
    throw error
  }
  try {
    await end
  } catch (error) {
    // Nothing else is added.
    throw isConstraintError(error) ? superseded(brokerEpoch) : error
  }
}

/**
 * To be run after a write that failed for want of space. Chromium grows its file first and then finds
 * that the quota is passed; until the next write transaction completes it counts what it grew, and
 * refuses everything, however small. A transaction that only deletes is never refused, also when
 * there is nothing to delete.
 */
export async function releaseSpace(database: Database): Promise<void> {
  const transaction = database.transaction('meta', 'readwrite', { durability: 'relaxed' })
  transaction.store.delete(IDBKeyRange.only('nothing has this name')).catch(ignore)
  await ended(transaction)
}

/**
 * Adds the mark that a newer broker leaves for this epoch, and takes it away again: where the mark is
 * there already, the first fails, and with it the transaction.
 */
function addIfOpen(transaction: WriteTransaction, brokerEpoch: number): void {
  const meta = transaction.objectStore('meta')
  const mark = closedEpoch(brokerEpoch)
  meta.add(brokerEpoch, mark).catch(ignore)
  meta.delete(mark).catch(ignore)
}

/** Issues what one record means, in a transaction over its store. */
export function write(transaction: WriteTransaction, record: DurableRecord): Promise<unknown> {
  switch (record.type) {
    case 'topic': {
      const store = transaction.objectStore('topics')
      return record.value === null
        ? store.delete(record.topicId)
        : store.put(record.value, record.topicId)
    }
    case 'partition': {
      const store = transaction.objectStore('partitions')
      return record.value === null
        ? store.delete(record.partitionId)
        : store.put(record.value, record.partitionId)
    }
    case 'nextPartitionId':
      return transaction.objectStore('meta').put(record.value, 'nextPartitionId')
    case 'batch':
      return transaction
        .objectStore('batches')
        .put(record.batch, [record.partitionId, record.baseOffset])
    case 'batchesDeleted':
      return transaction
        .objectStore('batches')
        .delete(batchesBefore(record.partitionId, record.beforeOffset))
    case 'producer': {
      const store = transaction.objectStore('producers')
      const key: StoreKey<'producers'> = [record.partitionId, record.producerId]
      return record.value === null ? store.delete(key) : store.put(record.value, key)
    }
    case 'group': {
      const store = transaction.objectStore('groups')
      return record.value === null
        ? store.delete(record.groupId)
        : store.put(record.value, record.groupId)
    }
    case 'offset': {
      const store = transaction.objectStore('offsets')
      const key: StoreKey<'offsets'> = [record.groupId, record.partitionId]
      return record.value === null ? store.delete(key) : store.put(record.value, key)
    }
    default:
      return unreachable(record)
  }
}
