/** Records for the tests of chunks and batches, and what they must read back as. */
import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { assembleBatch } from '../../src/codec/batch.js'
import type { RecordToEncode } from '../../src/codec/chunk.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import type { Codec } from '../../src/codec/codec.js'
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import type { DecodedRecord } from '../../src/codec/decode-batch.js'
import type { Headers, HeaderValue } from '../../src/codec/headers.js'
import { encodeUtf8, isWellFormed } from '../../src/codec/utf8.js'
import {
  BATCH_HEADER_BYTES,
  parseBatchHeader,
  writeBatchHasVoid,
} from '../../src/protocol/batch-header.js'
import { BatchIndexReader, TIMESTAMP_MS_MAX } from '../../src/protocol/batch-index.js'
import type { ErrorCode, TabmqError } from '../../src/protocol/errors.js'
import { hasCode } from '../../src/protocol/errors.js'
import { arbitraryGraph, arbitraryTree } from './structured-values.js'

export const NO_LIMIT = 1e9

export interface SentRecord {
  readonly key: string | Uint8Array | null
  readonly value: unknown
  readonly headers: Headers | undefined
  readonly timestampMs: number
  readonly properties?: SentProperties
}

export interface SentProperties {
  readonly deliverAtMs?: number
  readonly expiresAtMs?: number
  readonly priority?: number
  readonly messageId?: string
}

/** A codec of one's own: any value's JSON, upside down. */
export const reversedCodec: Codec = {
  id: 42,
  name: 'reversed',
  encode: (value) => encodeUtf8(JSON.stringify(value)).reverse(),
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes.slice().reverse())) as unknown,
}

export const codecs = new CodecRegistry([reversedCodec])

export function sent(fields: Partial<SentRecord> = {}): SentRecord {
  return { key: null, value: 1, headers: undefined, timestampMs: 1_700_000_000_000, ...fields }
}

export function toEncode(record: SentRecord): RecordToEncode {
  const { key, value, headers, timestampMs, properties } = record
  const keyIsString = typeof key === 'string'
  const keyBytes = keyIsString ? encodeUtf8(key) : (key ?? undefined)
  const encoded = { keyBytes, keyIsString, value, headers, timestampMs }
  if (properties === undefined) return encoded
  const { messageId, ...others } = properties
  const id = messageId === undefined ? {} : { messageId: encodeUtf8(messageId) }
  return { ...encoded, properties: { ...others, ...id } }
}

/** One batch with a chunk per list of records. */
export function batchOf(lists: readonly (readonly SentRecord[])[], codec: Codec): ArrayBuffer {
  const chunks = lists.flatMap((records) =>
    encodeChunks({
      codec,
      records: records.map(toEncode),
      maxMessageBytes: NO_LIMIT,
      chunkBytesMax: NO_LIMIT,
    }),
  )
  return assembleBatch({ chunks, codecId: codec.id })
}

/** What the broker does to records that are not to be delivered: those that are true. */
export function makeVoid(batch: ArrayBuffer, isVoid: readonly boolean[]): void {
  const { indexBytes } = parseBatchHeader(batch)
  const reader = new BatchIndexReader(new Uint8Array(batch, BATCH_HEADER_BYTES, indexBytes))
  let at = 0
  for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
    for (; left > 0; left--) {
      reader.nextRecord()
      if (isVoid[at++] !== true) continue
      reader.makeVoid()
      writeBatchHasVoid(batch)
    }
  }
}

export function expectReceived(
  received: readonly DecodedRecord[],
  records: readonly SentRecord[],
  firstOffset = 0,
): void {
  deepStrictEqual(
    received,
    records.map((record, at) => ({
      offset: firstOffset + at,
      timestamp: record.timestampMs,
      key: record.key,
      value: structuredClone(record.value),
      headers: receivedHeaders(record.headers),
      ...receivedProperties(record.properties),
    })),
  )
}

