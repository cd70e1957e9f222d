/**
 * Reads a batch back into records: in the tab that consumes, and wherever the broker must take a
 * record out. The bytes come from storage or over a port, so nothing about them is believed; what is
 * wrong with them is CORRUPT_MESSAGE, whichever part it is in. The layout is described in batch.ts.
 */
import {
  BATCH_HEADER_BYTES,
  COMPRESSION_NONE,
  nextOffsetOf,
  parseBatchHeader,
  STRUCTURED_CODEC_ID,
  type ReadBatchHeader,
} from '../protocol/batch-header.js'
import { BatchIndexReader } from '../protocol/batch-index.js'
import { ByteReader } from '../protocol/byte-reader.js'
import { TabmqError } from '../protocol/errors.js'
import type { ReplyTo } from '../protocol/requests/replies.js'
import type { Codec } from './codec.js'
import type { CodecRegistry } from './codec-registry.js'
import { gunzip } from './gzip.js'
import type { Headers } from './headers.js'
import { decodeHeaders, NO_HEADERS } from './headers.js'
import { takeReplyTo } from './reply-address.js'
import { decodeStructuredValues } from './structured-codec.js'
import { decodeUtf8 } from './utf8.js'

export interface DecodedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | Uint8Array | null
  readonly value: unknown
  readonly headers: Headers
  /** When share groups may deliver it, in ms since 1970. */
  readonly deliverAt?: number
  /** When it is of no use any more, in ms since 1970. */
  readonly expiresAt?: number
  /** 1 to 9, where it is not 0; higher is sooner, in share groups. */
  readonly priority?: number
  /** By which a topic with a `dedupWindowMs` knows a repeat. */
  readonly messageId?: string
  /** Of a request: who waits for an answer, which the handler's `reply` gives. */
  readonly replyTo?: ReplyTo
}

export interface DecodeBatchOptions {
  readonly codecs: CodecRegistry
  /** Records below it are left out; a batch may begin before the offset that was asked for. */
  readonly fromOffset?: number
  /** Records from it on are left out, and their values not looked at. */
  readonly untilOffset?: number
  /** The records are to be encoded again: a reply address stays in the headers. */
  readonly keepsAddresses?: boolean
  /**
   * Stands in for a value whose bytes no codec can read, or none that is here; without it that is an error.
   * Of the structured codec the bytes are those of all values that were encoded together.
   */
  readonly standIn?: (bytes: Uint8Array, error: TabmqError) => unknown
}

export interface DecodeCompressedBatchOptions extends DecodeBatchOptions {
  /** How large the values may become. */
  readonly valuesBytesMax: number
}

/**
 * Whether the batch has to go through {@link decodeCompressedBatch}.
 * @throws TabmqError CORRUPT_MESSAGE
 */
export function isCompressed(batch: ArrayBuffer): boolean {
  return parseBatchHeader(batch).compression !== COMPRESSION_NONE
}

/**
 * The records of a batch that is not compressed, without those that are void.
 * @throws TabmqError CORRUPT_MESSAGE, UNSUPPORTED_CODEC; ILLEGAL_STATE when it is compressed
 */
export function decodeBatch(batch: ArrayBuffer, options: DecodeBatchOptions): DecodedRecord[] {
  const header = parseBatchHeader(batch)
  if (header.compression !== COMPRESSION_NONE) {
    throw new TabmqError('ILLEGAL_STATE', 'a compressed batch cannot be decoded at once', {})
  }
  return new BatchDecoder(batch, header, options).decode(valuesOf(batch, header))
}

/**
 * The records of a batch, compressed or not, without those that are void.
 * @throws TabmqError CORRUPT_MESSAGE, UNSUPPORTED_CODEC, UNSUPPORTED_COMPRESSION_TYPE
 */
export async function decodeCompressedBatch(
  batch: ArrayBuffer,
  options: DecodeCompressedBatchOptions,
): Promise<DecodedRecord[]> {
  const header = parseBatchHeader(batch)
  const decoder = new BatchDecoder(batch, header, options)
  const stored = valuesOf(batch, header)
  if (header.compression === COMPRESSION_NONE) return decoder.decode(stored)
  return decoder.decode(await gunzip(stored, options.valuesBytesMax))
}

class BatchDecoder {
  readonly #header: ReadBatchHeader
  readonly #index: BatchIndexReader
  readonly #codec: Codec
  readonly #fromOffset: number
  readonly #untilOffset: number
  readonly #keepsAddresses: boolean
  readonly #standIn: DecodeBatchOptions['standIn']
  readonly #records: DecodedRecord[] = []

  constructor(batch: ArrayBuffer, header: ReadBatchHeader, options: DecodeBatchOptions) {
    this.#header = header
    this.#standIn = options.standIn
    const { codecId } = header
    this.#codec =
      options.standIn === undefined
        ? options.codecs.byId(codecId)
        : options.codecs.byIdOrNone(codecId)
    this.#fromOffset = options.fromOffset ?? header.baseOffset
    this.#untilOffset = options.untilOffset ?? Infinity
    this.#keepsAddresses = options.keepsAddresses ?? false
    const index = new Uint8Array(batch, BATCH_HEADER_BYTES, header.indexBytes)
    this.#index = new BatchIndexReader(index)
  }

