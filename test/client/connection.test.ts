/** The connection: connecting once, reconnecting, and that every call settles, whatever happens. */
import { getEventListeners, setMaxListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { Connection } from '../../src/client/connection.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { TopicName } from '../../src/protocol/names.js'
import {
  codeOf,
  errorOf,
  inContext,
  type ClientContext,
  type ClientContextOptions,
  type Tab,
} from './client-context.js'

interface Line {
  readonly context: ClientContext
  readonly tab: Tab
  readonly connection: Connection
}

/** A test with one tab and a connection of its own. */
function online(
  body: (line: Line) => Promise<void>,
  options: ClientContextOptions = {},
): () => Promise<void> {
  return inContext(async (context) => {
    const tab = context.tab()
    await body({ context, tab, connection: new Connection(tab, tab.name) })
  }, options)
}

const REPEATABLE = { isRepeatable: true }
const ONCE = { isRepeatable: false }

function listGroups(connection: Connection, options: Parameters<Connection['call']>[1] = ONCE) {
  return connection.call({ api: 'listGroups' }, options)
}

function createTopic(connection: Connection, topic: string, options = ONCE) {
  const wish = { topic: topic as TopicName, numPartitions: 1, config: {} }
  const flags = { ifNotExists: false, validateOnly: false }
  return connection.call({ api: 'createTopics', topics: [wish], ...flags }, options)
}

async function sessionsOf(context: ClientContext): Promise<string[]> {
  const { sessions } = await (await context.broker).describeCluster()
  return sessions.map(({ clientId }) => clientId)
}

describe('connecting', () => {
  test(
    'nothing happens before the first call',
    online(async ({ context, tab }) => {
      tab.mq.producer()
      tab.mq.consumer({ groupId: 'g' })
      tab.mq.admin()
      await context.advance(60_000)
      expect([tab.hellos, tab.openTransports, context.brokersStarted]).toEqual([0, 0, 0])
    }),
  )

  test(
    'calls made at the same moment connect once',
    online(async ({ tab, connection }) => {
      await Promise.all([
        listGroups(connection),
        connection.connect(),
        listGroups(connection, REPEATABLE),
        connection.connect(),
      ])
      await connection.connect()
      expect([tab.hellos, tab.openTransports]).toEqual([1, 1])
    }),
  )

  test(
    'producers, consumers and admins of one client share a connection',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const consumer = tab.mq.consumer({ groupId: 'g' })
      await consumer.subscribe({ topics: ['orders'] })
      await Promise.all([
        consumer.run({ eachMessage: () => {} }),
        tab.mq.producer().send({ topic: 'orders', messages: [{ value: 1 }] }),
        tab.mq.admin().listTopics(),
        tab.mq.connect(),
      ])
      expect(tab.hellos).toBe(1)
    }),
  )

  test(
    'two tabs opened at the same moment find one broker (rule 41)',
    inContext(async (context) => {
      const tabs = [context.tab(), context.tab()]
      await Promise.all(tabs.map((tab) => tab.mq.connect()))
      expect(context.brokersStarted).toBe(1)
      expect(await sessionsOf(context)).toEqual(['tab-1', 'tab-2'])
    }),
  )

  test(
    'an error that stays rejects the call, and a later call tries again',
    online(async ({ context, connection }) => {
      context.helloErrors.push(
        new TabmqError('UNSUPPORTED_VERSION', 'older than this'),
        new TabmqError('STORAGE_BLOCKED', 'not here'),
      )
      expect(await codeOf(connection.connect())).toBe('UNSUPPORTED_VERSION')
      expect(await codeOf(listGroups(connection))).toBe('STORAGE_BLOCKED')
      expect(await listGroups(connection)).toEqual({ groups: [] })
    }),
  )

  test(
    'an error that passes is waited out',
    online(async ({ context, tab, connection }) => {
      context.helloErrors.push(
        new TabmqError('BROKER_UNAVAILABLE', 'not yet'),
        new TabmqError('STORAGE_ERROR', 'not yet'),
      )
      const call = listGroups(connection)
      await context.settle()
      expect(tab.hellos).toBe(1)
      expect(await context.done(call, { withinMs: 1_000 })).toEqual({ groups: [] })
      expect([tab.hellos, tab.openTransports]).toEqual([3, 1])
    }),
  )

  test(
    'attempts to connect become more seldom, down to one in two seconds',
    online(async ({ context, tab, connection }) => {
      const notYet = new TabmqError('BROKER_UNAVAILABLE', 'not yet')
      context.helloErrors.push(...Array.from({ length: 5_000 }, () => notYet))
      void listGroups(connection).catch(() => {})
      const attempts: number[] = []
      for (const byMs of [100, 900, 9_000, 10_000, 10_000]) {
        const before = tab.hellos
        await context.advance(byMs)
        attempts.push(tab.hellos - before)
      }
      expect(attempts).toEqual([2, 3, 5, 5, 5])
      context.helloErrors.length = 0
    }),
  )

  test(
    'one that does not pass in time is told with the call that waited for it',
    online(async ({ context, connection }) => {
      const notYet = new TabmqError('BROKER_UNAVAILABLE', 'the script could not be loaded')
      context.helloErrors.push(...Array.from({ length: 200 }, () => notYet))
      const error = errorOf(listGroups(connection))
      await context.advance(30_000)
      expect(await error).toMatchObject({
        code: 'BROKER_UNAVAILABLE',
        message: 'no broker could be reached within 30000 ms: the script could not be loaded',
        cause: { message: 'the script could not be loaded' },
      })
    }),
  )

  test(
    'a hello that is never answered is given up, and tried again',
    online(async ({ context, tab, connection }) => {
      const hellos = tab.hold('hello', 'request')
      const connected = errorOf(connection.connect())
      await context.advance(15_000)
      expect(await connected).toMatchObject({ code: 'BROKER_UNAVAILABLE', retriable: true })
      hellos.drop()
      await context.done(listGroups(connection), { withinMs: 3_000 })
      expect(tab.openTransports).toBe(1)
    }),
  )

  test(
    'an error that keeps a tab from coming back is reported, and a later call tries again',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      context.helloErrors.push(new TabmqError('UNSUPPORTED_VERSION', 'a newer broker took over'))
      context.kill()
      await context.settle()
      expect(tab.takeErrors()).toMatchObject([{ code: 'UNSUPPORTED_VERSION' }])
      expect(await listGroups(connection)).toEqual({ groups: [] })
    }),
  )
})

