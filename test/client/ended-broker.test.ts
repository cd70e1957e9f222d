/** A broker that ends while its worker lives on: the next is found, or the page is too old for it. */
import { describe, expect, test, vi } from 'vitest'
import { TabmqError } from '../../src/protocol/errors.js'
import { ClientContext, codeOf, inContext } from './client-context.js'
import { committed, produce, range, read } from './reader.js'

const SUPERSEDED = new TabmqError('BROKER_SUPERSEDED', 'a newer deployment has taken over')

/** Each attempt of a tab to connect meets the newer broker. */
async function supersede(context: ClientContext): Promise<void> {
  context.helloErrors.push(...Array.from({ length: 20 }, () => SUPERSEDED))
  await context.endBroker()
  // The tabs that help the test do not listen to it.
  for (const tab of context.tabs.slice(0, -1)) tab.takeErrors()
}

describe('a broker that has ended', () => {
  test(
    'is told to every tab, which goes on with the next one',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const states: string[] = []
      for (const type of ['connected', 'disconnected'] as const) {
        tab.mq.on(type, () => states.push(type))
      }
      const reader = await read(context, tab)
      await produce(context, range(3))
      await context.until(() => reader.handled.length === 3)
      await context.endBroker()
      await produce(context, range(3))
      await context.until(() => reader.handled.length === 6)
      await context.until(async () => (await committed(context))['orders 0'] === 6)
      expect(states).toEqual(['connected', 'disconnected', 'connected'])
      expect(context.brokersStarted).toBe(2)
      reader.events.splice(0)
    }),
  )

  test(
    'is found out also by a tab that has only just been welcomed',
    inContext(async (context) => {
      const tab = context.tab()
      const welcome = tab.hold('hello', 'reply')
      const connected = tab.mq.connect()
      await context.settle()
      await context.endBroker()
      welcome.release()
      await context.done(connected)
      expect(await context.done(tab.mq.admin().listTopics())).toEqual([])
    }),
  )
})

describe('a broker that cannot start because the disk is full', () => {
  const full = () => new TabmqError('STORAGE_FULL', 'no space is left for raising the broker epoch')

  test(
    'is waited for by who was connected before: its consumers go on when there is space',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      context.helloErrors.push(...Array.from({ length: 10 }, full))
      await context.endBroker()
      await context.advance(3_000)
      await produce(context, range(3))
      await context.until(() => reader.handled.length === 3)
      expect(reader.events.map(({ type }) => type)).not.toContain('crash')
      reader.events.splice(0)
    }),
  )

  test(
    'is told to who asks for the first time',
    inContext(async (context) => {
      context.helloErrors.push(full())
      expect(await context.done(codeOf(context.tab().mq.connect()))).toBe('STORAGE_FULL')
    }),
  )
})

describe('a page that is too old for the next broker', () => {
  test(
    'is told so: its consumers end, every call rejects, and the app can ask for a reload',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const told: string[] = []
      tab.mq.on('superseded', ({ error }) => told.push(error.code))
      const member = await read(context, tab)
      const reader = await read(context, tab, { assign: [{ topic: 'orders', partition: 0 }] })
      const watching = codeOf(lastOf(tab.mq.admin().watch()))
      await context.until(() => member.assignment.length === 1)
      await supersede(context)
      for (const { events } of [member, reader]) {
        const ends = events.filter(({ type }) => type === 'crash' || type === 'stop')
        expect(ends.map(({ type }) => type)).toEqual(['crash', 'stop'])
        expect(ends[0]?.event).toMatchObject({ error: SUPERSEDED, willRetry: false })
        events.splice(0)
      }
      expect(told).toEqual(['BROKER_SUPERSEDED'])
      expect(await context.done(watching)).toBe('BROKER_SUPERSEDED')
      const send = tab.mq.producer().send({ topic: 'orders', messages: [{ value: 1 }] })
      expect(await context.done(codeOf(send))).toBe('BROKER_SUPERSEDED')
    }),
  )

  test(
    'hears of it also when it does not listen',
    inContext(async (context) => {
      const tab = context.tab()
      await context.done(tab.mq.connect())
      await supersede(context)
      expect(tab.takeErrors()).toMatchObject([{ code: 'BROKER_SUPERSEDED' }])
    }),
  )

  test(
    'cannot start to consume, and is told by the call alone',
    inContext(async (context) => {
      const crash = vi.fn<() => void>()
      const tab = context.tab()
      context.helloErrors.push(SUPERSEDED, SUPERSEDED)
      const consumer = tab.mq.consumer({ groupId: 'g' })
      consumer.on('crash', crash)
      await consumer.subscribe({ topics: ['orders'] })
      const run = consumer.run({ eachMessage: () => Promise.resolve() })
      expect(await context.done(codeOf(run))).toBe('BROKER_SUPERSEDED')
      expect(crash).not.toHaveBeenCalled()
      await context.done(consumer.disconnect())
    }),
  )
})

test('a listener must be one, for something that is told', () => {
  const { mq } = new ClientContext().tab()
  expect(() => mq.on('reconnected' as never, () => {})).toThrow('event')
  expect(() => mq.on('superseded', undefined as never)).toThrow('listener')
})

async function lastOf<T>(values: AsyncIterable<T>): Promise<T | undefined> {
  let last: T | undefined
  for await (const value of values) last = value
  return last
}
