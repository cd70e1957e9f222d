/** The administrator: every method, what it returns, and how it refuses. */
import { describe, expect, test } from 'vitest'
import type { Admin } from '../../src/client/admin/admin.js'
import { codeOf, errorOf, Held, inContext, type ClientContext } from './client-context.js'
import { committed, produce, range, read } from './reader.js'

const DEFAULTS = {
  retentionMs: 7 * 24 * 3_600_000,
  retentionBytes: null,
  maxMessageBytes: 1_048_576,
  dedupWindowMs: null,
}

describe('topics', () => {
  test(
    'are created with defaults, listed by name, described and deleted',
    inContext(async ({ admin }) => {
      const created = await admin.createTopics({
        topics: [
          { topic: 'orders', numPartitions: 3, config: { retentionMs: null } },
          { topic: 'audit' },
        ],
      })
      expect(created).toEqual(['orders', 'audit'])
      expect(await admin.listTopics()).toEqual(['audit', 'orders'])
      const { topics } = await admin.fetchTopicMetadata({ topics: ['orders', 'audit'] })
      expect(topics).toEqual([
        {
          topic: 'orders',
          topicId: expect.any(String) as string,
          partitions: range(3).map((partition) => ({ partition, partitionId: partition + 1 })),
          config: { ...DEFAULTS, retentionMs: null },
          createdAtMs: expect.any(Number) as number,
        },
        {
          topic: 'audit',
          topicId: expect.any(String) as string,
          partitions: [{ partition: 0, partitionId: 4 }],
          config: DEFAULTS,
          createdAtMs: expect.any(Number) as number,
        },
      ])
      expect((await admin.fetchTopicMetadata()).topics.map(({ topic }) => topic)).toEqual([
        'audit',
        'orders',
      ])
      await admin.deleteTopics({ topics: ['orders', 'audit'] })
      expect(await admin.listTopics()).toEqual([])
    }),
  )

  test(
    'are made all or none',
    inContext(async ({ admin }) => {
      await admin.createTopics({ topics: [{ topic: 'there' }] })
      const both = [{ topic: 'new' }, { topic: 'there' }]
      expect(await errorOf(admin.createTopics({ topics: both }))).toMatchObject({
        code: 'TOPIC_ALREADY_EXISTS',
        details: { topic: 'there' },
      })
      expect(await admin.listTopics()).toEqual(['there'])
      expect(await admin.createTopics({ topics: both, ifNotExists: true })).toEqual(['new'])
      expect(await admin.createTopics({ topics: both, ifNotExists: true })).toEqual([])
      expect(await codeOf(admin.createTopics({ topics: [{ topic: 'a' }, { topic: 'a' }] }))).toBe(
        'INVALID_REQUEST',
      )
      expect(await codeOf(admin.deleteTopics({ topics: ['new', 'nope'] }))).toBe(
        'UNKNOWN_TOPIC_OR_PARTITION',
      )
      expect(await admin.listTopics()).toEqual(['new', 'there'])
    }),
  )

  test(
    'can be checked without making them',
    inContext(async ({ admin }) => {
      const validate = (numPartitions: number) =>
        admin.createTopics({ topics: [{ topic: 'a', numPartitions }], validateOnly: true })
      expect(await validate(5)).toEqual(['a'])
      expect(await codeOf(validate(0))).toBe('INVALID_PARTITIONS')
      expect(await codeOf(validate(1_025))).toBe('INVALID_PARTITIONS')
      expect(await admin.listTopics()).toEqual([])
    }),
  )

  test(
    'of the same name are another topic (rule 21)',
    inContext(async (context) => {
      const { admin } = context
      await context.topic('orders')
      await produce(context, range(3))
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 3)
      await context.settle()
      const [before] = (await admin.fetchTopicMetadata({ topics: ['orders'] })).topics
      await admin.deleteTopics({ topics: ['orders'] })
      expect(await committed(context)).toEqual({})
      await context.topic('orders')
      const [after] = (await admin.fetchTopicMetadata({ topics: ['orders'] })).topics
      expect(after?.topicId).not.toBe(before?.topicId)
      await produce(context, ['new'])
      await context.advance(1_000)
      expect(reader.handled.at(-1)).toMatchObject({ offset: 0, value: 'new' })
    }),
  )

  test(
    'get more partitions, never fewer',
    inContext(async ({ admin }) => {
      await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] })
      const grow = (count: number, topic = 'orders') =>
        admin.createPartitions({ topicPartitions: [{ topic, count }] })
      await grow(4)
      const { topics } = await admin.fetchTopicMetadata({ topics: ['orders'] })
      expect(topics[0]?.partitions.map(({ partition }) => partition)).toEqual(range(4))
      for (const count of [4, 3, 0, 1_025]) {
        expect(await codeOf(grow(count))).toBe('INVALID_PARTITIONS')
      }
      expect(await codeOf(grow(2, 'nope'))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    }),
  )

  test(
    'have a config that can be read and changed in part',
    inContext(async ({ admin }) => {
      await admin.createTopics({
        topics: [{ topic: 'orders', config: { retentionBytes: 5_000 } }],
      })
      await admin.alterConfigs({ topics: [{ topic: 'orders', config: { retentionMs: 1_000 } }] })
      expect(await admin.describeConfigs({ topics: ['orders'] })).toEqual([
        { topic: 'orders', config: { ...DEFAULTS, retentionBytes: 5_000, retentionMs: 1_000 } },
      ])
      const alter = (config: object, topic = 'orders') =>
        admin.alterConfigs({ topics: [{ topic, config }] })
      expect(await errorOf(alter({ retentionMs: -1 }))).toMatchObject({
        code: 'INVALID_CONFIG',
        details: { config: 'retentionMs' },
      })
      expect(await codeOf(alter({ cleanup: 'compact' }))).toBe('INVALID_CONFIG')
      expect(await codeOf(alter({}, 'nope'))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await codeOf(admin.describeConfigs({ topics: ['nope'] }))).toBe(
        'UNKNOWN_TOPIC_OR_PARTITION',
      )
    }),
  )

  test(
    'are all left as they are when one of those to change is given wrongly',
    inContext(async ({ admin }) => {
      await admin.createTopics({ topics: [{ topic: 'orders' }] })
      const topic = 'orders'
      const grown: object[][] = [
        [
          { topic, count: 3 },
          { topic: 'a/b', count: 3 },
        ],
        [
          { topic, count: 3 },
          { topic, count: -1 },
        ],
        [
          { topic, count: 3 },
          { topic, numPartitions: 4 },
        ],
      ]
      for (const topicPartitions of grown) {
        const options = { topicPartitions } as never
        expect(await codeOf(admin.createPartitions(options))).toMatch(/^INVALID_/)
      }
      const altered: object[][] = [
        [
          { topic, config: { retentionMs: 5_000 } },
          { topic, config: { retentionMs: -5 } },
        ],
        [
          { topic, config: { retentionMs: 5_000 } },
          { topic, configs: {} },
        ],
        [
          { topic, config: { retentionMs: 5_000 } },
          { topic: '', config: {} },
        ],
      ]
      for (const topics of altered) {
        expect(await codeOf(admin.alterConfigs({ topics } as never))).toMatch(/^INVALID_/)
      }
      const [described] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
      expect(described?.partitions).toHaveLength(1)
      expect(described?.config).toEqual(DEFAULTS)
    }),
  )

  test(
    'are created once although the answer was lost with the broker',
    inContext(async (context) => {
      const tab = context.tab()
      await tab.mq.connect()
      const replies = tab.hold('createTopics', 'reply')
      const created = codeOf(tab.mq.admin().createTopics({ topics: [{ topic: 'orders' }] }))
      await context.settle()
      context.kill()
      replies.drop()
      // Whether it was made is not known, and the error says so rather than TOPIC_ALREADY_EXISTS.
      expect(await created).toBe('BROKER_UNAVAILABLE')
      expect(await tab.mq.admin().listTopics()).toEqual(['orders'])
    }),
  )
})

