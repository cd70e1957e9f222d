/**
 * What one `publish` sends: checked, encoded, and on its way until the broker has said where it went. It is
 * encoded while `publish` runs, for no topic in particular: which queues there are, and of each which
 * partition, the broker finds out. A batch is for one partition of each, so a run of messages with the
 * same key makes one.
 */
import { assembleBatch, assembleCompressedBatch } from '../../codec/batch.js'
import { encodeChunks, type EncodedChunk } from '../../codec/chunk.js'
import type { Codec } from '../../codec/codec.js'
import type { Headers } from '../../codec/headers.js'
import { TabmqError } from '../../protocol/errors.js'
import {
  CHUNK_BYTES_MAX,
  MAX_MESSAGE_BYTES_MAX,
  REQUEST_PARTITIONS_MAX,
  ROUTED_HEADERS_MAX,
  ROUTING_HEADER_LENGTH_MAX,
  ROUTING_KEY_LENGTH_MAX,
} from '../../protocol/limits.js'
import { describe, detailOf, parseExchangeName, type ExchangeName } from '../../protocol/names.js'
import { murmur2 } from '../../protocol/murmur2.js'
import type { Publication, PublishResult } from '../../protocol/requests/exchanges.js'
import type { Acks } from '../../protocol/requests/log.js'
import { definedOrThrow } from '../../std/assert.js'
import { deferred } from '../../std/deferred.js'
import {
  checkArray,
  checkNoOthers,
  checkObject,
  checkOneOf,
  invalidOption,
} from '../check-options.js'
import type { Message } from '../message.js'
import { chunkBytes } from './outgoing-batch.js'
import { toOutgoingRecord, type OutgoingRecord } from './outgoing-record.js'
import type { RecordMetadata } from './producer.js'
import { ACKS_ALLOWED } from './producer-options.js'

/** Messages for whatever queues an exchange leads to. */
export interface PublishRecord {
  readonly exchange: string
  /** What direct, topic and consistent-hash exchanges go by: at most 255 characters. Default: empty. */
  readonly routingKey?: string
  /**
   * What headers exchanges go by: those of them that are strings. Each message has them, unless it has
   * others of the same names itself, which are not looked at.
   */
  readonly headers?: Headers
  /** Without a `partition`: each queue has its own, by the key. */
  readonly messages: readonly Message[]
  /** Whether to reject with UNROUTABLE_MESSAGE when there is no queue for them. Default false. */
  readonly mandatory?: boolean
  /** Overrides the producer's `acks`. */
  readonly acks?: Acks
}

export interface PublicationTerms {
  readonly codec: Codec
  readonly acks: Acks
  readonly compression: 'gzip' | undefined
  readonly batchSize: number
  readonly nowMs: number
  readonly wallMs: number
}

const NAMES = ['exchange', 'routingKey', 'headers', 'messages', 'mandatory', 'acks']

interface EncodedBatch {
  readonly keyHash: number | null
  readonly chunk: EncodedChunk
  batch: ArrayBuffer | undefined
}

export class OutgoingPublication {
  readonly exchange: ExchangeName
  readonly acks: Acks
  readonly createdAtMs: number
  readonly bytes: number
  /** There is room for it among what is on its way. */
  hasRoom = false
  /** Whoever published it has been told: whatever is heard of it now is too late. */
  isSettled = false
  readonly #terms: Pick<Publication, 'routingKey' | 'headers' | 'mandatory'>
  readonly #batches: readonly EncodedBatch[]
  readonly #codecId: number
  readonly #compression: 'gzip' | undefined
  readonly #done = deferred<RecordMetadata[]>()

  /**
   * @throws TabmqError INVALID_CONFIG, INVALID_REQUEST, INVALID_TIMESTAMP, SERIALIZATION_FAILED,
   *   MESSAGE_TOO_LARGE
   */
  constructor(record: PublishRecord, terms: PublicationTerms) {
    checkObject('publish', record)
    checkNoOthers('publish', record, NAMES)
    const { messages, headers, acks = terms.acks } = record
    this.exchange = parseExchangeName(record.exchange)
    checkArray('messages', messages)
    checkOneOf('acks', acks, ACKS_ALLOWED)
    this.acks = acks
    this.createdAtMs = terms.nowMs
    this.#terms = routingTerms(record)
    const records = messages.map((message, position) =>
      toRoutedRecord(message, { position, wallMs: terms.wallMs, headers }),
    )
    this.#batches = encodeRuns(records, terms)
    this.#codecId = terms.codec.id
    this.#compression = terms.compression
    this.bytes = this.#batches.reduce((sum, { chunk }) => sum + chunkBytes(chunk), 0)
  }

  get batchCount(): number {
    return this.#batches.length
  }

  /** Whether it can be sent now: what is compressed has to be assembled first. */
  get isAssembled(): boolean {
    return (
      this.#compression === undefined || this.#batches.every(({ batch }) => batch !== undefined)
    )
  }

