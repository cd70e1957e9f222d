/** What a producer makes of the messages it is given: where they go, how they travel, what comes back. */
import { describe, expect, test } from 'vitest'
import type { Message } from '../../src/client/message.js'
import { keyPartition } from '../../src/client/partitioner.js'
import { jsonCodec } from '../../src/codec/json-codec.js'
import { parseBatchHeader } from '../../src/protocol/batch-header.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { codeOf, inContext, type Tab } from './client-context.js'

const utf8 = new TextEncoder()

/** How many records each produce request of a tab carried. */
function recordsPerRequest(tab: Tab): number[] {
  return tab
    .requestsOf('produce')
    .map(({ batches }) =>
      batches.reduce((sum, { batch }) => sum + parseBatchHeader(batch).recordCount, 0),
    )
}

function numbered(count: number, from = 0): { value: number }[] {
  return Array.from({ length: count }, (_, index) => ({ value: from + index }))
}

describe('batching', () => {
  test(
    'a thousand sends without waiting make few requests, the first ones too',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const tab = context.tab()
      const producer = tab.mq.producer()
      const sends = (from: number) =>
        Promise.all(
          numbered(1_000, from).map((message) =>
            producer.send({
              topic: 'orders',
              messages: [{ key: `k${message.value}`, ...message }],
            }),
          ),
        )
      await sends(0)
      expect(tab.requestsOf('produce').length).toBeLessThanOrEqual(2)
      await sends(1_000)
      expect(tab.requestsOf('produce').length).toBeLessThanOrEqual(4)
      expect(tab.requestsOf('metadata')).toHaveLength(1)
      expect((await context.stored('orders')).flat()).toHaveLength(2_000)
    }),
  )

  test(
    'what is sent while requests are under way goes together into the next ones',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ lingerMs: 1 })
      await context.done(producer.send({ topic: 'orders', messages: [{ value: 0 }] }))
      const replies = tab.hold('produce', 'reply')
      const sends: Promise<unknown>[] = []
      for (let value = 1; value < 100; value++) {
        sends.push(producer.send({ topic: 'orders', messages: [{ value }] }))
        await context.advance(1)
      }
      // Five batches of a partition may be in flight, and the rest waits.
      expect(recordsPerRequest(tab)).toEqual([1, 1, 1, 1, 1, 1])
      replies.release()
      await Promise.all(sends)
      expect((await context.stored('orders'))[0]?.map(({ value }) => value)).toEqual(
        numbered(100).map(({ value }) => value),
      )
    }),
  )

  test(
    'waits lingerMs for more messages, and no longer',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ lingerMs: 50 })
      const first = producer.send({ topic: 'orders', messages: [{ value: 1 }] })
      await context.advance(30)
      const second = producer.send({ topic: 'orders', messages: [{ value: 2 }] })
      await context.advance(19)
      expect(tab.requestsOf('produce')).toHaveLength(0)
      await context.advance(1)
      expect(recordsPerRequest(tab)).toEqual([2])
      expect((await Promise.all([first, second])).flat().map((one) => one.baseOffset)).toEqual([
        0, 1,
      ])
    }),
  )

  test(
    'a send that is rejected for one partition has ended for the others too',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const tab = context.tab()
      const producer = tab.mq.producer({ lingerMs: 50 })
      const ends: string[] = []
      const send = async (name: string, partitions: readonly number[]) => {
        const messages = partitions.map((partition) => ({ partition, value: name }))
        ends.push(`${name} ${await codeOf(producer.send({ topic: 'orders', messages }))}`)
      }
      context.commitErrors.push(new TabmqError('STORAGE_FULL', 'no room on the disk'))
      const first = send('first', [0])
      await context.advance(30)
      const second = send('second', [0, 1])
      await context.advance(20)
      await first
      expect(ends).toEqual(['first STORAGE_FULL'])
      expect((await context.stored('orders')).map((log) => log.length)).toEqual([0, 0])
      await context.advance(30)
      await second
      expect(ends).toEqual(['first STORAGE_FULL', 'second STORAGE_FULL'])
      expect((await context.stored('orders')).map((log) => log.length)).toEqual([0, 1])
    }),
  )

  test(
    'a full batch does not linger',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ lingerMs: 60_000, batchSize: 10_000, codec: 'text' })
      const sends = Array.from({ length: 5 }, () =>
        producer.send({ topic: 'orders', messages: [{ value: 'x'.repeat(4_000) }] }),
      )
      await context.settle()
      // Two fit into one batch; the fifth is alone and lingers.
      expect(recordsPerRequest(tab)).toEqual([2, 2])
      await Promise.all(sends.slice(0, 4))
      await context.advance(60_000)
      await sends[4]
    }),
  )

  test(
    'no batch is larger than batchSize unless a single message is',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ batchSize: 10_000, codec: 'text' })
      const messages = [4_000, 4_000, 4_000, 30_000, 4_000].map((size) => ({
        value: 'x'.repeat(size),
      }))
      const [sent] = await context.done(producer.send({ topic: 'orders', messages }))
      expect(sent?.baseOffset).toBe(0)
      const sizes = tab
        .requestsOf('produce')
        .flatMap(({ batches }) => batches.map(({ batch }) => batch.byteLength))
      expect(sizes.filter((size) => size > 10_200)).toHaveLength(1)
      const [log] = await context.stored('orders')
      expect(log?.map(({ value }) => (value as string).length)).toEqual([
        4_000, 4_000, 4_000, 30_000, 4_000,
      ])
    }),
  )

  test(
    'messages of several topics and partitions go together in one request',
    inContext(async (context) => {
      await context.topic('orders', 4)
      await context.topic('refunds', 2)
      const tab = context.tab()
      const producer = tab.mq.producer()
      const everywhere = (numPartitions: number) =>
        Array.from({ length: numPartitions }, (_, partition) => ({ partition, value: partition }))
      const topicMessages = [
        { topic: 'orders', messages: everywhere(4) },
        { topic: 'refunds', messages: everywhere(2) },
      ]
      await producer.sendBatch({ topicMessages })
      const before = tab.requestsOf('produce').length
      await producer.sendBatch({ topicMessages })
      expect(tab.requestsOf('produce').length - before).toBe(1)
    }),
  )

  test(
    'a request is not much larger than 8 MiB: what is more goes into the next',
    inContext(async (context) => {
      await context.topic('orders', 20)
      const tab = context.tab()
      const producer = tab.mq.producer({ codec: 'bytes' })
      const value = new Uint8Array(1_000_000)
      const messages = numbered(20).map((message) => ({ partition: message.value, value }))
      expect(await context.done(producer.send({ topic: 'orders', messages }))).toHaveLength(20)
      expect(recordsPerRequest(tab)).toEqual([9, 9, 2])
    }),
  )

  test(
    'different acks never share a batch, and keep their order',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      const acks = [1, 1, -1, 0, 1, 0, -1] as const
      await Promise.all(
        acks.map((one, value) =>
          producer.send({ topic: 'orders', acks: one, messages: [{ value }] }),
        ),
      )
      const [log] = await context.stored('orders')
      expect(log?.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6])
      expect(tab.requestsOf('produce').map((request) => request.acks)).toEqual([1, -1, 0, 1, 0, -1])
    }),
  )
})

