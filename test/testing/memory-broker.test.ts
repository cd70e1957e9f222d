/** `tabmq/testing`: the in-memory broker as users have it, under a clock that only moves when told. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TabmqError, type Consumer, type ReceivedMessage, type Tabmq } from '../../src/index.js'
import { memoryBroker, type MemoryBroker } from '../../src/testing/index.js'
import { MemoryHost } from '../../src/testing/memory-host.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

/** Lets `ms` pass. */
function pass(ms: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms)
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

async function withOrders(broker: MemoryBroker, numPartitions = 1): Promise<Tabmq> {
  const mq = broker.client()
  await mq.admin().createTopics({ topics: [{ topic: 'orders', numPartitions }] })
  return mq
}

async function collect(
  mq: Tabmq,
  groupId = 'g',
): Promise<{ received: ReceivedMessage[] } & { consumer: Consumer }> {
  const received: ReceivedMessage[] = []
  const consumer = mq.consumer({ groupId })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await consumer.run({ eachMessage: ({ message }) => void received.push(message) })
  return { received, consumer }
}

test('a message sent in one tab is received in another', async () => {
  await using broker = memoryBroker()
  const mq = await withOrders(broker)
  const { received } = await collect(broker.client())
  await mq.producer().send({ topic: 'orders', messages: [{ key: 'a', value: { id: 1 } }] })
  await pass(10)
  expect(received).toMatchObject([{ key: 'a', value: { id: 1 }, offset: 0 }])
})

test('each client is a tab of its own', async () => {
  await using broker = memoryBroker()
  const clients = [broker.client({ clientId: 'left' }), broker.client({ clientId: 'right' })]
  for (const client of clients) await client.connect()
  const { sessions } = await (clients[0] ?? broker.client()).admin().describeCluster()
  expect(sessions.map(({ clientId }) => clientId)).toEqual(['left', 'right'])
})

test('values cross as copies: what is changed on one side stays there', async () => {
  await using broker = memoryBroker()
  const mq = await withOrders(broker)
  const a = await collect(broker.client(), 'a')
  const b = await collect(broker.client(), 'b')
  const value = { list: [1] }
  await mq.producer().send({ topic: 'orders', messages: [{ value }] })
  value.list.push(2)
  await pass(10)
  const [first] = a.received
  const changed = first?.value as typeof value
  changed.list.push(3)
  expect(b.received[0]?.value).toEqual({ list: [1] })
})

test('two brokers know nothing of each other', async () => {
  await using one = memoryBroker()
  await using other = memoryBroker()
  await withOrders(one)
  expect(await other.client().admin().listTopics()).toEqual([])
})

test('limits can be set, so that a test reaches them', async () => {
  await using broker = memoryBroker({ limits: { partitionsPerTopicMax: 2 } })
  const topics = [{ topic: 'orders', numPartitions: 3 }]
  await expect(broker.client().admin().createTopics({ topics })).rejects.toMatchObject({
    code: 'INVALID_PARTITIONS',
  })
})

test.each<[what: string, options: unknown]>([
  ['an option that there is not', { limit: {} }],
  ['a limit that there is not', { limits: { tailByte: 1 } }],
  ['a limit that is none', { limits: { batchBytesMax: -1 } }],
  ['no object', 5],
])('%s is refused', (_, options) => {
  expect(() => memoryBroker(options as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_CONFIG' }),
  )
})

test('codecs of one’s own work as in a page', async () => {
  const codec = {
    id: 77,
    name: 'mine',
    encode: (value: unknown) => new TextEncoder().encode(`<${String(value)}>`),
    decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes).slice(1, -1),
  }
  await using broker = memoryBroker()
  await withOrders(broker)
  const mq = broker.client({ codecs: [codec] })
  await mq.producer({ codec }).send({ topic: 'orders', messages: [{ value: 'a' }] })
  const { received } = await collect(mq)
  await pass(10)
  expect(received[0]?.value).toBe('a')
})

test('fake timers drive all of it: lingering, intervals, session timeouts', async () => {
  await using broker = memoryBroker()
  const mq = await withOrders(broker)
  const { received } = await collect(broker.client())
  const send = mq.producer({ lingerMs: 5_000 }).send({ topic: 'orders', messages: [{ value: 1 }] })
  await pass(4_900)
  expect(received).toHaveLength(0)
  await pass(200)
  await send
  expect(received).toHaveLength(1)
})