describe('offsets of a topic', () => {
  async function withTimes(context: ClientContext): Promise<number> {
    await context.topic('orders', 2)
    const startMs = context.clock.nowMs
    for (const _ of range(5)) {
      await produce(context, ['x'])
      await context.advance(1_000)
    }
    return startMs
  }

  test(
    'are its ends',
    inContext(async (context) => {
      await withTimes(context)
      await context.admin.deleteTopicRecords({
        topic: 'orders',
        partitions: [{ partition: 0, offset: 2 }],
      })
      expect(await context.admin.fetchTopicOffsets('orders')).toEqual([
        { partition: 0, offset: 5, low: 2, high: 5 },
        { partition: 1, offset: 0, low: 0, high: 0 },
      ])
      expect(await codeOf(context.admin.fetchTopicOffsets('nope'))).toBe(
        'UNKNOWN_TOPIC_OR_PARTITION',
      )
      expect(await codeOf(context.admin.fetchTopicOffsets('a b'))).toBe('INVALID_TOPIC_EXCEPTION')
    }),
  )

  test(
    'by time are the first at or after it, else the end (rule 19)',
    inContext(async (context) => {
      const startMs = await withTimes(context)
      const at = async (timeMs: number) =>
        (await context.admin.fetchTopicOffsetsByTimestamp('orders', timeMs)).map(
          ({ offset }) => offset,
        )
      expect(await at(0)).toEqual([0, 0])
      expect(await at(startMs)).toEqual([0, 0])
      expect(await at(startMs + 1)).toEqual([1, 0])
      expect(await at(startMs + 3_000)).toEqual([3, 0])
      expect(await at(startMs + 60_000)).toEqual([5, 0])
      expect(await codeOf(at(1.5))).toBe('INVALID_CONFIG')
      expect(await codeOf(at('now' as never))).toBe('INVALID_CONFIG')
    }),
  )

  test(
    'records can be deleted up to the end, and no further',
    inContext(async (context) => {
      await withTimes(context)
      const { admin } = context
      const remove = (offset: number, partition = 0) =>
        admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition, offset }] })
      expect(await errorOf(remove(6))).toMatchObject({
        code: 'OFFSET_OUT_OF_RANGE',
        details: { topic: 'orders', partition: 0, offset: 6 },
      })
      expect(await codeOf(remove(0, 2))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await codeOf(remove(-1))).toBe('INVALID_CONFIG')
      await remove(5)
      await remove(3)
      expect((await admin.fetchTopicOffsets('orders'))[0]).toMatchObject({ low: 5, high: 5 })
    }),
  )
})

