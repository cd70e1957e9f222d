import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BATCH_HEADER_BYTES,
  nextOffsetOf,
  parseBatchHeader,
  SEQUENCE_MAX,
  writeBatchHasVoid,
  writeBatchHeader,
  writeBatchPlacement,
  writeBatchProducer,
  type BatchHeader,
  type BatchPlacement,
  type BatchProducer,
} from '../../src/protocol/batch-header.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { ProducerId } from '../../src/protocol/names.js'
import { thrownBy } from './thrown.js'

const SOME: BatchHeader = {
  codecId: 1,
  compression: 0,
  recordCount: 3,
  firstTimestampMs: 1_000,
  maxTimestampMs: 2_000,
  indexBytes: 40,
  valuesBytes: 60,
  largestMessageBytes: 30,
}

interface Parts {
  readonly header?: Partial<BatchHeader>
  readonly placement?: BatchPlacement
  readonly producer?: BatchProducer
}

function batchOf({ header, placement, producer }: Parts = {}): ArrayBuffer {
  const whole = { ...SOME, ...header }
  const batch = new ArrayBuffer(BATCH_HEADER_BYTES + SOME.indexBytes + SOME.valuesBytes)
  writeBatchHeader(batch, whole)
  if (producer !== undefined) writeBatchProducer(batch, producer)
  if (placement !== undefined) writeBatchPlacement(batch, placement)
  return batch
}

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const time = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
const u32 = fc.nat({ max: SEQUENCE_MAX })
const placement = fc.record({
  baseOffset: count,
  position: count,
  maxTimestampSoFarMs: time,
  appendedAtMs: u32.map((seconds) => 1_000 * seconds),
})
const producer = fc.record({
  producerId: fc.nat({ max: 2 ** 48 - 1 }).map((id) => id as ProducerId),
  producerEpoch: u32,
  baseSequence: u32,
})

