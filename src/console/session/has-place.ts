/** Whether there is what a place of the console is of. */
import type { ClusterState } from '../../index.js'
import type { Route } from '../route.js'

/** A list is always there, and so is a store, of which no state tells. */
export function hasPlace(cluster: ClusterState, { view, name }: Route): boolean {
  if (name === undefined) return true
  switch (view) {
    case 'topics':
    case 'messages':
      return cluster.topics.some(({ topic }) => topic === name)
    case 'groups':
      return cluster.groups.some(({ groupId }) => groupId === name)
    case 'share-groups':
      return cluster.shareGroups.some(({ groupId }) => groupId === name)
    case 'exchanges':
      return cluster.exchanges.some(({ exchange }) => exchange === name)
    case 'stores':
    case 'health':
      return true
  }
}
