/** Damaged batches: whatever happens to the bytes, reading ends soon and with one of two errors. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assembleCompressedBatch } from '../../src/codec/batch.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import { decodeBatch, decodeCompressedBatch } from '../../src/codec/decode-batch.js'
import { readBatchIndex } from '../../src/protocol/batch-index.js'
import { hasCode } from '../../src/protocol/errors.js'
import { arbitraryBatch, batchOf, codecs, NO_LIMIT, toEncode } from './records.js'

const valuesBytesMax = 1_000_000
const seconds = 1000

const damage = fc.record({
  flips: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
    minLength: 1,
    maxLength: 6,
  }),
  cutTo: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 }),
  repairLengths: fc.boolean(),
})

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

/** With repaired lengths the header still adds up, so that what follows is looked at. */
function damaged(batch: ArrayBuffer, { flips, cutTo, repairLengths }: Damage): ArrayBuffer {
  const length = cutTo === null ? batch.byteLength : Math.floor(cutTo * batch.byteLength)
  const copy = batch.slice(0, length)
  const bytes = new Uint8Array(copy)
  for (const [at, byte] of flips) {
    if (length > 0) bytes[Math.min(length - 1, Math.floor(at * length))] = byte
  }
  if (repairLengths && length > 80) {
    const view = new DataView(copy)
    view.setUint8(0, 1)
    view.setUint8(2, new DataView(batch).getUint8(2))
    const indexBytes = Math.min(new DataView(batch).getUint32(64, true), length - 80)
    view.setUint32(64, indexBytes, true)
    view.setUint32(68, length - 80 - indexBytes, true)
  }
  return copy
}

const isExpected = (error: unknown): boolean =>
  hasCode(error, 'CORRUPT_MESSAGE', 'UNSUPPORTED_CODEC', 'ILLEGAL_STATE')

describe('a damaged batch', () => {
  it('is read or refused, and nothing else', () => {
    let read = 0
    let refused = 0
    fc.assert(
      fc.property(
        arbitraryBatch,
        fc.array(damage, { minLength: 5, maxLength: 20 }),
        (batch, damages) => {
          const whole = batchOf(batch.lists, batch.codec)
          for (const each of damages) {
            try {
              decodeBatch(damaged(whole, each), { codecs })
              read++
            } catch (error) {
              expect(error).toSatisfy(isExpected)
              refused++
            }
          }
        },
      ),
      {
        numRuns: 400,
        plugins: [fc.interruptAfterTimeLimit(30 * seconds, { failOnInterrupt: true })],
      },
    )
    expect(read).toBeGreaterThan(50)
    expect(refused).toBeGreaterThan(1000)
  }, 40_000)

  it('is so for the broker, which reads the index alone', () => {
    fc.assert(
      fc.property(
        arbitraryBatch,
        fc.array(damage, { minLength: 5, maxLength: 20 }),
        (batch, damages) => {
          const whole = batchOf(batch.lists, batch.codec)
          for (const each of damages) {
            try {
              for (const record of readBatchIndex(damaged(whole, each)))
                expect(record).toBeDefined()
            } catch (error) {
              expect(hasCode(error, 'CORRUPT_MESSAGE')).toBe(true)
            }
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('is so when it is compressed', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryBatch,
        fc.array(damage, { maxLength: 8 }),
        async (batch, damages) => {
          const { codec } = batch
          const records = batch.lists.flat().map(toEncode)
          const limits = { maxMessageBytes: NO_LIMIT, chunkBytesMax: NO_LIMIT }
          const chunks = encodeChunks({ codec, records, ...limits })
          const whole = await assembleCompressedBatch({ chunks, codecId: codec.id })
          for (const each of damages) {
            try {
              await decodeCompressedBatch(damaged(whole, each), { codecs, valuesBytesMax })
            } catch (error) {
              expect(error).toSatisfy(isExpected)
            }
          }
        },
      ),
      {
        numRuns: 60,
        plugins: [fc.interruptAfterTimeLimit(30 * seconds, { failOnInterrupt: true })],
      },
    )
  }, 40_000)

  it('is refused when it is cut off anywhere, even where a part ends', () => {
    const whole = batchOf(
      [[{ key: 'a', value: { b: 1 }, headers: { c: 'd' }, timestampMs: 5 }]],
      codecs.byId(0),
    )
    for (let length = 0; length < whole.byteLength; length++) {
      const cut = { flips: [], cutTo: length / whole.byteLength, repairLengths: true }
      expect(() => decodeBatch(damaged(whole, cut), { codecs })).toThrow()
    }
  })
})
