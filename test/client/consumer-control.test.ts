/** Steering a consumer: seek, pause, resume, subscribe, unsubscribe, assign. */
import { describe, expect, test } from 'vitest'
import type { Codec } from '../../src/codec/codec.js'
import type { Consumer } from '../../src/client/consumer/consumer.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { codeOf, errorOf, Held, inContext } from './client-context.js'
import { committed, namesOf, produce, range, read, Reader } from './reader.js'

const ORDERS_0 = { topic: 'orders', partition: 0 }
const ALL_ORDERS = [{ topic: 'orders' }]

describe('seek (rule 16)', () => {
  test(
    'before run it says where to start, committed offset or not',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(8))
      const reader = new Reader(context.tab())
      await reader.subscribe()
      reader.consumer.seek({ ...ORDERS_0, offset: 2 })
      reader.consumer.seek({ ...ORDERS_0, offset: 5 })
      await reader.run()
      await context.until(() => reader.handled.length === 3)
      expect(reader.values).toEqual([5, 6, 7])
    }),
  )

  test(
    'while running it goes on there, backwards and forwards',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10), { inOneBatch: true })
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 10)
      reader.consumer.seek({ ...ORDERS_0, offset: 7 })
      await context.until(() => reader.handled.length === 13)
      reader.consumer.seek({ ...ORDERS_0, offset: 1 })
      reader.consumer.seek({ ...ORDERS_0, offset: 9 })
      reader.consumer.seek({ ...ORDERS_0, offset: 8 })
      await context.advance(1_000)
      expect(reader.values).toEqual([...range(10), 7, 8, 9, 8, 9])
    }),
  )

  test(
    'inside a handler it makes the rest of what was fetched void',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10), { inOneBatch: true })
      const reader = await read(context, context.tab(), {
        onMessage: ({ message }, reader) => {
          if (message.offset === 2) reader.consumer.seek({ ...ORDERS_0, offset: 8 })
        },
      })
      await context.until(() => reader.handled.length >= 5)
      await context.advance(1_000)
      expect(reader.values).toEqual([0, 1, 2, 8, 9])
      expect(await committed(context)).toEqual({ 'orders 0': 10 })
    }),
  )

  test(
    'to the message at hand repeats it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3), { inOneBatch: true })
      let repeats = 0
      const reader = await read(context, context.tab(), {
        onMessage: ({ message: { offset } }, reader) => {
          if (offset === 1 && repeats++ < 2) reader.consumer.seek({ ...ORDERS_0, offset })
        },
      })
      await context.until(() => reader.handled.length === 5)
      expect(reader.values).toEqual([0, 1, 1, 1, 2])
    }),
  )

  test(
    'of a handler that then throws counts as well',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5), { inOneBatch: true })
      const reader = await read(context, context.tab(), {
        onMessage: ({ message: { offset } }, reader) => {
          if (offset !== 1) return
          reader.consumer.seek({ ...ORDERS_0, offset: 3 })
          throw new Error('skip the poison')
        },
      })
      await context.until(() => reader.handled.length === 3)
      await context.advance(10_000)
      expect(reader.values).toEqual([0, 3, 4])
      expect(reader.started.map(({ value }) => value)).toEqual([0, 1, 3, 4])
    }),
  )

  test(
    'drops what is fetched and not delivered, and what is on its way',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const gate = new Held()
      const reader = await read(context, tab, { gate })
      await produce(context, range(6))
      await context.until(() => gate.size === 1)
      const replies = tab.hold('fetch', 'reply')
      await produce(context, range(4, 6))
      await context.settle()
      reader.consumer.seek({ ...ORDERS_0, offset: 9 })
      gate.release()
      replies.release()
      await context.advance(1_000)
      expect(reader.values).toEqual([0, 9])
    }),
  )

  test(
    'while a batch is being decoded keeps its messages from being delivered',
    inContext(async (context) => {
      await context.topic('orders')
      let onDecode = () => {}
      const watched: Codec = {
        id: 40,
        name: 'watched',
        encode: (value) => new TextEncoder().encode(String(value)),
        decode: (bytes) => {
          onDecode()
          return new TextDecoder().decode(bytes)
        },
      }
      const tab = context.tab({ codecs: [watched] })
      const messages = range(10).map((value) => ({ value }))
      await tab.mq.producer({ codec: watched }).send({ topic: 'orders', messages })
      const reader = new Reader(tab)
      await reader.subscribe()
      let isSought = false
      onDecode = () => {
        if (!isSought) reader.consumer.seek({ ...ORDERS_0, offset: 7 })
        isSought = true
      }
      await reader.run()
      await context.until(() => reader.handled.length >= 3)
      await context.advance(1_000)
      expect(reader.values).toEqual(['7', '8', '9'])
    }),
  )

  test(
    'while a compressed batch is being unpacked keeps its messages from being delivered',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const messages = range(10).map((value) => ({ value }))
      await tab.mq.producer({ compression: 'gzip' }).send({ topic: 'orders', messages })
      const replies = tab.hold('fetch', 'reply')
      const reader = new Reader(tab)
      await reader.subscribe()
      await reader.run()
      replies.release()
      // The reply has come and the batch is on its way through the platform's gzip.
      for (const _ of range(20)) await Promise.resolve()
      reader.consumer.seek({ ...ORDERS_0, offset: 8 })
      while (reader.handled.length < 2) await context.settle()
      await context.advance(1_000)
      expect(reader.values).toEqual([8, 9])
    }),
  )

  test(
    'to a partition that is not held waits until it is',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, range(4), { partition })
      const first = await read(context, context.tab())
      await context.until(() => first.handled.length === 8)
      const second = new Reader(context.tab())
      await second.subscribe()
      for (const partition of range(2))
        second.consumer.seek({ topic: 'orders', partition, offset: 3 })
      await second.run()
      await context.until(() => second.assignment.length === 1)
      await context.advance(100)
      expect(second.handled.map(({ offset }) => offset)).toEqual([3])
      await first.consumer.disconnect()
      await context.until(() => second.assignment.length === 2)
      await context.advance(100)
      expect(second.handled.map(({ offset }) => offset)).toEqual([3, 3])
    }),
  )

  test(
    'in partitionsAssigned decides where a partition starts',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, range(4), { partition })
      const reader = new Reader(context.tab())
      reader.consumer.on('partitionsAssigned', ({ partitions }) => {
        for (const { topic, partition } of partitions) {
          reader.consumer.seek({ topic, partition, offset: 3 })
        }
      })
      await reader.subscribe()
      await reader.run()
      await context.advance(100)
      expect(reader.handled.map(({ offset }) => offset)).toEqual([3, 3])
    }),
  )

  test(
    'wins over a start that is still being looked up',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5))
      const tab = context.tab()
      const replies = tab.hold('startOffsets', 'reply')
      const reader = await read(context, tab)
      reader.consumer.seek({ ...ORDERS_0, offset: 4 })
      await context.settle()
      replies.release()
      await context.advance(100)
      expect(reader.values).toEqual([4])
    }),
  )

  test.each<[what: string, seek: unknown, code: string]>([
    ['topic', { topic: 'a b', partition: 0, offset: 0 }, 'INVALID_TOPIC_EXCEPTION'],
    ['partition', { topic: 'orders', partition: -1, offset: 0 }, 'INVALID_CONFIG'],
    ['partition', { topic: 'orders', partition: '0', offset: 0 }, 'INVALID_CONFIG'],
    ['offset', { topic: 'orders', partition: 0, offset: '5' }, 'INVALID_CONFIG'],
    ['offset', { topic: 'orders', partition: 0, offset: -1 }, 'INVALID_CONFIG'],
    ['offset', { topic: 'orders', partition: 0 }, 'INVALID_CONFIG'],
    ['argument', null, 'INVALID_CONFIG'],
  ])('refuses a bad %s: %j', async (_, where, code) =>
    inContext(async (context) => {
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      const seek = () => consumer.seek(where as Parameters<Consumer['seek']>[0])
      expect(seek).toThrow(expect.objectContaining({ code }))
    })(),
  )
})

