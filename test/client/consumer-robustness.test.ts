/** What goes wrong around a consumer, and must not spread: handlers, codecs, fenced members, loops. */
import { describe, expect, test } from 'vitest'
import type { Codec } from '../../src/codec/codec.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { memoryBroker } from '../../src/testing/index.js'
import { deferred } from '../../src/std/deferred.js'
import { codeOf, errorOf, Held, inContext, type ClientContext } from './client-context.js'
import { committed, produce, range, read, Reader } from './reader.js'

const ORDERS_0 = { topic: 'orders', partition: 0 }

describe('a commit by hand', () => {
  test(
    'is not undone by the automatic commit while its handler still runs',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, range(2))
      await produce(context, [0], { partition: 1 })
      const gate = new Held()
      const reader = await read(context, context.tab(), {
        run: { partitionsConsumedConcurrently: 2 },
        onMessage: async ({ topic, partition, message }, { consumer }) => {
          if (partition === 1) return waitFor(gate)
          await consumer.commitOffsets([{ topic, partition, offset: message.offset + 1 }])
          if (message.offset === 1) await waitFor(new Held())
        },
        rebalanceTimeoutMs: 1_000,
      })
      await context.until(async () => (await committed(context))['orders 0'] === 2)
      gate.release()
      await context.until(async () => (await committed(context))['orders 1'] === 1)
      expect((await committed(context))['orders 0']).toBe(2)
      await context.done(reader.consumer.stop())
      expect((await committed(context))['orders 0']).toBe(2)
      reader.events.splice(0)
    }),
  )

  test(
    'of a handler whose membership was fenced is refused, though the member is back (rule 8)',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10))
      const frozen = context.tab()
      const gate = new Held()
      const outcomes: string[] = []
      const first = await read(context, frozen, {
        run: { autoCommit: false },
        gate,
        onMessage: async ({ topic, partition, message }, { consumer }) => {
          const offset = message.offset + 1
          outcomes.push(await codeOf(consumer.commitOffsets([{ topic, partition, offset }])))
        },
      })
      await context.until(() => gate.size === 1)
      frozen.freeze()
      const second = await read(context, context.tab())
      await context.until(() => second.handled.length === 10)
      await context.settle()
      await context.done(second.consumer.stop())
      frozen.thaw()
      await context.until(() => first.assignment.length === 1)
      gate.releaseOne()
      await context.until(() => outcomes.length === 1)
      expect(outcomes).toEqual(['FENCED_MEMBER_EPOCH'])
      expect(await committed(context)).toEqual({ 'orders 0': 10 })
    }),
  )

  test(
    'of a partition that this member does not hold is refused',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const first = await read(context, context.tab())
      const second = await read(context, context.tab())
      await context.until(() => second.assignment.length === 1)
      const [others = ''] = second.assignment
      const partition = Number(others.at(-1))
      const commit = first.consumer.commitOffsets([{ topic: 'orders', partition, offset: 0 }])
      expect(await errorOf(commit)).toMatchObject({
        code: 'FENCED_MEMBER_EPOCH',
        message: expect.stringContaining('lost') as string,
      })
    }),
  )

  test(
    'that has to be repeated does not undo a later one',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, range(10))
      const tab = context.tab()
      const first = await read(context, tab, { run: { autoCommit: false } })
      await context.until(() => first.handled.length === 10)
      const held = tab.hold('commitOffsets', 'request')
      const commit = (offset: number) => first.consumer.commitOffsets([{ ...ORDERS_0, offset }])
      const older = commit(3)
      await context.settle()
      await read(context, context.tab())
      await context.advance(100)
      held.release()
      const newer = commit(8)
      await context.done(Promise.all([older, newer]))
      const sent = tab.requestsOf('commitOffsets').map(({ offsets }) => offsets[0]?.offset)
      expect(sent).toEqual([3, 3, 8])
      expect((await committed(context))['orders 0']).toBe(8)
    }),
  )
})

describe('a loop over messages()', () => {
  test(
    'that cannot start because the consumer runs already does not stop that run',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab())
      expect(await codeOf(context.done(reader.consumer.messages().next()))).toBe('ILLEGAL_STATE')
      await produce(context, range(2))
      await context.until(() => reader.handled.length === 2)
      expect(reader.happened(['stop'])).toEqual([])
    }),
  )

  test(
    'that ends late does not stop the run after it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(1))
      const reader = new Reader(context.tab())
      await reader.subscribe()
      const loop = reader.consumer.messages()
      await context.done(loop.next())
      const stopped = reader.consumer.stop()
      await context.advance(62_000)
      await stopped
      reader.events.splice(0)
      await context.done(reader.run())
      await context.done(loop.return())
      await produce(context, range(1))
      await context.until(() => reader.handled.length === 2)
      expect(reader.happened(['stop'])).toEqual([])
    }),
  )
})

