import { describe, expect, it } from 'vitest'
import { murmur2 } from '../../src/protocol/murmur2.js'

const utf8 = new TextEncoder()

/** From Kafka's UtilsTest.testMurmur2. */
const KAFKA = {
  '21': -973932308,
  foobar: -790332482,
  'a-little-bit-long-string': -985981536,
  'a-little-bit-longer-string': -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
}

/** From KafkaJS' murmur2.spec.js, made with the Java client. */
const KAFKAJS = {
  '0': 971027396,
  '1': -1993445489,
  '128': -326012175,
  '2187': -1508407203,
  '16384': -325739742,
  '78125': -1654490814,
  '279936': 1462227128,
  '823543': -2014198330,
  '2097152': 607668903,
  '4782969': -1182699775,
  '10000000': -1830336757,
  '19487171': -1603849305,
  '35831808': -857013643,
  '62748517': -1167431028,
  '105413504': -381294639,
  '170859375': -1658323481,
  '100:48069': 1009543857,
}

/** From librdkafka's unittest_murmur2: every length of tail, and nothing at all. */
const LIBRDKAFKA = {
  giberish123456789: 0x8f552b0c | 0,
  '1234': 0x9fc97b14 | 0,
  '234': 0xe7c009ca | 0,
  '34': 0x873930da | 0,
  '4': 0x5a4b5ca1,
  'PreAmbleWillBeRemoved,ThePrePartThatIs': 0x78424f1c,
  '': 0x106e08d9,
}

describe('murmur2', () => {
  it.each(Object.entries({ ...KAFKA, ...KAFKAJS, ...LIBRDKAFKA }))(
    'hashes %j as Kafka',
    (key, hash) => {
      expect(murmur2(utf8.encode(key))).toBe(hash)
    },
  )

  it('hashes bytes that are no text', () => {
    expect(murmur2(Uint8Array.of(12, 42, 56, 24, 109, 111))).toBe(274204207)
  })

  it('hashes only its part of a larger buffer', () => {
    const bytes = utf8.encode('-foobar-').subarray(1, 7)
    expect(murmur2(bytes)).toBe(KAFKA.foobar)
  })
})