describe('a seek beyond the end (rule 15)', () => {
  test.each([
    ['latest', [3, 4]],
    ['earliest', [0, 1, 2, 3, 4]],
  ] as const)(
    'goes where the policy says, %s, and no commit fails for it',
    async (autoOffsetReset, values) =>
      inContext(async (context) => {
        await context.topic('orders')
        await produce(context, range(3))
        const reader = await read(context, context.tab(), { autoOffsetReset })
        await context.advance(100)
        reader.handled.splice(0)
        reader.consumer.seek({ topic: 'orders', partition: 0, offset: 99 })
        await context.advance(5_000)
        await reader.consumer.commitOffsets()
        await produce(context, [3, 4])
        await context.until(() => reader.values.includes(4))
        await context.advance(100)
        expect(reader.values).toEqual(values)
        expect(await committed(context)).toEqual({ 'orders 0': 5 })
        expect(reader.eventsOf('crash')).toEqual([])
      })(),
  )
})

describe('pause and resume', () => {
  test(
    'a resume tries at once what failed before the pause',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      let isOnline = false
      const reader = await read(context, context.tab(), {
        onMessage: () => {
          if (!isOnline) throw new Error('offline')
        },
      })
      await context.advance(60_000)
      expect(reader.started.length).toBeGreaterThan(3)
      reader.consumer.pause([{ topic: 'orders' }])
      await context.advance(100)
      isOnline = true
      reader.consumer.resume([{ topic: 'orders' }])
      await context.advance(50)
      expect(reader.values).toEqual([0])
    }),
  )

  test(
    'nothing of a paused partition is delivered, and all of it after resume',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const reader = await read(context, context.tab())
      reader.consumer.pause([{ topic: 'orders', partitions: [0] }])
      expect(reader.consumer.paused()).toEqual([{ topic: 'orders', partitions: [0] }])
      await produce(context, range(3))
      await produce(context, range(3, 10), { partition: 1 })
      await context.advance(10_000)
      expect(reader.values).toEqual([10, 11, 12])
      reader.consumer.resume([{ topic: 'orders', partitions: [0] }])
      expect(reader.consumer.paused()).toEqual([])
      await context.advance(100)
      expect(reader.values).toEqual([10, 11, 12, 0, 1, 2])
      expect(reader.assignment).toEqual(['orders 0', 'orders 1'])
    }),
  )

  test(
    'paused partitions are not fetched, however long the pause',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      reader.consumer.pause(ALL_ORDERS)
      await context.advance(6_000)
      const fetches = tab.requestsOf('fetch').length
      await context.advance(600_000)
      expect(tab.requestsOf('fetch').length).toBe(fetches)
      expect(reader.happened()).not.toContain('partitionsLost')
    }),
  )

  test(
    'a pause inside a handler keeps back the rest of what was fetched (rule 16)',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5), { inOneBatch: true })
      const resumes: (() => void)[] = []
      const reader = await read(context, context.tab(), {
        onMessage: ({ message, pause }) => {
          if (message.offset === 1) resumes.push(pause())
        },
      })
      await context.advance(10_000)
      expect(reader.values).toEqual([0, 1])
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      for (const resume of resumes) resume()
      await context.advance(100)
      expect(reader.values).toEqual(range(5))
    }),
  )

  test(
    'a handler that pauses and throws gets its message again after resume',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3), { inOneBatch: true })
      const resumes: (() => void)[] = []
      const reader = await read(context, context.tab(), {
        onMessage: ({ message, pause }) => {
          if (message.offset !== 1 || resumes.length > 0) return
          resumes.push(pause())
          throw new Error('later')
        },
      })
      await context.advance(60_000)
      expect(reader.started.map(({ offset }) => offset)).toEqual([0, 1])
      for (const resume of resumes) resume()
      await context.advance(1_000)
      expect(reader.values).toEqual([0, 1, 2])
    }),
  )

  test(
    'what is fetched when a pause begins is delivered once after it, not twice',
    inContext(async (context) => {
      await context.topic('orders')
      const gate = new Held()
      const reader = await read(context, context.tab(), { gate })
      await produce(context, range(5))
      await context.until(() => gate.size === 1)
      reader.consumer.pause(ALL_ORDERS)
      reader.consumer.resume(ALL_ORDERS)
      gate.release()
      await context.advance(1_000)
      expect(reader.values).toEqual(range(5))
    }),
  )

  test(
    'a pause outlives a rebalance, and is there for partitions that come later',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const first = await read(context, context.tab())
      first.consumer.pause(ALL_ORDERS)
      const second = await read(context, context.tab())
      await context.until(() => second.assignment.length === 1)
      await second.consumer.disconnect()
      await context.until(() => first.assignment.length === 2)
      await produce(context, [1], { partition: 0 })
      await produce(context, [2], { partition: 1 })
      await context.advance(10_000)
      expect(first.values).toEqual([])
      expect(first.consumer.paused()).toEqual([{ topic: 'orders', partitions: [0, 1] }])
      first.consumer.resume([{ topic: 'orders', partitions: [1] }])
      await context.advance(100)
      expect(first.values).toEqual([2])
      expect(first.consumer.paused()).toEqual([{ topic: 'orders', partitions: [0] }])
    }),
  )

  test(
    'before run it is there from the start',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      const reader = new Reader(context.tab())
      await reader.subscribe()
      reader.consumer.pause(ALL_ORDERS)
      await reader.run()
      await context.advance(10_000)
      expect(reader.values).toEqual([])
      reader.consumer.resume(ALL_ORDERS)
      await context.advance(100)
      expect(reader.values).toEqual([1])
    }),
  )

  test(
    'a seek while paused counts after resume',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 4)
      reader.consumer.pause(ALL_ORDERS)
      reader.consumer.seek({ ...ORDERS_0, offset: 2 })
      await context.advance(1_000)
      expect(reader.handled).toHaveLength(4)
      reader.consumer.resume(ALL_ORDERS)
      await context.advance(100)
      expect(reader.values).toEqual([0, 1, 2, 3, 2, 3])
    }),
  )

  test.each<[what: string, topics: unknown]>([
    ['nothing', undefined],
    ['a name', 'orders'],
    ['a list of names', ['orders']],
    ['no topic', [{ partitions: [0] }]],
    ['no list of partitions', [{ topic: 'orders', partitions: 0 }]],
    ['a bad partition', [{ topic: 'orders', partitions: ['0'] }]],
    ['null', [null]],
  ])('refuse %s', async (_, topics) =>
    inContext(async (context) => {
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      for (const method of ['pause', 'resume'] as const) {
        expect(() => consumer[method](topics as never)).toThrow(TabmqError)
      }
      expect(consumer.paused()).toEqual([])
    })(),
  )
})