describe('where messages go', () => {
  test(
    'keyed messages go where every Kafka client would put them',
    inContext(async (context) => {
      await context.topic('orders', 7)
      const keys = ['21', 'foobar', 'a-little-bit-long-string', '0', '', 'ключ']
      await context
        .tab()
        .mq.producer()
        .send({ topic: 'orders', messages: keys.map((key) => ({ key, value: key })) })
      const log = await context.stored('orders')
      for (const key of keys) {
        const partition = keyPartition(utf8.encode(key), 7)
        expect(log[partition]?.map((record) => record.key)).toContain(key)
      }
      expect(log.flat()).toHaveLength(keys.length)
    }),
  )

  test(
    'a key of bytes goes where the string of the same bytes goes',
    inContext(async (context) => {
      await context.topic('orders', 7)
      const producer = context.tab().mq.producer()
      for (let index = 0; index < 20; index++) {
        const key = `user-${index}`
        const [asText] = await producer.send({ topic: 'orders', messages: [{ key, value: 1 }] })
        const [asBytes] = await producer.send({
          topic: 'orders',
          messages: [{ key: utf8.encode(key), value: 1 }],
        })
        expect(asBytes?.partition).toBe(asText?.partition)
      }
    }),
  )

  test(
    'unkeyed messages stay together in a batch and are spread over the partitions in time',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const producer = context.tab().mq.producer()
      for (let turn = 0; turn < 40; turn++) {
        const sent = await Promise.all(
          Array.from({ length: 5 }, () =>
            producer.send({
              topic: 'orders',
              messages: [{ value: turn }, { key: null, value: turn }],
            }),
          ),
        )
        expect(new Set(sent.flat().map(({ partition }) => partition)).size).toBe(1)
      }
      const sizes = (await context.stored('orders')).map((log) => log.length)
      expect(sizes).toEqual([100, 100, 100, 100])
    }),
  )

  test(
    'unkeyed messages are spread when batches are closed by lingerMs as well',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const producer = context.tab().mq.producer({ lingerMs: 10 })
      for (let turn = 0; turn < 40; turn++) {
        const sent = producer.send({ topic: 'orders', messages: [{ value: turn }] })
        await context.advance(10)
        await sent
      }
      expect((await context.stored('orders')).map((log) => log.length)).toEqual([10, 10, 10, 10])
    }),
  )

  test(
    'an explicit partition wins over key and partitioner',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const producer = context.tab().mq.producer({ partitioner: () => 0 })
      const sent = await producer.send({
        topic: 'orders',
        messages: [
          { key: 'a', value: 1, partition: 2 },
          { key: 'a', value: 2 },
        ],
      })
      expect(sent.map(({ partition }) => partition)).toEqual([2, 0])
    }),
  )

  test(
    'a partitioner of one’s own sees topic, partitions, key bytes and message, once per message',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const seen: unknown[] = []
      const producer = context.tab().mq.producer({
        partitioner: ({ topic, numPartitions, key, message }) => {
          seen.push([topic, numPartitions, key, message.value])
          return Number(message.value) % numPartitions
        },
      })
      const messages = [{ key: 'é', value: 4 }, { value: 5 }]
      const sent = await producer.send({ topic: 'orders', messages })
      expect(sent.map(({ partition }) => partition)).toEqual([1, 2])
      expect(seen).toEqual([
        ['orders', 3, utf8.encode('é'), 4],
        ['orders', 3, undefined, 5],
      ])
    }),
  )

  test(
    'a topic that gets more partitions is used in full without a new producer',
    inContext(async (context) => {
      await context.topic('orders', 1)
      const producer = context.tab().mq.producer()
      await producer.send({ topic: 'orders', messages: [{ value: 0 }] })
      expect(
        await codeOf(producer.send({ topic: 'orders', messages: [{ value: 0, partition: 3 }] })),
      ).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      await context.admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 4 }] })
      await context.settle()
      const messages = numbered(4).map((message) => ({ ...message, partition: message.value }))
      const sent = await producer.send({ topic: 'orders', messages })
      expect(sent.map(({ partition }) => partition)).toEqual([0, 1, 2, 3])
    }),
  )
})

