/** State that is one with progress: what a handler changes counts once, whatever dies. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TabmqError } from '../../src/protocol/errors.js'
import { ClientContext, codeOf, Held, inContext, type Tab } from './client-context.js'
import { committed, produce, range, read, type ReaderOptions } from './reader.js'
import { work, Worker, type WorkerOptions } from './share-worker.js'

const run = { transactionalStore: 'counts' }

/** Counts how often each value was handled, by what is in the store. */
function counting(tab: Tab): Pick<ReaderOptions, 'onMessage' | 'run'> {
  const store = tab.mq.store('counts')
  return {
    run,
    onMessage: async ({ message }) => {
      const key = String(message.value)
      const count = Number((await store.get(key)) ?? 0)
      return { puts: { [key]: count + 1 } }
    },
  }
}

async function counts(context: ClientContext): Promise<Record<string, unknown>> {
  const { mq } = context.producerTab
  return Object.fromEntries(await context.done(mq.store('counts').entries()))
}

describe('a consumer with a transactional store', () => {
  test(
    'commits changes and offset in one request, before the next message of the partition',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a', 'b', 'a'], { inOneBatch: true })
      const tab = context.tab()
      const reader = await read(context, tab, counting(tab))
      await context.until(() => reader.handled.length === 3)
      await context.settle()
      expect(await counts(context)).toEqual({ a: 2, b: 1 })
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
      const commits = tab.requestsOf('commitOffsets')
      expect(commits.map(({ offsets, store }) => [offsets[0]?.offset, store?.puts.length])).toEqual(
        [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      )
      expect(commits.every(({ mayLinger }) => mayLinger !== true)).toBe(true)
    }),
  )

  test(
    'takes maps, pairs and deletions, commits what changes nothing, and goes on after what is wrong',
    inContext(async (context) => {
      await context.topic('orders')
      const returned: unknown[] = [
        { puts: new Map([['a', 1]]) },
        { puts: [['b', 1]], deletes: ['a'] },
        undefined,
        {},
        { puts: { c: 1 }, deletes: [] },
      ]
      await produce(context, range(5))
      const wrong: unknown[] = [
        7,
        { put: {} },
        { puts: [['a']] },
        { puts: { '': 1 } },
        { puts: { a: undefined } },
        { deletes: 'a' },
        { puts: { a: 1 }, deletes: ['a'] },
        { puts: { a: () => {} } },
      ]
      const reader = await read(context, context.tab(), {
        run,
        onMessage: ({ message }) =>
          message.offset === 2 && wrong.length > 0 ? wrong.shift() : returned[message.offset],
      })
      await context.until(() => reader.handled.length === 5 + 8)
      await context.settle()
      expect(await counts(context)).toEqual({ b: 1, c: 1 })
      expect(await committed(context)).toEqual({ 'orders 0': 5 })
      const codes = reader.eventsOf('crash').map(({ error, willRetry, offset }) => {
        expect([willRetry, offset]).toEqual([true, 2])
        return (error as TabmqError).code
      })
      expect(new Set(codes)).toEqual(new Set(['INVALID_CONFIG', 'SERIALIZATION_FAILED']))
      expect(codes).toHaveLength(8)
    }),
  )

  test(
    'is no such thing with other ways to commit',
    inContext(async (context) => {
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      await consumer.subscribe({ topics: ['orders'] })
      const eachMessage = () => {}
      for (const options of [
        { eachMessage, autoCommit: false },
        { eachMessage, autoCommitInterval: 5 },
        { eachMessage, autoCommitThreshold: 5 },
        { eachBatch: eachMessage },
      ]) {
        expect(await codeOf(consumer.run({ ...run, ...options }))).toBe('INVALID_CONFIG')
      }
      const empty = consumer.run({ eachMessage, transactionalStore: '' })
      expect(await codeOf(empty)).toBe('INVALID_CONFIG')
    }),
  )

  test.each(['request', 'reply'] as const)(
    'counts once what was under way when the broker died with the %s',
    (stage) =>
      inContext(async (context) => {
        await context.topic('orders')
        await produce(context, ['a', 'a', 'a'])
        const tab = context.tab()
        const held = tab.hold('commitOffsets', stage)
        const reader = await read(context, tab, counting(tab))
        await context.until(() => held.size === 1)
        context.kill()
        held.drop()
        await context.until(async () => (await committed(context))['orders 0'] === 3)
        expect(await counts(context)).toEqual({ a: 3 })
        expect(reader.handled).toHaveLength(stage === 'request' ? 4 : 3)
      })(),
  )

  test(
    'counts once what it was not told the fate of in time',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a', 'b'])
      const tab = context.tab()
      const held = tab.hold('commitOffsets', 'reply')
      const reader = await read(context, tab, counting(tab))
      await context.until(() => held.size === 1)
      // The answer is never heard, and the message is handled again.
      await context.until(() => reader.eventsOf('crash').length === 1)
      held.drop()
      await context.until(async () => (await committed(context))['orders 0'] === 2)
      await context.settle()
      expect(await counts(context)).toEqual({ a: 1, b: 1 })
      const [crash] = reader.eventsOf('crash')
      expect(crash).toMatchObject({ error: { code: 'REQUEST_TIMED_OUT' } })
    }),
  )

  test(
    'changes nothing once its partition is another’s, who counts instead',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a', 'b'])
      const tab = context.tab()
      const first = await read(context, tab, { ...counting(tab), sessionTimeoutMs: 5_000 })
      await context.until(() => first.handled.length === 2)
      const gate = first.hold()
      await produce(context, ['c'])
      await context.until(() => gate.size === 1)
      tab.freeze()
      const other = context.tab()
      const second = await read(context, other, counting(other))
      await context.until(() => second.handled.length === 1)
      gate.release()
      tab.thaw()
      await context.until(() => first.handled.length === 3)
      await context.advance(10_000)
      expect(await counts(context)).toEqual({ a: 1, b: 1, c: 1 })
      expect(first.eventsOf('crash')).toEqual([])
    }),
  )

  test(
    'handles again from where it was sought to, on what it has counted',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a', 'b', 'c'])
      const tab = context.tab()
      const reader = await read(context, tab, counting(tab))
      await context.until(() => reader.handled.length === 3)
      await context.settle()
      reader.consumer.seek({ topic: 'orders', partition: 0, offset: 1 })
      await context.until(() => reader.handled.length === 5)
      await context.settle()
      expect(await counts(context)).toEqual({ a: 1, b: 2, c: 2 })
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
    }),
  )

  test(
    'handles again from there though what was being handled then is committed later',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a', 'b', 'c'])
      const tab = context.tab()
      const reader = await read(context, tab, counting(tab))
      await context.until(() => reader.handled.length === 3)
      const gate = reader.hold()
      await produce(context, ['d'])
      await context.until(() => gate.size === 1)
      reader.consumer.seek({ topic: 'orders', partition: 0, offset: 1 })
      await context.done(reader.consumer.commitOffsets())
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
      gate.release()
      await context.until(() => reader.handled.length === 7)
      await context.settle()
      expect(await counts(context)).toEqual({ a: 1, b: 2, c: 2, d: 2 })
      expect(await committed(context)).toEqual({ 'orders 0': 4 })
    }),
  )

  test(
    'commits what several partitions have changed together, one at a time',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const tab = context.tab()
      for (const partition of range(3)) await produce(context, range(4), { partition })
      const gate = new Held()
      const reader = await read(context, tab, {
        gate,
        run: { ...run, partitionsConsumedConcurrently: 3 },
        onMessage: ({ partition, message }) => ({
          puts: { [`${partition}`]: message.value, [`${partition}-${message.offset}`]: 1 },
        }),
      })
      await context.until(() => gate.size === 3)
      const held = context.holdCommits()
      gate.release()
      await context.until(() => reader.handled.length === 3)
      held.release()
      await context.until(() => reader.handled.length === 12)
      await context.settle()
      const requests = tab.requestsOf('commitOffsets')
      expect(requests.length).toBeLessThan(12)
      expect(Math.max(...requests.map(({ offsets }) => offsets.length))).toBeGreaterThan(1)
      const all = await counts(context)
      for (const partition of range(3)) expect(all[partition]).toBe(3)
      expect(Object.keys(all)).toHaveLength(3 + 12)
    }),
  )

  test(
    'on a full disk handles the message again, after a while',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a'])
      const tab = context.tab()
      const gate = new Held()
      const reader = await read(context, tab, { ...counting(tab), gate })
      await context.until(() => gate.size === 1)
      context.commitErrors.push(new TabmqError('STORAGE_FULL', 'the disk is full'))
      const sinceMs = context.clock.nowMs
      gate.release()
      await context.until(() => reader.handled.length === 2)
      await context.settle()
      expect(context.clock.nowMs - sinceMs).toBeGreaterThan(100)
      expect(await counts(context)).toEqual({ a: 1 })
      const [crash] = reader.eventsOf('crash')
      expect(crash).toMatchObject({ willRetry: true, error: { code: 'STORAGE_FULL' } })
      expect(reader.eventsOf('partitionsLost')).toEqual([])
    }),
  )
})

