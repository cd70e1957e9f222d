/** What a handler gets: the types of a delivery, as KafkaJS has them. */
import type { DecodedRecord } from '../../codec/decode-batch.js'
import type { Reply } from '../request/reply.js'

/** A message as it arrives. */
export interface ReceivedMessage extends DecodedRecord {}

/** A partition by name: its topic, and its number from 0. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A place in a partition's log. Offsets count from 0, one per message. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number
}

/** A commit that a user makes: the offset is the next one to read. */
export interface TopicPartitionOffsetAndMetadata extends TopicPartitionOffset {
  readonly metadata?: string
}

/** What `eachMessage` is called with. */
export interface EachMessagePayload extends TopicPartition {
  readonly message: ReceivedMessage
  /** Aborts when the partition is taken away or the member is fenced. */
  readonly signal: AbortSignal
  /** Tells the broker that this tab is alive, and restarts `maxPollIntervalMs`. */
  readonly heartbeat: () => Promise<void>
  /** Pauses this partition; returns a function that resumes it. */
  readonly pause: () => () => void
  /**
   * Answers the message if it is a request. What the handler throws is an answer too: the message comes
   * again as ever, but whoever asked has heard that it failed.
   */
  readonly reply: Reply
}

/** A message is handled when it returns, or when the promise that it returns resolves. */
export type EachMessageHandler = (payload: EachMessagePayload) => unknown

/** Messages of one partition, in order. */
export interface Batch extends TopicPartition {
  readonly highWatermark: number
  readonly messages: readonly ReceivedMessage[]
  isEmpty(): boolean
  firstOffset(): number | undefined
  lastOffset(): number | undefined
  /** How many messages of the partition come after this batch. */
  offsetLag(): number
}

/** What `eachBatch` is called with. */
export interface EachBatchPayload {
  readonly batch: Batch
  readonly signal: AbortSignal
  /** This message and all before it are handled. */
  readonly resolveOffset: (offset: number) => void
  readonly heartbeat: () => Promise<void>
  /** Commits now if `autoCommitInterval` or `autoCommitThreshold` say so; given offsets, at once. */
  readonly commitOffsetsIfNecessary: (
    offsets?: readonly TopicPartitionOffsetAndMetadata[],
  ) => Promise<void>
  /** What is handled and not yet committed. */
  readonly uncommittedOffsets: () => TopicPartitionOffset[]
  /** False once the consumer is stopping. */
  readonly isRunning: () => boolean
  /** True when a seek, a pause or a rebalance made the rest of the batch void. */
  readonly isStale: () => boolean
  readonly pause: () => () => void
}

/** The same with all that was fetched of a partition. What it did not resolve comes again. */
export type EachBatchHandler = (payload: EachBatchPayload) => unknown

/** One item of `consumer.messages()`. */
export interface Delivery extends TopicPartition {
  readonly message: ReceivedMessage
  readonly signal: AbortSignal
  /** Answers the message if it is a request. */
  readonly reply: Reply
}

/**
 * What `consumer.on` tells of, by name. A listener may return a promise; `partitionsRevoked` alone
 * waits for it.
 */
export interface ConsumerEvents {
  /** From now on these are read too. Empty when the member joined and got none. */
  partitionsAssigned: { readonly groupId: string; readonly partitions: readonly TopicPartition[] }
  /** Before the partitions go: what is handled is committed after the listeners are done. */
  partitionsRevoked: { readonly groupId: string; readonly partitions: readonly TopicPartition[] }
  /** The member was fenced: the partitions are gone already and nothing of them can be committed. */
  partitionsLost: { readonly groupId: string; readonly partitions: readonly TopicPartition[] }
  /** The member is in the group, with an epoch that rises with each change of its partitions. */
  groupJoin: { readonly groupId: string; readonly memberId: string; readonly memberEpoch: number }
  /** Partitions are moving, from this member or to it. */
  rebalancing: { readonly groupId: string; readonly memberId: string }
  /** The broker has heard of this member. */
  heartbeat: { readonly groupId: string; readonly memberId: string; readonly memberEpoch: number }
  /** These are committed; each is the next offset to read. */
  commitOffsets: { readonly groupId: string; readonly offsets: readonly TopicPartitionOffset[] }
  /**
   * Something failed. `willRetry`: a handler threw and its message comes again, or the broker could
   * not be reached. Otherwise the consumer has stopped, as `stop` tells then; or a partition has
   * nowhere to start, and waits for a `seek`; or the last commit of a partition that goes has failed.
   */
  crash: {
    readonly error: unknown
    readonly willRetry: boolean
    readonly topic?: string
    readonly partition?: number
    readonly offset?: number
  }
  /** The consumer runs no more: it was stopped, or it failed (after `crash`). */
  stop: Record<never, never>
}

/** The names of all events, for `on` to know a misspelt one. */
export const CONSUMER_EVENTS: readonly (keyof ConsumerEvents)[] = [
  'partitionsAssigned',
  'partitionsRevoked',
  'partitionsLost',
  'groupJoin',
  'rebalancing',
  'heartbeat',
  'commitOffsets',
  'crash',
  'stop',
]

export function topicPartitionKey({ topic, partition }: TopicPartition): string {
  return `${topic} ${partition}`
}
