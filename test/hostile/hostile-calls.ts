/**
 * Calls of every method and every API, from nearly right to nonsense. What a call names (topics,
 * partitions, groups, members) is there half of the time: only then does it come past the parser.
 */
import fc from 'fast-check'
import type { ApiName } from '../../src/protocol/requests/request.js'
import { batchOf } from '../broker/batches.js'
import { brokenBytes, brokenInOnePlace, hostileValue } from './hostile-values.js'

/** What is there for a call to name. */
export interface Known {
  readonly partitionIds: readonly number[]
  readonly groupId: string
  readonly memberId: string
  readonly memberEpoch: number
}

export const TOPICS = ['orders', 'refunds', 'made-by-the-test'] as const

export function hostileRequest(known: Known): fc.Arbitrary<unknown> {
  const requests = validRequests(known)
  const valid = fc.constantFrom(...API_NAMES).chain((api) => {
    return requests[api].map((body) => ({ api, ...body }))
  })
  const ofAnApi = fc
    .tuple(fc.constantFrom(...API_NAMES), fc.dictionary(fc.string(), hostileValue))
    .map(([api, body]) => ({ ...body, api }))
  return fc.oneof(
    { weight: 1, arbitrary: hostileValue },
    { weight: 2, arbitrary: ofAnApi },
    { weight: 2, arbitrary: valid },
    { weight: 8, arbitrary: valid.chain(brokenInOnePlace) },
    { weight: 2, arbitrary: brokenProduce(known) },
  )
}

/** A request of each API that is granted as it stands, with everything that it can carry. */
export function grantedRequests(known: Known): Readonly<Record<ApiName, object>> {
  const { groupId, memberId, memberEpoch } = known
  const [partitionId = 0, another = 0] = known.partitionIds
  const member = { memberId, memberEpoch }
  const newMember = { memberId: 'new', memberEpoch: 0, groupInstanceId: 'left tab' }
  const config = { retentionMs: 1_000, retentionBytes: null, maxMessageBytes: 1_000 }
  const batch = batchOf({ producer: { id: 7, sequence: 0 } })
  const sharing = { groupId: 'shared', memberId: 'share-member' }
  const asked = { sessionId: 'nobody', correlationId: 'c' }
  const topics = [{ topic: 'made-by-the-test', numPartitions: 2, config }]
  return {
    metadata: { topics: ['orders'] },
    createTopics: { topics, ifNotExists: true, validateOnly: false },
    deleteTopics: { topics: ['refunds'] },
    createPartitions: { topic: 'orders', count: 3 },
    alterConfigs: { topic: 'orders', config },
    produce: { acks: 1, batches: [{ partitionId, batch }] },
    fetch: {
      fetcherId: 'f',
      partitions: [{ partitionId, offset: 0, maxBytes: 1_000 }],
      maxBytes: 1_000,
      minBytes: 1,
      maxWaitMs: 1,
    },
    listOffsets: {
      partitions: [
        { partitionId, at: 'latest' },
        { partitionId: another, at: { timestampMs: 5 } },
      ],
    },
    deleteRecords: { partitions: [{ partitionId, beforeOffset: 0 }] },
    groupHeartbeat: {
      groupId,
      member: newMember,
      options: JOIN_OPTIONS,
      subscription: { topics: ['orders'], patterns: [{ source: '^refunds', flags: 'i' }] },
      owned: [],
    },
    leaveGroup: { groupId, member },
    commitOffsets: {
      groupId,
      member,
      offsets: [{ partitionId, offset: 0, metadata: 'done', from: 0 }],
      store: storeWrite(),
      mayLinger: true,
    },
    fetchOffsets: { groupId, partitions: [partitionId] },
    startOffsets: { groupId, member, partitions: [partitionId], autoOffsetReset: 'latest' },
    listGroups: {},
    describeGroups: { groupIds: [groupId] },
    deleteGroups: { groupIds: ['empty'] },
    joinShareGroup: {
      groupId: 'shared',
      memberId: 'share-member',
      subscription: { topics: ['orders'], patterns: [{ source: '^refunds', flags: 'i' }] },
      options: SHARE_OPTIONS,
      weight: 1,
    },
    shareFetch: {
      ...sharing,
      maxRecords: 5,
      maxBytes: 1_000,
      maxWaitMs: 1,
      kept: [{ partitionId, baseOffset: 0 }],
    },
    shareAcknowledge: {
      ...sharing,
      acknowledgements: [
        {
          partitionId,
          firstOffset: 0,
          lastOffset: 0,
          deliveryCount: 1,
          type: 'reject',
          delayMs: 5,
          reason: 'broken',
        },
      ],
      mayLinger: true,
    },
    redrive: { records: [{ partitionId, offset: 0, topic: 'orders' }] },
    describeShareGroups: { groupIds: 'all' },
    storeRead: { store: 'balances', from: '', to: 'z', limit: 10, maxBytes: 1_000 },
    storeWrite: storeWrite(),
    storeClear: { store: 'other' },
    storeWatch: { watchId: 'store', store: 'balances', prefix: '' },
    storeUnwatch: { watchId: 'store' },
    listStores: {},
    leaveShareGroup: sharing,
    declareExchange: { exchange: 'made', type: 'topic', alternateExchange: 'other' },
    bind: { exchange: 'made', binding: BINDING },
    publish: {
      exchange: 'made',
      producerId: 7,
      firstNumber: 0,
      acks: 1,
      publications: [
        {
          routingKey: 'eu.new',
          headers: { format: ['pdf'] },
          mandatory: true,
          batches: [
            { keyHash: 7, batch: batchOf() },
            { keyHash: null, batch: batchOf() },
          ],
        },
      ],
      isRepeat: false,
    },
    listExchanges: {},
    unbind: { exchange: 'made', binding: BINDING },
    deleteExchange: { exchange: 'made', ifUnused: true },
    reply: { ...asked, answer: { error: { name: 'E', message: 'no', code: 'X' } } },
    describeCluster: {},
    watch: { watchId: 'one', intervalMs: 20 },
    unwatch: { watchId: 'one' },
  }
}

