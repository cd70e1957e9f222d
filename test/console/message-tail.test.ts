/** How the message browser follows a topic, on the broker in memory. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { inOrder, type MessageRow } from '../../src/console/messages/message-row.js'
import { MessageTail, type TailOptions } from '../../src/console/messages/message-tail.js'
import type { TopicState } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

const broker = memoryBroker()
const mq = broker.client()
const admin = mq.admin()
const producer = mq.producer()
let topicName = ''
let count = 0

afterAll(() => broker.close())
beforeEach(async () => {
  count += 1
  topicName = `topic-${count}`
  await admin.createTopics({ topics: [{ topic: topicName, numPartitions: 2 }] })
})

async function now(): Promise<TopicState> {
  for await (const { topics } of admin.watch()) {
    return topics.find(({ topic }) => topic === topicName) as TopicState
  }
  throw new Error('no state')
}

async function send(from: number, until: number, partition?: number): Promise<void> {
  const messages = Array.from({ length: until - from }, (_, at) => ({
    value: from + at,
    partition: partition ?? (from + at) % 2,
    timestamp: 1_000 + from + at,
  }))
  await producer.send({ topic: topicName, messages })
}

async function follow(options: Partial<TailOptions> = {}): Promise<MessageTail> {
  return new MessageTail({ admin, topic: await now(), accepts: () => true, ...options })
}

async function step(tail: MessageTail) {
  const { rows, ...counts } = await tail.next(await now())
  return { values: rows.map((row) => (row as MessageRow).value), ...counts }
}

describe('a tail', () => {
  test('shows what comes after it was made, once, in order', async () => {
    await send(0, 10)
    const tail = await follow()
    expect(await step(tail)).toEqual({ values: [], looked: 0, missed: 0 })
    await send(10, 15)
    expect(await step(tail)).toEqual({ values: [10, 11, 12, 13, 14], looked: 5, missed: 0 })
    await send(15, 16)
    expect(await step(tail)).toEqual({ values: [15], looked: 1, missed: 0 })
  })

  test('shows only the partition and the messages that are wanted', async () => {
    const tail = await follow({ partition: 1, accepts: ({ value }) => Number(value) > 2 })
    await send(0, 8)
    expect(await step(tail)).toEqual({ values: [3, 5, 7], looked: 4, missed: 0 })
  })

  test('of more than it can show it takes the newest, and counts the others', async () => {
    const tail = await follow()
    await send(0, 1_500, 0)
    await send(1_500, 3_000, 1)
    const { values, looked, missed } = await step(tail)
    expect({ looked, missed }).toEqual({ looked: 1_000, missed: 2_000 })
    expect(values).toHaveLength(1_000)
    expect(values.slice(0, 2)).toEqual([1_000, 1_001])
    expect(values.at(-1)).toBe(2_999)
  })

  test('shows partitions that are added, whole', async () => {
    const tail = await follow()
    await admin.createPartitions({ topicPartitions: [{ topic: topicName, count: 3 }] })
    await send(0, 3, 2)
    expect(await step(tail)).toMatchObject({ values: [0, 1, 2] })
  })

  test('begins anew with a topic that was deleted and made again', async () => {
    await send(0, 10)
    const tail = await follow()
    await admin.deleteTopics({ topics: [topicName] })
    await admin.createTopics({ topics: [{ topic: topicName, numPartitions: 2 }] })
    await send(100, 103)
    expect(await step(tail)).toMatchObject({ values: [100, 101, 102] })
  })

  test('passes what was deleted before it was looked at', async () => {
    const tail = await follow()
    await send(0, 10, 0)
    await admin.deleteTopicRecords({ topic: topicName, partitions: [{ partition: 0, offset: 8 }] })
    expect(await step(tail)).toEqual({ values: [8, 9], looked: 2, missed: 0 })
  })

  test('does not look at what cannot be read yet', async () => {
    const readableUpTo = (state: TopicState, highWatermark: number): TopicState => ({
      ...state,
      partitions: state.partitions.map((one) =>
        one.partition === 0 ? { ...one, highWatermark } : one,
      ),
    })
    await send(0, 3, 0)
    const tail = new MessageTail({
      admin,
      topic: readableUpTo(await now(), 2),
      accepts: () => true,
    })
    expect(await tail.next(readableUpTo(await now(), 2))).toEqual({
      rows: [],
      looked: 0,
      missed: 0,
    })
    await send(3, 5, 0)
    const { rows, looked } = await tail.next(readableUpTo(await now(), 4))
    expect(rows.map((row) => (row as MessageRow).value)).toEqual([2, 3])
    expect(looked).toBe(2)
    expect(await step(tail)).toEqual({ values: [4], looked: 1, missed: 0 })
  })

  test('tries again what it could not read', async () => {
    let isBroken = true
    const tail = await follow({
      admin: {
        fetchMessages: (options) =>
          isBroken && options.partition === 1
            ? Promise.reject(new Error('not now'))
            : admin.fetchMessages(options),
      },
    })
    await send(0, 4)
    await expect(step(tail)).rejects.toThrow('not now')
    isBroken = false
    expect(await step(tail)).toMatchObject({ values: [0, 1, 2, 3] })
  })
})

test('rows are in the order of time, and those of a partition in that of its log', () => {
  const row = (partition: number, offset: number, timestamp: number) =>
    ({ type: 'message', partition, offset, timestamp }) as MessageRow
  // Partition 0's second message says it is older than the first.
  const rows = [row(1, 0, 20), row(0, 1, 5), row(0, 0, 30), row(1, 1, 40), row(0, 2, 35)]
  const places = inOrder(rows).map(({ partition, offset }) => [partition, offset])
  expect(places).toEqual([
    [1, 0],
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 1],
  ])
})