describe('every call settles', () => {
  test(
    'with the reply, or with the error that the broker answered',
    online(async ({ connection }) => {
      await createTopic(connection, 'orders')
      expect(await errorOf(createTopic(connection, 'orders'))).toMatchObject({
        code: 'TOPIC_ALREADY_EXISTS',
        retriable: false,
        details: { topic: 'orders' },
      })
    }),
  )

  test.each([
    ['30 s by default', undefined, 30_000],
    ['what the caller says', 2_000, 2_000],
  ])('when its time is over: %s', async (_, timeoutMs, expectedMs) =>
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      tab.hold('listGroups', 'reply')
      const options = timeoutMs === undefined ? REPEATABLE : { ...REPEATABLE, timeoutMs }
      let error: TabmqError | undefined
      void errorOf(listGroups(connection, options)).then((it) => (error = it))
      await context.advance(expectedMs - 1)
      expect(error).toBeUndefined()
      await context.advance(1)
      expect(error).toMatchObject({
        code: 'REQUEST_TIMED_OUT',
        details: { what: 'listGroups', timeoutMs: expectedMs },
      })
    })(),
  )

  test(
    'with BROKER_UNAVAILABLE when there is no broker in its time, and is not done later',
    online(async ({ context, tab, connection }) => {
      context.forbidBroker()
      const codes = [codeOf(createTopic(connection, 'orders')), codeOf(listGroups(connection))]
      await context.advance(30_000)
      expect(await Promise.all(codes)).toEqual(['BROKER_UNAVAILABLE', 'BROKER_UNAVAILABLE'])
      context.allowBroker()
      await context.advance(10_000)
      expect(connection.isConnected).toBe(true)
      expect(tab.requests).toEqual([])
    }),
  )

  test(
    'when it is aborted, before and while it is under way',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      tab.hold('listGroups', 'reply')
      const abort = new AbortController()
      const { signal } = abort
      const call = codeOf(listGroups(connection, { ...REPEATABLE, signal }))
      await context.settle()
      abort.abort()
      expect(await call).toBe('ABORTED')
      expect(await codeOf(listGroups(connection, { ...REPEATABLE, signal }))).toBe('ABORTED')
      expect(await codeOf(connection.connect({ signal }))).toBe('ABORTED')
      expect(tab.requests).toHaveLength(1)
      expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    }),
  )

  test(
    'an aborted connect does not keep others from connecting',
    online(async ({ context, tab, connection }) => {
      const hellos = tab.hold('hello', 'reply')
      const abort = new AbortController()
      const aborted = codeOf(connection.connect({ signal: abort.signal }))
      const call = listGroups(connection)
      await context.settle()
      abort.abort()
      expect(await aborted).toBe('ABORTED')
      hellos.release()
      expect(await call).toEqual({ groups: [] })
      expect(tab.hellos).toBe(1)
    }),
  )

  test(
    'when the client is closed',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      tab.hold('listGroups', 'reply')
      const underWay = [codeOf(listGroups(connection, REPEATABLE)), codeOf(listGroups(connection))]
      await context.settle()
      connection.close()
      expect(await Promise.all(underWay)).toEqual(['CLIENT_CLOSED', 'CLIENT_CLOSED'])
      expect(await codeOf(listGroups(connection))).toBe('CLIENT_CLOSED')
      expect(await codeOf(connection.connect())).toBe('CLIENT_CLOSED')
      connection.close()
    }),
  )

  test(
    'when the broker dies: what may be repeated is, the rest says so',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      const replies = [tab.hold('listGroups', 'reply'), tab.hold('createTopics', 'reply')]
      const repeated = listGroups(connection, REPEATABLE)
      const once = errorOf(createTopic(connection, 'orders'))
      await context.settle()
      context.kill()
      for (const held of replies) held.drop()
      expect(await once).toMatchObject({ code: 'BROKER_UNAVAILABLE', retriable: true })
      expect(await context.done(repeated, { withinMs: 1_000 })).toEqual({ groups: [] })
      expect(tab.requestsOf('listGroups')).toHaveLength(2)
      expect(tab.requestsOf('createTopics')).toHaveLength(1)
    }),
  )

  test(
    'when the broker dies in the very moment of the call',
    online(async ({ context, connection }) => {
      await connection.connect()
      const calls = [listGroups(connection, REPEATABLE), listGroups(connection)]
      context.kill()
      const settled = await context.done(Promise.allSettled(calls), { withinMs: 1_000 })
      // Nothing of it was sent, so either may be asked of the next broker.
      expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    }),
  )

  test(
    'when brokers die one after the other',
    online(async ({ context, tab, connection }) => {
      const replies = tab.hold('listGroups', 'reply')
      const call = listGroups(connection, REPEATABLE)
      for (let life = 0; life < 5; life++) {
        await context.advance(300)
        context.kill()
      }
      replies.release()
      expect(await context.done(call, { withinMs: 5_000 })).toEqual({ groups: [] })
    }),
  )

  test(
    'when the broker no longer knows the tab',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      const broker = await context.broker
      await broker.endSession(connection.sessionId, { isTabGone: false })
      // It is not known whether a broker that answers so has done it; it says that it has not.
      expect(await codeOf(listGroups(connection))).toBe('BROKER_UNAVAILABLE')
      await context.settle()
      expect(connection.isConnected).toBe(true)
      await broker.endSession(connection.sessionId, { isTabGone: false })
      expect(await listGroups(connection, REPEATABLE)).toEqual({ groups: [] })
      expect([tab.hellos, tab.openTransports]).toEqual([3, 1])
    }),
  )
})