function receivedProperties(properties: SentProperties = {}): Partial<DecodedRecord> {
  const { deliverAtMs, expiresAtMs, priority = 0, messageId } = properties
  return {
    ...(deliverAtMs === undefined ? {} : { deliverAt: deliverAtMs }),
    ...(expiresAtMs === undefined ? {} : { expiresAt: expiresAtMs }),
    ...(priority === 0 ? {} : { priority }),
    ...(messageId === undefined ? {} : { messageId }),
  }
}

function receivedHeaders(headers: Headers | undefined): Headers {
  const entries = Object.entries(headers ?? {}).flatMap(([name, value]): [string, unknown][] => {
    if (!Array.isArray(value)) return [[name, value]]
    const values = value as readonly HeaderValue[]
    return values.length === 0 ? [] : [[name, values.length === 1 ? values[0] : values]]
  })
  return Object.fromEntries(entries) as Headers
}

/** The TabmqError that `run` throws, if its code is this one. */
export function thrown(code: ErrorCode, run: () => unknown): TabmqError {
  try {
    run()
  } catch (error) {
    if (hasCode(error, code)) return error
    throw error
  }
  throw new Error(`nothing was thrown, expected ${code}`)
}

const wellFormed = fc.string({ unit: 'binary', maxLength: 40 }).filter(isWellFormed)
const arbitraryProperties: fc.Arbitrary<SentProperties> = fc.record(
  {
    deliverAtMs: fc.integer({ min: 0, max: TIMESTAMP_MS_MAX - 1 }),
    expiresAtMs: fc.integer({ min: 0, max: TIMESTAMP_MS_MAX - 1 }),
    priority: fc.integer({ min: 0, max: 9 }),
    messageId: wellFormed.filter((id) => id.length > 0),
  },
  { requiredKeys: [] },
)
const headerValue = fc.oneof(wellFormed, fc.uint8Array({ maxLength: 20 }))

export const arbitraryRecord = (value: fc.Arbitrary<unknown>): fc.Arbitrary<SentRecord> =>
  fc.oneof(
    { weight: 3, arbitrary: plainRecord(value) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(plainRecord(value), arbitraryProperties)
        .map(([record, properties]) => ({ ...record, properties })),
    },
  )

const plainRecord = (value: fc.Arbitrary<unknown>): fc.Arbitrary<SentRecord> =>
  fc.record({
    key: fc.oneof(fc.constant(null), wellFormed, fc.uint8Array({ maxLength: 40 })),
    value: fc.oneof({ weight: 8, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) }),
    headers: fc.option(
      fc.dictionary(
        fc.oneof(wellFormed, fc.constant('__proto__')),
        fc.oneof(headerValue, fc.array(headerValue, { maxLength: 3 })),
        { maxKeys: 3, noNullPrototype: true },
      ),
      { nil: undefined, freq: 2 },
    ),
    timestampMs: fc.oneof(
      fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
      fc.integer({ min: -TIMESTAMP_MS_MAX, max: TIMESTAMP_MS_MAX }),
    ),
  })

/** A codec and lists of records that it can encode. */
export const arbitraryBatch: fc.Arbitrary<{ codec: Codec; lists: SentRecord[][] }> = fc
  .constantFrom<[string, fc.Arbitrary<unknown>][]>(
    ['structured', fc.oneof(arbitraryTree, arbitraryGraph)],
    ['json', jsonValue()],
    ['text', wellFormed],
    ['bytes', fc.uint8Array({ maxLength: 100 })],
    ['reversed', jsonValue()],
  )
  .chain(([name, value]) =>
    fc.record({
      codec: fc.constant(codecs.byName(name)),
      lists: fc.array(fc.array(arbitraryRecord(value), { minLength: 1, maxLength: 6 }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  )

/** JSON's own: without minus zero and such. */
function jsonValue(): fc.Arbitrary<unknown> {
  return fc.json().map((text) => JSON.parse(JSON.stringify(JSON.parse(text))) as unknown)
}
