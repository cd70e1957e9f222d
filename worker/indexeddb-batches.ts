/**
 * Reading batches, for fetches: rows, and what the journal holds that is no row yet. IndexedDB tells how
 * large a row is only by handing it over, so rows are read in pages that grow while they turn out small:
 * a fetch of many small rows takes few requests, and one of large rows reads no more than one or two
 * in vain.
 */
import type { IDBPObjectStore } from 'idb'
import type { BatchRange } from '../src/broker/ports.js'
import { splitRow, type StoredBatch } from './indexeddb-batch-rows.js'
import {
  batchesAfter,
  batchesBetween,
  batchesFrom,
  type Database,
  type DatabaseSchema,
} from './indexeddb-schema.js'
import { unlessAborted } from './indexeddb-transaction.js'

/** Rows of one request at most: as many may have been read in vain when large follow small ones. */
const PAGE_ROWS_MAX = 32

type BatchStore = IDBPObjectStore<DatabaseSchema, 'batches'[], 'batches', 'readonly'>
type BatchLimits = Pick<BatchRange, 'maxBytes' | 'maxBatches'>

export interface RowsRead {
  readonly batches: readonly StoredBatch[]
  /** Where the first begins that no longer fitted. */
  readonly end: number
}

/** @param journaled the batches of the partition that are in the journal */
export function readRows(
  database: Database,
  range: BatchRange,
  journaled: readonly StoredBatch[],
): Promise<RowsRead> {
  const transaction = database.transaction(['batches'])
  const floor = journaled.findLast(({ baseOffset }) => baseOffset <= range.fromOffset)
  const reader = new PageReader(transaction.objectStore('batches'), range)
  return unlessAborted(transaction, readFrom(reader, range, floor?.baseOffset))
}

/** What is above the offset of a batch that lies nearer than all rows below it. */
async function readFrom(
  reader: PageReader,
  { partitionId, fromOffset }: BatchRange,
  above: number | undefined,
): Promise<RowsRead> {
  const { store } = reader
  if (above === fromOffset) return reader.readOn(batchesAfter(partitionId, fromOffset))
  // Who reads on where the last fetch ended asks for a base offset, and this finds it.
  const exact = await store.get([partitionId, fromOffset])
  if (exact !== undefined) {
    reader.take(fromOffset, exact)
    return reader.readOn(batchesAfter(partitionId, fromOffset))
  }
  const floor = await store.openKeyCursor(batchesBetween(partitionId, above, fromOffset), 'prev')
  return reader.readOn(batchesFrom(partitionId, floor === null ? fromOffset : floor.key[1]))
}

/**
 * The batches of both, up to the range's limits: of the journal what lies before the first row that was
 * left. Of two under one base offset the one in the journal counts, which is not the older one.
 */
export function mergeBatches(
  { batches, end }: RowsRead,
  journaled: readonly StoredBatch[],
  range: BatchRange,
): StoredBatch[] {
  const all = new Map(batches.map((batch) => [batch.baseOffset, batch]))
  for (const batch of journaled) {
    if (batch.baseOffset < end) all.set(batch.baseOffset, batch)
  }
  const inOrder = [...all.values()].sort((left, right) => left.baseOffset - right.baseOffset)
  const limited = new LimitedBatches(range)
  for (const batch of fromFloor(inOrder, range.fromOffset)) {
    if (!limited.isFull) limited.take(batch)
  }
  return limited.batches
}

/** Without what lies before the batch that contains the offset. */
function fromFloor(batches: readonly StoredBatch[], offset: number): readonly StoredBatch[] {
  const floor = batches.findLastIndex((batch) => batch.baseOffset <= offset)
  return floor > 0 ? batches.slice(floor) : batches
}

/** Takes batches, at least one, until a limit is reached. */
class LimitedBatches implements RowsRead {
  readonly batches: StoredBatch[] = []
  readonly #limits: BatchLimits
  #bytes = 0
  #isFull = false
  #end = Infinity

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  get end(): number {
    return this.#end
  }

  get isFull(): boolean {
    return this.#isFull
  }

  get bytesLeft(): number {
    return this.#limits.maxBytes - this.#bytes
  }

  /** Takes one more batch unless it would pass a limit; the first always fits. */
  take(batch: StoredBatch): void {
    const { maxBytes, maxBatches } = this.#limits
    const bytes = this.#bytes + batch.bytes.byteLength
    if (this.batches.length > 0 && bytes > maxBytes) {
      this.#isFull = true
      this.#end = batch.baseOffset
      return
    }
    this.batches.push(batch)
    this.#bytes = bytes
    this.#isFull = bytes >= maxBytes || this.batches.length >= maxBatches
  }
}

/** Collects batches until the range's limits are reached. Lives as long as one transaction. */
class PageReader {
  readonly store: BatchStore
  readonly #range: BatchRange
  readonly #taken: LimitedBatches
  #largestBytes = 0
  #pageRows = 1

  constructor(store: BatchStore, range: BatchRange) {
    this.store = store
    this.#range = range
    this.#taken = new LimitedBatches(range)
  }

  take(baseOffset: number, row: ArrayBuffer): void {
    this.#largestBytes = Math.max(this.#largestBytes, row.byteLength)
    const batches = splitRow(baseOffset, row)
    const isFirst = this.#taken.batches.length === 0
    for (const batch of isFirst ? fromFloor(batches, this.#range.fromOffset) : batches) {
      if (!this.#taken.isFull) this.#taken.take(batch)
    }
  }

  async readOn(from: IDBKeyRange): Promise<RowsRead> {
    let rest = from
    while (!this.#taken.isFull) {
      const rows = this.#nextPageRows()
      const [keys, values] = await Promise.all([
        this.store.getAllKeys(rest, rows),
        this.store.getAll(rest, rows),
      ])
      for (const [index, value] of values.entries()) {
        const key = keys[index]
        if (key !== undefined && !this.#taken.isFull) this.take(key[1], value)
      }
      const last = keys.at(-1)
      if (last === undefined || keys.length < rows) break
      rest = batchesAfter(...last)
    }
    return this.#taken
  }

  /** Twice the last page, but no more than fit when all are as large as the largest so far. */
  #nextPageRows(): number {
    const { batches, bytesLeft } = this.#taken
    if (batches.length === 0) return 1
    this.#pageRows = Math.min(this.#pageRows * 2, PAGE_ROWS_MAX)
    const fitting = Math.ceil(bytesLeft / Math.max(this.#largestBytes, 1))
    const wanted = this.#range.maxBatches - batches.length
    return Math.max(1, Math.min(this.#pageRows, fitting, wanted))
  }
}