describe('the broker’s death', () => {
  test(
    'is followed by a connection to the next one without anybody asking',
    online(async ({ context, connection }) => {
      const connected: boolean[] = []
      connection.events.on('connected', ({ isNewBroker }) => connected.push(isNewBroker))
      await connection.connect()
      context.kill()
      await context.advance(10)
      expect(connection.isConnected).toBe(true)
      expect(connected).toEqual([true, true])
    }),
  )

  test(
    'leaves no transport behind, however often it happens',
    online(async ({ context, tab, connection }) => {
      for (let life = 0; life < 50; life++) {
        await context.done(listGroups(connection, REPEATABLE))
        context.kill()
      }
      await context.done(connection.connect())
      expect(tab.openTransports).toBe(1)
    }),
  )

  test(
    'in the very moment of its welcome, or before it was greeted, is noticed',
    online(async ({ context, tab, connection }) => {
      const replies = tab.hold('hello', 'reply')
      const connected = connection.connect()
      await context.settle()
      replies.release()
      context.kill()
      await context.done(connected, { withinMs: 1_000 })
      expect(await context.done(listGroups(connection), { withinMs: 1_000 })).toEqual({
        groups: [],
      })
      context.kill()
      // The next transport is open, and nothing was said on it yet.
      context.kill()
      expect(await context.done(listGroups(connection, REPEATABLE), { withinMs: 1_000 })).toEqual({
        groups: [],
      })
    }),
  )

  test(
    'is borne however long the next one takes',
    online(async ({ context, connection }) => {
      await connection.connect()
      context.forbidBroker()
      context.kill()
      await context.advance(3_600_000)
      context.allowBroker()
      await context.advance(2_100)
      expect(connection.isConnected).toBe(true)
    }),
  )
})

