/**
 * The simulator in the test run: many short seeds without a violation, the same run for the same
 * seed, and planted bugs that are found. `npm run sim` looks at as many seeds as one likes.
 */
import { describe, expect, test } from 'vitest'
import { drawOptions, onlyFaults, type FaultOptions } from './options.js'
import type { PlantName } from './plants.js'
import { describeFailure, simulate } from './simulate.js'
import type { WorldStats } from './world.js'

const SEEDS = 300
const SEEDS_PER_TEST = 25
const TIMEOUT_MS = 60_000

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
    const kinds = [...Object.keys(faults.weights), ...Object.keys(weather.chances), 'hungHandler']
    expect([...counts.keys()].sort()).toEqual(kinds.sort())
    const sum = (of: (stats: WorldStats) => number) => seen.reduce((all, one) => all + of(one), 0)
    expect(sum((stats) => stats.handled)).toBeGreaterThan(50 * seen.length)
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

/** Each planted bug, who has to find it alone, and within how many seeds. */
const CANARIES: readonly (readonly [PlantName, string, number])[] = [
  ['earlyAcknowledgement', 'lost-write', 5],
  ['earlyAcknowledgement', 'aborted-read', 5],
  ['earlyAcknowledgement', 'invariants', 5],
  ['forgottenSequences', 'duplicate', 40],
  ['unfencedCommits', 'commit-regression', 40],
  ['hastyHandover', 'two-owners', 10],
  ['lostBatch', 'poll-skip', 10],
  ['lostBatch', 'unhandled-commit', 10],
  ['emptyCommits', 'healing', 2],
  ['serverErrors', 'calls', 5],
]

describe('planted bugs are found', () => {
  test.each(CANARIES)(
    '%s, by the checker of %s, within %i seeds',
    async (plant, checker, seeds) => {
      const found = await firstViolation(plant, checker, seeds)
      expect(found?.checker).toBe(checker)
    },
    TIMEOUT_MS,
  )
})

/** What a bug needs to show itself often enough, where all kinds of fault together dilute it. */
const FAULTS_OF: Partial<Record<PlantName, FaultOptions>> = {
  unfencedCommits: onlyFaults({ freezeTab: 3, openTab: 1 }, 300),
}

async function firstViolation(plant: PlantName, checker: string, seeds: number) {
  const faults = FAULTS_OF[plant]
  const overrides = faults === undefined ? { plant } : { plant, faults }
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await simulate(seed, { overrides, checkers: [checker] })
    if (violations[0] !== undefined) return violations[0]
  }
  return undefined
}

async function expectNoViolation(seed: number): Promise<void> {
  const result = await simulate(seed)
  seen.push(result.stats)
  expect(result.violations, describeFailure(result)).toEqual([])
}
