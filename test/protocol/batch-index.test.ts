import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../../src/protocol/batch-header.js'
import type { IndexRecord } from '../../src/protocol/batch-index.js'
import {
  BatchIndexReader,
  isTimestampMs,
  readBatchIndex,
  TIMESTAMP_MS_MAX,
  writeIndexRecord,
  writeIndexSection,
} from '../../src/protocol/batch-index.js'
import { ByteWriter } from '../../src/protocol/byte-writer.js'
import { hasCode } from '../../src/protocol/errors.js'

const record = (fields: Partial<IndexRecord> = {}): IndexRecord => ({
  timestampMs: 0,
  key: undefined,
  keyIsString: false,
  isTombstone: false,
  headers: [],
  properties: undefined,
  isVoid: false,
  ...fields,
})

function indexOf(sections: readonly (readonly IndexRecord[])[]): Uint8Array {
  const writer = new ByteWriter()
  for (const section of sections) {
    const base = section[0]?.timestampMs ?? 0
    writeIndexSection(writer, section.length, base)
    for (const each of section) writeIndexRecord(writer, base, each)
  }
  return writer.finish()
}

/** A batch of an index alone: what the broker reads. */
function batchOf(index: Uint8Array, recordCount: number): ArrayBuffer {
  const batch = new ArrayBuffer(BATCH_HEADER_BYTES + index.length)
  writeBatchHeader(batch, {
    codecId: 0,
    compression: 0,
    recordCount,
    firstTimestampMs: 0,
    maxTimestampMs: 0,
    indexBytes: index.length,
    valuesBytes: 0,
    largestMessageBytes: 0,
  })
  new Uint8Array(batch).set(index, BATCH_HEADER_BYTES)
  return batch
}

function readAll(index: Uint8Array): number {
  const reader = new BatchIndexReader(index)
  let count = 0
  for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
    for (; left > 0; left--) {
      reader.nextRecord()
      count++
    }
  }
  return count
}

function isCorrupt(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch (error) {
    return hasCode(error, 'CORRUPT_MESSAGE')
  }
}

const arbitraryTimestamp = fc.oneof(
  fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
  fc.integer({ min: -TIMESTAMP_MS_MAX, max: TIMESTAMP_MS_MAX }),
)
const arbitraryProperties = fc
  .record(
    {
      deliverAtMs: fc.integer({ min: 0, max: TIMESTAMP_MS_MAX - 1 }),
      expiresAtMs: fc.integer({ min: 0, max: TIMESTAMP_MS_MAX - 1 }),
      priority: fc.integer({ min: 1, max: 9 }),
      messageId: fc.uint8Array({ minLength: 1, maxLength: 768 }),
    },
    { requiredKeys: [] },
  )
  .map((properties) => (Object.keys(properties).length === 0 ? undefined : properties))
