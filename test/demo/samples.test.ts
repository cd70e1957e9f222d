import { describe, expect, it } from 'vitest'
import { drainOf, Samples, type Series } from '../../demo/charts/samples.js'
import type { ClusterState } from '../../src/index.js'

const names = { topic: 'rows', group: 'workers' }

/** As much of a state as samples look at. */
function state(end: number, committed: number, topicId = 'one'): ClusterState {
  const partition = { partition: 0, partitionId: 1, logStartOffset: 0, logEndOffset: end }
  const offset = { topic: 'rows', partition: 0, committedOffset: committed, lag: end - committed }
  return {
    topics: [{ topic: 'rows', topicId, partitions: [{ ...partition, highWatermark: end }] }],
    groups: [{ groupId: 'workers', offsets: [offset] }],
  } as unknown as ClusterState
}

const series = (given: Partial<Series>): Series => ({
  atS: [0],
  sentPerSecond: [0],
  handledPerSecond: [0],
  lag: [0],
  ...given,
})

describe('the samples of a minute', () => {
  it('have the rates of what came and what was handled, and the lag', () => {
    const samples = new Samples(names)
    samples.note(state(0, 0), 1_000)
    samples.note(state(100, 40), 1_500)
    samples.note(state(200, 80), 2_000)
    expect(samples.series()).toEqual({
      atS: [1, 1.5, 2],
      sentPerSecond: [0, 200, 200],
      handledPerSecond: [0, 80, 80],
      lag: [0, 60, 120],
    })
  })

  it('have no rate below nothing when a group is set back', () => {
    const samples = new Samples(names)
    samples.note(state(10, 10), 0)
    samples.note(state(10, 0), 500)
    expect(samples.series().handledPerSecond).toEqual([0, 0])
  })

  it('have no rate of a group that is set on while nobody is in it', () => {
    const samples = new Samples(names)
    const empty = { ...state(900, 900), groups: [{ groupId: 'workers', state: 'empty' }] }
    samples.note(state(900, 100), 0)
    samples.look(empty as unknown as ClusterState)
    samples.note(state(900, 900), 500)
    samples.note(state(1_000, 950), 1_000)
    samples.note(state(1_000, 980), 1_500)
    expect(samples.series().handledPerSecond).toEqual([0, 0, 0, 80])
  })

  it('begin anew with another topic, and keep a minute', () => {
    const samples = new Samples(names)
    samples.note(state(10, 10), 0)
    for (let at = 1; at <= 300; at++) samples.note(state(at, at, 'two'), at * 500)
    expect(samples.series().atS).toHaveLength(120)
    expect(samples.series().sentPerSecond.at(-1)).toBe(2)
  })
})

describe('the time until the lag is gone', () => {
  it('follows from lag and rates', () => {
    const draining = { lag: [300], handledPerSecond: [150], sentPerSecond: [50] }
    expect(drainOf(series(draining))).toEqual({ is: 'draining', inMs: 3_000 })
    const growing = { lag: [300], handledPerSecond: [50], sentPerSecond: [150] }
    expect(drainOf(series(growing))).toEqual({ is: 'growing', perSecond: 100 })
    expect(drainOf(series({ lag: [300] }))).toEqual({ is: 'standing' })
    expect(drainOf(series({}))).toEqual({ is: 'caught up' })
  })

  // As the page of a tab had them, twice a second.
  const sentPerSecond = [
    97, 98, 93, 104, 103, 103, 102, 98, 97, 101, 97, 104, 102, 98, 100, 96, 104,
  ]
  const handled = [104, 96, 94, 114, 104, 94, 103, 102, 101, 101, 91, 97, 102, 105, 105, 99, 105]
  const jitter = [6, 10, 5, 0, 4, 9, 3, 5, 2, 3, 8, 10, 8, 3, 3, 0, 2]

  /** What is said after each sample. */
  const saidOf = (columns: Pick<Series, 'sentPerSecond' | 'handledPerSecond' | 'lag'>) =>
    columns.lag.map((_, index) => {
      const upTo = (column: readonly number[]) => column.slice(0, index + 1)
      const sentPerSecond = upTo(columns.sentPerSecond)
      const handledPerSecond = upTo(columns.handledPerSecond)
      return drainOf({ atS: [], sentPerSecond, handledPerSecond, lag: upTo(columns.lag) }).is
    })

  it('does not flicker while messages come and go at the same rate', () => {
    const upToDate = { sentPerSecond, handledPerSecond: handled, lag: jitter }
    expect(new Set(saidOf(upToDate))).toEqual(new Set(['caught up']))
    const behind = { ...upToDate, lag: jitter.map((lag) => lag + 5_000) }
    expect(new Set(saidOf(behind))).toEqual(new Set(['standing']))
  })

  it('forgets a burst within two seconds', () => {
    const burst = {
      sentPerSecond: [0, 0, 0, 1_961, 6_440, 8_333, 0, 0, 0],
      handledPerSecond: [0, 0, 0, 286, 139, 556, 481, 483, 485],
      lag: [0, 0, 0, 1_000, 6_000, 10_000, 9_760, 9_520, 9_280],
    }
    expect(saidOf(burst).slice(5)).toEqual(['growing', 'growing', 'growing', 'draining'])
  })
})
