/**
 * What the coordinator may see of topics and logs: names, partitions, and how far they reach.
 */
import type { PartitionId, TopicName } from '../../protocol/names.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type { PartitionLog } from '../log/partition-log.js'
import type { PartitionLogs } from '../log/partition-logs.js'
import type { TopicRegistry } from '../topic/topic-registry.js'
import { TopicPatterns } from './topic-patterns.js'

export class TopicsView {
  readonly patterns: TopicPatterns
  readonly #topics: TopicRegistry
  readonly #logs: PartitionLogs

  constructor(topics: TopicRegistry, logs: PartitionLogs) {
    this.#topics = topics
    this.#logs = logs
    this.patterns = new TopicPatterns(topics)
  }

  /** Every partition made from now on has this id or a higher one. */
  get nextPartitionId(): number {
    return this.#topics.nextPartitionId
  }

  has(topic: TopicName): boolean {
    return this.#topics.find(topic) !== undefined
  }

  partitionIds(topic: TopicName): readonly PartitionId[] {
    return this.#topics.find(topic)?.partitionIds ?? []
  }

  log(partitionId: PartitionId): PartitionLog | undefined {
    return this.#logs.find(partitionId)
  }

  /** @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION */
  logOrThrow(partitionId: PartitionId): PartitionLog {
    return this.#logs.findOrThrow(partitionId)
  }

  topicOf(log: PartitionLog): TopicName {
    return this.#topics.byIdOrThrow(log.topicId).topic
  }

  /** Partitions with their names, by topic and number; those deleted meanwhile are left out. */
  locate(partitionIds: Iterable<PartitionId>): AssignedPartition[] {
    const located: AssignedPartition[] = []
    for (const partitionId of partitionIds) {
      const log = this.#logs.find(partitionId)
      if (log === undefined) continue
      located.push({ partitionId, topic: this.topicOf(log), partition: log.partition })
    }
    return located.sort(byTopicAndPartition)
  }
}

function byTopicAndPartition(a: AssignedPartition, b: AssignedPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
