/**
 * The simulator in the test run: many short seeds without a violation, and the same run for the
 * same seed. That bugs are found is in canaries.test.ts; `npm run sim` looks at as many seeds as one
 * likes.
 */
import { describe, expect, test } from 'vitest'
import { drawOptions } from './options.js'
import { describeFailure, simulate } from './simulate.js'
import type { WorldStats } from './world.js'

const SEEDS = 150
const SEEDS_PER_TEST = 5
const TIMEOUT_MS = 120_000

/** Of the seeds that were run. */
const seen: WorldStats[] = []

describe('the whole system under faults', () => {
  const firsts = Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, i) => 1 + i * SEEDS_PER_TEST)
  test.each(firsts)(
    `keeps its promises and heals, seed %i and the ${SEEDS_PER_TEST - 1} after it`,
    async (first) => {
      for (let seed = first; seed < first + SEEDS_PER_TEST; seed++) await expectNoViolation(seed)
    },
    TIMEOUT_MS,
  )

  test('among these seeds is every kind of fault, and messages go through all the same', () => {
    const counts = new Map<string, number>()
    for (const { faults } of seen) {
      for (const [name, count] of Object.entries(faults)) {
        counts.set(name, (counts.get(name) ?? 0) + count)
      }
    }
    const { faults, weather } = drawOptions(1)
    const striking = Object.keys(faults.weights)
    const kinds = [...striking, ...Object.keys(weather.chances), 'hungHandler']
    expect([...counts.keys()].sort()).toEqual(kinds.sort())
    const sum = (of: (stats: WorldStats) => number) => seen.reduce((all, one) => all + of(one), 0)
    expect(sum((stats) => stats.handled)).toBeGreaterThan(50 * seen.length)
    expect(sum((stats) => stats.shareHandled)).toBeGreaterThan(10 * seen.length)
    expect(sum((stats) => stats.brokers)).toBeGreaterThan(2 * seen.length)
    expect(Math.max(...seen.map(({ healMs = 0 }) => healMs))).toBeLessThan(60_000)
  })

  test.each([1, 2, 3])('one seed is one run, event by event: %i', async (seed) => {
    const first = await simulate(seed, { keepsTrace: true })
    const second = await simulate(seed, { keepsTrace: true })
    expect(second.trace).toEqual(first.trace)
    expect(second.traceHash).toBe(first.traceHash)
    const other = await simulate(seed + 10)
    expect(other.traceHash).not.toBe(first.traceHash)
  })
})

async function expectNoViolation(seed: number): Promise<void> {
  const result = await simulate(seed)
  seen.push(result.stats)
  expect(result.violations, describeFailure(result)).toEqual([])
}
