import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TabmqError, type ErrorCode } from '../../../src/protocol/errors.js'
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import { parseRequest } from '../../../src/protocol/requests/parse-request.js'
import type { ApiName, RequestOf } from '../../../src/protocol/requests/request.js'
import { pathsIn, replaced, type Path } from '../../hostile/hostile-values.js'
import { thrownBy } from '../thrown.js'

const limits = { ...BROKER_LIMITS, requestPartitionsMax: 4, topicsMax: 3 }
const parse = (request: unknown) => parseRequest(request, limits)

const member = { memberId: 'm-1', memberEpoch: 3, groupInstanceId: 'left tab' }
const config = { retentionMs: null, retentionBytes: 1_000, maxMessageBytes: 100 }
const options = {
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 5_000,
  assignor: 'range',
  weight: 4,
}
const subscription = { topics: ['orders'], patterns: [{ source: '^refunds', flags: 'i' }] }
const store = {
  store: 'balances',
  puts: [{ key: 'a', value: new ArrayBuffer(8) }],
  deletes: ['b', 'c'],
}
const offsets = [
  { partitionId: 1, offset: 0, from: 0 },
  { partitionId: 2, offset: 9, metadata: 'done' },
]

const sharing = { groupId: 'g', memberId: 'm' }
const shareOptions = {
  lockDurationMs: 30_000,
  deliveryCountLimit: 5,
  deadLetterTopic: 'dead',
  isOrderedByKey: false,
  autoOffsetReset: 'earliest',
}
const acknowledgement = {
  partitionId: 1,
  firstOffset: 3,
  lastOffset: 7,
  deliveryCount: 1,
  type: 'release',
  delayMs: 0,
  reason: 'later',
}

const acceptance = {
  partitionId: 2,
  firstOffset: 1,
  lastOffset: 1,
  deliveryCount: 1,
  type: 'accept',
}
const binding = {
  topic: 'orders',
  routingKey: 'eu.#',
  headers: { format: 'pdf' },
  match: 'any',
  weight: 2,
}
const publication = {
  routingKey: 'eu.new',
  headers: { format: ['pdf', 'png'] },
  mandatory: true,
  batches: [
    { keyHash: 7, batch: new ArrayBuffer(8) },
    { keyHash: null, batch: new ArrayBuffer(8) },
  ],
}
const asked = { sessionId: 's', correlationId: 'c' }

/** A request of every API, with all that it can carry. */
const VALID: Readonly<Record<ApiName, Record<string, unknown>>> = {
  metadata: { topics: ['orders', 'refunds.eu'] },
  createTopics: {
    topics: [{ topic: 'orders', numPartitions: 6, config }],
    ifNotExists: true,
    validateOnly: false,
  },
  deleteTopics: { topics: ['orders'] },
  createPartitions: { topic: 'orders', count: 8 },
  alterConfigs: { topic: 'orders', config },
  produce: { acks: -1, batches: [{ partitionId: 1, batch: new ArrayBuffer(8) }] },
  fetch: {
    fetcherId: 'f',
    partitions: [{ partitionId: 1, offset: 0, maxBytes: 1 }],
    maxBytes: limits.fetchBytesMax,
    minBytes: 1,
    maxWaitMs: limits.fetchWaitMsMax,
  },
  listOffsets: {
    partitions: [
      { partitionId: 1, at: 'earliest' },
      { partitionId: 2, at: 'latest' },
      { partitionId: 3, at: { timestampMs: -5 } },
    ],
  },
  deleteRecords: { partitions: [{ partitionId: 1, beforeOffset: 7 }] },
  groupHeartbeat: { groupId: 'g', member, options, subscription, owned: [1, 2] },
  leaveGroup: { groupId: 'g', member },
  commitOffsets: { groupId: 'g', member, offsets, store, mayLinger: true },
  fetchOffsets: { groupId: 'g', partitions: [1, 2] },
  startOffsets: { groupId: 'g', member, partitions: [1], autoOffsetReset: 'none' },
  listGroups: {},
  describeGroups: { groupIds: ['g', 'h'] },
  deleteGroups: { groupIds: ['g'] },
  joinShareGroup: { ...sharing, subscription, options: shareOptions, weight: 3 },
  leaveShareGroup: sharing,
  shareFetch: {
    ...sharing,
    maxRecords: 9,
    maxBytes: 1,
    maxWaitMs: 0,
    kept: [{ partitionId: 7, baseOffset: 3 }],
  },
  shareAcknowledge: {
    ...sharing,
    acknowledgements: [acknowledgement, { ...acceptance, store }],
    mayLinger: true,
  },
  redrive: { records: [{ partitionId: 1, offset: 4, topic: 'orders' }] },
  describeShareGroups: { groupIds: ['g'] },
  storeRead: { store: 's', from: '', to: 'b', limit: 1_000, maxBytes: 1 },
  storeWrite: store,
  storeClear: { store: 's' },
  storeWatch: { watchId: 'w', store: 's', prefix: '' },
  storeUnwatch: { watchId: 'w' },
  listStores: {},
  declareExchange: { exchange: 'e', type: 'topic', alternateExchange: 'other' },
  deleteExchange: { exchange: 'e', ifUnused: true },
  listExchanges: {},
  bind: { exchange: 'e', binding },
  unbind: { exchange: 'e', binding },
  publish: {
    exchange: 'e',
    producerId: 7,
    firstNumber: 3,
    acks: 1,
    publications: [publication],
    isRepeat: true,
  },
  reply: { ...asked, answer: { error: { name: 'E', message: 'no', code: 'X' } } },
  describeCluster: {},
  watch: { watchId: 'w', intervalMs: 20 },
  unwatch: { watchId: 'w' },
}

