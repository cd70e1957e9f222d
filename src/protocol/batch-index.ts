/**
 * The index of a batch: what the broker may know of each record, which is everything but its value.
 * Written by the tab that sends (src/codec/chunk.ts); read by the broker for keys and timestamps, and
 * by the tab that decodes.
 *
 * A batch is put together from chunks that were encoded before the batch was known, so the index is
 * one section per chunk, one after the other, and each stands on its own:
 *
 * | type | field |
 * |------|-------|
 * | varint | records in this section, at least 1 |
 * | f64 | base timestamp of the section: that of its first record |
 * | … | the records |
 *
 * A record:
 *
 * | type | field |
 * |------|-------|
 * | u8 | attributes: bit 0 has a key, bit 1 the key is a string (UTF-8), bit 2 tombstone (the value is null and absent from the values), bit 3 has headers |
 * | zigzag varint | timestamp minus the section's base |
 * | varint, bytes | the key, when there is one |
 * | varint | number of headers, when there are any; then for each: |
 * | varint, bytes | … its name (UTF-8) |
 * | u8 | … the type of its value: 0 bytes, 1 string (UTF-8) |
 * | varint, bytes | … its value |
 *
 * Several values of one header are several entries of the same name, in their order.
 */
import { BATCH_HEADER_BYTES, parseBatchHeader } from './batch-header.js'
import { ByteReader } from './byte-reader.js'
import type { ByteWriter } from './byte-writer.js'
import { TabmqError } from './errors.js'

export const RECORD_HAS_KEY = 1
export const RECORD_KEY_IS_STRING = 2
export const RECORD_IS_TOMBSTONE = 4
export const RECORD_HAS_HEADERS = 8
const ATTRIBUTES_MAX = 15

/** Differences of two timestamps within this are exact; it reaches 142,000 years either way. */
export const TIMESTAMP_MS_MAX = 2 ** 52

const HEADER_IS_STRING = 1
/** Attributes and a timestamp of one byte each. */
const RECORD_BYTES_MIN = 2

/** One header as its bytes. */
export interface IndexHeader {
  readonly name: Uint8Array
  readonly value: Uint8Array
  readonly valueIsString: boolean
}

/** What the index holds of one record. Bytes that were read are views of the batch. */
export interface IndexRecord {
  readonly timestampMs: number
  readonly key: Uint8Array | undefined
  readonly keyIsString: boolean
  readonly isTombstone: boolean
  readonly headers: readonly IndexHeader[]
}

/** Whether the index can hold this timestamp. */
export function isTimestampMs(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= TIMESTAMP_MS_MAX
}

export function writeIndexSection(
  writer: ByteWriter,
  recordCount: number,
  baseTimestampMs: number,
): void {
  writer.varint(recordCount)
  writer.f64(baseTimestampMs)
}

export function writeIndexRecord(
  writer: ByteWriter,
  baseTimestampMs: number,
  record: IndexRecord,
): void {
  const { key, headers } = record
  let attributes = 0
  if (key !== undefined) attributes = RECORD_HAS_KEY
  if (key !== undefined && record.keyIsString) attributes |= RECORD_KEY_IS_STRING
  if (record.isTombstone) attributes |= RECORD_IS_TOMBSTONE
  if (headers.length > 0) attributes |= RECORD_HAS_HEADERS
  writer.u8(attributes)
  writer.zigzag(record.timestampMs - baseTimestampMs)
  if (key !== undefined) writer.sizedBytes(key)
  if (headers.length > 0) writeHeaders(writer, headers)
}

/**
 * Reads an index record by record, without an object for each: after `nextRecord()` the fields are
 * those of the record it went to. Every method throws CORRUPT_MESSAGE on bytes that are no index.
 *
 * @example
 * const reader = new BatchIndexReader(index)
 * for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
 *   for (; left > 0; left--) { reader.nextRecord(); use(reader.timestampMs, reader.key()) }
 * }
 */
export class BatchIndexReader {
  attributes = 0
  timestampMs = 0
  /** Where the key begins and ends in `source`, when there is one. */
  keyStart = 0
  keyEnd = 0
  readonly source: Uint8Array
  readonly #reader: ByteReader
  #baseTimestampMs = 0
  #headersStart = 0
  #headerCount = 0

  constructor(index: Uint8Array) {
    this.source = index
    this.#reader = new ByteReader(index)
  }

  get hasKey(): boolean {
    return (this.attributes & RECORD_HAS_KEY) !== 0
  }

  get keyIsString(): boolean {
    return (this.attributes & RECORD_KEY_IS_STRING) !== 0
  }

