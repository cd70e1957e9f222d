/** `consumer.messages()`: a loop instead of a handler. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { codeOf, errorOf, inContext, type ClientContext, type Tab } from './client-context.js'
import { committed, produce, range } from './reader.js'

async function subscribed(tab: Tab, options: Parameters<Tab['mq']['consumer']>[0] = {}) {
  const consumer = tab.mq.consumer({ groupId: 'g', ...options })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  return consumer
}

/** A tab in a context with a topic that has messages. */
async function withMessages(context: ClientContext, count: number): Promise<Tab> {
  await context.topic('orders')
  await produce(context, range(count), { inOneBatch: true })
  return context.tab()
}

describe('a loop', () => {
  test(
    'gets messages in order, with topic, partition and signal',
    inContext(async (context) => {
      const consumer = await subscribed(await withMessages(context, 5))
      const values: unknown[] = []
      for await (const { topic, partition, message, signal } of consumer.messages()) {
        expect([topic, partition, signal.aborted]).toEqual(['orders', 0, false])
        values.push(message.value)
        if (values.length === 5) break
      }
      expect(values).toEqual(range(5))
    }),
  )

  test(
    'a message counts as handled when the next is asked for',
    inContext(async (context) => {
      const consumer = await subscribed(await withMessages(context, 5))
      const loop = consumer.messages()
      await loop.next()
      await loop.next()
      await context.settle()
      expect(consumer.assignment()).toHaveLength(1)
      await consumer.commitOffsets()
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
      await loop.next()
      await consumer.commitOffsets()
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      await loop.return()
    }),
  )

  test(
    'leaving it stops the consumer; the message at hand comes again, those before it do not',
    inContext(async (context) => {
      const consumer = await subscribed(await withMessages(context, 5))
      const values: unknown[] = []
      for await (const { message } of consumer.messages()) {
        values.push(message.value)
        if (message.value === 2) break
      }
      expect(consumer.assignment()).toEqual([])
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      for await (const { message } of consumer.messages()) {
        values.push(message.value)
        if (message.value === 4) break
      }
      expect(values).toEqual([0, 1, 2, 2, 3, 4])
      const [group] = await context.admin.describeGroups(['g'])
      expect(group?.members).toEqual([])
    }),
  )

  test(
    'an error thrown in it stops the consumer and stays the loop’s own',
    inContext(async (context) => {
      const consumer = await subscribed(await withMessages(context, 5))
      const crashes: unknown[] = []
      consumer.on('crash', (event) => crashes.push(event))
      const read = async () => {
        for await (const { message } of consumer.messages()) {
          if (message.value === 2) throw new RangeError('mine')
        }
      }
      await expect(read()).rejects.toThrow(RangeError)
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      expect(crashes).toEqual([])
    }),
  )

  test(
    'an abort while it waits ends it',
    inContext(async (context) => {
      const consumer = await subscribed(await withMessages(context, 2))
      const abort = new AbortController()
      const values: unknown[] = []
      const loop = (async () => {
        for await (const { message } of consumer.messages({ signal: abort.signal })) {
          values.push(message.value)
        }
      })()
      await context.advance(1_000)
      abort.abort()
      await loop
      expect(values).toEqual([0, 1])
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
    }),
  )

  test(
    'an abort while a message is at hand lets it finish, and it counts',
    inContext(async (context) => {
      const consumer = await subscribed(await withMessages(context, 5))
      const abort = new AbortController()
      const values: unknown[] = []
      for await (const { message } of consumer.messages({ signal: abort.signal })) {
        if (message.value === 2) abort.abort()
        await context.settle()
        values.push(message.value)
      }
      expect(values).toEqual([0, 1, 2])
      expect(await committed(context)).toEqual({ 'orders 0': 3 })
    }),
  )

  test(
    'a signal that is aborted already makes an empty loop',
    inContext(async (context) => {
      const tab = await withMessages(context, 2)
      const consumer = await subscribed(tab)
      const signal = AbortSignal.abort()
      for await (const _ of consumer.messages({ signal })) expect.fail('a message')
      expect(tab.requests).toEqual([])
      expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    }),
  )

  test(
    'an abort while it starts ends it, and leaves no member behind',
    inContext(async (context) => {
      const tab = await withMessages(context, 2)
      const consumer = await subscribed(tab)
      const heartbeats = tab.hold('groupHeartbeat', 'reply')
      const abort = new AbortController()
      const next = consumer.messages({ signal: abort.signal }).next()
      await context.settle()
      abort.abort()
      expect(await context.done(next, { withinMs: 1_000 })).toEqual({
        done: true,
        value: undefined,
      })
      heartbeats.release()
      await context.advance(100)
      const [group] = await context.admin.describeGroups(['g'])
      expect(group?.members).toEqual([])
    }),
  )

  test.each(['stop', 'disconnect', 'close'] as const)(
    '%s from elsewhere ends it while it waits',
    async (how) =>
      inContext(async (context) => {
        const tab = await withMessages(context, 1)
        const consumer = await subscribed(tab)
        const values: unknown[] = []
        const loop = (async () => {
          for await (const { message } of consumer.messages()) values.push(message.value)
        })()
        await context.advance(1_000)
        await (how === 'close' ? tab.mq.close() : consumer[how]())
        await context.done(loop, { withinMs: 1_000 })
        expect(values).toEqual([0])
        expect(await committed(context)).toEqual({ 'orders 0': 1 })
      })(),
  )

  test(
    'stop from elsewhere waits for the message at hand, which counts',
    inContext(async (context) => {
      const consumer = await subscribed(await withMessages(context, 3))
      let stopped: Promise<void> | undefined
      const values: unknown[] = []
      for await (const { message } of consumer.messages()) {
        if (message.value === 1) stopped = consumer.stop()
        await context.settle()
        values.push(message.value)
      }
      await stopped
      expect(values).toEqual([0, 1])
      expect(await committed(context)).toEqual({ 'orders 0': 2 })
    }),
  )

  test(
    'an error that ends the consumer is thrown out of it',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const options = { groupInstanceId: 'same' }
      const consumer = await subscribed(tab, options)
      const next = errorOf(consumer.messages().next())
      await context.advance(100)
      const other = await subscribed(context.tab(), options)
      await other.run({ eachMessage: () => {} })
      expect((await context.done(next, { withinMs: 1_000 })).code).toBe('FENCED_INSTANCE_ID')
      // It is thrown; there is no need to report it as well.
      expect(tab.takeErrors()).toEqual([])
    }),
  )

  test(
    'an error that keeps it from starting is thrown out of it',
    inContext(async (context) => {
      const { mq } = context.tab()
      const consumer = mq.consumer({ groupId: 'g' })
      expect(await codeOf(consumer.messages().next())).toBe('ILLEGAL_STATE')
      await consumer.subscribe({ topics: ['orders'] })
      const bad = consumer.messages({ autoCommit: 'no' } as never)
      expect(await codeOf(bad.next())).toBe('INVALID_CONFIG')
      const misspelt = () => consumer.messages({ Signal: null } as never)
      expect(misspelt).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
    }),
  )

  test(
    'a message that cannot be decoded is reported, and the loop goes on behind a seek',
    inContext(async (context) => {
      await context.topic('orders')
      const codec = {
        id: 50,
        name: 'mine',
        encode: (value: unknown) => new TextEncoder().encode(String(value)),
        decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
      }
      const writer = context.tab({ codecs: [codec] })
      await writer.mq.producer({ codec }).send({ topic: 'orders', messages: [{ value: 'a' }] })
      await produce(context, ['b'])
      const consumer = await subscribed(context.tab())
      const crashes: number[] = []
      consumer.on('crash', ({ topic, partition, offset }) => {
        if (topic === undefined || partition === undefined || offset === undefined) return
        crashes.push(offset)
        consumer.seek({ topic, partition, offset: offset + 1 })
      })
      const loop = consumer.messages()
      const { value } = await context.done(loop.next(), { withinMs: 5_000 })
      expect(value?.message.value).toBe('b')
      expect(crashes).toEqual([0])
      await loop.return()
    }),
  )

  test(
    'a rebalance takes partitions away between two messages, and the group loses none',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) {
        await produce(context, range(5, partition * 10), { partition, inOneBatch: true })
      }
      const values: unknown[] = []
      const loops = [context.tab(), context.tab()].map(async (tab) => {
        const consumer = await subscribed(tab)
        for await (const { message } of consumer.messages()) {
          await new Promise<void>((resolve) => {
            context.clock.schedule(50, resolve)
          })
          values.push(message.value)
        }
      })
      await context.until(() => values.length >= 10)
      await context.advance(5_000)
      expect(new Set(values)).toEqual(new Set([...range(5), ...range(5, 10)]))
      expect(values).toHaveLength(10)
      await context.done(Promise.all(context.tabs.map((tab) => tab.mq.close())))
      await Promise.all(loops)
    }),
  )
})