describe('subscribe and unsubscribe', () => {
  test(
    'a topic that does not exist yet is read as soon as it does',
    inContext(async (context) => {
      const reader = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      expect(reader.assignment).toEqual([])
      await context.topic('orders', 2)
      await produce(context, [1])
      await context.advance(100)
      expect(reader.assignment).toEqual(['orders 0', 'orders 1'])
      expect(reader.values).toEqual([1])
    }),
  )

  test(
    'a pattern matches topics there are and topics that come (rule 10)',
    inContext(async (context) => {
      await context.topic('orders.eu')
      await context.topic('other')
      const reader = await read(context, context.tab(), { topics: [/^orders\./g] })
      expect(reader.assignment).toEqual(['orders.eu 0'])
      await context.topic('orders.us')
      await produce(context, ['us'], { topic: 'orders.us' })
      await context.advance(100)
      expect(reader.assignment).toEqual(['orders.eu 0', 'orders.us 0'])
      expect(reader.values).toEqual(['us'])
      await context.admin.deleteTopics({ topics: ['orders.eu'] })
      await context.advance(100)
      expect(reader.assignment).toEqual(['orders.us 0'])
    }),
  )

  test(
    'subscribe while running adds, unsubscribe takes away, others stay as they are',
    inContext(async (context) => {
      await context.topic('a')
      await context.topic('b')
      const reader = await read(context, context.tab(), { topics: ['a'] })
      await produce(context, ['b1'], { topic: 'b' })
      await reader.consumer.subscribe({ topics: ['b'], fromBeginning: true })
      await context.advance(100)
      expect(reader.assignment).toEqual(['a 0', 'b 0'])
      expect(reader.values).toEqual(['b1'])
      await reader.consumer.unsubscribe({ topics: ['a'] })
      await context.advance(100)
      expect(reader.assignment).toEqual(['b 0'])
      await reader.consumer.unsubscribe()
      await context.advance(100)
      expect(reader.assignment).toEqual([])
      await reader.consumer.subscribe({ topics: [/^a$/] })
      await context.advance(100)
      expect(reader.assignment).toEqual(['a 0'])
      await reader.consumer.unsubscribe({ topics: [/^a$/] })
      await context.advance(100)
      expect(reader.assignment).toEqual([])
    }),
  )

  test(
    'subscribing in one go, twice, or in parts is the same',
    inContext(async (context) => {
      await context.topic('a')
      await context.topic('b')
      const reader = new Reader(context.tab(), { topics: ['a'] })
      await reader.subscribe()
      await reader.subscribe()
      await reader.consumer.subscribe({ topics: ['b', 'a'] })
      await reader.run()
      expect(reader.assignment).toEqual(['a 0', 'b 0'])
    }),
  )

  test(
    'a change while the consumer joins is not lost',
    inContext(async (context) => {
      await context.topic('a')
      await context.topic('b')
      const tab = context.tab()
      const reader = new Reader(tab, { topics: ['a'] })
      await reader.subscribe()
      const replies = tab.hold('groupHeartbeat', 'reply')
      const running = reader.run()
      await context.settle()
      await reader.consumer.subscribe({ topics: ['b'] })
      replies.release()
      await running
      await context.advance(100)
      expect(reader.assignment).toEqual(['a 0', 'b 0'])
    }),
  )

  test(
    'a change while there is no broker reaches the next one',
    inContext(async (context) => {
      await context.topic('a')
      await context.topic('b')
      const reader = await read(context, context.tab(), { topics: ['a'] })
      context.forbidBroker()
      context.kill()
      await context.advance(1_000)
      await reader.consumer.subscribe({ topics: ['b'] })
      context.allowBroker()
      await context.advance(5_000)
      expect(reader.assignment).toEqual(['a 0', 'b 0'])
    }),
  )

  test.each<[what: string, options: unknown, code: string]>([
    ['nothing', undefined, 'INVALID_CONFIG'],
    ['no topics', {}, 'INVALID_CONFIG'],
    ['a name for topics', { topics: 'orders' }, 'INVALID_CONFIG'],
    ['a bad name', { topics: ['a b'] }, 'INVALID_TOPIC_EXCEPTION'],
    ['what is neither', { topics: [5] }, 'INVALID_TOPIC_EXCEPTION'],
    [
      'a pattern that is too long',
      { topics: [new RegExp('a'.repeat(1_001))] },
      'INVALID_REGULAR_EXPRESSION',
    ],
    ['a bad flag', { topics: ['orders'], fromBeginning: 'yes' }, 'INVALID_CONFIG'],
    ['an unknown option', { topics: ['orders'], fromStart: true }, 'INVALID_CONFIG'],
  ])('subscribe refuses %s', async (_, options, code) =>
    inContext(async (context) => {
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      expect(await codeOf(consumer.subscribe(options as never))).toBe(code)
      expect(await codeOf(consumer.run({ eachMessage: () => {} }))).toBe('ILLEGAL_STATE')
    })(),
  )

  test(
    'unsubscribe refuses what is no list of topics',
    inContext(async (context) => {
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      for (const options of [null, { topics: 'orders' }, { topic: 'orders' }]) {
        expect(await codeOf(consumer.unsubscribe(options as never))).toBe('INVALID_CONFIG')
      }
    }),
  )

  test(
    'a consumer without a group cannot subscribe',
    inContext(async (context) => {
      const consumer = context.tab().mq.consumer()
      expect(await codeOf(consumer.subscribe({ topics: ['orders'] }))).toBe('ILLEGAL_STATE')
    }),
  )
})