describe('resolveOffset', () => {
  test.each([
    ['beyond the batch', 3],
    ['a string', '1'],
    ['nothing', undefined],
    ['half a message', 0.5],
    ['before all', -1],
  ])('of %s is refused, and its handler told', async (_, offset) =>
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3), { inOneBatch: true })
      let isMended = false
      const reader = await read(context, context.tab(), {
        run: { eachBatchAutoResolve: false },
        onBatch: ({ batch, resolveOffset }) => {
          resolveOffset(isMended ? (batch.lastOffset() ?? 0) : (offset as number))
        },
      })
      await context.until(() => reader.eventsOf('crash').length > 0)
      isMended = true
      expect(reader.eventsOf('crash')[0]).toMatchObject({
        willRetry: true,
        offset: 0,
        error: { code: 'INVALID_CONFIG' },
      })
      await context.until(async () => (await committed(context))['orders 0'] === 3)
    })(),
  )
})

describe('with little room for fetched messages', () => {
  const SMALL = { maxBytes: 50_000, maxBytesPerPartition: 50_000 }
  const large = range(20).map(() => 'x'.repeat(10_000))

  test.each([
    ['fails again and again', () => Promise.reject(new Error('poison'))],
    ['never ends', () => new Promise(() => {})],
  ])('a partition whose handler %s does not starve the others', async (_, handle) =>
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, large)
      const reader = await read(context, context.tab(), {
        ...SMALL,
        run: { partitionsConsumedConcurrently: 2 },
        onMessage: ({ partition }) => (partition === 0 ? handle() : undefined),
      })
      await context.advance(60_000)
      await produce(context, range(3), { partition: 1 })
      await context.advance(1_000)
      expect(reader.handled.map(({ partition }) => partition)).toEqual([1, 1, 1])
    })(),
  )

  test(
    'no more is fetched than twice that, and every partition has its turn',
    inContext(async (context) => {
      await context.topic('orders', 8)
      for (const partition of range(8)) await produce(context, large, { partition })
      const gate = new Held()
      const tab = context.tab()
      const reader = await read(context, tab, { ...SMALL, gate })
      await context.advance(10_000)
      const fetches = tab.requestsOf('fetch').length
      await context.advance(60_000)
      expect(tab.requestsOf('fetch').length).toBe(fetches)
      gate.release()
      await context.until(() => new Set(reader.handled.map((one) => one.partition)).size === 8)
      const firstOf = (wanted: number) =>
        reader.handled.findIndex(({ partition }) => partition === wanted)
      expect(Math.max(...range(8).map(firstOf))).toBeLessThan(60)
    }),
  )
})

describe('a message that cannot be decoded', () => {
  const picky: Codec = {
    id: 16,
    name: 'picky',
    encode: (value) => new TextEncoder().encode(String(value)),
    decode(bytes) {
      const text = new TextDecoder().decode(bytes)
      if (text === 'bad') throw new Error('bad')
      return text
    },
  }

  async function sent(context: ClientContext, compression?: 'gzip'): Promise<void> {
    await context.topic('orders')
    const producer = context.tab({ codecs: [picky] }).mq.producer({ codec: 'picky' })
    const messages = ['a', 'b', 'bad', 'c'].map((value) => ({ value, partition: 0 }))
    const options = compression === undefined ? {} : { compression }
    let isSent = false
    void producer.send({ topic: 'orders', messages, ...options }).then(() => {
      isSent = true
    })
    await until(context, () => isSent)
  }

  test.each([undefined, 'gzip'] as const)(
    'does not hold up those before it, and is the one that crash names (compression: %s)',
    async (compression) =>
      inContext(async (context) => {
        await sent(context, compression)
        const reader = await read(context, context.tab({ codecs: [picky] }))
        await until(context, () => reader.eventsOf('crash').length > 0)
        await context.advance(60_000)
        expect(reader.values).toEqual(['a', 'b'])
        expect(reader.eventsOf('crash')).toMatchObject([
          {
            willRetry: false,
            offset: 2,
            error: { code: 'CORRUPT_MESSAGE', details: { ...ORDERS_0, offset: 2 } },
          },
        ])
        expect(await committed(context)).toEqual({ 'orders 0': 2 })
        reader.consumer.seek({ ...ORDERS_0, offset: 3 })
        await until(context, () => reader.values.length === 3)
        expect(reader.values).toEqual(['a', 'b', 'c'])
      })(),
  )

  test(
    'does so in a batch as well',
    inContext(async (context) => {
      await sent(context)
      const seen: unknown[][] = []
      await read(context, context.tab({ codecs: [picky] }), {
        onBatch: ({ batch }) => void seen.push(batch.messages.map(({ value }) => value)),
      })
      await context.advance(5_000)
      expect(seen).toEqual([['a', 'b']])
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
    }),
  )
})

