/**
 * Deleting batches. Rows below the offset go, and a row may hold batches below it and above: those that
 * are to stay are found before the commit that deletes, which takes them into the journal.
 */
import type { IDBPObjectStore } from 'idb'
import { mapInGroups } from '../src/std/promises.js'
import { splitRow } from './indexeddb-batch-rows.js'
import type { BatchesDeleted, PlacedBatch } from './indexeddb-journal-row.js'
import { batchesBefore, type Database, type DatabaseSchema } from './indexeddb-schema.js'
import { unlessAborted } from './indexeddb-transaction.js'

/** Rows read at once. */
const ROWS_AT_ONCE = 16

/** What is deleted, and what stays of the row that holds both. */
export interface Deletion {
  /** All of the rows below it go. */
  readonly record: BatchesDeleted
  readonly kept: readonly PlacedBatch[]
}

type BatchStore = IDBPObjectStore<DatabaseSchema, 'batches'[], 'batches', 'readonly'>

export function findKept(
  database: Database,
  records: readonly BatchesDeleted[],
): Promise<readonly Deletion[]> {
  const transaction = database.transaction(['batches'])
  const store = transaction.objectStore('batches')
  const found = mapInGroups(records, ROWS_AT_ONCE, async (record) => ({
    record,
    kept: await keptOf(store, record),
  }))
  return unlessAborted(transaction, found)
}

async function keptOf(
  store: BatchStore,
  { partitionId, beforeOffset }: BatchesDeleted,
): Promise<PlacedBatch[]> {
  if (beforeOffset === Number.MAX_SAFE_INTEGER) return []
  const range = batchesBefore(partitionId, beforeOffset)
  const [rowAt, floor] = await Promise.all([
    // Mostly one begins there.
    store.getKey([partitionId, beforeOffset]),
    store.openKeyCursor(range, 'prev'),
  ])
  if (rowAt !== undefined || floor === null) return []
  const row = await store.get(floor.key)
  if (row === undefined) return []
  return splitRow(floor.key[1], row)
    .filter(({ baseOffset }) => baseOffset >= beforeOffset)
    .map((batch) => ({ partitionId, ...batch }))
}
