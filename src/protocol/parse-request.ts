/**
 * The gate of the broker: turns whatever came over a port into a {@link Request} or throws a typed
 * error that names the offending field. Nothing behind it checks shapes again.
 */
import { TabmqError } from './errors.js'
import { ANY_COUNT, Fields, withoutNegativeZero } from './fields.js'
import {
  DELIVERY_COUNT_LIMIT_MAX,
  MEMBER_WEIGHT_MAX,
  PATTERN_LENGTH_MAX,
  REJECT_REASON_LENGTH_MAX,
  RELEASE_DELAY_MS_MAX,
  REPLY,
  REQUEST_GROUPS_MAX,
  STORE_KEY_LENGTH_MAX,
  SUBSCRIPTION_PATTERNS_MAX,
  SUBSCRIPTION_TOPICS_MAX,
  WATCH_INTERVAL_MS_MIN,
  type BrokerLimits,
  SHARE_KEPT_BATCHES_MAX,
} from './limits.js'
import {
  describe,
  parseBrokerName,
  parseExchangeName,
  parseGroupId,
  parseInstanceId,
  parseMemberId,
  parseSessionId,
  parseStoreKey,
  parseStoreName,
  parseTopicName,
  type ExchangeName,
  type GroupId,
  type MemberId,
  type PartitionId,
} from './names.js'
import { parseBinding, parsePublish } from './parse-routing.js'
import { PROTOCOL_VERSION } from './protocol-version.js'
import {
  ACKNOWLEDGEMENT_TYPES,
  ASSIGNOR_NAMES,
  EXCHANGE_TYPES,
  type Acknowledgement,
  type Answer,
  type ApiName,
  type Hello,
  type MemberOptions,
  type MemberRef,
  type NewTopic,
  type OffsetSpec,
  type OffsetToCommit,
  type Request,
  type RequestOf,
  type ShareGroupOptions,
  type StoreEntry,
  type StoreWrite,
  type Subscription,
  type KeptBatchId,
} from './requests.js'
import { parseTopicConfig } from './topic-config.js'

const ID_LENGTH_MAX = 255
const WATCH_INTERVAL_MS_MAX = 3_600_000
const TIMESTAMPS = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }

const WEIGHTS = { min: 1, max: MEMBER_WEIGHT_MAX }

type Parsers = { [A in ApiName]: (fields: Fields, limits: BrokerLimits) => RequestOf<A> }

/** @throws TabmqError INVALID_REQUEST, or the error of the name or config that is wrong */
export function parseRequest(value: unknown, limits: BrokerLimits): Request {
  const fields = new Fields('request', value)
  const api = fields.oneOf('api', API_NAMES)
  return PARSERS[api](fields, limits)
}

/**
 * @throws TabmqError INVALID_REQUEST; BROKER_SUPERSEDED for a tab that is older than this broker,
 *   UNSUPPORTED_VERSION for one that is newer
 */
export function parseHello(value: unknown): Hello {
  const fields = new Fields('hello', value)
  const protocolVersion = fields.integer('protocolVersion')
  if (protocolVersion !== PROTOCOL_VERSION) {
    throw new TabmqError(
      protocolVersion < PROTOCOL_VERSION ? 'BROKER_SUPERSEDED' : 'UNSUPPORTED_VERSION',
      `the broker speaks version ${PROTOCOL_VERSION} of the protocol, the tab ${protocolVersion}`,
      { brokerVersion: PROTOCOL_VERSION, tabVersion: protocolVersion },
    )
  }
  const sessionId = parseSessionId(fields.raw('sessionId'))
  const clientId = fields.string('clientId', ID_LENGTH_MAX)
  return {
    protocolVersion,
    sessionId,
    clientId,
    ...(fields.has('lockName') ? { lockName: fields.string('lockName', 1_000) } : {}),
    ...(fields.has('brokerName') ? { brokerName: parseBrokerName(fields.raw('brokerName')) } : {}),
  }
}

