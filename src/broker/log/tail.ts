/**
 * The newest batches of all partitions in memory, bounded by bytes: what consumers that keep up
 * read, without the disk. Soft state, a copy of what the log holds; the oldest batch of any
 * partition is dropped first. One tail is shared by every group.
 */
import { assert } from '../../std/assert.js'

export interface TailBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly batch: ArrayBuffer
}

/** The tail of one partition: contiguous batches that end at the log end. */
export class PartitionTail {
  #batches: (TailBatch | undefined)[] = []
  /** Dropped entries in front of `#batches`: empty at once, cut away now and then. */
  #dropped = 0

  /** The first offset held, or undefined when nothing is. */
  get startOffset(): number | undefined {
    return this.#batches[this.#dropped]?.baseOffset
  }

  append(batch: TailBatch): void {
    const last = this.#batches.at(-1)
    assert(
      last === undefined || last.nextOffset === batch.baseOffset,
      () => `tail ends at ${last?.nextOffset}, next batch starts at ${batch.baseOffset}`,
    )
    this.#batches.push(batch)
  }

  dropFirst(): number {
    const first = this.#batches[this.#dropped]
    if (first === undefined) return 0
    this.#batches[this.#dropped] = undefined
    this.#dropped += 1
    if (this.#dropped > 32 && this.#dropped * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#dropped)
      this.#dropped = 0
    }
    return first.batch.byteLength
  }

  /** Drops what begins at `offset` or later. Returns how many bytes and batches that were. */
  cutOff(offset: number): { bytes: number; batches: number } {
    const cut = { bytes: 0, batches: 0 }
    for (;;) {
      const last = this.#batches.length > this.#dropped ? this.#batches.at(-1) : undefined
      if (last === undefined || last.baseOffset < offset) return cut
      this.#batches.pop()
      cut.bytes += last.batch.byteLength
      cut.batches += 1
    }
  }

  /** Batches from the one that contains `offset`, up to `endOffset` and about `maxBytes`. */
  read(offset: number, endOffset: number, maxBytes: number): ArrayBuffer[] {
    const found: ArrayBuffer[] = []
    let bytes = 0
    for (let index = this.#indexOf(offset); index < this.#batches.length; index++) {
      const entry = this.#batches[index] as TailBatch
      if (entry.nextOffset > endOffset) break
      if (found.length > 0 && bytes + entry.batch.byteLength > maxBytes) break
      found.push(entry.batch)
      bytes += entry.batch.byteLength
    }
    return found
  }

  #indexOf(offset: number): number {
    let low = this.#dropped
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#batches[middle] as TailBatch).nextOffset <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Which partition's tail holds the oldest batch, and how many bytes all of them hold. */
export class TailBudget {
  readonly #bytesMax: number
  #order: PartitionTail[] = []
  #dropped = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds a batch to a tail and drops the oldest batches until the budget holds again. */
  append(tail: PartitionTail, batch: TailBatch): void {
    tail.append(batch)
    this.#order.push(tail)
    this.#bytes += batch.batch.byteLength
    while (this.#bytes > this.#bytesMax && this.#dropped < this.#order.length) this.#dropOldest()
  }

  /** The newest batches of a tail are no more. */
  cutOff(tail: PartitionTail, offset: number): void {
    const { bytes, batches } = tail.cutOff(offset)
    this.#bytes -= bytes
    let left = batches
    for (let index = this.#order.length - 1; left > 0; index--) {
      if (this.#order[index] !== tail) continue
      this.#order.splice(index, 1)
      left -= 1
    }
  }

  #dropOldest(): void {
    const tail = this.#order[this.#dropped] as PartitionTail
    this.#dropped += 1
    this.#bytes -= tail.dropFirst()
    if (this.#dropped > 1_024 && this.#dropped * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#dropped)
      this.#dropped = 0
    }
  }
}
