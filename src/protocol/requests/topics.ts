/** Topics and their configs: what there are, made, changed, deleted. */
import type { PartitionId, TopicId, TopicName } from '../names.js'
import type { Api, Empty } from './api.js'

export interface TopicApis {
  metadata: Api<{ topics: readonly TopicName[] | 'all' }, { topics: readonly TopicMetadata[] }>
  createTopics: Api<
    { topics: readonly NewTopic[]; ifNotExists: boolean; validateOnly: boolean },
    { created: readonly TopicName[] }
  >
  deleteTopics: Api<{ topics: readonly TopicName[] }, Empty>
  createPartitions: Api<{ topic: TopicName; count: number }, Empty>
  alterConfigs: Api<{ topic: TopicName; config: Partial<TopicConfig> }, Empty>
}

/** The config of a topic, as it is when nothing is left out. */
export interface TopicConfig {
  /** Batches whose newest message is older, in ms, are dropped; null keeps all. Default 7 days. */
  readonly retentionMs: number | null
  /** Oldest batches are dropped while a partition holds more bytes; null (default) sets no limit. */
  readonly retentionBytes: number | null
  /** The largest single message in bytes, key and headers included, as encoded. Default 1 MiB. */
  readonly maxMessageBytes: number
  /**
   * For so long, in ms, a message is known by its `messageId`: another with the same id is a repeat, in
   * whichever partition, and is not stored. Null (default) knows no repeats.
   */
  readonly dedupWindowMs: number | null
}

export interface NewTopic {
  readonly topic: TopicName
  readonly numPartitions: number
  readonly config: Partial<TopicConfig>
}

export interface TopicMetadata {
  readonly topic: TopicName
  readonly topicId: TopicId
  /** By partition number. */
  readonly partitionIds: readonly PartitionId[]
  readonly config: TopicConfig
  readonly createdAtMs: number
}
