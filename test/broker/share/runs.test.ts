import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeRuns,
  encodeRuns,
  finalRun,
  isNext,
  isPlain,
  piecesBetween,
  plainRun,
  putRun,
  withoutSoft,
  type ShareRun,
} from '../../../src/broker/share/runs.js'

const OFFSETS = 30

const DEATH = { cause: 'rejected', reason: 'why', topic: 'dead' as never } as const

const kind = fc.constantFrom<Partial<ShareRun>>(
  {},
  { state: 'final' },
  { deliveryCount: 1, firstDeliveredAtMs: 5, lastDeliveredAtMs: 5 },
  { deliveryCount: 2, firstDeliveredAtMs: 5, lastDeliveredAtMs: 7, availableAtMs: 90 },
  { state: 'acquired', deliveryCount: 1, lock: { memberId: 'a' as never, untilMs: 9 } },
  { state: 'acquired', deliveryCount: 1, lock: { memberId: 'b' as never, untilMs: 9 } },
  { state: 'deadLettering', deliveryCount: 3, death: DEATH },
)

const put = fc
  .tuple(fc.nat({ max: OFFSETS - 1 }), fc.nat({ max: 8 }), kind)
  .map(([first, length, parts]): ShareRun => ({
    ...plainRun(first, Math.min(OFFSETS - 1, first + length)),
    ...parts,
  }))

const puts = fc.array(put, { maxLength: 40 })

function listOf(changes: readonly ShareRun[]): ShareRun[] {
  const runs: ShareRun[] = []
  for (const change of changes) putRun(runs, change)
  return runs
}

/** What is said of each offset. */
function said(runs: readonly ShareRun[]) {
  return [...piecesBetween(runs, 0, OFFSETS)].flatMap((run) => {
    const { firstOffset, lastOffset, ...rest } = run
    return Array.from({ length: lastOffset - firstOffset + 1 }, () => rest)
  })
}

describe('a list of runs', () => {
  it('says of each offset what was put last', () => {
    fc.assert(
      fc.property(puts, (changes) => {
        const { firstOffset: _, lastOffset: _last, ...nothing } = plainRun(0, 0)
        const model = Array.from({ length: OFFSETS }, () => nothing)
        for (const { firstOffset, lastOffset, ...rest } of changes) {
          model.fill(rest, firstOffset, lastOffset + 1)
        }
        expect(said(listOf(changes))).toEqual(model)
      }),
    )
  })

  it('has no two neighbours that could be one, and none that says nothing', () => {
    fc.assert(
      fc.property(puts, (changes) => {
        const runs = listOf(changes)
        expect(runs.filter((run) => isPlain(run))).toEqual([])
        for (const [index, run] of runs.entries()) {
          const before = runs[index - 1]
          if (before === undefined) continue
          expect(before.lastOffset).toBeLessThan(run.firstOffset)
          expect(isNext(before, run)).toBe(false)
        }
      }),
    )
  })

  it('comes back from its flat form as it is after a restart', () => {
    fc.assert(
      fc.property(puts, (changes) => {
        const runs = listOf(changes)
        const restored = decodeRuns(0, structuredClone(encodeRuns(0, runs)))
        expect(restored).toEqual(withoutSoft(runs))
        expect(said(restored).map(({ state }) => state)).toEqual(
          said(runs).map(({ state }) => (state === 'final' ? 'final' : 'available')),
        )
        // Nothing to be made one: what is stored is the same list whichever way it came about.
        expect(listOf(restored)).toEqual(restored)
      }),
    )
  })

  it('takes three numbers for what is final', () => {
    expect(encodeRuns(100, [finalRun(103, 107), finalRun(110, 110)])).toEqual([3, 5, 0, 2, 1, 0])
  })
})