describe('what send returns', () => {
  test(
    'one entry per partition, with the offset and timestamp of its first message',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const producer = context.tab().mq.producer()
      const at = (partition: number, timestamp: number) => ({ partition, timestamp, value: 0 })
      const messages = [at(2, 70), at(0, 50), at(2, 60), at(0, 40), at(0, 30)]
      await producer.send({ topic: 'orders', messages })
      const sent = await producer.send({ topic: 'orders', messages })
      expect(sent).toEqual([
        { topic: 'orders', partition: 2, baseOffset: 2, timestamp: 70 },
        { topic: 'orders', partition: 0, baseOffset: 3, timestamp: 50 },
      ])
    }),
  )

  test(
    'every one of many concurrent sends gets the offset of its own messages',
    inContext(async (context) => {
      await context.topic('orders', 3)
      const producer = context.tab().mq.producer({ batchSize: 500 })
      const sends = await Promise.all(
        Array.from({ length: 300 }, async (_, send) => {
          const messages = Array.from({ length: 1 + (send % 4) }, (_unused, part) => ({
            key: `key-${send % 11}`,
            value: `${send}.${part}`,
          }))
          return { messages, sent: await producer.send({ topic: 'orders', messages }) }
        }),
      )
      const log = await context.stored('orders')
      for (const { messages, sent } of sends) {
        expect(sent).toHaveLength(1)
        const [{ partition, baseOffset } = { partition: 0, baseOffset: 0 }] = sent
        const there = log[partition]?.slice(baseOffset, baseOffset + messages.length)
        expect(there?.map(({ value }) => value)).toEqual(messages.map(({ value }) => value))
      }
    }),
  )

  test(
    'sendBatch returns the entries of all its topics, in their order',
    inContext(async (context) => {
      await context.topic('orders')
      await context.topic('refunds')
      const producer = context.tab().mq.producer()
      const sent = await producer.sendBatch({
        topicMessages: [
          { topic: 'refunds', messages: numbered(2) },
          { topic: 'orders', messages: numbered(3) },
          { topic: 'refunds', messages: numbered(1) },
        ],
      })
      expect(sent.map(({ topic, baseOffset }) => [topic, baseOffset])).toEqual([
        ['refunds', 0],
        ['orders', 0],
        ['refunds', 2],
      ])
    }),
  )

  test(
    'nothing to send is nothing sent',
    inContext(async (context) => {
      const tab = context.tab()
      const producer = tab.mq.producer()
      expect(await producer.send({ topic: 'orders', messages: [] })).toEqual([])
      expect(await producer.sendBatch({ topicMessages: [] })).toEqual([])
      expect(tab.requests).toEqual([])
    }),
  )
})

