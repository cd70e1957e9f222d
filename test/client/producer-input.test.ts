/** Bad input: each is refused with a typed error that names it, and nothing of that call is sent. */
import { describe, expect, test } from 'vitest'
import type { Message } from '../../src/client/message.js'
import type { ProducerOptions } from '../../src/client/producer/producer-options.js'
import type { ProducerRecord } from '../../src/client/producer/producer.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { errorOf, inContext, codeOf } from './client-context.js'

function thrownBy(work: () => unknown): TabmqError {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(TabmqError)
    return error as TabmqError
  }
  return expect.fail('it did not throw')
}

describe('options of a producer', () => {
  test.each<[option: string, value: unknown]>([
    ['acks', 2],
    ['acks', '1'],
    ['acks', true],
    ['lingerMs', -1],
    ['lingerMs', 1.5],
    ['lingerMs', 60_001],
    ['lingerMs', '5'],
    ['batchSize', 0],
    ['batchSize', Number.NaN],
    ['batchSize', 9 * 1024 * 1024],
    ['partitioner', 'sticky'],
    ['enableIdempotence', 'yes'],
    ['compression', 'zstd'],
    ['codec', 7],
    ['codec', null],
    ['deliveryTimeoutMs', 0],
    ['deliveryTimeoutMs', Infinity],
    ['bufferMemoryBytes', 0],
    ['bufferMemoryBytes', '1MB'],
  ])('%s: %j is refused by name', async (option, value) =>
    inContext(async (context) => {
      const { mq } = context.tab()
      const error = thrownBy(() => mq.producer({ [option]: value }))
      expect(error.code).toBe('INVALID_CONFIG')
      expect(error.message).toContain(option)
      expect(error.details).toMatchObject({ option })
    })(),
  )

  test(
    'an option that does not exist is no silent default',
    inContext(async (context) => {
      const { mq } = context.tab()
      const error = thrownBy(() => mq.producer({ lingerMS: 5 } as ProducerOptions))
      expect(error).toMatchObject({ code: 'INVALID_CONFIG', details: { option: 'lingerMS' } })
    }),
  )

  test.each<[unknown]>([[null], ['fast'], [5]])('options %j are refused', async (options) =>
    inContext(async (context) => {
      const { mq } = context.tab()
      expect(thrownBy(() => mq.producer(options as ProducerOptions)).code).toBe('INVALID_CONFIG')
    })(),
  )

  test(
    'an unknown codec is refused with the names of those there are',
    inContext(async (context) => {
      const { mq } = context.tab()
      const error = thrownBy(() => mq.producer({ codec: 'avro' }))
      expect(error.code).toBe('UNSUPPORTED_CODEC')
      expect(error.message).toMatch(/structured.*json.*text.*bytes/)
    }),
  )

  test(
    'a codec that the client was not given is refused: nobody could read what it writes',
    inContext(async (context) => {
      const mine = { id: 20, name: 'mine', encode: () => new Uint8Array(), decode: () => null }
      const other = { ...mine }
      const { mq } = context.tab({ codecs: [mine] })
      expect(() => mq.producer({ codec: mine })).not.toThrow()
      expect(thrownBy(() => mq.producer({ codec: other })).code).toBe('UNSUPPORTED_CODEC')
    }),
  )
})