describe('assign', () => {
  test(
    'reads exactly these partitions, without a group',
    inContext(async (context) => {
      await context.topic('orders', 3)
      for (const partition of range(3)) await produce(context, [partition], { partition })
      const assign = [0, 2].map((partition) => ({ topic: 'orders', partition }))
      const tab = context.tab()
      const readers = [
        await read(context, tab, { assign, autoOffsetReset: 'earliest' }),
        await read(context, tab, { assign, autoOffsetReset: 'earliest' }),
      ]
      await context.advance(100)
      for (const reader of readers) {
        expect(reader.assignment).toEqual(['orders 0', 'orders 2'])
        expect(namesOf(reader.handled)).toEqual(['orders 0', 'orders 2'])
      }
      expect(await context.admin.listGroups()).toEqual([])
      expect(await codeOf(readers[0]?.consumer.commitOffsets() ?? Promise.resolve())).toBe(
        'ILLEGAL_STATE',
      )
    }),
  )

  test(
    'with a group keeps its offsets there',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const options = { assign: [ORDERS_0], groupId: 'mine', autoOffsetReset: 'earliest' } as const
      const first = await read(context, context.tab(), options)
      await context.until(() => first.handled.length === 3)
      await first.consumer.stop()
      expect(await committed(context, 'mine')).toEqual({ 'orders 0': 3 })
      await produce(context, [3])
      const second = await read(context, context.tab(), options)
      await context.advance(100)
      expect(second.values).toEqual([3])
      expect(await context.admin.describeGroups(['mine'])).toMatchObject([{ members: [] }])
    }),
  )

  test(
    'goes on with the next broker, where it was',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab(), {
        assign: [ORDERS_0],
        autoOffsetReset: 'earliest',
      })
      await produce(context, range(3))
      await context.until(() => reader.handled.length === 3)
      context.kill()
      await produce(context, range(3, 3))
      await context.advance(1_000)
      expect(reader.values).toEqual(range(6))
    }),
  )

  test(
    'refuses partitions that there are not, and mixing with subscribe or run',
    inContext(async (context) => {
      await context.topic('orders')
      const { mq } = context.tab()
      const consumer = mq.consumer({ groupId: 'g' })
      expect(await codeOf(consumer.assign([{ topic: 'orders', partition: 1 }]))).toBe(
        'UNKNOWN_TOPIC_OR_PARTITION',
      )
      expect(await codeOf(consumer.assign([{ topic: 'nowhere', partition: 0 }]))).toBe(
        'UNKNOWN_TOPIC_OR_PARTITION',
      )
      expect(await codeOf(consumer.assign('orders' as never))).toBe('INVALID_CONFIG')
      expect(await codeOf(consumer.assign([null] as never))).toBe('INVALID_CONFIG')
      await consumer.assign([ORDERS_0])
      expect(await codeOf(consumer.subscribe({ topics: ['orders'] }))).toBe('ILLEGAL_STATE')
      await consumer.run({ eachMessage: () => {} })
      expect(await codeOf(consumer.assign([ORDERS_0]))).toBe('ILLEGAL_STATE')
      const other = mq.consumer({ groupId: 'g' })
      await other.subscribe({ topics: ['orders'] })
      expect(await codeOf(other.assign([ORDERS_0]))).toBe('ILLEGAL_STATE')
    }),
  )

  test(
    'tells when an assigned topic is deleted',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab(), {
        assign: [ORDERS_0],
        autoOffsetReset: 'earliest',
      })
      await context.admin.deleteTopics({ topics: ['orders'] })
      await context.advance(10_000)
      expect(reader.eventsOf('crash')[0]).toMatchObject({
        error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' },
        willRetry: true,
        topic: 'orders',
        partition: 0,
      })
    }),
  )
})

