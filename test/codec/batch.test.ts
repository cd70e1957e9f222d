import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assembleBatch, assembleCompressedBatch, assembledBytes } from '../../src/codec/batch.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import { decodeBatch, decodeCompressedBatch, isCompressed } from '../../src/codec/decode-batch.js'
import { parseBatchHeader, writeBatchPlacement } from '../../src/protocol/batch-header.js'
import { readBatchIndex } from '../../src/protocol/batch-index.js'
import { hasCode } from '../../src/protocol/errors.js'
import type { SentRecord } from './records.js'
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
} from './records.js'

const structured = codecs.byName('structured')
const valuesBytesMax = 1_000_000

async function compressedBatchOf(
  lists: readonly (readonly SentRecord[])[],
  codec = structured,
): Promise<ArrayBuffer> {
  const chunks = lists.flatMap((records) =>
    encodeChunks({
      codec,
      records: records.map(toEncode),
      maxMessageBytes: NO_LIMIT,
      chunkBytesMax: NO_LIMIT,
    }),
  )
  return assembleCompressedBatch({ chunks, codecId: codec.id })
}

describe('a batch', () => {
  it('gives back every record of every chunk, with any codec', () => {
    fc.assert(
      fc.property(arbitraryBatch, ({ codec, lists }) => {
        expectReceived(decodeBatch(batchOf(lists, codec), { codecs }), lists.flat())
      }),
      { numRuns: 300 },
    )
  })

  it('does so compressed', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryBatch, async ({ codec, lists }) => {
        const batch = await compressedBatchOf(lists, codec)
        expect(isCompressed(batch)).toBe(true)
        const received = await decodeCompressedBatch(batch, { codecs, valuesBytesMax })
        expectReceived(received, lists.flat())
      }),
      { numRuns: 100 },
    )
  })

  it('has the header that the broker needs', () => {
    const lists = [
      [sent({ timestampMs: 7 }), sent({ timestampMs: 30 })],
      [sent({ timestampMs: 5 })],
    ]
    const header = parseBatchHeader(batchOf(lists, reversedCodec))
    expect(header).toMatchObject({
      codecId: 42,
      compression: 0,
      recordCount: 3,
      firstTimestampMs: 7,
      maxTimestampMs: 30,
      baseOffset: 0,
      producer: undefined,
    })
  })

  it('carries the size of its largest message, at least', () => {
    const lists = [[sent()], [sent({ value: new Uint8Array(1000) })], [sent()]]
    expect(parseBatchHeader(batchOf(lists, structured)).largestMessageBytes).toBeGreaterThan(1000)
  })

  it('is as large as was said before', () => {
    const chunks = encodeChunks({
      codec: structured,
      records: [sent(), sent({ key: 'a' })].map(toEncode),
      maxMessageBytes: NO_LIMIT,
      chunkBytesMax: NO_LIMIT,
    })
    const batch = assembleBatch({ chunks, codecId: 0 })
    expect(batch.byteLength).toBe(assembledBytes(chunks))
  })

  it('shows the broker everything but the values, compressed too', async () => {
    const records = [
      sent({ key: 'a', timestampMs: 5 }),
      sent({ key: null, value: null, timestampMs: 3 }),
      sent({ key: Uint8Array.of(1), headers: { h: ['1', Uint8Array.of(2)] }, timestampMs: 4 }),
    ]
    const lists = [records.slice(0, 2), records.slice(2)]
    for (const batch of [batchOf(lists, structured), await compressedBatchOf(lists)]) {
      expect([...readBatchIndex(batch)]).toMatchObject([
        {
          key: Uint8Array.of(97),
          keyIsString: true,
          isTombstone: false,
          timestampMs: 5,
          headers: [],
        },
        { key: undefined, isTombstone: true, timestampMs: 3 },
        {
          key: Uint8Array.of(1),
          keyIsString: false,
          timestampMs: 4,
          headers: [
            { name: Uint8Array.of(104), value: Uint8Array.of(49), valueIsString: true },
            { name: Uint8Array.of(104), value: Uint8Array.of(2), valueIsString: false },
          ],
        },
      ])
    }
  })

  it('numbers its records from the offset that the broker wrote', () => {
    const batch = batchOf([[sent(), sent()]], structured)
    writeBatchPlacement(batch, {
      baseOffset: 1000,
      position: 0,
      maxTimestampSoFarMs: 0,
      appendedAtMs: 0,
    })
    expectReceived(decodeBatch(batch, { codecs }), [sent(), sent()], 1000)
  })

  it('can be read from an offset within', () => {
    const lists = [3, 4, 2].map((count, list) =>
      Array.from({ length: count }, (_, at) =>
        sent({ value: at === 1 ? null : { list, at }, key: `k${list}${at}` }),
      ),
    )
    const records = lists.flat()
    const names = lists.map((list) => list.map((record) => ({ ...record, value: record.value })))
    for (const codec of [structured, reversedCodec]) {
      const batch = batchOf(names, codec)
      writeBatchPlacement(batch, {
        baseOffset: 50,
        position: 0,
        maxTimestampSoFarMs: 0,
        appendedAtMs: 0,
      })
      for (let from = 48; from <= 60; from++) {
        const skipped = Math.min(records.length, Math.max(0, from - 50))
        const received = decodeBatch(batch, { codecs, fromOffset: from })
        expectReceived(received, records.slice(skipped), 50 + skipped)
      }
    }
  })

  it('keeps undefined apart from a tombstone', () => {
    const values = decodeBatch(
      batchOf([[sent({ value: undefined }), sent({ value: null })]], structured),
      {
        codecs,
      },
    ).map(({ value }) => value)
    expect(values).toStrictEqual([undefined, null])
  })

  it('hands out keys and headers that are the reader’s own', () => {
    const record = sent({ key: Uint8Array.of(1), headers: { h: Uint8Array.of(2) } })
    const batch = batchOf([[record]], structured)
    const [first] = decodeBatch(batch, { codecs })
    for (const part of [first?.key, first?.headers['h']]) {
      expect(part).toBeInstanceOf(Uint8Array)
      if (part instanceof Uint8Array) part[0] = 99
    }
    expectReceived(decodeBatch(batch, { codecs }), [record])
  })

  it('has no headers to change where none were sent', () => {
    const [record] = decodeBatch(batchOf([[sent()]], structured), { codecs })
    expect(record?.headers).toStrictEqual({})
    expect(Object.isFrozen(record?.headers)).toBe(true)
  })

  it('is not made of nothing', () => {
    expect(() => assembleBatch({ chunks: [], codecId: 0 })).toThrow('a batch of no chunks')
  })
})

