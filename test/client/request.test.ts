/** Requests: who asks, who answers, and what comes of it when either is gone. */
import { describe, expect, test } from 'vitest'
import type { RequestOptions } from '../../src/client/request/requester.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { REPLY } from '../../src/protocol/limits.js'
import { deferred } from '../../src/std/deferred.js'
import { codeOf, errorOf, Held, inContext, type ClientContext, type Tab } from './client-context.js'
import { read } from './reader.js'
import { work } from './share-worker.js'

const ask = (tab: Tab, value: unknown, more: Partial<RequestOptions> = {}) =>
  tab.mq.request({ topic: 'orders', value, ...more })

/** Somebody who answers, in a tab of their own, by each kind of consumer. */
const ANSWERERS: readonly [string, (context: ClientContext, handle: Handle) => Promise<unknown>][] =
  [
    ['a share consumer', (context, onMessage) => work(context, context.tab(), { onMessage })],
    ['a consumer', (context, onMessage) => read(context, context.tab(), { onMessage })],
    [
      'a loop over a share consumer',
      async (context, handle) => {
        const consumer = context.tab().mq.shareConsumer({ groupId: 'q' })
        await context.done(consumer.subscribe({ topics: ['orders'] }))
        void loop(consumer.messages(), handle)
      },
    ],
    [
      'a loop over a consumer',
      async (context, handle) => {
        const consumer = context.tab().mq.consumer({ groupId: 'g' })
        await context.done(consumer.subscribe({ topics: ['orders'], fromBeginning: true }))
        void loop(consumer.messages(), handle)
      },
    ],
  ]

type Delivery = Parameters<NonNullable<Parameters<typeof work>[2]>['onMessage'] & object>[0]
type Handle = (delivery: Pick<Delivery, 'message' | 'reply'>) => unknown

async function loop(
  messages: AsyncIterable<Pick<Delivery, 'message' | 'reply'>>,
  handle: Handle,
): Promise<void> {
  for await (const delivery of messages) await handle(delivery)
}

