/** What members of a share group are given, what they say of it, and what comes of that (S1 to S10). */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DeliveredBatches } from '../../src/client/share/delivered-batches.js'
import { codeOf, errorOf, Held, inContext, type ClientContext } from './client-context.js'
import { produce, range } from './reader.js'
import { work, Worker, type WorkerOptions } from './share-worker.js'

const LOCK_MS = 30_000

afterEach(() => vi.restoreAllMocks())

/** What the group has to do yet, as the administrator sees it. */
async function queue(context: ClientContext) {
  const [group] = await context.done(context.admin.describeShareGroups(['q']))
  const partitions = group?.partitions ?? []
  const sum = (of: (one: (typeof partitions)[number]) => number) =>
    partitions.reduce((total, one) => total + of(one), 0)
  return {
    available: sum((one) => one.available),
    acquired: sum((one) => one.acquired),
    accepted: sum((one) => one.counters.accepted),
    timedOut: sum((one) => one.counters.timedOut),
    deadLettered: sum((one) => one.counters.deadLettered),
    startOffsets: partitions.map((one) => one.startOffset),
  }
}

const workers = (context: ClientContext, count: number, options: WorkerOptions = {}) =>
  Promise.all(range(count).map(() => work(context, context.tab(), options)))

describe('a message', () => {
  test(
    'comes with all that belongs to it, and is accepted when its handler returns',
    inContext(async (context) => {
      await context.topic('orders')
      await context.done(
        context.producerTab.mq.producer().send({
          topic: 'orders',
          messages: [{ key: 'k', value: { n: 1 }, headers: { h: 'x' } }],
        }),
      )
      const worker = await work(context, context.tab())
      await context.until(() => worker.handled.length === 1)
      expect(worker.handled[0]).toMatchObject({
        topic: 'orders',
        partition: 0,
        deliveryCount: 1,
        message: { offset: 0, key: 'k', value: { n: 1 }, headers: { h: 'x' } },
      })
      await context.until(async () => (await queue(context)).accepted === 1)
      expect(await queue(context)).toMatchObject({ available: 0, acquired: 0, startOffsets: [1] })
    }),
  )

  test(
    'does not come again with each of the others in its batch',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(1_000), { inOneBatch: true })
      const [stored] = [...context.database.batches.values()].flat()
      const decode = vi.spyOn(DeliveredBatches.prototype, 'decode')
      const worker = await work(context, context.tab(), { concurrency: 5, maxInFlight: 5 })
      await context.until(() => worker.handled.length === 1_000)
      expect(new Set(worker.values)).toEqual(new Set(range(1_000)))
      expect(decode.mock.calls.length).toBeGreaterThan(100)
      const posted = decode.mock.calls.flatMap(([{ batches }]) => batches)
      const bytes = posted.reduce((sum, batch) => sum + batch.byteLength, 0)
      expect(bytes).toBe(stored?.batch.byteLength)
    }),
  )

  test(
    'goes to one member of the group, whatever the partitions, and to each group',
    inContext(async (context) => {
      await context.topic('orders')
      const gate = new Held()
      const five = await workers(context, 5, { gate })
      const other = await work(context, context.tab(), { groupId: 'other' })
      await produce(context, range(5))
      await context.until(() => gate.size === 5)
      expect(five.map((worker) => worker.started.length)).toEqual([1, 1, 1, 1, 1])
      gate.release()
      await context.until(() => other.handled.length === 5)
      await context.advance(60_000)
      expect(new Set(five.flatMap((worker) => worker.values))).toEqual(new Set(range(5)))
      expect(five.flatMap((worker) => worker.values)).toHaveLength(5)
      expect(other.values).toEqual(range(5))
    }),
  )

  test(
    'that was there before the group is delivered, unless the group wants the latest',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      const worker = await work(context, context.tab())
      const latest = await work(context, context.tab(), {
        groupId: 'latest',
        autoOffsetReset: 'latest',
      })
      await context.until(() => worker.values.length === 1)
      await produce(context, [2])
      await context.until(() => latest.values.length === 1)
      expect(latest.values).toEqual([2])
    }),
  )

  test(
    'whose handler throws comes again after a backoff that grows, others meanwhile',
    inContext(async (context) => {
      await context.topic('orders')
      const times: number[] = []
      const worker = await work(context, context.tab(), {
        retry: { initialDelayMs: 1_000, multiplier: 10 },
        onMessage: ({ message }) => {
          if (message.value !== 'bad') return
          times.push(context.clock.nowMs)
          if (times.length < 3) throw new Error('no')
        },
      })
      await produce(context, ['bad', 'good'])
      await context.until(() => worker.values.length === 1)
      expect(worker.values).toEqual(['good'])
      await context.until(() => worker.values.length === 2)
      const [first = 0, second = 0, third = 0] = times
      expect(second - first).toBeGreaterThanOrEqual(500)
      expect(second - first).toBeLessThan(1_100)
      expect(third - second).toBeGreaterThanOrEqual(5_000)
      expect(third - second).toBeLessThan(10_100)
      expect(
        worker.eventsOf('crash').map(({ willRetry, offset }) => ({ willRetry, offset })),
      ).toEqual([
        { willRetry: true, offset: 0 },
        { willRetry: true, offset: 0 },
      ])
      expect(worker.started.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1, 2, 3])
    }),
  )
})

