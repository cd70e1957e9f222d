/**
 * Turns what one `send` has for one partition into chunks: an index section (src/protocol/batch-index)
 * and the encoded values. It happens inside the call, so that a value which cannot be encoded fails
 * its own `send` and no other, and what the caller changes later changes nothing. Chunks are put
 * together into a batch by batch.ts, whole; nothing in one refers to another.
 *
 * The values of a chunk: with the structured codec one msgpack array (structured-codec.ts), with any
 * other codec the values one after the other, each behind its length as a varint. Tombstones have no
 * value in either.
 */
import { STRUCTURED_CODEC_ID } from '../protocol/batch-header.js'
import type { IndexHeader, IndexRecord, RecordProperties } from '../protocol/batch-index.js'
import {
  hasAnyProperty,
  isTimestampMs,
  writeIndexRecord,
  writeIndexSection,
} from '../protocol/batch-index.js'
import { ByteWriter } from '../protocol/byte-writer.js'
import { hasCode, TabmqError } from '../protocol/errors.js'
import { describe, detailOf } from '../protocol/names.js'
import type { Codec } from './codec.js'
import type { Headers } from './headers.js'
import { encodeHeaders } from './headers.js'
import { encodeStructuredValues } from './structured-codec.js'

/** A message on its way into a chunk; its key as the partitioner has seen it. */
export interface RecordToEncode {
  readonly keyBytes: Uint8Array | undefined
  readonly keyIsString: boolean
  /** Null is a tombstone. */
  readonly value: unknown
  readonly headers: Headers | undefined
  readonly timestampMs: number
  readonly properties?: RecordProperties | undefined
  /** Where it is in the call, for errors; by default, where it is among these records. */
  readonly position?: number
}

export interface EncodedChunk {
  readonly recordCount: number
  readonly index: Uint8Array
  readonly values: Uint8Array
  readonly firstTimestampMs: number
  readonly maxTimestampMs: number
  /** At least the size of the largest message, and never above `maxMessageBytes`. */
  readonly largestMessageBytes: number
  /** Whether any record has some. */
  readonly hasProperties: boolean
}

export interface EncodeChunksOptions {
  readonly codec: Codec
  readonly records: readonly RecordToEncode[]
  /** How large one message may be: key, headers, value and what the index adds. */
  readonly maxMessageBytes: number
  /** No chunk is larger, unless a single message is. */
  readonly chunkBytesMax: number
}

/** More records than this are not encoded together before one of as many has been measured. */
const UNMEASURED_RECORDS_MAX = 64
const MEASURED_RECORDS_MAX = 8
/** How full a chunk is meant to get: records differ, and one too large is encoded twice. */
const FILL = 0.75
const RECORD_BYTES_GUESS = 24

/**
 * Encodes the records, in their order, as few chunks.
 *
 * @throws TabmqError SERIALIZATION_FAILED, INVALID_TIMESTAMP or MESSAGE_TOO_LARGE with the record's
 *   `position` in the details
 */
export function encodeChunks(options: EncodeChunksOptions): EncodedChunk[] {
  const { records } = options
  const encoder = new ChunkEncoder(options)
  let start = 0
  while (start < records.length) start = encoder.encode(start, encoder.plannedEnd(start))
  return encoder.chunks
}

class ChunkEncoder {
  readonly chunks: EncodedChunk[] = []
  readonly #options: EncodeChunksOptions
  #recordCount = 0
  #byteCount = 0

  constructor(options: EncodeChunksOptions) {
    this.#options = options
  }

  /** Where the next chunk should end, by the size of the records that are known. */
  plannedEnd(start: number): number {
    const { records, chunkBytesMax } = this.#options
    if (this.#recordCount === 0) {
      if (records.length <= UNMEASURED_RECORDS_MAX) return records.length
      this.#measureSome()
    }
    const count = Math.floor((chunkBytesMax * FILL * this.#recordCount) / this.#byteCount)
    return Math.min(start + Math.max(1, count), records.length)
  }

  #measureSome(): void {
    const { codec, records } = this.#options
    const step = Math.max(UNMEASURED_RECORDS_MAX, Math.floor(records.length / MEASURED_RECORDS_MAX))
    for (let at = 0; at < records.length; at += step) {
      this.#recordCount++
      this.#byteCount += messageBytes(codec, this.#record(at), at)
    }
  }

  /** Encodes the records from `start` to before `end`, halving what gets too large; returns `end`. */
  encode(start: number, end: number): number {
    const { chunkBytesMax, maxMessageBytes } = this.#options
    const index = this.#index(start, end)
    const values = this.#values(start, end)
    const byteCount = index.length + values.length
    if (byteCount > chunkBytesMax && end - start > 1) {
      return this.encode(this.encode(start, (start + end) >>> 1), end)
    }
    this.#recordCount += end - start
    this.#byteCount += byteCount
    this.chunks.push({
      recordCount: end - start,
      index,
      values,
      firstTimestampMs: this.#record(start).timestampMs,
      maxTimestampMs: this.#maxTimestampMs(start, end),
      largestMessageBytes:
        byteCount <= maxMessageBytes ? byteCount : this.#largestOrThrow(start, end),
      hasProperties: this.#hasProperties(start, end),
    })
    return end
  }

  #record(at: number): RecordToEncode {
    return this.#options.records[at] as RecordToEncode
  }