test('an interval of more than a timer can wait is no interval of nothing', async () => {
  const waits: number[] = []
  const { setTimeout: fake } = globalThis
  vi.stubGlobal('setTimeout', (work: () => void, delayMs = 0) => {
    waits.push(delayMs)
    return fake(work, delayMs)
  })
  await using broker = memoryBroker({ limits: { retentionCheckIntervalMs: 2 ** 31 } })
  const mq = await withOrders(broker)
  await mq.producer().send({ topic: 'orders', messages: [{ value: 1 }] })
  const consumer = mq.consumer({ groupId: 'g' })
  let commits = 0
  consumer.on('commitOffsets', () => void (commits += 1))
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await consumer.run({ autoCommitInterval: 2 ** 31, eachMessage: () => {} })
  await pass(1_000)
  expect(commits).toBe(0)
  expect(Math.max(...waits)).toBe(2 ** 31 - 1)
})

describe('restart', () => {
  test('keeps the data, and every tab goes on', async () => {
    await using broker = memoryBroker()
    const mq = await withOrders(broker, 2)
    const { received } = await collect(broker.client())
    const producer = mq.producer()
    const before = await mq.admin().describeCluster()
    for (const value of range(5)) {
      await producer.send({ topic: 'orders', messages: [{ value }] })
      await broker.restart()
    }
    await pass(5_000)
    expect(received.map(({ value }) => value)).toEqual(range(5))
    const after = await mq.admin().describeCluster()
    expect(after.brokerEpoch).toBe(before.brokerEpoch + 5)
    expect(after.incarnation).not.toBe(before.incarnation)
  })

  test('under way, a thousand sends are each there once and in order (rule 26)', async () => {
    await using broker = memoryBroker()
    const mq = await withOrders(broker, 3)
    const producer = mq.producer()
    const sends = range(1_000).map((value) =>
      producer.send({ topic: 'orders', messages: [{ key: `k${value % 7}`, value }] }),
    )
    await Promise.all([broker.restart(), broker.restart()])
    await pass(60_000)
    await Promise.all(sends)
    const { received } = await collect(broker.client())
    await pass(1_000)
    expect(received.map(({ value }) => value).sort((a, b) => Number(a) - Number(b))).toEqual(
      range(1_000),
    )
    for (const key of range(7)) {
      const values = received.filter((one) => one.key === `k${key}`).map((one) => Number(one.value))
      expect(values).toEqual([...values].sort((a, b) => a - b))
    }
  })

  test('is refused after close', async () => {
    const broker = memoryBroker()
    await broker.close()
    await expect(broker.restart()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('close', () => {
  test('flushes and stops what its clients have open, and leaves no timer', async () => {
    const broker = memoryBroker()
    const mq = await withOrders(broker)
    const { received, consumer } = await collect(broker.client())
    await pass(10)
    const send = mq.producer({ lingerMs: 50_000 }).send({
      topic: 'orders',
      messages: [{ value: 1 }],
    })
    await broker.close()
    expect(await send).toHaveLength(1)
    expect(consumer.assignment()).toEqual([])
    expect(received.length).toBeLessThanOrEqual(1)
    expect(vi.getTimerCount()).toBe(0)
    await expect(mq.admin().listTopics()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test('can be repeated, and waits for the first', async () => {
    const broker = memoryBroker()
    const mq = await withOrders(broker)
    await mq.connect()
    const first = broker.close()
    await broker.close()
    await first
    await broker[Symbol.asyncDispose]()
  })

  test('a client made or used after it fails at once', async () => {
    const broker = memoryBroker()
    const late = broker.client()
    await broker.close()
    const failed = await broker
      .client()
      .connect()
      .catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(TabmqError)
    expect(failed).toMatchObject({ code: 'ILLEGAL_STATE', retriable: false })
    await expect(late.connect()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test('await using closes at the end of the block', async () => {
    let mq: Tabmq
    {
      await using broker = memoryBroker()
      mq = broker.client()
      await mq.connect()
    }
    await expect(mq.connect()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

test('an error that nobody listens for reaches the host, which makes it an unhandled rejection', async () => {
  const reason = new Error('mine')
  const report = vi.spyOn(MemoryHost.prototype, 'reportError').mockImplementation(() => {})
  await using broker = memoryBroker()
  const mq = await withOrders(broker)
  const consumer = mq.consumer({ groupId: 'g' })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await consumer.run({
    eachMessage: () => {
      throw reason
    },
  })
  await mq.producer().send({ topic: 'orders', messages: [{ value: 1 }] })
  await pass(10)
  expect(report.mock.calls).toEqual([[reason]])
  await broker.close()
  report.mockRestore()
})
