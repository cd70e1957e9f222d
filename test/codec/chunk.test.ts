import { describe, expect, it } from 'vitest'
import { assembleBatch } from '../../src/codec/batch.js'
import type { EncodeChunksOptions } from '../../src/codec/chunk.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import type { Codec } from '../../src/codec/codec.js'
import { decodeBatch } from '../../src/codec/decode-batch.js'
import type { Headers } from '../../src/codec/headers.js'
import { TIMESTAMP_MS_MAX } from '../../src/protocol/batch-index.js'
import type { SentRecord } from './records.js'
import { codecs, expectReceived, NO_LIMIT, sent, thrown, toEncode } from './records.js'

const structured = codecs.byName('structured')
const bytes = codecs.byName('bytes')

function encode(
  records: readonly SentRecord[],
  options: Partial<EncodeChunksOptions> = {},
): ReturnType<typeof encodeChunks> {
  return encodeChunks({
    codec: structured,
    records: records.map(toEncode),
    maxMessageBytes: NO_LIMIT,
    chunkBytesMax: NO_LIMIT,
    ...options,
  })
}

describe('encodeChunks', () => {
  it('makes nothing of nothing', () => {
    expect(encode([])).toEqual([])
  })

  it('counts, and finds the first and the largest timestamp', () => {
    const [chunk] = encode([5, 9, -3].map((timestampMs) => sent({ timestampMs })))
    expect(chunk).toMatchObject({ recordCount: 3, firstTimestampMs: 5, maxTimestampMs: 9 })
  })

  it('keeps what was sent, whatever the caller does to it afterwards', () => {
    const value = { list: [1] }
    const key = Uint8Array.of(1)
    const header = Uint8Array.of(2)
    for (const codec of [structured, codecs.byName('json')]) {
      const chunks = encode([sent({ value, key, headers: { header } })], { codec })
      value.list.push(2)
      key[0] = 99
      header[0] = 99
      const [record] = decodeBatch(assembleBatch({ chunks, codecId: codec.id }), { codecs })
      expect(record?.value).toEqual({ list: [1] })
      expect([record?.key, record?.headers]).toEqual([
        Uint8Array.of(1),
        { header: Uint8Array.of(2) },
      ])
      value.list.pop()
      key[0] = 1
      header[0] = 2
    }
  })

  it('leaves a codec free to use one buffer for all it encodes', () => {
    const buffer = new Uint8Array(1)
    const reusing: Codec = { ...bytes, id: 20, encode: (value) => buffer.fill(value as number) }
    const [chunk] = encode(
      [7, 8].map((value) => sent({ value })),
      { codec: reusing },
    )
    expect([...(chunk?.values ?? [])]).toEqual([1, 7, 1, 8])
  })

  it('writes no value for a tombstone', () => {
    for (const codec of [structured, bytes]) {
      const [chunk] = encode([sent({ value: null }), sent({ value: null })], { codec })
      expect(chunk?.values.length).toBe(0)
    }
  })
})

