/** What is committed, when, and what becomes of it: by itself, by hand, at the end, and after a failure. */
import { describe, expect, test } from 'vitest'
import { TabmqError } from '../../src/protocol/errors.js'
import { codeOf, errorOf, Held, inContext } from './client-context.js'
import { committed, produce, range, read, Reader } from './reader.js'

const ORDERS_0 = { topic: 'orders', partition: 0 }

describe('by itself', () => {
  test(
    'after each batch by default, and never a message whose handler has not returned (rule 9)',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const gate = new Held()
      const reader = await read(context, context.tab(), { gate })
      await context.until(() => gate.size === 1)
      for (const handled of range(3)) {
        expect(await committed(context)).toEqual(handled === 0 ? {} : { 'orders 0': handled })
        gate.releaseOne()
        await context.settle()
      }
      await context.settle()
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
      expect(reader.eventsOf('commitOffsets')).toEqual(
        range(3, 1).map((offset) => ({ groupId: 'g', offsets: [{ ...ORDERS_0, offset }] })),
      )
    }),
  )

  test(
    'what was handled of a batch does not wait for the message that fails',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5), { inOneBatch: true })
      await read(context, context.tab(), {
        onMessage: ({ message }) => {
          if (message.offset === 3) throw new Error('three')
        },
      })
      await context.advance(100)
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
    }),
  )

  test(
    'no oftener than autoCommitInterval says, the last messages included',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab, { run: { autoCommitInterval: 1_000 } })
      for (const value of range(25)) {
        await produce(context, [value])
        await context.advance(100)
      }
      expect(reader.handled).toHaveLength(25)
      expect(tab.requestsOf('commitOffsets').length).toBeGreaterThanOrEqual(2)
      expect(tab.requestsOf('commitOffsets').length).toBeLessThanOrEqual(3)
      await context.advance(1_000)
      expect(await committed(context)).toEqual({ 'orders 0': 25 })
      const commits = tab.requestsOf('commitOffsets').length
      await context.advance(60_000)
      expect(tab.requestsOf('commitOffsets').length).toBe(commits)
    }),
  )

  test(
    'whenever autoCommitThreshold messages are handled',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab(), { run: { autoCommitThreshold: 10 } })
      for (const [upTo, due] of [
        [8, undefined],
        [16, 10],
        [24, 20],
      ] as const) {
        await produce(context, range(8, upTo - 8))
        await context.until(() => reader.handled.length === upTo)
        await context.advance(1_000)
        expect(await committed(context)).toEqual(due === undefined ? {} : { 'orders 0': due })
      }
      await context.done(reader.consumer.stop())
      expect(await committed(context)).toEqual({ 'orders 0': 24 })
    }),
  )

  test(
    'with both, whichever comes first',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab(), {
        run: { autoCommitThreshold: 10, autoCommitInterval: 1_000 },
      })
      await produce(context, range(12))
      await context.until(() => reader.handled.length === 12)
      await context.settle()
      expect(await committed(context)).toEqual({ 'orders 0': 10 })
      await context.advance(1_000)
      expect(await committed(context)).toEqual({ 'orders 0': 12 })
    }),
  )

  test(
    'an interval commits the rest although a rebalance has committed some of it',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const first = await read(context, context.tab(), { run: { autoCommitInterval: 30_000 } })
      for (const partition of range(2)) await produce(context, [1], { partition })
      await context.until(() => first.handled.length === 2)
      const second = await read(context, context.tab())
      await context.until(() => second.assignment.length === 1)
      await context.advance(31_000)
      expect(await committed(context)).toEqual({ 'orders 0': 1, 'orders 1': 1 })
    }),
  )

  test(
    'a batch counts by what is resolved, within it too',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(30), { inOneBatch: true })
      const before: unknown[] = []
      await read(context, context.tab(), {
        run: { autoCommitThreshold: 10 },
        onBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary }) => {
          for (const { offset } of batch.messages) {
            resolveOffset(offset)
            await commitOffsetsIfNecessary()
            if (offset === 12) before.push(await committed(context))
          }
        },
      })
      await context.until(() => before.length === 1)
      expect(before).toEqual([{ 'orders 0': 10 }])
      await context.settle()
      expect(await committed(context)).toEqual({ 'orders 0': 30 })
    }),
  )

  test(
    'commits made meanwhile do not pile up',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(50))
      const tab = context.tab()
      const replies = tab.hold('commitOffsets', 'reply')
      const reader = await read(context, tab)
      await context.until(() => reader.handled.length === 50)
      await context.advance(100)
      expect(replies.size).toBe(1)
      replies.release()
      await context.advance(100)
      expect(tab.requestsOf('commitOffsets')).toHaveLength(2)
      expect(await committed(context)).toEqual({ 'orders 0': 50 })
    }),
  )

  test(
    'a seek and the reset that follows are both committed, one behind the other',
    inContext(async (context) => {
      await context.topic('orders')
      const first = await read(context, context.tab(), { autoOffsetReset: 'latest' })
      await produce(context, range(6))
      await context.until(() => first.handled.length === 6)
      await context.done(first.consumer.disconnect())
      await context.admin.deleteTopicRecords({
        topic: 'orders',
        partitions: [{ partition: 0, offset: 4 }],
      })
      const tab = context.tab()
      const replies = tab.hold('commitOffsets', 'reply')
      const reader = new Reader(tab, { autoOffsetReset: 'latest' })
      await reader.subscribe()
      reader.consumer.seek({ ...ORDERS_0, offset: 0 })
      void reader.run()
      // What is committed, and where it goes when that is gone, are the same offset.
      await context.until(() => replies.size === 1)
      await context.advance(1_000)
      replies.release()
      await context.advance(1_000)
      const commits = tab.requestsOf('commitOffsets').flatMap(({ offsets }) => offsets)
      expect(commits.map(({ offset }) => offset)).toEqual([0, 6])
      expect(await committed(context)).toEqual({ 'orders 0': 6 })
    }),
  )

  test(
    'a seek back during a commit is committed after it',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab, { onBatch: () => {} })
      const replies = tab.hold('commitOffsets', 'reply')
      await produce(context, range(6), { inOneBatch: true })
      await context.until(() => replies.size === 1)
      reader.consumer.pause([{ topic: 'orders' }])
      reader.consumer.seek({ ...ORDERS_0, offset: 2 })
      replies.release()
      await context.advance(1_000)
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
    }),
  )

  test(
    'a seek is committed as the position it is',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(5))
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 5)
      reader.consumer.pause([{ topic: 'orders' }])
      reader.consumer.seek({ ...ORDERS_0, offset: 2 })
      await reader.consumer.stop()
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
    }),
  )
})