const PARSERS: Parsers = {
  metadata: (fields, limits) => ({
    api: 'metadata',
    topics:
      fields.raw('topics') === 'all'
        ? 'all'
        : distinct(fields.list('topics', limits.topicsMax, parseTopicName)),
  }),
  createTopics: (fields, limits) => ({
    api: 'createTopics',
    topics: fields.list('topics', limits.topicsMax, parseNewTopic),
    ifNotExists: fields.boolean('ifNotExists'),
    validateOnly: fields.boolean('validateOnly'),
  }),
  deleteTopics: (fields, limits) => ({
    api: 'deleteTopics',
    topics: fields.list('topics', limits.topicsMax, parseTopicName),
  }),
  createPartitions: (fields) => ({
    api: 'createPartitions',
    topic: parseTopicName(fields.raw('topic')),
    count: fields.integer('count'),
  }),
  alterConfigs: (fields) => ({
    api: 'alterConfigs',
    topic: parseTopicName(fields.raw('topic')),
    config: parseTopicConfig(fields.raw('config')),
  }),
  produce: (fields, limits) => ({
    api: 'produce',
    acks: fields.oneOf('acks', [-1, 0, 1] as const),
    batches: distinctPartitions(
      fields.list('batches', limits.requestPartitionsMax, (item, what) => {
        const batch = new Fields(what, item)
        return {
          partitionId: partitionIdOf(batch),
          batch: batch.buffer('batch'),
          ...(batch.has('isRepeat') ? { isRepeat: batch.boolean('isRepeat') } : {}),
        }
      }),
    ),
  }),
  fetch: (fields, limits) => ({
    api: 'fetch',
    fetcherId: fields.string('fetcherId', ID_LENGTH_MAX),
    partitions: distinctPartitions(
      fields.list('partitions', limits.requestPartitionsMax, (item, what) => {
        const wanted = new Fields(what, item)
        return {
          partitionId: partitionIdOf(wanted),
          offset: wanted.integer('offset'),
          maxBytes: wanted.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
        }
      }),
    ),
    maxBytes: fields.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
    minBytes: fields.integer('minBytes', { min: 1, max: limits.fetchBytesMax }),
    maxWaitMs: fields.integer('maxWaitMs', { min: 0, max: limits.fetchWaitMsMax }),
  }),
  listOffsets: (fields, limits) => ({
    api: 'listOffsets',
    partitions: distinctPartitions(
      fields.list('partitions', limits.requestPartitionsMax, (item, what) => {
        const wanted = new Fields(what, item)
        return { partitionId: partitionIdOf(wanted), at: parseOffsetSpec(wanted) }
      }),
    ),
  }),
  deleteRecords: (fields, limits) => ({
    api: 'deleteRecords',
    partitions: distinctPartitions(
      fields.list('partitions', limits.requestPartitionsMax, (item, what) => {
        const wanted = new Fields(what, item)
        return { partitionId: partitionIdOf(wanted), beforeOffset: wanted.integer('beforeOffset') }
      }),
    ),
  }),
  groupHeartbeat: (fields, limits) => ({
    api: 'groupHeartbeat',
    groupId: groupIdOf(fields),
    member: parseMember(fields),
    ...(fields.has('options') ? { options: parseMemberOptions(fields, limits) } : {}),
    ...(fields.has('subscription') ? { subscription: parseSubscription(fields) } : {}),
    ...(fields.has('owned')
      ? { owned: fields.list('owned', limits.requestPartitionsMax * 16, parsePartitionId) }
      : {}),
  }),
  leaveGroup: (fields) => ({
    api: 'leaveGroup',
    groupId: groupIdOf(fields),
    member: parseMember(fields),
  }),
  commitOffsets: (fields, limits) => ({
    api: 'commitOffsets',
    groupId: groupIdOf(fields),
    ...(fields.has('member') ? { member: parseMember(fields) } : {}),
    offsets: distinctPartitions(
      fields.list('offsets', limits.requestPartitionsMax * 16, parseOffsetToCommit),
    ),
    ...(fields.has('store') ? { store: parseStoreWrite(fields.object('store'), limits) } : {}),
    ...(fields.has('mayLinger') ? { mayLinger: fields.boolean('mayLinger') } : {}),
  }),
  fetchOffsets: (fields, limits) => ({
    api: 'fetchOffsets',
    groupId: groupIdOf(fields),
    partitions: fields.raw('partitions') === 'all' ? 'all' : partitionIdsOf(fields, limits),
  }),
  startOffsets: (fields, limits) => ({
    api: 'startOffsets',
    groupId: groupIdOf(fields),
    member: parseMember(fields),
    partitions: partitionIdsOf(fields, limits),
    autoOffsetReset: fields.oneOf('autoOffsetReset', ['earliest', 'latest', 'none'] as const),
  }),
  listGroups: () => ({ api: 'listGroups' }),
  describeGroups: (fields) => ({ api: 'describeGroups', groupIds: groupIdsOf(fields) }),
  deleteGroups: (fields) => ({ api: 'deleteGroups', groupIds: groupIdsOf(fields) }),
  joinShareGroup: (fields, limits) => ({
    api: 'joinShareGroup',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
    subscription: parseSubscription(fields),
    options: parseShareGroupOptions(fields, limits),
    weight: fields.integer('weight', WEIGHTS),
  }),
  leaveShareGroup: (fields) => ({
    api: 'leaveShareGroup',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
  }),
  shareFetch: (fields, limits) => ({
    api: 'shareFetch',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
    maxRecords: fields.integer('maxRecords', { min: 0, max: limits.shareFetchRecordsMax }),
    maxBytes: fields.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
    maxWaitMs: fields.integer('maxWaitMs', { min: 0, max: limits.fetchWaitMsMax }),
    ...(fields.has('kept')
      ? { kept: fields.list('kept', SHARE_KEPT_BATCHES_MAX, parseKeptBatch) }
      : {}),
  }),
  shareAcknowledge: (fields, limits) => ({
    api: 'shareAcknowledge',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
    acknowledgements: fields.list('acknowledgements', limits.shareFetchRecordsMax, (item, what) =>
      parseAcknowledgement(item, what, limits),
    ),
    ...(fields.has('mayLinger') ? { mayLinger: fields.boolean('mayLinger') } : {}),
  }),
  redrive: (fields, limits) => ({
    api: 'redrive',
    records: fields.list('records', limits.requestPartitionsMax, (item, what) => {
      const record = new Fields(what, item)
      return {
        partitionId: partitionIdOf(record),
        offset: record.integer('offset'),
        topic: parseTopicName(record.raw('topic')),
      }
    }),
  }),
  describeShareGroups: (fields) => ({
    api: 'describeShareGroups',
    groupIds: fields.raw('groupIds') === 'all' ? 'all' : groupIdsOf(fields),
  }),
  storeRead: (fields, limits) => ({
    api: 'storeRead',
    store: parseStoreName(fields.raw('store')),
    // What comes next after the longest key is longer by one.
    from: fields.string('from', STORE_KEY_LENGTH_MAX + 1),
    ...(fields.has('to') ? { to: fields.string('to', STORE_KEY_LENGTH_MAX + 1) } : {}),
    limit: fields.integer('limit', { min: 1, max: limits.storeRequestEntriesMax }),
    maxBytes: fields.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
  }),
  storeWrite: (fields, limits) => ({ api: 'storeWrite', ...parseStoreWrite(fields, limits) }),
  storeClear: (fields) => ({ api: 'storeClear', store: parseStoreName(fields.raw('store')) }),
  storeWatch: (fields) => ({
    api: 'storeWatch',
    watchId: fields.string('watchId', ID_LENGTH_MAX),
    store: parseStoreName(fields.raw('store')),
    prefix: fields.string('prefix', STORE_KEY_LENGTH_MAX),
  }),
  storeUnwatch: (fields) => ({
    api: 'storeUnwatch',
    watchId: fields.string('watchId', ID_LENGTH_MAX),
  }),
  listStores: () => ({ api: 'listStores' }),
  declareExchange: (fields) => ({
    api: 'declareExchange',
    exchange: exchangeOf(fields),
    type: fields.oneOf('type', EXCHANGE_TYPES),
    alternateExchange:
      fields.raw('alternateExchange') === null
        ? null
        : parseExchangeName(fields.raw('alternateExchange')),
  }),
  deleteExchange: (fields) => ({
    api: 'deleteExchange',
    exchange: exchangeOf(fields),
    ifUnused: fields.boolean('ifUnused'),
  }),
  listExchanges: () => ({ api: 'listExchanges' }),
  bind: (fields) => ({ api: 'bind', exchange: exchangeOf(fields), binding: parseBinding(fields) }),
  unbind: (fields) => ({
    api: 'unbind',
    exchange: exchangeOf(fields),
    binding: parseBinding(fields),
  }),
  publish: parsePublish,
  reply: (fields, limits) => ({
    api: 'reply',
    sessionId: parseSessionId(fields.raw('sessionId')),
    correlationId: fields.string('correlationId', ID_LENGTH_MAX),
    answer: parseAnswer(fields, limits),
  }),
  describeCluster: () => ({ api: 'describeCluster' }),
  watch: (fields) => ({
    api: 'watch',
    watchId: fields.string('watchId', ID_LENGTH_MAX),
    intervalMs: fields.integer('intervalMs', {
      min: WATCH_INTERVAL_MS_MIN,
      max: WATCH_INTERVAL_MS_MAX,
    }),
  }),
  unwatch: (fields) => ({ api: 'unwatch', watchId: fields.string('watchId', ID_LENGTH_MAX) }),
}

