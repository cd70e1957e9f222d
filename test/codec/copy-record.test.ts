/** One record taken out of a batch: it decodes to what it was, whatever it takes along. */
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { assembleCompressedBatch } from '../../src/codec/batch.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import type { Codec } from '../../src/codec/codec.js'
import { decodeBatch, decodeCompressedBatch } from '../../src/codec/decode-batch.js'
import { decodeHeaders, encodeHeaders, type Headers } from '../../src/codec/headers.js'
import {
  BATCH_HEADER_BYTES,
  parseBatchHeader,
  writeBatchPlacement,
  writeBatchProducer,
} from '../../src/protocol/batch-header.js'
import { BatchIndexReader, readBatchIndex } from '../../src/protocol/batch-index.js'
import {
  copyRecords,
  emptyRecords,
  type AddedHeaders,
  type CopyRecordsOptions,
} from '../../src/protocol/copy-record.js'
import { hasCode } from '../../src/protocol/errors.js'
import type { ProducerId } from '../../src/protocol/names.js'
import {
  arbitraryBatch,
  batchOf,
  codecs,
  expectReceived,
  makeVoid,
  NO_LIMIT,
  reversedCodec,
  sent,
  thrown,
  toEncode,
  type SentRecord,
} from './records.js'

const structured = codecs.byName('structured')
const valuesBytesMax = 1_000_000
const BASE_OFFSET = 1_000
const EXTRA = [
  ['dead-letter-topic', 'orders'],
  ['dead-letter-reason', 'żaden €𐍈'],
] as const

/** One record alone. */
function copyRecord(
  batch: ArrayBuffer,
  offset: number,
  { headers = [], ...options }: CopyRecordsOptions & { headers?: AddedHeaders } = {},
): ArrayBuffer {
  return copyRecords(batch, new Map([[offset, headers]]), options)
}

function placed(batch: ArrayBuffer): ArrayBuffer {
  writeBatchProducer(batch, { producerId: 7 as ProducerId, producerEpoch: 1, baseSequence: 5 })
  writeBatchPlacement(batch, {
    baseOffset: BASE_OFFSET,
    position: 9,
    maxTimestampSoFarMs: 1,
    appendedAtMs: 0,
  })
  return batch
}

async function compressed(lists: readonly (readonly SentRecord[])[], codec: Codec) {
  const limits = { maxMessageBytes: NO_LIMIT, chunkBytesMax: NO_LIMIT }
  const chunks = lists.flatMap((records) =>
    encodeChunks({ codec, records: records.map(toEncode), ...limits }),
  )
  return assembleCompressedBatch({ chunks, codecId: codec.id })
}

/** The headers behind which others come; of one name, a list. */
function withExtra(headers: Headers | undefined): Headers {
  const extra = EXTRA.map(([name, value]) => encodeHeaders({ [name]: value }))
  return decodeHeaders([encodeHeaders(headers), ...extra].flat())
}

function expectCopy(received: ReturnType<typeof decodeBatch>, record: SentRecord): void {
  expect(received).toHaveLength(1)
  const priority = record.properties?.priority
  expectReceived(
    received.map((one) => ({ ...one, offset: 0 })),
    [
      {
        ...record,
        headers: withExtra(record.headers),
        properties: priority === undefined ? {} : { priority },
      },
    ],
  )
}

/** What must hold of any copy, besides what it decodes to. */
function expectSound(copy: ArrayBuffer, record: SentRecord, codec: Codec): void {
  const header = parseBatchHeader(copy)
  const records = [...readBatchIndex(copy)]
  const alive = records.filter(({ isVoid }) => isVoid !== true)
  expect(alive).toHaveLength(1)
  expect(header).toMatchObject({
    codecId: codec.id,
    producer: undefined,
    baseOffset: 0,
    firstTimestampMs: record.timestampMs,
    maxTimestampMs: record.timestampMs,
    hasProperties: (record.properties?.priority ?? 0) > 0,
    hasVoid: records.length > 1,
  })
  for (const other of records.filter(({ isVoid }) => isVoid === true)) {
    expect(other).toMatchObject({ key: undefined, headers: [], properties: undefined })
  }
  // What a topic's limit is compared with: never less than what the message takes by itself.
  const headers = withExtra(record.headers)
  const { priority = 0 } = record.properties ?? {}
  const properties = priority === 0 ? {} : { properties: { priority } }
  const { properties: _, ...plain } = record
  const alone = encodeChunks({
    codec,
    records: [toEncode({ ...plain, headers, ...properties })],
    maxMessageBytes: NO_LIMIT,
    chunkBytesMax: NO_LIMIT,
  })[0]
  const sectionBytes = 1 + 8
  const sizeBytes = codec === structured || record.value === null ? 0 : 8
  expect(header.largestMessageBytes).toBeGreaterThanOrEqual(
    (alone?.largestMessageBytes ?? 0) - sectionBytes - sizeBytes,
  )
}

