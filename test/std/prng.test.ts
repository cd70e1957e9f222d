import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Prng } from '../../src/std/prng.js'

function floats(seed: number, count: number): number[] {
  const prng = new Prng(seed)
  return Array.from({ length: count }, () => prng.float())
}

describe('prng', () => {
  it('gives the numbers of mulberry32', () => {
    // What Tommy Ettinger's reference implementation gives for seed 0.
    expect(floats(0, 3)).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197])
  })

  it('repeats itself for the same seed and differs for another', () => {
    expect(floats(42, 100)).toEqual(floats(42, 100))
    expect(floats(42, 100)).not.toEqual(floats(43, 100))
  })

  it('stays in its range, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1_000_000 }), (seed, bound) => {
        const prng = new Prng(seed)
        for (let draw = 0; draw < 20; draw++) {
          const float = prng.float()
          expect(float >= 0 && float < 1).toBe(true)
          const integer = prng.below(bound)
          expect(Number.isInteger(integer) && integer >= 0 && integer < bound).toBe(true)
        }
      }),
    )
  })

  it('spreads evenly', () => {
    const prng = new Prng(7)
    const counts = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 20_000; draw++) {
      const bucket = prng.below(10)
      counts[bucket] = (counts[bucket] ?? 0) + 1
    }
    for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(200)
  })

  it('takes chances of 0 never and of 1 always', () => {
    const prng = new Prng(1)
    for (let draw = 0; draw < 100; draw++) {
      expect(prng.chance(0)).toBe(false)
      expect(prng.chance(1)).toBe(true)
    }
  })

  it('picks every item some time', () => {
    const prng = new Prng(3)
    const picked = new Set(Array.from({ length: 100 }, () => prng.pick(['a', 'b', 'c'])))
    expect([...picked].sort()).toEqual(['a', 'b', 'c'])
  })
})
