/** What a consumer is given: each message once and in order, again after a failure, from where. */
import { describe, expect, test } from 'vitest'
import type { EachBatchPayload } from '../../src/client/consumer/delivery.js'
import { Held, inContext, type ClientContext } from './client-context.js'
import { committed, namesOf, produce, range, read, Reader } from './reader.js'

describe('eachMessage', () => {
  test(
    'gets every message of its partitions once, in order, with all that belongs to it',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const producer = context.tab().mq.producer()
      const timestamp = context.clock.nowMs - 10
      const messages = range(60).map((value) => ({
        key: `k${value % 7}`,
        value,
        headers: { index: String(value) },
        timestamp,
      }))
      await producer.send({ topic: 'orders', messages })
      const received: unknown[] = []
      const reader = await read(context, context.tab(), {
        onMessage: ({ message }) => received.push(message),
      })
      await context.until(() => reader.handled.length === 60)
      for (const partition of range(3)) {
        const offsets = reader.handled
          .filter((seen) => seen.partition === partition)
          .map(({ offset }) => offset)
        expect(offsets).toEqual(range(offsets.length))
      }
      expect(new Set(reader.values).size).toBe(60)
      const [sample] = received as { value: number }[]
      expect(sample).toMatchObject({
        key: `k${(sample?.value ?? 0) % 7}`,
        headers: { index: String(sample?.value) },
        timestamp,
      })
    }),
  )

  test(
    'gets what is sent while it waits, without polling',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      await context.advance(20_000)
      const fetches = tab.requestsOf('fetch').length
      expect(fetches).toBeLessThanOrEqual(5)
      await produce(context, [1])
      await context.settle()
      expect(reader.values).toEqual([1])
    }),
  )

  test(
    'runs one handler at a time by default',
    inContext(async (context) => {
      await context.topic('orders', 4)
      for (const partition of range(4)) await produce(context, range(3), { partition })
      const gate = new Held()
      const reader = await read(context, context.tab(), { gate })
      await context.until(() => gate.size > 0)
      await context.advance(1_000)
      expect(gate.size).toBe(1)
      gate.release()
      await context.until(() => reader.handled.length === 12)
      expect(reader.mostAtOnce).toBe(1)
    }),
  )

  test(
    'runs as many partitions at once as asked, and never two handlers of one',
    inContext(async (context) => {
      await context.topic('orders', 5)
      for (const partition of range(5)) {
        await produce(context, range(6, partition * 100), { partition })
      }
      const gate = new Held()
      const reader = await read(context, context.tab(), {
        gate,
        run: { partitionsConsumedConcurrently: 3 },
        onMessage: async ({ pause }) => {
          await Promise.resolve()
          // What starts and ends fetching must not start a second handler.
          pause()()
        },
      })
      await context.until(() => gate.size === 3)
      await context.advance(1_000)
      expect(gate.size).toBe(3)
      gate.release()
      await context.until(() => reader.handled.length === 30)
      expect([reader.mostAtOnce, reader.mostAtOncePerPartition]).toEqual([3, 1])
      for (const partition of range(5)) {
        const values = reader.handled.filter((seen) => seen.partition === partition)
        expect(values.map(({ value }) => value)).toEqual(range(6, partition * 100))
      }
    }),
  )

  test(
    'a slow partition does not hold up the others',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, [0], { partition: 0 })
      await produce(context, range(10, 100), { partition: 1 })
      const release: (() => void)[] = []
      const reader = await read(context, context.tab(), {
        run: { partitionsConsumedConcurrently: 2 },
        onMessage: ({ partition }) =>
          partition === 0
            ? new Promise<void>((resolve) => {
                release.push(resolve)
              })
            : undefined,
      })
      await context.until(() => reader.handled.length === 10)
      expect(reader.values).toEqual(range(10, 100))
      for (const one of release) one()
    }),
  )

  test(
    'all partitions get their turn although one is always full',
    inContext(async (context) => {
      await context.topic('orders', 3)
      await produce(context, range(50), { partition: 0 })
      await produce(context, [200], { partition: 2 })
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 51)
      const at = reader.handled.findIndex(({ value }) => value === 200)
      expect(at).toBeLessThan(10)
    }),
  )

  test(
    'messages that are larger than what a fetch may bring arrive all the same',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const large = range(4).map((value) => `${value} ${'x'.repeat(5_000)}`)
      await produce(context, large)
      await produce(context, large, { partition: 1 })
      const reader = await read(context, context.tab(), { maxBytes: 10, maxBytesPerPartition: 10 })
      await context.until(() => reader.handled.length === 8)
      const first = reader.handled.filter(({ partition }) => partition === 0)
      expect(first.map(({ value }) => value)).toEqual(large)
    }),
  )

  test(
    'a handler that lags makes the consumer fetch no more than its buffer holds',
    inContext(async (context) => {
      await context.topic('orders')
      const megabyte = 'x'.repeat(1_000_000)
      for (const _ of range(8)) await produce(context, [megabyte])
      const tab = context.tab()
      const gate = new Held()
      const reader = await read(context, tab, { gate })
      await context.until(() => gate.size === 1)
      await context.advance(60_000)
      const furthest = Math.max(
        ...tab.requestsOf('fetch').flatMap(({ partitions }) => partitions.map((one) => one.offset)),
      )
      expect(furthest).toBeLessThanOrEqual(5)
      gate.release()
      await context.until(() => reader.handled.length === 8)
    }),
  )
})