describe('a request', () => {
  test.each(ANSWERERS)('is answered by %s', (_, answerer) =>
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      await answerer(context, async ({ message, reply }) => {
        heard.push(await reply({ twice: (message.value as number) * 2, at: new Date(5) }))
      })
      const tab = context.tab()
      expect(await context.done(ask(tab, 21))).toEqual({ twice: 42, at: new Date(5) })
      expect(await context.done(ask(tab, 1))).toEqual({ twice: 2, at: new Date(5) })
      await context.until(() => heard.length === 2)
      expect(heard).toEqual([true, true])
    })(),
  )

  test(
    'comes with what it was sent with, and with nothing that it was not',
    inContext(async (context) => {
      await context.topic('orders')
      const worker = await work(context, context.tab(), { onMessage: ({ reply }) => reply() })
      const tab = context.tab()
      const more = { key: 'k', headers: { h: 'x' }, priority: 4, timeoutMs: 9_000 }
      const sentAtMs = context.clock.nowMs
      expect(await context.done(ask(tab, 1, more))).toBeUndefined()
      expect(await context.done(ask(tab, 2))).toBeUndefined()
      const [first, second] = worker.started.map(({ message }) => message)
      expect(first).toMatchObject({ key: 'k', value: 1, priority: 4, expiresAt: sentAtMs + 9_000 })
      expect(first?.headers).toEqual({ h: 'x' })
      expect(second?.headers).toEqual({})
    }),
  )

  test(
    'gets its own answer, in whatever order they come',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const gate = new Held()
      const onMessage: Handle = ({ message, reply }) => reply(message.value)
      await work(context, context.tab(), { onMessage, gate, concurrency: 20 })
      const tabs = [context.tab(), context.tab()]
      const answers = Array.from({ length: 20 }, (_, n) => ask(tabs[n % 2] as Tab, n))
      await context.until(() => gate.size === 20)
      gate.reorder((queue) => queue.reverse())
      gate.release()
      expect(await context.done(Promise.all(answers))).toEqual([...answers.keys()])
    }),
  )

  test(
    'may be answered by the tab that asked',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      await work(context, tab, { onMessage: ({ reply }) => reply('me') })
      expect(await context.done(ask(tab, 1))).toBe('me')
    }),
  )

  test(
    'has the first answer, and whoever gives another hears that it was not',
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      const onMessage: Handle = async ({ reply }) => {
        heard.push(...(await Promise.all([reply(1), reply(2), reply.error(new Error('no'))])))
      }
      await work(context, context.tab(), { onMessage })
      await work(context, context.tab(), {
        groupId: 'other',
        onMessage: async ({ reply }) => {
          await context.until(() => heard.length === 3)
          heard.push(await reply(3))
        },
      })
      expect(await context.done(ask(context.tab(), 0))).toBe(1)
      await context.until(() => heard.length === 4)
      expect(heard).toEqual([true, false, false, false])
    }),
  )

  test(
    'that nobody handles in time ends, and is delivered by no share group after',
    inContext(async (context) => {
      await context.topic('orders')
      const error = await errorOf(context.done(ask(context.tab(), 1, { timeoutMs: 500 })))
      expect(error.code).toBe('REQUEST_TIMED_OUT')
      expect(error.details).toEqual({ what: 'request', topic: 'orders', timeoutMs: 500 })
      const worker = await work(context, context.tab())
      await context.advance(10_000)
      expect(worker.started).toEqual([])
    }),
  )

  test(
    'whose answer comes too late was not heard',
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      const gate = new Held()
      await work(context, context.tab(), {
        gate,
        onMessage: async ({ reply }) => heard.push(await reply('late')),
      })
      const answer = ask(context.tab(), 1, { timeoutMs: 500 })
      expect(await codeOf(context.done(answer))).toBe('REQUEST_TIMED_OUT')
      gate.release()
      await context.until(() => heard.length === 1)
      expect(heard).toEqual([false])
    }),
  )

  test(
    'ends with its signal, before and while it waits',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const controller = new AbortController()
      const answer = ask(tab, 1, { signal: controller.signal })
      await context.advance(100)
      controller.abort()
      expect(await codeOf(answer)).toBe('ABORTED')
      expect(await codeOf(ask(tab, 2, { signal: controller.signal }))).toBe('ABORTED')
      expect(tab.requestsOf('produce')).toHaveLength(1)
    }),
  )

  test(
    'ends with its client',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const code = codeOf(ask(tab, 1))
      await context.advance(100)
      await context.done(tab.mq.close())
      expect(await code).toBe('CLIENT_CLOSED')
      expect(await codeOf(ask(tab, 2))).toBe('CLIENT_CLOSED')
    }),
  )

  test(
    'ends with the data that its message was in',
    inContext(async (context) => {
      await context.topic('orders')
      const code = codeOf(ask(context.tab(), 1))
      await context.advance(100)
      await context.storageIsLost()
      expect(await context.done(code)).toBe('STORAGE_LOST')
    }),
  )

  test(
    'that cannot be sent says why',
    inContext(async (context) => {
      await context.topic('orders', 1, { maxMessageBytes: 100 })
      const tab = context.tab()
      const code = (value: unknown, more: object = {}) =>
        context.done(codeOf(ask(tab, value, more)))
      expect(await code(1, { topic: 'unknown' })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await code('x'.repeat(200))).toBe('MESSAGE_TOO_LARGE')
      expect(await code(() => {})).toBe('SERIALIZATION_FAILED')
      for (const more of [
        { timeoutMs: 0 },
        { timeoutMs: 1.5 },
        { timeoutMs: 2 ** 31 },
        { headers: 'x' },
        { priority: 10 },
        { ttlMs: 5 },
      ]) {
        expect(await code(1, more)).toBe('INVALID_CONFIG')
      }
      expect(await code(1, { topic: 'no/topic' })).toBe('INVALID_TOPIC_EXCEPTION')
    }),
  )
})

