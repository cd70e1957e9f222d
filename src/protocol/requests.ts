/**
 * The whole conversation between a tab and the broker, in one readable file. A request is a plain
 * object tagged by `api`; the reply is the wire form of either the response or an error. Partitions
 * travel as partition ids: an id names one partition of one topic's life, so a topic that was
 * deleted and made again can never be confused with its predecessor (rule 21).
 */
import type { WireError } from './errors.js'
import type { BrokerLimits } from './limits.js'
import type {
  ExchangeName,
  GroupId,
  InstanceId,
  MemberId,
  PartitionId,
  ProducerId,
  SessionId,
  StoreName,
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
    { results: readonly PartitionResult<ProducedBatch>[] }
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
      /** Changed in the same transaction, or not at all. */
      store?: StoreWrite
      /** Nobody waits for it: it may be written a moment later, together with something else. */
      mayLinger?: boolean
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
  /** Makes the group if there is none, and sets its options: those of the last that joined count. */
  joinShareGroup: Api<ShareGroupJoin, Empty>
  leaveShareGroup: Api<{ groupId: GroupId; memberId: MemberId }, Empty>
  /** Takes messages for one member, or waits for some: a newer one answers the older at once. */
  shareFetch: Api<ShareFetchRequest, ShareFetchResponse>
  shareAcknowledge: Api<
    {
      groupId: GroupId
      memberId: MemberId
      acknowledgements: readonly Acknowledgement[]
      /** Nobody waits for it: it may be written a moment later, together with something else. */
      mayLinger?: boolean
    },
    /** In the order of the acknowledgements: whether each took effect. */
    { results: readonly { error?: WireError }[] }
  >
  /**
   * Sends dead letters to the topics named, each once: which of them were sent by this request, and not
   * before, and are still there, as are their topics.
   */
  redrive: Api<{ records: readonly RecordToRedrive[] }, { moved: readonly boolean[] }>
  describeShareGroups: Api<
    { groupIds: readonly GroupId[] | 'all' },
    { groups: readonly ShareGroupDescription[] }
  >
  /** Entries in the order of their keys, as far as they are durable. */
  storeRead: Api<StoreReadRequest, { entries: readonly StoreEntry[]; hasMore: boolean }>
  storeWrite: Api<StoreWrite, Empty>
  /** Deletes a store with all that is in it. */
  storeClear: Api<{ store: StoreName }, Empty>
  /** Tells of changes by `storeChanged`, from those on that are durable after the answer. */
  storeWatch: Api<{ watchId: string; store: StoreName; prefix: string }, Empty>
  storeUnwatch: Api<{ watchId: string }, Empty>
  listStores: Api<Empty, { stores: readonly StoreListing[] }>
  /** Makes an exchange; the same again changes nothing. */
  declareExchange: Api<
    { exchange: ExchangeName; type: ExchangeType; alternateExchange: ExchangeName | null },
    Empty
  >
  deleteExchange: Api<{ exchange: ExchangeName; ifUnused: boolean }, Empty>
  listExchanges: Api<Empty, { exchanges: readonly ExchangeDescription[] }>
  /** The same again changes nothing, but for the weight. */
  bind: Api<{ exchange: ExchangeName; binding: Binding }, Empty>
  /** Whatever its weight. One that is not there is none to take away. */
  unbind: Api<{ exchange: ExchangeName; binding: Binding }, Empty>
  publish: Api<PublishRequest, { results: readonly PublishResult[] }>
  /** Brings the tab that sent a request its answer: whether anybody there was waiting for it. */
  reply: Api<ReplyTo & { answer: Answer }, { isHeard: boolean }>
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
  /** Which data these are: another id than before means that those before are gone. */
  readonly databaseId: string
}

/** The broker of that name runs in another worker, of another deployment: the tab may connect there. */
export interface Elsewhere {
  readonly elsewhere: WorkerAddress
}

