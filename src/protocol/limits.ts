/**
 * Every limit and every default in one place. A queue, batch, retry or wait without a line here is
 * a bug. Names are Kafka's config names in camelCase, with the unit last.
 */

/** Limits that the broker enforces on every request; a worker of one's own may change them. */
export interface BrokerLimits {
  readonly partitionsPerTopicMax: number
  /** Of all topics together: each is an object in memory and a row on the disk. */
  readonly partitionsMax: number
  readonly topicsMax: number
  readonly groupsMax: number
  readonly groupMembersMax: number
  readonly requestPartitionsMax: number
  readonly batchBytesMax: number
  readonly fetchBytesMax: number
  readonly fetchWaitMsMax: number
  /** How many tabs can be connected; one more is told to try again later. */
  readonly sessionsMax: number
  readonly sessionRequestsInFlightMax: number
  /** Bytes of a tab that are not on the disk yet; beyond, it is told to send them again later. */
  readonly sessionBufferedBytesMax: number
  /** The same of all tabs; a tab of which there is nothing may send one request all the same. */
  readonly bufferedBytesMax: number
  readonly sessionFetchesMax: number
  /** What a tab's fetches may bring together; each gets less where there are many. */
  readonly sessionFetchBytesMax: number
  readonly sessionMembersMax: number
  /** Producers of a tab whose repeats are recognised; beyond, those silent for longest are forgotten. */
  readonly sessionProducersMax: number
  readonly sessionWatchesMax: number
  /** Requests for a heartbeat, and replies, that a tab has not taken; beyond, there are no more. */
  readonly sessionPushesMax: number
  /** What one `reply` may carry. */
  readonly replyBytesMax: number
  /** What the replies may that a tab has not taken; beyond, they are dropped. */
  readonly sessionReplyBytesMax: number
  readonly transactionBytesMax: number
  /** How long what `mayLinger` waits for a transaction that it can be part of. */
  readonly commitLingerMs: number
  readonly unacknowledgedBytesMax: number
  readonly tailBytes: number
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
  readonly rebalanceTimeoutMsMax: number
  readonly offsetMetadataLengthMax: number
  readonly retentionCheckIntervalMs: number
  readonly offsetsRetentionMs: number
  readonly producerExpirationMs: number
  /** Ids of messages that a topic with a `dedupWindowMs` remembers; beyond, the oldest are forgotten. */
  readonly messageIdsPerTopicMax: number
  /** What the ids of all topics may take in memory, about. */
  readonly messageIdsBytesMax: number
  readonly heartbeatIntervalMsMax: number
  readonly lockDurationMsMin: number
  readonly lockDurationMsMax: number
  /** Messages that one `shareFetch` may take. */
  readonly shareFetchRecordsMax: number
  /** Messages of one partition that a share group's members have and have not acknowledged (S5). */
  readonly sharePartitionAcquiredMax: number
  /** Runs of messages alike that a share group remembers of one partition; beyond, none is taken on. */
  readonly sharePartitionRunsMax: number
  /** How far beyond its first message that is not final a share group looks for one to deliver. */
  readonly shareLookAheadRecordsMax: number
  readonly storesMax: number
  /** Entries that one request may read, or write in all. */
  readonly storeRequestEntriesMax: number
  readonly storeValueBytesMax: number
  readonly sessionStoreWatchesMax: number
  /** Changes that a watch of a store keeps for a tab that is slow; beyond, the tab reads anew. */
  readonly storeWatchChangesMax: number
  readonly storeWatchBytesMax: number
  readonly exchangesMax: number
  readonly bindingsPerExchangeMax: number
  /** Of all exchanges together: a message may have to be held against each. */
  readonly bindingsMax: number
  /** Exchanges that one message comes to, from the one it is published to on. */
  readonly routingHopsMax: number
  /** Of one `publish` request. */
  readonly publicationsMax: number
  /** Batches that those of one `publish` request become, one for each queue that they go to. */
  readonly publishAppendsMax: number
  /** The bytes of these. */
  readonly publishBytesMax: number
}

// Those that a tab goes by as well, each for itself: what it does not go by, it need not download.
export const REQUEST_PARTITIONS_MAX = 4_096
export const FETCH_BYTES_MAX = 64 * 1024 * 1024
export const REPLY_BYTES_MAX = 16 * 1024 * 1024
export const PRODUCER_EXPIRATION_MS = 24 * 3_600_000
export const SHARE_FETCH_RECORDS_MAX = 10_000
export const STORE_REQUEST_ENTRIES_MAX = 1_000
export const STORE_VALUE_BYTES_MAX = 1024 * 1024
export const PUBLICATIONS_MAX = 256
export const LOCK_DURATION_MS_MIN = 100
export const LOCK_DURATION_MS_MAX = 12 * 3_600_000

