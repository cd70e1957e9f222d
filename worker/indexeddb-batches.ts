/**
 * Reading batches, for fetches. IndexedDB tells how large a row is only by handing it over, so rows
 * are read in pages that grow while they turn out small: a fetch of many small batches takes few
 * requests, and one of large batches reads no more than a row or two in vain.
 */
import type { IDBPObjectStore } from 'idb'
import type { BatchRange } from '../src/broker/ports.js'
import {
  batchesAfter,
  batchesFrom,
  batchesUpTo,
  type Database,
  type DatabaseSchema,
} from './indexeddb-schema.js'
import { unlessAborted } from './indexeddb-transaction.js'

/** Rows of one request at most: as many may have been read in vain when large follow small ones. */
const PAGE_ROWS_MAX = 32

type BatchStore = IDBPObjectStore<DatabaseSchema, 'batches'[], 'batches', 'readonly'>

export function readBatches(database: Database, range: BatchRange): Promise<ArrayBuffer[]> {
  const transaction = database.transaction(['batches'])
  return unlessAborted(transaction, readFrom(transaction.objectStore('batches'), range))
}

async function readFrom(store: BatchStore, range: BatchRange): Promise<ArrayBuffer[]> {
  const { partitionId, fromOffset } = range
  const reader = new PageReader(store, range)
  // Who reads on where the last fetch ended asks for a base offset, and this finds it.
  const exact = await store.get([partitionId, fromOffset])
  if (exact !== undefined) {
    reader.take(exact)
    await reader.readOn(batchesAfter(partitionId, fromOffset))
  } else {
    const floor = await store.openKeyCursor(batchesUpTo(partitionId, fromOffset), 'prev')
    await reader.readOn(batchesFrom(partitionId, floor === null ? fromOffset : floor.key[1]))
  }
  return reader.batches
}

/** Collects batches until the range's limits are reached. Lives as long as one transaction. */
class PageReader {
  readonly batches: ArrayBuffer[] = []
  readonly #store: BatchStore
  readonly #range: BatchRange
  #bytes = 0
  #largestBytes = 0
  #full = false
  #pageRows = 1

  constructor(store: BatchStore, range: BatchRange) {
    this.#store = store
    this.#range = range
  }

  /** Takes one more batch unless it would pass a limit; the first always fits. */
  take(batch: ArrayBuffer): void {
    const { maxBytes, maxBatches } = this.#range
    const first = this.batches.length === 0
    if (!first && this.#bytes + batch.byteLength > maxBytes) {
      this.#full = true
      return
    }
    this.batches.push(batch)
    this.#bytes += batch.byteLength
    this.#largestBytes = Math.max(this.#largestBytes, batch.byteLength)
    this.#full = this.#bytes >= maxBytes || this.batches.length >= maxBatches
  }

  async readOn(from: IDBKeyRange): Promise<void> {
    let rest = from
    while (!this.#full) {
      const rows = this.#nextPageRows()
      const [keys, batches] = await Promise.all([
        this.#store.getAllKeys(rest, rows),
        this.#store.getAll(rest, rows),
      ])
      for (const batch of batches) {
        if (!this.#full) this.take(batch)
      }
      const last = keys.at(-1)
      if (last === undefined || keys.length < rows) return
      rest = batchesAfter(...last)
    }
  }

  /** Twice the last page, but no more than fit when all are as large as the largest so far. */
  #nextPageRows(): number {
    if (this.batches.length === 0) return 1
    const { maxBytes, maxBatches } = this.#range
    this.#pageRows = Math.min(this.#pageRows * 2, PAGE_ROWS_MAX)
    const fitting = Math.ceil((maxBytes - this.#bytes) / Math.max(this.#largestBytes, 1))
    return Math.max(1, Math.min(this.#pageRows, fitting, maxBatches - this.batches.length))
  }
}
