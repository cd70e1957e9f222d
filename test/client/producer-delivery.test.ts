/** What a producer does when something goes wrong: order, repeats, epochs, and time that runs out. */
import { setTimeout as realTime } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { parseBatchHeader } from '../../src/protocol/batch-header.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { Producer } from '../../src/client/producer/producer.js'
import { codeOf, errorOf, inContext, type ClientContext, type Tab } from './client-context.js'

function sendValue(producer: Producer, value: number, topic = 'orders'): Promise<unknown> {
  return producer.send({ topic, messages: [{ key: `key-${value % 23}`, value }] })
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

async function valuesOf(context: ClientContext, topic = 'orders'): Promise<number[][]> {
  return (await context.stored(topic)).map((log) => log.map(({ value }) => Number(value)))
}

function isRising(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value > (values[index - 1] ?? 0))
}

/** Each value once, and in every partition in the order in which they were sent. */
async function expectOnceInOrder(context: ClientContext, values: readonly number[]) {
  const stored = await valuesOf(context)
  for (const log of stored) expect(isRising(log), `in order: ${log.join(' ')}`).toBe(true)
  expect(stored.flat().sort((a, b) => a - b)).toEqual([...values].sort((a, b) => a - b))
}

/** Each value once, in whatever order. */
async function expectAll(context: ClientContext, values: readonly number[]) {
  expect((await valuesOf(context)).flat().sort((a, b) => a - b)).toEqual(values)
}

/** The producer's numbers of each batch that was sent, as `epoch:firstSequence`. */
function numbersOf(tab: Tab): (string | undefined)[] {
  return tab.requestsOf('produce').flatMap(({ batches }) =>
    batches.map(({ batch }) => {
      const { producer } = parseBatchHeader(batch)
      return producer && `${producer.producerEpoch}:${producer.baseSequence}`
    }),
  )
}

/** A producer that has sent once, so that its topic is known. */
async function warmProducer(tab: Tab, options: Parameters<Tab['mq']['producer']>[0] = {}) {
  const producer = tab.mq.producer(options)
  // An empty commit of its own would be simpler, but only a send makes the topic known.
  await producer.send({ topic: 'orders', messages: [{ partition: 0, value: -1 }] })
  return producer
}

describe('a batch whose answer was not heard', () => {
  test(
    'is not sent again once the broker may have forgotten the producer',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab)
      const replies = tab.hold('produce', 'reply')
      const outcome = codeOf(sendValue(producer, 1))
      await context.until(() => replies.size === 1)
      // The machine slept for a day, or its clock was set; then the worker is another.
      context.clock.wallAheadMs += 24 * 3_600_000
      replies.drop()
      context.kill()
      expect(await context.done(outcome)).toBe('DELIVERY_TIMED_OUT')
      await context.done(sendValue(producer, 2))
      await expectOnceInOrder(context, [-1, 1, 2])
      expect(numbersOf(tab)).toEqual(['0:0', '0:1', '1:0'])
    }),
  )
})

describe('order', () => {
  test(
    'a send never overtakes one that waits for the topic’s metadata',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = context.tab().mq.producer()
      const sends: Promise<unknown>[] = []
      // One call in each microtask: whatever gap there is between two steps, a call falls into it.
      for (const value of range(300)) {
        sends.push(sendValue(producer, value))
        await Promise.resolve()
      }
      await Promise.all(sends)
      await expectOnceInOrder(context, range(300))
    }),
  )

  test(
    'a send never overtakes one that waits for room',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = await warmProducer(context.tab(), { bufferMemoryBytes: 500 })
      const sends: Promise<unknown>[] = []
      for (const value of range(300)) {
        // More than have room, and not more than may wait for it.
        if (value % 25 === 0) await Promise.all(sends.slice(0, -5))
        sends.push(sendValue(producer, value))
        await Promise.resolve()
      }
      await Promise.all(sends)
      await expectOnceInOrder(context, [-1, ...range(300)])
    }),
  )

  test(
    'several producers of one tab share the partitions without disturbing each other',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const tab = context.tab()
      const producers = range(4).map(() => tab.mq.producer())
      await Promise.all(
        range(400).map(async (value) => {
          const producer = producers[value % 4]
          if (producer !== undefined) await sendValue(producer, value)
        }),
      )
      const stored = await valuesOf(context)
      expect(stored.flat()).toHaveLength(400)
      for (const log of stored) {
        for (const index of range(4)) {
          expect(isRising(log.filter((value) => value % 4 === index))).toBe(true)
        }
      }
    }),
  )
})

