/**
 * Randomness of the simulation: one seeded generator per purpose, so that what one part draws moves
 * nothing in another, and a change of the code disturbs a seed as little as possible.
 */
import { Prng } from '../../src/std/prng.js'

export class Streams {
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  of(purpose: string): Prng {
    return new Prng(hashText(`${this.#seed} ${purpose}`))
  }
}

/** An integer from `min` to `max`, both included. */
export function between(prng: Prng, min: number, max: number): number {
  return min + prng.below(max - min + 1)
}

/** Mostly small, now and then up to `max`: as delays are. */
export function skewed(prng: Prng, max: number): number {
  const share = prng.float()
  return Math.floor(share * share * share * (max + 1))
}

/** FNV-1a, with its bits mixed at the end by who needs it. */
export function hashText(text: string, start = 0x811c_9dc5): number {
  let hash = start
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index)
    hash = Math.imul(hash, 0x0100_0193)
  }
  return hash >>> 0
}
