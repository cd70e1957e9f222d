/** A tab that reaches a limit of its own: it waits and goes on, and nothing is lost. */
import { afterEach, expect, it, vi } from 'vitest'
import type { BrokerLimits } from '../../src/protocol/limits.js'
import { memoryBroker, type MemoryBroker } from '../../src/testing/index.js'

let broker: MemoryBroker

afterEach(() => broker.close())

async function started(limits: Partial<BrokerLimits>) {
  broker = memoryBroker({ limits })
  const mq = broker.client()
  await mq.admin().createTopics({ topics: [{ topic: 'orders', numPartitions: 4 }] })
  return mq
}

it('a producer that sends more than may wait for the disk delivers all of it, once', async () => {
  const mq = await started({ sessionBufferedBytesMax: 30_000 })
  const producer = mq.producer({ batchSize: 10_000 })
  const value = 'x'.repeat(9_000)
  const sends = Array.from({ length: 60 }, (_, index) =>
    producer.send({ topic: 'orders', messages: [{ partition: index % 4, value }] }),
  )
  const offsets = (await Promise.all(sends)).map(([sent]) => sent?.baseOffset)
  expect(offsets).toEqual(Array.from({ length: 60 }, (_, index) => Math.floor(index / 4)))
})

it('a consumer that is one too many joins when there is room', async () => {
  const mq = await started({ sessionMembersMax: 1 })
  const [first, second] = [mq.consumer({ groupId: 'a' }), mq.consumer({ groupId: 'b' })]
  const crashes: unknown[] = []
  second.on('crash', (crash) => crashes.push(crash))
  for (const consumer of [first, second]) await consumer.subscribe({ topics: ['orders'] })
  await first.run({ eachMessage: async () => {} })
  const running = second.run({ eachMessage: async () => {} })
  await vi.waitFor(() => expect(first.assignment()).toHaveLength(4))
  await first.stop()
  await running
  await vi.waitFor(() => expect(second.assignment()).toHaveLength(4))
  expect(crashes).toEqual([])
})

it('a consumer that is one too many stops waiting when it is stopped', async () => {
  const mq = await started({ sessionMembersMax: 1 })
  const [first, second] = [mq.consumer({ groupId: 'a' }), mq.consumer({ groupId: 'b' })]
  for (const consumer of [first, second]) await consumer.subscribe({ topics: ['orders'] })
  await first.run({ eachMessage: async () => {} })
  const running = second.run({ eachMessage: async () => {} })
  await second.stop()
  await running
  expect(second.assignment()).toEqual([])
})

it('a consumer whose fetch is one too many fetches when there is room', async () => {
  const mq = await started({ sessionFetchesMax: 1 })
  const handled = { a: 0, b: 0 }
  const consumers = []
  for (const groupId of ['a', 'b'] as const) {
    const consumer = mq.consumer({ groupId, maxWaitMs: 20 })
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({
      eachMessage: async () => {
        handled[groupId] += 1
      },
    })
    consumers.push(consumer)
  }
  const messages = Array.from({ length: 20 }, (_, value) => ({ partition: value % 4, value }))
  await mq.producer().send({ topic: 'orders', messages })
  await vi.waitFor(() => expect(Math.max(handled.a, handled.b)).toBe(20))
  await consumers[handled.a === 20 ? 0 : 1]?.stop()
  await vi.waitFor(() => expect(handled).toEqual({ a: 20, b: 20 }), { timeout: 10_000 })
})