describe('acknowledge', () => {
  test(
    'settles once, and what was said first counts',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      const codes: string[] = []
      const worker = await work(context, context.tab(), {
        onMessage: async ({ acknowledge }) => {
          await acknowledge('accept')
          codes.push(await codeOf(acknowledge('release')))
          throw new Error('too late to matter')
        },
      })
      await context.until(() => worker.eventsOf('crash').length === 1)
      expect(codes).toEqual(['ILLEGAL_STATE'])
      expect(worker.eventsOf('crash')[0]?.willRetry).toBe(false)
      await context.advance(120_000)
      expect(worker.started).toHaveLength(1)
    }),
  )

  test(
    'explicit: what is left unsaid comes again when its lock is over',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1, 2])
      const worker = await work(context, context.tab(), {
        acknowledgement: 'explicit',
        onMessage: async ({ acknowledge, message }) => {
          if (message.value === 2) await acknowledge('accept')
        },
      })
      await context.until(() => worker.handled.length === 2)
      await context.advance(LOCK_MS - 1_000)
      expect(worker.started).toHaveLength(2)
      await context.until(() => worker.started.length === 3)
      expect(worker.started[2]).toMatchObject({ deliveryCount: 2, message: { value: 1 } })
    }),
  )

  test(
    'explicit: what nobody ever acknowledges does not fill a member for good',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5))
      const seen: unknown[] = []
      const consumer = context.tab().mq.shareConsumer({
        groupId: 'q',
        acknowledgement: 'explicit',
        maxInFlight: 2,
        deliveryCountLimit: 2,
      })
      await consumer.subscribe({ topics: ['orders'] })
      await context.done(
        consumer.run({
          eachMessage: ({ message }) => {
            seen.push(message.value)
          },
        }),
      )
      await context.until(() => seen.length === 10, { withinMs: 20 * LOCK_MS })
      expect(new Set(seen)).toEqual(new Set(range(5)))
    }),
  )

  test(
    'release with a delay, reject without a dead letter topic',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['later', 'never'])
      const worker = await work(context, context.tab(), {
        onMessage: async ({ acknowledge, message, deliveryCount }) => {
          if (message.value === 'never') await acknowledge('reject', { reason: 'broken' })
          else if (deliveryCount === 1) await acknowledge('release', { delayMs: 7_000 })
        },
      })
      await context.until(() => worker.started.length === 2)
      const atMs = context.clock.nowMs
      await context.until(() => worker.started.length === 3)
      expect(context.clock.nowMs - atMs).toBe(7_000)
      await context.advance(120_000)
      expect(worker.startedValues).toEqual(['later', 'never', 'later'])
    }),
  )

  test(
    'onDelivery: a crash loses what was delivered',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      const tab = context.tab()
      const worker = await work(context, tab, {
        acknowledgement: 'onDelivery',
        gate: new Held(),
      })
      await context.until(async () => (await queue(context)).accepted === 1)
      tab.crash()
      const next = await work(context, context.tab(), { acknowledgement: 'onDelivery' })
      await context.advance(120_000)
      expect([worker.startedValues, next.startedValues]).toEqual([[1], []])
    }),
  )

  test(
    'takes nothing that it does not know',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      const codes: string[] = []
      const worker = await work(context, context.tab(), {
        onMessage: async ({ acknowledge }) => {
          for (const attempt of [
            acknowledge('done' as 'accept'),
            acknowledge('release', { delayMs: -1 }),
            acknowledge('reject', { reason: 7 as unknown as string }),
          ]) {
            codes.push(await codeOf(attempt))
          }
        },
      })
      await context.until(() => worker.handled.length === 1)
      expect(codes).toEqual(['INVALID_CONFIG', 'INVALID_CONFIG', 'INVALID_CONFIG'])
    }),
  )
})