describe('a broker that dies', () => {
  test.each([
    'before the requests reach it',
    'before anything is written',
    'after it has written, before it answers',
  ])('a thousand sends are each there once and in order when it dies %s', async (moment) =>
    inContext(async (context) => {
      await context.topic('orders', 3)
      const tab = context.tab()
      const producer = tab.mq.producer()
      const first = range(300).map((value) => sendValue(producer, value))
      await Promise.all(first)
      const held =
        moment === 'before the requests reach it'
          ? tab.hold('produce', 'request')
          : moment === 'before anything is written'
            ? context.holdCommits()
            : tab.hold('produce', 'reply')
      const second = range(500).map((value) => sendValue(producer, 300 + value))
      await context.settle()
      const third = range(200).map((value) => sendValue(producer, 800 + value))
      await context.settle()
      expect(held.size).toBeGreaterThan(0)
      context.kill()
      held.drop()
      await context.done(Promise.all([...second, ...third]))
      expect(context.brokersStarted).toBe(2)
      await expectOnceInOrder(context, range(1_000))
    })(),
  )

  test(
    'sends made while there is no broker are delivered by the next one, in order',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const tab = context.tab()
      const producer = await warmProducer(tab, { partitioner: () => 1 })
      context.forbidBroker()
      context.kill()
      const sends = range(50).map((value) => sendValue(producer, value))
      await context.advance(20_000)
      sends.push(...range(50).map((value) => sendValue(producer, 50 + value)))
      await context.advance(20_000)
      context.allowBroker()
      await context.done(Promise.all(sends))
      expect((await valuesOf(context))[1]).toEqual(range(100))
    }),
  )

  test(
    'each death in a row of them costs nothing but time',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const tab = context.tab()
      const producer = tab.mq.producer()
      const sends: Promise<unknown>[] = []
      for (const round of range(20)) {
        sends.push(...range(10).map((value) => sendValue(producer, round * 10 + value)))
        const replies = tab.hold('produce', 'reply')
        await context.advance(round * 7)
        context.kill()
        replies.drop()
      }
      await context.done(Promise.all(sends))
      await expectOnceInOrder(context, range(200))
    }),
  )

  test(
    'a tab that the broker has forgotten says hello again and loses nothing',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const tab = context.tab()
      const producer = tab.mq.producer()
      await Promise.all(range(10).map((value) => sendValue(producer, value)))
      const broker = await context.broker
      const [session] = (await context.admin.describeCluster()).sessions.filter(
        ({ clientId }) => clientId === tab.name,
      )
      if (session === undefined) expect.fail('the tab has no session')
      await broker.endSession(session.sessionId, { isTabGone: false })
      const sends = range(10).map((value) => sendValue(producer, 10 + value))
      await context.done(Promise.all(sends), { withinMs: 10_000 })
      await expectOnceInOrder(context, range(20))
      expect(tab.hellos).toBe(2)
    }),
  )
})

