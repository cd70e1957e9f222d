/** A producer that has more to send than the broker can write. */
import { expect, test, vi } from 'vitest'
import type { Producer } from '../../src/client/producer/producer.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { inContext, type ClientContext, type Tab } from './client-context.js'

/** Two of these are enough for the broker to do. */
const LARGE = 'x'.repeat(100_000)

async function busyProducer(context: ClientContext, tab: Tab): Promise<Producer> {
  await context.topic('orders', 3)
  const producer = tab.mq.producer({ codec: 'text' })
  for (const partition of [0, 1, 2]) {
    await context.done(
      producer.send({ topic: 'orders', messages: [{ partition, value: 'first' }] }),
    )
  }
  return producer
}

const sendLarge = (producer: Producer) =>
  producer.send({ topic: 'orders', messages: [{ partition: 0, value: LARGE }] })

test(
  'while enough is on its way, what is added stays together',
  inContext(async (context) => {
    const tab = context.tab()
    const producer = await busyProducer(context, tab)
    const before = tab.requestsOf('produce').length
    const replies = tab.hold('produce', 'reply')
    const sends = Array.from({ length: 6 }, () => sendLarge(producer))
    await context.until(() => replies.size === 2)
    await context.advance(100)
    expect(tab.requestsOf('produce').length - before).toBe(2)
    replies.release()
    await context.done(Promise.all(sends))
    expect(tab.requestsOf('produce').length - before).toBe(3)
    const [log] = await context.stored('orders')
    expect(log).toHaveLength(7)
  }),
)

test(
  'what is small goes out though much is on its way, until two requests are',
  inContext(async (context) => {
    const tab = context.tab()
    const producer = await busyProducer(context, tab)
    const requests = tab.hold('produce', 'request')
    void sendLarge(producer)
    await context.until(() => requests.size === 1)
    const small = producer.send({ topic: 'orders', messages: [{ partition: 1, value: 'small' }] })
    await context.until(() => requests.size === 2)
    requests.release()
    await context.done(small)
  }),
)

test(
  'a producer that always has more does not hold up what is sent with other acks',
  inContext(async (context) => {
    const tab = context.tab()
    const producer = await busyProducer(context, tab)
    const replies = tab.hold('produce', 'reply')
    const more = () => void sendLarge(producer).catch(() => {})
    for (let count = 0; count < 4; count++) more()
    await context.until(() => replies.size === 2)
    const strict = producer.send({
      topic: 'orders',
      acks: -1,
      messages: [{ partition: 1, value: 'strict' }],
    })
    for (let round = 0; round < 20; round++) {
      more()
      replies.releaseOne()
      await context.settle()
    }
    expect(await Promise.race([strict, Promise.resolve('not sent')])).toMatchObject([
      { partition: 1 },
    ])
    replies.release()
    await context.done(producer.flush())
  }),
)

test(
  'partitions for which a request has no room come first in the next',
  inContext(async (context) => {
    const partitions = Array.from({ length: 12 }, (_, partition) => partition)
    await context.topic('orders', partitions.length)
    const tab = context.tab()
    const producer = tab.mq.producer({ codec: 'text' })
    const send = (value: string) =>
      Promise.all(
        partitions.map((partition) =>
          producer.send({ topic: 'orders', messages: [{ partition, value }] }),
        ),
      )
    await context.done(send('first'))
    const before = tab.requestsOf('produce').length
    const replies = tab.hold('produce', 'reply')
    // As large as a message may be: not nearly all of one go into a request.
    const large = 'x'.repeat(1_000_000)
    const sends = [send(large), send(large)]
    for (let answered = 0; answered < 2; answered++) {
      await context.settle()
      replies.releaseOne()
    }
    await context.settle()
    const asked = tab.requestsOf('produce').slice(before)
    const reached = new Set(
      asked.flatMap(({ batches }) => batches.map(({ partitionId }) => partitionId)),
    )
    expect(reached.size).toBe(partitions.length)
    replies.release()
    await context.done(Promise.all(sends))
  }),
)

test(
  'a retry that is due while enough is on its way waits for an answer, not for a timer again and again',
  inContext(async (context) => {
    const tab = context.tab()
    const producer = await busyProducer(context, tab)
    const requests = tab.hold('produce', 'request')
    context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'the disk says no'))
    const retried = producer.send({ topic: 'orders', messages: [{ partition: 1, value: 'again' }] })
    await context.until(() => requests.size === 1)
    const large = [sendLarge(producer)]
    await context.until(() => requests.size === 2)
    requests.releaseOne()
    large.push(sendLarge(producer))
    await context.until(() => requests.size === 2)
    const timers = vi.spyOn(context.clock, 'schedule')
    await context.advance(5_000)
    expect(timers.mock.calls.length).toBeLessThan(50)
    requests.release()
    await context.done(Promise.all([retried, ...large]))
  }),
)