describe('offsets of a group', () => {
  test(
    'are fetched, set and reset',
    inContext(async (context) => {
      const { admin } = context
      await context.topic('orders', 2)
      const startMs = context.clock.nowMs
      for (const _ of range(4)) {
        await produce(context, ['x'])
        await context.advance(1_000)
      }
      const fetch = () => admin.fetchOffsets({ groupId: 'g', topics: ['orders'] })
      const none = { offset: undefined, metadata: undefined }
      expect(await fetch()).toEqual([
        {
          topic: 'orders',
          partitions: range(2).map((partition) => ({ partition, ...none })),
        },
      ])
      expect(await admin.fetchOffsets({ groupId: 'g' })).toEqual([])
      await admin.setOffsets({
        groupId: 'g',
        topic: 'orders',
        partitions: [{ partition: 0, offset: 2, metadata: 'by hand' }],
      })
      expect((await fetch())[0]?.partitions).toEqual([
        { partition: 0, offset: 2, metadata: 'by hand' },
        { partition: 1, ...none },
      ])
      await admin.resetOffsets({ groupId: 'g', topic: 'orders' })
      expect(await committed(context)).toEqual({ 'orders 0': 4, 'orders 1': 0 })
      await admin.resetOffsets({ groupId: 'g', topic: 'orders', earliest: true })
      expect(await committed(context)).toEqual({ 'orders 0': 0, 'orders 1': 0 })
      await admin.resetOffsets({ groupId: 'g', topic: 'orders', timestamp: startMs + 1_500 })
      expect(await committed(context)).toEqual({ 'orders 0': 2, 'orders 1': 0 })
    }),
  )

  test(
    'can be set only while it has no members',
    inContext(async (context) => {
      await context.topic('orders')
      const { consumer } = await read(context, context.tab())
      const set = () =>
        context.admin.setOffsets({
          groupId: 'g',
          topic: 'orders',
          partitions: [{ partition: 0, offset: 0 }],
        })
      expect(await codeOf(set())).toBe('NON_EMPTY_GROUP')
      expect(await codeOf(context.admin.resetOffsets({ groupId: 'g', topic: 'orders' }))).toBe(
        'NON_EMPTY_GROUP',
      )
      await consumer.disconnect()
      await set()
    }),
  )

  test(
    'refuse what is not in the log',
    inContext(async (context) => {
      await context.topic('orders')
      const set = (partition: number, offset: number, topic = 'orders') =>
        context.admin.setOffsets({ groupId: 'g', topic, partitions: [{ partition, offset }] })
      expect(await codeOf(set(0, 1))).toBe('OFFSET_OUT_OF_RANGE')
      expect(await codeOf(set(1, 0))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await codeOf(set(0, 0, 'nope'))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await codeOf(set(0, -1))).toBe('INVALID_CONFIG')
    }),
  )
})