describe('a share consumer with a transactional store', () => {
  const sharing = (tab: Tab): WorkerOptions => {
    const { onMessage } = counting(tab)
    return {
      transactionalStore: 'counts',
      onMessage: (delivery) => onMessage?.(delivery as never, undefined as never),
    }
  }

  test(
    'accepts and changes in one request, before its next message',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const worker = await work(context, tab, sharing(tab))
      await produce(context, ['a', 'a', 'a', 'b'], { inOneBatch: true })
      await context.until(() => worker.handled.length === 4)
      await context.settle()
      expect(await counts(context)).toEqual({ a: 3, b: 1 })
      const said = tab.requestsOf('shareAcknowledge').flatMap((one) => one.acknowledgements)
      expect(said.map(({ type, store }) => [type, store?.puts.length])).toEqual(
        range(4).map(() => ['accept', 1]),
      )
    }),
  )

  test(
    'does not fail a message that it had accepted when its page went into the cache',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const acknowledging = tab.hold('shareAcknowledge', 'request')
      const worker = await work(context, tab, { ...sharing(tab), concurrency: 2 })
      await produce(context, ['a'])
      await context.until(() => acknowledging.size === 1)
      // This one is behind it.
      await produce(context, ['b'])
      await context.until(() => worker.handled.length === 2)
      await context.settle()
      tab.hide({ mayReturn: true })
      await context.settle()
      expect(worker.eventsOf('crash')).toEqual([])
      expect(worker.eventsOf('lockLost').map(({ offset }) => offset)).toContain(1)
      acknowledging.release()
      await context.settle()
      const said = tab.requestsOf('shareAcknowledge').flatMap((one) => one.acknowledgements)
      expect(said.map(({ type }) => type)).not.toContain('release')
    }),
  )

  test(
    'changes by what it says, if it says when a message is accepted',
    inContext(async (context) => {
      await context.topic('orders')
      const codes: string[] = []
      await work(context, context.tab(), {
        transactionalStore: 'counts',
        acknowledgement: 'explicit',
        onMessage: async ({ acknowledge, message }) => {
          const store = { puts: { [String(message.value)]: 1 } }
          codes.push(await codeOf(acknowledge('release', { store })))
          codes.push(await codeOf(acknowledge('accept', { store: { puts: 7 } as never })))
          await acknowledge('accept', { store })
          return { puts: { never: 1 } }
        },
      })
      await produce(context, ['a'])
      await context.until(async () => Object.keys(await counts(context)).length > 0)
      await context.settle()
      expect(await counts(context)).toEqual({ a: 1 })
      expect(codes).toEqual(['INVALID_CONFIG', 'INVALID_CONFIG'])
      const tab = context.tab()
      const late = new Worker(tab, { transactionalStore: 's', acknowledgement: 'onDelivery' })
      await late.consumer.subscribe({ topics: ['orders'] })
      expect(await codeOf(late.run())).toBe('INVALID_CONFIG')
    }),
  )

  test(
    'changes nothing of a message whose lock it has lost',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a'])
      const tab = context.tab()
      const slow = await work(context, tab, { ...sharing(tab), lockDurationMs: 1_000 })
      await context.until(() => slow.handled.length === 1)
      const held = tab.hold('storeRead', 'reply')
      await produce(context, ['b'])
      await context.until(() => held.size === 1)
      const other = context.tab()
      const next = await work(context, other, { ...sharing(other), lockDurationMs: 1_000 })
      await context.until(() => next.handled.length === 1)
      held.release()
      await context.until(() => slow.handled.length === 2)
      await context.advance(2_000)
      expect(await counts(context)).toEqual({ a: 1, b: 1 })
    }),
  )

  test(
    'on a full disk releases the message, and counts it later',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['a'])
      const tab = context.tab()
      const held = tab.hold('shareAcknowledge', 'request')
      const worker = await work(context, tab, sharing(tab))
      await context.until(() => held.size === 1)
      context.commitErrors.push(new TabmqError('STORAGE_FULL', 'the disk is full'))
      held.release()
      await context.until(() => worker.handled.length === 2)
      await context.settle()
      expect(await counts(context)).toEqual({ a: 1 })
      const [crash] = worker.eventsOf('crash')
      expect(crash).toMatchObject({ willRetry: true, error: { code: 'STORAGE_FULL' } })
      expect(worker.started.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2])
    }),
  )
})