export const BROKER_LIMITS: BrokerLimits = {
  partitionsPerTopicMax: 1024,
  partitionsMax: 20_000,
  topicsMax: 10_000,
  groupsMax: 10_000,
  groupMembersMax: 1_000,
  requestPartitionsMax: REQUEST_PARTITIONS_MAX,
  /** One batch is one IndexedDB row; rows beyond some MB stop getting faster. */
  batchBytesMax: 16 * 1024 * 1024,
  fetchBytesMax: FETCH_BYTES_MAX,
  fetchWaitMsMax: 60_000,
  sessionsMax: 1_000,
  sessionRequestsInFlightMax: 1_000,
  sessionBufferedBytesMax: 64 * 1024 * 1024,
  bufferedBytesMax: 256 * 1024 * 1024,
  sessionFetchesMax: 256,
  sessionFetchBytesMax: 256 * 1024 * 1024,
  sessionMembersMax: 100,
  sessionProducersMax: 1_000,
  sessionWatchesMax: 16,
  sessionPushesMax: 1_000,
  replyBytesMax: REPLY_BYTES_MAX,
  sessionReplyBytesMax: 64 * 1024 * 1024,
  transactionBytesMax: 32 * 1024 * 1024,
  commitLingerMs: 10,
  /** With more on its way to the disk than this, a `produce` with acks 0 waits like any other. */
  unacknowledgedBytesMax: 32 * 1024 * 1024,
  tailBytes: 16 * 1024 * 1024,
  sessionTimeoutMsMin: 1_000,
  sessionTimeoutMsMax: 30 * 60_000,
  rebalanceTimeoutMsMax: 30 * 60_000,
  offsetMetadataLengthMax: 4_096,
  retentionCheckIntervalMs: 60_000,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  producerExpirationMs: PRODUCER_EXPIRATION_MS,
  messageIdsPerTopicMax: 100_000,
  messageIdsBytesMax: 64 * 1024 * 1024,
  heartbeatIntervalMsMax: 3_000,
  lockDurationMsMin: LOCK_DURATION_MS_MIN,
  lockDurationMsMax: LOCK_DURATION_MS_MAX,
  shareFetchRecordsMax: SHARE_FETCH_RECORDS_MAX,
  sharePartitionAcquiredMax: 2_000,
  sharePartitionRunsMax: 2_000,
  shareLookAheadRecordsMax: 50_000,
  storesMax: 1_000,
  storeRequestEntriesMax: STORE_REQUEST_ENTRIES_MAX,
  storeValueBytesMax: STORE_VALUE_BYTES_MAX,
  sessionStoreWatchesMax: 100,
  storeWatchChangesMax: 1_000,
  storeWatchBytesMax: 1024 * 1024,
  exchangesMax: 1_000,
  bindingsPerExchangeMax: 1_000,
  bindingsMax: 5_000,
  routingHopsMax: 64,
  publicationsMax: PUBLICATIONS_MAX,
  publishAppendsMax: 16_384,
  publishBytesMax: 64 * 1024 * 1024,
}

/** What a call on a port is known by: Comlink's ids have some 60 characters. */
export const PORT_CALL_ID_LENGTH_MAX = 256

/** Messages that are encoded, and copied as dead letters, together; unless one alone is larger. */
export const CHUNK_BYTES_MAX = 64 * 1024

/** What a client puts into one `produce`, and one batch more. */
export const PRODUCE_REQUEST_BYTES_MAX = 8 * 1024 * 1024

/**
 * How long the broker's thread works for one tab before the others that wait have their turn; what
 * the tab has asked for besides waits for the next.
 */
export const SESSION_TURN_MS = 20

/** Brokers of one worker: each name that a tab says hello with is a database of its own. */
export const WORKER_BROKERS_MAX = 64

/**
 * So long a worker lives before it ends for a tab that is newer. With an old script in the browser's
 * cache, the worker that comes in its place is no newer, and is asked to end as well.
 */
export const WORKER_LIFE_MS_MIN = 10_000

/** Batches that a member of a share group has and need not be sent again. */
export const SHARE_KEPT_BATCHES_MAX = 8

/** How many fetches and look-ups read from the disk at once. */
export const DISK_READERS_MAX = 8

/** How many groups one request may name. */
export const REQUEST_GROUPS_MAX = 10_000

/** The most that a topic's `maxMessageBytes` may be: with its batch it fits `batchBytesMax`. */
export const MAX_MESSAGE_BYTES_MAX = 15 * 1024 * 1024

/** What a group remembers having read: beyond it, only what its members read now. */
export const SUBSCRIPTIONS_REMEMBERED_MAX = 1_000

/** How many of a producer's last batches per partition a repeat is recognised among (as Kafka). */
export const PRODUCER_BATCHES_REMEMBERED = 5

/** Of how many messages that were known by their ids a producer's batch remembers where they are. */
export const REPEATS_REMEMBERED_MAX = 1_024

/** What a topic has that does not say otherwise. */
export const TOPIC_DEFAULTS = {
  numPartitions: 1,
  retentionMs: 7 * 24 * 3_600_000,
  retentionBytes: null,
  maxMessageBytes: 1024 * 1024,
  dedupWindowMs: null,
} as const

