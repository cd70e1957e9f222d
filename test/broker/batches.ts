/** Batches as a tab encodes them, for the tests of the broker. */
import { assembleBatch } from '../../src/codec/batch.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import { textCodec } from '../../src/codec/text-codec.js'
import { encodeUtf8 } from '../../src/codec/utf8.js'
import {
  parseBatchHeader,
  writeBatchPlacement,
  writeBatchProducer,
  type BatchPlacement,
} from '../../src/protocol/batch-header.js'
import { readBatchIndex, type RecordProperties } from '../../src/protocol/batch-index.js'
import type { ProducerId } from '../../src/protocol/names.js'

export interface BatchParts {
  /** One record each. Later than 1970 by default, and all of one time. */
  readonly timestamps?: readonly number[]
  /** Records, when their timestamps do not matter. */
  readonly records?: number
  /** The first record's key; the others have none. */
  readonly key?: string
  /** At least this large, in its first value. */
  readonly bytes?: number
  /** The records' message ids; where there is none, or null, a record has none. */
  readonly ids?: readonly (string | null)[]
  readonly producer?: { readonly id: number; readonly epoch?: number; readonly sequence: number }
}

export function batchOf(parts: BatchParts = {}): ArrayBuffer {
  const { ids = [], records = Math.max(1, ids.length), key, bytes = 0, producer } = parts
  const timestamps = parts.timestamps ?? Array.from({ length: records }, () => 1_000)
  const chunks = encodeChunks({
    codec: textCodec,
    records: timestamps.map((timestampMs, index) => ({
      keyBytes: key === undefined || index > 0 ? undefined : encodeUtf8(key),
      keyIsString: key !== undefined && index === 0,
      value: index === 0 ? 'x'.repeat(bytes) : '',
      headers: undefined,
      timestampMs,
      properties: propertiesOf(ids[index]),
    })),
    maxMessageBytes: 1e9,
    chunkBytesMax: 1e9,
  })
  const batch = assembleBatch({ chunks, codecId: textCodec.id })
  if (producer !== undefined) {
    writeBatchProducer(batch, {
      producerId: producer.id as ProducerId,
      producerEpoch: producer.epoch ?? 0,
      baseSequence: producer.sequence,
    })
  }
  return batch
}

function propertiesOf(id: string | null | undefined): RecordProperties | undefined {
  return id === undefined || id === null ? undefined : { messageId: encodeUtf8(id) }
}

/** The offsets that are delivered, each with its message id. */
export function deliveredOf(batches: readonly ArrayBuffer[]): [number, string | undefined][] {
  return batches.flatMap((batch) => {
    const { baseOffset } = parseBatchHeader(batch)
    return [...readBatchIndex(batch)].flatMap(
      ({ isVoid, properties }, at): [number, string | undefined][] => {
        if (isVoid === true) return []
        const id = properties?.messageId
        return [[baseOffset + at, id === undefined ? undefined : new TextDecoder().decode(id)]]
      },
    )
  })
}

/** A batch as the broker has placed it. */
export function placedBatch(parts: BatchParts, placement: Partial<BatchPlacement>): ArrayBuffer {
  const batch = batchOf(parts)
  const { maxTimestampMs } = parseBatchHeader(batch)
  writeBatchPlacement(batch, {
    baseOffset: 0,
    position: 0,
    maxTimestampSoFarMs: maxTimestampMs,
    appendedAtMs: 0,
    ...placement,
  })
  return batch
}

/** The key of each batch's first record: what tells one batch from another. */
export function keysOf(batches: readonly ArrayBuffer[]): (string | undefined)[] {
  return batches.map((batch) => {
    const { value: first } = readBatchIndex(batch).next()
    return first?.key === undefined ? undefined : new TextDecoder().decode(first.key)
  })
}

/** The base offset of each batch. */
export function offsetsOf(batches: readonly ArrayBuffer[]): number[] {
  return batches.map((batch) => parseBatchHeader(batch).baseOffset)
}