describe('acks', () => {
  test(
    'acks 0 is answered before anything is written, 1 and -1 when it is',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      await producer.send({ topic: 'orders', messages: [{ value: 'first' }] })
      const commits = context.holdCommits()
      const acked: number[] = []
      const sends = ([1, -1] as const).map(async (acks) => {
        await producer.send({ topic: 'orders', acks, messages: [{ value: acks }] })
        acked.push(acks)
      })
      await context.settle()
      const [sent] = await producer.send({ topic: 'orders', acks: 0, messages: [{ value: 0 }] })
      expect(sent?.baseOffset).toBe(3)
      expect(acked).toEqual([])
      commits.release()
      await Promise.all(sends)
      expect(acked).toEqual([1, -1])
    }),
  )

  test(
    'a send’s own acks override the producer’s',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ acks: -1 })
      await producer.send({ topic: 'orders', messages: [{ value: 1 }] })
      await producer.send({ topic: 'orders', messages: [{ value: 1 }], acks: 0 })
      const topicMessages = [{ topic: 'orders', messages: [{ value: 1 }] }]
      await producer.sendBatch({ topicMessages, acks: 1 })
      expect(tab.requestsOf('produce').map(({ acks }) => acks)).toEqual([-1, 0, 1])
    }),
  )
})