describe('by hand', () => {
  test(
    'with autoCommit off nothing is committed that is not asked for',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, range(4))
      const reader = await read(context, context.tab(), { run: { autoCommit: false } })
      await context.until(() => reader.handled.length === 4)
      await context.advance(10_000)
      expect(await committed(context)).toEqual({})
      await reader.consumer.commitOffsets([{ ...ORDERS_0, offset: 3, metadata: 'so far' }])
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
      const [topic] = await context.admin.fetchOffsets({ groupId: 'g' })
      expect(topic?.partitions[0]).toEqual({ partition: 0, offset: 3, metadata: 'so far' })
      expect(reader.eventsOf('commitOffsets')).toMatchObject([
        { groupId: 'g', offsets: [{ ...ORDERS_0, offset: 3 }] },
      ])
      await reader.consumer.stop()
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
    }),
  )

  test(
    'without offsets it commits everything that is handled',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, range(4))
      await produce(context, range(2), { partition: 1 })
      const reader = await read(context, context.tab(), { run: { autoCommit: false } })
      await context.until(() => reader.handled.length === 6)
      await reader.consumer.commitOffsets()
      expect(await committed(context)).toEqual({ 'orders 0': 4, 'orders 1': 2 })
      await reader.consumer.commitOffsets()
    }),
  )

  test(
    'in a handler, also while the consumer stops',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const gate = new Held()
      const reader = await read(context, context.tab(), {
        gate,
        run: { autoCommit: false },
        onMessage: async ({ topic, partition, message }, { consumer }) => {
          await consumer.commitOffsets([{ topic, partition, offset: message.offset + 1 }])
        },
      })
      await context.until(() => gate.size === 1)
      gate.releaseOne()
      await context.until(() => gate.size === 1)
      const stopped = reader.consumer.stop()
      await context.settle()
      gate.release()
      await stopped
      expect(reader.values).toEqual([0, 1])
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      expect(reader.eventsOf('crash')).toEqual([])
    }),
  )

  test(
    'in a batch, given offsets are committed at once',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(6), { inOneBatch: true })
      const seen: unknown[] = []
      await read(context, context.tab(), {
        run: { autoCommit: false },
        onBatch: async ({ resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets }) => {
          resolveOffset(3)
          seen.push(uncommittedOffsets())
          await commitOffsetsIfNecessary([{ ...ORDERS_0, offset: 2 }])
          seen.push(await committed(context), uncommittedOffsets())
        },
      })
      await context.until(() => seen.length === 3)
      expect(seen).toEqual([
        [{ ...ORDERS_0, offset: 4 }],
        { 'orders 0': 2 },
        [{ ...ORDERS_0, offset: 4 }],
      ])
    }),
  )

  test.each<[what: string, offsets: unknown, code: string]>([
    ['no list', 'orders', 'INVALID_CONFIG'],
    ['null', [null], 'INVALID_CONFIG'],
    ['a bad topic', [{ topic: 'a b', partition: 0, offset: 0 }], 'INVALID_TOPIC_EXCEPTION'],
    ['a bad offset', [{ ...ORDERS_0, offset: -1 }], 'INVALID_CONFIG'],
    ['metadata that is none', [{ ...ORDERS_0, offset: 0, metadata: 5 }], 'INVALID_CONFIG'],
    [
      'too much metadata',
      [{ ...ORDERS_0, offset: 0, metadata: 'x'.repeat(5_000) }],
      'OFFSET_METADATA_TOO_LARGE',
    ],
    ['an offset beyond the log', [{ ...ORDERS_0, offset: 5 }], 'OFFSET_OUT_OF_RANGE'],
    [
      'an unknown partition',
      [{ topic: 'orders', partition: 7, offset: 0 }],
      'UNKNOWN_TOPIC_OR_PARTITION',
    ],
    [
      'an unknown topic',
      [{ topic: 'nope', partition: 0, offset: 0 }],
      'UNKNOWN_TOPIC_OR_PARTITION',
    ],
  ])('refuses %s', async (_, offsets, code) =>
    inContext(async (context) => {
      await context.topic('orders')
      const { consumer } = await read(context, context.tab(), { run: { autoCommit: false } })
      expect(await codeOf(consumer.commitOffsets(offsets as never))).toBe(code)
      expect(await committed(context)).toEqual({})
    })(),
  )

  test(
    'is refused while the consumer does not run',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = new Reader(context.tab())
      await reader.subscribe()
      const commit = () => codeOf(reader.consumer.commitOffsets([{ ...ORDERS_0, offset: 0 }]))
      expect(await commit()).toBe('ILLEGAL_STATE')
      await reader.run()
      await reader.consumer.commitOffsets([{ ...ORDERS_0, offset: 0 }])
      await reader.consumer.stop()
      expect(await commit()).toBe('ILLEGAL_STATE')
    }),
  )
})

