/** What steps look at, of what the page shows. Pure. */
import type { Shown } from '../app/demo.js'
import { faultsIn } from '../ledger/ledger-count.js'
import { GROUP } from '../names.js'
import { outboxStateOf, type OutboxState } from '../outbox/outbox-state.js'
import { queueStateOf } from '../queue/queue-state.js'
import type { TabCard } from '../tabs/tab-roster.js'
import type { Rebalance } from '../timeline/rebalances.js'
import type { Moment, Seen } from './scenario.js'

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

/** How much each tab that works has handled since; it counts anew when it is reloaded. */
export function handledByEachSince({ now, since }: Seen): readonly number[] {
  return workingTabs(now).map(({ name, report }) => {
    const before = since.tabs.find((card) => card.name.text === name.text)?.report
    const isSame = before !== undefined && before.run === report?.run
    return (report?.handled ?? 0) - (isSame ? before.handled : 0)
  })
}

export function waiting({ verdict }: Shown): number {
  return verdict?.counts.waiting ?? 0
}

/** Nobody sends: neither this tab nor another one. */
export function isQuiet({ isFlowing, series }: Moment): boolean {
  return !isFlowing && (series.sentPerSecond.at(-1) ?? 0) === 0
}

/** Something was handled since the step began, nobody sends any more, and the checker has no complaint. */
export function isAllHandled(seen: Seen): boolean {
  const { now } = seen
  return handledSince(seen) > 0 && isQuiet(now) && waiting(now) === 0 && isFaultless(now)
}

/** Of all partitions together: what a group has not committed yet, also one that never was. */
export function lagOf({ view }: Shown, groupId: string = GROUP): number {
  const lags = view?.partitions.map(({ start, end, groups }) => {
    return groups.find((group) => group.groupId === groupId)?.lag ?? end - start
  })
  return lags?.reduce((sum, lag) => sum + lag, 0) ?? 0
}

export function committedOf({ view }: Shown, groupId: string): number {
  const offsets = view?.partitions.map(({ groups }) => {
    return groups.find((group) => group.groupId === groupId)?.committed ?? 0
  })
  return offsets?.reduce((sum, offset) => sum + offset, 0) ?? 0
}

/** Whether a group has come further than another in some partition. */
export function isAhead({ view }: Shown, groupId: string, other: string): boolean {
  return (view?.partitions ?? []).some(({ groups }) => {
    const committed = (id: string) => groups.find((one) => one.groupId === id)?.committed ?? 0
    return committed(groupId) > committed(other)
  })
}

/** How many records a topic has. */
export function recordsIn({ state }: Shown, topic: string): number {
  const partitions = state?.topics.find((one) => one.topic === topic)?.partitions ?? []
  return partitions.reduce((sum, one) => sum + one.highWatermark - one.logStartOffset, 0)
}

export function isFaultless({ verdict }: Shown): boolean {
  if (verdict === undefined) return false
  return faultsIn(verdict.counts) === 0
}

/** Whether a tab's handler fails at a message again and again. */
export function isFailing({ tabs }: Shown): boolean {
  return tabs.some(({ report }) => report?.trouble?.startsWith('Fails') === true)
}

export function isGroupEmpty({ view }: Shown): boolean {
  return view?.broker.groupState === 'empty'
}

/** Whether each tab is in the group; false also while it is not known. */
export function areAllMembers({ view }: Shown): boolean {
  if (view === undefined) return false
  return view.tabs.every(({ name, isMember }) => isMember || name.number === undefined)
}

/** Whether all members of the group have a name that stays, or none has; undefined while it is mixed. */
export function membershipOf({ state }: Shown): 'static' | 'dynamic' | undefined {
  const members = state?.groups.find(({ groupId }) => groupId === GROUP)?.members ?? []
  const named = members.filter(({ groupInstanceId }) => groupInstanceId !== undefined)
  if (members.length === 0) return undefined
  if (named.length === 0) return 'dynamic'
  return named.length === members.length ? 'static' : undefined
}

/** Whose each partition is. */
export function ownersOf({ view }: Shown): string {
  return (view?.partitions ?? []).map(({ owner }) => owner?.text ?? 'nobody').join()
}

export function outboxOf({ state }: Shown): OutboxState {
  return state === undefined ? { saved: 0, waiting: 0, underWay: 0 } : outboxStateOf(state)
}

export function deadLettersOf({ state }: Shown): number {
  return state === undefined ? 0 : queueStateOf(state).deadLetters
}
