/**
 * Puts chunks together into the one ArrayBuffer that is sent, stored and read: a batch. All of it:
 *
 * | part | bytes | what |
 * |------|-------|------|
 * | header | 80 | src/protocol/batch-header.ts |
 * | index | header's "bytes of the index" | one section per chunk, src/protocol/batch-index.ts |
 * | values | header's "bytes of the values" | one frame per chunk, in the same order; with compression gzip, the frames as one gzip stream |
 *
 * | frame | |
 * |-------|-|
 * | u32 | bytes of the chunk's values (0 when all its records are tombstones) |
 * | … | the chunk's values: src/codec/chunk.ts |
 *
 * There are exactly as many frames as sections, and together the sections have as many records as
 * the header says. The broker reads header and index; only the codec reads the values. decode-batch.ts
 * is the way back.
 */
import {
  BATCH_HEADER_BYTES,
  COMPRESSION_GZIP,
  COMPRESSION_NONE,
  VALUES_FRAME_BYTES,
  writeBatchHeader,
} from '../protocol/batch-header.js'
import { assert } from '../std/assert.js'
import type { EncodedChunk } from './chunk.js'
import { gzip } from './gzip.js'

export interface AssembleBatchOptions {
  /** At least one. */
  readonly chunks: readonly EncodedChunk[]
  /** Of the codec that encoded all of them. */
  readonly codecId: number
}

/** How large the batch of these chunks is before compression. */
export function assembledBytes(chunks: readonly EncodedChunk[]): number {
  let bytes = BATCH_HEADER_BYTES
  for (const chunk of chunks) bytes += chunk.index.length + VALUES_FRAME_BYTES + chunk.values.length
  return bytes
}

/** The batch, complete but for the producer's numbers and what the broker writes. */
export function assembleBatch(options: AssembleBatchOptions): ArrayBuffer {
  const { chunks } = options
  const batch = new ArrayBuffer(assembledBytes(chunks))
  const indexBytes = writeIndex(new Uint8Array(batch), chunks)
  const valuesStart = BATCH_HEADER_BYTES + indexBytes
  writeValues(new Uint8Array(batch, valuesStart), chunks)
  const valuesBytes = batch.byteLength - valuesStart
  writeHeader(batch, options, { compression: COMPRESSION_NONE, indexBytes, valuesBytes })
  return batch
}

/**
 * The same with the values compressed. Decoding is asynchronous then too.
 * @throws TabmqError UNSUPPORTED_COMPRESSION_TYPE where the host has no gzip
 */
export async function assembleCompressedBatch(options: AssembleBatchOptions): Promise<ArrayBuffer> {
  const { chunks } = options
  const plainBytes = chunks.reduce((sum, { values }) => sum + VALUES_FRAME_BYTES + values.length, 0)
  const plain = new Uint8Array(plainBytes)
  writeValues(plain, chunks)
  const values = await gzip(plain)
  const indexBytes = chunks.reduce((sum, { index }) => sum + index.length, 0)
  const batch = new ArrayBuffer(BATCH_HEADER_BYTES + indexBytes + values.length)
  const bytes = new Uint8Array(batch)
  writeIndex(bytes, chunks)
  bytes.set(values, BATCH_HEADER_BYTES + indexBytes)
  const valuesBytes = values.length
  writeHeader(batch, options, { compression: COMPRESSION_GZIP, indexBytes, valuesBytes })
  return batch
}

function writeIndex(batch: Uint8Array, chunks: readonly EncodedChunk[]): number {
  let at = BATCH_HEADER_BYTES
  for (const { index } of chunks) {
    batch.set(index, at)
    at += index.length
  }
  return at - BATCH_HEADER_BYTES
}

function writeValues(target: Uint8Array, chunks: readonly EncodedChunk[]): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
  let at = 0
  for (const { values } of chunks) {
    view.setUint32(at, values.length, true)
    target.set(values, at + VALUES_FRAME_BYTES)
    at += VALUES_FRAME_BYTES + values.length
  }
}

function writeHeader(
  batch: ArrayBuffer,
  { chunks, codecId }: AssembleBatchOptions,
  sizes: { compression: number; indexBytes: number; valuesBytes: number },
): void {
  const [first] = chunks
  assert(first !== undefined, () => 'a batch of no chunks')
  let { maxTimestampMs, largestMessageBytes } = first
  let recordCount = 0
  for (const chunk of chunks) {
    recordCount += chunk.recordCount
    maxTimestampMs = Math.max(maxTimestampMs, chunk.maxTimestampMs)
    largestMessageBytes = Math.max(largestMessageBytes, chunk.largestMessageBytes)
  }
  const { firstTimestampMs } = first
  writeBatchHeader(batch, {
    codecId,
    recordCount,
    firstTimestampMs,
    maxTimestampMs,
    largestMessageBytes,
    hasProperties: chunks.some((chunk) => chunk.hasProperties),
    ...sizes,
  })
}
