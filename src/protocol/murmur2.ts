/**
 * Austin Appleby's MurmurHash2, 32 bits, with the seed of Kafka's Java client (`Utils.murmur2`): what
 * every Kafka client puts a keyed message in its partition by.
 */

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995

/**
 * Kafka's hash of a key, as a signed 32-bit integer (as Java has it).
 *
 * @example
 * murmur2(new TextEncoder().encode('foobar')) // -790332482
 */
export function murmur2(bytes: Uint8Array): number {
  // Byte by byte: a DataView wants the array's buffer, which small arrays do not have before it is
  // asked for, and making one takes longer than all of this.
  const tailLength = bytes.length % 4
  const tailStart = bytes.length - tailLength
  let hash = SEED ^ bytes.length
  for (let at = 0; at < tailStart; at += 4) {
    let word = Math.imul(wordAt(bytes, at), MULTIPLIER)
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ word
  }
  if (tailLength > 0) {
    for (let at = 0; at < tailLength; at++) hash ^= byteAt(bytes, tailStart + at) << (8 * at)
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    byteAt(bytes, at) |
    (byteAt(bytes, at + 1) << 8) |
    (byteAt(bytes, at + 2) << 16) |
    (byteAt(bytes, at + 3) << 24)
  )
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