describe('what cannot be encoded', () => {
  it('is named by its position, with the cause', () => {
    const cause = new RangeError('no')
    const values = [
      1,
      {
        get a(): unknown {
          throw cause
        },
      },
      2,
    ]
    const error = thrown('SERIALIZATION_FAILED', () =>
      encode(values.map((value) => sent({ value }))),
    )
    expect(error.details).toEqual({ position: 1 })
    expect(error.cause).toBe(cause)
    expect(error.message).toBe('message 1 cannot be encoded: no')
  })

  it('is named beyond the first chunk too', () => {
    const records = Array.from({ length: 5000 }, (_, at) =>
      sent({ value: at === 4321 ? { call: () => 1 } : { at } }),
    )
    const error = thrown('SERIALIZATION_FAILED', () => encode(records, { chunkBytesMax: 2000 }))
    expect(error.details).toEqual({ position: 4321 })
    expect(error.message).toContain('a function at value.call')
  })

  it('is named by where it is in the call, when that is known', () => {
    const record = { ...toEncode(sent({ value: () => 1 })), position: 70 }
    const wrong = [
      record,
      { ...record, value: new Uint8Array(5000) },
      { ...record, headers: 5 as unknown as Headers },
      { ...record, timestampMs: 0.5 },
    ]
    for (const codec of [structured, bytes]) {
      for (const each of wrong) {
        const options = { codec, maxMessageBytes: 1000, chunkBytesMax: NO_LIMIT }
        expect(() => encodeChunks({ ...options, records: [each] })).toThrow(
          expect.objectContaining({
            details: expect.objectContaining({ position: 70 }) as unknown,
          }),
        )
      }
    }
  })

  it('is named with any other codec', () => {
    const records = [sent({ value: 'a' }), sent({ value: 5 })]
    const error = thrown('SERIALIZATION_FAILED', () =>
      encode(records, { codec: codecs.byName('text') }),
    )
    expect(error.details).toEqual({ position: 1 })
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  it('is the codec’s result when that is no Uint8Array', () => {
    const wrong: Codec = { ...bytes, id: 20, encode: () => 'text' as unknown as Uint8Array }
    const error = thrown('SERIALIZATION_FAILED', () => encode([sent()], { codec: wrong }))
    expect(error.message).toContain('returned "text", no Uint8Array')
  })

  it('is a header that is neither text nor bytes', () => {
    const wrong = [1, null, undefined, {}, [1], ['a', null], new Uint16Array(1)]
    for (const value of wrong) {
      const headers = { fine: 'a', 'not fine': value } as unknown as Headers
      const error = thrown('SERIALIZATION_FAILED', () => encode([sent(), sent({ headers })]))
      expect(error.details).toEqual({ position: 1, header: 'not fine' })
      expect(error.message).toContain('"not fine"')
    }
    for (const headers of ['a', 1, null, ['a']] as unknown as Headers[]) {
      thrown('SERIALIZATION_FAILED', () => encode([sent({ headers })]))
    }
  })

  it('is a timestamp that is no whole number of ms in range', () => {
    for (const timestampMs of [0.5, Number.NaN, Infinity, TIMESTAMP_MS_MAX * 2, '5', undefined]) {
      const records = [sent(), sent({ timestampMs: timestampMs as number })]
      expect(thrown('INVALID_TIMESTAMP', () => encode(records)).details).toMatchObject({
        position: 1,
      })
    }
  })
})

describe('maxMessageBytes', () => {
  const large = (length: number): SentRecord => sent({ value: new Uint8Array(length) })

  it('refuses a message above it, and says which and how large', () => {
    const records = [large(10), large(5000), large(20)]
    const error = thrown('MESSAGE_TOO_LARGE', () => encode(records, { maxMessageBytes: 1000 }))
    expect(error.details).toMatchObject({ position: 1, maxMessageBytes: 1000 })
    expect(error.details['bytes']).toBeGreaterThan(5000)
    expect(error.details['bytes']).toBeLessThan(5050)
  })

  it('counts key and headers', () => {
    const key = 'k'.repeat(600)
    encode([sent({ key })], { maxMessageBytes: 1000 })
    encode([sent({ headers: { a: key } })], { maxMessageBytes: 1000 })
    const both = sent({ key, headers: { a: key } })
    thrown('MESSAGE_TOO_LARGE', () => encode([both], { maxMessageBytes: 1000 }))
    const tombstone = { ...both, value: null }
    thrown('MESSAGE_TOO_LARGE', () => encode([tombstone], { maxMessageBytes: 1000 }))
  })

  it('is exact: a message of that very size passes, one byte less and it does not', () => {
    for (const codec of [structured, bytes]) {
      const records = Array.from({ length: 50 }, (_, at) => large(900 + at))
      const [chunk] = encode(records, { codec, maxMessageBytes: 2000 })
      const bytesOfLargest = chunk?.largestMessageBytes ?? 0
      expect(bytesOfLargest).toBeGreaterThan(949)
      expect(bytesOfLargest).toBeLessThan(1000)
      encode(records, { codec, maxMessageBytes: bytesOfLargest })
      const less = { codec, maxMessageBytes: bytesOfLargest - 1 }
      expect(thrown('MESSAGE_TOO_LARGE', () => encode(records, less)).details).toMatchObject({
        position: 49,
        bytes: bytesOfLargest,
      })
    }
  })

  it('costs nothing while the whole chunk is below it', () => {
    let calls = 0
    const counting: Codec = {
      ...bytes,
      id: 20,
      encode: (value) => {
        calls++
        return bytes.encode(value)
      },
    }
    const [chunk] = encode([large(10), large(20)], { codec: counting, maxMessageBytes: 1000 })
    expect(calls).toBe(2)
    expect(chunk?.largestMessageBytes).toBe(
      (chunk?.index.length ?? 0) + (chunk?.values.length ?? 0),
    )
  })
})

describe('chunkBytesMax', () => {
  it('splits into chunks that are neither too large nor needlessly small', () => {
    const records = Array.from({ length: 20_000 }, (_, at) =>
      sent({ key: `user-${at}`, value: { at, text: 'x'.repeat(at % 50) }, timestampMs: at }),
    )
    for (const codec of [structured, codecs.byName('json')]) {
      const chunks = encode(records, { codec, chunkBytesMax: 50_000 })
      const sizes = chunks.map(({ index, values }) => index.length + values.length)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(50_000)
      const total = sizes.reduce((sum, size) => sum + size, 0)
      expect(chunks.length).toBeLessThanOrEqual(Math.ceil((2 * total) / 50_000))
      const batch = assembleBatch({ chunks, codecId: codec.id })
      expectReceived(decodeBatch(batch, { codecs }), records)
    }
  })

  it('halves where records suddenly get larger', () => {
    const records = Array.from({ length: 2000 }, (_, at) =>
      sent({ value: new Uint8Array(at < 1500 ? 1 : 1000) }),
    )
    const chunks = encode(records, { chunkBytesMax: 20_000 })
    const sizes = chunks.map(({ index, values }) => index.length + values.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(20_000)
    expect(chunks.reduce((sum, { recordCount }) => sum + recordCount, 0)).toBe(2000)
  })

  it('does not encode more than about one chunk at a time to find that out', () => {
    let together = 0
    let largest = 0
    const watching: Codec = {
      ...bytes,
      id: 20,
      encode: (value) => {
        together += (value as Uint8Array).length
        largest = Math.max(largest, together)
        return value as Uint8Array
      },
    }
    const records = Array.from({ length: 200 }, (_, at) => ({
      ...toEncode(sent({ value: new Uint8Array(10_000) })),
      get timestampMs(): number {
        // The index is written before the values: each chunk begins here.
        together = 0
        return at
      },
    }))
    encodeChunks({ codec: watching, records, chunkBytesMax: 100_000, maxMessageBytes: NO_LIMIT })
    expect(largest).toBeLessThanOrEqual(100_000)
  })

  it('lets a single message be larger', () => {
    const records = [1, 5000, 2].map((length) => sent({ value: new Uint8Array(length) }))
    const chunks = encode(records, { chunkBytesMax: 1000 })
    expect(chunks.map(({ recordCount }) => recordCount)).toEqual([1, 1, 1])
  })
})