describe('what is sent is what there was', () => {
  test.each([
    ['while the topic is not known yet', false],
    ['when the topic is known', true],
  ])('changing a message after send changes nothing, %s', async (_, isKnown) =>
    inContext(async (context) => {
      await context.topic('orders', 2)
      const producer = context.tab().mq.producer({ lingerMs: 20 })
      if (isKnown) {
        await context.done(
          producer.send({ topic: 'orders', messages: [{ value: 0, partition: 0 }] }),
        )
      }
      const value = { state: 'new', items: new Map([['a', [1]]]) }
      const key = utf8.encode('key')
      const headers = { trace: utf8.encode('one') }
      const timestamp = context.clock.nowMs - 5
      const message = { key, value, headers, timestamp }
      const messages = [message]
      const sent = producer.send({ topic: 'orders', messages })
      value.state = 'changed'
      value.items.get('a')?.push(2)
      value.items.set('b', [])
      key.fill(0)
      headers.trace.fill(0)
      message.timestamp = 0
      messages.length = 0
      const [metadata] = await context.done(sent)
      const partition = keyPartition(utf8.encode('key'), 2)
      expect(metadata).toMatchObject({ partition, timestamp })
      expect((await context.stored('orders'))[partition]?.at(-1)).toMatchObject({
        value: { state: 'new', items: new Map([['a', [1]]]) },
        key: utf8.encode('key'),
        headers: { trace: utf8.encode('one') },
        timestamp,
      })
    })(),
  )

  test(
    'the same object sent twice, changed in between, arrives as it was each time',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = context.tab().mq.producer()
      const value = { step: 1 }
      const first = producer.send({ topic: 'orders', messages: [{ value }] })
      value.step = 2
      const second = producer.send({ topic: 'orders', messages: [{ value }] })
      await Promise.all([first, second])
      const [log] = await context.stored('orders')
      expect(log?.map((record) => record.value)).toEqual([{ step: 1 }, { step: 2 }])
    }),
  )

  test.each(['unknown', 'known'])(
    'a message that is changed after send goes where it said when it was sent, its topic being %s',
    async (topic) =>
      inContext(async (context) => {
        await context.topic('orders', 2)
        const producer = context.tab().mq.producer()
        if (topic === 'known') await producer.send({ topic: 'orders', messages: [{ value: 0 }] })
        const message = { value: 1, partition: 0 }
        const first = producer.send({ topic: 'orders', messages: [message] })
        message.partition = 1
        const second = producer.send({ topic: 'orders', messages: [message] })
        const sent = (await context.done(Promise.all([first, second]))).flat()
        expect(sent.map(({ partition }) => partition)).toEqual([0, 1])
      })(),
  )

  test(
    'a partitioner sees a message as it was sent, however late it is asked',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const seen: Message[] = []
      const producer = context.tab().mq.producer({
        partitioner: ({ message }) => {
          seen.push(message)
          return 0
        },
      })
      const key = utf8.encode('key')
      const value = { customer: 1 }
      const headers = { trace: utf8.encode('one') }
      const message = { key, value, headers, timestamp: 5, urgency: 'high' }
      const sent = producer.send({ topic: 'orders', messages: [message, { value: null }] })
      key.fill(0)
      value.customer = 2
      headers.trace.fill(0)
      message.timestamp = 6
      message.urgency = 'low'
      await context.done(sent)
      expect(seen).toEqual([
        {
          key: utf8.encode('key'),
          value: { customer: 1 },
          headers: { trace: utf8.encode('one') },
          timestamp: 5,
          urgency: 'high',
        },
        { value: null },
      ])
    }),
  )

  test.each(['json', 'mine'])(
    'a partitioner sees a value that the codec %s cannot give back as it was given',
    async (codec) =>
      inContext(async (context) => {
        await context.topic('orders', 2)
        const values: unknown[] = []
        const mine = { ...jsonCodec, id: 20, name: 'mine' }
        const producer = context.tab({ codecs: [mine] }).mq.producer({
          codec,
          partitioner: ({ message }) => {
            values.push(message.value)
            return 0
          },
        })
        const value = new Date(5)
        for (const _ of ['unknown topic', 'known topic']) {
          await context.done(producer.send({ topic: 'orders', messages: [{ value }] }))
        }
        expect(values).toEqual([value, value])
      })(),
  )
})

