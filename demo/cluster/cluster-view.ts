/**
 * What the page shows of the broker's state: partitions with their owners, tabs with their
 * partitions. Pure: a `ClusterState` in, plain data out.
 */
import type { ClusterState, GroupDescription, TopicState } from '../../src/index.js'
import { tabNumberOf } from '../tab-identity.js'

export interface ClusterView {
  readonly topicId: string | undefined
  readonly partitions: readonly PartitionView[]
  readonly tabs: readonly TabView[]
  readonly broker: BrokerView
}

export interface PartitionView {
  readonly partition: number
  readonly start: number
  readonly end: number
  readonly owner: TabName | undefined
  readonly groups: readonly GroupProgress[]
}

export interface GroupProgress {
  readonly groupId: string
  /** Undefined while the group has committed nothing. */
  readonly committed: number | undefined
  readonly lag: number
}

/** A tab of the demo by its number; whatever else is connected by its client id. */
export interface TabName {
  readonly number: number | undefined
  readonly text: string
}

export interface TabView {
  readonly name: TabName
  readonly isMember: boolean
  readonly partitions: readonly number[]
}

export interface BrokerView {
  readonly incarnation: string
  readonly epoch: number
  readonly logBytes: number
  readonly groupState: string
}

export function viewOf(state: ClusterState, names: { topic: string; group: string }): ClusterView {
  const topic = state.topics.find((one) => one.topic === names.topic)
  const group = state.groups.find((one) => one.groupId === names.group)
  return {
    topicId: topic?.topicId,
    partitions: topic === undefined ? [] : partitionsOf(state, topic, group),
    tabs: tabsOf(state, group, names.topic),
    broker: {
      incarnation: state.incarnation,
      epoch: state.brokerEpoch,
      logBytes: topic?.partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) ?? 0,
      groupState: group?.state ?? 'empty',
    },
  }
}

/** What a group has committed of each partition, where it has. */
export function committedOf(view: ClusterView, groupId: string): Map<number, number> {
  return new Map(
    view.partitions.flatMap(({ partition, groups }) => {
      const committed = groups.find((one) => one.groupId === groupId)?.committed
      return committed === undefined ? [] : [[partition, committed] as const]
    }),
  )
}

export function tabName(clientId: string): TabName {
  const number = tabNumberOf(clientId)
  return { number, text: number === undefined ? clientId : `Tab ${number}` }
}

function partitionsOf(
  state: ClusterState,
  topic: TopicState,
  group: GroupDescription | undefined,
): PartitionView[] {
  return topic.partitions.map(({ partition, logStartOffset, highWatermark }) => {
    const isThis = (one: { topic: string; partition: number }) =>
      one.topic === topic.topic && one.partition === partition
    const owner = group?.members.find(({ assigned }) => assigned.some(isThis))
    return {
      partition,
      start: logStartOffset,
      end: highWatermark,
      owner: owner === undefined ? undefined : tabName(owner.clientId),
      groups: state.groups.flatMap(({ groupId, offsets }) => {
        const found = offsets.find(isThis)
        if (found === undefined) return []
        return [{ groupId, committed: found.committedOffset, lag: found.lag }]
      }),
    }
  })
}

function tabsOf(
  state: ClusterState,
  group: GroupDescription | undefined,
  topic: string,
): TabView[] {
  const tabs = state.sessions.map(({ sessionId, clientId }): TabView => {
    const member = group?.members.find((one) => one.sessionId === sessionId)
    const assigned = member?.assigned.filter((one) => one.topic === topic) ?? []
    return {
      name: tabName(clientId),
      isMember: member !== undefined,
      partitions: assigned.map(({ partition }) => partition).toSorted((a, b) => a - b),
    }
  })
  return tabs.toSorted((a, b) => (a.name.number ?? Infinity) - (b.name.number ?? Infinity))
}
