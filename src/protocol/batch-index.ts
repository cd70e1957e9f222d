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
 * | u8 | attributes: bit 0 has a key, bit 1 the key is a string (UTF-8), bit 2 tombstone (the value is null and absent from the values), bit 3 has headers, bit 4 has properties, bit 5 void (not delivered; set by the broker, in place) |
 * | zigzag varint | timestamp minus the section's base |
 * | varint, bytes | the key, when there is one |
 * | varint | number of headers, when there are any; then for each: |
 * | varint, bytes | … its name (UTF-8) |
 * | u8 | … the type of its value: 0 bytes, 1 string (UTF-8) |
 * | varint, bytes | … its value |
 *
 * | varint | which properties there are, when there are any, as a mask of the bits below; then in this order: |
 * | zigzag varint | … bit 0: deliver at, in ms, minus the record's timestamp |
 * | zigzag varint | … bit 1: expires at, in ms, minus the record's timestamp |
 * | u8 | … bit 2: priority, 1 to 9 (0 is that of a record without) |
 * | varint, bytes | … bit 3: message id (UTF-8) |
 *
 * Several values of one header are several entries of the same name, in their order. A void record
 * uses up its offset and keeps its value, but is delivered to nobody.
 */
import { BATCH_HEADER_BYTES, parseBatchHeader } from './batch-header.js'
import { ByteReader } from './byte-reader.js'
import type { ByteWriter } from './byte-writer.js'
import { TabmqError } from './errors.js'
import { MESSAGE_ID_LENGTH_MAX, PRIORITY_MAX } from './limits.js'

export const RECORD_HAS_KEY = 1
export const RECORD_KEY_IS_STRING = 2
export const RECORD_IS_TOMBSTONE = 4
export const RECORD_HAS_HEADERS = 8
export const RECORD_HAS_PROPERTIES = 16
export const RECORD_IS_VOID = 32
const ATTRIBUTES_MAX = 63

const HAS_DELIVER_AT = 1
const HAS_EXPIRES_AT = 2
const HAS_PRIORITY = 4
const HAS_MESSAGE_ID = 8
const PROPERTIES_MAX = 15

/** A character of UTF-16 has three bytes of UTF-8 at most. */
const MESSAGE_ID_BYTES_MAX = 3 * MESSAGE_ID_LENGTH_MAX

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

/** What a sender may say of a message for the broker to act on; times in ms since 1970. */
export interface RecordProperties {
  readonly deliverAtMs?: number | undefined
  readonly expiresAtMs?: number | undefined
  /** 0 to 9; higher is sooner. None is 0. */
  readonly priority?: number | undefined
  /** UTF-8, not empty. */
  readonly messageId?: Uint8Array | undefined
}

/** What the index holds of one record. Bytes that were read are views of the batch. */
export interface IndexRecord {
  readonly timestampMs: number
  readonly key: Uint8Array | undefined
  readonly keyIsString: boolean
  readonly isTombstone: boolean
  readonly headers: readonly IndexHeader[]
  readonly properties?: RecordProperties | undefined
  /** It uses up an offset and is delivered to nobody. */
  readonly isVoid?: boolean
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
  const { key, headers, properties } = record
  const mask = properties === undefined ? 0 : propertiesMask(properties)
  let attributes = 0
  if (key !== undefined) attributes = RECORD_HAS_KEY
  if (key !== undefined && record.keyIsString) attributes |= RECORD_KEY_IS_STRING
  if (record.isTombstone) attributes |= RECORD_IS_TOMBSTONE
  if (headers.length > 0) attributes |= RECORD_HAS_HEADERS
  if (mask !== 0) attributes |= RECORD_HAS_PROPERTIES
  if (record.isVoid === true) attributes |= RECORD_IS_VOID
  writer.u8(attributes)
  writer.zigzag(record.timestampMs - baseTimestampMs)
  if (key !== undefined) writer.sizedBytes(key)
  if (headers.length > 0) writeHeaders(writer, headers)
  if (properties !== undefined && mask !== 0) writeProperties(writer, record, mask)
}