describe('a page that goes away', () => {
  test(
    'says goodbye, and its session ends',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      expect(await sessionsOf(context)).toEqual([tab.name])
      tab.hide({ mayReturn: false })
      await context.settle()
      expect(await sessionsOf(context)).toEqual([])
      expect(tab.openTransports).toBe(0)
    }),
  )

  test(
    'does not connect again for what still waits',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      tab.hold('listGroups', 'reply')
      void listGroups(connection, REPEATABLE).catch(() => {})
      await context.settle()
      tab.hide({ mayReturn: false })
      void listGroups(connection).catch(() => {})
      await context.settle()
      expect([tab.hellos, tab.openTransports]).toEqual([1, 0])
    }),
  )

  test(
    'for good, as it seemed, and is shown again, is connected again',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      tab.hide({ mayReturn: false })
      const call = listGroups(connection)
      await context.settle()
      tab.comeBack()
      expect(await context.done(call, { withinMs: 1_000 })).toEqual({ groups: [] })
      expect(await sessionsOf(context)).toEqual([tab.name])
    }),
  )

  test(
    'that is shown for the first time connects no earlier than it is used',
    online(async ({ context, tab }) => {
      tab.comeBack()
      await context.settle()
      expect(tab.hellos).toBe(0)
    }),
  )

  test(
    'into the back/forward cache stays unconnected, and is connected at once when it returns',
    online(async ({ context, tab, connection }) => {
      const connected: boolean[] = []
      connection.events.on('connected', ({ isNewBroker }) => connected.push(isNewBroker))
      await connection.connect()
      tab.hold('listGroups', 'reply')
      const repeated = listGroups(connection, REPEATABLE)
      await context.settle()
      tab.hide({ mayReturn: true })
      await context.advance(10_000)
      expect(await sessionsOf(context)).toEqual([])
      expect(tab.openTransports).toBe(0)
      tab.comeBack()
      await context.settle()
      expect(connection.isConnected).toBe(true)
      // The same broker, but it knows nothing of this tab any more.
      expect(connected).toEqual([true, true])
      await context.done(Promise.allSettled([repeated]))
    }),
  )

  test(
    'a call made while the page is hidden waits for its return',
    online(async ({ context, tab, connection }) => {
      await connection.connect()
      // Some code of the page still runs before it is frozen.
      tab.hide({ mayReturn: true })
      tab.thaw()
      const call = listGroups(connection)
      await context.advance(5_000)
      expect(tab.openTransports).toBe(0)
      tab.comeBack()
      await context.settle()
      expect(await call).toEqual({ groups: [] })
    }),
  )
})

