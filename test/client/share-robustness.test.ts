/** What goes wrong around a share consumer, and what must not come of it. */
import { describe, expect, test } from 'vitest'
import type { TabmqError } from '../../src/protocol/errors.js'
import type { ShareDelivery } from '../../src/client/share/share-delivery.js'
import { inContext, type ClientContext } from './client-context.js'
import { produce, range } from './reader.js'
import { work, Worker } from './share-worker.js'

const DEAD = 'orders.dead'
const LARGE_BYTES = 900_000

async function group(context: ClientContext) {
  const [found] = await context.done(context.admin.describeShareGroups(['q']))
  return found
}

/** So many messages, each in a batch of its own that is nearly as large as it may be. */
async function produceLarge(context: ClientContext, count: number): Promise<void> {
  const producer = context.producerTab.mq.producer()
  for (const n of range(count)) {
    const messages = [{ key: `k${n}`, value: new Uint8Array(LARGE_BYTES) }]
    await context.done(producer.send({ topic: 'orders', messages }))
  }
}

describe('onDelivery', () => {
  test(
    'a slow handler does not lose what waits behind it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(200))
      const worker = await work(context, context.tab(), {
        acknowledgement: 'onDelivery',
        onMessage: async ({ message }) => {
          if (message.value !== 50) return
          await new Promise<void>((resolve) => {
            context.clock.schedule(1_000, resolve)
          })
        },
      })
      await context.advance(60_000)
      expect((await group(context))?.partitions[0]?.counters.accepted).toBe(200)
      expect(worker.values).toHaveLength(200)
    }),
  )

  test(
    'a stop does not lose what was prefetched',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(200))
      const first: Worker = new Worker(context.tab(), {
        acknowledgement: 'onDelivery',
        onMessage: ({ message }) => {
          if (message.value === 50) void first.consumer.stop()
        },
      })
      await first.consumer.subscribe({ topics: ['orders'] })
      await context.done(first.run())
      await context.advance(10_000)
      const second = await work(context, context.tab())
      await context.advance(60_000)
      expect([...first.values, ...second.values]).toHaveLength(200)
    }),
  )
})

test(
  'a backlog of large messages is delivered',
  inContext(async (context) => {
    await context.topic('orders')
    await produceLarge(context, 30)
    const worker = await work(context, context.tab())
    await context.advance(600_000)
    expect(worker.handled).toHaveLength(30)
  }),
  60_000,
)

describe('a message with much behind it', () => {
  test(
    'is dead-lettered, not dropped',
    inContext(async (context) => {
      await context.topic('orders')
      await produceLarge(context, 60)
      await work(context, context.tab(), {
        deadLetterTopic: DEAD,
        deliveryCountLimit: 2,
        onMessage: ({ message }) => {
          if (message.key === 'k0') throw new Error('poison')
        },
      })
      await context.advance(300_000)
      const [dead = []] = await context.stored(DEAD).catch(() => [[]])
      expect(dead.map(({ key }) => key)).toEqual(['k0'])
    }),
    60_000,
  )

  test(
    'comes again after its backoff',
    inContext(async (context) => {
      await context.topic('orders')
      await produceLarge(context, 60)
      const tries: number[] = []
      await work(context, context.tab(), {
        onMessage: ({ message, deliveryCount }) => {
          if (message.key !== 'k0') return
          tries.push(deliveryCount)
          if (tries.length === 1) throw new Error('once')
        },
      })
      await context.advance(600_000)
      expect(tries).toEqual([1, 2])
    }),
    60_000,
  )
})

test(
  'explicit: a handler that throws says nothing',
  inContext(async (context) => {
    await context.topic('orders')
    await produce(context, [1])
    let held: ShareDelivery | undefined
    await work(context, context.tab(), {
      acknowledgement: 'explicit',
      onMessage: (delivery) => {
        held ??= delivery
        throw new Error('after it was handed on to a batch')
      },
    })
    await context.until(() => held !== undefined)
    await held?.acknowledge('accept')
  }),
)

test(
  'an acceptance that the broker refuses is told to somebody',
  inContext(async (context) => {
    await context.topic('orders')
    await produce(context, [1])
    const tab = context.tab()
    const requests = tab.hold('shareAcknowledge', 'request')
    const worker = await work(context, tab, { lockDurationMs: 1_000 })
    await context.until(() => worker.handled.length === 1)
    await context.advance(5_000)
    requests.release()
    await context.advance(20_000)
    expect(worker.eventsOf('lockLost').length + worker.eventsOf('crash').length).toBeGreaterThan(0)
  }),
)

