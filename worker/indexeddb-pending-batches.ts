/**
 * The batches that are in the journal and not yet rows of their own, in memory: by partition, in the
 * order of their offsets. Their buffers are this file's alone; whoever wants one copies it.
 */
import type { PartitionId } from '../src/protocol/names.js'
import { joinedRows, type BatchRow, type StoredBatch } from './indexeddb-batch-rows.js'

export class PendingBatches {
  readonly #batches: Map<PartitionId, StoredBatch[]>
  #byteLength = 0
  #deadBytes = 0

  constructor(batches = new Map<PartitionId, StoredBatch[]>()) {
    this.#batches = batches
  }

  /** What the journal holds of them, and how much of it is of batches that are no more. */
  get byteLength(): number {
    return this.#byteLength
  }

  get deadBytes(): number {
    return this.#deadBytes
  }

  copy(): PendingBatches {
    return new PendingBatches(
      new Map([...this.#batches].map(([partitionId, batches]) => [partitionId, [...batches]])),
    )
  }

  of(partitionId: PartitionId): readonly StoredBatch[] {
    return this.#batches.get(partitionId) ?? []
  }

  has(partitionId: PartitionId, baseOffset: number): boolean {
    const batches = this.of(partitionId)
    return batches[indexAtOrAfter(batches, baseOffset)]?.baseOffset === baseOffset
  }

  put(partitionId: PartitionId, batch: StoredBatch): void {
    const batches = this.#batches.get(partitionId) ?? []
    if (batches.length === 0) this.#batches.set(partitionId, batches)
    const index = indexAtOrAfter(batches, batch.baseOffset)
    const isThere = batches[index]?.baseOffset === batch.baseOffset
    batches.splice(index, isThere ? 1 : 0, batch)
    this.#byteLength += batch.bytes.byteLength
  }

  deleteBefore(partitionId: PartitionId, beforeOffset: number): void {
    const batches = this.#batches.get(partitionId)
    if (batches === undefined) return
    const dead = batches.splice(0, indexAtOrAfter(batches, beforeOffset))
    for (const { bytes } of dead) this.#deadBytes += bytes.byteLength
    if (batches.length === 0) this.#batches.delete(partitionId)
  }

  /** How they are written out. */
  rows(): BatchRow[] {
    return [...this.#batches].flatMap(([partitionId, batches]) => joinedRows(partitionId, batches))
  }
}

/** The index of the first batch whose base offset is not below `offset`; mostly it goes to the end. */
function indexAtOrAfter(batches: readonly StoredBatch[], offset: number): number {
  const last = batches.at(-1)
  if (last === undefined || last.baseOffset < offset) return batches.length
  let low = 0
  let high = batches.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((batches[middle]?.baseOffset ?? Infinity) < offset) low = middle + 1
    else high = middle
  }
  return low
}