describe('a lock', () => {
  test(
    'that runs out aborts the signal, and what is said afterwards has no effect',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      const tab = context.tab()
      const slow = await work(context, tab, {
        acknowledgement: 'explicit',
        onMessage: async ({ signal, acknowledge }, worker) => {
          if (worker.started.length > 1) return acknowledge('accept')
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          expect(await codeOf(acknowledge('accept'))).toBe('INVALID_RECORD_STATE')
        },
      })
      await context.until(() => slow.handled.length > 0, { withinMs: LOCK_MS + 1_000 })
      expect(slow.eventsOf('lockLost')).toEqual([
        { topic: 'orders', partition: 0, offset: 0, deliveryCount: 1 },
      ])
      await context.until(() => slow.handled.length === 2)
      expect((await queue(context)).timedOut).toBe(1)
    }),
  )

  test(
    'that is renewed lasts',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      const tab = context.tab()
      const worker = await work(context, tab, {
        onMessage: async ({ renew }) => {
          for (let times = 0; times < 5; times++) {
            await new Promise<void>((resolve) => tab.setTimer(LOCK_MS - 5_000, resolve))
            await renew()
          }
        },
      })
      const other = await work(context, context.tab())
      await context.until(() => worker.handled.length === 1, { withinMs: 10 * LOCK_MS })
      expect(worker.handled[0]?.signal.aborted).toBe(false)
      expect(other.started).toEqual([])
    }),
  )

  test(
    'of a tab that closes or crashes is free at once',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const stuck = await work(context, tab, { gate: new Held(), concurrency: 10 })
      await produce(context, range(10))
      await context.until(() => stuck.started.length === 10)
      const other = await work(context, context.tab())
      tab.crash()
      const atMs = context.clock.nowMs
      await context.until(() => other.handled.length === 10)
      expect(context.clock.nowMs - atMs).toBeLessThan(100)
      expect(other.handled.map(({ deliveryCount }) => deliveryCount)).toEqual(Array(10).fill(2))
    }),
  )

  test(
    'of a frozen tab runs out, and what it says when it wakes has no effect',
    inContext(async (context) => {
      await context.topic('orders')
      const frozen = context.tab()
      const gate = new Held()
      const sleeper = await work(context, frozen, { gate })
      await produce(context, [1])
      await context.until(() => gate.size === 1)
      frozen.freeze()
      const other = await work(context, context.tab())
      await context.until(() => other.handled.length === 1)
      await context.until(async () => (await queue(context)).accepted === 1)
      gate.release()
      frozen.thaw()
      await context.advance(1_000)
      expect(sleeper.handled[0]?.signal.aborted).toBe(true)
      expect(await queue(context)).toMatchObject({ accepted: 1, available: 0 })
    }),
  )

  test(
    'does not survive the broker, the delivery count does',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const worker = await work(context, context.tab(), {
        onMessage: ({ signal, deliveryCount, message }) => {
          if (message.value !== 1 || deliveryCount > 1) return undefined
          context.kill()
          expect(signal.aborted).toBe(true)
          throw new Error('with the broker')
        },
      })
      await context.until(() => new Set(worker.values).size === 3)
      expect(worker.eventsOf('groupJoin')).toHaveLength(2)
      const counts = worker.started
        .filter(({ message }) => message.value === 1)
        .map(({ deliveryCount }) => deliveryCount)
      expect(counts).toEqual([1, 2])
      await context.until(async () => (await queue(context)).available === 0)
      expect((await queue(context)).startOffsets).toEqual([3])
    }),
  )
})