export const TOPIC_NAME_LENGTH_MAX = 249
export const MESSAGE_ID_LENGTH_MAX = 256
/** Of a message; 0 is that of a message that says nothing. */
export const PRIORITY_MAX = 9
export const GROUP_ID_LENGTH_MAX = 255
/** What a tab calls itself, its fetchers, its watches and what it waits for. */
export const ID_LENGTH_MAX = 255
export const BROKER_NAME_LENGTH_MAX = 100
export const STORE_NAME_LENGTH_MAX = 255
export const STORE_KEY_LENGTH_MAX = 1_024
/** What a client asks for at once of a store that it reads as a whole. */
export const STORE_PAGE_BYTES = 4 * 1024 * 1024
export const PATTERN_LENGTH_MAX = 1_000
/** Of one subscription. */
export const SUBSCRIPTION_TOPICS_MAX = 1_000
export const SUBSCRIPTION_PATTERNS_MAX = 64
/** How large a pattern may be with its counted repetitions unfolded. */
export const PATTERN_STEPS_MAX = 1_000
/** Steps that a subscription's patterns may take to be matched with all topics: a second or so. */
export const PATTERN_WORK_MAX = 100_000_000

/** How a worker comes to have the database of a broker that another worker has. */
export const LEADERSHIP = {
  /** How often it asks. */
  askIntervalMs: 250,
  /** A worker that has not answered by then hangs, and is deposed. */
  silenceMsMax: 5_000,
  /** So long may one take that has said that it is letting go. */
  handOverMsMax: 10_000,
} as const

/** How a reply comes to the tab that waits for it. */
export const REPLY = {
  /** A tab that has not taken it by then sleeps, or is gone; whoever replied is not to wait longer. */
  takenWithinMs: 1_000,
  /** So long after a broker's start, a tab that is not connected may be on its way. */
  reconnectMs: 5_000,
  /** Of the error in its place. */
  errorNameLengthMax: 255,
  errorMessageLengthMax: 10_000,
} as const

/** What every client does unless told otherwise. */
export const CLIENT_DEFAULTS = {
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 15_000,
  reconnectBackoffMs: 50,
  reconnectBackoffMsMax: 2_000,
} as const

export const PRODUCER_DEFAULTS = {
  acks: 1,
  lingerMs: 0,
  batchSize: 1024 * 1024,
  deliveryTimeoutMs: 120_000,
  bufferMemoryBytes: 32 * 1024 * 1024,
  retryBackoffMs: 20,
  retryBackoffMsMax: 1_000,
  inFlightBatchesPerPartitionMax: PRODUCER_BATCHES_REMEMBERED,
} as const

export const CONSUMER_DEFAULTS = {
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  weight: 1,
  maxPollIntervalMs: 300_000,
  maxBytes: 8 * 1024 * 1024,
  maxBytesPerPartition: 1024 * 1024,
  minBytes: 1,
  maxWaitMs: 5_000,
  partitionsConsumedConcurrently: 1,
  retryBackoffMs: 300,
  retryBackoffMsMax: 30_000,
  bufferedBytesPerPartitionMax: 2 * 1024 * 1024,
} as const

/** Of `admin.fetchMessages`: for looking, not for consuming. */
export const FETCH_MESSAGES_DEFAULTS = {
  maxMessages: 100,
  maxMessagesMax: 10_000,
  maxBytes: 1024 * 1024,
} as const

export const SHARE_CONSUMER_DEFAULTS = {
  maxInFlight: 100,
  lockDurationMs: 30_000,
  deliveryCountLimit: 5,
  concurrency: 1,
  maxBytes: 8 * 1024 * 1024,
  maxWaitMs: 5_000,
  weight: 1,
  retry: { initialDelayMs: 1_000, multiplier: 2, maxDelayMs: 60_000 },
} as const

/** Of a routing key, in characters (as RabbitMQ). */
export const ROUTING_KEY_LENGTH_MAX = 255
/** Of a binding to a topic exchange: a state each, and one before the first, in 31 bits. */
export const TOPIC_BINDING_WORDS_MAX = 30
/** Headers that a binding asks for, and values that a message is routed by. */
export const BINDING_HEADERS_MAX = 16
export const ROUTED_HEADERS_MAX = 64
/** Of a header's name or value in a binding, in characters: a longer one of a message matches none. */
export const ROUTING_HEADER_LENGTH_MAX = 500
export const BINDING_WEIGHT_MAX = 1_000
export const REQUEST_DEFAULTS = {
  timeoutMs: 30_000,
} as const

/** Requests of a tab that wait for a reply. */
export const REQUESTS_WAITING_MAX = 10_000

export const DELIVERY_COUNT_LIMIT_MAX = 1_000_000
/** Of a member of a group of either kind. */
export const MEMBER_WEIGHT_MAX = 1_000
export const REJECT_REASON_LENGTH_MAX = 1_000
export const RELEASE_DELAY_MS_MAX = 365 * 24 * 3_600_000

/** A browser's timer that is to wait longer fires at once. */
export const TIMER_MS_MAX = 0x7fff_ffff

export const WATCH_INTERVAL_MS_MIN = 20
export const WATCH_INTERVAL_MS_DEFAULT = 100