const API_NAMES = Object.keys(PARSERS) as ApiName[]

function parseNewTopic(item: unknown, what: string): NewTopic {
  const fields = new Fields(what, item)
  return {
    topic: parseTopicName(fields.raw('topic')),
    numPartitions: fields.integer('numPartitions'),
    config: parseTopicConfig(fields.raw('config')),
  }
}

function parseOffsetSpec(fields: Fields): OffsetSpec {
  const at = fields.raw('at')
  if (at === 'earliest' || at === 'latest') return at
  return { timestampMs: fields.object('at').integer('timestampMs', TIMESTAMPS) }
}

function parseOffsetToCommit(item: unknown, what: string): OffsetToCommit {
  const fields = new Fields(what, item)
  const commit = {
    partitionId: partitionIdOf(fields),
    offset: fields.integer('offset'),
    ...(fields.has('from') ? { from: fields.integer('from') } : {}),
  }
  // How long metadata may be is the coordinator's rule, with an error of its own.
  return fields.has('metadata')
    ? { ...commit, metadata: fields.string('metadata', Number.MAX_SAFE_INTEGER) }
    : commit
}

function parseMember(parent: Fields): MemberRef {
  const fields = parent.object('member')
  const ref = {
    memberId: parseMemberId(fields.raw('memberId')),
    memberEpoch: fields.integer('memberEpoch'),
  }
  if (!fields.has('groupInstanceId')) return ref
  return { ...ref, groupInstanceId: parseInstanceId(fields.raw('groupInstanceId')) }
}