describe('a void record', () => {
  const arbitraryVoids = arbitraryBatch.chain((batch) =>
    fc.record({
      batch: fc.constant(batch),
      voids: fc.array(fc.boolean(), {
        minLength: batch.lists.flat().length,
        maxLength: batch.lists.flat().length,
      }),
      from: fc.nat(batch.lists.flat().length),
    }),
  )

  it('is left out, and the others keep their offsets and values', () => {
    fc.assert(
      fc.property(arbitraryVoids, ({ batch: { codec, lists }, voids, from }) => {
        const batch = batchOf(lists, codec)
        makeVoid(batch, voids)
        const kept = lists
          .flat()
          .map((record, offset) => ({ record, offset }))
          .filter(({ offset }) => offset >= from && voids[offset] !== true)
        const received = decodeBatch(batch, { codecs, fromOffset: from })
        expect(received.map(({ offset }) => offset)).toEqual(kept.map(({ offset }) => offset))
        expectReceived(
          received.map((record, offset) => ({ ...record, offset })),
          kept.map(({ record }) => record),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('is left out of a compressed batch', async () => {
    const batch = await compressedBatchOf([[sent({ value: 1 }), sent({ value: 2 })]])
    makeVoid(batch, [true, false])
    const received = await decodeCompressedBatch(batch, { codecs, valuesBytesMax })
    expect(received.map(({ offset, value }) => [offset, value])).toEqual([[1, 2]])
  })

  it('is void whatever the header says, and properties are there', () => {
    const record = sent({ properties: { priority: 3 } })
    for (const flags of [0, 2, 4, 6, 0xfe]) {
      const batch = batchOf([[sent(), record, sent()]], reversedCodec)
      makeVoid(batch, [true])
      new DataView(batch).setUint8(3, flags)
      const header = parseBatchHeader(batch)
      expect([header.hasProperties, header.hasVoid]).toEqual([(flags & 2) > 0, (flags & 4) > 0])
      const received = decodeBatch(batch, { codecs })
      expect(received.map(({ offset, priority }) => [offset, priority])).toEqual([
        [1, 3],
        [2, undefined],
      ])
    }
  })

  it('is told of in the header, as properties are, and neither where there are none', () => {
    const plain = batchOf([[sent()], [sent({ properties: { priority: 0 } })]], structured)
    expect(parseBatchHeader(plain)).toMatchObject({ hasProperties: false, hasVoid: false })
    const batch = batchOf([[sent()], [sent({ properties: { priority: 1 } })]], structured)
    expect(parseBatchHeader(batch)).toMatchObject({ hasProperties: true, hasVoid: false })
    makeVoid(batch, [true])
    expect(parseBatchHeader(batch)).toMatchObject({ hasProperties: true, hasVoid: true })
  })
})

describe('a compressed batch', () => {
  const lists = [
    Array.from({ length: 100 }, (_, at) => sent({ value: { at, text: 'x'.repeat(100) } })),
  ]

  it('is smaller', async () => {
    const batch = await compressedBatchOf(lists)
    expect(batch.byteLength).toBeLessThan(batchOf(lists, structured).byteLength / 2)
  })

  it('is not decoded at once by mistake', async () => {
    const batch = await compressedBatchOf(lists)
    thrown('ILLEGAL_STATE', () => decodeBatch(batch, { codecs }))
  })

  it('may be none: the asynchronous way reads both', async () => {
    const batch = batchOf(lists, structured)
    expect(isCompressed(batch)).toBe(false)
    expectReceived(await decodeCompressedBatch(batch, { codecs, valuesBytesMax }), lists.flat())
  })

  it('may not become larger than allowed', async () => {
    const bomb = await compressedBatchOf([[sent({ value: new Uint8Array(20_000_000) })]])
    expect(bomb.byteLength).toBeLessThan(50_000)
    const reading = decodeCompressedBatch(bomb, { codecs, valuesBytesMax })
    await expect(reading).rejects.toSatisfy((error) => hasCode(error, 'CORRUPT_MESSAGE'))
  })

  it('is refused when its gzip is cut off, goes on, or is none', async () => {
    const batch = await compressedBatchOf(lists)
    const { indexBytes, valuesBytes } = parseBatchHeader(batch)
    const start = 80 + indexBytes
    const withValues = (values: Uint8Array): ArrayBuffer => {
      const changed = new ArrayBuffer(start + values.length)
      new Uint8Array(changed).set(new Uint8Array(batch, 0, start))
      new Uint8Array(changed).set(values, start)
      new DataView(changed).setUint32(68, values.length, true)
      return changed
    }
    const values = new Uint8Array(batch, start, valuesBytes)
    const changes = [
      values.subarray(0, -1),
      values.subarray(0, 20),
      values.subarray(0, 0),
      Uint8Array.from([...values, 1, 2, 3]),
      new Uint8Array(50),
    ]
    for (const changed of changes) {
      const reading = decodeCompressedBatch(withValues(changed), { codecs, valuesBytesMax })
      await expect(reading).rejects.toSatisfy((error) => hasCode(error, 'CORRUPT_MESSAGE'))
    }
  })
})

describe('a batch that cannot be read', () => {
  it('names the codec that is missing', () => {
    const error = thrown('UNSUPPORTED_CODEC', () =>
      decodeBatch(batchOf([[sent()]], reversedCodec), { codecs: new CodecRegistry() }),
    )
    expect(error.details).toEqual({ codecId: 42 })
  })

  it('names the offset of the value that the codec fails on, with the cause', () => {
    const cause = new Error('no')
    const failing = new CodecRegistry([
      {
        ...reversedCodec,
        decode: (bytes) => {
          if (reversedCodec.decode(bytes) === 2) throw cause
          return 0
        },
      },
    ])
    const batch = batchOf(
      [[sent({ value: 1 })], [sent({ value: null }), sent({ value: 2 })]],
      reversedCodec,
    )
    writeBatchPlacement(batch, {
      baseOffset: 10,
      position: 0,
      maxTimestampSoFarMs: 0,
      appendedAtMs: 0,
    })
    const error = thrown('CORRUPT_MESSAGE', () => decodeBatch(batch, { codecs: failing }))
    expect(error.details).toEqual({ offset: 12 })
    expect(error.cause).toBe(cause)
  })
})