type Step =
  | { readonly do: 'send'; readonly keys: readonly number[] }
  | {
      readonly do: 'kill'
      readonly held: 'request' | 'reply' | 'commit' | 'none'
      /** So many of what is held get through before. */
      readonly passing: number
    }
  | { readonly do: 'fail the disk'; readonly code: 'STORAGE_ERROR' | 'STORAGE_FULL' }
  | { readonly do: 'crash' | 'freeze' | 'thaw' | 'join' | 'stop'; readonly tab: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'settle' }

const TABS = 3
const KEYS = 5
const tabStep = fc.record({
  do: fc.constantFrom('crash' as const, 'freeze', 'thaw', 'join', 'join', 'stop'),
  tab: fc.nat(TABS - 1),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      keys: fc.array(fc.nat(KEYS - 1), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      held: fc.constantFrom('request' as const, 'reply', 'commit', 'commit', 'none'),
      passing: fc.nat(2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fail the disk' as const),
      code: fc.constantFrom('STORAGE_ERROR' as const, 'STORAGE_FULL'),
    }),
  },
  { weight: 4, arbitrary: tabStep },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(8_000) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'settle' as const }) },
)

describe('a counter of each key', () => {
  /** A member in a tab; what becomes of its run is nobody's business here. */
  type Join = (tab: Tab) => { stop(): Promise<void> }

  function consumers(tab: Tab): { stop(): Promise<void> } {
    const consumer = tab.mq.consumer({ groupId: 'g', sessionTimeoutMs: 3_000 })
    const store = tab.mq.store('counts')
    consumer.on('crash', () => {})
    const started = consumer.subscribe({ topics: ['orders'], fromBeginning: true }).then(() =>
      consumer.run({
        ...run,
        partitionsConsumedConcurrently: 2,
        eachMessage: async ({ message: { key } }) => {
          const count = Number((await store.get(String(key))) ?? 0)
          return { puts: { [String(key)]: count + 1 } }
        },
      }),
    )
    started.catch(() => {})
    return consumer
  }

  function sharers(tab: Tab): { stop(): Promise<void> } {
    const options = {
      groupId: 'q',
      orderingKey: true,
      lockDurationMs: 2_000,
      deliveryCountLimit: 1_000,
      retry: { initialDelayMs: 10, maxDelayMs: 100 },
    }
    const consumer = tab.mq.shareConsumer(options)
    const store = tab.mq.store('counts')
    consumer.on('crash', () => {})
    const started = consumer.subscribe({ topics: ['orders'] }).then(() =>
      consumer.run({
        transactionalStore: 'counts',
        concurrency: 3,
        eachMessage: async ({ message: { key } }) => {
          const count = Number((await store.get(String(key))) ?? 0)
          return { puts: { [String(key)]: count + 1 } }
        },
      }),
    )
    started.catch(() => {})
    return consumer
  }

  async function runSteps(seed: number, steps: readonly Step[], join: Join): Promise<void> {
    const context = new ClientContext({ seed })
    await context.topic('orders', 2)
    const members: ({ tab: Tab; member: { stop(): Promise<void> } } | undefined)[] = []
    const joinAt = (index: number) => {
      if (members[index] !== undefined) return
      const tab = context.tab()
      members[index] = { tab, member: join(tab) }
    }
    joinAt(0)
    const sent = new Map<string, number>()
    const producer = context.producerTab.mq.producer()
    const sends: Promise<unknown>[] = []
    for (const one of steps) {
      switch (one.do) {
        case 'send':
          for (const key of one.keys.map(String)) {
            const counted = () => sent.set(key, (sent.get(key) ?? 0) + 1)
            const messages = [{ key, value: null }]
            sends.push(producer.send({ topic: 'orders', messages }).then(counted, () => {}))
          }
          break
        case 'kill': {
          const tabs = members.flatMap((each) => (each === undefined ? [] : [each.tab]))
          const { held: where } = one
          const apis = ['commitOffsets', 'shareAcknowledge'] as const
          const held =
            where === 'none'
              ? []
              : where === 'commit'
                ? [context.holdCommits()]
                : tabs.flatMap((tab) => apis.map((api) => tab.hold(api, where)))
          await context.advance(50)
          for (let left = one.passing; left > 0; left--) {
            for (const each of held) each.releaseOne()
            await context.advance(20)
          }
          context.kill()
          for (const each of held) each.drop()
          break
        }
        case 'fail the disk':
          context.commitErrors.push(new TabmqError(one.code, 'drawn'))
          break
        case 'join':
          joinAt(one.tab)
          break
        case 'crash':
          members[one.tab]?.tab.crash()
          members[one.tab] = undefined
          break
        case 'stop':
          members[one.tab]?.tab.thaw()
          members[one.tab]?.member.stop().catch(() => {})
          members[one.tab] = undefined
          break
        case 'freeze':
          members[one.tab]?.tab.freeze()
          break
        case 'thaw':
          members[one.tab]?.tab.thaw()
          break
        case 'wait':
          await context.advance(one.ms)
          break
        default:
          await context.settle()
      }
    }
    for (const each of members) each?.tab.thaw()
    context.commitErrors.length = 0
    await context.advance(10_000)
    joinAt(TABS)
    await context.done(Promise.all(sends))
    const expected = Object.fromEntries(sent)
    const total = [...sent.values()].reduce((sum, count) => sum + count, 0)
    const counted = async () =>
      Object.values(await counts(context)).reduce((sum: number, count) => sum + Number(count), 0)
    await context.until(async () => (await counted()) >= total, { withinMs: 600_000 })
    await context.advance(30_000)
    expect(await counts(context)).toEqual(expected)
    for (const tab of context.tabs) tab.takeErrors()
    await context.check()
  }

  const property = (join: Join, numRuns: number) =>
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 5, maxLength: 30 }), (seed, steps) =>
        runSteps(seed, steps, join),
      ),
      { numRuns },
    )

  test('of a consumer group is the number of its messages, whatever dies', async () => {
    await property(consumers, 100)
  })

  test('of a share group ordered by key is the number of its messages, whatever dies', async () => {
    await property(sharers, 60)
  })
})