describe('eachBatch', () => {
  test(
    'gets the messages of one partition, and what is known about them',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5), { inOneBatch: true })
      await produce(context, range(2, 5))
      const batches: EachBatchPayload['batch'][] = []
      await read(context, context.tab(), {
        onBatch: ({ batch, isRunning, isStale }) => {
          expect([isRunning(), isStale()]).toEqual([true, false])
          batches.push(batch)
        },
      })
      await context.until(() => batches.length > 0)
      const messages = batches.flatMap((batch) => batch.messages)
      expect(messages.map(({ value }) => value)).toEqual(range(7))
      const [first] = batches
      expect(first).toMatchObject({ topic: 'orders', partition: 0, highWatermark: 7 })
      expect(first?.isEmpty()).toBe(false)
      expect(first?.firstOffset()).toBe(0)
      expect(first?.offsetLag()).toBe(6 - (first?.lastOffset() ?? 0))
      expect(await committed(context)).toEqual({ 'orders 0': 7 })
    }),
  )

  test(
    'what was resolved before it throws is not delivered again, the rest is',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(6), { inOneBatch: true })
      const offsets: number[][] = []
      const reader = await read(context, context.tab(), {
        onBatch: async ({ batch, resolveOffset }) => {
          offsets.push(batch.messages.map(({ offset }) => offset))
          await Promise.resolve()
          for (const { offset } of batch.messages) {
            if (offset === 3 && offsets.length === 1) throw new Error('three')
            resolveOffset(offset)
          }
        },
      })
      await context.until(() => offsets.length === 2)
      expect(offsets).toEqual([range(6), [3, 4, 5]])
      expect(reader.eventsOf('crash')).toMatchObject([{ willRetry: true, offset: 3 }])
      await context.settle()
      expect(await committed(context)).toEqual({ 'orders 0': 6 })
    }),
  )

  test(
    'without eachBatchAutoResolve only what is resolved counts, and the rest comes again',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4), { inOneBatch: true })
      const seen: number[][] = []
      const reader = await read(context, context.tab(), {
        run: { eachBatchAutoResolve: false },
        onBatch: ({ batch, resolveOffset }) => {
          seen.push(batch.messages.map(({ offset }) => offset))
          resolveOffset(batch.firstOffset() ?? 0)
        },
      })
      await context.until(() => seen.length === 4)
      await context.advance(100)
      expect(seen).toEqual([[0, 1, 2, 3], [1, 2, 3], [2, 3], [3]])
      expect(await committed(context)).toEqual({ 'orders 0': 4 })
      expect(reader.happened()).not.toContain('crash')
    }),
  )

  test(
    'a batch of which nothing is resolved comes again after a pause that grows',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const calledAtMs: number[] = []
      await read(context, context.tab(), {
        run: { eachBatchAutoResolve: false },
        onBatch: ({ resolveOffset }) => {
          calledAtMs.push(context.clock.nowMs)
          if (calledAtMs.length === 4) resolveOffset(0)
        },
      })
      await context.advance(60_000)
      const pauses = calledAtMs.slice(1).map((atMs, index) => atMs - (calledAtMs[index] ?? 0))
      expect(pauses).toHaveLength(3)
      for (const [index, pauseMs] of pauses.entries()) {
        expect(pauseMs).toBeGreaterThan(50 * 2 ** index)
      }
    }),
  )

  test(
    'an older offset resolved after a newer one takes nothing back',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4), { inOneBatch: true })
      let calls = 0
      await read(context, context.tab(), {
        run: { eachBatchAutoResolve: false },
        onBatch: ({ resolveOffset }) => {
          calls += 1
          resolveOffset(3)
          resolveOffset(1)
        },
      })
      await context.advance(1_000)
      expect(calls).toBe(1)
      expect(await committed(context)).toEqual({ 'orders 0': 4 })
    }),
  )

  test(
    'hears that the rest of its batch is void after a seek, and while stopping',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4), { inOneBatch: true })
      const seen: boolean[][] = []
      let stopped: Promise<void> | undefined
      const reader = new Reader(context.tab(), {
        onBatch: ({ batch, isRunning, isStale }) => {
          if (batch.firstOffset() === 0) {
            seen.push([isRunning(), isStale()])
            reader.consumer.seek({ topic: 'orders', partition: 0, offset: 2 })
            seen.push([isRunning(), isStale()])
          } else {
            seen.push([isRunning(), isStale()])
            stopped = reader.consumer.stop()
            seen.push([isRunning(), isStale()])
          }
        },
      })
      await reader.subscribe()
      await reader.run()
      await context.until(() => stopped !== undefined)
      await stopped
      expect(seen).toEqual([
        [true, false],
        [true, true],
        [true, false],
        [false, true],
      ])
      expect(await committed(context)).toEqual({ 'orders 0': 4 })
    }),
  )
})