test(
  'what comes behind more expired messages than the group looks ahead is delivered at once',
  inContext(
    async (context) => {
      await context.topic('orders')
      const producer = context.producerTab.mq.producer()
      const messages = range(100).map((value) => ({ value, ttlMs: 1_000 }))
      await context.done(producer.send({ topic: 'orders', messages }))
      await context.advance(2_000)
      await produce(context, ['live'])
      const sinceMs = context.clock.nowMs
      const worker = await work(context, context.tab())
      await context.until(() => worker.handled.length === 1)
      expect(context.clock.nowMs - sinceMs).toBeLessThan(1_000)
    },
    { limits: { shareLookAheadRecordsMax: 10 } },
  ),
)

test(
  'a run that is stopped while it joins leaves no member behind',
  inContext(async (context) => {
    await context.topic('orders')
    const tab = context.tab()
    await context.done(tab.mq.connect())
    const worker = new Worker(tab)
    await worker.consumer.subscribe({ topics: ['orders'] })
    const running = worker.run()
    await Promise.resolve()
    const replies = tab.hold('joinShareGroup', 'reply')
    await context.settle()
    await context.done(worker.consumer.stop())
    replies.release()
    await context.done(running)
    await context.advance(60_000)
    expect((await group(context))?.members).toEqual([])
  }),
)

test(
  'renew lasts as long as the group says, not as long as this member would have it',
  inContext(async (context) => {
    await context.topic('orders')
    let abortedAfterMs: number | undefined
    await work(context, context.tab(), {
      lockDurationMs: 60_000,
      onMessage: async ({ renew, signal, deliveryCount }) => {
        if (deliveryCount > 1) return
        await renew()
        const fromMs = context.clock.nowMs
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            abortedAfterMs = context.clock.nowMs - fromMs
            resolve()
          })
        })
      },
    })
    // The options of the last that joined count: locks last for 10 s now.
    await work(context, context.tab(), { lockDurationMs: 10_000, topics: ['other'] })
    await produce(context, [1])
    await context.advance(120_000)
    expect(abortedAfterMs).toBeLessThanOrEqual(10_000)
  }),
)

test(
  'one message whose lock is over does not take the acceptance of its neighbour along',
  inContext(async (context) => {
    await context.topic('orders')
    await produce(context, [0, 1])
    const tab = context.tab()
    const outcome: Record<string, string> = {}
    const worker = await work(context, tab, { concurrency: 2, acknowledgement: 'explicit' })
    await context.until(() => worker.handled.length === 2)
    const [zero, one] = worker.handled
    await context.advance(20_000)
    await context.done(one?.renew() ?? Promise.resolve())
    await context.advance(9_000)
    // The tab is slow: what it says at 29 s arrives at 31 s.
    const requests = tab.hold('shareAcknowledge', 'request')
    for (const [name, delivery] of Object.entries({ zero, one })) {
      void delivery?.acknowledge('accept').then(
        () => (outcome[name] = 'ok'),
        (error: unknown) => (outcome[name] = (error as TabmqError).code),
      )
    }
    await context.advance(2_000)
    requests.release()
    await context.settle()
    await context.advance(1_000)
    expect(outcome).toEqual({ zero: 'INVALID_RECORD_STATE', one: 'ok' })
  }),
)

test(
  'a stop ends though the broker does not answer acknowledgements',
  inContext(async (context) => {
    await context.topic('orders')
    await produce(context, [1])
    const tab = context.tab()
    tab.hold('shareAcknowledge', 'reply')
    const worker = await work(context, tab)
    await context.until(() => worker.handled.length === 1)
    await context.done(worker.consumer.stop(), { withinMs: 30 * 60_000 })
  }),
)

test(
  'as many handlers run at once as asked for',
  inContext(async (context) => {
    await context.topic('orders')
    await produce(context, range(300))
    const worker = await work(context, context.tab(), {
      concurrency: 200,
      onMessage: async () => {
        await new Promise<void>((resolve) => {
          context.clock.schedule(1_000, resolve)
        })
      },
    })
    await context.advance(10_000)
    expect(worker.mostAtOnce).toBe(200)
  }),
)