describe('at the end (rule 18)', () => {
  test(
    'stop waits for the handler, commits what it handled, leaves, and delivers nothing more',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4), { inOneBatch: true })
      const gate = new Held()
      const reader = await read(context, context.tab(), { gate })
      await context.until(() => gate.size === 1)
      gate.releaseOne()
      await context.until(() => gate.size === 1)
      let isStopped = false
      const stopped = reader.consumer.stop().then(() => (isStopped = true))
      await context.advance(5_000)
      expect(isStopped).toBe(false)
      gate.release()
      await stopped
      expect(reader.values).toEqual([0, 1])
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      const [group] = await context.admin.describeGroups(['g'])
      expect(group?.members).toEqual([])
      await produce(context, [4])
      await context.advance(10_000)
      expect(reader.started).toHaveLength(2)
      expect(reader.happened().at(-1)).toBe('stop')
      expect(reader.assignment).toEqual([])
    }),
  )

  test.each(['disconnect', 'close', 'await using'])('%s does the same', async (how) =>
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3), { inOneBatch: true })
      const tab = context.tab()
      const gate = new Held()
      const reader = await read(context, tab, { gate })
      await context.until(() => gate.size === 1)
      const { consumer } = reader
      const ended =
        how === 'disconnect'
          ? consumer.disconnect()
          : how === 'close'
            ? tab.mq.close()
            : consumer[Symbol.asyncDispose]()
      await context.settle()
      gate.release()
      await ended
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
      expect(reader.values).toEqual([0])
      expect(await codeOf(reader.run())).toBe('CLIENT_CLOSED')
      expect(await codeOf(reader.subscribe())).toBe('CLIENT_CLOSED')
      await consumer.disconnect()
      await consumer.stop()
    })(),
  )

  test(
    'a disconnect that is not awaited is waited for by close',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const tab = context.tab()
      const gate = new Held()
      const reader = await read(context, tab, { gate })
      await context.until(() => gate.size === 1)
      void reader.consumer.disconnect()
      const closed = tab.mq.close()
      await context.settle()
      gate.release()
      await closed
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
      expect(reader.eventsOf('crash')).toEqual([])
    }),
  )

  test(
    'two stops are one',
    inContext(async (context) => {
      await context.topic('orders')
      const gate = new Held()
      const reader = await read(context, context.tab(), { gate })
      await produce(context, [0])
      await context.until(() => gate.size === 1)
      const stops = [reader.consumer.stop(), reader.consumer.stop()]
      await context.settle()
      gate.release()
      await Promise.all(stops)
      await reader.consumer.stop()
      expect(reader.happened(['stop'])).toEqual(['stop'])
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
    }),
  )

  test(
    'run starts again after stop, where it was, also when stop is not awaited',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 3)
      await reader.consumer.stop()
      await produce(context, [3])
      await reader.run()
      await context.until(() => reader.handled.length === 4)
      const gate = reader.hold()
      await produce(context, [4])
      await context.until(() => gate.size === 1)
      void reader.consumer.stop()
      const running = reader.run()
      await context.settle()
      gate.release()
      await running
      await produce(context, [5])
      await context.advance(100)
      expect(reader.values).toEqual(range(6))
      expect(reader.mostAtOncePerPartition).toBe(1)
    }),
  )

  test(
    'a revocation commits what was handled, whatever the interval (rule 9)',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, range(3), { partition })
      const options = { run: { autoCommitInterval: 600_000 } }
      const first = await read(context, context.tab(), options)
      await context.until(() => first.handled.length === 6)
      expect(await committed(context)).toEqual({})
      const second = await read(context, context.tab(), options)
      await context.until(() => second.assignment.length === 1)
      await context.advance(1_000)
      expect(second.handled).toEqual([])
      const [moved = ''] = second.assignment
      expect(await committed(context)).toEqual({ [moved]: 3 })
    }),
  )

  test(
    'nothing is assigned any more while it stops',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, [0])
      await produce(context, [1], { partition: 1 })
      const stopping = await read(context, context.tab())
      const other = await read(context, context.tab())
      await context.until(() => other.assignment.length === 1)
      const gate = stopping.hold()
      const [own = ''] = stopping.assignment
      await produce(context, [2], { partition: Number(own.at(-1)) })
      await context.until(() => gate.size === 1)
      const before = stopping.eventsOf('partitionsAssigned').length
      const stopped = stopping.consumer.stop()
      await other.consumer.disconnect()
      await context.advance(1_000)
      gate.release()
      await context.done(stopped)
      expect(stopping.eventsOf('partitionsAssigned')).toHaveLength(before)
      expect(stopping.happened().at(-1)).toBe('stop')
      expect(stopping.assignment).toEqual([])
    }),
  )

  test(
    'a revocation while stopping commits what its handler handled',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, [partition], { partition })
      const gate = new Held()
      const reader = await read(context, context.tab(), {
        gate,
        run: { partitionsConsumedConcurrently: 2 },
      })
      await context.until(() => gate.size === 2)
      const stopped = reader.consumer.stop()
      await context.settle()
      const other = await read(context, context.tab())
      await context.advance(5_000)
      expect(other.handled).toEqual([])
      gate.release()
      await stopped
      await context.until(() => other.assignment.length === 2)
      await context.advance(1_000)
      expect(other.handled).toEqual([])
      expect(await committed(context)).toEqual({ 'orders 0': 1, 'orders 1': 1 })
    }),
  )

  test(
    'a stop while the consumer joins leaves no member behind',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = new Reader(tab)
      await reader.subscribe()
      const heartbeats = tab.hold('groupHeartbeat', 'reply')
      const running = reader.run()
      await context.settle()
      expect(heartbeats.size).toBe(1)
      await context.done(reader.consumer.stop(), { withinMs: 1_000 })
      await context.done(running, { withinMs: 1_000 })
      heartbeats.release()
      await context.advance(100)
      const [group] = await context.admin.describeGroups(['g'])
      expect(group?.members).toEqual([])
      expect(reader.happened(['partitionsAssigned'])).toEqual([])
      await reader.run()
      expect(reader.assignment).toEqual(['orders 0'])
    }),
  )

  test.each(['stop', 'disconnect'] as const)('a %s in the same turn as run wins', async (how) =>
    inContext(async (context) => {
      await context.topic('orders')
      const reader = new Reader(context.tab())
      await reader.subscribe()
      const running = reader.run()
      await context.done(reader.consumer[how]())
      await context.done(running)
      await context.advance(1_000)
      expect(reader.assignment).toEqual([])
      const [group] = await context.admin.describeGroups(['g']).catch(() => [undefined])
      expect(group?.members ?? []).toEqual([])
    })(),
  )

  test(
    'a stop while it joins again after the broker’s death leaves no member behind',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      const heartbeats = tab.hold('groupHeartbeat', 'reply')
      context.kill()
      await context.until(() => heartbeats.size > 0)
      await context.done(reader.consumer.stop(), { withinMs: 1_000 })
      heartbeats.release()
      await context.advance(100)
      const [group] = await context.admin.describeGroups(['g'])
      expect(group?.members).toEqual([])
    }),
  )

  test(
    'the last commit of a page that goes away is posted',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const tab = context.tab()
      const reader = await read(context, tab, { run: { autoCommitInterval: 60_000 } })
      await context.until(() => reader.handled.length === 3)
      expect(await committed(context)).toEqual({})
      tab.hide({ mayReturn: false })
      await context.settle()
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
    }),
  )
})

