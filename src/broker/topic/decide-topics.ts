/**
 * Decisions about topics: create, delete, add partitions, change config. Each checks everything it
 * was asked before it decides anything, so that a request of several topics is done whole or not at
 * all. Pure: state is read, records are returned.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId, TopicId, TopicName } from '../../protocol/names.js'
import type { ResponseOf } from '../../protocol/requests/request.js'
import type { NewTopic, TopicConfig } from '../../protocol/requests/topics.js'
import { defaultTopicConfig } from '../../protocol/topic-config.js'
import type { PartitionLog } from '../log/partition-log.js'
import type { PartitionLogs } from '../log/partition-logs.js'
import type { Decision, DecisionContext, LogRecord } from '../records.js'
import type { Topic, TopicRegistry } from './topic-registry.js'

export interface TopicsState {
  readonly topics: TopicRegistry
  readonly limits: BrokerLimits
}

export function decideCreateTopics(
  { topics, limits }: TopicsState,
  request: { topics: readonly NewTopic[]; ifNotExists: boolean; validateOnly: boolean },
  context: DecisionContext,
): Decision<ResponseOf<'createTopics'>, LogRecord> {
  const wanted = request.topics.filter((wish) => {
    const exists = topics.find(wish.topic) !== undefined
    if (exists && !request.ifNotExists) throw alreadyExists(wish.topic)
    return !exists
  })
  const names = new Set(wanted.map((wish) => wish.topic))
  if (names.size < wanted.length) {
    throw new TabmqError('INVALID_REQUEST', 'the same topic is named twice in one request', {
      topics: wanted.map((wish) => wish.topic),
    })
  }
  for (const wish of wanted) checkPartitionCount(wish.topic, wish.numPartitions, limits)
  if (topics.count + wanted.length > limits.topicsMax) {
    throw new TabmqError('POLICY_VIOLATION', `there can be ${limits.topicsMax} topics at most`, {
      topicsMax: limits.topicsMax,
    })
  }
  const newPartitionCount = wanted.reduce((sum, wish) => sum + wish.numPartitions, 0)
  checkPartitionsMax(topics, newPartitionCount, limits)
  const response = { created: wanted.map((wish) => wish.topic) }
  if (request.validateOnly || wanted.length === 0) return { records: [], response }

  const records: LogRecord[] = []
  let nextPartitionId = topics.nextPartitionId
  for (const wish of wanted) {
    const topicId = context.freshId() as TopicId
    const partitionIds = idsFrom(nextPartitionId, wish.numPartitions)
    nextPartitionId += wish.numPartitions
    const config = { ...defaultTopicConfig(), ...wish.config }
    const value = { topic: wish.topic, partitionIds, config, createdAtMs: context.nowMs }
    records.push({ type: 'topic', topicId, value })
    records.push(...newPartitions(topicId, partitionIds, 0))
  }
  records.push({ type: 'nextPartitionId', value: nextPartitionId })
  return { records, response }
}

/** Deletes topics with all of their partitions. Committed offsets are the coordinator's part. */
export function decideDeleteTopics(
  { topics, logs }: Pick<TopicsState, 'topics'> & { readonly logs: PartitionLogs },
  request: { topics: readonly TopicName[] },
): Decision<readonly Topic[], LogRecord> {
  const doomed = [...new Set(request.topics)].map((name) => topics.findOrThrow(name))
  const records = doomed.flatMap((topic): LogRecord[] => [
    { type: 'topic', topicId: topic.topicId, value: null },
    ...topic.partitionIds.flatMap((partitionId) => deletePartition(logs.findOrThrow(partitionId))),
  ])
  return { records, response: doomed }
}

export function decideCreatePartitions(
  { topics, limits }: TopicsState,
  request: { topic: TopicName; count: number },
): Decision<ResponseOf<'createPartitions'>, LogRecord> {
  const topic = topics.findOrThrow(request.topic)
  checkPartitionCount(request.topic, request.count, limits)
  const had = topic.partitionIds.length
  if (request.count <= had) {
    throw new TabmqError(
      'INVALID_PARTITIONS',
      `topic "${request.topic}" has ${had} partitions already; ${request.count} is not more`,
      { topic: request.topic, count: request.count, partitions: had },
    )
  }
  checkPartitionsMax(topics, request.count - had, limits)
  const added = idsFrom(topics.nextPartitionId, request.count - had)
  const { topicId, ...row } = topic
  const records: LogRecord[] = [
    { type: 'topic', topicId, value: { ...row, partitionIds: [...row.partitionIds, ...added] } },
    ...newPartitions(topicId, added, had),
    { type: 'nextPartitionId', value: topics.nextPartitionId + added.length },
  ]
  return { records, response: {} }
}

export function decideAlterConfigs(
  { topics }: TopicsState,
  request: { topic: TopicName; config: Partial<TopicConfig> },
): Decision<ResponseOf<'alterConfigs'>, LogRecord> {
  const { topicId, ...row } = topics.findOrThrow(request.topic)
  const value = { ...row, config: { ...row.config, ...request.config } }
  return { records: [{ type: 'topic', topicId, value }], response: {} }
}

/** All rows that carry its id: one that stayed would belong to nothing at the next start. */
function deletePartition(log: PartitionLog): LogRecord[] {
  const { partitionId } = log
  return [
    ...[...log.producers()].map(([producerId]): LogRecord => ({
      type: 'producer',
      partitionId,
      producerId,
      value: null,
    })),
    { type: 'batchesDeleted', partitionId, beforeOffset: Number.MAX_SAFE_INTEGER },
    { type: 'partition', partitionId, value: null },
  ]
}

function newPartitions(
  topicId: TopicId,
  partitionIds: readonly PartitionId[],
  firstPartition: number,
): LogRecord[] {
  return partitionIds.map((partitionId, index) => ({
    type: 'partition',
    partitionId,
    value: { topicId, partition: firstPartition + index, logStartOffset: 0 },
  }))
}

function idsFrom(first: number, count: number): PartitionId[] {
  return Array.from({ length: count }, (_, index) => (first + index) as PartitionId)
}

function checkPartitionCount(topic: TopicName, count: number, limits: BrokerLimits): void {
  if (count >= 1 && count <= limits.partitionsPerTopicMax) return
  throw new TabmqError(
    'INVALID_PARTITIONS',
    `topic "${topic}" can have 1 to ${limits.partitionsPerTopicMax} partitions, not ${count}`,
    { topic, count, partitionsPerTopicMax: limits.partitionsPerTopicMax },
  )
}

function checkPartitionsMax(topics: TopicRegistry, more: number, limits: BrokerLimits): void {
  const { partitionCount } = topics
  const { partitionsMax } = limits
  if (partitionCount + more <= partitionsMax) return
  throw new TabmqError(
    'POLICY_VIOLATION',
    `there can be ${partitionsMax} partitions at most, and there are ${partitionCount}`,
    { partitions: partitionCount, more, partitionsMax },
  )
}

function alreadyExists(topic: TopicName): TabmqError {
  return new TabmqError('TOPIC_ALREADY_EXISTS', `topic "${topic}" exists already`, { topic })
}
