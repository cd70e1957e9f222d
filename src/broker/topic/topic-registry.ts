/**
 * Which topics there are, with their partitions' ids and their config. Hard state: every change is
 * a `topic` row. The decisions about topics are in decide-topics.ts; this is what they read and what
 * `replay` changes.
 */
import { assert, definedOrThrow } from '../../std/assert.js'
import { TabmqError } from '../../protocol/errors.js'
import type { PartitionId, TopicId, TopicName } from '../../protocol/names.js'
import type { TopicConfig, TopicMetadata } from '../../protocol/requests/topics.js'
import { defaultTopicConfig } from '../../protocol/topic-config.js'
import type { LogRecord } from '../records.js'
import type { TopicRow } from '../rows.js'

export interface Topic {
  readonly topicId: TopicId
  readonly topic: TopicName
  readonly partitionIds: readonly PartitionId[]
  readonly config: TopicConfig
  readonly createdAtMs: number
}

export class TopicRegistry {
  readonly #byId = new Map<TopicId, Topic>()
  readonly #byName = new Map<TopicName, Topic>()
  #nextPartitionId = 1

  get count(): number {
    return this.#byId.size
  }

  /** Of all topics. */
  get partitionCount(): number {
    let count = 0
    for (const { partitionIds } of this.#byId.values()) count += partitionIds.length
    return count
  }

  get nextPartitionId(): number {
    return this.#nextPartitionId
  }

  /** All topics, by name. */
  all(): readonly Topic[] {
    return [...this.#byId.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1))
  }

  names(): IterableIterator<TopicName> {
    return this.#byName.keys()
  }

  find(topic: TopicName): Topic | undefined {
    return this.#byName.get(topic)
  }

  byId(topicId: TopicId): Topic | undefined {
    return this.#byId.get(topicId)
  }

  byIdOrThrow(topicId: TopicId): Topic {
    return definedOrThrow(this.#byId.get(topicId), () => `no topic with id ${topicId}`)
  }

  /** @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION */
  findOrThrow(topic: TopicName): Topic {
    const found = this.#byName.get(topic)
    if (found !== undefined) return found
    throw new TabmqError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${topic}"`, { topic })
  }

  replay(record: Extract<LogRecord, { type: 'topic' | 'nextPartitionId' }>): void {
    if (record.type === 'nextPartitionId') {
      this.#nextPartitionId = record.value
    } else if (record.value === null) {
      const topic = this.byIdOrThrow(record.topicId)
      this.#byId.delete(record.topicId)
      this.#byName.delete(topic.topic)
    } else {
      this.#put(record.topicId, record.value)
    }
  }

  checkInvariants(): void {
    assert(this.#byId.size === this.#byName.size, () => 'topics by id and by name differ')
    const seen = new Set<PartitionId>()
    for (const topic of this.#byId.values()) {
      assert(this.#byName.get(topic.topic) === topic, () => `two topics named ${topic.topic}`)
      for (const partitionId of topic.partitionIds) {
        assert(!seen.has(partitionId), () => `partition ${partitionId} belongs to two topics`)
        assert(partitionId < this.#nextPartitionId, () => `partition ${partitionId} not allocated`)
        seen.add(partitionId)
      }
    }
  }

  #put(topicId: TopicId, row: TopicRow): void {
    // A row of before there was an entry of the config lacks it.
    const topic = { topicId, ...row, config: { ...defaultTopicConfig(), ...row.config } }
    this.#byId.set(topicId, topic)
    this.#byName.set(row.topic, topic)
  }
}

export function topicMetadata(topic: Topic): TopicMetadata {
  const { topicId, partitionIds, config, createdAtMs } = topic
  return { topic: topic.topic, topicId, partitionIds, config, createdAtMs }
}
