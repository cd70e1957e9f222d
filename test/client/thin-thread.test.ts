import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/testing/index.js'

test('a message sent is received, by one consumer of the group', async () => {
  await using broker = memoryBroker()
  const mq = broker.client()
  await mq.admin().createTopics({ topics: [{ topic: 'orders', numPartitions: 6 }] })
  const producer = mq.producer()
  const sent = await producer.send({
    topic: 'orders',
    messages: Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: { i } })),
  })
  expect(sent.length).toBe(6)
  const consumer = mq.consumer({ groupId: 'g' })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  const seen: unknown[] = []
  const all = new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        seen.push((message.value as { i: number }).i)
        if (seen.length === 100) resolve()
      },
    })
  })
  await all
  expect(seen.length).toBe(100)
  await consumer.stop()
  const [group] = await mq.admin().describeGroups(['g'])
  expect(group?.offsets.reduce((sum, o) => sum + o.lag, 0)).toBe(0)
})
