/**
 * A batch on its way from the sends that filled it to the broker's answer. It carries the encoded
 * chunks, who waits for which part of it, and, once numbered, the sequence under which every repeat
 * of it is sent.
 */
import { assembleBatch, assembleCompressedBatch } from '../../codec/batch.js'
import type { EncodedChunk } from '../../codec/chunk.js'
import { writeBatchProducer, type BatchProducer } from '../../protocol/batch-header.js'
import type { Acks, ProducedBatch } from '../../protocol/requests/log.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import { chunkResult, type ChunkResult } from './chunk-result.js'

/** What all messages of one batch have in common. */
export interface BatchTerms {
  readonly acks: Acks
  readonly compression: 'gzip' | undefined
  readonly codecId: number
}

interface Part {
  /** Records of the batch before this part's first. */
  readonly recordsBefore: number
  readonly recordCount: number
  readonly done: Deferred<ChunkResult>
}

export class OutgoingBatch {
  readonly terms: BatchTerms
  readonly createdAtMs: number
  /** How many batches its partition had before it. */
  readonly position: number
  readonly #chunks: EncodedChunk[] = []
  readonly #parts: Part[] = []
  #assembled: ArrayBuffer | undefined
  #numbered: BatchProducer | undefined
  recordCount = 0
  bytes = 0
  /** How many batches of its partition were numbered before it was. */
  order = 0
  attempts = 0
  /** It was sent before under its number, and nobody has said whether it was appended. */
  isRepeat = false
  /** When it was first sent, by the machine's clock, which is the broker's as well. */
  triedSinceMs: number | undefined
  /** Those who sent it have been told: whatever is heard of it now is too late. */
  isSettled = false
  lastError: unknown

  constructor(
    terms: BatchTerms,
    { createdAtMs, position }: { createdAtMs: number; position: number },
  ) {
    this.terms = terms
    this.createdAtMs = createdAtMs
    this.position = position
  }

  get producer(): BatchProducer | undefined {
    return this.#numbered
  }

  /** Whether it can be sent now: a compressed one has to be assembled first. */
  get isAssembled(): boolean {
    return this.#assembled !== undefined || this.terms.compression === undefined
  }

  hasTerms({ acks, compression, codecId }: BatchTerms): boolean {
    const { terms } = this
    return terms.acks === acks && terms.compression === compression && terms.codecId === codecId
  }

  /** Adds a chunk; resolves with what became of it. */
  add(chunk: EncodedChunk): Promise<ChunkResult> {
    const done = deferred<ChunkResult>()
    const { recordCount } = chunk
    this.#parts.push({ recordsBefore: this.recordCount, recordCount, done })
    this.#chunks.push(chunk)
    this.recordCount += chunk.recordCount
    this.bytes += chunkBytes(chunk)
    return done.promise
  }

  async compress(): Promise<void> {
    const { codecId } = this.terms
    this.#assembled = await assembleCompressedBatch({ chunks: this.#chunks, codecId })
  }

  /** Gives it its place in the producer's sequence; again under a new epoch. */
  number(producer: BatchProducer, order: number): void {
    this.#numbered = producer
    this.order = order
  }

  /** A buffer to send. The batch keeps its own, for a repeat. */
  toBuffer(): ArrayBuffer {
    const { codecId } = this.terms
    this.#assembled ??= assembleBatch({ chunks: this.#chunks, codecId })
    if (this.#numbered !== undefined) writeBatchProducer(this.#assembled, this.#numbered)
    return this.#assembled
  }

  succeed(produced: ProducedBatch): void {
    this.isSettled = true
    for (const part of this.#parts) part.done.resolve(chunkResult(produced, part))
  }

  fail(error: unknown): void {
    this.isSettled = true
    for (const part of this.#parts) part.done.reject(error)
  }
}

export function chunkBytes(chunk: EncodedChunk): number {
  return chunk.index.byteLength + chunk.values.byteLength
}