describe('groups', () => {
  test(
    'are listed and described with state, members, assignment and lag',
    inContext(async (context) => {
      const { admin } = context
      await context.topic('orders', 2)
      await produce(context, range(5))
      const gate = new Held()
      const reader = await read(context, context.tab({ clientId: 'left tab' }), {
        gate,
        groupInstanceId: 'left',
        assignor: 'range',
      })
      await context.until(() => gate.size === 1)
      gate.releaseOne()
      await context.until(() => gate.size === 1)
      await context.settle()
      expect(await admin.listGroups()).toEqual([
        { groupId: 'g', type: 'consumer', state: 'stable' },
      ])
      const [group] = await admin.describeGroups(['g'])
      const partitions = range(2).map((partition) => ({
        topic: 'orders',
        partition,
        partitionId: partition + 1,
      }))
      expect(group).toEqual({
        groupId: 'g',
        type: 'consumer',
        state: 'stable',
        groupEpoch: 1,
        assignor: 'range',
        members: [
          {
            memberId: expect.any(String) as string,
            groupInstanceId: 'left',
            clientId: 'left tab',
            sessionId: expect.any(String) as string,
            memberEpoch: 1,
            weight: 1,
            subscription: { topics: ['orders'], patterns: [] },
            assigned: partitions,
            target: partitions,
          },
        ],
        offsets: [
          { ...partitions[0], committedOffset: 1, highWatermark: 5, lag: 4 },
          { ...partitions[1], committedOffset: undefined, highWatermark: 0, lag: 0 },
        ],
      })
      gate.release()
      await reader.consumer.disconnect()
    }),
  )

  test(
    'are deleted with their offsets when they are empty, all or none',
    inContext(async (context) => {
      const { admin } = context
      await context.topic('orders')
      const partitions = [{ partition: 0, offset: 0 }]
      for (const groupId of ['a', 'b']) {
        await admin.setOffsets({ groupId, topic: 'orders', partitions })
      }
      await read(context, context.tab(), { groupId: 'busy' })
      expect(await codeOf(admin.deleteGroups(['a', 'busy']))).toBe('NON_EMPTY_GROUP')
      expect(await codeOf(admin.deleteGroups(['a', 'nope']))).toBe('GROUP_ID_NOT_FOUND')
      await admin.deleteGroups(['a', 'b'])
      expect((await admin.listGroups()).map(({ groupId }) => groupId)).toEqual(['busy'])
      expect(await committed(context, 'a')).toEqual({})
      expect(await codeOf(admin.describeGroups(['a']))).toBe('GROUP_ID_NOT_FOUND')
    }),
  )
})