  /** Where it went; rejects with why it did not. */
  get done(): Promise<RecordMetadata[]> {
    return this.#done.promise
  }

  async compress(): Promise<void> {
    const codecId = this.#codecId
    await Promise.all(
      this.#batches.map(async (each) => {
        each.batch = await assembleCompressedBatch({ chunks: [each.chunk], codecId })
      }),
    )
  }

  /** As it is sent; one that has settled keeps its number and nothing else. */
  toWire(): Publication {
    if (this.isSettled) return { routingKey: '', headers: {}, mandatory: false, batches: [] }
    const batches = this.#batches.map((each) => {
      each.batch ??= assembleBatch({ chunks: [each.chunk], codecId: this.#codecId })
      return { keyHash: each.keyHash, batch: each.batch }
    })
    return { ...this.#terms, batches }
  }

  succeed(placements: NonNullable<PublishResult['placements']>): void {
    this.isSettled = true
    this.#done.resolve(
      placements.map(({ topic, partition, baseOffset, batch, duplicate }) => ({
        topic,
        partition,
        baseOffset,
        timestamp: definedOrThrow(this.#batches[batch], () => `no batch ${batch}`).chunk
          .firstTimestampMs,
        ...(duplicate === undefined ? {} : { duplicate }),
      })),
    )
  }

  fail(error: unknown): void {
    this.isSettled = true
    this.#done.reject(error)
  }
}

function routingTerms({
  routingKey = '',
  headers,
  mandatory = false,
}: PublishRecord): Pick<Publication, 'routingKey' | 'headers' | 'mandatory'> {
  if (typeof routingKey !== 'string' || routingKey.length > ROUTING_KEY_LENGTH_MAX) {
    const expected = `a string of at most ${ROUTING_KEY_LENGTH_MAX} characters`
    throw invalidOption('routingKey', routingKey, expected)
  }
  checkOneOf('mandatory', mandatory, [true, false])
  return { routingKey, headers: routedHeaders(headers), mandatory }
}

/** What can be matched: strings, and none that is longer than any binding asks for. */
function routedHeaders(headers: Headers = {}): Publication['headers'] {
  checkObject('headers', headers)
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    const strings = values.filter(isMatchable)
    return isMatchable(name) && strings.length > 0 ? [[name, strings] as const] : []
  })
  const count = entries.reduce((sum, [, values]) => sum + values.length, 0)
  if (count <= ROUTED_HEADERS_MAX) return Object.fromEntries(entries)
  const message = `what is published can have ${ROUTED_HEADERS_MAX} headers, not ${count}`
  throw new TabmqError('INVALID_CONFIG', message, { option: 'headers', headers: count })
}

function isMatchable(value: unknown): value is string {
  return typeof value === 'string' && value.length <= ROUTING_HEADER_LENGTH_MAX
}

function toRoutedRecord(
  message: Message,
  context: { position: number; wallMs: number; headers: Headers | undefined },
): OutgoingRecord {
  const { position, headers } = context
  checkObject(`messages[${position}]`, message)
  if (message.partition !== undefined) {
    const what = `messages[${position}].partition: what is published goes to a partition of each queue`
    const partition = detailOf(message.partition)
    throw new TabmqError('INVALID_CONFIG', what, { position, partition })
  }
  const record = toOutgoingRecord(message, context)
  if (headers === undefined) return record
  const own: unknown = record.headers ?? {}
  if (typeof own !== 'object' || own === null || Array.isArray(own)) {
    const what = `the headers of messages[${position}] are ${describe(own)} instead of an object`
    throw new TabmqError('SERIALIZATION_FAILED', what, { position })
  }
  return { ...record, headers: { ...headers, ...own } }
}

/** One batch after the other: messages of different keys keep their order in a partition of both. */
function encodeRuns(
  records: readonly OutgoingRecord[],
  { codec, batchSize }: PublicationTerms,
): EncodedBatch[] {
  const runs: { readonly keyHash: number | null; readonly records: OutgoingRecord[] }[] = []
  for (const record of records) {
    const { keyBytes } = record
    const keyHash = keyBytes === undefined ? null : murmur2(keyBytes) & 0x7fff_ffff
    const last = runs.at(-1)
    if (last?.keyHash === keyHash) last.records.push(record)
    else runs.push({ keyHash, records: [record] })
  }
  const encoded = runs.flatMap((run) =>
    encodeChunks({
      codec,
      records: run.records,
      maxMessageBytes: MAX_MESSAGE_BYTES_MAX,
      chunkBytesMax: Math.min(batchSize, CHUNK_BYTES_MAX),
    }).map((chunk) => ({ keyHash: run.keyHash, chunk, batch: undefined })),
  )
  const batchesMax = REQUEST_PARTITIONS_MAX
  if (encoded.length <= batchesMax) return encoded
  throw new TabmqError(
    'MESSAGE_TOO_LARGE',
    `messages of so many keys make ${encoded.length} batches; one publish can have ${batchesMax}`,
    { batches: encoded.length, batchesMax },
  )
}
