/**
 * The fixed header in front of every batch, at offsets that never move. A batch is one ArrayBuffer:
 *
 *     header (80 bytes) | index (keys, timestamps, headers per record) | values (opaque to the broker)
 *
 * The tab that sends fills in all but four fields; the broker writes those (base offset, position,
 * maxTimestampSoFar, appended at) into the same buffer when it appends, and stores the buffer as one row. Numbers
 * are little-endian. What may pass 2^32 is a float64, which holds every safe integer exactly.
 *
 * | at | type | field |
 * |---:|------|-------|
 * |  0 | u8   | format version |
 * |  1 | u8   | codec id of the values |
 * |  2 | u8   | compression of the values: 0 none, 1 gzip |
 * |  3 | u8   | flags: bit 0, the batch carries a producer id, epoch and sequence; bit 1, some record has properties; bit 2, some record is void (broker) |
 * |  4 | u32  | record count |
 * |  8 | f64  | base offset (broker) |
 * | 16 | f64  | position: bytes appended to the partition before this batch (broker) |
 * | 24 | f64  | largest timestamp in the partition up to and with this batch (broker) |
 * | 32 | f64  | timestamp of the first record |
 * | 40 | f64  | largest timestamp of the batch |
 * | 48 | f64  | producer id |
 * | 56 | u32  | producer epoch |
 * | 60 | u32  | sequence of the first record |
 * | 64 | u32  | bytes of the index |
 * | 68 | u32  | bytes of the values |
 * | 72 | u32  | no message has more bytes than this, key and headers included, uncompressed |
 * | 76 | u32  | when it was appended, in seconds since 1970, rounded up; never falls within a partition; zero in what older brokers have appended (broker) |
 */
import { TabmqError } from './errors.js'
import type { ProducerId } from './names.js'

export const BATCH_FORMAT_VERSION = 1
export const BATCH_HEADER_BYTES = 80
export const SEQUENCE_MAX = 0xffff_ffff

/** The codec whose values of one chunk are encoded together; with any other each stands alone. */
export const STRUCTURED_CODEC_ID = 0

/** In front of each chunk's values: how many bytes they have, as a u32. */
export const VALUES_FRAME_BYTES = 4

export const COMPRESSION_NONE = 0
export const COMPRESSION_GZIP = 1

const U32_MAX = 0xffff_ffff

const HAS_PRODUCER = 1
const HAS_PROPERTIES = 2
const HAS_VOID = 4