describe('an answer', () => {
  test(
    'that cannot be encoded leaves room for another',
    inContext(async (context) => {
      await context.topic('orders')
      const codes: string[] = []
      await work(context, context.tab(), {
        onMessage: async ({ reply }) => {
          codes.push(await codeOf(reply(() => {})))
          codes.push(await codeOf(reply(new Uint8Array(17 * 2 ** 20))))
          await reply('well')
        },
      })
      expect(await context.done(ask(context.tab(), 1))).toBe('well')
      expect(codes).toEqual(['SERIALIZATION_FAILED', 'MESSAGE_TOO_LARGE'])
    }),
  )

  test(
    'to a message that is no request is heard by nobody',
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      const onMessage: Handle = async ({ reply }) => {
        heard.push(await reply(1), await reply.error(1))
      }
      const tab = context.tab()
      await work(context, tab, { onMessage })
      await read(context, tab, { onMessage })
      const messages = [{ value: 1, headers: { 'tabmq-reply-to': '', h: 'x' } }]
      await context.done(context.producerTab.mq.producer().send({ topic: 'orders', messages }))
      await context.until(() => heard.length === 4)
      expect(heard).toEqual([false, false, false, false])
      expect(tab.requestsOf('reply')).toEqual([])
    }),
  )

  test(
    'to a tab that is gone costs its handler nothing',
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      const gate = new Held()
      const worker = await work(context, context.tab(), {
        gate,
        onMessage: async ({ reply }) => heard.push(await reply(1)),
      })
      await context.advance(REPLY.reconnectMs)
      const asking = context.tab()
      ask(asking, 1).catch(() => {})
      await context.until(() => gate.size === 1)
      asking.crash()
      await context.settle()
      const fromMs = context.clock.nowMs
      gate.release()
      await context.until(() => worker.handled.length === 1)
      expect(heard).toEqual([false])
      expect(context.clock.nowMs).toBe(fromMs)
    }),
  )

  test(
    'to a tab that is frozen is there when it wakes, and is not waited for until then',
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      await work(context, context.tab(), {
        onMessage: async ({ reply }) => {
          asking.freeze()
          heard.push(await reply('good morning'))
        },
      })
      const asking = context.tab()
      const answer = ask(asking, 1)
      await context.until(() => heard.length === 1)
      expect(heard).toEqual([false])
      asking.thaw()
      expect(await context.done(answer)).toBe('good morning')
    }),
  )
})

describe('when the broker dies', () => {
  test.each([
    ['before the message is written', 'produce', 'request'],
    ['before the sender hears that it is', 'produce', 'reply'],
    ['before the answer is brought', 'reply', 'request'],
  ] as const)('%s, the answer comes by the next', (_, api, stage) =>
    inContext(async (context) => {
      await context.topic('orders')
      const [asking, answering] = [context.tab(), context.tab()]
      const heard: boolean[] = []
      await work(context, answering, {
        onMessage: async ({ reply }) => heard.push(await reply('here')),
      })
      const held = (api === 'produce' ? asking : answering).hold(api, stage)
      const answer = ask(asking, 1)
      await context.until(() => held.size === 1)
      held.drop()
      context.kill()
      expect(await context.done(answer)).toBe('here')
      await context.until(() => heard.length > 0)
      expect(heard).toContain(true)
    })(),
  )

  test(
    'while the handler works, the answer reaches the session that comes back',
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      const gate = new Held()
      const [asking, answering] = [context.tab(), context.tab()]
      await work(context, answering, {
        gate,
        onMessage: async ({ reply }) => heard.push(await reply('here')),
      })
      const answer = ask(asking, 1)
      await context.until(() => gate.size === 1)
      const hello = asking.hold('hello', 'request')
      context.kill()
      await context.until(() => hello.size === 1)
      gate.release()
      await context.advance(1_000)
      hello.release()
      expect(await context.done(answer)).toBe('here')
      await context.until(() => heard.includes(true))
    }),
  )
})