describe('a commit that fails', () => {
  test(
    'because the epoch has just changed is made again under the new one',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await context.topic('more')
      const tab = context.tab()
      const reader = await read(context, tab, { topics: ['orders'], run: { autoCommit: false } })
      await produce(context, range(2))
      await context.until(() => reader.handled.length === 2)
      const heartbeats = tab.hold('groupHeartbeat', 'reply')
      // The broker has a new epoch for this member; its answer is still on its way.
      await reader.consumer.subscribe({ topics: ['more'] })
      await context.settle()
      const commit = reader.consumer.commitOffsets([{ ...ORDERS_0, offset: 2 }])
      await context.settle()
      expect(await committed(context)).toEqual({})
      heartbeats.release()
      await context.done(commit, { withinMs: 1_000 })
      expect(await committed(context)).toMatchObject({ 'orders 0': 2 })
      expect(tab.requestsOf('commitOffsets').map(({ member }) => member?.memberEpoch)).toEqual([
        1, 2,
      ])
    }),
  )

  test(
    'for a reason that passes is made again although nothing more is handled',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      const commits = tab.hold('commitOffsets', 'request')
      await produce(context, [0])
      await context.until(() => reader.handled.length === 1)
      await context.advance(30_000)
      commits.drop()
      expect(reader.eventsOf('crash')).toMatchObject([
        { error: { code: 'REQUEST_TIMED_OUT' }, willRetry: true },
      ])
      await context.advance(5_000)
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
    }),
  )

  test(
    'with the broker is made with the next one although nothing more is handled',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      await context.settle()
      const commits = tab.hold('commitOffsets', 'request')
      await produce(context, range(3))
      await context.until(() => reader.handled.length === 3)
      context.kill()
      commits.drop()
      await context.advance(5_000)
      expect(reader.values).toEqual(range(3))
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
    }),
  )

  test(
    'because the disk failed is made again, and nothing is delivered twice',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab())
      await context.settle()
      const commits = context.holdCommits()
      const producing = produce(context, range(3), { inOneBatch: true })
      await context.until(() => commits.size === 1)
      commits.releaseOne()
      await context.until(() => reader.handled.length === 3)
      context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'the disk says no'))
      commits.release()
      await producing
      await context.advance(5_000)
      expect(reader.values).toEqual(range(3))
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
    }),
  )

  test(
    'by hand rejects, and says why',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const tab = context.tab()
      const reader = await read(context, tab, { run: { autoCommit: false } })
      await context.until(() => reader.handled.length === 1)
      tab.hold('commitOffsets', 'request')
      const commit = errorOf(reader.consumer.commitOffsets())
      await context.advance(30_000)
      expect(await commit).toMatchObject({ code: 'REQUEST_TIMED_OUT', retriable: true })
      expect(reader.eventsOf('crash')).toEqual([])
    }),
  )
})
