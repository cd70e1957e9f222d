/**
 * All the tabs that there are: what the broker knows of them, with what they say of themselves. One that is
 * gone stays for a moment, so that one sees it go. Pure: states, reports and the time are handed to it.
 */
import type { ClusterView, TabName, TabView } from '../cluster/cluster-view.js'
import type { TabReport } from './tab-report.js'

export type TabPresence = 'visible' | 'hidden' | 'frozen' | 'silent' | 'gone'

export interface TabCard {
  readonly name: TabName
  readonly presence: TabPresence
  readonly isMember: boolean
  readonly partitions: readonly number[]
  /** Of its partitions together. */
  readonly lag: number
  readonly report: TabReport | undefined
  /** Since when nothing was heard of it, in ms; 0 where it says nothing of itself. */
  readonly silentMs: number
}

/** A tab that works says something twice a second, a hidden one every second. */
const SILENT_AFTER_MS = 3_500
const GONE_SHOWN_MS = 6_000

interface Gone {
  readonly card: TabCard
  readonly atMs: number
}

export class TabRoster {
  readonly #reports = new Map<number, TabReport>()
  #gone: readonly Gone[] = []
  #last: readonly TabCard[] = []

  hear(report: TabReport): void {
    this.#reports.set(report.tab, report)
  }

  /** Their reports, of those that are there. */
  reports(): TabReport[] {
    return this.#last.flatMap(({ presence, report }) =>
      presence === 'gone' || report === undefined ? [] : [report],
    )
  }

  cards(view: ClusterView, group: string, nowMs: number): readonly TabCard[] {
    const there = view.tabs.map((tab) => this.#cardOf(tab, { view, group, nowMs }))
    const names = new Set(there.map(({ name }) => name.text))
    const went = this.#last
      .filter(({ presence, name }) => presence !== 'gone' && !names.has(name.text))
      .map((card) => ({
        card: { ...card, presence: 'gone' as const, partitions: [] },
        atMs: nowMs,
      }))
    this.#gone = [...this.#gone, ...went].filter(
      ({ card, atMs }) => !names.has(card.name.text) && nowMs - atMs < GONE_SHOWN_MS,
    )
    const gone = this.#gone.map(({ card }) => card)
    this.#last = [...there, ...gone].toSorted(byNumber)
    return this.#last
  }

  #cardOf(
    { name, isMember, partitions }: TabView,
    { view, group, nowMs }: { view: ClusterView; group: string; nowMs: number },
  ): TabCard {
    const report = name.number === undefined ? undefined : this.#reports.get(name.number)
    const silentMs = report === undefined ? 0 : Math.max(0, nowMs - report.atMs)
    const held = view.partitions.filter(({ partition }) => partitions.includes(partition))
    const lags = held.map(({ groups }) => groups.find(({ groupId }) => groupId === group)?.lag ?? 0)
    const lag = lags.reduce((sum, one) => sum + one, 0)
    const presence = presenceOf(report, silentMs)
    return { name, presence, isMember, partitions, lag, report, silentMs }
  }
}

function presenceOf(report: TabReport | undefined, silentMs: number): TabPresence {
  if (report === undefined) return 'visible'
  if (report.isFreezing) return 'frozen'
  if (silentMs > SILENT_AFTER_MS) return 'silent'
  return report.isVisible ? 'visible' : 'hidden'
}

function byNumber(a: TabCard, b: TabCard): number {
  return (a.name.number ?? Infinity) - (b.name.number ?? Infinity)
}