describe('storage that fails', () => {
  test(
    'a batch is not written before one in front of it that failed, the very first one neither',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      const commits = context.holdCommits()
      const requests = tab.hold('produce', 'request')
      const sends: Promise<unknown>[] = []
      for (const value of range(4)) {
        sends.push(sendValue(producer, value))
        await context.settle()
      }
      requests.releaseOne()
      await context.settle()
      context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'the disk says no'))
      commits.release()
      await context.settle()
      // Those that were on their way arrive at a broker that has never heard of this producer.
      requests.release()
      await context.done(Promise.all(sends))
      expect(await valuesOf(context)).toEqual([[0, 1, 2, 3]])
    }),
  )

  test(
    'after STORAGE_ERROR everything is there once and in order',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const tab = context.tab()
      const producer = tab.mq.producer()
      await Promise.all(range(100).map((value) => sendValue(producer, value)))
      const commits = context.holdCommits()
      const sends: Promise<unknown>[] = []
      for (const value of range(100)) {
        sends.push(sendValue(producer, 100 + value))
        if (value % 10 === 0) await context.settle()
      }
      context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'the disk says no'))
      commits.release()
      await context.done(Promise.all(sends))
      expect(context.commitErrors).toEqual([])
      await expectOnceInOrder(context, range(200))
    }),
  )

  test(
    'STORAGE_FULL rejects what could not be written, and what comes later is written again',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      await Promise.all(range(3).map((value) => sendValue(producer, value)))
      const commits = context.holdCommits()
      const full = [codeOf(sendValue(producer, 100)), codeOf(sendValue(producer, 101))]
      await context.settle()
      const behind = sendValue(producer, 3)
      await context.settle()
      context.commitErrors.push(new TabmqError('STORAGE_FULL', 'no room on the disk'))
      commits.release()
      expect(await Promise.all(full)).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
      const after = await Promise.allSettled([behind, sendValue(producer, 4)])
      expect(after[1]?.status).toBe('fulfilled')
      const values = after[0]?.status === 'fulfilled' ? [0, 1, 2, 3, 4] : [0, 1, 2, 4]
      await expectOnceInOrder(context, values)
    }),
  )
})

describe('batches that are given up', () => {
  test(
    'what the topic no longer takes is rejected, and what was sent behind it goes on',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ codec: 'text' })
      const send = (value: string) => producer.send({ topic: 'orders', messages: [{ value }] })
      await send('first')
      const requests = tab.hold('produce', 'request')
      const large = errorOf(send('x'.repeat(5_000)))
      await context.settle()
      const behind = send('behind')
      await context.settle()
      await context.admin.alterConfigs({
        topics: [{ topic: 'orders', config: { maxMessageBytes: 1_000 } }],
      })
      requests.release()
      expect(await large).toMatchObject({
        code: 'MESSAGE_TOO_LARGE',
        details: { maxMessageBytes: 1_000 },
      })
      const [sent] = await context.done(behind)
      expect(sent?.baseOffset).toBe(1)
      // The number of the one that was refused is missing, so the rest starts a new epoch.
      expect(numbersOf(tab)).toEqual(['0:0', '0:1', '0:2', '1:0'])
      await context.done(send('last'))
      const [log] = await context.stored('orders')
      expect(log?.map(({ value }) => value)).toEqual(['first', 'behind', 'last'])
    }),
  )

  test(
    'messages that were acknowledged and lost (acks 0) do not hold up those after them',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ acks: 0 })
      await sendValue(producer, 0)
      await context.settle()
      const commits = context.holdCommits()
      await sendValue(producer, 1)
      context.kill()
      commits.drop()
      await context.done(producer.send({ topic: 'orders', acks: 1, messages: [{ value: 2 }] }))
      expect(await valuesOf(context)).toEqual([[0, 2]])
      expect(numbersOf(tab)).toEqual(['0:0', '0:1', '0:2', '1:0'])
    }),
  )

  test(
    'a batch that was written all the same is not written again by what comes after it',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab, { deliveryTimeoutMs: 5_000 })
      const replies = tab.hold('produce', 'reply')
      const late = codeOf(sendValue(producer, 1))
      await context.advance(5_100)
      expect(await late).toBe('DELIVERY_TIMED_OUT')
      replies.drop()
      await context.done(sendValue(producer, 2))
      expect(await valuesOf(context)).toEqual([[-1, 1, 2]])
      expect(numbersOf(tab).at(-1)).toBe('1:0')
    }),
  )

  test(
    'a request that was stuck arrives after its time: it is not written behind newer messages',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab, { deliveryTimeoutMs: 5_000 })
      const stuck = tab.hold('produce', 'request')
      const late = codeOf(sendValue(producer, 1))
      await context.advance(5_100)
      expect(await late).toBe('DELIVERY_TIMED_OUT')
      const next = sendValue(producer, 2)
      await context.settle()
      // The newer one passes the older.
      const passes: (() => void)[] = []
      stuck.reorder((queue) => passes.push(...queue.splice(0, 1)))
      stuck.release()
      await context.done(next)
      for (const pass of passes) pass()
      await context.settle()
      expect(await valuesOf(context)).toEqual([[-1, 2]])
    }),
  )

  test(
    'what cannot be compressed is rejected, and what comes after it goes on',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = await warmProducer(context.tab(), { compression: 'gzip' })
      const reason = new Error('no memory')
      vi.stubGlobal('CompressionStream', function compress() {
        throw reason
      })
      try {
        await expect(sendValue(producer, 1)).rejects.toBe(reason)
      } finally {
        vi.unstubAllGlobals()
      }
      // Compressing takes real time, in which there is no timer to wait for.
      const sent = await Promise.race([
        sendValue(producer, 2),
        realTime(5_000, undefined, { ref: false }),
      ])
      expect(sent).toHaveLength(1)
      await producer.disconnect()
    }),
  )

  test(
    'partitions that were asked for before a topic was made anew are not used for what comes later',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      const replies = tab.hold('metadata', 'reply')
      const early = sendValue(producer, 1).catch(() => {})
      await context.settle()
      await context.admin.deleteTopics({ topics: ['orders'] })
      await context.topic('orders')
      await context.settle()
      replies.release()
      await early
      await context.done(sendValue(producer, 2))
      expect((await valuesOf(context)).flat()).toContain(2)
    }),
  )

  test(
    'a deleted topic rejects what is under way, and one of the same name takes what comes later',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab)
      const requests = tab.hold('produce', 'request')
      const underWay = codeOf(sendValue(producer, 1))
      await context.settle()
      await context.admin.deleteTopics({ topics: ['orders'] })
      requests.release()
      expect(await underWay).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await codeOf(sendValue(producer, 2))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      await context.topic('orders')
      await context.settle()
      await sendValue(producer, 3)
      expect(await valuesOf(context)).toEqual([[3]])
    }),
  )
})