const arbitraryRecord = fc
  .record({
    timestampMs: arbitraryTimestamp,
    key: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
    keyIsString: fc.boolean(),
    isTombstone: fc.boolean(),
    headers: fc.array(
      fc.record({
        name: fc.uint8Array({ maxLength: 20 }),
        value: fc.uint8Array({ maxLength: 200 }),
        valueIsString: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    properties: arbitraryProperties,
    isVoid: fc.boolean(),
  })
  .map((fields) => ({ ...fields, keyIsString: fields.keyIsString && fields.key !== undefined }))

describe('batch index', () => {
  it('gives back every record of every section', () => {
    const sections = fc.array(fc.array(arbitraryRecord, { minLength: 1 }), { minLength: 1 })
    fc.assert(
      fc.property(sections, (written) => {
        const records = written.flat()
        const batch = batchOf(indexOf(written), records.length)
        expect([...readBatchIndex(batch)]).toEqual(records)
      }),
    )
  })

  it('keeps timestamps that fall, also below 1970 and at both ends of the range', () => {
    const times = [5, 3, -7, TIMESTAMP_MS_MAX, -TIMESTAMP_MS_MAX]
    const index = indexOf([times.map((timestampMs) => record({ timestampMs }))])
    const read = [...readBatchIndex(batchOf(index, times.length))]
    expect(read.map(({ timestampMs }) => timestampMs)).toEqual(times)
  })

  it('takes an empty key for a key', () => {
    const index = indexOf([[record({ key: new Uint8Array(0), keyIsString: true })]])
    const [read] = readBatchIndex(batchOf(index, 1))
    expect(read?.key).toEqual(new Uint8Array(0))
    expect(read?.keyIsString).toBe(true)
  })

  it('keeps several values of one header in their order', () => {
    const name = Uint8Array.of(65)
    const headers = [1, 2, 3].map((n) => ({ name, value: Uint8Array.of(n), valueIsString: false }))
    const [read] = readBatchIndex(batchOf(indexOf([[record({ headers })]]), 1))
    expect(read?.headers).toEqual(headers)
  })

  it('keeps the properties of each record apart, and writes none that say nothing', () => {
    const messageId = Uint8Array.of(65, 66)
    const written = [
      record({ properties: { deliverAtMs: -5, expiresAtMs: 7, priority: 9, messageId } }),
      record(),
      record({ properties: { priority: 1 } }),
      record({ properties: { messageId } }),
      record({ properties: { deliverAtMs: 0 } }),
      record({ properties: { priority: 0, deliverAtMs: undefined } }),
    ]
    const reader = new BatchIndexReader(indexOf([written]))
    const read = Array.from({ length: reader.nextSection() }, () => {
      reader.nextRecord()
      const { deliverAtMs, expiresAtMs, priority } = reader
      return [deliverAtMs, expiresAtMs, priority, reader.messageId(), reader.properties()]
    })
    expect(read).toEqual([
      [-5, 7, 9, messageId, { deliverAtMs: -5, expiresAtMs: 7, priority: 9, messageId }],
      [undefined, undefined, 0, undefined, undefined],
      [undefined, undefined, 1, undefined, { priority: 1 }],
      [undefined, undefined, 0, messageId, { messageId }],
      [0, undefined, 0, undefined, { deliverAtMs: 0 }],
      [undefined, undefined, 0, undefined, undefined],
    ])
  })

  it('takes two bytes for a record without key, headers and properties', () => {
    expect(indexOf([[record()]])).toHaveLength(1 + 8 + 2)
  })

  it('makes a record void where it stands, and leaves the rest as it is', () => {
    const sections = fc.array(fc.array(arbitraryRecord, { minLength: 1 }), { minLength: 1 })
    fc.assert(
      fc.property(sections, fc.infiniteStream(fc.boolean()), (written, choices) => {
        const records = written.flat()
        const batch = batchOf(indexOf(written), records.length)
        const reader = new BatchIndexReader(new Uint8Array(batch, BATCH_HEADER_BYTES))
        const expected: IndexRecord[] = []
        for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
          for (; left > 0; left--) {
            reader.nextRecord()
            const before = records[expected.length] ?? record()
            const isVoided = choices.next().value
            if (isVoided) reader.makeVoid()
            expect(reader.isVoid).toBe(before.isVoid === true || isVoided)
            expected.push({ ...before, isVoid: reader.isVoid })
          }
        }
        expect([...readBatchIndex(batch)]).toEqual(expected)
      }),
    )
  })

  it('says which timestamps it can hold', () => {
    expect([0, -1, TIMESTAMP_MS_MAX, -TIMESTAMP_MS_MAX].every(isTimestampMs)).toBe(true)
    const others = [TIMESTAMP_MS_MAX + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, 1n]
    expect(others.some(isTimestampMs)).toBe(false)
  })
})

describe('a corrupt index', () => {
  const valid = indexOf([[record({ key: Uint8Array.of(1, 2, 3), keyIsString: true })]])
  const attributesAt = 9

  it('is refused when attributes are unknown', () => {
    for (const attributes of [64, 128, 255]) {
      const index = valid.slice()
      index[attributesAt] = attributes
      expect(isCorrupt(() => readAll(index))).toBe(true)
    }
  })

  it('is refused when a key that is not there is a string', () => {
    const index = indexOf([[record()]])
    index[attributesAt] = 2
    expect(isCorrupt(() => readAll(index))).toBe(true)
  })

  it('is refused when a header has an unknown type', () => {
    const headers = [{ name: Uint8Array.of(65), value: Uint8Array.of(1), valueIsString: true }]
    const index = indexOf([[record({ headers })]])
    index[attributesAt + 5] = 2
    expect(isCorrupt(() => readAll(index))).toBe(true)
  })

  it('is refused when the number of headers is zero', () => {
    const index = indexOf([[record()], [record()]])
    index[attributesAt] = 8
    const withCount = Uint8Array.from([...index.slice(0, attributesAt + 2), 0])
    expect(isCorrupt(() => readAll(withCount))).toBe(true)
  })

  it('is refused when properties are none, unknown or out of range', () => {
    const properties = (...bytes: readonly number[]) => {
      const index = indexOf([[record()]])
      index[attributesAt] = 16
      return Uint8Array.from([...index, ...bytes])
    }
    const tooLong = [8, 0x81, 0x06, ...Array<number>(769).fill(65)]
    const beyond = [1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x11]
    for (const bytes of [[0], [16], [4, 0], [4, 10], [8, 0], [8, 5, 65], tooLong, beyond]) {
      expect(isCorrupt(() => readAll(properties(...bytes)))).toBe(true)
    }
    const longest = [8, 0x80, 0x06, ...Array<number>(768).fill(65)]
    for (const bytes of [[4, 9], [1, 3], longest]) {
      expect(readAll(properties(...bytes))).toBe(1)
    }
  })

  it('is refused when it is cut off anywhere', () => {
    for (let length = 1; length < valid.length; length++) {
      expect(isCorrupt(() => readAll(valid.subarray(0, length)))).toBe(true)
    }
  })

  it('is refused when the base timestamp is no time', () => {
    for (const base of [Number.NaN, Number.POSITIVE_INFINITY, 0.5, TIMESTAMP_MS_MAX * 2]) {
      const writer = new ByteWriter()
      writeIndexSection(writer, 1, base)
      writeIndexRecord(writer, 0, record())
      expect(isCorrupt(() => readAll(writer.finish()))).toBe(true)
    }
  })

  it('is refused when a timestamp leaves the range', () => {
    const writer = new ByteWriter()
    writeIndexSection(writer, 1, TIMESTAMP_MS_MAX)
    writeIndexRecord(writer, TIMESTAMP_MS_MAX - 1, record({ timestampMs: TIMESTAMP_MS_MAX }))
    expect(isCorrupt(() => readAll(writer.finish()))).toBe(true)
  })

  it('is refused when a section has no records or more than bytes', () => {
    const empty = new ByteWriter()
    writeIndexSection(empty, 0, 0)
    expect(isCorrupt(() => readAll(empty.finish()))).toBe(true)
    const full = new ByteWriter()
    writeIndexSection(full, Number.MAX_SAFE_INTEGER, 0)
    full.bytes(new Uint8Array(100))
    expect(isCorrupt(() => readAll(full.finish()))).toBe(true)
  })

  it('is refused when the header counts more or fewer records', () => {
    const index = indexOf([[record(), record()], [record()]])
    expect([...readBatchIndex(batchOf(index, 3))]).toHaveLength(3)
    for (const count of [1, 2, 4]) {
      expect(isCorrupt(() => [...readBatchIndex(batchOf(index, count))])).toBe(true)
    }
  })

  it('never throws anything else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readAll(bytes)
        } catch (error) {
          expect(hasCode(error, 'CORRUPT_MESSAGE')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})