describe('a handler that throws (rule 17)', () => {
  test(
    'gets the same message again after a backoff, earlier ones not, and the group stays',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5), { inOneBatch: true })
      const failures = [new Error('one'), new Error('two'), new Error('three')]
      const startedMs: number[] = []
      const reader = await read(context, context.tab(), {
        onMessage: ({ message }) => {
          if (message.offset !== 2) return
          startedMs.push(context.clock.nowMs)
          const failure = failures[startedMs.length - 1]
          if (failure !== undefined) throw failure
        },
      })
      await context.until(() => reader.handled.length === 5)
      expect(reader.started.map(({ offset }) => offset)).toEqual([0, 1, 2, 2, 2, 2, 3, 4])
      const waits = startedMs.slice(1).map((atMs, index) => atMs - (startedMs[index] ?? 0))
      const fullMs = [300, 600, 1_200]
      for (const [index, waitMs] of waits.entries()) {
        expect(waitMs).toBeGreaterThanOrEqual((fullMs[index] ?? 0) / 2)
        expect(waitMs).toBeLessThanOrEqual((fullMs[index] ?? 0) + 1)
      }
      expect(reader.eventsOf('crash')).toEqual(
        failures.map((error) => ({
          error,
          willRetry: true,
          topic: 'orders',
          partition: 0,
          offset: 2,
        })),
      )
      expect(reader.happened()).not.toContain('partitionsLost')
      await context.settle()
      expect(await committed(context)).toEqual({ 'orders 0': 5 })
    }),
  )

  test(
    'commits what came before the message that fails, and no more',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const reader = await read(context, context.tab(), {
        onMessage: ({ message }) => {
          if (message.offset === 2) throw new Error('never')
        },
      })
      await context.until(() => reader.eventsOf('crash').length === 4)
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      await reader.consumer.stop()
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
    }),
  )

  test(
    'does not hold up other partitions',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, [0], { partition: 0 })
      await produce(context, range(10, 100), { partition: 1 })
      const reader = await read(context, context.tab(), {
        onMessage: ({ partition }) => {
          if (partition === 0) throw new Error('always')
        },
      })
      await context.advance(200)
      expect(reader.values).toEqual(range(10, 100))
      await context.advance(10_000)
      expect(reader.eventsOf('crash').length).toBeGreaterThan(3)
    }),
  )

  test(
    'may throw what is no Error',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      let calls = 0
      const reader = await read(context, context.tab(), {
        onMessage: () => {
          calls += 1
          // eslint-disable-next-line typescript/only-throw-error -- a user may
          if (calls === 1) throw undefined
        },
      })
      await context.until(() => reader.handled.length === 1)
      expect(reader.eventsOf('crash')).toMatchObject([{ error: undefined, willRetry: true }])
    }),
  )

  test(
    'is reported by the page when nobody listens for crashes',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const tab = context.tab()
      const consumer = tab.mq.consumer({ groupId: 'g' })
      await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
      const error = new Error('mine')
      let calls = 0
      await consumer.run({
        eachMessage: () => {
          calls += 1
          if (calls === 1) throw error
        },
      })
      await context.until(() => calls === 2)
      expect(tab.takeErrors()).toEqual([error])
    }),
  )
})