describe('what is sent', () => {
  const good = { value: 'good' }

  test.each<[what: string, record: unknown, code: string, named: RegExp]>([
    ['nothing', undefined, 'INVALID_CONFIG', /send/],
    ['a string', 'orders', 'INVALID_CONFIG', /send/],
    ['no topic', { messages: [good] }, 'INVALID_TOPIC_EXCEPTION', /undefined/],
    ['an empty topic', { topic: '', messages: [good] }, 'INVALID_TOPIC_EXCEPTION', /""/],
    ['a topic with a slash', { topic: 'a/b', messages: [good] }, 'INVALID_TOPIC_EXCEPTION', /a\/b/],
    ['no messages', { topic: 'orders' }, 'INVALID_CONFIG', /messages/],
    ['messages that are none', { topic: 'orders', messages: good }, 'INVALID_CONFIG', /messages/],
    ['a message that is none', { topic: 'orders', messages: [null] }, 'INVALID_CONFIG', /\[0\]/],
    ['acks', { topic: 'orders', messages: [good], acks: 'all' }, 'INVALID_CONFIG', /acks/],
    [
      'compression',
      { topic: 'orders', messages: [good], compression: 'snappy' },
      'INVALID_CONFIG',
      /compression/,
    ],
    ['an option', { topic: 'orders', messages: [good], ack: 0 }, 'INVALID_CONFIG', /"ack"/],
  ])('%s is refused by name', async (_, record, code, named) =>
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const error = await errorOf(tab.mq.producer().send(record as ProducerRecord))
      expect(error.code).toBe(code)
      expect(error.message).toMatch(named)
      expect(tab.requestsOf('produce')).toEqual([])
    })(),
  )

  test.each<[what: string, message: Record<string, unknown>, code: string, named: RegExp]>([
    ['key', { value: 1, key: 17 }, 'SERIALIZATION_FAILED', /\[1\]\.key/],
    ['key', { value: 1, key: {} }, 'SERIALIZATION_FAILED', /\[1\]\.key/],
    ['timestamp', { value: 1, timestamp: 'now' }, 'INVALID_TIMESTAMP', /\[1\]\.timestamp/],
    ['timestamp', { value: 1, timestamp: 1.5 }, 'INVALID_TIMESTAMP', /\[1\]\.timestamp/],
    ['timestamp', { value: 1, timestamp: new Date() }, 'INVALID_TIMESTAMP', /\[1\]\.timestamp/],
    ['deliverAt', { value: 1, deliverAt: '5' }, 'INVALID_TIMESTAMP', /\[1\].*deliverAt/],
    ['deliverAt', { value: 1, deliverAt: 1.5 }, 'INVALID_TIMESTAMP', /\[1\].*deliverAt/],
    ['deliverAt', { value: 1, deliverAt: new Date(NaN) }, 'INVALID_TIMESTAMP', /deliverAt/],
    ['deliverAt', { value: 1, deliverAt: null }, 'INVALID_TIMESTAMP', /deliverAt.*null/],
    [
      'deliverAt',
      { value: 1, deliverAt: 2 ** 52, timestamp: -(2 ** 52) },
      'INVALID_TIMESTAMP',
      /At/,
    ],
    ['delayMs', { value: 1, delayMs: -1 }, 'INVALID_CONFIG', /\[1\].*delayMs/],
    ['delayMs', { value: 1, delayMs: Infinity }, 'INVALID_CONFIG', /\[1\].*delayMs/],
    ['delayMs', { value: 1, delayMs: 2 ** 52 }, 'INVALID_TIMESTAMP', /\[1\].*delayMs/],
    ['delay', { value: 1, delayMs: 1, deliverAt: 5 }, 'INVALID_CONFIG', /deliverAt and delayMs/],
    ['expiresAt', { value: 1, expiresAt: {} }, 'INVALID_TIMESTAMP', /\[1\].*expiresAt/],
    ['ttlMs', { value: 1, ttlMs: '1s' }, 'INVALID_CONFIG', /\[1\].*ttlMs/],
    ['expiry', { value: 1, ttlMs: 1, expiresAt: 5 }, 'INVALID_CONFIG', /expiresAt and ttlMs/],
    ['priority', { value: 1, priority: 10 }, 'INVALID_CONFIG', /\[1\].*priority.*10/],
    ['priority', { value: 1, priority: -1 }, 'INVALID_CONFIG', /\[1\].*priority/],
    ['priority', { value: 1, priority: 0.5 }, 'INVALID_CONFIG', /\[1\].*priority/],
    ['priority', { value: 1, priority: 'high' }, 'INVALID_CONFIG', /\[1\].*priority/],
    ['messageId', { value: 1, messageId: '' }, 'INVALID_CONFIG', /\[1\].*messageId/],
    ['messageId', { value: 1, messageId: 7 }, 'INVALID_CONFIG', /\[1\].*messageId.*7/],
    ['messageId', { value: 1, messageId: 'x'.repeat(257) }, 'INVALID_CONFIG', /messageId/],
    ['messageId', { value: 1, messageId: '\uD800' }, 'INVALID_CONFIG', /messageId/],
    ['partition', { value: 1, partition: 3 }, 'UNKNOWN_TOPIC_OR_PARTITION', /partition 3/],
    ['partition', { value: 1, partition: -1 }, 'UNKNOWN_TOPIC_OR_PARTITION', /-1/],
    ['partition', { value: 1, partition: '0' }, 'UNKNOWN_TOPIC_OR_PARTITION', /"0"/],
    ['headers', { value: 1, headers: { count: 5 } }, 'SERIALIZATION_FAILED', /count/],
    ['headers', { value: 1, headers: ['a'] }, 'SERIALIZATION_FAILED', /headers/],
    ['value', { value: () => 1 }, 'SERIALIZATION_FAILED', /message 1/],
    ['value', { value: { deep: [Symbol('s')] } }, 'SERIALIZATION_FAILED', /message 1/],
    ['value', { value: 'x'.repeat(5_000) }, 'MESSAGE_TOO_LARGE', /message 1/],
  ])(
    'a bad %s rejects its own send and names the message, known topic or not',
    async (_, message, code, named) =>
      inContext(async (context) => {
        await context.topic('orders', 3, { maxMessageBytes: 1_000 })
        const tab = context.tab()
        const producer = tab.mq.producer()
        for (const round of ['unknown topic', 'known topic']) {
          // Other partitions come first, so that counting within a partition would be wrong.
          const first = { value: 0, partition: 1 }
          const messages = [first, message as unknown as Message, first]
          const bad = errorOf(producer.send({ topic: 'orders', messages }))
          const [sent] = await producer.send({ topic: 'orders', messages: [good] })
          expect(sent, round).toMatchObject({ topic: 'orders' })
          const error = await bad
          expect(error.code).toBe(code)
          expect(error.message).toMatch(named)
        }
        expect((await context.stored('orders')).flat().map(({ value }) => value)).toEqual([
          'good',
          'good',
        ])
      })(),
  )

  test(
    'an unknown topic rejects each send to it, and no other',
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const producer = tab.mq.producer()
      const bad = Array.from({ length: 50 }, () =>
        codeOf(producer.send({ topic: 'ordres', messages: [good] })),
      )
      await producer.send({ topic: 'orders', messages: [good] })
      expect(new Set(await Promise.all(bad))).toEqual(new Set(['UNKNOWN_TOPIC_OR_PARTITION']))
      expect(tab.requestsOf('metadata').length).toBeLessThan(5)
    }),
  )

  test(
    'a topic that is made later is found',
    inContext(async (context) => {
      const producer = context.tab().mq.producer()
      const send = () => producer.send({ topic: 'orders', messages: [good] })
      expect(await codeOf(send())).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      await context.topic('orders')
      expect(await send()).toHaveLength(1)
    }),
  )

  test.each<[unknown]>([[3], [-1], [0.5], ['1'], [undefined], [Number.NaN]])(
    'a partitioner that returns %j rejects the send',
    async (partition) =>
      inContext(async (context) => {
        await context.topic('orders', 3)
        const tab = context.tab()
        const producer = tab.mq.producer({ partitioner: () => partition as number })
        const error = await errorOf(producer.send({ topic: 'orders', messages: [good] }))
        expect(error.code).toBe('INVALID_PARTITIONS')
        expect(tab.requestsOf('produce')).toEqual([])
      })(),
  )

  test(
    'what a partitioner or a codec of one’s own throws rejects the send',
    inContext(async (context) => {
      await context.topic('orders')
      const reason = new Error('mine')
      const codec = {
        id: 20,
        name: 'mine',
        encode: () => {
          throw reason
        },
        decode: () => null,
      }
      const { mq } = context.tab({ codecs: [codec] })
      const partitioner = () => {
        throw reason
      }
      const sent = mq.producer({ partitioner }).send({ topic: 'orders', messages: [good] })
      await expect(sent).rejects.toBe(reason)
      const error = await errorOf(
        mq.producer({ codec }).send({ topic: 'orders', messages: [good] }),
      )
      expect(error).toMatchObject({ code: 'SERIALIZATION_FAILED', cause: reason })
    }),
  )

  test(
    'sendBatch refuses what is no list of topics with messages',
    inContext(async (context) => {
      const producer = context.tab().mq.producer()
      const sendBatch = (batch: unknown) => producer.sendBatch(batch as never)
      expect(await codeOf(sendBatch(null))).toBe('INVALID_CONFIG')
      expect(await codeOf(sendBatch({}))).toBe('INVALID_CONFIG')
      expect(await codeOf(sendBatch({ topicMessages: [null] }))).toBe('INVALID_CONFIG')
      expect(await codeOf(sendBatch({ topicMessages: [{ topic: 'a b' }] }))).toBe(
        'INVALID_TOPIC_EXCEPTION',
      )
      expect(await codeOf(sendBatch({ topicMessages: [], timeout: 5 }))).toBe('INVALID_CONFIG')
    }),
  )
})

describe('options of a client', () => {
  test.each<[what: string, options: unknown, named: RegExp]>([
    ['name', { name: '' }, /broker name/],
    ['name', { name: 5 }, /broker name/],
    ['clientId', { clientId: 5 }, /clientId/],
    ['clientId', { clientId: 'x'.repeat(300) }, /clientId/],
    ['codecs', { codecs: 'json' }, /codecs/],
    ['codecs', { codecs: [{ id: 1, name: 'low' }] }, /low/],
    ['codecs', { codecs: [null] }, /codec/],
    ['an option', { brokerName: 'x' }, /"brokerName"/],
  ])('%s is refused by name', async (_, options, named) =>
    inContext(async (context) => {
      const error = thrownBy(() => context.tab(options as object))
      expect(error.code).toBe('INVALID_CONFIG')
      expect(error.message).toMatch(named)
    })(),
  )
})
