/**
 * What is loaded when it is first used. No test of this file may import every-part.ts, as most do: each test
 * has modules of its own, of which nothing is loaded yet.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { ReceivedMessage } from '../../src/index.js'
import { deferred } from '../../src/std/deferred.js'

async function openClient() {
  const { Broker: BrokerClass } = await import('../../src/broker/runtime/broker.js')
  const { MemoryDatabase, MemoryStorage } =
    await import('../../src/broker/runtime/memory-storage.js')
  const { optionsWithHost, Tabmq } = await import('../../src/client/tabmq.js')
  const { MemoryHost } = await import('../../src/testing/memory-host.js')
  const broker: Broker = await BrokerClass.start({
    storage: new MemoryStorage(new MemoryDatabase()),
    clock: { nowMs: () => Date.now() },
    timer: {
      schedule(delayMs, callback) {
        const id = setTimeout(callback, delayMs)
        return () => clearTimeout(id)
      },
    },
    random: { freshId: () => crypto.randomUUID() },
    logger: { warn: () => {}, error: () => {} },
    limits: (await import('../../src/protocol/limits.js')).BROKER_LIMITS,
  })
  const host = new MemoryHost({ current: () => Promise.resolve(broker), onGone: () => () => {} })
  const mq = new Tabmq(optionsWithHost({}, host))
  await mq.admin().createTopics({ topics: [{ topic: 'orders' }] })
  return {
    mq,
    async [Symbol.asyncDispose]() {
      await mq.close()
      await broker.close()
    },
  }
}

beforeEach(() => {
  vi.resetModules()
})

describe('what is used while its code is being loaded', () => {
  it('asks an administrator in the order of the calls', async () => {
    await using client = await openClient()
    const admin = client.mq.admin()
    const made = admin.declareExchange({ exchange: 'events', type: 'fanout' })
    const [, exchanges] = await Promise.all([made, admin.listExchanges()])
    expect(exchanges).toHaveLength(1)
    expect(await admin.listTopics()).toEqual(['orders'])
    for await (const state of admin.watch()) {
      expect(state.topics.map(({ topic }) => topic)).toEqual(['orders'])
      break
    }
  })

  it('publishes what was there at the call, in the order of the calls', async () => {
    await using client = await openClient()
    const { mq } = client
    await mq.admin().declareExchange({ exchange: 'events', type: 'fanout' })
    await mq.admin().bind({ exchange: 'events', topic: 'orders' })
    const producer = mq.producer()
    const value = { id: 0, bytes: Uint8Array.of(1) }
    const sends: Promise<unknown>[] = []
    for (let id = 0; id < 5; id++) {
      value.id = id
      sends.push(producer.publish({ exchange: 'events', messages: [{ key: 'k', value }] }))
    }
    sends.push(producer.publish({ exchange: 'events', messages: [] }))
    value.bytes.fill(9)
    // Whoever comes right behind the first must not pass those that wait.
    void sends[0]?.then(() =>
      producer.publish({ exchange: 'events', messages: [{ value: 'last' }] }),
    )
    await Promise.all(sends)
    await producer.flush()
    const seen: unknown[] = []
    const all = deferred<void>()
    const consumer = mq.consumer({ groupId: 'readers' })
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({
      eachMessage: ({ message }: { message: ReceivedMessage }) => {
        seen.push(message.value)
        if (seen.length === 6) all.resolve()
      },
    })
    await all.promise
    expect(seen).toEqual([
      ...[0, 1, 2, 3, 4].map((id) => ({ id, bytes: Uint8Array.of(1) })),
      'last',
    ])
  })

  it('refuses at once what cannot be published', async () => {
    await using client = await openClient()
    const producer = client.mq.producer()
    await expect(producer.publish({ exchange: 'events' } as never)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    })
    await expect(
      producer.publish({ exchange: 'events', messages: [{ value: () => 1 }] }),
    ).rejects.toMatchObject({ code: 'SERIALIZATION_FAILED' })
  })

  it('asks with the value that was there at the call, and is answered', async () => {
    await using client = await openClient()
    const { mq } = client
    const worker = mq.shareConsumer({ groupId: 'workers' })
    await worker.subscribe({ topics: ['orders'] })
    await worker.run({ eachMessage: ({ message, reply }) => void reply(message.value) })
    const value = { words: 'blue' }
    const answer = mq.request({ topic: 'orders', value })
    value.words = 'red'
    expect(await answer).toEqual({ words: 'blue' })
    await expect(mq.request(null as never)).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })

  it('does not begin what was stopped meanwhile', async () => {
    await using client = await openClient()
    const { mq } = client
    const worker = mq.shareConsumer({ groupId: 'workers' })
    await worker.subscribe({ topics: ['orders'] })
    const running = worker.run({ eachMessage: () => {} })
    await worker.stop()
    await running
    expect(await mq.admin().describeShareGroups()).toEqual([])
    const consumer = mq.consumer({ groupId: 'counters' })
    await consumer.subscribe({ topics: ['orders'] })
    const counting = consumer.run({ transactionalStore: 'counts', eachMessage: () => undefined })
    await consumer.stop()
    await counting
    expect(consumer.assignment()).toEqual([])
  })

  it('runs once, however often it is asked to', async () => {
    await using client = await openClient()
    const worker = client.mq.shareConsumer({ groupId: 'workers' })
    await worker.subscribe({ topics: ['orders'] })
    const runs = [1, 2].map(() => worker.run({ eachMessage: () => {} }))
    const [first, second] = await Promise.allSettled(runs)
    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ILLEGAL_STATE' } })
  })

  it('reads and watches a store', async () => {
    await using client = await openClient()
    const store = client.mq.store('balances')
    await store.put('anna', 12)
    expect(await store.entries()).toEqual([['anna', 12]])
    const told: unknown[] = []
    const stop = await store.watch(({ changes }) => told.push([...changes]))
    expect(told).toEqual([[['anna', 12]]])
    stop()
  })

  it('counts into a store', async () => {
    await using client = await openClient()
    const { mq } = client
    await mq.producer().send({ topic: 'orders', messages: [{ value: 'anna' }, { value: 'ben' }] })
    const consumer = mq.consumer({ groupId: 'counters' })
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({
      transactionalStore: 'seen',
      eachMessage: ({ message }) => ({ puts: { [String(message.value)]: message.offset } }),
    })
    const store = mq.store('seen')
    await vi.waitFor(async () => {
      expect(await store.entries()).toEqual([
        ['anna', 0],
        ['ben', 1],
      ])
    })
  })
})

it('says of code that cannot be loaded that it may come, and loads it then', async () => {
  const { Part } = await import('../../src/client/part.js')
  const failures = [new TypeError('Failed to fetch'), new TypeError('Failed to fetch')]
  const part = new Part('exchanges', async () => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    return { here: true }
  })
  for (let tries = 0; tries < 2; tries++) {
    await expect(part.load()).rejects.toMatchObject({
      code: 'CODE_NOT_LOADED',
      retriable: true,
      details: { part: 'exchanges' },
      cause: { message: 'Failed to fetch' },
    })
    expect(part.loaded).toBeUndefined()
  }
  expect(await part.load()).toEqual({ here: true })
  expect(part.loaded).toEqual({ here: true })
})

it('is all here where tabmq is imported whole', async () => {
  const whole = await import('../../src/whole.js')
  const parts = await import('../../src/client/parts.js')
  const index = await import('../../src/index.js')
  expect(Object.keys(whole)).toEqual(Object.keys(index))
  for (const part of Object.values(parts)) expect(part.loaded).toBeDefined()
})