describe('where it starts', () => {
  test(
    'with `latest` it gets only what is sent from then on',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1, 2])
      const reader = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      await context.settle()
      await produce(context, [3])
      await context.advance(100)
      expect(reader.values).toEqual([3])
    }),
  )

  test(
    'with `earliest` it gets everything',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1, 2])
      const reader = await read(context, context.tab(), { autoOffsetReset: 'earliest' })
      await context.until(() => reader.handled.length === 2)
    }),
  )

  test(
    'fromBeginning says more than autoOffsetReset, and a name more than a pattern',
    inContext(async (context) => {
      await context.topic('orders')
      await context.topic('others')
      await produce(context, ['old order'])
      await produce(context, ['old other'], { topic: 'others' })
      const reader = new Reader(context.tab(), { autoOffsetReset: 'latest' })
      await reader.consumer.subscribe({ topics: [/^o/], fromBeginning: true })
      await reader.consumer.subscribe({ topics: ['others'], fromBeginning: false })
      await reader.run()
      await context.advance(100)
      expect(reader.values).toEqual(['old order'])
    }),
  )

  test(
    'at the committed offset, which is the next to read (rule 14)',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10))
      await context.admin.setOffsets({
        groupId: 'g',
        topic: 'orders',
        partitions: [{ partition: 0, offset: 7 }],
      })
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 3)
      expect(reader.handled.map(({ offset }) => offset)).toEqual([7, 8, 9])
      await context.advance(100)
      expect(await committed(context)).toEqual({ 'orders 0': 10 })
    }),
  )

  test(
    'a partition that appears later is read from its beginning, `latest` or not (rule 11)',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      await context.admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 2 }] })
      // Sent before the consumer has heard of the partition.
      await produce(context, ['new'], { partition: 1 })
      await context.until(() => reader.handled.length === 1)
      expect(reader.handled).toMatchObject([{ partition: 1, offset: 0, value: 'new' }])
    }),
  )

  test(
    'a consumer that comes back goes on where it was, although nothing was sent before',
    inContext(async (context) => {
      await context.topic('orders')
      const first = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      await context.settle()
      await first.consumer.disconnect()
      await produce(context, ['meanwhile'])
      const second = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      await context.until(() => second.handled.length === 1)
      expect(second.values).toEqual(['meanwhile'])
    }),
  )
})

