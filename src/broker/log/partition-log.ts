/**
 * One partition: where its log starts and ends, how far it is durable, its tail and its producers.
 * Hard state: the rows of `partitions`, `batches` and `producers` that carry its id. The high
 * watermark is the durable frontier: what lies between it and the log end is decided and perhaps
 * being written, and no consumer may see it.
 */
import { assert } from '../../std/assert.js'
import {
  nextOffsetOf,
  parseBatchHeader,
  parseHeader,
  type BatchEdge,
  type ReadBatchHeader,
} from '../../protocol/batch-header.js'
import { hasCode } from '../../protocol/errors.js'
import type { PartitionId, ProducerId, TopicId } from '../../protocol/names.js'
import type { PartitionState } from '../../protocol/requests/cluster.js'
import type { LogEdges } from '../ports.js'
import type { PartitionRow, ProducerRow } from '../rows.js'
import { PartitionTail, type TailBudget } from './tail.js'

/** What retention needs to know of the oldest batch. */
export interface LogHead {
  readonly nextOffset: number
  readonly position: number
  readonly maxTimestampMs: number
}

export function logHead(header: ReadBatchHeader): LogHead {
  const { position, maxTimestampMs } = header
  return { nextOffset: nextOffsetOf(header), position, maxTimestampMs }
}

/** Offsets from the one up to the other that cannot be read. */
export interface LogDamage {
  readonly offset: number
  readonly nextOffset: number
}

export class PartitionLog {
  readonly partitionId: PartitionId
  readonly topicId: TopicId
  readonly partition: number
  readonly #tail = new PartitionTail()
  readonly #tailBudget: TailBudget
  readonly #producers = new Map<ProducerId, ProducerRow>()
  /** Of producers that changed since: what the disk holds of them, null for nothing. */
  readonly #durableProducers = new Map<ProducerId, ProducerRow | null>()
  #logStartOffset: number
  #logEndOffset: number
  #highWatermark: number
  /** Bytes ever appended; the next batch's position. */
  #endPosition = 0
  #maxTimestampMs = 0
  /** When the last batch was appended, or later where one before it says so. */
  #appendedAtMs = 0
  /** The same up to the high watermark. */
  #durableEndPosition = 0
  #durableMaxTimestampMs = 0
  #durableAppendedAtMs = 0
  /** The oldest batch; undefined when there is none or the head has yet to be read again. */
  #head: LogHead | undefined
  /** No batch is stored below it. Batches before the log start may be, until retention comes by. */
  #storedFrom: number
  #damage: LogDamage | undefined
  /** The position of the oldest batch, where it is known; else the last one known. */
  #startPosition = 0

  constructor(partitionId: PartitionId, row: PartitionRow, tailBudget: TailBudget) {
    this.partitionId = partitionId
    this.topicId = row.topicId
    this.partition = row.partition
    this.#tailBudget = tailBudget
    this.#logStartOffset = row.logStartOffset
    this.#logEndOffset = row.logStartOffset
    this.#highWatermark = row.logStartOffset
    this.#storedFrom = row.logStartOffset
  }

  get logStartOffset(): number {
    return this.#logStartOffset
  }

