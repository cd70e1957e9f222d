/**
 * What this tab knows of topics: partitions by id, and the config. Asked for once per topic and
 * forgotten when the broker says that topics changed, or is another one.
 */
import { TabmqError } from '../protocol/errors.js'
import {
  describe,
  detailOf,
  parseTopicName,
  type PartitionId,
  type TopicName,
} from '../protocol/names.js'
import type { AssignedPartition } from '../protocol/requests/partitions.js'
import type { TopicMetadata } from '../protocol/requests/topics.js'
import type { Connection } from './connection.js'

export class TopicCache {
  readonly #connection: Connection
  #topics = new Map<TopicName, TopicMetadata>()
  readonly #loading = new Map<TopicName, Promise<TopicMetadata>>()

  constructor(connection: Connection) {
    this.#connection = connection
    connection.events.on('push', ({ push }) => {
      if (push === 'topicsChanged') this.clear()
    })
    connection.events.on('forget', () => this.clear())
    connection.events.on('connected', ({ isNewBroker }) => {
      // With nothing known there is nothing old, and what is being asked for is asked of this broker.
      if (isNewBroker && this.#topics.size > 0) this.clear()
    })
  }

  clear(): void {
    this.#topics = new Map()
    this.#loading.clear()
  }

  /** What is known without asking. */
  peek(topic: TopicName): TopicMetadata | undefined {
    return this.#topics.get(topic)
  }

  /** @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION */
  async get(topic: TopicName): Promise<TopicMetadata> {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const loading = this.#loading.get(topic) ?? this.#load(topic)
    this.#loading.set(topic, loading)
    return loading
  }

  /** @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION */
  async locate({
    topic,
    partition,
  }: {
    readonly topic: string
    readonly partition: number
  }): Promise<AssignedPartition> {
    const name = parseTopicName(topic)
    const partitionId = partitionIdOf(await this.get(name), partition)
    if (partitionId !== undefined) return { partitionId, topic: name, partition }
    throw new TabmqError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `topic "${name}" has no partition ${describe(partition)}`,
      { topic: name, partition: detailOf(partition) },
    )
  }

  async #load(topic: TopicName): Promise<TopicMetadata> {
    const generation = this.#topics
    try {
      const request = { api: 'metadata', topics: [topic] } as const
      const reply = await this.#connection.call(request, { isRepeatable: true })
      const [metadata] = reply.topics as [TopicMetadata]
      // Topics may have changed while the answer was on its way.
      if (this.#topics === generation) this.#topics.set(topic, metadata)
      return metadata
    } finally {
      if (this.#topics === generation) this.#loading.delete(topic)
    }
  }
}

export function partitionIdOf(metadata: TopicMetadata, partition: number): PartitionId | undefined {
  return metadata.partitionIds[partition]
}
