/** What steps look at, of what the page shows. Pure. */
import type { Shown } from '../app/demo.js'
import { faultsIn } from '../ledger/ledger-count.js'
import { GROUP } from '../names.js'
import type { TabCard } from '../tabs/tab-roster.js'
import type { Rebalance } from '../timeline/rebalances.js'
import type { Seen } from './scenario.js'

/** The tabs that have a part of the work. */
export function workingTabs({ tabs }: Shown): readonly TabCard[] {
  return tabs.filter(({ presence, partitions }) => presence !== 'gone' && partitions.length > 0)
}

/** Rebalances that began after the step did, and are over. */
export function rebalancesSince({ now, since }: Seen): readonly Rebalance[] {
  const last = since.rebalances[0]?.id ?? 0
  return now.rebalances.filter(({ id, tookMs }) => id > last && tookMs !== undefined)
}

export function sentSince({ now, since }: Seen): number {
  return (now.verdict?.counts.sent ?? 0) - (since.verdict?.counts.sent ?? 0)
}

export function handledSince({ now, since }: Seen): number {
  return (now.verdict?.counts.handled ?? 0) - (since.verdict?.counts.handled ?? 0)
}

export function waiting({ verdict }: Shown): number {
  return verdict?.counts.waiting ?? 0
}

export function lagOf({ view }: Shown, groupId = GROUP): number {
  const lags = view?.partitions.map(({ groups }) => {
    return groups.find((group) => group.groupId === groupId)?.lag ?? 0
  })
  return lags?.reduce((sum, lag) => sum + lag, 0) ?? 0
}

export function committedOf({ view }: Shown, groupId: string): number {
  const offsets = view?.partitions.map(({ groups }) => {
    return groups.find((group) => group.groupId === groupId)?.committed ?? 0
  })
  return offsets?.reduce((sum, offset) => sum + offset, 0) ?? 0
}

export function isFaultless({ verdict }: Shown): boolean {
  if (verdict === undefined) return false
  return faultsIn(verdict.counts) === 0
}

/** What is odd about any tab's handler. */
export function troubles({ tabs }: Shown): string[] {
  return tabs.flatMap(({ report }) => (report?.trouble === undefined ? [] : [report.trouble]))
}