describe('time that runs out', () => {
  test(
    'without a broker each send is rejected when its own delivery time is over, no later',
    inContext(async (context) => {
      context.forbidBroker()
      const producer = context.tab().mq.producer({ deliveryTimeoutMs: 45_000 })
      const startMs = context.clock.nowMs
      const settledMs: number[] = []
      const codes: string[] = []
      for (const value of range(4)) {
        void codeOf(sendValue(producer, value)).then((code) => {
          codes.push(code)
          settledMs.push(context.clock.nowMs - startMs)
        })
        await context.advance(1_000)
      }
      await context.advance(60_000)
      expect(codes).toEqual(Array.from({ length: 4 }, () => 'DELIVERY_TIMED_OUT'))
      for (const [index, atMs] of settledMs.entries()) {
        expect(atMs).toBeGreaterThanOrEqual(index * 1_000 + 45_000)
        expect(atMs).toBeLessThan(index * 1_000 + 45_100)
      }
    }),
  )

  test(
    'the same when the topic is known',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = await warmProducer(context.tab(), { deliveryTimeoutMs: 45_000 })
      context.forbidBroker()
      context.kill()
      let settledMs = 0
      const startMs = context.clock.nowMs
      const error = errorOf(sendValue(producer, 1)).finally(() => {
        settledMs = context.clock.nowMs - startMs
      })
      await context.advance(44_900)
      expect(settledMs).toBe(0)
      await context.advance(200)
      expect(settledMs).toBeGreaterThan(0)
      expect(await error).toMatchObject({ code: 'DELIVERY_TIMED_OUT', retriable: true })
    }),
  )

  test(
    'a broker that does not answer holds up a send no longer than its delivery time',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab, { deliveryTimeoutMs: 3_000 })
      tab.hold('produce', 'request')
      const sent = codeOf(sendValue(producer, 1))
      let code: string | undefined
      void sent.then((it) => (code = it))
      await context.advance(2_900)
      expect(code).toBeUndefined()
      await context.advance(200)
      expect(code).toBe('DELIVERY_TIMED_OUT')
    }),
  )

  test.each([-3_600_000, 3_600_000])(
    'its delivery time is the same when the clock is set by %i ms meanwhile',
    async (byMs) =>
      inContext(async (context) => {
        await context.topic('orders')
        const tab = context.tab()
        const producer = await warmProducer(tab, { deliveryTimeoutMs: 3_000 })
        context.forbidBroker()
        context.kill()
        let code: string | undefined
        void codeOf(sendValue(producer, 1)).then((it) => (code = it))
        await context.advance(1_000)
        context.clock.wallAheadMs = byMs
        await context.advance(1_900)
        expect(code).toBeUndefined()
        await context.advance(200)
        expect(code).toBe('DELIVERY_TIMED_OUT')
      })(),
  )

  test(
    'a batch is not given up, nor sent again, with an older one of its request',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const tab = context.tab()
      const options = { deliveryTimeoutMs: 10_000, lingerMs: 8_000 }
      const producer = await context.done(warmProducer(tab, options))
      const sendTo = (partition: number) =>
        producer.send({ topic: 'orders', messages: [{ partition, value: partition }] })
      const old = codeOf(sendTo(0))
      await context.advance(5_000)
      const young = sendTo(1)
      const held = tab.hold('produce', 'reply')
      void producer.flush()
      await context.advance(5_200)
      expect(await old).toBe('DELIVERY_TIMED_OUT')
      await context.advance(2_000)
      held.release()
      await context.done(young)
      const lastRequests = tab.requestsOf('produce').slice(1)
      expect(lastRequests.map(({ batches }) => batches.length)).toEqual([2])
    }),
  )

  test(
    'what is not yet due goes on when an older batch is given up',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab, { deliveryTimeoutMs: 10_000 })
      context.forbidBroker()
      context.kill()
      const old = [codeOf(sendValue(producer, 1)), codeOf(sendValue(producer, 2))]
      await context.advance(8_000)
      const young = [sendValue(producer, 3), sendValue(producer, 4)]
      await context.advance(3_000)
      expect(await Promise.all(old)).toEqual(['DELIVERY_TIMED_OUT', 'DELIVERY_TIMED_OUT'])
      context.allowBroker()
      await context.done(Promise.all(young))
      expect(await valuesOf(context)).toEqual([[-1, 3, 4]])
    }),
  )
})

