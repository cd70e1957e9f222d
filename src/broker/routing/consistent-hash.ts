/**
 * Which of an exchange's bindings a routing key belongs to, each having its part by its weight. Every
 * binding draws a number for the key, and the highest wins (rendezvous hashing), so a binding that
 * comes takes only what becomes its own, and what one leaves behind goes to all the others.
 */
import { murmur2 } from '../../protocol/murmur2.js'
import { utf8Bytes } from '../../protocol/utf8-bytes.js'

export interface Weighted {
  readonly weight: number
  /** Of what it is known by for as long as it is there. */
  readonly seed: number
}

export function hashOf(text: string): number {
  return murmur2(utf8Bytes(text))
}

/** Undefined when there are none. Of two that draw the same, the first. */
export function chosenBy<T extends Weighted>(keyHash: number, all: Iterable<T>): T | undefined {
  let best: T | undefined
  let highest = -Infinity
  const spread = mixed(keyHash)
  for (const one of all) {
    // With the logarithm, the chance to win is the weight's part of the sum of all weights.
    const drawn = ((mixed(spread + one.seed) >>> 0) + 0.5) / 2 ** 32
    const score = Math.log(drawn) / one.weight
    if (score <= highest) continue
    highest = score
    best = one
  }
  return best
}

/** The finalizer of MurmurHash3: each bit of the one number depends on all bits of the other. */
function mixed(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
