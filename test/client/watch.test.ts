/** `admin.watch()`: the newest state of the cluster, for as long as somebody looks. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { ClusterState } from '../../src/protocol/requests/cluster.js'
import { codeOf, errorOf, inContext, type ClientContext, type Tab } from './client-context.js'
import { produce, range, read } from './reader.js'

function topicsIn({ topics }: ClusterState): string[] {
  return topics.map(({ topic }) => topic)
}

/** Writes down every state that a loop of the tab sees. */
function watch(tab: Tab, options: { intervalMs?: number; signal?: AbortSignal } = {}) {
  const states: ClusterState[] = []
  const ended = (async () => {
    for await (const state of tab.mq.admin().watch(options)) states.push(state)
  })()
  return { states, ended }
}

async function logEndOf(context: ClientContext): Promise<number> {
  const [partition] = await context.admin.fetchTopicOffsets('orders')
  return partition?.high ?? 0
}

describe('a watch', () => {
  test(
    'begins with the state as it is, and shows topics, groups, lag and sessions',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, range(3))
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 3)
      await context.advance(100)
      const loop = context.admin.watch()
      const { value: state } = await loop.next()
      expect(state).toMatchObject({
        brokerEpoch: 1,
        atMs: context.clock.nowMs,
        topics: [
          {
            topic: 'orders',
            config: { retentionBytes: null },
            partitions: [
              { partition: 0, logStartOffset: 0, logEndOffset: 3, highWatermark: 3 },
              { partition: 1, logEndOffset: 0, sizeBytes: 0 },
            ],
          },
        ],
        groups: [{ groupId: 'g', state: 'stable', members: [{}], offsets: [{ lag: 0 }, {}] }],
      })
      const { sessions = [] } = state ?? {}
      expect(sessions.map(({ clientId }) => clientId)).toContain('producer')
      await loop.return()
    }),
  )

  test(
    'shows every change at last, no oftener than its interval',
    inContext(async (context) => {
      await context.topic('orders')
      const { states } = watch(context.tab(), { intervalMs: 500 })
      await context.settle()
      expect(states).toHaveLength(1)
      for (const value of range(40)) {
        await produce(context, [value])
        await context.advance(50)
      }
      expect(states.length).toBeGreaterThanOrEqual(4)
      expect(states.length).toBeLessThanOrEqual(6)
      await context.advance(500)
      expect(states.at(-1)?.topics[0]?.partitions[0]?.logEndOffset).toBe(40)
      const count = states.length
      await context.advance(60_000)
      expect(states.length).toBe(count)
    }),
  )

  test(
    'a slow loop skips states and never sees an old one after a newer',
    inContext(async (context) => {
      await context.topic('orders')
      const loop = context.tab().mq.admin().watch()
      await loop.next()
      for (const value of range(10)) {
        await produce(context, [value])
        await context.advance(200)
      }
      const { value: state } = await loop.next()
      expect(state?.topics[0]?.partitions[0]?.logEndOffset).toBe(10)
      const next = loop.next()
      await produce(context, [10])
      await context.advance(200)
      expect((await next).value?.topics[0]?.partitions[0]?.logEndOffset).toBe(11)
      await loop.return()
    }),
  )

  test(
    'an answer that was slower than a push does not bring back an old state',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const replies = tab.hold('watch', 'reply')
      const { states } = watch(tab)
      await context.settle()
      await context.topic('refunds')
      await context.advance(1_000)
      replies.release()
      await context.advance(1_000)
      expect(states.length).toBeGreaterThan(0)
      const sizes = states.map((state) => topicsIn(state).length)
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
      expect(sizes.at(-1)).toBe(2)
    }),
  )

  test(
    'goes on over a change of brokers, without anybody asking',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const { states } = watch(tab)
      await context.settle()
      const incarnations = new Set<string>()
      for (const life of range(4)) {
        context.kill()
        await context.advance(1_000)
        await produce(context, [life])
        await context.advance(1_000)
        const newest = states.at(-1)
        expect(newest?.topics[0]?.partitions[0]?.logEndOffset).toBe(await logEndOf(context))
        incarnations.add(newest?.incarnation ?? '')
      }
      expect(incarnations.size).toBe(4)
    }),
  )

  test(
    'goes on when the next broker dies as well, and none is to be had for long',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const { states, ended } = watch(tab)
      let isOver = false
      void ended.finally(() => (isOver = true))
      await context.settle()
      const replies = tab.hold('watch', 'reply')
      context.kill()
      await context.until(() => replies.size === 1)
      context.forbidBroker()
      context.kill()
      replies.drop()
      await context.advance(120_000)
      expect(isOver).toBe(false)
      context.allowBroker()
      await produce(context, range(3))
      await context.advance(3_000)
      expect(states.at(-1)?.topics[0]?.partitions[0]?.logEndOffset).toBe(3)
      // The first, the one whose answer was lost, and one when there was a broker again.
      expect(tab.requestsOf('watch')).toHaveLength(3)
    }),
  )

  test(
    'goes on when the next broker does not answer, trying again ever more seldom',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const { states } = watch(tab)
      await context.settle()
      const requests = tab.hold('watch', 'request')
      context.kill()
      await context.until(() => requests.size === 1)
      await context.advance(120_000)
      expect(requests.size).toBe(4)
      requests.drop()
      await context.advance(35_000)
      await context.topic('refunds')
      await context.advance(1_000)
      expect(topicsIn(states.at(-1) ?? ({ topics: [] } as never))).toContain('refunds')
    }),
  )

  test(
    'goes on after the back/forward cache',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const { states } = watch(tab)
      await context.settle()
      tab.hide({ mayReturn: true })
      await produce(context, range(3))
      await context.advance(10_000)
      tab.comeBack()
      await context.advance(1_000)
      expect(states.at(-1)?.topics[0]?.partitions[0]?.logEndOffset).toBe(3)
    }),
  )

  test(
    'of a frozen tab piles up nothing, and goes on when it thaws',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const { states } = watch(tab)
      await context.settle()
      tab.freeze()
      for (const value of range(20)) {
        await produce(context, [value])
        await context.advance(200)
      }
      const before = states.length
      tab.thaw()
      await context.advance(1_000)
      expect(states.length - before).toBeLessThanOrEqual(2)
      expect(states.at(-1)?.topics[0]?.partitions[0]?.logEndOffset).toBe(20)
    }),
  )

  test(
    'two of one tab do not disturb each other',
    inContext(async (context) => {
      const tab = context.tab()
      const abort = new AbortController()
      const first = watch(tab, { signal: abort.signal })
      const second = watch(tab)
      await context.settle()
      abort.abort()
      await first.ended
      await context.topic('orders')
      await context.advance(1_000)
      expect(topicsIn(second.states.at(-1) ?? ({ topics: [] } as never))).toEqual(['orders'])
      expect(first.states).toHaveLength(1)
    }),
  )
})