/** What a SharedWorker is known by: a tab that names the same three gets the one that runs. */
export interface WorkerAddress {
  readonly url: string
  readonly name: string
  readonly type: 'classic' | 'module'
}

/** What the broker says unasked. Each is small and answered, so none can pile up in a dead tab. */
export type Push =
  | { readonly push: 'heartbeat'; readonly groupId: GroupId; readonly memberId: MemberId }
  /** The broker had to load its state again: whoever is a member of a group joins again. */
  | { readonly push: 'rejoin' }
  /** This broker has ended, and another may have come: whoever wants one says hello again. */
  | { readonly push: 'closed' }
  /** Topics, partitions or configs are not what they were: what a tab knows of them is old. */
  | { readonly push: 'topicsChanged' }
  | { readonly push: 'clusterState'; readonly watchId: string; readonly state: ClusterState }
  | ({ readonly push: 'storeChanged'; readonly watchId: string } & StoreNews)
  | { readonly push: 'reply'; readonly correlationId: string; readonly answer: Answer }

/** 0: answered at once. 1: a relaxed transaction completed. -1: a strict one did. */
export type Acks = -1 | 0 | 1
/**
 * Where a group starts in a partition of which it has committed nothing, or what it has committed is
 * not there any more: at the first message that there is, behind the last one, or with the error
 * NO_OFFSET_FOR_PARTITION, after which the partition waits for a `seek`.
 */
export type AutoOffsetReset = 'earliest' | 'latest' | 'none'
/**
 * How a group's partitions are dealt to its members. `uniform`: as even as can be, by their weights, moving
 * as few as can be. `range`: of each topic, runs of neighbours, so that the same numbers of several topics come
 * together. `roundrobin`: one after the other. `sticky`: another name of `uniform`.
 */
export type AssignorName = 'uniform' | 'range' | 'roundrobin' | 'sticky'
export const ASSIGNOR_NAMES: readonly AssignorName[] = ['uniform', 'range', 'roundrobin', 'sticky']

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

export interface PartitionBatch {
  readonly partitionId: PartitionId
  readonly batch: ArrayBuffer
  /** It was sent before under this number, and nobody has said whether it was appended. */
  readonly isRepeat?: boolean
}

/** What became of one batch. */
export interface ProducedBatch {
  /** Where it is. If nothing of it was appended: where its first message was already. */
  readonly baseOffset: number
  /** Its producer has sent it before, and it is answered as it was then. */
  readonly duplicate: boolean
  /** Those of its messages that were there under their ids; absent where none were. */
  readonly repeats?: RepeatedMessages
  /** Absent if it was appended, with the repeats void; false if all of it was there. */
  readonly isAppended?: false
}

/** Messages of a batch that were there already, in order; lists of one length. */
export interface RepeatedMessages {
  /** Which of the batch's messages each is, from 0. */
  readonly indexes: Uint32Array
  /** Where it is: the number of the partition, and the offset in it. */
  readonly partitions: Uint32Array
  readonly offsets: Float64Array
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
  /** Absent: 1. */
  readonly weight?: number
}

export interface GroupHeartbeatResponse {
  readonly memberEpoch: number
  readonly groupEpoch: number
  /** All that the member may hold now; what it holds beyond is to be let go. */
  readonly assigned: readonly AssignedPartition[]
  /** Whether more is to come once others let go, or less once this member has. */
  readonly rebalancing: boolean
}

/** A partition by its name, and by the id that is its own for as long as its topic exists. */
export interface AssignedPartition {
  /** A topic that is deleted and made again has other ids. */
  readonly partitionId: PartitionId
  readonly topic: TopicName
  readonly partition: number
}

export interface OffsetToCommit {
  readonly partitionId: PartitionId
  /** The next offset to read (rule 14). */
  readonly offset: number
  readonly metadata?: string
  /** What is committed must be this or less: otherwise somebody has got further, and nothing is. */
  readonly from?: number
}

export interface CommittedOffset extends AssignedPartition {
  readonly offset: number
  readonly metadata: string | undefined
  readonly committedAtMs: number
}