  decode(values: Uint8Array): DecodedRecord[] {
    const { baseOffset, recordCount } = this.#header
    const end = nextOffsetOf(this.#header)
    if (!Number.isSafeInteger(end)) throw corrupt('offsets beyond 2^53')
    const frames = new ByteReader(values)
    let offset = baseOffset
    for (let left = this.#index.nextSection(); left > 0; left = this.#index.nextSection()) {
      if (offset + left > end) throw wrongCount(recordCount)
      const frame = frames.bytes(frames.u32())
      if (this.#codec.id === STRUCTURED_CODEC_ID) this.#structuredSection(offset, left, frame)
      else this.#sizedSection(offset, left, frame)
      offset += left
    }
    if (offset !== end) throw wrongCount(recordCount)
    if (frames.remaining > 0) throw corrupt('values that belong to no record')
    return this.#records
  }

  /** Index first: how many values there must be is known only then. */
  #structuredSection(start: number, count: number, frame: Uint8Array): void {
    const first = this.#records.length
    let valueCount = 0
    for (let offset = start; offset < start + count; offset++) {
      this.#index.nextRecord()
      const { isTombstone } = this.#index
      // Until the chunk is decoded, a value is its place in there.
      if (this.#isWanted(offset)) this.#push(offset, isTombstone ? null : valueCount)
      if (!isTombstone) valueCount++
    }
    if (valueCount === 0) {
      if (frame.length > 0) throw corrupt('values that belong to no record')
      return
    }
    if (first === this.#records.length) return
    const values = this.#decoded(start, frame, {
      decode: () => decodeStructuredValues(frame, valueCount),
      standIn: (value) => Array.from({ length: valueCount }, () => value),
    })
    for (let at = first; at < this.#records.length; at++) {
      const record = this.#records[at] as { value: unknown }
      if (record.value !== null) record.value = values[record.value as number]
    }
  }

  #sizedSection(start: number, count: number, frame: Uint8Array): void {
    const values = new ByteReader(frame)
    for (let offset = start; offset < start + count; offset++) {
      this.#index.nextRecord()
      const bytes = this.#index.isTombstone ? undefined : values.sizedBytes()
      if (!this.#isWanted(offset)) continue
      this.#push(offset, bytes === undefined ? null : this.#decodeOne(bytes, offset))
    }
    if (values.remaining > 0) throw corrupt('values that belong to no record')
  }

  #isWanted(offset: number): boolean {
    return offset >= this.#fromOffset && offset < this.#untilOffset && !this.#index.isVoid
  }

  #decodeOne(bytes: Uint8Array, offset: number): unknown {
    const decode = () => this.#codec.decode(bytes)
    return this.#decoded(offset, bytes, { decode, standIn: (value) => value })
  }

  #decoded<T>(
    offset: number,
    bytes: Uint8Array,
    { decode, standIn }: { decode: () => T; standIn: (value: unknown) => T },
  ): T {
    try {
      return decode()
    } catch (cause) {
      const error =
        cause instanceof TabmqError && cause.code === 'UNSUPPORTED_CODEC'
          ? cause
          : undecodable(offset, cause)
      if (this.#standIn === undefined) throw error
      return standIn(this.#standIn(bytes, error))
    }
  }

  #push(offset: number, value: unknown): void {
    const index = this.#index
    let key: string | Uint8Array | null = null
    if (index.keyIsString) key = decodeUtf8(index.source, index.keyStart, index.keyEnd)
    else if (index.hasKey) key = index.source.slice(index.keyStart, index.keyEnd)
    const record = {
      offset,
      timestamp: index.timestampMs,
      key,
      value,
      headers: index.hasHeaders ? decodeHeaders(index.headers()) : NO_HEADERS,
    }
    const mayHaveAddress = index.hasHeaders && !this.#keepsAddresses
    const address = mayHaveAddress ? takeReplyTo(record.headers) : undefined
    const addressed = address === undefined ? record : { ...record, ...address }
    this.#records.push(index.hasProperties ? { ...addressed, ...propertiesOf(index) } : addressed)
  }
}

function propertiesOf(index: BatchIndexReader): Partial<DecodedRecord> {
  const { deliverAtMs, expiresAtMs, priority } = index
  const messageId = index.messageId()
  return {
    ...(deliverAtMs === undefined ? {} : { deliverAt: deliverAtMs }),
    ...(expiresAtMs === undefined ? {} : { expiresAt: expiresAtMs }),
    ...(priority === 0 ? {} : { priority }),
    ...(messageId === undefined ? {} : { messageId: decodeUtf8(messageId) }),
  }
}

function valuesOf(batch: ArrayBuffer, header: ReadBatchHeader): Uint8Array<ArrayBuffer> {
  return new Uint8Array(batch, BATCH_HEADER_BYTES + header.indexBytes, header.valuesBytes)
}

function undecodable(offset: number, cause: unknown): TabmqError {
  const message = `the value at offset ${offset} cannot be decoded`
  return new TabmqError('CORRUPT_MESSAGE', message, { offset }, cause)
}

function wrongCount(recordCount: number): TabmqError {
  return corrupt(`the header says ${recordCount} records, the index has another number`)
}

function corrupt(reason: string): TabmqError {
  return new TabmqError('CORRUPT_MESSAGE', reason, {})
}