function storeWrite() {
  return {
    store: 'balances',
    puts: [{ key: 'a', value: new ArrayBuffer(4) }],
    deletes: ['b'],
  }
}

const BINDING = { topic: 'orders', routingKey: 'eu.#', headers: {}, match: 'all', weight: 1 }

const SHARE_OPTIONS = {
  lockDurationMs: 1_000,
  deliveryCountLimit: 2,
  deadLetterTopic: 'dead',
  isOrderedByKey: true,
  autoOffsetReset: 'earliest',
}

const JOIN_OPTIONS = {
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 5_000,
  assignor: 'uniform',
  weight: 5,
}

export function hostileHello(hello: object): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 1, arbitrary: hostileValue },
    { weight: 3, arbitrary: brokenInOnePlace(hello) },
    {
      weight: 1,
      arbitrary: fc.maxSafeInteger().map((protocolVersion) => ({ ...hello, protocolVersion })),
    },
  )
}

function brokenProduce({ partitionIds }: Known): fc.Arbitrary<unknown> {
  return fc.tuple(fc.constantFrom(...partitionIds), validBatch).chain(([partitionId, batch]) =>
    brokenBytes(batch).map((broken) => ({
      api: 'produce',
      acks: 1,
      batches: [{ partitionId, batch: broken }],
    })),
  )
}

const validBatch = fc
  .record({
    records: fc.integer({ min: 1, max: 3 }),
    sequence: fc.integer({ min: 0, max: 4 }),
    id: fc.integer({ min: 1, max: 4 }),
    hasProducer: fc.boolean(),
  })
  .map(({ records, sequence, id, hasProducer }) =>
    batchOf(hasProducer ? { records, producer: { id, sequence } } : { records }),
  )

type Bodies = { readonly [A in ApiName]: fc.Arbitrary<Record<string, unknown>> }

