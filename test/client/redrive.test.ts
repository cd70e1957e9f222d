/** Dead letters that are sent back to be tried again. */
import { describe, expect, test } from 'vitest'
import { ShareReader } from '../../src/broker/runtime/share-reader.js'
import { Connection } from '../../src/client/connection.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { TopicName } from '../../src/protocol/names.js'
import { codeOf, inContext, type ClientContext } from './client-context.js'
import { range } from './reader.js'
import { work } from './share-worker.js'

const DEAD = 'orders.dead'

/** Sends so many messages and rejects them all; the worker that comes next accepts. */
async function withDeadLetters(context: ClientContext, count: number): Promise<void> {
  await context.topic('orders', 3)
  const messages = range(count).map((value) => ({
    key: `k${value}`,
    value,
    headers: { mine: `${value}` },
  }))
  await context.done(context.producerTab.mq.producer().send({ topic: 'orders', messages }))
  const rejecting = await work(context, context.tab(), {
    deadLetterTopic: DEAD,
    onMessage: ({ acknowledge }) => acknowledge('reject', { reason: 'not yet' }),
  })
  await context.until(() => rejecting.handled.length === count)
  await context.done(rejecting.consumer.stop())
}

describe('redrive', () => {
  test(
    'sends each back once, as it was sent, to the partition where it died',
    inContext(async (context) => {
      await withDeadLetters(context, 12)
      const before = await context.stored('orders')
      const redrive = () => context.done(context.admin.redrive({ from: DEAD }))
      expect(await Promise.all([redrive(), redrive()]).then(([a, b]) => a + b)).toBe(12)
      context.kill()
      expect(await redrive()).toBe(0)
      const worker = await work(context, context.tab(), { deadLetterTopic: DEAD })
      await context.until(() => worker.handled.length === 12)
      await context.advance(60_000)
      expect(worker.handled).toHaveLength(12)
      expect(new Set(worker.handled.map(({ deliveryCount }) => deliveryCount))).toEqual(
        new Set([1]),
      )
      for (const { partition, message } of worker.handled) {
        const sent = before[partition]?.find(({ value }) => value === message.value)
        expect(message).toMatchObject({ key: sent?.key, value: sent?.value })
        expect(message.headers).toEqual({ mine: String(message.value) })
      }
    }),
  )

  test(
    'takes as many as asked for, and those that the filter lets pass',
    inContext(async (context) => {
      await withDeadLetters(context, 10)
      const isEven = ({ value }: { value: unknown }) => (value as number) % 2 === 0
      const redrive = (options: object) =>
        context.done(context.admin.redrive({ from: DEAD, ...options }))
      expect(await redrive({ max: 2, filter: isEven })).toBe(2)
      expect(await redrive({ filter: isEven })).toBe(3)
      const worker = await work(context, context.tab())
      await context.until(() => worker.handled.length === 5)
      expect(new Set(worker.values)).toEqual(new Set([0, 2, 4, 6, 8]))
      expect(await redrive({ max: 100 })).toBe(5)
      await context.until(() => worker.handled.length === 10)
    }),
  )

  test(
    'leaves alone what is no dead letter, and that whose topic is gone',
    inContext(async (context) => {
      await context.topic('plain')
      const producer = context.producerTab.mq.producer()
      await context.done(producer.send({ topic: 'plain', messages: [{ value: 1 }] }))
      expect(await context.done(context.admin.redrive({ from: 'plain' }))).toBe(0)
      await withDeadLetters(context, 2)
      await context.topic('invoices')
      const headers = { 'dead-letter-topic': 'invoices', 'dead-letter-partition': '0' }
      await context.done(producer.send({ topic: DEAD, messages: [{ value: 'other', headers }] }))
      await context.done(context.admin.deleteTopics({ topics: ['orders'] }))
      expect(await context.done(context.admin.redrive({ from: DEAD }))).toBe(1)
      expect(await context.stored('invoices')).toMatchObject([[{ value: 'other', headers: {} }]])
      await context.topic('orders')
      expect(await context.done(context.admin.redrive({ from: DEAD }))).toBe(2)
    }),
  )

  test(
    'has to be asked for properly',
    inContext(async (context) => {
      await withDeadLetters(context, 1)
      const codes = [
        context.admin.redrive({ from: 'not-there' }),
        context.admin.redrive({ from: 'no such topic' }),
        context.admin.redrive({ from: DEAD, max: 0 }),
        context.admin.redrive({ from: DEAD, filter: 'all' as never }),
      ].map((promise) => context.done(codeOf(promise)))
      expect(await Promise.all(codes)).toEqual([
        'UNKNOWN_TOPIC_OR_PARTITION',
        'INVALID_TOPIC_EXCEPTION',
        'INVALID_CONFIG',
        'INVALID_CONFIG',
      ])
    }),
  )

  test(
    'goes on behind those that were sent back before, in the same batch too',
    inContext(async (context) => {
      await withDeadLetters(context, 6)
      const redrive = () => context.done(context.admin.redrive({ from: DEAD, max: 2 }))
      expect([await redrive(), await redrive(), await redrive(), await redrive()]).toEqual([
        2, 2, 2, 0,
      ])
    }),
  )

  test(
    'for which there is no space fails, and does not happen later',
    inContext(async (context) => {
      await withDeadLetters(context, 3)
      await context.done(context.admin.redrive({ from: DEAD, max: 1 }))
      const commit = context.commit.bind(context)
      let count = 0
      // The first says what is to be redriven: nothing of that is written. Then comes the letters' turn.
      context.commit = (write, isAlive) => {
        count += 1
        if (count > 1) return commit(write, isAlive)
        return Promise.reject(new TabmqError('STORAGE_FULL', 'there is no space'))
      }
      const code = await context.done(codeOf(context.admin.redrive({ from: DEAD })))
      expect(code).toBe('STORAGE_FULL')
      const before = (await context.stored('orders')).flat().length
      await context.advance(120_000)
      expect((await context.stored('orders')).flat()).toHaveLength(before)
      expect(await context.done(context.admin.redrive({ from: DEAD }))).toBe(2)
    }),
  )

  test(
    'that the reload of the state undid is asked for again',
    inContext(async (context) => {
      await withDeadLetters(context, 3)
      const broker = await context.broker
      const { batchAt } = ShareReader.prototype
      ShareReader.prototype.batchAt = async function (this: ShareReader, ...args) {
        ShareReader.prototype.batchAt = batchAt
        broker.storageLost(new TabmqError('BROKER_UNAVAILABLE', 'something failed'))
        await context.settle()
        return batchAt.apply(this, args)
      }
      expect(await context.done(context.admin.redrive({ from: DEAD }))).toBe(3)
      expect((await context.stored('orders')).flat()).toHaveLength(6)
    }),
  )

  test(
    'leaves a void record where it is',
    inContext(async (context) => {
      await context.topic('orders', 1, { dedupWindowMs: 60_000 })
      await context.topic('to')
      const producer = context.producerTab.mq.producer()
      const send = (messages: { value: number; messageId?: string }[]) =>
        context.done(producer.send({ topic: 'orders', messages }))
      await send([{ value: 1, messageId: 'a' }])
      await send([{ value: 2, messageId: 'a' }, { value: 3 }])
      const { state } = await context.broker
      const [partitionId] = state.topics.findOrThrow('orders' as TopicName).partitionIds
      const connection = new Connection(context.tab(), 'raw')
      const topic = 'to' as TopicName
      const records = [1, 2].map((offset) => ({ partitionId: partitionId as never, offset, topic }))
      const asked = connection.call({ api: 'redrive', records }, { isRepeatable: false })
      expect(await context.done(asked)).toEqual({ moved: [false, true] })
      expect(await context.stored('to')).toMatchObject([[{ value: 3 }]])
    }),
  )

  test(
    'leaves only so many gaps',
    inContext(
      async (context) => {
        await withDeadLetters(context, 40)
        const isEven = ({ value }: { value: unknown }) => (value as number) % 2 === 0
        const redrive = (options: object) =>
          context.done(context.admin.redrive({ from: DEAD, ...options }))
        expect(await redrive({ max: 9, filter: isEven })).toBe(9)
        const code = await context.done(
          codeOf(context.admin.redrive({ from: DEAD, filter: isEven })),
        )
        expect(code).toBe('POLICY_VIOLATION')
        // Without any there is no limit.
        await redrive({})
        expect((await context.stored('orders')).flat()).toHaveLength(80)
      },
      { limits: { sharePartitionRunsMax: 10 } },
    ),
  )

  test(
    'the group that keeps what was redriven is nobody’s to join or delete',
    inContext(async (context) => {
      await withDeadLetters(context, 1)
      const consumer = context.tab().mq.shareConsumer({ groupId: 'tabmq.redrive' })
      await consumer.subscribe({ topics: ['orders'] })
      const code = await context.done(codeOf(consumer.run({ eachMessage: () => {} })))
      expect(code).toBe('INVALID_GROUP_ID')
      await context.done(context.admin.redrive({ from: DEAD }))
      const deleted = context.admin.deleteGroups(['tabmq.redrive'])
      expect(await context.done(codeOf(deleted))).toBe('INVALID_GROUP_ID')
    }),
  )
})

describe('a circle of dead letters', () => {
  test(
    'ends when nobody rejects what goes round',
    inContext(async (context) => {
      await context.topic('one')
      await context.topic('other')
      const failing = (topic: string, deadLetterTopic: string) =>
        work(context, context.tab(), {
          groupId: topic,
          topics: [topic],
          deadLetterTopic,
          deliveryCountLimit: 2,
          retry: { initialDelayMs: 0, maxDelayMs: 0 },
          onMessage: () => {
            throw new Error('no')
          },
        })
      const one = await failing('one', 'other')
      const other = await failing('other', 'one')
      await context.done(
        context.producerTab.mq.producer().send({ topic: 'one', messages: [{ value: 1 }] }),
      )
      await context.until(() => other.started.length === 2)
      await context.advance(120_000)
      expect([one.started.length, other.started.length]).toEqual([2, 2])
    }),
  )
})
