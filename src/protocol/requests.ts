/**
 * The whole conversation between a tab and the broker, in one readable file. A request is a plain
 * object tagged by `api`; the reply is the wire form of either the response or an error. Partitions
 * travel as partition ids: an id names one partition of one topic's life, so a topic that was
 * deleted and made again can never be confused with its predecessor (rule 21).
 */
import type { WireError } from './errors.js'
import type {
  GroupId,
  InstanceId,
  MemberId,
  PartitionId,
  SessionId,
  TopicId,
  TopicName,
} from './names.js'

/** Every API by name: what is asked and what is answered. */
export interface Apis {
  metadata: Api<{ topics: readonly TopicName[] | 'all' }, { topics: readonly TopicMetadata[] }>
  createTopics: Api<
    { topics: readonly NewTopic[]; ifNotExists: boolean; validateOnly: boolean },
    { created: readonly TopicName[] }
  >
  deleteTopics: Api<{ topics: readonly TopicName[] }, Empty>
  createPartitions: Api<{ topic: TopicName; count: number }, Empty>
  alterConfigs: Api<{ topic: TopicName; config: Partial<TopicConfig> }, Empty>
  produce: Api<
    { acks: Acks; batches: readonly PartitionBatch[] },
    { results: readonly PartitionResult<{ baseOffset: number; duplicate: boolean }>[] }
  >
  fetch: Api<
    {
      /** One fetch per fetcher waits at a time: a newer one answers the older at once. */
      fetcherId: string
      partitions: readonly FetchPartition[]
      maxBytes: number
      minBytes: number
      maxWaitMs: number
    },
    { partitions: readonly PartitionResult<FetchedPartition>[] }
  >
  listOffsets: Api<
    { partitions: readonly { partitionId: PartitionId; at: OffsetSpec }[] },
    { results: readonly PartitionResult<ListedOffset>[] }
  >
  deleteRecords: Api<
    { partitions: readonly { partitionId: PartitionId; beforeOffset: number }[] },
    { results: readonly PartitionResult<{ logStartOffset: number }>[] }
  >
  groupHeartbeat: Api<GroupHeartbeatRequest, GroupHeartbeatResponse>
  leaveGroup: Api<{ groupId: GroupId; member: MemberRef }, Empty>
  commitOffsets: Api<
    {
      groupId: GroupId
      /** Absent: an administrator, allowed only while the group is empty. */
      member?: MemberRef
      offsets: readonly OffsetToCommit[]
    },
    Empty
  >
  fetchOffsets: Api<
    { groupId: GroupId; partitions: readonly PartitionId[] | 'all' },
    { offsets: readonly CommittedOffset[] }
  >
  /** Where a member starts: the committed offset, else what its reset policy says. */
  startOffsets: Api<
    {
      groupId: GroupId
      member: MemberRef
      partitions: readonly PartitionId[]
      autoOffsetReset: AutoOffsetReset
    },
    { results: readonly PartitionResult<{ offset: number }>[] }
  >
  listGroups: Api<Empty, { groups: readonly GroupListing[] }>
  describeGroups: Api<{ groupIds: readonly GroupId[] }, { groups: readonly GroupDescription[] }>
  deleteGroups: Api<{ groupIds: readonly GroupId[] }, Empty>
  describeCluster: Api<Empty, ClusterDescription>
  watch: Api<{ watchId: string; intervalMs: number }, ClusterState>
  unwatch: Api<{ watchId: string }, Empty>
}

export type ApiName = keyof Apis
export type RequestOf<A extends ApiName> = Apis[A]['request'] & { readonly api: A }
export type ResponseOf<A extends ApiName> = Apis[A]['response']
export type Request = { [A in ApiName]: RequestOf<A> }[ApiName]

interface Api<Req, Res> {
  readonly request: Readonly<Req>
  readonly response: Readonly<Res>
}

export type Empty = Record<never, never>

/** What comes back over the port. The incarnation tells one life of the broker from the next. */
export type WireReply<T = unknown> =
  | { readonly incarnation: string; readonly ok: true; readonly value: T }
  | { readonly incarnation: string; readonly ok: false; readonly error: WireError }

/** The first call on a port: nothing else is answered before it. */
export interface Hello {
  readonly protocolVersion: number
  readonly sessionId: SessionId
  readonly clientId: string
  /** The Web Lock that the tab holds while it lives; absent where the transport itself tells. */
  readonly lockName?: string
  /** Which of a worker's brokers the tab means; absent where the transport leads to one only. */
  readonly brokerName?: string
}

export interface Welcome {
  readonly incarnation: string
  readonly brokerEpoch: number
}

/** What the broker says unasked. Each is small and answered, so none can pile up in a dead tab. */
export type Push =
  | { readonly push: 'heartbeat'; readonly groupId: GroupId; readonly memberId: MemberId }
  /** The broker had to load its state again: whoever is a member of a group joins again. */
  | { readonly push: 'rejoin' }
  /** Topics, partitions or configs are not what they were: what a tab knows of them is old. */
  | { readonly push: 'topicsChanged' }
  | { readonly push: 'clusterState'; readonly watchId: string; readonly state: ClusterState }

/** 0: answered at once. 1: a relaxed transaction completed. -1: a strict one did. */
export type Acks = -1 | 0 | 1
export type AutoOffsetReset = 'earliest' | 'latest' | 'none'
export type AssignorName = 'uniform' | 'range' | 'roundrobin' | 'sticky'
export const ASSIGNOR_NAMES: readonly AssignorName[] = ['uniform', 'range', 'roundrobin', 'sticky']