describe('pauses before partitions are held', () => {
  test(
    'a topic is paused but for one partition',
    inContext(async (context) => {
      await context.topic('orders', 3)
      for (const partition of range(3)) await produce(context, [partition], { partition })
      const reader = new Reader(context.tab())
      await reader.subscribe()
      reader.consumer.pause([{ topic: 'orders' }])
      reader.consumer.resume([{ topic: 'orders', partitions: [1] }])
      await context.done(reader.run())
      await context.advance(1_000)
      expect(reader.values).toEqual([1])
      reader.consumer.pause([{ topic: 'orders', partitions: [1] }])
      expect(reader.consumer.paused()).toEqual([{ topic: 'orders', partitions: [0, 1, 2] }])
      reader.consumer.resume([{ topic: 'orders' }])
      await context.until(() => reader.values.length === 3)
      expect(reader.consumer.paused()).toEqual([])
    }),
  )
})

describe('a reset (rule 15)', () => {
  test(
    'does not undo a seek that was made meanwhile (rule 16)',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      const tab = context.tab()
      const reader = await read(context, tab, { autoOffsetReset: 'earliest' })
      await context.until(() => reader.handled.length === 4)
      const resets = tab.hold('listOffsets', 'reply')
      reader.consumer.seek({ ...ORDERS_0, offset: 99 })
      await context.until(() => resets.size === 1)
      reader.consumer.seek({ ...ORDERS_0, offset: 3 })
      resets.release()
      await context.advance(10_000)
      expect(reader.values).toEqual([0, 1, 2, 3, 3])
    }),
  )

  test(
    'is not moved by a handler of the time before it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3), { inOneBatch: true })
      const partitions = [{ partition: 0, offset: 0 }]
      await context.admin.setOffsets({ groupId: 'g', topic: 'orders', partitions })
      const gate = new Held()
      const reader = await read(context, context.tab(), { gate, autoOffsetReset: 'latest' })
      await context.until(() => gate.size === 1)
      await context.admin.deleteTopicRecords({
        topic: 'orders',
        partitions: [{ partition: 0, offset: 3 }],
      })
      // The pause drops what is fetched; from 0 on nothing is there any more.
      reader.consumer.pause([{ topic: 'orders' }])
      reader.consumer.resume([{ topic: 'orders' }])
      await context.advance(5_000)
      gate.release()
      await context.advance(5_000)
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
      await produce(context, [3])
      await context.until(() => reader.values.includes(3))
      expect(reader.values).toEqual([0, 3])
      expect(await committed(context)).toEqual({ 'orders 0': 4 })
    }),
  )
})

describe('what arrives while a partition is paused', () => {
  test(
    'is not kept, but fetched again after the pause (rule 16)',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      const replies = tab.hold('fetch', 'reply')
      await produce(context, range(3))
      await context.until(() => replies.size > 0)
      reader.consumer.pause([{ topic: 'orders' }])
      replies.release()
      await context.advance(1_000)
      const before = tab.requestsOf('fetch').length
      reader.consumer.resume([{ topic: 'orders' }])
      await context.until(() => reader.handled.length === 3)
      const offsets = tab.requestsOf('fetch').map(({ partitions }) => partitions[0]?.offset)
      expect(offsets[before]).toBe(0)
    }),
  )
})

