/**
 * What is kept on disk, row by row: plain values that structured clone can carry. A change here is
 * a change of the on-disk format: raise the version, write an upgrade, keep a fixture.
 */
import type {
  ExchangeId,
  ExchangeName,
  InstanceId,
  MemberId,
  PartitionId,
  TopicId,
  TopicName,
} from '../protocol/names.js'
import type { ExchangeType, HeadersMatch, PublishResult } from '../protocol/requests/exchanges.js'
import type { AssignorName } from '../protocol/requests/groups.js'
import type { RepeatedMessages } from '../protocol/requests/log.js'
import type { Subscription } from '../protocol/requests/membership.js'
import type { ShareGroupOptions } from '../protocol/requests/share-groups.js'
import type { TopicConfig } from '../protocol/requests/topics.js'

export interface TopicRow {
  readonly topic: TopicName
  /** By partition number. */
  readonly partitionIds: readonly PartitionId[]
  readonly config: TopicConfig
  readonly createdAtMs: number
}

export interface PartitionRow {
  readonly topicId: TopicId
  readonly partition: number
  readonly logStartOffset: number
}

/** The last batches of one producer on one partition, oldest first (rules 23 to 25). */
export interface ProducerRow {
  readonly producerEpoch: number
  readonly batches: readonly ProducerBatch[]
  readonly updatedAtMs: number
}

export interface ProducerBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  /** Messages that were known by their ids, as they were told of; not all of very many. */
  readonly repeats?: RepeatedMessages
  /** All of them were: nothing was appended, and `baseOffset` is where the first one is. */
  readonly isAppended?: false
}

export interface OffsetRow {
  readonly offset: number
  readonly metadata?: string
  readonly committedAtMs: number
}

export interface GroupRow {
  readonly groupEpoch: number
  readonly assignor: AssignorName
  /** Since when the group has no member; undefined while it has. */
  readonly emptySinceMs?: number
  /**
   * Since when the group reads each topic or pattern, as the id that the next partition had then: a
   * partition made later is read from its beginning even under `latest` (rule 11), whatever clocks
   * say. Keys are those of {@link Subscription} entries.
   */
  readonly subscribedSince: Readonly<Record<string, number>>
  /** Static members and what they held, so that a broker's restart moves nothing (rule 7). */
  readonly staticMembers: readonly StaticMemberRow[]
}

export interface StaticMemberRow {
  readonly groupInstanceId: InstanceId
  readonly memberId: MemberId
  readonly clientId: string
  readonly memberEpoch: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly subscription: Subscription
  readonly assigned: readonly PartitionId[]
  /** Absent: 1. */
  readonly weight?: number
}

export interface ShareGroupRow {
  readonly options: ShareGroupOptions
  /** Since when the group has no member; undefined while it has. */
  readonly emptySinceMs?: number
  /** As of {@link GroupRow}: what is read from its beginning even under `latest`. */
  readonly subscribedSince: Readonly<Record<string, number>>
}

/** What a share group remembers of one partition. Below `startOffset` all is final. */
export interface SharePartitionRow {
  readonly startOffset: number
  /** Flat, as src/broker/share/runs.ts reads and writes it: what is not in a run was never delivered. */
  readonly runs: readonly number[]
}

export interface ExchangeRow {
  readonly exchange: ExchangeName
  readonly type: ExchangeType
  /** By its name, since there need not be one. */
  readonly alternateExchange: ExchangeName | null
}

/** One way from an exchange. What it leads to is gone only together with it. */
export interface BindingRow {
  readonly to: BindingDestination
  readonly routingKey: string
  readonly headers: Readonly<Record<string, string>>
  readonly match: HeadersMatch
  readonly weight: number
}

export type BindingDestination =
  | { readonly type: 'topic'; readonly topicId: TopicId }
  | { readonly type: 'exchange'; readonly exchangeId: ExchangeId }

/**
 * The last publications of one producer to one exchange of which anything was stored, and their answer,
 * so that they are not stored again when nobody heard it.
 */
export interface PublisherRow {
  readonly firstNumber: number
  /** One for each number from there. */
  readonly results: readonly PublishResult[]
  readonly updatedAtMs: number
}