export interface TopicConfig {
  /** Batches whose newest message is older are dropped; null keeps them whatever their age. */
  readonly retentionMs: number | null
  /** Oldest batches are dropped while a partition holds more; null sets no limit. */
  readonly retentionBytes: number | null
  /** The largest single message, key and headers included, as encoded. */
  readonly maxMessageBytes: number
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

export interface PartitionBatch {
  readonly partitionId: PartitionId
  readonly batch: ArrayBuffer
}

/** Per partition, so that one that fails does not fail the others of the same request. */
export type PartitionResult<T> = { readonly partitionId: PartitionId } & (
  | { readonly error: WireError }
  | (T & { readonly error?: never })
)

export interface FetchPartition {
  readonly partitionId: PartitionId
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchedPartition {
  readonly highWatermark: number
  readonly logStartOffset: number
  /** Whole batches; the first may begin before the offset asked for. */
  readonly batches: readonly ArrayBuffer[]
}

export type OffsetSpec = 'earliest' | 'latest' | { readonly timestampMs: number }

/** `offset` is undefined when no message has a timestamp as late as the one asked for. */
export interface ListedOffset {
  readonly offset: number | undefined
  readonly timestampMs: number | undefined
}

/** A member as it names itself. The instance id tells a fenced static member why it is unknown. */
export interface MemberRef {
  readonly memberId: MemberId
  readonly memberEpoch: number
  readonly groupInstanceId?: InstanceId
}

export interface SubscribedPattern {
  readonly source: string
  readonly flags: string
}

export interface Subscription {
  readonly topics: readonly TopicName[]
  readonly patterns: readonly SubscribedPattern[]
}

/**
 * KIP-848's ConsumerGroupHeartbeat. Epoch 0 joins and must carry the options and the subscription;
 * later ones carry what changed. `owned` is what the member holds now: without it the heartbeat
 * keeps the member alive but acknowledges no revocation (rule 3).
 */
export interface GroupHeartbeatRequest {
  readonly groupId: GroupId
  readonly member: MemberRef
  readonly options?: MemberOptions
  readonly subscription?: Subscription
  readonly owned?: readonly PartitionId[]
}

export interface MemberOptions {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly assignor: AssignorName
}

export interface GroupHeartbeatResponse {
  readonly memberEpoch: number
  readonly groupEpoch: number
  /** All that the member may hold now; what it holds beyond is to be let go. */
  readonly assigned: readonly AssignedPartition[]
  /** Whether more is to come once others let go, or less once this member has. */
  readonly rebalancing: boolean
}

export interface AssignedPartition {
  readonly partitionId: PartitionId
  readonly topic: TopicName
  readonly partition: number
}

export interface OffsetToCommit {
  readonly partitionId: PartitionId
  /** The next offset to read (rule 14). */
  readonly offset: number
  readonly metadata?: string
}

export interface CommittedOffset extends AssignedPartition {
  readonly offset: number
  readonly metadata: string | undefined
  readonly committedAtMs: number
}

/** `empty`: no member. `reconciling`: members on their way to the target. `stable`: all there. */
export type GroupState = 'empty' | 'reconciling' | 'stable'

export interface GroupListing {
  readonly groupId: GroupId
  readonly state: GroupState
}

export interface GroupDescription extends GroupListing {
  readonly groupEpoch: number
  readonly assignor: AssignorName
  readonly members: readonly MemberDescription[]
  readonly offsets: readonly GroupOffset[]
}

export interface MemberDescription {
  readonly memberId: MemberId
  readonly groupInstanceId: InstanceId | undefined
  readonly clientId: string
  /** Undefined while a static member is away. */
  readonly sessionId: SessionId | undefined
  readonly memberEpoch: number
  readonly subscription: Subscription
  readonly assigned: readonly AssignedPartition[]
  readonly target: readonly AssignedPartition[]
}

export interface GroupOffset extends AssignedPartition {
  /** Undefined while nothing was committed. */
  readonly committedOffset: number | undefined
  readonly highWatermark: number
  /** Messages below the high watermark still to be committed, from the log start at the earliest. */
  readonly lag: number
}

export interface SessionDescription {
  readonly sessionId: SessionId
  readonly clientId: string
  readonly connectedAtMs: number
}

export interface ClusterDescription {
  readonly incarnation: string
  readonly brokerEpoch: number
  readonly protocolVersion: number
  readonly startedAtMs: number
  readonly sessions: readonly SessionDescription[]
  readonly storage: StorageEstimate
}

export interface StorageEstimate {
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
  readonly persisted: boolean | undefined
}

export interface PartitionState {
  readonly partitionId: PartitionId
  readonly partition: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly sizeBytes: number
}

export interface TopicState {
  readonly topic: TopicName
  readonly topicId: TopicId
  readonly config: TopicConfig
  readonly partitions: readonly PartitionState[]
}

/** What `admin.watch` shows: the whole cluster as it is at one moment. */
export interface ClusterState {
  readonly incarnation: string
  readonly brokerEpoch: number
  readonly atMs: number
  readonly topics: readonly TopicState[]
  readonly groups: readonly GroupDescription[]
  readonly sessions: readonly SessionDescription[]
}