  get isTombstone(): boolean {
    return (this.attributes & RECORD_IS_TOMBSTONE) !== 0
  }

  get hasHeaders(): boolean {
    return (this.attributes & RECORD_HAS_HEADERS) !== 0
  }

  /** Begins the next section and returns how many records it has; 0 at the end of the index. */
  nextSection(): number {
    const reader = this.#reader
    if (reader.remaining === 0) return 0
    const recordCount = reader.varint()
    this.#baseTimestampMs = reader.f64()
    if (recordCount === 0) throw corrupt('a section of the index without records')
    if (recordCount * RECORD_BYTES_MIN > reader.remaining) {
      throw corrupt(`${recordCount} records in ${reader.remaining} bytes of index`)
    }
    if (!isTimestampMs(this.#baseTimestampMs)) throw corrupt('a base timestamp out of range')
    return recordCount
  }

  nextRecord(): void {
    const reader = this.#reader
    const attributes = reader.u8()
    if (attributes > ATTRIBUTES_MAX) throw corrupt(`unknown record attributes ${attributes}`)
    if ((attributes & (RECORD_HAS_KEY | RECORD_KEY_IS_STRING)) === RECORD_KEY_IS_STRING) {
      throw corrupt('a record without a key says that its key is a string')
    }
    this.attributes = attributes
    const timestampMs = this.#baseTimestampMs + reader.zigzag()
    if (timestampMs > TIMESTAMP_MS_MAX || timestampMs < -TIMESTAMP_MS_MAX) {
      throw corrupt('a timestamp out of range')
    }
    this.timestampMs = timestampMs
    if ((attributes & RECORD_HAS_KEY) !== 0) {
      const size = reader.size()
      this.keyStart = reader.skip(size)
      this.keyEnd = this.keyStart + size
    }
    if ((attributes & RECORD_HAS_HEADERS) !== 0) this.#passHeaders()
  }

  /** A view of the key's bytes. */
  key(): Uint8Array | undefined {
    return this.hasKey ? this.source.subarray(this.keyStart, this.keyEnd) : undefined
  }

  headers(): IndexHeader[] {
    const headers: IndexHeader[] = []
    if (!this.hasHeaders) return headers
    const reader = new ByteReader(this.source.subarray(this.#headersStart))
    for (let left = this.#headerCount; left > 0; left--) {
      const name = reader.sizedBytes()
      const valueIsString = reader.u8() === HEADER_IS_STRING
      headers.push({ name, value: reader.sizedBytes(), valueIsString })
    }
    return headers
  }

  #passHeaders(): void {
    const reader = this.#reader
    this.#headerCount = reader.varint()
    this.#headersStart = reader.position
    if (this.#headerCount === 0) throw corrupt('a record with no headers says that it has some')
    for (let left = this.#headerCount; left > 0; left--) {
      reader.skip(reader.size())
      const type = reader.u8()
      if (type > HEADER_IS_STRING) throw corrupt(`unknown type of header ${type}`)
      reader.skip(reader.size())
    }
  }
}

/**
 * Every record of a batch, in the order of their offsets.
 * @throws TabmqError CORRUPT_MESSAGE, also when the header counts other records than the index has
 */
export function* readBatchIndex(batch: ArrayBuffer): Generator<IndexRecord, void, undefined> {
  const header = parseBatchHeader(batch)
  const reader = new BatchIndexReader(new Uint8Array(batch, BATCH_HEADER_BYTES, header.indexBytes))
  let recordCount = 0
  for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
    recordCount += left
    if (recordCount > header.recordCount) throw wrongCount(header.recordCount)
    for (; left > 0; left--) {
      reader.nextRecord()
      yield {
        timestampMs: reader.timestampMs,
        key: reader.key(),
        keyIsString: reader.keyIsString,
        isTombstone: reader.isTombstone,
        headers: reader.headers(),
      }
    }
  }
  if (recordCount < header.recordCount) throw wrongCount(header.recordCount)
}

function writeHeaders(writer: ByteWriter, headers: readonly IndexHeader[]): void {
  writer.varint(headers.length)
  for (const header of headers) {
    writer.sizedBytes(header.name)
    writer.u8(header.valueIsString ? HEADER_IS_STRING : 0)
    writer.sizedBytes(header.value)
  }
}

function wrongCount(recordCount: number): TabmqError {
  return corrupt(`the header says ${recordCount} records, the index has another number`)
}

function corrupt(reason: string): TabmqError {
  return new TabmqError('CORRUPT_MESSAGE', reason, {})
}
