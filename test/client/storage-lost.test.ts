/** The data are deleted under a running broker, or while there is none: every tab is told, once. */
import { describe, expect, test } from 'vitest'
import { Connection } from '../../src/client/connection.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { TopicName } from '../../src/protocol/names.js'
import { codeOf, errorOf, Held, inContext, type ClientContext, type Tab } from './client-context.js'
import { committed, produce, range, read } from './reader.js'

/** A connection of its own in a tab, and what it tells, in order. */
function connect(tab: Tab): { connection: Connection; told: string[] } {
  const connection = new Connection(tab, tab.name)
  const told: string[] = []
  connection.events.on('connected', () => told.push('connected'))
  connection.events.on('disconnected', () => told.push('disconnected'))
  connection.events.on('storageLost', ({ error }) => told.push(error.code))
  return { connection, told }
}

const LOST = ['connected', 'disconnected', 'STORAGE_LOST', 'connected']

describe('a connection', () => {
  test(
    'tells that the data are others, before it says that it is connected',
    inContext(async (context) => {
      const tabs = [context.tab(), context.tab()].map(connect)
      for (const { connection } of tabs) await connection.connect()
      await context.storageIsLost()
      await context.until(() => tabs.every(({ told }) => told.length >= 4))
      expect(tabs.map(({ told }) => told)).toEqual([LOST, LOST])
    }),
  )

  test(
    'tells it too when the worker died in between',
    inContext(async (context) => {
      const { connection, told } = connect(context.tab())
      await connection.connect()
      context.forbidBroker()
      context.kill()
      context.deleteData()
      await context.advance(5_000)
      context.allowBroker()
      await context.until(() => connection.isConnected)
      expect(told).toEqual(LOST)
    }),
  )

  test(
    'tells nothing of it when another broker has the same data',
    inContext(async (context) => {
      const { connection, told } = connect(context.tab())
      await connection.connect()
      context.kill()
      await context.until(() => connection.isConnected)
      expect(told).toEqual(['connected', 'disconnected', 'connected'])
    }),
  )

  test(
    'lets no call of before reach the data of after',
    inContext(async (context) => {
      const tab = context.tab()
      const { connection } = connect(tab)
      await connection.connect()
      context.forbidBroker()
      context.kill()
      const call = (isRepeatable: boolean) =>
        codeOf(connection.call({ api: 'listGroups' }, { isRepeatable }))
      const calls = [call(true), call(false)]
      context.deleteData()
      context.allowBroker()
      expect(await context.done(Promise.all(calls))).toEqual(['STORAGE_LOST', 'STORAGE_LOST'])
      expect(tab.requestsOf('listGroups')).toEqual([])
      expect(await connection.call({ api: 'listGroups' }, { isRepeatable: true })).toEqual({
        groups: [],
      })
    }),
  )

  test(
    'has calls that the broker was at reject with the same error',
    inContext(async (context) => {
      const { connection } = connect(context.tab())
      await connection.connect()
      const held = context.holdCommits()
      const creating = codeOf(createTopic(connection))
      await context.settle()
      await context.storageIsLost()
      held.release()
      expect(await context.done(creating)).toBe('STORAGE_LOST')
      expect(context.database.topics.size).toBe(0)
    }),
  )

  test(
    'finds the next broker though one that began on the lost data answers first',
    inContext(async (context) => {
      const { connection } = connect(context.tab())
      context.helloErrors.push(lostError())
      await context.done(connection.connect())
    }),
  )
})

describe('a producer', () => {
  test(
    'fails what waits for an answer, and sends what comes later to the new topic',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.producerTab
      const producer = tab.mq.producer()
      const send = (value: unknown) =>
        producer.send({ topic: 'orders', messages: [{ value, partition: 0 }] })
      await context.done(send('before'))
      const held = context.holdCommits()
      const sends = [codeOf(send('under way')), codeOf(send('queued'))]
      await context.settle()
      await context.storageIsLost()
      held.release()
      expect(await context.done(Promise.all(sends))).toEqual(['STORAGE_LOST', 'STORAGE_LOST'])
      // The administrator's tab has heard of it too.
      await context.advance(1_000)
      await context.topic('orders')
      const [after] = await context.done(send('after'))
      expect(after?.baseOffset).toBe(0)
      await context.advance(60_000)
      expect(await values(context)).toEqual(['after'])
    }),
  )

  test(
    'fails what waits while there is no broker, for the topic or for room, once',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = context.producerTab.mq.producer({ bufferMemoryBytes: 1_000 })
      const send = (topic: string, bytes: number) =>
        producer.send({ topic, messages: [{ value: 'x'.repeat(bytes), partition: 0 }] })
      await context.done(send('orders', 1))
      context.forbidBroker()
      context.kill()
      const sends = [send('orders', 600), send('orders', 600), send('unknown', 10)].map(codeOf)
      await context.settle()
      context.deleteData()
      context.allowBroker()
      expect(await context.done(Promise.all(sends))).toEqual(Array(3).fill('STORAGE_LOST'))
      await context.topic('orders')
      // All of the room is there again.
      for (const offset of range(2)) {
        expect(await context.done(send('orders', 600))).toMatchObject([{ baseOffset: offset }])
      }
      await context.advance(60_000)
      expect(await values(context)).toHaveLength(2)
    }),
  )

  test(
    'sends what an app makes and sends on hearing of it',
    inContext(async (context) => {
      await context.topic('orders')
      const { mq } = context.producerTab
      const again: Promise<unknown>[] = []
      mq.on('storageLost', () => {
        again.push(codeOf(producer.send({ topic: 'orders', messages: [{ value: 'too early' }] })))
        again.push(
          mq
            .admin()
            .createTopics({ topics: [{ topic: 'orders' }] })
            .then(() => producer.send({ topic: 'orders', messages: [{ value: 'new' }] })),
        )
      })
      const producer = mq.producer()
      await context.done(producer.send({ topic: 'orders', messages: [{ value: 'old' }] }))
      await context.storageIsLost()
      await context.until(() => again.length === 2)
      expect(await context.done(Promise.all(again))).toMatchObject([
        'UNKNOWN_TOPIC_OR_PARTITION',
        [{ baseOffset: 0 }],
      ])
      expect(await values(context)).toEqual(['new'])
    }),
  )
})