describe('bufferMemoryBytes', () => {
  const kilobyte = 'x'.repeat(1_000)

  test(
    'send waits while the buffer is full, and goes on in order when there is room',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ bufferMemoryBytes: 3_500, batchSize: 1_500 })
      await context.done(producer.send({ topic: 'orders', messages: [{ value: 'first' }] }))
      const replies = tab.hold('produce', 'reply')
      const sends = range(6).map((value) =>
        producer.send({ topic: 'orders', messages: [{ key: String(value), value: kilobyte }] }),
      )
      await context.settle()
      expect(tab.requestsOf('produce')).toHaveLength(1 + 3)
      replies.releaseOne()
      await context.settle()
      expect(tab.requestsOf('produce')).toHaveLength(1 + 4)
      replies.release()
      await Promise.all(sends)
      const [log] = await context.stored('orders')
      expect(log?.map(({ key }) => key)).toEqual([null, ...range(6).map(String)])
    }),
  )

  test(
    'a send that finds no room in its delivery time is rejected, and takes up none later',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab, {
        bufferMemoryBytes: 1_500,
        deliveryTimeoutMs: 10_000,
      })
      const requests = tab.hold('produce', 'request')
      const send = (key: string) =>
        producer.send({ topic: 'orders', messages: [{ key, value: kilobyte }] })
      const late = Promise.all([codeOf(send('a')), codeOf(send('b'))])
      await context.advance(10_100)
      expect(await late).toEqual(['DELIVERY_TIMED_OUT', 'DELIVERY_TIMED_OUT'])
      requests.drop()
      await context.done(Promise.all([send('c'), send('d')]))
      const [log] = await context.stored('orders')
      expect(log?.map(({ key }) => key)).toEqual([null, 'c', 'd'])
    }),
  )

  test(
    'what is larger than the whole buffer is sent when nothing else is there',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = await warmProducer(context.tab(), { bufferMemoryBytes: 500 })
      const sends = range(2).map((value) =>
        producer.send({ topic: 'orders', messages: [{ key: String(value), value: kilobyte }] }),
      )
      await context.done(Promise.all(sends))
      const [log] = await context.stored('orders')
      expect(log?.map(({ key }) => key)).toEqual([null, '0', '1'])
    }),
  )

  test(
    'no more than that waits for a topic’s metadata, and what is beyond it is rejected at once',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ bufferMemoryBytes: 3_500 })
      const replies = tab.hold('metadata', 'reply')
      const send = (key: number, topic = 'orders') =>
        producer.send({ topic, messages: [{ key: String(key), value: kilobyte }] })
      const waiting = [send(0), send(1), send(2)]
      expect(await errorOf(send(3))).toMatchObject({
        code: 'THROTTLING_QUOTA_EXCEEDED',
        retriable: true,
        details: { topic: 'orders', bufferMemoryBytes: 3_500 },
      })
      // All topics together are what the producer holds.
      expect(await codeOf(send(4, 'refunds'))).toBe('THROTTLING_QUOTA_EXCEEDED')
      replies.release()
      await context.done(Promise.all(waiting))
      await context.done(send(5))
      const [log] = await context.stored('orders')
      expect(log?.map(({ key }) => key)).toEqual(['0', '1', '2', '5'])
    }),
  )

  test(
    'as much again waits for room, and what is beyond it is rejected at once',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab, { bufferMemoryBytes: 3_500 })
      const requests = tab.hold('produce', 'request')
      const sends = range(7).map((value) =>
        producer.send({ topic: 'orders', messages: [{ key: String(value), value: kilobyte }] }),
      )
      const outcomes = Promise.allSettled(sends)
      expect(await codeOf(sends[6] ?? outcomes)).toBe('THROTTLING_QUOTA_EXCEEDED')
      requests.release()
      const settled = await context.done(outcomes)
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(6)
    }),
  )

  test(
    'a first send of any size waits when nothing else does',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = context.tab().mq.producer({ bufferMemoryBytes: 500 })
      const messages = range(5).map((value) => ({ key: String(value), value: kilobyte }))
      expect(await context.done(producer.send({ topic: 'orders', messages }))).toHaveLength(1)
    }),
  )

  test.each([
    ['whose topic does not exist', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['whose time was over before there was a broker', 'DELIVERY_TIMED_OUT'],
    ['that did not fit the topic', 'MESSAGE_TOO_LARGE'],
  ])('a send %s takes up nothing any more', async (_, code) =>
    inContext(async (context) => {
      const producer = context
        .tab()
        .mq.producer({ bufferMemoryBytes: 3_500, deliveryTimeoutMs: 10_000 })
      if (code === 'DELIVERY_TIMED_OUT') context.forbidBroker()
      if (code === 'MESSAGE_TOO_LARGE') {
        await context.topic('orders', 1, { maxMessageBytes: 100 })
      }
      for (const _round of range(3)) {
        const sends = range(3).map(() =>
          codeOf(producer.send({ topic: 'orders', messages: [{ value: kilobyte }] })),
        )
        expect(await context.done(Promise.all(sends))).toEqual([code, code, code])
      }
    })(),
  )
})

