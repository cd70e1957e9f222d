import { describe, expect, it } from 'vitest'
import type { ClusterView } from '../../demo/cluster/cluster-view.js'
import type { TabReport } from '../../demo/tabs/tab-report.js'
import { TabRoster } from '../../demo/tabs/tab-roster.js'

function report(tab: number, given: Partial<TabReport> = {}): TabReport {
  return {
    tab,
    run: `run of ${tab}`,
    atMs: 0,
    isVisible: true,
    isFreezing: false,
    worker: 'working',
    handled: 0,
    perSecond: 0,
    trouble: undefined,
    heartbeatAtMs: undefined,
    canBeClosed: false,
    ...given,
  }
}

/** A view with these tabs, each with one partition and a lag of ten times its number. */
function viewOf(numbers: readonly number[]): ClusterView {
  return {
    topicId: 'id',
    broker: { incarnation: 'one', epoch: 1, logBytes: 0, groupState: 'stable' },
    partitions: numbers.map((number) => ({
      partition: number,
      start: 0,
      end: 100,
      owner: { number, text: `Tab ${number}` },
      groups: [{ groupId: 'workers', committed: 0, lag: number * 10 }],
    })),
    tabs: numbers.map((number) => ({
      name: { number, text: `Tab ${number}` },
      isMember: true,
      partitions: [number],
    })),
  }
}

describe('the roster of tabs', () => {
  it('has what the broker and the tabs say of each', () => {
    const roster = new TabRoster()
    roster.hear(report(1))
    roster.hear(report(2, { isVisible: false, trouble: 'slow' }))
    roster.hear(report(3, { isFreezing: true }))
    const cards = roster.cards(viewOf([3, 1, 2, 4]), 'workers', 1_000)
    expect(cards).toMatchObject([
      { name: { text: 'Tab 1' }, presence: 'visible', partitions: [1], lag: 10 },
      { presence: 'hidden', report: { trouble: 'slow' }, lag: 20 },
      { presence: 'frozen' },
      { presence: 'visible', report: undefined },
    ])
    expect(roster.reports().map(({ tab }) => tab)).toEqual([1, 2, 3])
  })

  it('says of a tab that hangs for how long it was silent', () => {
    const roster = new TabRoster()
    roster.hear(report(1, { atMs: 1_000 }))
    expect(roster.cards(viewOf([1]), 'workers', 4_000)[0]?.presence).toBe('visible')
    const [silent] = roster.cards(viewOf([1]), 'workers', 9_000)
    expect(silent).toMatchObject({ presence: 'silent', silentMs: 8_000 })
    roster.hear(report(1, { atMs: 9_100 }))
    expect(roster.cards(viewOf([1]), 'workers', 9_200)[0]?.presence).toBe('visible')
  })

  it('shows for a moment that a tab is gone', () => {
    const roster = new TabRoster()
    roster.cards(viewOf([1, 2]), 'workers', 0)
    const after = (ms: number) => roster.cards(viewOf([1]), 'workers', ms)
    expect(after(100)).toMatchObject([
      { presence: 'visible' },
      { presence: 'gone', partitions: [] },
    ])
    expect(after(6_050)).toHaveLength(2)
    expect(after(6_200)).toHaveLength(1)
    expect(roster.cards(viewOf([1, 2]), 'workers', 6_300)[1]?.presence).toBe('visible')
  })
})
