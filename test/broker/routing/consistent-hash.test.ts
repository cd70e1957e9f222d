import { describe, expect, it } from 'vitest'
import { chosenBy, hashOf } from '../../../src/broker/routing/consistent-hash.js'

const KEYS = Array.from({ length: 20_000 }, (_, at) => hashOf(`user-${at}`))
const queues = (weights: Readonly<Record<string, number>>) =>
  Object.entries(weights).map(([name, weight]) => ({ name, weight, seed: hashOf(name) }))

const chosen = (weights: Readonly<Record<string, number>>) =>
  KEYS.map((key) => chosenBy(key, queues(weights))?.name)

const share = (names: readonly (string | undefined)[], wanted: string) =>
  names.filter((name) => name === wanted).length / names.length

describe('consistent hashing', () => {
  it('gives each queue its part', () => {
    const even = chosen({ a: 1, b: 1, c: 1, d: 1 })
    for (const name of ['a', 'b', 'c', 'd']) expect(share(even, name)).toBeCloseTo(0.25, 1)
    const weighted = chosen({ a: 1, b: 2, c: 5 })
    expect(Math.abs(share(weighted, 'a') - 1 / 8)).toBeLessThan(0.02)
    expect(Math.abs(share(weighted, 'b') - 2 / 8)).toBeLessThan(0.02)
    expect(Math.abs(share(weighted, 'c') - 5 / 8)).toBeLessThan(0.02)
  })

  it('moves only what a queue that comes gets, or one that goes had', () => {
    const four = chosen({ a: 1, b: 1, c: 1, d: 1 })
    const five = chosen({ a: 1, b: 1, c: 1, d: 1, e: 1 })
    const moved = five.filter((name, at) => name !== four[at])
    expect(new Set(moved)).toEqual(new Set(['e']))
    expect(Math.abs(moved.length / KEYS.length - 1 / 5)).toBeLessThan(0.02)
  })

  it('moves only to a queue whose weight grows', () => {
    const before = chosen({ a: 1, b: 1, c: 1 })
    const after = chosen({ a: 1, b: 3, c: 1 })
    expect(new Set(after.filter((name, at) => name !== before[at]))).toEqual(new Set(['b']))
  })

  it('of neighbours among the keys as well as of others', () => {
    const keys = Array.from({ length: 10_000 }, (_, at) => at)
    const names = keys.map((key) => chosenBy(key, queues({ a: 1, b: 1 }))?.name)
    expect(Math.abs(share(names, 'a') - 0.5)).toBeLessThan(0.03)
  })

  it('has nothing for nobody', () => {
    expect(chosenBy(1, [])).toBeUndefined()
  })
})