describe('idempotence', () => {
  test(
    'repeats carry the numbers of the first attempt',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      await sendValue(producer, 0)
      const replies = tab.hold('produce', 'reply')
      const sends = [sendValue(producer, 1)]
      await context.settle()
      sends.push(sendValue(producer, 2))
      await context.settle()
      context.kill()
      replies.drop()
      await context.done(Promise.all(sends))
      expect(numbersOf(tab)).toEqual(['0:0', '0:1', '0:2', '0:1', '0:2'])
      await expectOnceInOrder(context, [0, 1, 2])
    }),
  )

  test(
    'without it batches are not numbered, and a repeat may be written twice',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ enableIdempotence: false })
      await sendValue(producer, 0)
      const replies = tab.hold('produce', 'reply')
      const send = sendValue(producer, 1)
      await context.settle()
      context.kill()
      replies.drop()
      await context.done(send)
      expect(numbersOf(tab)).toEqual([undefined, undefined, undefined])
      expect(await valuesOf(context)).toEqual([[0, 1, 1]])
    }),
  )

  test(
    'two producers never take each other’s messages for repeats',
    inContext(async (context) => {
      await context.topic('orders')
      const producers = [context.tab(), context.tab(), context.tab()].map((tab) =>
        tab.mq.producer(),
      )
      await Promise.all(producers.map((producer, index) => sendValue(producer, index)))
      await expectAll(context, [0, 1, 2])
    }),
  )

  test(
    'after a silence so long that the broker has forgotten it, the first batch goes alone',
    inContext(async (context) => {
      await context.topic('orders', 1, { retentionMs: null })
      const tab = context.tab()
      const producer = await warmProducer(tab, { batchSize: 1 })
      await context.advance(25 * 3_600_000)
      const held = tab.hold('produce', 'request')
      const sent = Promise.all(range(3).map((value) => sendValue(producer, value)))
      await context.settle()
      expect(held.size).toBe(1)
      context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'once', {}))
      held.release()
      await context.done(sent)
      expect(await valuesOf(context)).toEqual([[-1, 0, 1, 2]])
    }),
  )
})