/** The producer's part of the header: what makes a repeated batch recognisable. */
export interface BatchProducer {
  readonly producerId: ProducerId
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** What the sending tab knows of a batch. */
export interface BatchHeader {
  readonly codecId: number
  readonly compression: number
  readonly recordCount: number
  readonly firstTimestampMs: number
  readonly maxTimestampMs: number
  readonly indexBytes: number
  readonly valuesBytes: number
  readonly largestMessageBytes: number
  /** Whether the index is worth a look for properties. What is true of a record, its attributes say. */
  readonly hasProperties?: boolean
  /** The same of void records. */
  readonly hasVoid?: boolean
}

/** What the broker adds when it appends. */
export interface BatchPlacement {
  readonly baseOffset: number
  readonly position: number
  readonly maxTimestampSoFarMs: number
  /** By the broker's clock; kept to the second. */
  readonly appendedAtMs: number
}

/** A header as it is read: everything in it. */
export interface ReadBatchHeader extends BatchHeader, BatchPlacement {
  readonly producer: BatchProducer | undefined
  readonly hasProperties: boolean
  readonly hasVoid: boolean
}

export function writeBatchHeader(batch: ArrayBuffer, header: BatchHeader): void {
  const view = new DataView(batch)
  view.setUint8(0, BATCH_FORMAT_VERSION)
  view.setUint8(1, header.codecId)
  view.setUint8(2, header.compression)
  view.setUint8(
    3,
    (header.hasProperties === true ? HAS_PROPERTIES : 0) | (header.hasVoid === true ? HAS_VOID : 0),
  )
  view.setUint32(4, header.recordCount, true)
  view.setFloat64(32, header.firstTimestampMs, true)
  view.setFloat64(40, header.maxTimestampMs, true)
  view.setUint32(64, header.indexBytes, true)
  view.setUint32(68, header.valuesBytes, true)
  view.setUint32(72, header.largestMessageBytes, true)
}

/** Numbers a batch for its producer; again when it is sent under a new epoch. */
export function writeBatchProducer(batch: ArrayBuffer, producer: BatchProducer): void {
  const view = new DataView(batch)
  view.setUint8(3, view.getUint8(3) | HAS_PRODUCER)
  view.setFloat64(48, producer.producerId, true)
  view.setUint32(56, producer.producerEpoch, true)
  view.setUint32(60, producer.baseSequence, true)
}

/** Some records of it have become void, in the index; the header says so from now on. */
export function writeBatchHasVoid(batch: ArrayBuffer): void {
  const view = new DataView(batch)
  view.setUint8(3, view.getUint8(3) | HAS_VOID)
}

/** The broker's part, written in place when the batch gets its offset. */
export function writeBatchPlacement(batch: ArrayBuffer, placement: BatchPlacement): void {
  const view = new DataView(batch)
  view.setFloat64(8, placement.baseOffset, true)
  view.setFloat64(16, placement.position, true)
  view.setFloat64(24, placement.maxTimestampSoFarMs, true)
  const appendedAtSeconds = Math.ceil(placement.appendedAtMs / 1_000)
  view.setUint32(76, Math.min(Math.max(0, appendedAtSeconds), U32_MAX), true)
}

/** A batch without what follows its header, for where those of all partitions would be too large. */
export interface BatchEdge {
  readonly header: ArrayBuffer
  readonly byteLength: number
}

export function headerOf(batch: ArrayBuffer): BatchEdge {
  return { header: batch.slice(0, BATCH_HEADER_BYTES), byteLength: batch.byteLength }
}

/**
 * Reads and checks a header: version, lengths that add up, numbers that can be offsets and times.
 * The index and the values are not looked into.
 * @throws TabmqError CORRUPT_MESSAGE
 */
export function parseBatchHeader(batch: ArrayBuffer): ReadBatchHeader {
  return parseHeader({ header: batch, byteLength: batch.byteLength })
}

/**
 * The header of a batch of which the rest is not at hand.
 * @throws TabmqError CORRUPT_MESSAGE
 */
export function parseHeader({ header: bytes, byteLength }: BatchEdge): ReadBatchHeader {
  if (bytes.byteLength < BATCH_HEADER_BYTES) {
    throw corrupt(`a batch of ${bytes.byteLength} bytes is shorter than its header`)
  }
  const view = new DataView(bytes)
  const version = view.getUint8(0)
  if (version !== BATCH_FORMAT_VERSION) throw corrupt(`unknown batch format version ${version}`)
  const flags = view.getUint8(3)
  const header = {
    codecId: view.getUint8(1),
    compression: view.getUint8(2),
    recordCount: view.getUint32(4, true),
    baseOffset: view.getFloat64(8, true),
    position: view.getFloat64(16, true),
    maxTimestampSoFarMs: view.getFloat64(24, true),
    firstTimestampMs: view.getFloat64(32, true),
    maxTimestampMs: view.getFloat64(40, true),
    indexBytes: view.getUint32(64, true),
    valuesBytes: view.getUint32(68, true),
    largestMessageBytes: view.getUint32(72, true),
    appendedAtMs: 1_000 * view.getUint32(76, true),
    producer: (flags & HAS_PRODUCER) === 0 ? undefined : readProducer(view),
    hasProperties: (flags & HAS_PROPERTIES) !== 0,
    hasVoid: (flags & HAS_VOID) !== 0,
  }
  const length = BATCH_HEADER_BYTES + header.indexBytes + header.valuesBytes
  if (length !== byteLength) {
    throw corrupt(`a batch of ${byteLength} bytes says that it has ${length}`)
  }
  if (header.recordCount === 0) throw corrupt('a batch without records')
  if (header.recordCount > header.indexBytes) throw corrupt('more records than the index can hold')
  if (header.compression > COMPRESSION_GZIP) {
    throw corrupt(`unknown compression ${header.compression}`)
  }
  const counts = [header.baseOffset, header.position, header.producer?.producerId ?? 0]
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw corrupt('an offset, position or producer id that is no whole number')
  }
  const times = [header.maxTimestampSoFarMs, header.firstTimestampMs, header.maxTimestampMs]
  if (!times.every((time) => Number.isSafeInteger(time))) {
    throw corrupt('a timestamp that is no whole number')
  }
  return header
}

/** The offset after the last record of a stored batch. */
export function nextOffsetOf(header: { baseOffset: number; recordCount: number }): number {
  return header.baseOffset + header.recordCount
}

function readProducer(view: DataView): BatchProducer {
  return {
    producerId: view.getFloat64(48, true) as ProducerId,
    producerEpoch: view.getUint32(56, true),
    baseSequence: view.getUint32(60, true),
  }
}

function corrupt(reason: string): TabmqError {
  return new TabmqError('CORRUPT_MESSAGE', reason, {})
}
