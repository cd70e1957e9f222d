/**
 * Batches as version 1 of the format has them, byte by byte. They are on people's disks: what is
 * here must be readable for ever, so a change that fails here needs a new version, not new bytes.
 */
import { describe, expect, it } from 'vitest'
import { decodeBatch, decodeCompressedBatch } from '../../src/codec/decode-batch.js'
import {
  parseBatchHeader,
  writeBatchPlacement,
  writeBatchProducer,
} from '../../src/protocol/batch-header.js'
import type { ProducerId } from '../../src/protocol/names.js'
import { batchOf, codecs, expectReceived, sent, type SentRecord } from './records.js'

const AT_MS = 1_700_000_000_000
const PLACEMENT = {
  baseOffset: 4_294_967_297,
  position: 1_000,
  maxTimestampSoFarMs: AT_MS + 9,
  appendedAtMs: 0,
}
const PRODUCER = {
  producerId: 0x1234_5678_9abc as ProducerId,
  producerEpoch: 3,
  baseSequence: 0xffff_fff0,
}

/** Two chunks: a key of each kind, headers, a tombstone, a timestamp that goes back. */
const TWO_CHUNKS: readonly (readonly SentRecord[])[] = [
  [
    sent({
      key: 'user-7',
      value: { total: 9.5 },
      headers: { id: 'a1', trace: new Uint8Array([0, 255]) },
    }),
    sent({ key: new Uint8Array([1, 2]), value: null, timestampMs: AT_MS - 1 }),
  ],
  [sent({ value: 'é', timestampMs: AT_MS + 5, headers: { tag: ['x', 'y'] } })],
]

const JSON_HEX = `
  0101000103000000000010000000f0410000000000408f4000908056febc7842
  00008056febc784200508056febc784200bc9a785634b24203000000f0ffffff
  430000001b00000037000000000000000200008056febc78420b000675736572
  2d370202696401026131057472616365000200ff05010201020100508056febc
  784208000203746167010178037461670101790e0000000d7b22746f74616c22
  3a392e357d050000000422c3a922`

const GZIP_HEX = `
  0101010103000000000010000000f0410000000000408f4000908056febc7842
  00008056febc784200508056febc784200bc9a785634b24203000000f0ffffff
  430000002f00000037000000000000000200008056febc78420b000675736572
  2d370202696401026131057472616365000200ff05010201020100508056febc
  784208000203746167010178037461670101791f8b0800000000000003e36360
  60e0ad562ac92f49cc51b2b2d433ad6565606060513abc520900f0455e181b00
  0000`

const STRUCTURED_HEX = `
  0100000103000000000010000000f0410000000000408f4000908056febc7842
  00008056febc784200008056febc784200bc9a785634b24203000000f0ffffff
  0f0000003700000042000000000000000300008056febc784200000400000033
  00000093c0d4724094a26174a474616773a16ea56279746573d6ff6553f100d4
  730091a161d3000000000000000cc702740107d40000`

const TEXT_HEX = `
  0102000101000000000010000000f0410000000000408f4000908056febc7842
  00008056febc784200008056febc784200bc9a785634b24203000000f0ffffff
  0b0000000f00000016000000000000000100008056febc784200000b0000000a
  7a61c5bcc3b3c582c487`

const BYTES_HEX = `
  0103000101000000000010000000f0410000000000408f4000908056febc7842
  00008056febc784200008056febc784200bc9a785634b24203000000f0ffffff
  0b000000080000000f000000000000000100008056febc784200000400000003
  0001ff`

const PROPERTIES_HEX = `
  0102000303000000000010000000f0410000000000408f4000908056febc7842
  00008056febc784200008056febc784200bc9a785634b24203000000f0ffffff
  200000000a00000026000000000000000300008056febc784218000101680101
  780f02c8010902c3a9100008016d000006000000016101620163`

const PROPERTIES = [
  sent({
    value: 'a',
    headers: { h: 'x' },
    properties: {
      deliverAtMs: AT_MS + 1,
      expiresAtMs: AT_MS + 100,
      priority: 9,
      messageId: 'é',
    },
  }),
  sent({ value: 'b', properties: { messageId: 'm' } }),
  sent({ value: 'c' }),
]

const STRUCTURED = [
  sent({
    value: {
      at: new Date(AT_MS),
      tags: new Set(['a']),
      n: 12n,
      bytes: new Uint8Array([7]),
    },
  }),
  sent({ value: null }),
  sent({ value: undefined }),
]

describe('a batch of format version 1', () => {
  it.each([
    ['json', TWO_CHUNKS, JSON_HEX],
    ['text', [[sent({ value: 'zażółć' })]], TEXT_HEX],
    ['bytes', [[sent({ value: new Uint8Array([0, 1, 255]) })]], BYTES_HEX],
    ['text', [PROPERTIES], PROPERTIES_HEX],
  ])('is written and read so with the codec %s', (name, lists, hex) => {
    const batch = batchOf(lists, codecs.byName(name))
    writeBatchProducer(batch, PRODUCER)
    writeBatchPlacement(batch, PLACEMENT)
    expect(Buffer.from(batch).toString('hex')).toBe(hex.replaceAll(/\s/g, ''))
    expectAt(decodeBatch(bytesOf(hex), { codecs }), lists.flat())
  })

  it('is read with the codec structured', () => {
    expectAt(decodeBatch(bytesOf(STRUCTURED_HEX), { codecs }), STRUCTURED)
  })

  it('is read compressed', async () => {
    const options = { codecs, valuesBytesMax: 1_000 }
    const received = await decodeCompressedBatch(bytesOf(GZIP_HEX), options)
    expectAt(received, TWO_CHUNKS.flat())
  })

  it('has its header at these places', () => {
    expect(parseBatchHeader(bytesOf(GZIP_HEX))).toEqual({
      codecId: 1,
      compression: 1,
      recordCount: 3,
      ...PLACEMENT,
      firstTimestampMs: AT_MS,
      maxTimestampMs: AT_MS + 5,
      producer: PRODUCER,
      indexBytes: 67,
      valuesBytes: 47,
      largestMessageBytes: 55,
      hasProperties: false,
      hasVoid: false,
    })
  })
})

function expectAt(received: ReturnType<typeof decodeBatch>, records: readonly SentRecord[]): void {
  expect(received.map(({ offset }) => offset - PLACEMENT.baseOffset)).toEqual(
    records.map((_, index) => index),
  )
  const fromZero = received.map((record, index) => ({ ...record, offset: index }))
  expectReceived(fromZero, records)
}

function bytesOf(hex: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')).buffer
}