/** A well-formed request of each API. Whether it can be granted is another matter. */
function validRequests(known: Known): Bodies {
  const topic = fc.constantFrom(...TOPICS)
  const topics = fc.uniqueArray(topic, { minLength: 1, maxLength: 2 })
  const partitionId = fc.oneof(fc.constantFrom(...known.partitionIds), fc.nat(20))
  const partitionIds = fc.uniqueArray(partitionId, { maxLength: 3 })
  const groupId = fc.oneof(fc.constant(known.groupId), fc.constantFrom('other', '__proto__'))
  const config = fc.constantFrom<object[]>(
    {},
    { retentionMs: 1_000, retentionBytes: null, maxMessageBytes: 1_000 },
  )
  const offset = fc.integer({ min: 0, max: 4 })
  const member = fc.constantFrom<object[]>(
    { memberId: known.memberId, memberEpoch: known.memberEpoch },
    { memberId: known.memberId, memberEpoch: known.memberEpoch + 1 },
    { memberId: 'hostile-member', memberEpoch: 0 },
    { memberId: 'hostile-static', memberEpoch: 0, groupInstanceId: 'left tab' },
  )
  const sharing = {
    groupId: fc.constantFrom('shared', known.groupId),
    memberId: fc.constantFrom('share-member', 'hostile-member'),
  }
  const key = fc.constantFrom('a', 'b', '__proto__', 'x'.repeat(1_024))
  const store = fc.constantFrom('balances', 'other', '__proto__')
  const write = fc.record({
    store,
    puts: fc.array(
      key.map((one) => ({ key: one, value: new ArrayBuffer(3) })),
      { maxLength: 2 },
    ),
    deletes: fc.array(key, { maxLength: 2 }),
  })
  const exchange = fc.constantFrom('made', 'other', '__proto__')
  const routingKey = fc.constantFrom('', 'eu.new', '#.*.#', '.'.repeat(255))
  const terms = {
    routingKey,
    headers: fc.constantFrom<object[]>({}, { format: 'pdf' }),
    match: fc.constantFrom('all', 'any'),
    weight: fc.constantFrom(1, 1_000),
  }
  const binding = fc.oneof(
    fc.record({ topic, ...terms }),
    fc.record({ toExchange: exchange, ...terms }),
  )
  const perPartition = <T extends object>(more: fc.Arbitrary<T>) =>
    fc
      .tuple(partitionIds, more)
      .map(([ids, body]) => ids.map((id) => ({ partitionId: id, ...body })))
  return {
    metadata: fc.record({ topics: fc.oneof(topics, fc.constant('all')) }),
    createTopics: fc.record({
      topics: fc
        .record({ topic, numPartitions: fc.integer({ min: 1, max: 2 }), config })
        .map((one) => [one]),
      ifNotExists: fc.boolean(),
      validateOnly: fc.boolean(),
    }),
    deleteTopics: fc.record({ topics: fc.constant(['made-by-the-test']) }),
    createPartitions: fc.record({ topic, count: fc.integer({ min: 1, max: 3 }) }),
    alterConfigs: fc.record({ topic, config }),
    produce: fc.record({
      acks: fc.constantFrom(-1, 0, 1),
      batches: fc.tuple(partitionId, validBatch).map(([id, batch]) => [{ partitionId: id, batch }]),
    }),
    fetch: fc.record({
      fetcherId: fc.constantFrom('one', 'two'),
      partitions: perPartition(fc.record({ offset, maxBytes: fc.constantFrom(1, 1_000) })),
      maxBytes: fc.constantFrom(1, 1_000),
      minBytes: fc.constantFrom(1, 1_000),
      maxWaitMs: fc.constantFrom(0, 5),
    }),
    listOffsets: fc.record({
      partitions: perPartition(
        fc.record({
          at: fc.constantFrom<unknown[]>('earliest', 'latest', { timestampMs: 5 }),
        }),
      ),
    }),
    deleteRecords: fc.record({
      partitions: perPartition(fc.record({ beforeOffset: offset })),
    }),
    groupHeartbeat: fc.record({
      groupId,
      member,
      options: fc.constantFrom(JOIN_OPTIONS, undefined),
      subscription: fc.constantFrom<unknown[]>(
        { topics: ['orders'], patterns: [{ source: '^refunds', flags: 'i' }] },
        { topics: [], patterns: [{ source: '^(o+)+$', flags: '' }] },
        undefined,
      ),
      owned: fc.oneof(partitionIds, fc.constant(undefined)),
    }),
    leaveGroup: fc.record({ groupId, member }),
    commitOffsets: fc.record({
      groupId,
      member: fc.oneof(member, fc.constant(undefined)),
      offsets: perPartition(
        fc.record({
          offset,
          metadata: fc.constantFrom('', 'done'),
          from: fc.constantFrom(0, 3, undefined),
        }),
      ),
      store: fc.oneof(write, fc.constant(undefined)),
      mayLinger: fc.constantFrom(true, false),
    }),
    fetchOffsets: fc.record({ groupId, partitions: fc.oneof(partitionIds, fc.constant('all')) }),
    startOffsets: fc.record({
      groupId,
      member,
      partitions: partitionIds,
      autoOffsetReset: fc.constantFrom('earliest', 'latest', 'none'),
    }),
    listGroups: fc.constant({}),
    describeGroups: fc.record({ groupIds: fc.array(groupId, { maxLength: 2 }) }),
    deleteGroups: fc.record({ groupIds: fc.array(groupId, { maxLength: 2 }) }),
    joinShareGroup: fc.record({
      ...sharing,
      subscription: fc.constantFrom(
        { topics: ['orders'], patterns: [{ source: '^refunds', flags: 'i' }] },
        { topics: [], patterns: [{ source: '^(o+)+$', flags: '' }] },
      ),
      options: fc.record({
        lockDurationMs: fc.constantFrom(100, 30_000),
        deliveryCountLimit: fc.constantFrom(1, 2),
        deadLetterTopic: fc.constantFrom('dead', 'orders', null),
        isOrderedByKey: fc.boolean(),
        autoOffsetReset: fc.constantFrom('earliest', 'latest'),
      }),
      weight: fc.constantFrom(1, 1_000),
    }),
    shareFetch: fc.record({
      ...sharing,
      maxRecords: fc.constantFrom(1, 100),
      maxBytes: fc.constantFrom(1, 1_000),
      maxWaitMs: fc.constantFrom(0, 5),
      kept: perPartition(fc.record({ baseOffset: fc.constantFrom(0, 1) })),
    }),
    shareAcknowledge: fc.record({
      ...sharing,
      acknowledgements: perPartition(
        fc.record({
          firstOffset: fc.constantFrom(0, 1),
          lastOffset: fc.constantFrom(1, 2, 2 ** 40),
          deliveryCount: fc.constantFrom(1, 2),
          type: fc.constantFrom('accept', 'release', 'return', 'reject', 'renew'),
          delayMs: fc.constantFrom(0, 5, undefined),
          reason: fc.constantFrom('broken', undefined),
          store: fc.oneof(write, fc.constant(undefined)),
        }),
      ),
      mayLinger: fc.boolean(),
    }),
    redrive: fc.record({
      records: perPartition(fc.record({ offset, topic })),
    }),
    describeShareGroups: fc.record({
      groupIds: fc.constantFrom<unknown[]>('all', ['shared']),
    }),
    leaveShareGroup: fc.record(sharing),
    storeRead: fc.record({
      store,
      from: fc.constantFrom('', 'a', 'b'),
      to: fc.constantFrom('', 'b', undefined),
      limit: fc.constantFrom(1, 100),
      maxBytes: fc.constantFrom(1, 1_000),
    }),
    storeWrite: write,
    storeClear: fc.record({ store }),
    storeWatch: fc.record({
      watchId: fc.constantFrom('one', 'two'),
      store,
      prefix: fc.constantFrom('', 'a'),
    }),
    storeUnwatch: fc.record({ watchId: fc.constantFrom('one', 'two', 'three') }),
    listStores: fc.constant({}),
    declareExchange: fc.record({
      exchange,
      type: fc.constantFrom('direct', 'topic', 'fanout', 'headers', 'consistent-hash'),
      alternateExchange: fc.oneof(exchange, fc.constant(null)),
    }),
    deleteExchange: fc.record({ exchange, ifUnused: fc.boolean() }),
    listExchanges: fc.constant({}),
    bind: fc.record({ exchange, binding }),
    unbind: fc.record({ exchange, binding }),
    publish: fc.record({
      exchange,
      producerId: fc.constantFrom(7, 8),
      firstNumber: fc.nat(5),
      acks: fc.constantFrom(-1, 0, 1),
      publications: fc.array(
        fc.record({
          routingKey,
          headers: fc.constantFrom<object[]>({}, { format: ['pdf', 'png'] }),
          mandatory: fc.boolean(),
          batches: fc.array(
            fc.record({ keyHash: fc.constantFrom(null, 0, 0x7fff_ffff), batch: validBatch }),
            { maxLength: 3 },
          ),
        }),
        { maxLength: 3 },
      ),
      isRepeat: fc.constantFrom(true, false, undefined),
    }),
    reply: fc.record({
      sessionId: fc.constantFrom('nobody', 'hostile'),
      correlationId: fc.constantFrom('c', 'd'),
      answer: fc.constantFrom<object[]>(
        { value: new ArrayBuffer(3) },
        { error: { name: 'E', message: 'no', code: 7 } },
      ),
    }),
    describeCluster: fc.constant({}),
    watch: fc.record({ watchId: fc.constantFrom('one', 'two'), intervalMs: fc.constant(20) }),
    unwatch: fc.record({ watchId: fc.constantFrom('one', 'two', 'three') }),
  }
}

const NOTHING_KNOWN = { partitionIds: [0], groupId: '', memberId: '', memberEpoch: 0 }
export const API_NAMES = Object.keys(grantedRequests(NOTHING_KNOWN)) as ApiName[]