describe('a broker that is asked for too much', () => {
  test(
    'requests above its limit are repeated, and nothing is lost',
    inContext(
      async (context) => {
        await context.topic('orders', 3)
        const tab = context.tab()
        const producers = range(8).map(() => tab.mq.producer())
        const commits = context.holdCommits()
        const sends = producers.flatMap((producer, index) =>
          range(5).map((value) => sendValue(producer, index * 5 + value)),
        )
        await context.settle()
        commits.release()
        await context.done(Promise.all(sends))
        await expectAll(context, range(40))
      },
      { limits: { sessionRequestsInFlightMax: 3 } },
    ),
  )
})

describe('a page that goes away', () => {
  test(
    'what lingers is posted at the last moment',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const tab = context.tab()
      const producer = await warmProducer(tab, { lingerMs: 0 })
      const lingering = tab.mq.producer({ lingerMs: 60_000 })
      await context.done(
        lingering.send({ topic: 'orders', messages: [{ value: 0, partition: 0 }] }),
      )
      void lingering.send({ topic: 'orders', messages: [{ value: 1, partition: 0 }] })
      void lingering.send({ topic: 'orders', messages: [{ value: 2, partition: 1 }] })
      void producer.send({ topic: 'orders', messages: [{ value: 3, partition: 1 }] })
      tab.hide({ mayReturn: false })
      await context.settle()
      const stored = await valuesOf(context)
      expect(stored[0]).toEqual([-1, 0, 1])
      expect(stored[1]).toEqual(expect.arrayContaining([2, 3]))
    }),
  )

  test(
    'a page that comes back delivers each message once, and every send is answered',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab)
      const lingering = tab.mq.producer({ lingerMs: 60_000 })
      await context.done(lingering.send({ topic: 'orders', messages: [{ value: 0 }] }))
      const replies = tab.hold('produce', 'reply')
      const sends = [sendValue(producer, 1)]
      await context.settle()
      sends.push(lingering.send({ topic: 'orders', messages: [{ value: 2 }] }))
      tab.hide({ mayReturn: true })
      await context.advance(60_000)
      replies.drop()
      tab.comeBack()
      await context.done(Promise.all(sends), { withinMs: 5_000 })
      expect(await valuesOf(context)).toEqual([[-1, 0, 1, 2]])
    }),
  )

  test(
    'what is queued behind messages with other acks is posted as well',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = await warmProducer(tab)
      const messages = [{ value: 'x' }]
      void producer.send({ topic: 'orders', acks: 0, messages })
      void producer.send({ topic: 'orders', acks: 1, messages })
      void producer.send({ topic: 'orders', acks: 0, messages })
      tab.hide({ mayReturn: false })
      expect(
        tab
          .requestsOf('produce')
          .slice(1)
          .map(({ acks }) => acks),
      ).toEqual([0, 1, 0])
    }),
  )
})