describe('close', () => {
  test(
    'leaves nothing: no session, no transport, no timer',
    online(async ({ context, connection, tab }) => {
      await context.broker
      await context.settle()
      const timers = context.clock.pending
      tab.hold('listGroups', 'reply')
      void codeOf(listGroups(connection))
      await context.settle()
      connection.close()
      await context.settle()
      expect(await sessionsOf(context)).toEqual([])
      expect([tab.openTransports, context.clock.pending]).toEqual([0, timers])
    }),
  )

  test.each(['request', 'reply'] as const)(
    'while the hello’s %s is on its way leaves no session behind',
    async (stage) =>
      online(async ({ context, connection, tab }) => {
        const hello = tab.hold('hello', stage)
        const connected = codeOf(connection.connect())
        await context.settle()
        connection.close()
        hello.release()
        expect(await connected).toBe('CLIENT_CLOSED')
        await context.settle()
        expect(await sessionsOf(context)).toEqual([])
        expect(tab.openTransports).toBe(0)
      })(),
  )

  test.each(Array.from({ length: 12 }, (_, ticks) => ticks))(
    'or a page that goes away %i moments after the hello was answered leaves nothing open',
    async (ticks) => {
      const leave = (what: (line: Line) => void) =>
        online(async (line) => {
          const { context, tab, connection } = line
          const hello = tab.hold('hello', 'reply')
          const connected = connection.connect().catch(() => {})
          await context.settle()
          hello.release()
          for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
          what(line)
          await context.settle()
          expect([connection.isConnected, tab.openTransports]).toEqual([false, 0])
          expect(await sessionsOf(context)).toEqual([])
          connection.close()
          await connected
        })()
      await leave(({ connection }) => connection.close())
      await leave(({ tab }) => tab.hide({ mayReturn: true }))
      await leave(({ tab }) => tab.hide({ mayReturn: false }))
    },
  )

  test(
    'while waiting for a broker ends the waiting',
    online(async ({ context, connection, tab }) => {
      context.forbidBroker()
      const call = codeOf(listGroups(connection))
      await context.advance(5_000)
      connection.close()
      expect(await call).toBe('CLIENT_CLOSED')
      await context.settle()
      expect(context.clock.pending).toBe(0)
      context.allowBroker()
      await context.advance(60_000)
      expect([tab.hellos, context.brokersStarted]).toEqual([0, 0])
    }),
  )

  test(
    'of a client disconnects what was made from it',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ lingerMs: 60_000 })
      const consumer = tab.mq.consumer({ groupId: 'g' })
      await consumer.subscribe({ topics: ['orders'] })
      await consumer.run({ eachMessage: () => {} })
      const send = producer.send({ topic: 'orders', messages: [{ value: 1 }] })
      await tab.mq.close()
      expect(await send).toHaveLength(1)
      await context.settle()
      expect(await sessionsOf(context)).toEqual(['admin'])
      const [group] = await context.admin.describeGroups(['g'])
      expect(group?.members).toEqual([])
      expect(await codeOf(consumer.run({ eachMessage: () => {} }))).toBe('CLIENT_CLOSED')
      expect(await codeOf(tab.mq.admin().listTopics())).toBe('CLIENT_CLOSED')
      await tab.mq.close()
    }),
  )

  test(
    'by await using',
    inContext(async (context) => {
      const tab = context.tab()
      {
        await using mq = tab.mq
        await mq.connect()
      }
      expect(await codeOf(tab.mq.connect())).toBe('CLIENT_CLOSED')
    }),
  )
})

test(
  'a thousand calls leave nothing behind',
  online(async ({ context, connection, tab }) => {
    await connection.connect()
    await context.settle()
    const timers = context.clock.pending
    const { signal } = new AbortController()
    setMaxListeners(50, signal)
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 50 }, () => listGroups(connection, { ...REPEATABLE, signal })),
      )
    }
    expect(context.clock.pending).toBe(timers)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(tab.openTransports).toBe(1)
  }),
)