/** How a share group treats its messages; the last member that joined says it for all. */
export interface ShareGroupOptions {
  /** So long, in ms, a delivered message is its member's alone. */
  readonly lockDurationMs: number
  /** How often a message is delivered at most. */
  readonly deliveryCountLimit: number
  /** Where messages go that were rejected or delivered too often; null drops them. */
  readonly deadLetterTopic: TopicName | null
  /** Messages of one key one at a time, in their order. */
  readonly isOrderedByKey: boolean
  /** Where the group begins in a partition that it has never read. */
  readonly autoOffsetReset: 'earliest' | 'latest'
}

export interface ShareGroupJoin {
  readonly groupId: GroupId
  readonly memberId: MemberId
  readonly subscription: Subscription
  readonly options: ShareGroupOptions
  /** Its part of the messages, beside the weights of the others that wait for some; at least 1. */
  readonly weight: number
}

export interface ShareFetchRequest {
  readonly groupId: GroupId
  readonly memberId: MemberId
  /** 0 only ends the one that waits. */
  readonly maxRecords: number
  /** Beyond the first batch. */
  readonly maxBytes: number
  readonly maxWaitMs: number
  /** Batches that the member has from an earlier answer, and which need not come again. */
  readonly kept?: readonly KeptBatchId[]
}

export interface KeptBatchId {
  readonly partitionId: PartitionId
  readonly baseOffset: number
}

export interface ShareFetchResponse {
  /** When they were taken, by the broker's clock, in ms since 1970; and for how long. */
  readonly acquiredAtMs: number
  readonly lockDurationMs: number
  readonly partitions: readonly SharedPartition[]
}

/** What of one partition was taken for a member. */
export interface SharedPartition extends AssignedPartition {
  /** Whole batches, in which the records that were taken are, but for those that the member has. */
  readonly batches: readonly ArrayBuffer[]
  /** In the order of offsets; none overlaps another. */
  readonly acquired: readonly AcquiredRange[]
}

/** Offsets, both inclusive, that are this member's now. */
export interface AcquiredRange {
  readonly firstOffset: number
  readonly lastOffset: number
  /** How often each was delivered, this time included. */
  readonly deliveryCount: number
}

/**
 * `accept`: done, for good. `release`: for anybody, after `delayMs`. `return`: the same at once, and as if
 * it had not been delivered. `reject`: never again; a dead letter. `renew`: the lock begins anew.
 */
export const ACKNOWLEDGEMENT_TYPES = ['accept', 'release', 'return', 'reject', 'renew'] as const
export type AcknowledgementType = (typeof ACKNOWLEDGEMENT_TYPES)[number]

export interface Acknowledgement extends AcquiredRange {
  readonly partitionId: PartitionId
  readonly type: AcknowledgementType
  /** Of a release: so long nobody gets it. */
  readonly delayMs?: number
  /** Of a rejection, for who reads the dead letter. */
  readonly reason?: string
  /** Of an acceptance: changed in the same transaction, or not at all. */
  readonly store?: StoreWrite
}

/** Changes of one store; no key is named twice. */
export interface StoreWrite {
  readonly store: StoreName
  readonly puts: readonly StoreEntry[]
  readonly deletes: readonly string[]
}

/** The value as a tab has encoded it: the broker sees bytes. */
export interface StoreEntry {
  readonly key: string
  readonly value: ArrayBuffer
}

export interface StoreReadRequest {
  readonly store: StoreName
  /** The first key, and the first that is not wanted any more; absent for the end of the store. */
  readonly from: string
  readonly to?: string
  readonly limit: number
  /** Beyond the first entry. */
  readonly maxBytes: number
}

/** What has changed in a store since the last time; of a key the last change. */
export interface StoreNews {
  /** Null for a key that is gone. */
  readonly changes: readonly { readonly key: string; readonly value: ArrayBuffer | null }[]
  /** More has changed than is kept, or nobody knows what: it is to be read anew. */
  readonly isReset: boolean
}