describe('dead letters', () => {
  const deadLetterTopic = 'orders.dead'
  const headersOf = async (context: ClientContext) => {
    const [letters = []] = await context.stored(deadLetterTopic)
    return letters
  }

  test(
    'are whole, say why, and are there after so many deliveries, not one more',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await context.done(
        context.producerTab.mq.producer().send({
          topic: 'orders',
          messages: [
            { key: 'k', value: 'poison', headers: { mine: 'x' }, partition: 1 },
            { value: 'good', partition: 1 },
          ],
        }),
      )
      const firstMs = context.clock.nowMs
      const worker = await work(context, context.tab(), {
        deadLetterTopic,
        deliveryCountLimit: 3,
        onMessage: ({ message }) => {
          if (message.value === 'poison') throw new Error('no')
        },
      })
      await context.until(async () => (await queue(context)).deadLettered === 1)
      expect(worker.startedValues.filter((value) => value === 'poison')).toHaveLength(3)
      const [letter, ...others] = await headersOf(context)
      expect(others).toEqual([])
      expect(letter).toMatchObject({
        key: 'k',
        value: 'poison',
        headers: {
          mine: 'x',
          'dead-letter-topic': 'orders',
          'dead-letter-partition': '1',
          'dead-letter-offset': '0',
          'dead-letter-group': 'q',
          'dead-letter-delivery-count': '3',
          'dead-letter-first-delivered-at': String(firstMs),
        },
      })
      expect(await queue(context)).toMatchObject({ available: 0, acquired: 0 })
    }),
  )

  test(
    'a rejection is answered when its dead letter is there',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['bad'])
      let letters = -1
      const worker = await work(context, context.tab(), {
        deadLetterTopic,
        onMessage: async ({ acknowledge }) => {
          await acknowledge('reject', { reason: 'not an order' })
          letters = (await headersOf(context)).length
        },
      })
      await context.until(() => worker.handled.length === 1)
      expect(letters).toBe(1)
      expect((await headersOf(context))[0]?.headers).toMatchObject({
        'dead-letter-reason': 'not an order',
        'dead-letter-cause': 'rejected',
      })
    }),
  )

  test(
    'a poison message that takes its tab along ends after so many tabs',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['poison'])
      let deaths = 0
      for (const _ of range(7)) {
        const tab = context.tab()
        await work(context, tab, {
          deadLetterTopic,
          onMessage: () => {
            deaths += 1
            tab.crash()
          },
        })
        await context.advance(1_000)
      }
      expect(deaths).toBe(5)
      expect(await headersOf(context)).toHaveLength(1)
    }),
  )

  test(
    'on a full disk the message waits for its dead letter, and nobody has to join again',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['bad', 'good'])
      const { TabmqError } = await import('../../src/protocol/errors.js')
      let isFull = true
      const error = () => new TabmqError('STORAGE_FULL', 'there is no space')
      const worker = await work(context, context.tab(), {
        deadLetterTopic,
        onMessage: async ({ acknowledge, message }) => {
          if (message.value !== 'bad') return
          // The topic is made first, and has no batch.
          await context.done(
            context.admin.createTopics({ topics: [{ topic: deadLetterTopic }], ifNotExists: true }),
          )
          if (isFull) context.commitErrors.push(error())
          isFull = false
          expect(await codeOf(acknowledge('reject'))).toBe('STORAGE_FULL')
        },
      })
      await context.until(() => worker.handled.length === 2)
      expect(await headersOf(context)).toEqual([])
      await context.until(async () => (await headersOf(context)).length === 1)
      expect(worker.eventsOf('groupJoin')).toHaveLength(1)
      expect(worker.startedValues).toEqual(['bad', 'good'])
      await context.until(async () => (await queue(context)).deadLettered === 1)
      context.brokerErrors.length = 0
    }),
  )
})