describe('batch header', () => {
  it('reads back what was written, in every field', () => {
    const header = fc.record({
      codecId: fc.nat({ max: 255 }),
      compression: fc.nat({ max: 1 }),
      recordCount: fc.integer({ min: 1, max: SOME.indexBytes }),
      firstTimestampMs: time,
      maxTimestampMs: time,
      largestMessageBytes: u32,
      hasProperties: fc.boolean(),
      hasVoid: fc.boolean(),
    })
    const parts = fc.record({ header, placement, producer }, { requiredKeys: ['header'] })
    fc.assert(
      fc.property(parts, (written) => {
        const unplaced = { baseOffset: 0, position: 0, maxTimestampSoFarMs: 0, appendedAtMs: 0 }
        expect(parseBatchHeader(batchOf(written))).toEqual({
          ...SOME,
          ...written.header,
          ...(written.placement ?? unplaced),
          producer: written.producer,
        })
      }),
    )
  })

  it('says from then on that it has void records, and nothing else changes', () => {
    const producer = { producerId: 9 as ProducerId, producerEpoch: 0, baseSequence: 70 }
    const batch = batchOf({ producer, header: { hasProperties: true } })
    const before = parseBatchHeader(batch)
    writeBatchHasVoid(batch)
    expect(parseBatchHeader(batch)).toEqual({ ...before, hasVoid: true })
  })

  it('keeps to the second when it was appended, and never earlier', () => {
    for (const [ms, kept] of [
      [0, 0],
      [1, 1_000],
      [1_700_000_000_000, 1_700_000_000_000],
      [1_700_000_000_001, 1_700_000_001_000],
      [-5, 0],
      [1e15, 1_000 * SEQUENCE_MAX],
    ] as const) {
      const placed = { baseOffset: 0, position: 0, maxTimestampSoFarMs: 0, appendedAtMs: ms }
      expect(parseBatchHeader(batchOf({ placement: placed })).appendedAtMs).toBe(kept)
    }
  })

  it('is numbered again under a new epoch', () => {
    const first = { producerId: 9 as ProducerId, producerEpoch: 0, baseSequence: 70 }
    const batch = batchOf({ producer: first })
    const again = { ...first, producerEpoch: 1, baseSequence: 0 }
    writeBatchProducer(batch, again)
    expect(parseBatchHeader(batch).producer).toEqual(again)
  })

  it('tells the offset after its last record', () => {
    expect(nextOffsetOf({ baseOffset: 10, recordCount: 3 })).toBe(13)
  })

  it.each([
    { header: { recordCount: 0 }, says: 'a batch without records' },
    { header: { recordCount: 41 }, says: 'more records than the index can hold' },
    { header: { compression: 2 }, says: 'unknown compression 2' },
    { header: { indexBytes: 41 }, says: 'a batch of 180 bytes says that it has 181' },
    { header: { valuesBytes: 0 }, says: 'a batch of 180 bytes says that it has 120' },
    { header: { firstTimestampMs: 0.5 }, says: 'a timestamp that is no whole number' },
    { header: { maxTimestampMs: NaN }, says: 'a timestamp that is no whole number' },
  ])('is corrupt with $header', ({ header, says }) => {
    const error = thrownBy(() => parseBatchHeader(batchOf({ header })))
    expect([error.code, error.message]).toEqual(['CORRUPT_MESSAGE', says])
  })

  it.each([
    { baseOffset: -1 },
    { baseOffset: 2 ** 53 },
    { position: 0.5 },
    { position: Infinity },
    { maxTimestampSoFarMs: NaN, appendedAtMs: 0 },
  ])('is corrupt when it is placed at %o', (wrong) => {
    const good = { baseOffset: 0, position: 0, maxTimestampSoFarMs: 0, appendedAtMs: 0 }
    const batch = batchOf({ placement: { ...good, ...wrong } })
    expect(thrownBy(() => parseBatchHeader(batch)).code).toBe('CORRUPT_MESSAGE')
  })

  it('is corrupt when its producer id is no whole number', () => {
    const wrong = { producerId: 0.5 as ProducerId, producerEpoch: 0, baseSequence: 0 }
    const batch = batchOf({ producer: wrong })
    expect(thrownBy(() => parseBatchHeader(batch)).code).toBe('CORRUPT_MESSAGE')
  })

  it('is corrupt in another version of the format', () => {
    const batch = batchOf()
    new DataView(batch).setUint8(0, 2)
    expect(thrownBy(() => parseBatchHeader(batch)).message).toBe('unknown batch format version 2')
  })

  it('is corrupt when anything is cut off or added', () => {
    const bytes = new Uint8Array(batchOf())
    for (const length of [0, 1, 79, 80, 179]) {
      const cut = bytes.slice(0, length).buffer
      expect(thrownBy(() => parseBatchHeader(cut)).code).toBe('CORRUPT_MESSAGE')
    }
    const longer = new Uint8Array(181)
    longer.set(bytes)
    expect(thrownBy(() => parseBatchHeader(longer.buffer)).code).toBe('CORRUPT_MESSAGE')
  })

  it('is corrupt in a buffer that was transferred away', () => {
    const batch = batchOf()
    structuredClone(batch, { transfer: [batch] })
    expect(thrownBy(() => parseBatchHeader(batch)).code).toBe('CORRUPT_MESSAGE')
  })

  it('never throws anything else, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat({ max: 179 }), fc.nat({ max: 255 })).map(([at, byte]) => {
        const changed = new Uint8Array(batchOf())
        changed[at] = byte
        return changed
      }),
    )
    fc.assert(
      fc.property(bytes, (candidate) => {
        try {
          const header = parseBatchHeader(candidate.slice().buffer)
          expect(header.recordCount).toBeGreaterThan(0)
          expect(header.indexBytes + header.valuesBytes + BATCH_HEADER_BYTES).toBe(candidate.length)
        } catch (error) {
          expect(error).toBeInstanceOf(TabmqError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