/** What `admin.listStores` lists. */
export interface StoreListing {
  readonly store: string
}

export interface RecordToRedrive {
  /** Where the dead letter is. */
  readonly partitionId: PartitionId
  readonly offset: number
  /** Where it goes. */
  readonly topic: TopicName
}

/** A share group with what each of its partitions is waiting for. */
export interface ShareGroupDescription {
  readonly groupId: GroupId
  readonly options: ShareGroupOptions
  readonly members: readonly ShareMemberDescription[]
  readonly partitions: readonly SharePartitionDescription[]
}

export interface ShareMemberDescription {
  readonly memberId: MemberId
  readonly clientId: string
  readonly sessionId: SessionId
  readonly subscription: Subscription
  readonly weight: number
  /** Messages that it has and has not acknowledged. */
  readonly acquired: number
}

/** How far a share group has come in one partition. */
export interface SharePartitionDescription extends AssignedPartition {
  /** Below it all is final. */
  readonly startOffset: number
  readonly highWatermark: number
  /** Messages that anybody may have now, or when their time has come (`delayed`, a part of it). */
  readonly available: number
  readonly delayed: number
  readonly acquired: number
  /** Who has what, by offset. */
  readonly locks: readonly ShareLock[]
  readonly counters: ShareCounters
}

export interface ShareLock extends AcquiredRange {
  readonly memberId: MemberId
  /** In ms since 1970. */
  readonly lockedUntilMs: number
}

/** Messages, since the broker started. */
export interface ShareCounters {
  readonly delivered: number
  readonly accepted: number
  readonly released: number
  readonly rejected: number
  /** Locks that ran out. */
  readonly timedOut: number
  readonly deadLettered: number
  /**
   * That ended without being accepted or dead-lettered: the group has no topic for dead letters, retention
   * has taken them, or they went round in a circle.
   */
  readonly dropped: number
  /** Whose time was over before anybody had them. */
  readonly expired: number
}

/**
 * Which bindings of an exchange a message goes by. `direct`: whose routing key is its own. `fanout`: all.
 * `topic`: whose routing key is a pattern of its words, split at dots, where `*` is one word and `#` any
 * number of them. `headers`: whose headers it has. `consistent-hash`: one, always the same for a
 * routing key.
 */
export type ExchangeType = 'direct' | 'topic' | 'fanout' | 'headers' | 'consistent-hash'
export const EXCHANGE_TYPES: readonly ExchangeType[] = [
  'direct',
  'topic',
  'fanout',
  'headers',
  'consistent-hash',
]

/** Whether a message must have all headers that a binding names, or any of them. */
export type HeadersMatch = 'all' | 'any'

/** Where a binding leads: to a topic, the queue of whoever reads it, or to another exchange. */
export type BindingTarget =
  | { readonly topic: TopicName; readonly toExchange?: never }
  | { readonly toExchange: ExchangeName; readonly topic?: never }

/** A way from an exchange. Two that differ in nothing but the weight are the same. */
export type Binding = BindingTarget & {
  readonly routingKey: string
  /** Of a headers exchange. */
  readonly headers: Readonly<Record<string, string>>
  readonly match: HeadersMatch
  /** Of a consistent-hash exchange: its part of the routing keys, beside the others' weights. */
  readonly weight: number
}

/** An exchange with its bindings, and what has become of what was published to it. */
export interface ExchangeDescription {
  readonly exchange: ExchangeName
  readonly type: ExchangeType
  /** Where messages go on that match none of its bindings; null drops them. It need not exist. */
  readonly alternateExchange: ExchangeName | null
  readonly bindings: readonly Binding[]
  readonly counters: ExchangeCounters
}

/** Messages that were published to an exchange, since the broker started. */
export interface ExchangeCounters {
  /** All of them, but for those that a queue could not take. */
  readonly published: number
  /** That went to one queue at least. */
  readonly routed: number
  /** That went to none, and were refused since they were `mandatory`. */
  readonly unroutable: number
  /** That went to none. */
  readonly dropped: number
}