describe('a member', () => {
  test(
    'handles as many at once as asked for, and has no more at hand than maxInFlight',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const gate = new Held()
      await produce(context, range(50))
      const worker = await work(context, context.tab(), { gate, concurrency: 4, maxInFlight: 6 })
      await context.until(() => gate.size === 4)
      await context.advance(1_000)
      expect(worker.mostAtOnce).toBe(4)
      expect((await queue(context)).acquired).toBeLessThanOrEqual(6)
      gate.release()
      await context.until(() => worker.handled.length === 50)
    }),
  )

  test(
    'that stops waits for its handlers and gives back the others as if it never had them',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(20), { inOneBatch: true })
      const gate = new Held()
      let isFast = true
      const tab = context.tab()
      const worker = await work(context, tab, {
        onMessage: async () => {
          if (isFast) return
          await new Promise<void>((resolve) => gate.add(resolve))
        },
      })
      // Fast handlers first, so that it has some in reserve.
      await context.until(() => worker.handled.length === 20)
      isFast = false
      await produce(context, range(20, 20), { inOneBatch: true })
      await context.until(() => gate.size === 1)
      const stopping = worker.consumer.stop()
      await context.settle()
      gate.release()
      await context.done(stopping)
      expect(worker.handled).toHaveLength(21)
      const other = await work(context, context.tab())
      await context.until(() => other.handled.length === 19)
      expect(new Set(other.handled.map(({ deliveryCount }) => deliveryCount))).toEqual(new Set([1]))
    }),
  )

  test(
    'by async iteration: accepted by asking for the next, given back by leaving',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const consumer = context.tab().mq.shareConsumer({ groupId: 'q' })
      await consumer.subscribe({ topics: ['orders'] })
      const seen: unknown[] = []
      const loop = (async () => {
        for await (const { message } of consumer.messages()) {
          seen.push(message.value)
          if (seen.length === 2) break
        }
      })()
      await context.done(loop)
      expect(seen).toEqual([0, 1])
      const other = await work(context, context.tab())
      await context.until(() => other.handled.length === 2)
      expect(other.values).toEqual([1, 2])
    }),
  )

  test(
    'of the other kind of group is refused',
    inContext(async (context) => {
      await context.topic('orders')
      await work(context, context.tab())
      const consumer = context.tab().mq.consumer({ groupId: 'q' })
      await consumer.subscribe({ topics: ['orders'] })
      const code = await context.done(codeOf(consumer.run({ eachMessage: () => {} })))
      expect(code).toBe('INCONSISTENT_GROUP_PROTOCOL')
      const reader = context.tab().mq.consumer({ groupId: 'c' })
      await reader.subscribe({ topics: ['orders'] })
      await context.done(reader.run({ eachMessage: () => {} }))
      const worker = new Worker(context.tab(), { groupId: 'c' })
      await worker.consumer.subscribe({ topics: ['orders'] })
      const error = await context.done(errorOf(worker.run()))
      expect(error.code).toBe('INCONSISTENT_GROUP_PROTOCOL')
    }),
  )

  test(
    'gets messages in proportion to its weight',
    inContext(async (context) => {
      await context.topic('orders')
      const gate = new Held()
      const heavy = await work(context, context.tab(), { weight: 3, gate, concurrency: 40 })
      const light = await work(context, context.tab(), { weight: 1, gate, concurrency: 40 })
      await produce(context, range(20), { inOneBatch: true })
      await context.until(() => gate.size === 20)
      expect([heavy.started.length, light.started.length]).toEqual([15, 5])
      gate.release()
    }),
  )
})

