/**
 * What waits to be sent to one partition, in order. Batches are numbered when they are taken for the
 * first time. After a failure nothing more is sent until all that is in flight came back; then the
 * failed ones go again first, under their old numbers, so that the broker recognises those it has: it
 * remembers the last few, so no more than those follow a batch whose fate is not known. When a batch
 * is given up its number is missing, and the rest starts over under a new epoch.
 */
import type { EncodedChunk } from '../../codec/chunk.js'
import { SEQUENCE_MAX } from '../../protocol/batch-header.js'
import type { PartitionId, ProducerId, TopicName } from '../../protocol/names.js'
import type { ChunkResult } from './chunk-result.js'
import { chunkBytes, OutgoingBatch, type BatchTerms } from './outgoing-batch.js'

export interface PartitionQueueOptions {
  readonly topic: TopicName
  readonly partitionId: PartitionId
  /** Undefined: batches are not numbered, and a repeat is not recognised. */
  readonly producerId: ProducerId | undefined
  readonly batchSize: number
  /** How many may be sent from the first whose fate is not known on, that one included. */
  readonly inFlightMax: number
  /** For how long the broker surely remembers a producer. */
  readonly rememberedMs: number
}

/** By the client's clock, and by the machine's, which is the broker's as well. */
export interface Now {
  readonly nowMs: number
  readonly wallMs: number
}

export class PartitionQueue {
  readonly #options: PartitionQueueOptions
  #open: OutgoingBatch | undefined
  #batchCount = 0
  #ready: OutgoingBatch[] = []
  readonly #inFlight = new Set<OutgoingBatch>()
  #failed: OutgoingBatch[] = []
  /** Sent under their numbers; nobody has said whether they were appended. */
  readonly #inDoubt = new Set<OutgoingBatch>()
  #notBeforeMs = 0
  #epoch = 0
  #nextSequence = 0
  /** How many batches were numbered so far, under whatever epoch. */
  #numberedCount = 0
  #needsNewEpoch = false
  /** Until when the broker, which has taken a batch, surely knows which number comes next. */
  #knownUntilMs = -Infinity

  constructor(options: PartitionQueueOptions) {
    this.#options = options
  }

  get topic(): TopicName {
    return this.#options.topic
  }

  get partitionId(): PartitionId {
    return this.#options.partitionId
  }

  /** When the open batch was begun, for the linger time. */
  get openSinceMs(): number | undefined {
    return this.#open?.createdAtMs
  }

  /** When what failed may be tried again, if anything waits for that. */
  get retryAtMs(): number | undefined {
    return this.#inFlight.size === 0 && this.#hasWaiting() ? this.#notBeforeMs : undefined
  }