const arbitraryChoice = arbitraryBatch.chain(({ codec, lists }) =>
  fc.record({
    codec: fc.constant(codec),
    lists: fc.constant(lists),
    at: fc.nat(lists.flat().length - 1),
  }),
)

afterEach(() => vi.restoreAllMocks())

describe('a record copied out of a batch', () => {
  it('is what it was, with any codec, in any chunk', () => {
    fc.assert(
      fc.property(arbitraryChoice, ({ codec, lists, at }) => {
        const batch = placed(batchOf(lists, codec))
        const before = batch.slice(0)
        const record = lists.flat()[at] ?? sent()
        const copy = copyRecord(batch, BASE_OFFSET + at, { headers: EXTRA })
        expectCopy(decodeBatch(copy, { codecs }), record)
        expectSound(copy, record, codec)
        expect(new Uint8Array(batch)).toEqual(new Uint8Array(before))
      }),
      { numRuns: 400 },
    )
  })

  it('is so out of a compressed batch, which is not decompressed', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryChoice, async ({ codec, lists, at }) => {
        const batch = placed(await compressed(lists, codec))
        const record = lists.flat()[at] ?? sent()
        const copy = copyRecord(batch, BASE_OFFSET + at, { headers: EXTRA })
        expectCopy(await decodeCompressedBatch(copy, { codecs, valuesBytesMax }), record)
        expectSound(copy, record, codec)
      }),
      { numRuns: 100 },
    )
  })

  it('can be copied again, and from beside void records', () => {
    const lists = [[sent({ value: 1 }), sent({ value: { a: [2] } }), sent({ value: null })]]
    const batch = placed(batchOf(lists, structured))
    makeVoid(batch, [true, false, true])
    const once = copyRecord(batch, BASE_OFFSET + 1, { headers: [['a', '1']] })
    const twice = copyRecord(once, 1, { headers: [['a', '2']] })
    const [record] = decodeBatch(twice, { codecs })
    expect(record).toMatchObject({ offset: 1, value: { a: [2] }, headers: { a: ['1', '2'] } })
    expect(twice.byteLength - once.byteLength).toBe('a1'.length + 3)
  })

  it('takes its own chunk along and no other', () => {
    const large = 'x'.repeat(10_000)
    const lists = [[sent({ value: large })], [sent({ value: 1 }), sent({ value: 2 })]]
    const copy = copyRecord(placed(batchOf(lists, structured)), BASE_OFFSET + 2)
    expect(copy.byteLength).toBeLessThan(BATCH_HEADER_BYTES + 60)
    expect(decodeBatch(copy, { codecs })).toMatchObject([{ offset: 1, value: 2 }])
  })

  it('takes nothing along where each value stands alone, nor as a tombstone', async () => {
    const large = 'x'.repeat(10_000)
    const records = [sent({ value: large }), sent({ value: 'y' }), sent({ value: null })]
    for (const at of [1, 2]) {
      const copy = copyRecord(placed(batchOf([records], reversedCodec)), BASE_OFFSET + at)
      expect(parseBatchHeader(copy)).toMatchObject({ recordCount: 1, hasVoid: false })
      expect(copy.byteLength).toBeLessThan(BATCH_HEADER_BYTES + 30)
    }
    for (const batch of [batchOf([records], structured), await compressed([records], structured)]) {
      const copy = copyRecord(placed(batch), BASE_OFFSET + 2)
      expect(copy.byteLength).toBeLessThan(BATCH_HEADER_BYTES + 20)
      expect(decodeBatch(copy, { codecs })).toMatchObject([{ offset: 0, value: null }])
    }
  })

  it('is no repeat, not delayed, does not expire, and may get another time', () => {
    const properties = { deliverAtMs: 5, expiresAtMs: 6, priority: 7, messageId: 'm' }
    const batch = placed(batchOf([[sent({ properties })]], structured))
    const copy = copyRecord(batch, BASE_OFFSET, { timestampMs: 123 })
    const [record] = decodeBatch(copy, { codecs })
    expect(record).toEqual({
      offset: 0,
      timestamp: 123,
      key: null,
      value: 1,
      headers: {},
      priority: 7,
    })
    expect(parseBatchHeader(copy)).toMatchObject({ firstTimestampMs: 123, maxTimestampMs: 123 })
  })

  it('of a batch that is none is refused, and nothing else happens', () => {
    fc.assert(
      fc.property(
        arbitraryChoice,
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
          minLength: 1,
          maxLength: 6,
        }),
        ({ codec, lists, at }, flips) => {
          const batch = batchOf(lists, codec)
          const bytes = new Uint8Array(batch, BATCH_HEADER_BYTES)
          for (const [where, byte] of flips) {
            bytes[Math.min(bytes.length - 1, Math.floor(where * bytes.length))] = byte
          }
          try {
            parseBatchHeader(copyRecord(batch, at))
          } catch (error) {
            // A flip may have made it void: nobody copies such a record.
            const isVoid = error instanceof Error && error.message.endsWith('is void')
            if (!isVoid) expect(hasCode(error, 'CORRUPT_MESSAGE')).toBe(true)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps its chunk as it is where values do not stand as they should', () => {
    const batch = placed(batchOf([[sent({ value: 1 }), sent({ value: 2 })]], reversedCodec))
    const { indexBytes } = parseBatchHeader(batch)
    new Uint8Array(batch)[BATCH_HEADER_BYTES + indexBytes + 4] = 0x7f
    const copy = copyRecord(batch, BASE_OFFSET + 1)
    expect(parseBatchHeader(copy).recordCount).toBe(2)
    thrown('CORRUPT_MESSAGE', () => decodeBatch(copy, { codecs }))
  })

  it('has to be there, and not void', () => {
    const batch = placed(batchOf([[sent(), sent()]], structured))
    makeVoid(batch, [true])
    for (const offset of [BASE_OFFSET - 1, BASE_OFFSET, BASE_OFFSET + 2]) {
      expect(() => copyRecord(batch, offset)).toThrow(/not in the batch|is void/)
    }
  })

  it('is so together with others of its batch, each with headers of its own', async () => {
    const arbitrarySome = arbitraryBatch.chain(({ codec, lists }) =>
      fc.record({
        codec: fc.constant(codec),
        lists: fc.constant(lists),
        at: fc.uniqueArray(fc.nat(lists.flat().length - 1), { minLength: 1 }),
        isCompressed: fc.boolean(),
      }),
    )
    await fc.assert(
      fc.asyncProperty(arbitrarySome, async ({ codec, lists, at, isCompressed }) => {
        const batch = placed(isCompressed ? await compressed(lists, codec) : batchOf(lists, codec))
        const wanted = at.map((index): [number, AddedHeaders] => {
          return [BASE_OFFSET + index, [['was', String(index)]]]
        })
        const copy = copyRecords(batch, new Map(wanted))
        const received = await decodeCompressedBatch(copy, { codecs, valuesBytesMax })
        const inOrder = at.toSorted((a, b) => a - b)
        expectReceived(
          received.map((one, offset) => ({ ...one, offset })),
          inOrder.map((index) => {
            const { properties, ...record } = lists.flat()[index] ?? sent()
            const priority = properties?.priority
            const own = encodeHeaders(record.headers)
            const headers = decodeHeaders([...own, ...encodeHeaders({ was: String(index) })])
            return { ...record, headers, properties: priority === undefined ? {} : { priority } }
          }),
        )
        const times = inOrder.map((index) => lists.flat()[index]?.timestampMs ?? 0)
        expect(parseBatchHeader(copy)).toMatchObject({
          firstTimestampMs: times[0],
          maxTimestampMs: Math.max(...times),
        })
      }),
      { numRuns: 300 },
    )
  })

  it('shares its chunk with the others of it', () => {
    const records = Array.from({ length: 100 }, (_, n) =>
      sent({ value: { n, x: 'x'.repeat(100) } }),
    )
    const batch = placed(batchOf([records], structured))
    const wanted = records.map((_, n): [number, AddedHeaders] => [BASE_OFFSET + n, EXTRA])
    const copy = copyRecords(batch, new Map(wanted))
    expect(copy.byteLength).toBeLessThan(batch.byteLength + 100 * 80)
    expect(parseBatchHeader(copy).hasVoid).toBe(false)
  })
})

describe('a record in the place of one that cannot be copied', () => {
  it('has headers, and nothing else', () => {
    const batch = placed(emptyRecords([[['a', '1']], [['b', '2']]], 123))
    const empty = { timestamp: 123, key: null, value: null }
    expect(decodeBatch(batch, { codecs })).toMatchObject([
      { ...empty, offset: BASE_OFFSET, headers: { a: '1' } },
      { ...empty, offset: BASE_OFFSET + 1, headers: { b: '2' } },
    ])
  })
})

describe('records of one batch that are copied one by one', () => {
  it('cost what is encoded with each, not the whole batch', async () => {
    const lists = Array.from({ length: 50 }, (_, list) =>
      Array.from({ length: 20 }, (__, at) => sent({ value: `${list} ${at}` })),
    )
    const batch = placed(batchOf(lists, structured))
    const next = vi.spyOn(BatchIndexReader.prototype, 'nextRecord')
    for (let at = 0; at < 1_000; at++) copyRecord(batch, BASE_OFFSET + at)
    // Once all of it, then a section for each.
    expect(next.mock.calls.length).toBe(1_000 + 1_000 * 20)
  })
})