describe('options of a consumer', () => {
  test.each<[option: string, value: unknown, code?: string]>([
    ['groupId', '', 'INVALID_GROUP_ID'],
    ['groupId', 5, 'INVALID_GROUP_ID'],
    ['groupInstanceId', '', 'INVALID_CONFIG'],
    ['sessionTimeoutMs', 999],
    ['sessionTimeoutMs', 1_800_001],
    ['rebalanceTimeoutMs', 0],
    ['maxPollIntervalMs', 0],
    ['maxPollIntervalMs', '5m'],
    ['assignor', 'random'],
    ['autoOffsetReset', 'beginning'],
    ['maxBytes', 0],
    ['maxBytesPerPartition', 9 * 1024 * 1024],
    ['minBytes', 0],
    ['maxWaitMs', 0],
    ['maxWaitMs', 60_001],
    ['maxWait', 5],
  ])('%s: %j is refused by name', async (option, value, code = 'INVALID_CONFIG') =>
    inContext(async (context) => {
      const { mq } = context.tab()
      const make = () => mq.consumer({ groupId: 'g', [option]: value })
      expect(make).toThrow(TabmqError)
      expect(make).toThrow(expect.objectContaining({ code }))
      if (option !== 'groupId') expect(make).toThrow(new RegExp(option))
    })(),
  )

  test(
    'an option that is undefined is absent',
    inContext(async (context) => {
      await context.topic('orders')
      const { mq } = context.tab()
      const options = { sessionTimeoutMs: undefined, maxWaitMs: undefined, assignor: undefined }
      const consumer = mq.consumer({ groupId: 'g', ...(options as object) })
      await consumer.subscribe({ topics: ['orders'] })
      await consumer.run({ eachMessage: () => {}, ...({ autoCommit: undefined } as object) })
      const producer = mq.producer({ acks: undefined, lingerMs: undefined } as object)
      expect(await producer.send({ topic: 'orders', messages: [{ value: 1 }] })).toHaveLength(1)
    }),
  )

  test(
    'an event that there is not cannot be listened to',
    inContext(async (context) => {
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      for (const event of ['partitionAssigned', 'consumer.crash', undefined]) {
        const listen = async () => consumer.on(event as 'crash', () => {})
        expect(await errorOf(listen())).toMatchObject({
          code: 'INVALID_CONFIG',
          details: { option: 'event', value: event },
        })
      }
      expect(() => consumer.on('crash', undefined as never)).toThrow(/listener/)
    }),
  )

  test.each<[what: string, options: unknown, named: RegExp]>([
    ['nothing', undefined, /run/],
    ['no handler', {}, /eachMessage or eachBatch/],
    ['two handlers', { eachMessage: () => {}, eachBatch: () => {} }, /eachMessage or eachBatch/],
    ['a handler that is none', { eachMessage: 'log' }, /eachMessage/],
    ['autoCommit', { eachMessage: () => {}, autoCommit: 'no' }, /autoCommit/],
    ['an interval', { eachMessage: () => {}, autoCommitInterval: 0 }, /autoCommitInterval/],
    ['a threshold', { eachMessage: () => {}, autoCommitThreshold: 1.5 }, /autoCommitThreshold/],
    [
      'a number of partitions',
      { eachMessage: () => {}, partitionsConsumedConcurrently: 0 },
      /partitionsConsumedConcurrently/,
    ],
    ['an unknown option', { eachMessage: () => {}, autocommit: false }, /"autocommit"/],
  ])('run refuses %s, and can be called again', async (_, options, named) =>
    inContext(async (context) => {
      await context.topic('orders')
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      await consumer.subscribe({ topics: ['orders'] })
      const error = await errorOf(consumer.run(options as never))
      expect(error.code).toBe('INVALID_CONFIG')
      expect(error.message).toMatch(named)
      await consumer.run({ eachMessage: () => {} })
      expect(await codeOf(consumer.run({ eachMessage: () => {} }))).toBe('ILLEGAL_STATE')
    })(),
  )
})
