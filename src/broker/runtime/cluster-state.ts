/** All that a watch shows, at one moment; and how many messages were known by their ids, which is soft. */
import type { TopicId } from '../../protocol/names.js'
import type { ClusterState, SessionDescription } from '../../protocol/requests/cluster.js'
import type { BrokerState } from './broker-state.js'

export interface ClusterMoment {
  readonly incarnation: string
  readonly nowMs: number
  readonly repeats: RepeatCounts
  readonly sessions: readonly SessionDescription[]
}

export function clusterState(
  { topics, logs, groups, shares, exchanges, brokerEpoch }: BrokerState,
  { incarnation, nowMs, repeats, sessions }: ClusterMoment,
): ClusterState {
  return {
    incarnation,
    brokerEpoch,
    atMs: nowMs,
    topics: topics.all().map(({ topic, topicId, config, partitionIds }) => ({
      topic,
      topicId,
      config,
      deduplicated: repeats.of(topicId),
      partitions: partitionIds.map((partitionId) => logs.findOrThrow(partitionId).describe()),
    })),
    groups: groups.describeAll(),
    shareGroups: shares.describeAll('all', { nowMs }),
    exchanges: exchanges.describeAll(topics),
    sessions,
  }
}

/** How many messages of each topic were known by their ids. */
export class RepeatCounts {
  readonly #counts = new Map<TopicId, number>()

  of(topicId: TopicId): number {
    return this.#counts.get(topicId) ?? 0
  }

  add(topicId: TopicId, count: number): void {
    this.#counts.set(topicId, this.of(topicId) + count)
  }

  forgetGone(isThere: (topicId: TopicId) => boolean): void {
    for (const topicId of this.#counts.keys()) if (!isThere(topicId)) this.#counts.delete(topicId)
  }
}
