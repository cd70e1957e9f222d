import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareOut, type Taker } from '../../../src/broker/share/share-out.js'

const takers = fc.array(
  fc.record({ weight: fc.integer({ min: 1, max: 50 }), max: fc.integer({ min: 1, max: 300 }) }),
  { minLength: 1, maxLength: 12 },
)
const sum = (parts: readonly number[]) => parts.reduce((total, part) => total + part, 0)

describe('sharing out', () => {
  it('gives all there is, nobody more than it asked for, and everybody one if there are enough', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2_000 }), takers, fc.nat(), (total, who, turn) => {
        const parts = shareOut(total, who, turn)
        const wanted = sum(who.map(({ max }) => max))
        expect(sum(parts)).toBe(Math.min(total, wanted))
        for (const [index, { max }] of who.entries()) expect(parts[index]).toBeLessThanOrEqual(max)
        if (total >= who.length) expect(Math.min(...parts)).toBeGreaterThan(0)
      }),
    )
  })

  it('gives in proportion to the weights, to within one and the one that everybody gets', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2_000 }), takers, fc.nat(), (total, who, turn) => {
        const open = who.map(({ weight }): Taker => ({ weight, max: Infinity }))
        const weights = sum(open.map(({ weight }) => weight))
        for (const [index, part] of shareOut(total, open, turn).entries()) {
          const due = (total * (open[index]?.weight ?? 0)) / weights
          expect(part).toBeGreaterThanOrEqual(Math.floor(due) - open.length)
          expect(part).toBeLessThanOrEqual(Math.ceil(due) + 1)
        }
      }),
    )
  })

  it('gives 10 to five that ask for 100 each two at a time', () => {
    const five = Array.from({ length: 5 }, () => ({ weight: 1, max: 100 }))
    expect(shareOut(10, five, 3)).toEqual([2, 2, 2, 2, 2])
  })

  it('gives what one cannot take to the others', () => {
    const who = [
      { weight: 1, max: 2 },
      { weight: 1, max: 100 },
      { weight: 2, max: 100 },
    ]
    expect(shareOut(32, who, 0)).toEqual([2, 10, 20])
  })

  it('takes turns by weight when there is one at a time', () => {
    const who = [
      { weight: 2, max: 5 },
      { weight: 1, max: 5 },
    ]
    const totals = [0, 0]
    for (let turn = 0; turn < 30; turn++) {
      for (const [index, part] of shareOut(1, who, turn).entries()) {
        totals[index] = (totals[index] ?? 0) + part
      }
    }
    expect(totals).toEqual([20, 10])
  })
})
