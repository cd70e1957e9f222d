/**
 * A message of a `send`: checked, and, where its topic is not known yet, copied, so that what the
 * caller does to its objects after the call changes nothing.
 */
import { assembleBatch } from '../../codec/batch.js'
import { encodeChunks, type RecordToEncode } from '../../codec/chunk.js'
import { CodecRegistry, OWN_CODEC_ID_MIN } from '../../codec/codec-registry.js'
import type { Codec } from '../../codec/codec.js'
import { decodeBatch, type DecodedRecord } from '../../codec/decode-batch.js'
import { jsonCodec } from '../../codec/json-codec.js'
import { encodeUtf8 } from '../../codec/utf8.js'
import { isTimestampMs } from '../../protocol/batch-index.js'
import { TabmqError } from '../../protocol/errors.js'
import { describe, detailOf } from '../../protocol/names.js'
import { definedOrThrow } from '../../std/assert.js'
import { checkObject } from '../check-options.js'
import type { Message } from '../message.js'
import { propertiesOf } from './message-properties.js'

/** A message of a send, and what the partitioner is to see of it. */
export interface OutgoingRecord extends RecordToEncode {
  readonly partition: number | undefined
  readonly message: Message
}

/** @throws TabmqError INVALID_CONFIG, INVALID_TIMESTAMP, SERIALIZATION_FAILED */
export function toOutgoingRecord(
  message: Message,
  { position, wallMs }: { position: number; wallMs: number },
): OutgoingRecord {
  checkObject(`messages[${position}]`, message)
  if (!('value' in message)) {
    const what = `messages[${position}] has no value; to send none, say null`
    throw new TabmqError('INVALID_CONFIG', what, { position })
  }
  const { key, value, headers, partition, timestamp = wallMs } = message
  if (!isTimestampMs(timestamp)) {
    throw new TabmqError(
      'INVALID_TIMESTAMP',
      `messages[${position}].timestamp is no time in ms: ${describe(timestamp)}`,
      { position, timestamp: detailOf(timestamp) },
    )
  }
  return {
    message,
    partition,
    position,
    keyBytes: keyBytesOf(key, position),
    keyIsString: typeof key === 'string',
    value,
    headers,
    timestampMs: timestamp,
    properties: propertiesOf(message, { position, wallMs, timestampMs: timestamp }),
  }
}

export interface CopiedRecords {
  readonly records: readonly OutgoingRecord[]
  /** About how much memory they take. */
  readonly bytes: number
}

/** Copies what one producer sends, by way of its codec. */
export class RecordCopier {
  /** What the copies are to be encoded with. */
  readonly codec: Codec
  readonly #original: Codec
  readonly #codecs: CodecRegistry

  constructor(codec: Codec, codecs: CodecRegistry) {
    this.#original = codec
    const isOwn = codec.id >= OWN_CODEC_ID_MIN
    this.codec = isOwn ? asBytes(codec) : codec
    this.#codecs = isOwn ? new CodecRegistry([this.codec]) : codecs
  }

  /**
   * The records as they are now.
   * @throws TabmqError SERIALIZATION_FAILED
   */
  copy(records: readonly OutgoingRecord[]): CopiedRecords {
    const codec = this.#original
    const limits = { maxMessageBytes: Infinity, chunkBytesMax: Infinity }
    const chunks = encodeChunks({ codec, records, ...limits })
    const batch = assembleBatch({ chunks, codecId: codec.id })
    const copies = decodeBatch(batch, { codecs: this.#codecs, keepsAddresses: true })
    return {
      records: records.map((record, index) =>
        this.#copied(
          record,
          definedOrThrow(copies[index], () => 'a record was lost'),
        ),
      ),
      bytes: batch.byteLength,
    }
  }

  #copied(record: OutgoingRecord, { value, headers }: DecodedRecord): OutgoingRecord {
    const keyBytes = record.keyBytes?.slice()
    const message = {
      ...record.message,
      ...(keyBytes === undefined || record.keyIsString ? {} : { key: keyBytes }),
      ...(record.headers === undefined ? {} : { headers }),
      ...(this.#givesBackValues ? { value } : {}),
    }
    return { ...record, message, keyBytes, value, headers }
  }

  /** Whether a value that was decoded is to a partitioner what the one that was sent is. */
  get #givesBackValues(): boolean {
    return this.#original.id < OWN_CODEC_ID_MIN && this.#original !== jsonCodec
  }
}

/** A codec of one's own may encode what it does not give back: its bytes wait as they are. */
function asBytes({ id, name }: Codec): Codec {
  return {
    id,
    name,
    encode: (bytes) => bytes as Uint8Array,
    decode: (bytes) => bytes.slice(),
  }
}

function keyBytesOf(key: unknown, position: number): Uint8Array | undefined {
  if (key === undefined || key === null) return undefined
  if (typeof key === 'string') return encodeUtf8(key)
  if (key instanceof Uint8Array) return key
  throw new TabmqError(
    'SERIALIZATION_FAILED',
    `messages[${position}].key must be a string or a Uint8Array, not ${describe(key)}`,
    { position, key: detailOf(key) },
  )
}
