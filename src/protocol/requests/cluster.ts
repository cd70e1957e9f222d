/** The broker as a whole: its tabs, its storage, and its state from moment to moment. */
import type { BrokerLimits } from '../limits.js'
import type { PartitionId, SessionId, TopicId, TopicName } from '../names.js'
import type { Api, Empty } from './api.js'
import type { ExchangeDescription } from './exchanges.js'
import type { GroupDescription } from './groups.js'
import type { ShareGroupDescription } from './share-groups.js'
import type { TopicConfig } from './topics.js'

export interface ClusterApis {
  describeCluster: Api<Empty, ClusterDescription>
  watch: Api<{ watchId: string; intervalMs: number }, ClusterState>
  unwatch: Api<{ watchId: string }, Empty>
}

/** A tab that is connected. */
export interface SessionDescription {
  readonly sessionId: SessionId
  /** The `clientId` that its client was given; by default, the path of its page. */
  readonly clientId: string
  /** In ms since 1970. */
  readonly connectedAtMs: number
}

/** The broker itself, as `admin.describeCluster` shows it. */
export interface ClusterDescription {
  /** Names one life of the broker: the next one has another. */
  readonly incarnation: string
  /** How often a broker has opened this database: goes up with each life. */
  readonly brokerEpoch: number
  readonly protocolVersion: number
  /** In ms since 1970. */
  readonly startedAtMs: number
  /** The tabs that are connected. */
  readonly sessions: readonly SessionDescription[]
  readonly storage: StorageEstimate
  /** As the worker was given them. */
  readonly limits: BrokerLimits
}

/** What the browser says of the origin's storage; undefined is what it does not say. */
export interface StorageEstimate {
  /** Of everything that the origin stores, not of tabmq alone. */
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
  /** Whether the browser has promised not to clear it by itself when space is short. */
  readonly persisted: boolean | undefined
}

/** One partition's log. */
export interface PartitionState {
  readonly partitionId: PartitionId
  readonly partition: number
  /** The offset of the first message that is still there. */
  readonly logStartOffset: number
  /** The offset that the next message gets. */
  readonly logEndOffset: number
  /** The offset below which all is written and can be read: at most the log end offset. */
  readonly highWatermark: number
  /** Of all its batches, as they are stored. */
  readonly sizeBytes: number
}

/** One topic in a {@link ClusterState}. */
export interface TopicState {
  readonly topic: TopicName
  /** A topic that is deleted and made again has another. */
  readonly topicId: TopicId
  readonly config: TopicConfig
  /** How many messages were not stored since this broker began, because their ids were known. */
  readonly deduplicated: number
  /** By partition number. */
  readonly partitions: readonly PartitionState[]
}

/** What `admin.watch` shows: the whole cluster as it is at one moment. */
export interface ClusterState {
  /** Names one life of the broker, as in {@link ClusterDescription}. */
  readonly incarnation: string
  readonly brokerEpoch: number
  /** When it was so, by the broker's clock, in ms since 1970. */
  readonly atMs: number
  readonly topics: readonly TopicState[]
  readonly groups: readonly GroupDescription[]
  readonly shareGroups: readonly ShareGroupDescription[]
  readonly exchanges: readonly ExchangeDescription[]
  readonly sessions: readonly SessionDescription[]
}