describe('its end', () => {
  test(
    'leaving the loop ends it at the broker as well',
    inContext(async (context) => {
      const tab = context.tab()
      for await (const _ of tab.mq.admin().watch()) break
      await context.settle()
      expect(tab.requestsOf('unwatch')).toHaveLength(1)
      for (const _ of range(50)) for await (const __ of tab.mq.admin().watch()) break
      await context.settle()
      expect(tab.requestsOf('unwatch')).toHaveLength(51)
    }),
  )

  test(
    'while it waits to try again leaves no timer',
    inContext(async (context) => {
      const tab = context.tab()
      const abort = new AbortController()
      const { ended } = watch(tab, { signal: abort.signal })
      await context.settle()
      const requests = tab.hold('watch', 'request')
      context.kill()
      await context.until(() => requests.size === 1)
      const timersBefore = context.clock.pending
      await context.advance(30_000)
      abort.abort()
      await ended
      await context.settle()
      // That of the call that was given up is gone as well.
      expect(context.clock.pending).toBe(timersBefore - 1)
    }),
  )

  test.each(['before it begins', 'while it begins', 'while it waits'])(
    'an abort %s ends the loop, without an error',
    async (moment) =>
      inContext(async (context) => {
        const tab = context.tab()
        const abort = new AbortController()
        const { signal } = abort
        if (moment === 'before it begins') abort.abort()
        const replies = tab.hold('watch', 'reply')
        if (moment === 'while it waits') replies.release()
        const { states, ended } = watch(tab, { signal })
        await context.settle()
        abort.abort()
        await context.done(ended, { withinMs: 1_000 })
        expect(states).toHaveLength(moment === 'while it waits' ? 1 : 0)
        expect(getEventListeners(signal, 'abort')).toHaveLength(0)
      })(),
  )

  test.each(['while it waits', 'while there is no broker', 'while it begins'])(
    'a close %s ends the loop',
    async (moment) =>
      inContext(async (context) => {
        const tab = context.tab()
        if (moment === 'while it begins') tab.hold('watch', 'reply')
        const { ended } = watch(tab)
        const outcome = ended.then(
          () => 'ended',
          (error: unknown) => error,
        )
        await context.settle()
        if (moment === 'while there is no broker') {
          context.forbidBroker()
          context.kill()
          await context.advance(1_000)
        }
        await tab.mq.close()
        expect(await context.done(outcome, { withinMs: 1_000 })).toBe('ended')
        expect(await codeOf(tab.mq.admin().watch().next())).toBe('CLIENT_CLOSED')
      })(),
  )

  test(
    'bad options and too many watches are refused',
    inContext(
      async (context) => {
        const admin = context.tab().mq.admin()
        for (const options of [{ intervalMs: 1 }, { intervalMs: '5' }, { interval: 100 }, null]) {
          expect(await codeOf(admin.watch(options as never).next())).toBe('INVALID_CONFIG')
        }
        const first = admin.watch()
        await first.next()
        expect(await errorOf(admin.watch().next())).toMatchObject({
          code: 'THROTTLING_QUOTA_EXCEEDED',
        })
        await first.return()
        const second = admin.watch()
        await second.next()
        await second.return()
      },
      { limits: { sessionWatchesMax: 1 } },
    ),
  )
})