describe('while the membership is in doubt', () => {
  test(
    'a static member that is about to leave does not join again',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const gate = new Held()
      const tab = context.tab()
      const reader = await read(context, tab, { gate, groupInstanceId: 'one' })
      await context.until(() => gate.size === 1)
      const stopped = reader.consumer.stop()
      await context.settle()
      context.kill()
      const heartbeats = tab.requestsOf('groupHeartbeat').length
      await context.advance(1_000)
      const after = await read(context, context.tab(), { groupInstanceId: 'one' })
      await context.until(() => after.assignment.length === 1)
      await context.advance(5_000)
      gate.release()
      await context.done(stopped)
      expect(tab.requestsOf('groupHeartbeat')).toHaveLength(heartbeats)
      expect(after.eventsOf('crash')).toEqual([])
      expect(after.assignment).toEqual(['orders 0'])
    }),
  )

  test(
    'nothing more of a batch is delivered',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3), { inOneBatch: true })
      const gate = new Held()
      const reader = await read(context, context.tab(), { gate })
      await context.until(() => gate.size === 1)
      context.forbidBroker()
      context.kill()
      await context.settle()
      gate.release()
      await context.advance(1_000)
      expect(reader.started).toHaveLength(1)
      context.allowBroker()
      await context.until(() => reader.handled.length === 3)
      expect(reader.values).toEqual([0, 1, 2])
    }),
  )

  test(
    'a seek of a member that is fenced does not rewind who comes after it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      const frozen = context.tab()
      const first = await read(context, frozen)
      await context.until(() => first.handled.length === 4)
      await context.settle()
      first.consumer.pause([{ topic: 'orders' }])
      first.consumer.seek({ ...ORDERS_0, offset: 0 })
      frozen.freeze()
      const second = await read(context, context.tab())
      await context.until(() => second.assignment.length === 1)
      await context.done(second.consumer.stop())
      await produce(context, [4])
      frozen.thaw()
      await context.until(() => first.assignment.length === 1)
      first.consumer.resume([{ topic: 'orders' }])
      await context.until(() => first.handled.length === 5)
      await context.advance(1_000)
      expect(first.values).toEqual([0, 1, 2, 3, 4])
    }),
  )

  test(
    'a subscription that got lost on its way is told again',
    inContext(async (context) => {
      await context.topic('a')
      await context.topic('b')
      const tab = context.tab()
      const reader = await read(context, tab, { topics: ['a'], sessionTimeoutMs: 120_000 })
      const lost = tab.hold('groupHeartbeat', 'request')
      await reader.consumer.subscribe({ topics: ['b'] })
      await context.settle()
      lost.drop()
      await context.until(() => reader.assignment.length === 2)
      expect(reader.partitionsOf('partitionsLost')).toEqual([])
      expect(reader.assignment).toEqual(['a 0', 'b 0'])
    }),
  )

  test(
    'a member that is fenced again and again does not ask without a pause',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      const before = tab.requestsOf('groupHeartbeat').length
      // Every commit of the membership fails: each join is undone by the reload after it.
      context.commitErrors.push(
        ...Array.from({ length: 1_000 }, () => new TabmqError('STORAGE_ERROR', 'again')),
      )
      await reader.consumer.subscribe({ topics: ['b'] })
      await context.advance(10_000)
      expect(tab.requestsOf('groupHeartbeat').length - before).toBeLessThan(100)
      context.commitErrors.splice(0)
      await context.until(() => reader.assignment.length === 1)
    }),
  )
})

function waitFor(gate: Held): Promise<void> {
  return new Promise((resolve) => {
    if (gate.isOn) gate.add(resolve)
    else resolve()
  })
}

/** Unpacking takes real time, in which the clock of the test stands still. */
async function until(context: ClientContext, condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 1)
    })
    await context.advance(100)
  }
}

test('handlers that wait for nothing leave the page its turns', async () => {
  const mq = memoryBroker().client()
  await mq.admin().createTopics({ topics: [{ topic: 'orders' }] })
  const messages = range(200).map((value) => ({ value }))
  for (const _ of range(3)) await mq.producer().send({ topic: 'orders', messages })
  const consumer = mq.consumer({ groupId: 'g' })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  let handled = 0
  const all = deferred<void>()
  /** How many were handled when each of the page's own turns came. */
  const turns: number[] = []
  const timer = setInterval(() => turns.push(handled), 1)
  await consumer.run({
    eachMessage() {
      const sinceMs = performance.now()
      while (performance.now() - sinceMs < 1);
      handled += 1
      if (handled === 600) all.resolve()
    },
  })
  await all.promise
  clearInterval(timer)
  await mq.close()
  expect(turns.filter((count) => count > 0 && count < 600).length).toBeGreaterThan(10)
})
