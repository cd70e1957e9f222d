/** What the stage draws of one partition: a `ClusterState` in, plain data out. Pure. */
import type { ClusterState } from '../../src/index.js'
import { tabName, type TabName } from '../cluster/cluster-view.js'
import { GROUP } from '../names.js'

export interface LaneView {
  readonly topicId: string
  readonly partition: number
  /** The first offset that is still there, and the one that the next message gets. */
  readonly start: number
  readonly end: number
  /** Whose it is in the demo's group. */
  readonly owner: TabName | undefined
  /** How far each group has come. */
  readonly marks: readonly LaneMark[]
  /** What share groups have given out and not heard of again. */
  readonly locks: readonly LaneLock[]
}

export interface LaneMark {
  readonly groupId: string
  /** The next offset to be handled; undefined while nothing was committed. */
  readonly offset: number | undefined
  readonly lag: number
}

export interface LaneLock {
  readonly first: number
  readonly last: number
  readonly deliveryCount: number
  readonly tab: TabName
}

/** Topics that the demo's parts use, and whatever else there is. */
export function topicNames(state: ClusterState): string[] {
  return state.topics.map(({ topic }) => topic).toSorted()
}

export function lanesOf(state: ClusterState, topicName: string): LaneView[] {
  const topic = state.topics.find((one) => one.topic === topicName)
  if (topic === undefined) return []
  const isThis = (partition: number) => (one: { topic: string; partition: number }) =>
    one.topic === topicName && one.partition === partition
  const group = state.groups.find(({ groupId }) => groupId === GROUP)
  return topic.partitions.map(({ partition, logStartOffset, highWatermark }) => {
    const owner = group?.members.find(({ assigned }) => assigned.some(isThis(partition)))
    return {
      topicId: topic.topicId,
      partition,
      start: logStartOffset,
      end: highWatermark,
      owner: owner === undefined ? undefined : tabName(owner.clientId),
      marks: [...groupMarks(state, isThis(partition)), ...shareMarks(state, isThis(partition))],
      locks: locksOf(state, isThis(partition)),
    }
  })
}

type IsThis = (one: { topic: string; partition: number }) => boolean

/** The demo's own group first: its mark is drawn at the top of the lane. */
function groupMarks(state: ClusterState, isThis: IsThis): LaneMark[] {
  const marks = state.groups.flatMap(({ groupId, offsets }) => {
    const found = offsets.find(isThis)
    if (found === undefined) return []
    return [{ groupId, offset: found.committedOffset, lag: found.lag }]
  })
  return marks.toSorted((a, b) => Number(b.groupId === GROUP) - Number(a.groupId === GROUP))
}

function shareMarks(state: ClusterState, isThis: IsThis): LaneMark[] {
  return state.shareGroups.flatMap(({ groupId, partitions }) => {
    const found = partitions.find(isThis)
    if (found === undefined) return []
    const { startOffset, available, acquired } = found
    return [{ groupId, offset: startOffset, lag: available + acquired }]
  })
}

function locksOf(state: ClusterState, isThis: IsThis): LaneLock[] {
  return state.shareGroups.flatMap(({ members, partitions }) =>
    (partitions.find(isThis)?.locks ?? []).map((lock) => {
      const member = members.find(({ memberId }) => memberId === lock.memberId)
      return {
        first: lock.firstOffset,
        last: lock.lastOffset,
        deliveryCount: lock.deliveryCount,
        tab: tabName(member?.clientId ?? 'nobody'),
      }
    }),
  )
}
