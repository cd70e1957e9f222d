/** The order in which names are looked for: `team-2` before `team-10`. */
import type { ClusterState } from '../../index.js'

const collator = new Intl.Collator('en', { numeric: true })

export function compareNames(a: string, b: string): number {
  return collator.compare(a, b)
}

const ordered = new WeakMap<ClusterState, ClusterState>()

/** The same state, with all that has a name in the order of names. */
export function inNaturalOrder(cluster: ClusterState): ClusterState {
  const known = ordered.get(cluster)
  if (known !== undefined) return known
  const { topics, groups, shareGroups, exchanges } = cluster
  const state: ClusterState = {
    ...cluster,
    topics: topics.toSorted((a, b) => compareNames(a.topic, b.topic)),
    groups: groups.toSorted((a, b) => compareNames(a.groupId, b.groupId)),
    shareGroups: shareGroups.toSorted((a, b) => compareNames(a.groupId, b.groupId)),
    exchanges: exchanges.toSorted((a, b) => compareNames(a.exchange, b.exchange)),
  }
  ordered.set(cluster, state)
  return state
}