describe('order by key', () => {
  test(
    'one at a time and in order of one key, also after a failure; other keys go on',
    inContext(async (context) => {
      await context.topic('orders')
      const messages = range(30).map((value) => ({ key: `k${value % 3}`, value }))
      await context.done(context.producerTab.mq.producer().send({ topic: 'orders', messages }))
      const done: number[] = []
      let failures = 0
      const running = new Set<unknown>()
      const options: WorkerOptions = {
        orderingKey: true,
        concurrency: 5,
        onMessage: async ({ message }) => {
          expect(running.has(message.key)).toBe(false)
          running.add(message.key)
          await Promise.resolve()
          running.delete(message.key)
          if (message.value === 4 && failures++ < 2) throw new Error('no')
          done.push(message.value as number)
        },
      }
      await workers(context, 3, options)
      await context.until(() => done.length === 30)
      for (const key of range(3)) {
        const ofKey = done.filter((value) => value % 3 === key)
        expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b))
      }
      expect(done.indexOf(4)).toBeGreaterThan(done.indexOf(27))
    }),
  )
})

describe('delay, expiry, priority', () => {
  test(
    'a message waits for its time and keeps nobody waiting',
    inContext(async (context) => {
      await context.topic('orders')
      const { nowMs } = context.clock
      await context.done(
        context.producerTab.mq.producer().send({
          topic: 'orders',
          messages: [
            { value: 'in a minute', deliverAt: nowMs + 60_000 },
            { value: 'soon', delayMs: 10_000 },
            { value: 'now' },
          ],
        }),
      )
      const times: number[] = []
      const worker = await work(context, context.tab(), {
        onMessage: () => times.push(context.clock.nowMs - nowMs),
      })
      await context.until(async () => (await queue(context)).accepted === 1)
      await context.advance(1_000)
      context.kill()
      await context.until(() => worker.handled.length === 3)
      expect(worker.values).toEqual(['now', 'soon', 'in a minute'])
      expect(times[1]).toBeGreaterThanOrEqual(10_000)
      expect(times[1]).toBeLessThan(12_000)
      expect(times[2]).toBeGreaterThanOrEqual(60_000)
    }),
  )

  test(
    'what has expired is delivered to nobody, and is a dead letter',
    inContext(async (context) => {
      await context.topic('orders')
      await context.done(
        context.producerTab.mq.producer().send({
          topic: 'orders',
          messages: [{ value: 'stale', ttlMs: 5_000 }, { value: 'fresh' }],
        }),
      )
      await context.advance(6_000)
      const worker = await work(context, context.tab(), { deadLetterTopic: 'dead' })
      await context.until(async () => (await queue(context)).deadLettered === 1)
      expect(worker.values).toEqual(['fresh'])
      expect((await context.stored('dead'))[0]?.[0]).toMatchObject({
        value: 'stale',
        headers: { 'dead-letter-cause': 'expired' },
      })
    }),
  )

  test(
    'what is urgent comes first',
    inContext(async (context) => {
      await context.topic('orders')
      await context.done(
        context.producerTab.mq.producer().send({
          topic: 'orders',
          messages: [0, 5, 9, 5, 0].map((priority, value) => ({ value, priority })),
        }),
      )
      const worker = await work(context, context.tab())
      await context.until(() => worker.handled.length === 5)
      expect(worker.values).toEqual([2, 1, 3, 0, 4])
    }),
  )
})
