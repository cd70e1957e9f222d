/**
 * Batches that were read and are likely to be asked for again. Two generations: what is used moves to the
 * younger, and when that is full the older is let go of. Whoever finds nothing here reads again.
 */
import { nextOffsetOf, parseBatchHeader } from '../../protocol/batch-header.js'
import type { PartitionId } from '../../protocol/names.js'

export interface KeptBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly batch: ArrayBuffer
}

export class KeptBatches {
  readonly #bytesMax: number
  #young = new Generation()
  #old = new Generation()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** @throws TabmqError CORRUPT_MESSAGE */
  add(partitionId: PartitionId, batch: ArrayBuffer): KeptBatch {
    const header = parseBatchHeader(batch)
    const kept = { baseOffset: header.baseOffset, nextOffset: nextOffsetOf(header), batch }
    this.#put(partitionId, kept)
    return kept
  }

  find(partitionId: PartitionId, offset: number): KeptBatch | undefined {
    const young = this.#young.find(partitionId, offset)
    if (young !== undefined) return young
    const old = this.#old.find(partitionId, offset)
    if (old !== undefined) this.#put(partitionId, old)
    return old
  }

  /** Lets go of batches that lie wholly below where any group still has something to take. */
  forgetBelow(neededFrom: (partitionId: PartitionId) => number): void {
    this.#young.forgetBelow(neededFrom)
    this.#old.forgetBelow(neededFrom)
  }

  #put(partitionId: PartitionId, kept: KeptBatch): void {
    if (this.#young.bytes + kept.batch.byteLength > this.#bytesMax / 2) {
      this.#old = this.#young
      this.#young = new Generation()
    }
    this.#young.put(partitionId, kept)
  }
}

/** By partition, in the order of offsets. */
class Generation {
  bytes = 0
  readonly #byPartition = new Map<PartitionId, KeptBatch[]>()

  put(partitionId: PartitionId, one: KeptBatch): void {
    const kept = this.#byPartition.get(partitionId) ?? []
    this.#byPartition.set(partitionId, kept)
    const index = indexAfter(kept, one.baseOffset)
    if (kept[index - 1]?.baseOffset === one.baseOffset) return
    kept.splice(index, 0, one)
    this.bytes += one.batch.byteLength
  }

  find(partitionId: PartitionId, offset: number): KeptBatch | undefined {
    const kept = this.#byPartition.get(partitionId) ?? []
    const found = kept[indexAfter(kept, offset) - 1]
    return found !== undefined && offset < found.nextOffset ? found : undefined
  }

  forgetBelow(neededFrom: (partitionId: PartitionId) => number): void {
    for (const [partitionId, kept] of this.#byPartition) {
      const from = neededFrom(partitionId)
      const first = kept.findIndex(({ nextOffset }) => nextOffset > from)
      for (const { batch } of kept.splice(0, first < 0 ? kept.length : first)) {
        this.bytes -= batch.byteLength
      }
      if (kept.length === 0) this.#byPartition.delete(partitionId)
    }
  }
}

/** Where the first batch is that begins after the offset. */
function indexAfter(kept: readonly KeptBatch[], offset: number): number {
  let low = 0
  let high = kept.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((kept[middle]?.baseOffset ?? Infinity) <= offset) low = middle + 1
    else high = middle
  }
  return low
}