function parseMemberOptions(parent: Fields, limits: BrokerLimits): MemberOptions {
  const fields = parent.object('options')
  return {
    sessionTimeoutMs: fields.integer('sessionTimeoutMs', {
      min: limits.sessionTimeoutMsMin,
      max: limits.sessionTimeoutMsMax,
    }),
    rebalanceTimeoutMs: fields.integer('rebalanceTimeoutMs', {
      min: 1,
      max: limits.rebalanceTimeoutMsMax,
    }),
    assignor: fields.oneOf('assignor', ASSIGNOR_NAMES),
    ...(fields.has('weight') ? { weight: fields.integer('weight', WEIGHTS) } : {}),
  }
}

function parseSubscription(parent: Fields): Subscription {
  const fields = parent.object('subscription')
  return {
    topics: fields.list('topics', SUBSCRIPTION_TOPICS_MAX, parseTopicName),
    patterns: fields.list('patterns', SUBSCRIPTION_PATTERNS_MAX, (item, what) => {
      const pattern = new Fields(what, item)
      return {
        source: pattern.string('source', PATTERN_LENGTH_MAX),
        flags: pattern.string('flags', 16),
      }
    }),
  }
}

function parseShareGroupOptions(parent: Fields, limits: BrokerLimits): ShareGroupOptions {
  const fields = parent.object('options')
  const { lockDurationMsMin: min, lockDurationMsMax: max } = limits
  return {
    lockDurationMs: fields.integer('lockDurationMs', { min, max }),
    deliveryCountLimit: fields.integer('deliveryCountLimit', {
      min: 1,
      max: DELIVERY_COUNT_LIMIT_MAX,
    }),
    deadLetterTopic:
      fields.raw('deadLetterTopic') === null ? null : parseTopicName(fields.raw('deadLetterTopic')),
    isOrderedByKey: fields.boolean('isOrderedByKey'),
    autoOffsetReset: fields.oneOf('autoOffsetReset', ['earliest', 'latest'] as const),
  }
}

function parseKeptBatch(item: unknown, what: string): KeptBatchId {
  const fields = new Fields(what, item)
  return { partitionId: partitionIdOf(fields), baseOffset: fields.integer('baseOffset') }
}

function parseAcknowledgement(item: unknown, what: string, limits: BrokerLimits): Acknowledgement {
  const fields = new Fields(what, item)
  const type = fields.oneOf('type', ACKNOWLEDGEMENT_TYPES)
  const firstOffset = fields.integer('firstOffset')
  return {
    partitionId: partitionIdOf(fields),
    firstOffset,
    lastOffset: fields.integer('lastOffset', { min: firstOffset, max: Number.MAX_SAFE_INTEGER }),
    deliveryCount: fields.integer('deliveryCount', { min: 1, max: DELIVERY_COUNT_LIMIT_MAX }),
    type,
    ...(fields.has('delayMs')
      ? { delayMs: fields.integer('delayMs', { min: 0, max: RELEASE_DELAY_MS_MAX }) }
      : {}),
    ...(fields.has('reason') ? { reason: fields.string('reason', REJECT_REASON_LENGTH_MAX) } : {}),
    ...(fields.has('store') ? { store: parseStoreOf(fields, type, limits) } : {}),
  }
}