test(
  'the cluster is described: life, epoch, tabs, storage',
  inContext(async (context) => {
    await context.topic('orders')
    await produce(context, [1])
    const first = await context.admin.describeCluster()
    expect(first).toMatchObject({
      brokerEpoch: 1,
      protocolVersion: expect.any(Number) as number,
      startedAtMs: expect.any(Number) as number,
      storage: { usageBytes: expect.any(Number) as number },
    })
    expect(first.sessions.map(({ clientId }) => clientId)).toEqual(['admin', 'producer'])
    context.kill()
    const second = await context.done(context.admin.describeCluster())
    expect(second.brokerEpoch).toBe(2)
    expect(second.incarnation).not.toBe(first.incarnation)
  }),
)

describe('bad input', () => {
  const calls: [method: keyof Admin, ...args: unknown[]][] = [
    ['createTopics'],
    ['createTopics', {}],
    ['createTopics', { topics: 'orders' }],
    ['createTopics', { topics: [null] }],
    ['createTopics', { topics: [{}] }],
    ['createTopics', { topics: [{ topic: 'a', numPartitions: '3' }] }],
    ['createTopics', { topics: [{ topic: 'a', config: { retention: 5 } }] }],
    ['createTopics', { topics: [{ topic: 'a', partitions: 3 }] }],
    ['createTopics', { topics: [{ topic: 'a' }], ifNotExist: true }],
    ['createTopics', { topics: [{ topic: 'a' }], validateOnly: 'yes' }],
    ['deleteTopics'],
    ['deleteTopics', { topics: 'a' }],
    ['deleteTopics', { topics: [5] }],
    ['createPartitions', null],
    ['createPartitions', { topicPartitions: [null] }],
    ['createPartitions', { topicPartitions: [{ topic: 'a', count: '4' }] }],
    ['fetchTopicMetadata', null],
    ['fetchTopicMetadata', { topics: 'a' }],
    ['fetchTopicOffsets', undefined],
    ['fetchTopicOffsetsByTimestamp', 'a'],
    ['fetchOffsets'],
    ['fetchOffsets', {}],
    ['fetchOffsets', { groupId: 'g', topics: 'a' }],
    ['setOffsets', null],
    ['setOffsets', { groupId: 'g', topic: 'orders', partitions: [null] }],
    ['setOffsets', { groupId: 'g', topic: 'orders', partitions: 5 }],
    ['setOffsets', { groupId: '', topic: 'orders', partitions: [] }],
    ['resetOffsets', { groupId: 'g', topic: 'orders', earliest: 'yes' }],
    ['resetOffsets', { groupId: 'g', topic: 'orders', latest: true }],
    ['resetOffsets', { groupId: 5, topic: 'orders' }],
    ['describeGroups'],
    ['describeGroups', 'g'],
    ['describeGroups', [5]],
    ['deleteGroups', { groupIds: ['g'] }],
    ['deleteTopicRecords', { topic: 'orders', partitions: [null] }],
    ['deleteTopicRecords', { topic: 'orders' }],
    ['describeConfigs', undefined],
    ['describeConfigs', { topics: 5 }],
    ['alterConfigs', { topics: [null] }],
    ['alterConfigs', { topics: [{ topic: 'orders', config: null }] }],
  ]

  test.each(calls.map((call) => [JSON.stringify(call), call] as const))(
    '%s is refused with a typed error',
    async (_, [method, ...args]) =>
      inContext(async (context) => {
        await context.topic('orders')
        const { admin } = context
        const call = admin[method] as (...args: unknown[]) => Promise<unknown>
        const error = await errorOf(call.apply(admin, args))
        expect(error.code).toMatch(/^INVALID_/)
        expect(await admin.listTopics()).toEqual(['orders'])
      })(),
  )
})