export interface PublishRequest {
  readonly exchange: ExchangeName
  readonly producerId: ProducerId
  /** Of the first publication; those after it follow. A producer counts up for each exchange. */
  readonly firstNumber: number
  readonly acks: Acks
  readonly publications: readonly Publication[]
  /**
   * It was sent before, nobody has said what became of it, and the broker has stored something of this
   * producer: if it does not know that any more, it cannot know what became of this either.
   */
  readonly isRepeat?: boolean
}

/** What goes to all its queues or to none. */
export interface Publication {
  readonly routingKey: string
  /** Values by name, of those that can be matched. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** Whether it is refused when there is no queue for it. */
  readonly mandatory: boolean
  /** None: one that was given up and only keeps its number. */
  readonly batches: readonly PublishedBatch[]
}

/** Messages of which each queue has one partition. */
export interface PublishedBatch {
  /** Of the messages' key, a murmur2 without its sign; null for messages without. */
  readonly keyHash: number | null
  readonly batch: ArrayBuffer
}

export type PublishResult =
  | { readonly error: WireError; readonly placements?: never }
  | { readonly placements: readonly Placement[]; readonly error?: never }

/** Where a publication's batches for one partition begin. */
export interface Placement extends AssignedPartition {
  /** Which of the publication's batches is the first there. */
  readonly batch: number
  /** Of the first message that was stored. */
  readonly baseOffset: number
  /** None was stored, since their ids are known: the first message is there already. */
  readonly duplicate?: true
}

/** Who waits for the answer of a request, and by which name it is known there. */
export interface ReplyTo {
  readonly sessionId: SessionId
  readonly correlationId: string
}

/** What a handler replied, encoded by the structured codec, or how it failed. */
export type Answer = { readonly value: ArrayBuffer } | { readonly error: AnsweredError }

/** As much of an error as crosses from one tab to another. */
export interface AnsweredError {
  readonly name: string
  readonly message: string
  readonly code?: string | number
}

/** `empty`: no member. `reconciling`: members on their way to the target. `stable`: all there. */
export type GroupState = 'empty' | 'reconciling' | 'stable'

/** A group in the list of `admin.listGroups`. */
export interface GroupListing {
  readonly groupId: GroupId
  /** Whether partitions are dealt to its members, or messages. A share group is never reconciling. */
  readonly type: 'consumer' | 'share'
  readonly state: GroupState
}

/** A group with its members, and how far it has come. */
export interface GroupDescription extends GroupListing {
  /** Goes up whenever members, subscriptions or topics change what is to be assigned. */
  readonly groupEpoch: number
  readonly assignor: AssignorName
  /** By member id; none while the group is empty. */
  readonly members: readonly MemberDescription[]
  /** Of each partition that is assigned or of which something was committed. */
  readonly offsets: readonly GroupOffset[]
}

/** One consumer of a group. */
export interface MemberDescription {
  readonly memberId: MemberId
  /** Undefined for a dynamic member. */
  readonly groupInstanceId: InstanceId | undefined
  /** The `clientId` of its tab. */
  readonly clientId: string
  /** Undefined while a static member is away. */
  readonly sessionId: SessionId | undefined
  /** The group epoch that it has reached. */
  readonly memberEpoch: number
  readonly subscription: Subscription
  /** Its part of the partitions, beside the others' weights. */
  readonly weight: number
  /** What it holds now, with what it was told to let go of and has not yet. */
  readonly assigned: readonly AssignedPartition[]
  /** What it is to hold in the end. */
  readonly target: readonly AssignedPartition[]
}

/** How far a group has come in one partition. */
export interface GroupOffset extends AssignedPartition {
  /** The next offset to read; undefined while nothing was committed. */
  readonly committedOffset: number | undefined
  /** The offset below which all messages can be read. */
  readonly highWatermark: number
  /** Messages below the high watermark still to be committed, from the log start at the earliest. */
  readonly lag: number
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