/** Whether a record with these is written with any. */
export function hasAnyProperty(properties: RecordProperties | undefined): boolean {
  return properties !== undefined && propertiesMask(properties) !== 0
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
  /** Those of this record, or as they are without. */
  deliverAtMs: number | undefined
  expiresAtMs: number | undefined
  priority = 0
  readonly source: Uint8Array
  readonly #reader: ByteReader
  #baseTimestampMs = 0
  #attributesAt = 0
  #headersStart = 0
  #headerCount = 0
  #messageIdStart = 0
  #messageIdEnd = 0
  /** Whether the record before had some, which are to be forgotten. */
  #hadProperties = false

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

  get hasProperties(): boolean {
    return (this.attributes & RECORD_HAS_PROPERTIES) !== 0
  }

  get isVoid(): boolean {
    return (this.attributes & RECORD_IS_VOID) !== 0
  }

  /** Where the next record begins in `source`, or the next section. */
  get position(): number {
    return this.#reader.position
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
    this.#attributesAt = reader.position
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
    if ((attributes & RECORD_HAS_PROPERTIES) !== 0) this.#readProperties()
    else if (this.#hadProperties) this.#noProperties()
  }

  /** All that the index holds of the record; bytes are views. */
  record(): IndexRecord {
    return {
      timestampMs: this.timestampMs,
      key: this.key(),
      keyIsString: this.keyIsString,
      isTombstone: this.isTombstone,
      headers: this.headers(),
      properties: this.properties(),
      isVoid: this.isVoid,
    }
  }

  /** From now on the record is void, in the bytes that are read as well. */
  makeVoid(): void {
    this.attributes |= RECORD_IS_VOID
    this.source[this.#attributesAt] = this.attributes
  }

  /** A view of the key's bytes. */
  key(): Uint8Array | undefined {
    return this.hasKey ? this.source.subarray(this.keyStart, this.keyEnd) : undefined
  }

  /** A view of the message id's bytes. */
  messageId(): Uint8Array | undefined {
    return this.#messageIdEnd === 0
      ? undefined
      : this.source.subarray(this.#messageIdStart, this.#messageIdEnd)
  }

  properties(): RecordProperties | undefined {
    if (!this.hasProperties) return undefined
    const { deliverAtMs, expiresAtMs, priority } = this
    const messageId = this.messageId()
    return {
      ...(deliverAtMs === undefined ? {} : { deliverAtMs }),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      ...(priority === 0 ? {} : { priority }),
      ...(messageId === undefined ? {} : { messageId }),
    }
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

  #readProperties(): void {
    const reader = this.#reader
    const mask = reader.varint()
    if (mask === 0 || mask > PROPERTIES_MAX) throw corrupt(`unknown properties ${mask}`)
    this.#noProperties()
    this.#hadProperties = true
    if ((mask & HAS_DELIVER_AT) !== 0) this.deliverAtMs = this.#readTime()
    if ((mask & HAS_EXPIRES_AT) !== 0) this.expiresAtMs = this.#readTime()
    if ((mask & HAS_PRIORITY) !== 0) {
      this.priority = reader.u8()
      if (this.priority === 0 || this.priority > PRIORITY_MAX) {
        throw corrupt(`a priority of ${this.priority}`)
      }
    }
    if ((mask & HAS_MESSAGE_ID) === 0) return
    const size = reader.size()
    if (size === 0 || size > MESSAGE_ID_BYTES_MAX) throw corrupt(`a message id of ${size} bytes`)
    this.#messageIdStart = reader.skip(size)
    this.#messageIdEnd = this.#messageIdStart + size
  }

  #readTime(): number {
    const timeMs = this.timestampMs + this.#reader.zigzag()
    if (!isTimestampMs(timeMs)) throw corrupt('the time of a property out of range')
    return timeMs
  }

  #noProperties(): void {
    this.#hadProperties = false
    this.deliverAtMs = undefined
    this.expiresAtMs = undefined
    this.priority = 0
    this.#messageIdStart = 0
    this.#messageIdEnd = 0
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
      yield reader.record()
    }
  }
  if (recordCount < header.recordCount) throw wrongCount(header.recordCount)
}

function propertiesMask(properties: RecordProperties): number {
  const { deliverAtMs, expiresAtMs, priority = 0, messageId } = properties
  let mask = 0
  if (deliverAtMs !== undefined) mask = HAS_DELIVER_AT
  if (expiresAtMs !== undefined) mask |= HAS_EXPIRES_AT
  if (priority !== 0) mask |= HAS_PRIORITY
  if (messageId !== undefined) mask |= HAS_MESSAGE_ID
  return mask
}

function writeProperties(writer: ByteWriter, record: IndexRecord, mask: number): void {
  const { timestampMs, properties = {} } = record
  const { deliverAtMs, expiresAtMs, priority = 0, messageId } = properties
  writer.varint(mask)
  if (deliverAtMs !== undefined) writer.zigzag(deliverAtMs - timestampMs)
  if (expiresAtMs !== undefined) writer.zigzag(expiresAtMs - timestampMs)
  if (priority !== 0) writer.u8(priority)
  if (messageId !== undefined) writer.sizedBytes(messageId)
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