describe('a member of a group', () => {
  test(
    'joins again, and takes along nothing of what it knew',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10))
      const tab = context.tab()
      const reader = await read(context, tab)
      await context.until(() => reader.handled.length === 10)
      await context.advance(1_000)
      expect(await committed(context)).toEqual({ 'orders 0': 10 })
      await context.storageIsLost()
      await context.until(() => reader.happened(['partitionsLost']).length === 1)
      await context.topic('orders')
      await produce(context, range(3, 100))
      await context.until(() => reader.handled.length === 13)
      await context.advance(1_000)
      expect(reader.values.slice(10)).toEqual([100, 101, 102])
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
      expect(reader.eventsOf('crash')).toMatchObject([
        { error: { code: 'STORAGE_LOST' }, willRetry: true },
      ])
    }),
  )

  test(
    'commits nothing of what a handler of before is at',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10))
      const gate = new Held()
      const outcomes: string[] = []
      const reader = await read(context, context.tab(), {
        gate,
        onMessage: async ({ topic, partition, message }, { consumer }) => {
          if (message.value === 0) {
            const offset = message.offset + 1
            outcomes.push(await codeOf(consumer.commitOffsets([{ topic, partition, offset }])))
          }
        },
      })
      await context.until(() => gate.size === 1)
      reader.consumer.seek({ topic: 'later', partition: 0, offset: 7 })
      await context.storageIsLost()
      await context.until(() => reader.happened(['partitionsLost']).length === 1)
      await context.topic('orders')
      await produce(context, [50])
      gate.release()
      await context.until(() => reader.values.includes(50))
      await context.advance(1_000)
      expect(outcomes).toEqual(['FENCED_MEMBER_EPOCH'])
      expect(reader.values).toEqual([0, 50])
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
    }),
  )

  test(
    'is told of a commit that was under way',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(2))
      const tab = context.tab()
      const reader = await read(context, tab, { run: { autoCommit: false } })
      await context.until(() => reader.handled.length === 2)
      const held = tab.hold('commitOffsets', 'reply')
      const commit = codeOf(reader.consumer.commitOffsets())
      await context.settle()
      await context.storageIsLost()
      held.drop()
      expect(await context.done(commit)).toMatch(/STORAGE_LOST|BROKER_UNAVAILABLE/)
      await context.until(() => reader.happened(['groupJoin']).length === 2)
      expect(await committed(context)).toEqual({})
    }),
  )

  test(
    'does not go where an earlier broker’s death had left it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10))
      const reader = await read(context, context.tab(), {
        run: { autoCommitInterval: 600_000 },
      })
      await context.until(() => reader.handled.length === 10)
      // The partitions are lost with this broker; before they are back the data go too.
      context.forbidBroker()
      context.kill()
      await context.advance(1_000)
      context.deleteData()
      context.allowBroker()
      await context.until(() => reader.happened(['partitionsLost']).length === 1)
      await context.topic('orders')
      await produce(context, range(10, 200))
      await context.until(() => reader.handled.length === 20)
      expect(reader.values.slice(10)).toEqual(range(10, 200))
      reader.events.splice(0)
    }),
  )
})

describe('a consumer of assigned partitions', () => {
  test(
    'stops, says why, and can be given others',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(2))
      const assign = [{ topic: 'orders', partition: 0 }]
      const reader = await read(context, context.tab(), { assign, autoOffsetReset: 'earliest' })
      await context.until(() => reader.handled.length === 2)
      await context.storageIsLost()
      await context.until(() => reader.happened(['stop']).length === 1)
      expect(reader.eventsOf('crash')).toMatchObject([
        { error: { code: 'STORAGE_LOST' }, willRetry: false },
      ])
      expect(await errorOf(reader.run())).toMatchObject({ code: 'ILLEGAL_STATE' })
      await context.topic('orders')
      await produce(context, [7])
      await context.done(reader.subscribe())
      await context.done(reader.run())
      await context.until(() => reader.handled.length === 3)
      expect(reader.values).toEqual([0, 1, 7])
    }),
  )
})

describe('a watch', () => {
  test(
    'goes on with the data that are there now',
    inContext(async (context) => {
      await context.topic('orders')
      const states = context.admin.watch({ intervalMs: 20 })
      const first = await context.done(states.next())
      await context.storageIsLost()
      await context.until(() => context.brokersStarted === 2)
      const second = await context.done(states.next())
      const topics = [first, second].map(({ value }) => (value ?? { topics: [] }).topics.length)
      expect(topics).toEqual([1, 0])
      await context.done(states.return())
    }),
  )
})

function createTopic(connection: Connection) {
  const topics = [{ topic: 'orders' as TopicName, numPartitions: 1, config: {} }]
  const request = { api: 'createTopics', topics, ifNotExists: false, validateOnly: false } as const
  return connection.call(request, { isRepeatable: false })
}

function lostError(): TabmqError {
  return new TabmqError('STORAGE_LOST', 'the database was deleted')
}

async function values(context: ClientContext): Promise<unknown[]> {
  return (await context.stored('orders')).flat().map(({ value }) => value)
}
