/** What the page shows of its outbox: a `ClusterState` in, plain data out. */
import type { ClusterState } from '../../src/index.js'
import { OUTBOX, UPLINK_GROUP } from '../names.js'

export interface OutboxState {
  readonly saved: number
  readonly waiting: number
  readonly underWay: number
}

export function outboxStateOf(state: ClusterState): OutboxState {
  const topic = state.topics.find((one) => one.topic === OUTBOX)
  const saved = topic?.partitions.reduce((sum, one) => sum + one.highWatermark, 0) ?? 0
  const group = state.shareGroups.find(({ groupId }) => groupId === UPLINK_GROUP)
  const partitions = group?.partitions.filter((one) => one.topic === OUTBOX) ?? []
  if (partitions.length === 0) return { saved, waiting: saved, underWay: 0 }
  return {
    saved,
    waiting: partitions.reduce((sum, { available }) => sum + available, 0),
    underWay: partitions.reduce((sum, { acquired }) => sum + acquired, 0),
  }
}