  #position(at: number): number {
    return this.#record(at).position ?? at
  }

  #index(start: number, end: number): Uint8Array {
    const writer = new ByteWriter(16 + (end - start) * RECORD_BYTES_GUESS)
    const baseTimestampMs = this.#record(start).timestampMs
    writeIndexSection(writer, end - start, baseTimestampMs)
    for (let at = start; at < end; at++) {
      writeIndexRecord(writer, baseTimestampMs, indexRecordOf(this.#record(at), at))
    }
    return writer.finish()
  }

  #values(start: number, end: number): Uint8Array {
    return this.#options.codec.id === STRUCTURED_CODEC_ID
      ? this.#structuredValues(start, end)
      : this.#sizedValues(start, end)
  }

  #structuredValues(start: number, end: number): Uint8Array {
    const values: unknown[] = []
    for (let at = start; at < end; at++) {
      const { value } = this.#record(at)
      if (value !== null) values.push(value)
    }
    if (values.length === 0) return new Uint8Array(0)
    try {
      return encodeStructuredValues(values)
    } catch (error) {
      throw this.#named(error, start, end)
    }
  }

  /** Which record it was: encoding them one by one shows it. */
  #named(error: unknown, start: number, end: number): TabmqError {
    for (let at = start; at < end; at++) {
      try {
        encodeStructuredValues([this.#record(at).value])
      } catch (singleError) {
        return failed(singleError, this.#position(at))
      }
    }
    return failed(error, this.#position(start))
  }

  #sizedValues(start: number, end: number): Uint8Array {
    const writer = new ByteWriter()
    for (let at = start; at < end; at++) {
      const { value } = this.#record(at)
      if (value === null) continue
      writer.sizedBytes(encodeOne(this.#options.codec, value, this.#position(at)))
    }
    return writer.finish()
  }

  #hasProperties(start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      if (hasAnyProperty(this.#record(at).properties)) return true
    }
    return false
  }

  #maxTimestampMs(start: number, end: number): number {
    let max = this.#record(start).timestampMs
    for (let at = start + 1; at < end; at++) max = Math.max(max, this.#record(at).timestampMs)
    return max
  }

  #largestOrThrow(start: number, end: number): number {
    const { codec, maxMessageBytes } = this.#options
    let largest = 0
    for (let at = start; at < end; at++) {
      const bytes = messageBytes(codec, this.#record(at), at)
      if (bytes > maxMessageBytes) {
        const sizes = `has ${bytes} bytes, more than the ${maxMessageBytes} allowed`
        const position = this.#position(at)
        const details = { position, bytes, maxMessageBytes }
        throw new TabmqError('MESSAGE_TOO_LARGE', `message ${position} ${sizes}`, details)
      }
      largest = Math.max(largest, bytes)
    }
    return largest
  }
}

/** What a message takes by itself. */
function messageBytes(codec: Codec, record: RecordToEncode, at: number): number {
  const writer = new ByteWriter()
  writeIndexRecord(writer, record.timestampMs, indexRecordOf(record, at))
  if (record.value === null) return writer.length
  return writer.length + encodeOne(codec, record.value, record.position ?? at).length
}

function indexRecordOf(record: RecordToEncode, at: number): IndexRecord {
  const { timestampMs, position = at } = record
  if (!isTimestampMs(timestampMs)) {
    const what = `timestamp ${describe(timestampMs)}, no whole number of ms`
    throw new TabmqError('INVALID_TIMESTAMP', `message ${position} has ${what}`, {
      position,
      timestamp: detailOf(timestampMs),
    })
  }
  return {
    timestampMs,
    key: record.keyBytes,
    keyIsString: record.keyIsString,
    isTombstone: record.value === null,
    headers: record.headers === undefined ? NO_HEADERS : headersOrThrow(record.headers, position),
    properties: record.properties,
  }
}

const NO_HEADERS: readonly IndexHeader[] = []

function headersOrThrow(headers: Headers, position: number): readonly IndexHeader[] {
  try {
    return encodeHeaders(headers)
  } catch (error) {
    throw failed(error, position)
  }
}

function encodeOne(codec: Codec, value: unknown, position: number): Uint8Array {
  try {
    const bytes: unknown = codec.encode(value)
    if (bytes instanceof Uint8Array) return bytes
    throw new TypeError(`codec ${describe(codec.name)} returned ${describe(bytes)}, no Uint8Array`)
  } catch (error) {
    throw failed(error, position)
  }
}

function failed(error: unknown, position: number): TabmqError {
  const reason = error instanceof Error ? error.message : describe(error)
  const known = hasCode(error, 'SERIALIZATION_FAILED')
  return new TabmqError(
    'SERIALIZATION_FAILED',
    `message ${position} cannot be encoded: ${reason}`,
    known ? { ...error.details, position } : { position },
    known ? error.cause : error,
  )
}
