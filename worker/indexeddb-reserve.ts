/**
 * Space kept for what must go on when the disk is full. Chromium refuses every transaction that puts
 * anything once the quota is passed, also one that deletes far more: without this, neither a commit of
 * offsets nor retention would get through, and the disk would stay full. It lets the quota be passed by
 * as much as a megabyte when small batches are written fast, so that much has to be in hand.
 *
 * The reserve is a row of noise (browsers compress what they store). Batches are written only beside
 * it: the first puts it down, and so does the first after it was spent. A transaction without batches
 * that finds no space spends it, in a transaction that only deletes, which is never refused.
 */
import type { IDBPTransaction } from 'idb'
import type { Deletion } from './indexeddb-deletions.js'
import { ignore, superseded } from './indexeddb-errors.js'
import {
  batchesBefore,
  batchesFrom,
  type Database,
  type DatabaseSchema,
  type StoreName,
} from './indexeddb-schema.js'
import { ended, unlessAborted } from './indexeddb-transaction.js'

const RESERVE_BYTES = 2 * 1024 * 1024
/** What one call of getRandomValues fills. */
const NOISE_BYTES = 65_536

export function newReserve(): ArrayBuffer {
  const reserve = new Uint8Array(RESERVE_BYTES)
  for (let at = 0; at < RESERVE_BYTES; at += NOISE_BYTES) {
    crypto.getRandomValues(reserve.subarray(at, at + NOISE_BYTES))
  }
  return reserve.buffer
}

type WriteTransaction = IDBPTransaction<DatabaseSchema, StoreName[], 'readwrite'>

export interface FreeSpace {
  /** Of these the rows are deleted ahead, but for those of which something is to stay. */
  readonly deletions: readonly Deletion[]
  /** Undefined for a broker that has yet to raise it. */
  readonly brokerEpoch: number | undefined
}

/** @throws TabmqError BROKER_SUPERSEDED */
export async function freeSpace(database: Database, free: FreeSpace): Promise<void> {
  const transaction = database.transaction(['batches', 'meta'], 'readwrite', {
    durability: 'relaxed',
  })
  const end = ended(transaction)
  await unlessAborted(transaction, deleteAhead(transaction, free))
  await end
}

async function deleteAhead(
  transaction: WriteTransaction,
  { deletions, brokerEpoch }: FreeSpace,
): Promise<void> {
  const meta = transaction.objectStore('meta')
  if (brokerEpoch !== undefined && (await meta.get('brokerEpoch')) !== brokerEpoch) {
    transaction.abort()
    throw superseded(brokerEpoch)
  }
  meta.delete('reserve').catch(ignore)
  for (const deletion of deletions) await deleteBatches(transaction, deletion)
}

/**
 * The last row of a partition stays: where the log ends is known by it until it is written where the
 * log starts now, or that there is none any more.
 */
async function deleteBatches(
  transaction: WriteTransaction,
  { record: { partitionId, beforeOffset }, kept }: Deletion,
): Promise<void> {
  const batches = transaction.objectStore('batches')
  const range =
    kept.length === 0 ? batchesFrom(partitionId, 0) : batchesBefore(partitionId, beforeOffset)
  const last = await batches.openKeyCursor(range, 'prev')
  if (last === null) return
  const before = Math.min(beforeOffset, last.key[1])
  batches.delete(batchesBefore(partitionId, before)).catch(ignore)
}