const requestOf = (api: ApiName) => ({ api, ...VALID[api] })
const APIS = Object.keys(VALID) as ApiName[]

const repeated = (length: number, item: unknown) => Array.from({ length }, () => item)

const pathOf = (field: string): Path =>
  field.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key))

describe('a request', () => {
  it.each(APIS)('%s comes out as it came in, and nothing besides', (api) => {
    const request = requestOf(api)
    expect(parse({ ...request, besides: 1 })).toEqual(request)
  })

  it.each([
    ['metadata', 'topics', 'all'],
    ['groupHeartbeat', 'options', undefined],
    ['groupHeartbeat', 'options.weight', undefined],
    ['groupHeartbeat', 'subscription', undefined],
    ['groupHeartbeat', 'owned', undefined],
    ['groupHeartbeat', 'member.groupInstanceId', undefined],
    ['commitOffsets', 'member', undefined],
    ['commitOffsets', 'offsets.1.metadata', undefined],
    ['commitOffsets', 'mayLinger', undefined],
    ['commitOffsets', 'offsets.0.from', undefined],
    ['commitOffsets', 'store', undefined],
    ['shareAcknowledge', 'acknowledgements.1.store', undefined],
    ['storeRead', 'to', undefined],
    ['fetchOffsets', 'partitions', 'all'],
    ['createTopics', 'topics.0.config', {}],
    ['produce', 'batches', []],
    ['joinShareGroup', 'options.deadLetterTopic', null],
    ['shareAcknowledge', 'acknowledgements.0.delayMs', undefined],
    ['shareAcknowledge', 'acknowledgements.0.reason', undefined],
    ['shareAcknowledge', 'mayLinger', undefined],
    ['describeShareGroups', 'groupIds', 'all'],
    ['reply', 'answer', { value: new ArrayBuffer(3) }],
    ['reply', 'answer.error.code', 7],
    ['reply', 'answer.error.code', undefined],
  ] as const)('%s may have %s %o', (api, field, value) => {
    const request = replaced(requestOf(api), pathOf(field), value)
    expect(parse(request)).toEqual(request)
  })

  /** What is wrong, and where the error says that it is when that is not the same. */
  const WRONG: readonly [ApiName, string, readonly unknown[], string?][] = [
    ['produce', 'acks', [undefined, 2, '1', null]],
    ['produce', 'batches', [undefined, null, {}, 'x', repeated(5, {})]],
    ['produce', 'batches.0', [null, 1, []]],
    ['produce', 'batches.0.partitionId', [undefined, -1, 1.5, '1', 1n]],
    ['produce', 'batches.0.batch', [undefined, new Uint8Array(3), 'bytes', null]],
    ['fetch', 'fetcherId', [undefined, 1, 'x'.repeat(256)]],
    ['fetch', 'partitions', [undefined, 'all', repeated(5, {})]],
    ['fetch', 'partitions.0.partitionId', [undefined, -1, NaN]],
    ['fetch', 'partitions.0.offset', [undefined, -1, 2 ** 53, 'earliest']],
    ['fetch', 'partitions.0.maxBytes', [undefined, 0, limits.fetchBytesMax + 1]],
    ['fetch', 'maxBytes', [undefined, 0, limits.fetchBytesMax + 1]],
    ['fetch', 'minBytes', [undefined, 0, limits.fetchBytesMax + 1]],
    ['fetch', 'maxWaitMs', [undefined, -1, limits.fetchWaitMsMax + 1, Infinity]],
    ['createTopics', 'topics', [undefined, 'orders', repeated(4, {})]],
    ['createTopics', 'topics.0', [null, 'orders']],
    ['createTopics', 'topics.0.numPartitions', [undefined, -1, 1.5, '6']],
    ['createTopics', 'ifNotExists', [undefined, 1, 'true']],
    ['createTopics', 'validateOnly', [undefined, null]],
    ['metadata', 'topics', [undefined, 'orders', {}]],
    ['deleteTopics', 'topics', [undefined, 'all', 7]],
    ['createPartitions', 'count', [undefined, -1, 2.5]],
    ['listOffsets', 'partitions', [undefined, {}]],
    ['listOffsets', 'partitions.0.at', [undefined, 'first', null, 7]],
    ['listOffsets', 'partitions.2.at.timestampMs', [undefined, '2024', 0.5]],
    ['deleteRecords', 'partitions', [undefined, 7]],
    ['deleteRecords', 'partitions.0.beforeOffset', [undefined, -1, 'all']],
    ['groupHeartbeat', 'member', [undefined, null, 'm-1']],
    ['groupHeartbeat', 'member.memberId', [undefined, '', 7], 'memberId'],
    ['groupHeartbeat', 'member.memberEpoch', [undefined, -1, 1.5]],
    ['groupHeartbeat', 'member.groupInstanceId', [null, '', 7], 'groupInstanceId'],
    ['groupHeartbeat', 'options', [null, 7]],
    ['groupHeartbeat', 'options.sessionTimeoutMs', [undefined, 999, 30 * 60_000 + 1]],
    ['groupHeartbeat', 'options.rebalanceTimeoutMs', [undefined, 0, 30 * 60_000 + 1]],
    ['groupHeartbeat', 'options.assignor', [undefined, 'cooperative', 1]],
    ['groupHeartbeat', 'options.weight', [null, 0, 1_001, 1.5, '2']],
    ['groupHeartbeat', 'subscription', [null, 'orders']],
    ['groupHeartbeat', 'subscription.topics', [undefined, 'orders']],
    ['groupHeartbeat', 'subscription.patterns', [undefined, /orders/]],
    ['groupHeartbeat', 'subscription.patterns.0', [null, '^orders']],
    ['groupHeartbeat', 'subscription.patterns.0.source', [undefined, 'x'.repeat(1_001)]],
    ['groupHeartbeat', 'subscription.patterns.0.flags', [undefined, 'i'.repeat(17)]],
    ['groupHeartbeat', 'owned', [null, 1, repeated(65, 1)]],
    ['groupHeartbeat', 'owned.1', [null, -1, '1', 0.5]],
    ['leaveGroup', 'member', [undefined]],
    ['commitOffsets', 'member', [null, 7]],
    ['commitOffsets', 'offsets', [undefined, {}]],
    ['commitOffsets', 'offsets.0.partitionId', [undefined, -1]],
    ['commitOffsets', 'offsets.0.offset', [undefined, -1, '0']],
    ['commitOffsets', 'offsets.1.metadata', [null, 7]],
    ['commitOffsets', 'mayLinger', [null, 'yes']],
    ['fetchOffsets', 'partitions', [undefined, 'none']],
    ['fetchOffsets', 'partitions.0', [undefined, -1]],
    ['startOffsets', 'member', [undefined]],
    ['startOffsets', 'partitions', [undefined, 'all']],
    ['startOffsets', 'autoOffsetReset', [undefined, 'smallest']],
    ['describeGroups', 'groupIds', [undefined, 'g']],
    ['deleteGroups', 'groupIds', [undefined, {}]],
    ['joinShareGroup', 'options.lockDurationMs', [undefined, 0, 'x']],
    ['joinShareGroup', 'options.deliveryCountLimit', [undefined, 0, 2 ** 30]],
    ['joinShareGroup', 'options.isOrderedByKey', [undefined, 1]],
    ['joinShareGroup', 'options.autoOffsetReset', [undefined, 'none']],
    ['joinShareGroup', 'weight', [undefined, 0, 1_001, 1.5]],
    ['shareFetch', 'maxRecords', [undefined, -1, limits.shareFetchRecordsMax + 1]],
    ['shareFetch', 'maxBytes', [undefined, 0, limits.fetchBytesMax + 1]],
    ['shareFetch', 'maxWaitMs', [undefined, -1, limits.fetchWaitMsMax + 1]],
    ['shareAcknowledge', 'acknowledgements', [undefined, {}, 'all']],
    ['shareAcknowledge', 'acknowledgements.0.firstOffset', [undefined, -1, '0']],
    ['shareAcknowledge', 'acknowledgements.0.lastOffset', [undefined, 2, 2 ** 53]],
    ['shareAcknowledge', 'acknowledgements.0.deliveryCount', [undefined, 0]],
    ['shareAcknowledge', 'acknowledgements.0.type', [undefined, 'ack']],
    ['shareAcknowledge', 'acknowledgements.0.delayMs', [-1, null]],
    ['shareAcknowledge', 'acknowledgements.0.reason', [7, 'x'.repeat(1_001)]],
    ['redrive', 'records', [undefined, {}, 'all']],
    ['redrive', 'records.0.partitionId', [undefined, -1]],
    ['redrive', 'records.0.offset', [undefined, -1, '0']],
    ['describeShareGroups', 'groupIds', [undefined, 'some', 7]],
    ['commitOffsets', 'offsets.0.from', [-1, '0', null]],
    ['commitOffsets', 'store', [null, 'balances', []]],
    ['commitOffsets', 'store.store', [undefined, '', 7, 'x'.repeat(256)], 'store'],
    ['commitOffsets', 'store.puts', [undefined, {}, null]],
    ['shareAcknowledge', 'acknowledgements.1.store', [null, 7]],
    ['shareAcknowledge', 'acknowledgements.0.store', [store], 'store'],
    ['shareAcknowledge', 'acknowledgements.1.store.deletes', [undefined, 'b']],
    ['storeRead', 'store', [undefined, '', 7, 'x'.repeat(256)], 'store'],
    ['storeRead', 'from', [undefined, 7, 'x'.repeat(1_026)]],
    ['storeRead', 'to', [null, 7, 'x'.repeat(1_026)]],
    ['storeRead', 'limit', [undefined, 0, limits.storeRequestEntriesMax + 1]],
    ['storeRead', 'maxBytes', [undefined, 0, limits.fetchBytesMax + 1]],
    ['storeWrite', 'puts', [undefined, {}, repeated(limits.storeRequestEntriesMax + 1, {})]],
    ['storeWrite', 'puts.0', [null, 'a', ['a', 1]]],
    ['storeWrite', 'puts.0.key', [undefined, '', 7, 'x'.repeat(1_025)]],
    ['storeWrite', 'puts.0.value', [undefined, null, new Uint8Array(3), 'bytes']],
    ['storeWrite', 'deletes', [undefined, 'b', null]],
    ['storeWrite', 'deletes.1', [null, '', 7, 'x'.repeat(1_025)]],
    ['storeClear', 'store', [undefined, '', {}], 'store'],
    ['storeWatch', 'watchId', [undefined, 'x'.repeat(256)]],
    ['storeWatch', 'store', [undefined, ''], 'store'],
    ['storeWatch', 'prefix', [undefined, null, 'x'.repeat(1_025)]],
    ['storeUnwatch', 'watchId', [undefined, 7]],
    ['declareExchange', 'exchange', [undefined, '', 7, 'x'.repeat(256)], 'exchange'],
    ['declareExchange', 'type', [undefined, 'x-random', 1]],
    ['declareExchange', 'alternateExchange', [undefined, '', 7], 'exchange'],
    ['deleteExchange', 'ifUnused', [undefined, 1]],
    ['bind', 'binding', [undefined, null, 'orders']],
    ['bind', 'binding.toExchange', ['other'], 'request.binding'],
    ['bind', 'binding.routingKey', [undefined, 7, 'x'.repeat(256)]],
    ['bind', 'binding.headers', [undefined, null, [], 'format']],
    ['bind', 'binding.headers.format', [undefined, 7, ['pdf'], 'x'.repeat(501)]],
    ['bind', 'binding.match', [undefined, 'none']],
    ['bind', 'binding.weight', [undefined, 0, 1_001, 0.5]],
    ['unbind', 'binding', [undefined]],
    ['publish', 'exchange', [undefined, ''], 'exchange'],
    ['publish', 'producerId', [undefined, -1, 2 ** 48]],
    ['publish', 'firstNumber', [undefined, -1, 2 ** 53 - 1]],
    ['publish', 'acks', [undefined, 2]],
    ['publish', 'publications', [undefined, {}, repeated(257, publication)]],
    ['publish', 'publications.0', [undefined, null]],
    ['publish', 'publications.0.routingKey', [undefined, 7, 'x'.repeat(256)]],
    ['publish', 'publications.0.headers', [undefined, 7]],
    ['publish', 'publications.0.headers.format', [undefined, 'pdf', repeated(65, 'pdf')]],
    ['publish', 'publications.0.headers.format.0', [undefined, 7, 'x'.repeat(501)]],
    ['publish', 'publications.0.mandatory', [undefined, 'yes']],
    ['publish', 'publications.0.batches', [undefined, {}, repeated(5, {})]],
    ['publish', 'publications.0.batches.0.keyHash', [undefined, -1, 2 ** 31]],
    ['publish', 'publications.0.batches.0.batch', [undefined, new Uint8Array(3)]],
    ['publish', 'isRepeat', [null, 1]],
    ['reply', 'sessionId', [undefined, '', 7], 'sessionId'],
    ['reply', 'correlationId', [undefined, 7, 'x'.repeat(256)]],
    ['reply', 'answer', [undefined, null, 'no', new ArrayBuffer(3)]],
    ['reply', 'answer', [{}, { value: 'x' }, { value: new Uint8Array(1) }], 'request.answer.value'],
    ['reply', 'answer.error', [null, 'no', []]],
    ['reply', 'answer.error.name', [undefined, 7, 'x'.repeat(256)]],
    ['reply', 'answer.error.message', [undefined, 7, 'x'.repeat(10_001)]],
    ['reply', 'answer.error.code', [null, {}, 'x'.repeat(256)]],
    ['watch', 'watchId', [undefined, 'x'.repeat(256)]],
    ['watch', 'intervalMs', [undefined, 19, 3_600_001]],
    ['unwatch', 'watchId', [undefined, 7]],
  ]

  it.each(WRONG)('%s with a wrong %s names it', (api, field, values, named) => {
    const inMessage = pathOf(field)
      .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
      .join('')
    for (const value of values) {
      const error = thrownBy(() => parse(replaced(requestOf(api), pathOf(field), value)))
      expect(error.code).toBe('INVALID_REQUEST')
      expect(error.details['field']).toBe(named ?? `request${inMessage}`)
    }
  })

  const WRONG_NAMES: readonly [ApiName, string, ErrorCode][] = [
    ['metadata', 'topics.0', 'INVALID_TOPIC_EXCEPTION'],
    ['createTopics', 'topics.0.topic', 'INVALID_TOPIC_EXCEPTION'],
    ['createTopics', 'topics.0.config', 'INVALID_CONFIG'],
    ['createTopics', 'topics.0.config.besides', 'INVALID_CONFIG'],
    ['deleteTopics', 'topics.0', 'INVALID_TOPIC_EXCEPTION'],
    ['createPartitions', 'topic', 'INVALID_TOPIC_EXCEPTION'],
    ['alterConfigs', 'topic', 'INVALID_TOPIC_EXCEPTION'],
    ['alterConfigs', 'config', 'INVALID_CONFIG'],
    ['groupHeartbeat', 'groupId', 'INVALID_GROUP_ID'],
    ['groupHeartbeat', 'subscription.topics.0', 'INVALID_TOPIC_EXCEPTION'],
    ['leaveGroup', 'groupId', 'INVALID_GROUP_ID'],
    ['joinShareGroup', 'options.deadLetterTopic', 'INVALID_TOPIC_EXCEPTION'],
    ['shareFetch', 'groupId', 'INVALID_GROUP_ID'],
    ['redrive', 'records.0.topic', 'INVALID_TOPIC_EXCEPTION'],
    ['bind', 'binding.topic', 'INVALID_TOPIC_EXCEPTION'],
    ['commitOffsets', 'groupId', 'INVALID_GROUP_ID'],
    ['fetchOffsets', 'groupId', 'INVALID_GROUP_ID'],
    ['startOffsets', 'groupId', 'INVALID_GROUP_ID'],
    ['describeGroups', 'groupIds.1', 'INVALID_GROUP_ID'],
    ['deleteGroups', 'groupIds.0', 'INVALID_GROUP_ID'],
  ]

  it.each(WRONG_NAMES)('%s with a wrong %s is an %s', (api, field, code) => {
    for (const value of [7, '']) {
      expect(thrownBy(() => parse(replaced(requestOf(api), pathOf(field), value))).code).toBe(code)
    }
  })

  it.each([
    ['produce', 'batches'],
    ['fetch', 'partitions'],
    ['listOffsets', 'partitions'],
    ['deleteRecords', 'partitions'],
    ['commitOffsets', 'offsets'],
  ] as const)('%s names a partition once', (api, field) => {
    const [item] = VALID[api][field] as unknown[]
    const error = thrownBy(() => parse({ ...requestOf(api), [field]: [item, item] }))
    expect([error.code, error.details]).toEqual(['INVALID_REQUEST', { partitionId: 1 }])
  })

  it.each([
    ['metadata', 'topics', 'orders'],
    ['describeGroups', 'groupIds', 'g'],
    ['deleteGroups', 'groupIds', 'g'],
    ['fetchOffsets', 'partitions', 1],
    ['startOffsets', 'partitions', 1],
  ] as const)('%s asks for one of %s once, however often it is named', (api, field, item) => {
    const request = { ...requestOf(api), [field]: [item, item, item] }
    expect(parse(request)).toEqual({ ...request, [field]: [item] })
  })

  it('changes a key of a store once, by values that are not too large', () => {
    const value = new ArrayBuffer(limits.storeValueBytesMax + 1)
    for (const [change, code] of [
      [{ puts: [...store.puts, ...store.puts] }, 'INVALID_REQUEST'],
      [{ deletes: ['a'] }, 'INVALID_REQUEST'],
      [{ deletes: ['b', 'b'] }, 'INVALID_REQUEST'],
      [{ puts: [{ key: 'a', value }] }, 'MESSAGE_TOO_LARGE'],
    ] as const) {
      const error = thrownBy(() => parse({ ...requestOf('storeWrite'), ...change }))
      expect(error.code).toBe(code)
    }
  })

  it('has no -0, which is another value than 0 for whoever compares by identity', () => {
    const { partitions } = parse({
      ...requestOf('fetch'),
      partitions: [{ partitionId: -0, offset: -0, maxBytes: 1 }],
    }) as RequestOf<'fetch'>
    expect(partitions).toStrictEqual([{ partitionId: 0, offset: 0, maxBytes: 1 }])
    expect(parse({ ...requestOf('startOffsets'), partitions: [-0] })).toHaveProperty(
      'partitions',
      [0],
    )
  })

  it('has an api that there is', () => {
    for (const api of [undefined, null, 'Fetch', 'toString', '__proto__', 7]) {
      const error = thrownBy(() => parse({ api }))
      expect([error.code, error.details['field']]).toEqual(['INVALID_REQUEST', 'request.api'])
    }
  })

  const anything = fc.anything({
    maxDepth: 3,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  })

  it('is never anything but a request or a typed error, whatever comes over the port', () => {
    fc.assert(
      fc.property(fc.oneof(anything, fc.dictionary(fc.string(), anything)), (value) => {
        expect(thrownBy(() => parse(value)).code).toBe('INVALID_REQUEST')
      }),
    )
  })

  it('with anything in the place of any of its parts is a request or a typed error', () => {
    const broken = fc.constantFrom(...APIS).chain((api) => {
      const request = requestOf(api)
      return fc
        .tuple(fc.constantFrom(...pathsIn(request)), anything)
        .map(([path, value]) => replaced(request, path, value))
    })
    fc.assert(
      fc.property(broken, (request) => {
        try {
          const parsed = parse(request)
          // What was accepted is whole: it is accepted again, and is the same.
          expect(parse(parsed)).toEqual(parsed)
        } catch (error) {
          expect(error).toBeInstanceOf(TabmqError)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