describe('a handler that fails', () => {
  const failure = Object.assign(new RangeError('too much'), { code: 'E_MUCH' })

  test(
    'of a share group is heard of when the message was delivered for the last time',
    inContext(async (context) => {
      await context.topic('orders')
      const worker = await work(context, context.tab(), {
        deliveryCountLimit: 3,
        retry: { initialDelayMs: 100 },
        onMessage: () => {
          throw failure
        },
      })
      const error = await errorOf(context.done(ask(context.tab(), 1)))
      expect(worker.started).toHaveLength(3)
      expect(error.code).toBe('REQUEST_FAILED')
      const told = { name: 'RangeError', message: 'too much', code: 'E_MUCH' }
      expect(error.details).toEqual({ topic: 'orders', ...told })
      expect(error.cause).toBeInstanceOf(Error)
      expect(error.cause).toMatchObject(told)
    }),
  )

  test(
    'of a share group may be followed by one that does not',
    inContext(async (context) => {
      await context.topic('orders')
      await work(context, context.tab(), {
        onMessage: ({ deliveryCount, reply }) => {
          if (deliveryCount < 5) throw failure
          return reply(deliveryCount)
        },
      })
      expect(await context.done(ask(context.tab(), 1, { timeoutMs: 60_000 }))).toBe(5)
    }),
  )

  test(
    'of a consumer group is heard of at once, and its message comes again',
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      const reader = await read(context, context.tab(), {
        onMessage: async ({ reply }) => {
          if (reader.started.length < 2) throw failure
          heard.push(await reply('better now'))
        },
      })
      const error = await errorOf(context.done(ask(context.tab(), 1)))
      expect(error).toMatchObject({ code: 'REQUEST_FAILED', cause: { message: 'too much' } })
      await context.until(() => reader.handled.length === 1)
      expect(heard).toEqual([false])
    }),
  )

  test.each([
    ['an error', failure, { name: 'RangeError', message: 'too much', code: 'E_MUCH' }],
    [
      'an error of ours',
      new TabmqError('STORAGE_FULL', 'full'),
      { name: 'TabmqError', message: 'full', code: 'STORAGE_FULL' },
    ],
    ['a string', 'no', { name: 'Error', message: 'no' }],
    ['nothing', undefined, { name: 'Error', message: 'undefined' }],
    ['some object', { code: 5n }, { name: 'Error', message: 'an object was thrown' }],
    [
      'a long story',
      new Error('x'.repeat(20_000)),
      { name: 'Error', message: 'x'.repeat(REPLY.errorMessageLengthMax) },
    ],
  ])('may say so at once, with %s', (_, thrown, told) =>
    inContext(async (context) => {
      await context.topic('orders')
      const heard: boolean[] = []
      const worker = await work(context, context.tab(), {
        onMessage: async ({ reply }) => heard.push(await reply.error(thrown)),
      })
      const error = await errorOf(context.done(ask(context.tab(), 1)))
      expect(error.details).toEqual({ topic: 'orders', ...told })
      await context.until(() => worker.handled.length === 1)
      expect(heard).toEqual([true])
    })(),
  )

  test.each([
    ['rejects, with its reason', 'reject', 1, 'broken'],
    ['releases for the last time', 'release', 2, 'the message was given up'],
  ] as const)('and %s, is heard of', (_, type, deliveries, message) =>
    inContext(async (context) => {
      await context.topic('orders')
      const worker = await work(context, context.tab(), {
        deliveryCountLimit: 2,
        onMessage: ({ acknowledge }) =>
          acknowledge(type, type === 'reject' ? { reason: 'broken' } : { delayMs: 0 }),
      })
      const error = await errorOf(context.done(ask(context.tab(), 1)))
      expect(error).toMatchObject({ code: 'REQUEST_FAILED', details: { message } })
      expect(worker.started).toHaveLength(deliveries)
    })(),
  )

  test(
    'after it has released the message is not: another may do better',
    inContext(async (context) => {
      await context.topic('orders')
      await work(context, context.tab(), {
        onMessage: async ({ deliveryCount, acknowledge, reply }) => {
          if (deliveryCount > 1) return reply('better')
          await acknowledge('release', { delayMs: 10 })
          throw failure
        },
      })
      expect(await context.done(ask(context.tab(), 1))).toBe('better')
    }),
  )

  test(
    'after its lock was lost is not: another has the message',
    inContext(async (context) => {
      await context.topic('orders')
      const lost = deferred<void>()
      const first = await work(context, context.tab(), {
        lockDurationMs: 1_000,
        onMessage: async ({ signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          lost.resolve()
          throw failure
        },
      })
      const answer = ask(context.tab(), 1)
      await context.until(() => first.started.length === 1)
      await work(context, context.tab(), {
        lockDurationMs: 1_000,
        onMessage: async ({ reply }) => {
          await lost.promise
          await reply('mine now')
        },
      })
      expect(await context.done(answer)).toBe('mine now')
    }),
  )

  test(
    'after it has answered changes nothing',
    inContext(async (context) => {
      await context.topic('orders')
      await read(context, context.tab(), {
        onMessage: async ({ reply }) => {
          void reply('first')
          throw failure
        },
      })
      expect(await context.done(ask(context.tab(), 1))).toBe('first')
    }),
  )
})