/** Nothing is done but what is done for good. */
function parseStoreOf(
  acknowledgement: Fields,
  type: Acknowledgement['type'],
  limits: BrokerLimits,
): StoreWrite {
  const fields = acknowledgement.object('store')
  if (type === 'accept') return parseStoreWrite(fields, limits)
  throw new TabmqError('INVALID_REQUEST', `only what is accepted changes a store, not a ${type}`, {
    field: 'store',
  })
}

function parseStoreWrite(
  fields: Fields,
  { storeRequestEntriesMax, storeValueBytesMax }: BrokerLimits,
): StoreWrite {
  const store = parseStoreName(fields.raw('store'))
  const puts = fields.list('puts', storeRequestEntriesMax, (item, what): StoreEntry => {
    const entry = new Fields(what, item)
    const key = parseStoreKey(entry.raw('key'), `${what}.key`)
    return { key, value: entry.buffer('value') }
  })
  const deletes = fields.list('deletes', storeRequestEntriesMax, parseStoreKey)
  for (const { key, value } of puts) {
    if (value.byteLength <= storeValueBytesMax) continue
    throw new TabmqError(
      'MESSAGE_TOO_LARGE',
      `the value of ${describe(key)} has ${value.byteLength} bytes; ${storeValueBytesMax} are the most`,
      { store, key, valueBytes: value.byteLength, storeValueBytesMax },
    )
  }
  checkNamedOnce([...puts.map(({ key }) => key), ...deletes])
  return { store, puts, deletes }
}

function checkNamedOnce(keys: readonly string[]): void {
  const seen = new Set<string>()
  for (const key of keys) {
    if (seen.has(key)) {
      throw new TabmqError('INVALID_REQUEST', `key ${describe(key)} is named twice`, { key })
    }
    seen.add(key)
  }
}

/** @throws TabmqError MESSAGE_TOO_LARGE besides */
function parseAnswer(parent: Fields, { replyBytesMax }: BrokerLimits): Answer {
  const fields = parent.object('answer')
  if (!fields.has('error')) {
    const value = fields.buffer('value')
    if (value.byteLength <= replyBytesMax) return { value }
    const message = `a reply of ${value.byteLength} bytes is over the limit of ${replyBytesMax}`
    throw new TabmqError('MESSAGE_TOO_LARGE', message, { bytes: value.byteLength, replyBytesMax })
  }
  const error = fields.object('error')
  const code = error.raw('code')
  return {
    error: {
      name: error.string('name', REPLY.errorNameLengthMax),
      message: error.string('message', REPLY.errorMessageLengthMax),
      ...(code === undefined
        ? {}
        : { code: typeof code === 'number' ? code : error.string('code', ID_LENGTH_MAX) }),
    },
  }
}

function memberIdOf(fields: Fields): MemberId {
  return parseMemberId(fields.raw('memberId'))
}

function exchangeOf(fields: Fields): ExchangeName {
  return parseExchangeName(fields.raw('exchange'))
}

function groupIdOf(fields: Fields): GroupId {
  return parseGroupId(fields.raw('groupId'))
}

function groupIdsOf(fields: Fields): GroupId[] {
  return distinct(fields.list('groupIds', REQUEST_GROUPS_MAX, parseGroupId))
}

function partitionIdOf(fields: Fields): PartitionId {
  return fields.integer('partitionId', ANY_COUNT) as PartitionId
}

function partitionIdsOf(fields: Fields, limits: BrokerLimits): PartitionId[] {
  return distinct(fields.list('partitions', limits.requestPartitionsMax * 16, parsePartitionId))
}

function parsePartitionId(item: unknown, what: string): PartitionId {
  if (Number.isSafeInteger(item) && (item as number) >= 0) {
    return withoutNegativeZero(item as number) as PartitionId
  }
  throw new TabmqError('INVALID_REQUEST', `${what} must be a partition id, not ${describe(item)}`, {
    field: what,
  })
}

/** Asked for twice, it is answered once: a short request could ask for an answer without end. */
function distinct<T>(items: T[]): T[] {
  return [...new Set(items)]
}

function distinctPartitions<T extends { partitionId: PartitionId }>(items: T[]): T[] {
  const seen = new Set<PartitionId>()
  for (const { partitionId } of items) {
    if (seen.has(partitionId)) {
      throw new TabmqError('INVALID_REQUEST', `partition ${partitionId} is named twice`, {
        partitionId,
      })
    }
    seen.add(partitionId)
  }
  return items
}