describe('a position out of range (rule 15)', () => {
  test.each([
    ['earliest', [5, 6, 7]],
    ['latest', [8]],
  ] as const)('with %s it goes on there', async (autoOffsetReset, expected) =>
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(8))
      const reader = await read(context, context.tab(), { autoOffsetReset: 'earliest' })
      await context.until(() => reader.handled.length === 8)
      await reader.consumer.disconnect()
      const late = new Reader(context.tab(), { groupId: 'late', autoOffsetReset })
      await late.subscribe()
      await deleteBeyond(context, { groupId: 'late', committed: 2, deletedBefore: 5 })
      await late.run()
      await context.advance(100)
      if (autoOffsetReset === 'latest') await produce(context, [8])
      await context.until(() => late.handled.length === expected.length)
      expect(late.values).toEqual(expected)
      expect(late.happened()).not.toContain('crash')
    })(),
  )

  test(
    'with `latest` whoever takes over goes on where the one before went, though it handled nothing',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(8))
      await deleteBeyond(context, { groupId: 'g', committed: 2, deletedBefore: 5 })
      const first = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      await context.advance(1_000)
      await first.consumer.disconnect()
      await produce(context, [8, 9])
      const second = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      await context.until(() => second.handled.length === 2)
      expect(second.values).toEqual([8, 9])
    }),
  )

  test(
    'with `none` it says so again and again until a seek ends it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      await deleteBeyond(context, { groupId: 'g', committed: 1, deletedBefore: 3 })
      const reader = await read(context, context.tab(), { autoOffsetReset: 'none' })
      await context.advance(10_000)
      const crashes = reader.eventsOf('crash')
      expect(crashes.length).toBeGreaterThan(2)
      expect(crashes.length).toBeLessThan(10)
      expect(crashes[0]).toMatchObject({
        error: { code: 'OFFSET_OUT_OF_RANGE', details: { topic: 'orders', offset: 1 } },
        willRetry: true,
        topic: 'orders',
        partition: 0,
      })
      reader.consumer.seek({ topic: 'orders', partition: 0, offset: 3 })
      await context.until(() => reader.handled.length === 1)
      expect(reader.values).toEqual([3])
    }),
  )

  test(
    'with `none` a group without offset is told, and a seek starts it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(2))
      const reader = await read(context, context.tab(), { autoOffsetReset: 'none' })
      await context.advance(1_000)
      expect(reader.eventsOf('crash')).toMatchObject([
        { error: { code: 'NO_OFFSET_FOR_PARTITION' }, topic: 'orders', partition: 0 },
      ])
      expect(reader.handled).toEqual([])
      reader.consumer.seek({ topic: 'orders', partition: 0, offset: 1 })
      await context.until(() => reader.handled.length === 1)
      expect(reader.values).toEqual([1])
    }),
  )

  test(
    'an answer for an offset that is no longer wanted changes nothing',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(6))
      const tab = context.tab()
      const reader = await read(context, tab)
      await context.until(() => reader.handled.length === 6)
      const replies = tab.hold('fetch', 'reply')
      reader.consumer.seek({ topic: 'orders', partition: 0, offset: 100 })
      await context.settle()
      expect(replies.size).toBeGreaterThan(0)
      reader.consumer.seek({ topic: 'orders', partition: 0, offset: 4 })
      await context.settle()
      replies.release()
      await context.advance(5_000)
      expect(reader.values).toEqual([...range(6), 4, 5])
      expect(reader.happened()).not.toContain('crash')
    }),
  )
})

describe('two consumers in one tab', () => {
  test(
    'of one group share its partitions',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const tab = context.tab()
      const readers = [await read(context, tab), await read(context, tab)]
      await context.until(() => readers.every(({ assignment }) => assignment.length === 2))
      for (const partition of range(4)) await produce(context, [partition], { partition })
      await context.until(() => readers.flatMap(({ handled }) => handled).length === 4)
      for (const { handled, assignment } of readers) {
        expect(namesOf(handled)).toEqual(assignment)
      }
    }),
  )

  test(
    'of two groups each get everything',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const tab = context.tab()
      const a = await read(context, tab, { groupId: 'a' })
      const b = await read(context, tab, { groupId: 'b' })
      await produce(context, [1, 2])
      await context.until(() => a.handled.length + b.handled.length === 4)
      expect([a.values, b.values]).toEqual([
        [1, 2],
        [1, 2],
      ])
    }),
  )
})

/** The group has committed an offset in the first partition that is not there any more. */
async function deleteBeyond(
  { admin }: ClientContext,
  at: { groupId: string; committed: number; deletedBefore: number },
): Promise<void> {
  const topic = 'orders'
  const { groupId, committed: offset, deletedBefore } = at
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset }] })
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: deletedBefore }] })
}