  get logEndOffset(): number {
    return this.#logEndOffset
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  get endPosition(): number {
    return this.#endPosition
  }

  get maxTimestampMs(): number {
    return this.#maxTimestampMs
  }

  get appendedAtMs(): number {
    return this.#appendedAtMs
  }

  get sizeBytes(): number {
    return this.isEmpty ? 0 : this.#endPosition - this.#startPosition
  }

  get isEmpty(): boolean {
    return this.#logEndOffset === this.#logStartOffset
  }

  /** Whether any batch is stored, readable or not. */
  get hasBatches(): boolean {
    return this.#storedFrom < this.#logEndOffset
  }

  get head(): LogHead | undefined {
    return this.#head
  }

  producer(producerId: ProducerId): ProducerRow | undefined {
    return this.#producers.get(producerId)
  }

  producers(): IterableIterator<[ProducerId, ProducerRow]> {
    return this.#producers.entries()
  }

  /**
   * Where the log ends is not known because its last batch cannot be read: nothing can be appended
   * behind it. Over when the log starts after it, since its records were deleted.
   */
  get damage(): LogDamage | undefined {
    const damage = this.#damage
    return damage !== undefined && this.#logStartOffset < damage.nextOffset ? damage : undefined
  }

  /** Takes up what the storage holds: called once, on loading. */
  restore(edges: LogEdges): void {
    const { firstOffset, lastOffset } = edges
    const first = readEdge(edges.first, firstOffset)
    const last = readEdge(edges.last, lastOffset)
    // On a full disk batches are deleted before there is room to write where the log starts now.
    this.#logStartOffset = Math.max(this.#logStartOffset, firstOffset)
    // A record takes a byte at least: none of a batch that cannot be read has a higher offset.
    const endOffset = last === undefined ? lastOffset + edges.last.byteLength : nextOffsetOf(last)
    if (last === undefined) this.#damage = { offset: lastOffset, nextOffset: endOffset }
    this.#logEndOffset = Math.max(this.#logStartOffset, endOffset)
    this.#highWatermark = this.#logEndOffset
    this.#endPosition = (last ?? first)?.position ?? 0
    this.#endPosition += edges.last.byteLength
    this.#maxTimestampMs = (last ?? first)?.maxTimestampSoFarMs ?? 0
    this.#appendedAtMs = (last ?? first)?.appendedAtMs ?? 0
    this.#durableEndPosition = this.#endPosition
    this.#durableMaxTimestampMs = this.#maxTimestampMs
    this.#durableAppendedAtMs = this.#appendedAtMs
    this.#storedFrom = firstOffset
    if (first !== undefined) this.setHead(logHead(first))
  }

  replayBatch(batch: ArrayBuffer): void {
    const header = parseBatchHeader(batch)
    assert(
      header.baseOffset === this.#logEndOffset && header.position === this.#endPosition,
      () => `partition ${this.partitionId} ends at ${this.#logEndOffset}, not ${header.baseOffset}`,
    )
    if (!this.hasBatches) this.setHead(logHead(header))
    const nextOffset = nextOffsetOf(header)
    this.#tailBudget.append(this.#tail, { baseOffset: header.baseOffset, nextOffset, batch })
    this.#logEndOffset = nextOffset
    this.#endPosition += batch.byteLength
    this.#maxTimestampMs = header.maxTimestampSoFarMs
    this.#appendedAtMs = header.appendedAtMs
  }

  replayProducer(producerId: ProducerId, row: ProducerRow | null): void {
    if (!this.#durableProducers.has(producerId)) {
      this.#durableProducers.set(producerId, this.#producers.get(producerId) ?? null)
    }
    if (row === null) this.#producers.delete(producerId)
    else this.#producers.set(producerId, row)
  }

  /** The log start moved up: by retention, or because an administrator deleted records. */
  replayLogStart(logStartOffset: number): void {
    this.#logStartOffset = logStartOffset
  }

  replayBatchesDeleted(beforeOffset: number): void {
    this.#storedFrom = Math.max(this.#storedFrom, beforeOffset)
    if (this.#head !== undefined && this.#head.nextOffset <= beforeOffset) this.#head = undefined
  }

  /** What is the oldest batch now; found by reading after the one before it was dropped. */
  setHead(head: LogHead): void {
    this.#head = head
    this.#startPosition = head.position
  }

  /** Everything up to and with this batch is durable now. Returns whether that is news. */
  batchIsDurable(batch: ArrayBuffer): boolean {
    const header = parseBatchHeader(batch)
    const offset = nextOffsetOf(header)
    assert(offset <= this.#logEndOffset, () => `${offset} is beyond ${this.#logEndOffset}`)
    if (offset <= this.#highWatermark) return false
    this.#highWatermark = offset
    this.#durableEndPosition = header.position + batch.byteLength
    this.#durableMaxTimestampMs = header.maxTimestampSoFarMs
    this.#durableAppendedAtMs = header.appendedAtMs
    return true
  }

  /** The disk holds this of the producer now, perhaps not its latest. */
  producerIsDurable(producerId: ProducerId, row: ProducerRow | null): void {
    if ((this.#producers.get(producerId) ?? null) === row) this.#durableProducers.delete(producerId)
    else this.#durableProducers.set(producerId, row)
  }

  /** What was replayed so far came from the disk. */
  allIsDurable(): void {
    this.#durableProducers.clear()
  }

  /** Back to what is durable: the batches after the high watermark will not be written. */
  rollBack(): void {
    this.#tailBudget.cutOff(this.#tail, this.#highWatermark)
    this.#logEndOffset = this.#highWatermark
    this.#endPosition = this.#durableEndPosition
    this.#maxTimestampMs = this.#durableMaxTimestampMs
    this.#appendedAtMs = this.#durableAppendedAtMs
    if (!this.hasBatches) this.#head = undefined
    for (const [producerId, row] of this.#durableProducers) {
      if (row === null) this.#producers.delete(producerId)
      else this.#producers.set(producerId, row)
    }
    this.#durableProducers.clear()
  }

  /** The batches from `offset` on, or undefined when they have to be read from the disk. */
  readFromTail(offset: number, maxBytes: number): ArrayBuffer[] | undefined {
    if (offset >= this.#highWatermark) return []
    const tailStart = this.#tail.startOffset
    if (tailStart === undefined || offset < tailStart) return undefined
    return this.#tail.read(offset, this.#highWatermark, maxBytes)
  }

  describe(): PartitionState {
    return {
      partitionId: this.partitionId,
      partition: this.partition,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#logEndOffset,
      highWatermark: this.#highWatermark,
      sizeBytes: this.sizeBytes,
    }
  }

  checkInvariants(): void {
    const offsets = [this.#logStartOffset, this.#highWatermark, this.#logEndOffset]
    const inOrder = offsets.every((offset, index) => offset >= (offsets[index - 1] ?? 0))
    assert(inOrder, () => `partition ${this.partitionId}: start, watermark, end are ${offsets}`)
    const tailStart = this.#tail.startOffset
    assert(
      tailStart === undefined || tailStart < this.#logEndOffset,
      () => `partition ${this.partitionId}: tail starts at ${tailStart}`,
    )
  }
}

/** The header of a row at the edge, unless it is broken or another row's. */
function readEdge(edge: BatchEdge, baseOffset: number): ReadBatchHeader | undefined {
  try {
    const header = parseHeader(edge)
    return header.baseOffset === baseOffset ? header : undefined
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return undefined
    throw error
  }
}
