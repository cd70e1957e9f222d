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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tailLength = bytes.length % 4
  const tailStart = bytes.length - tailLength
  let hash = SEED ^ bytes.length
  for (let at = 0; at < tailStart; at += 4) {
    let word = Math.imul(view.getInt32(at, true), MULTIPLIER)
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ word
  }
  if (tailLength > 0) {
    for (let at = 0; at < tailLength; at++) hash ^= view.getUint8(tailStart + at) << (8 * at)
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}