describe('flush and disconnect', () => {
  test(
    'flush sends what lingers and resolves when it is delivered',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ lingerMs: 60_000 })
      await context.done(producer.send({ topic: 'orders', messages: [{ value: 0 }] }))
      const replies = tab.hold('produce', 'reply')
      let isSent = false
      void producer.send({ topic: 'orders', messages: [{ value: 1 }] }).then(() => (isSent = true))
      let isFlushed = false
      void producer.flush().then(() => (isFlushed = true))
      await context.settle()
      expect([isSent, isFlushed]).toEqual([false, false])
      replies.release()
      await context.settle()
      expect([isSent, isFlushed]).toEqual([true, true])
    }),
  )

  test(
    'flush does not let linger what waits for its topic’s metadata',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer({ lingerMs: 60_000 })
      const send = producer.send({ topic: 'orders', messages: [{ value: 0 }] })
      await producer.flush()
      await send
      const later = producer.send({ topic: 'orders', messages: [{ value: 1 }] })
      await context.settle()
      expect(tab.requestsOf('produce')).toHaveLength(1)
      await context.done(later)
    }),
  )

  test(
    'flush resolves although sends fail',
    inContext(async (context) => {
      const producer = context.tab().mq.producer()
      const send = codeOf(producer.send({ topic: 'nowhere', messages: [{ value: 0 }] }))
      await producer.flush()
      expect(await send).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    }),
  )

  test(
    'disconnect delivers what was sent, then takes no more',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = context.tab().mq.producer({ lingerMs: 60_000 })
      const sends = [1, 2, 3].map((value) =>
        producer.send({ topic: 'orders', messages: [{ value }] }),
      )
      await producer.disconnect()
      expect((await Promise.all(sends)).flat().map((one) => one.baseOffset)).toEqual([0, 1, 2])
      expect(await codeOf(producer.send({ topic: 'orders', messages: [{ value: 4 }] }))).toBe(
        'CLIENT_CLOSED',
      )
      await producer.disconnect()
    }),
  )

  test(
    'a disconnect that is repeated, and a close, wait for the first',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      await producer.send({ topic: 'orders', messages: [{ value: 0 }] })
      const replies = tab.hold('produce', 'reply')
      const send = producer.send({ topic: 'orders', messages: [{ value: 1 }] })
      void producer.disconnect()
      const closed = tab.mq.close()
      await context.settle()
      replies.release()
      await closed
      expect((await send)[0]?.baseOffset).toBe(1)
    }),
  )

  test(
    'await using flushes',
    inContext(async (context) => {
      await context.topic('orders')
      let send: Promise<unknown>
      {
        await using producer = context.tab().mq.producer({ lingerMs: 60_000 })
        send = producer.send({ topic: 'orders', messages: [{ value: 1 }] })
      }
      await send
      expect((await context.stored('orders'))[0]).toHaveLength(1)
    }),
  )

  test(
    'nothing is left in the tab after many sends: no timer, no waiting call',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const tab = context.tab()
      const producer = tab.mq.producer()
      await producer.send({ topic: 'orders', messages: [{ value: 0 }] })
      await context.settle()
      const timers = context.clock.pending
      for (let round = 0; round < 50; round++) {
        await Promise.all(
          numbered(20).map((message) => producer.send({ topic: 'orders', messages: [message] })),
        )
      }
      await context.settle()
      expect(context.clock.pending).toBe(timers)
    }),
  )
})
