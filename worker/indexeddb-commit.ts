/**
 * One commit: all of its records in one transaction, or none. Called by the storage, which runs it
 * again when the connection was cut.
 */
import { unwrap } from 'idb'
import type { Durability } from '../src/broker/ports.js'
import { TabmqError } from '../src/protocol/errors.js'
import { ignore, isConstraintError, superseded } from './indexeddb-errors.js'
import type {
  BatchesDeleted,
  BatchRecord,
  RowRecord,
  StoreCleared,
  StoreEntryRecord,
} from './indexeddb-journal-row.js'
import { rowOf, type JournalPlan } from './indexeddb-journal.js'
import {
  batchesBefore,
  entriesOf,
  journalBetween,
  type Database,
  type StoreName,
} from './indexeddb-schema.js'
import { ended, unlessAborted } from './indexeddb-transaction.js'

export interface Commit {
  readonly plan: JournalPlan
  readonly durability: Durability
  /** To be put down with it: without room for both there is none for either. */
  readonly reserve: ArrayBuffer | undefined
}

/** Whether it changes the store of batches, so that whoever reads that meanwhile waits for it. */
export function touchesBatches({ batches, folded }: JournalPlan): boolean {
  return batches.length > 0 || (folded !== undefined && folded.batches.length > 0)
}

/** The same of the store of entries. */
export function touchesEntries({ entries, folded }: JournalPlan): boolean {
  return entries.length > 0 || (folded?.records.some(({ type }) => type === 'storeEntry') ?? false)
}

/**
 * Everything is issued in one go, the commit itself included, and nothing waits for an answer: a
 * transaction that the browser has heard of as a whole completes even when the worker dies in the next
 * moment, as it does when the last tab closes. So whether this broker may still write is for the
 * transaction itself to find out: where a newer one has been, there is a row in the journal already.
 *
 * @throws TabmqError BROKER_SUPERSEDED
 */
export async function commitRecords(database: Database, commit: Commit): Promise<void> {
  const { durability, plan } = commit
  // Without idb's promises: nobody waits for a single request, and a listener for each costs as much as it.
  const transaction = unwrap(database).transaction(storesOf(commit), 'readwrite', { durability })
  const end = ended(transaction)
  try {
    issue(transaction, commit)
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
    if (!isConstraintError(error)) throw error
    await checkWritten(database, plan)
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

function storesOf({ plan, reserve }: Commit): StoreName[] {
  const { folded } = plan
  const stores = new Set<StoreName>(['journal'])
  if (touchesBatches(plan)) stores.add('batches')
  if (touchesEntries(plan)) stores.add('storeEntries')
  if (reserve !== undefined || folded !== undefined) stores.add('meta')
  for (const record of folded?.records ?? []) stores.add(rowOf(record).store)
  return [...stores]
}

function issue(transaction: IDBTransaction, { plan, reserve }: Commit): void {
  const { key, rows, batches, entries, folded } = plan
  const journal = transaction.objectStore('journal')
  for (const [rowKey, row] of rows) journal.add(row, rowKey)
  if (reserve !== undefined) transaction.objectStore('meta').put(reserve, 'reserve')
  for (const record of batches) writeBatch(transaction, record)
  for (const record of entries) writeEntry(transaction, record)
  if (folded === undefined) return
  for (const record of folded.records) writeRow(transaction, record)
  for (const batchRow of folded.batches) {
    transaction.objectStore('batches').put(batchRow.value, batchRow.key)
  }
  for (const [first, last] of folded.ranges) {
    journal.delete(journalBetween(first, last))
    if (last[0] !== key[0]) journal.put({ closedBy: key[0] }, last)
  }
  if (folded.fold !== 'all') return
  transaction.objectStore('meta').put(key[0], 'journalFrom')
}

function writeBatch(transaction: IDBTransaction, record: BatchRecord | BatchesDeleted): void {
  const batches = transaction.objectStore('batches')
  const { partitionId } = record
  if (record.type === 'batch') {
    batches.put(record.batch, [partitionId, record.baseOffset])
  } else {
    batches.delete(batchesBefore(partitionId, record.beforeOffset))
  }
}

function writeEntry(transaction: IDBTransaction, record: StoreEntryRecord | StoreCleared): void {
  if (record.type === 'storeEntry') return writeRow(transaction, record)
  transaction.objectStore('storeEntries').delete(entriesOf(record.store))
}

function writeRow(transaction: IDBTransaction, record: RowRecord): void {
  const { store: name, key, value } = rowOf(record)
  const store = transaction.objectStore(name)
  if (value === null) store.delete(key)
  else store.put(value, key)
}

/** One that was cut off and is tried again may have been there all the time. */
async function checkWritten(database: Database, { key, commitId }: JournalPlan): Promise<void> {
  const transaction = database.transaction(['journal'])
  const there = await unlessAborted(transaction, transaction.objectStore('journal').get(key))
  if (there === undefined || 'closedBy' in there) throw superseded(key[0])
  if (there.commitId === commitId) return
  throw new TabmqError('STORAGE_ERROR', 'an earlier commit was written after all: load again')
}