  /** When the oldest batch was begun. */
  get oldestMs(): number | undefined {
    const all = [...this.#inFlight, ...this.#failed, this.#ready[0], this.#open]
    const oldestMs = Math.min(...all.map((batch) => batch?.createdAtMs ?? Infinity))
    return oldestMs === Infinity ? undefined : oldestMs
  }

  /** Adds a chunk to the open batch. `sealed` is a batch that this closed. */
  add(
    chunk: EncodedChunk,
    terms: BatchTerms,
    nowMs: number,
  ): { done: Promise<ChunkResult>; sealed: OutgoingBatch | undefined } {
    const { batchSize } = this.#options
    const open = this.#open
    const fits =
      open !== undefined && open.hasTerms(terms) && open.bytes + chunkBytes(chunk) <= batchSize
    const sealed = fits ? undefined : this.seal()
    this.#open ??= new OutgoingBatch(terms, { createdAtMs: nowMs, position: this.#batchCount++ })
    return { done: this.#open.add(chunk), sealed }
  }

  /** Closes the open batch, so that it is sent without waiting for more. */
  seal(): OutgoingBatch | undefined {
    const sealed = this.#open
    if (sealed === undefined) return undefined
    this.#open = undefined
    this.#ready.push(sealed)
    return sealed
  }

  /** The next batch to send, if one may be sent now. */
  take(now: Now, acks: number): OutgoingBatch | undefined {
    if (!this.#mayTake(now)) return undefined
    const isInDoubt = (one: OutgoingBatch) => this.#inDoubt.has(one)
    const index = this.#needsNewEpoch ? this.#ready.findIndex(isInDoubt) : 0
    const batch = this.#ready[index]
    if (batch === undefined || batch.terms.acks !== acks || !batch.isAssembled) return undefined
    if (!this.#mayFollow(batch)) return undefined
    this.#ready.splice(index, 1)
    this.#number(batch)
    batch.attempts += 1
    // With acks 0 what it follows may never have been written, and the broker not know the producer.
    batch.isRepeat = acks !== 0 && this.#inDoubt.has(batch)
    if (batch.producer !== undefined) this.#inDoubt.add(batch)
    this.#inFlight.add(batch)
    return batch
  }

  succeeded(batch: OutgoingBatch, wallMs: number): void {
    this.#forget(batch)
    // With acks 0 it was answered before it was written, and may never be.
    if (batch.terms.acks !== 0) this.#knownUntilMs = wallMs + this.#options.rememberedMs
  }

  /** It is to be sent again, not before `notBeforeMs`. */
  retry(batch: OutgoingBatch, notBeforeMs: number): void {
    this.#inFlight.delete(batch)
    this.#failed.push(batch)
    this.#notBeforeMs = Math.max(this.#notBeforeMs, notBeforeMs)
  }

  /** The broker does not have it, and cannot take it under its number. */
  outOfOrder(batch: OutgoingBatch, nowMs: number): void {
    this.#inDoubt.delete(batch)
    if (this.#isFirst(batch)) this.#needsNewEpoch = true
    this.retry(batch, nowMs)
  }

  /** It will not be sent again: its number stays unused. */
  giveUp(batch: OutgoingBatch): void {
    this.#forget(batch)
    this.#needsNewEpoch = true
  }

  /** Takes out a batch that was never sent. */
  discard(batch: OutgoingBatch): void {
    this.#ready = this.#ready.filter((ready) => ready !== batch)
  }

  /** Takes out the batches that are too late, also what is in flight: the numbers stay unused. */
  takeLate(isLate: (batch: OutgoingBatch) => boolean): OutgoingBatch[] {
    const late = this.#sealed().filter(isLate)
    if (late.length > 0) {
      for (const batch of late) this.#forget(batch)
      this.#failed = this.#failed.filter((batch) => !isLate(batch))
      this.#ready = this.#ready.filter((batch) => !isLate(batch))
      if (late.some((batch) => batch.producer !== undefined)) this.#needsNewEpoch = true
    }
    const open = this.#open
    if (open === undefined || !isLate(open)) return late
    this.#open = undefined
    return [...late, open]
  }

  /** Takes out everything, also what is in flight: the partition is not there any more. */
  abandon(): OutgoingBatch[] {
    const open = this.#open === undefined ? [] : [this.#open]
    const all = [...this.#sealed(), ...open]
    this.#open = undefined
    this.#inFlight.clear()
    this.#inDoubt.clear()
    this.#failed = []
    this.#ready = []
    return all
  }

  /**
   * Whether nothing that was numbered before this batch waits for its answer or its next attempt.
   * Behind one that failed, being out of order is to be expected; the first to be so tells that the
   * broker lost what it had acknowledged.
   */
  #isFirst(batch: OutgoingBatch): boolean {
    const isBefore = (other: OutgoingBatch) =>
      other.producer !== undefined &&
      other.producer.producerEpoch === batch.producer?.producerEpoch &&
      other.producer.baseSequence < batch.producer.baseSequence
    return !this.#sealed().some(isBefore)
  }

  /**
   * Whether the broker, once it has this batch, still recognises all that is in doubt. An epoch whose
   * numbers are used up ends when nothing of it is.
   */
  #mayFollow(batch: OutgoingBatch): boolean {
    const isNumbered = this.#isNumbered(batch)
    if (!isNumbered && this.#isUsedUp(batch) && this.#inDoubt.size > 0) return false
    const order = isNumbered ? batch.order : this.#numberedCount
    for (const other of this.#inDoubt) {
      if (order - other.order >= this.#options.inFlightMax) return false
    }
    return true
  }

  #isUsedUp({ recordCount }: OutgoingBatch): boolean {
    return this.#nextSequence + recordCount > SEQUENCE_MAX
  }

  #sealed(): OutgoingBatch[] {
    return [...this.#inFlight, ...this.#failed, ...this.#ready]
  }

  #forget(batch: OutgoingBatch): void {
    this.#inFlight.delete(batch)
    this.#inDoubt.delete(batch)
  }

  #mayTake({ nowMs, wallMs }: Now): boolean {
    const isKnown = wallMs < this.#knownUntilMs
    // What is sent to a broker that may have forgotten this producer is to be its first, or a repeat of
    // it would be refused.
    const isForgotten = !isKnown && this.#knownUntilMs > -Infinity
    if (isForgotten && this.#nextSequence > 0 && this.#inDoubt.size === 0) {
      this.#needsNewEpoch = true
    }
    if (this.#failed.length > 0 || this.#needsNewEpoch) {
      if (this.#inFlight.size > 0 || nowMs < this.#notBeforeMs) return false
      this.#startOver()
    }
    // A broker that does not know this producer takes any first number (rule 25): were the first batch
    // to fail, the second would be written before it.
    return this.#inFlight.size < (isKnown ? this.#options.inFlightMax : 1)
  }

  #startOver(): void {
    // Not all that failed is older than what is ready: a batch in doubt goes before the others.
    this.#ready = [...this.#failed, ...this.#ready].sort((a, b) => a.position - b.position)
    this.#failed = []
    if (!this.#needsNewEpoch) return
    // What may have been appended keeps its number until the broker has said whether it was: under
    // another it would be appended again.
    if (this.#inDoubt.size > 0) return
    this.#needsNewEpoch = false
    this.#epoch += 1
    this.#nextSequence = 0
  }

  #number(batch: OutgoingBatch): void {
    const { producerId } = this.#options
    if (producerId === undefined || this.#isNumbered(batch)) return
    if (this.#isUsedUp(batch)) {
      this.#epoch += 1
      this.#nextSequence = 0
    }
    const baseSequence = this.#nextSequence
    batch.number({ producerId, producerEpoch: this.#epoch, baseSequence }, this.#numberedCount++)
    this.#nextSequence += batch.recordCount
  }

  #isNumbered({ producer }: OutgoingBatch): boolean {
    return producer?.producerEpoch === this.#epoch
  }

  #hasWaiting(): boolean {
    return this.#failed.length > 0 || (this.#needsNewEpoch && this.#ready.length > 0)
  }
}
