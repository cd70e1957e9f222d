/** What is sent arrives as it was: values of every codec, keys, headers, timestamps, compression. */
import { describe, expect, test } from 'vitest'
import type { Codec } from '../../src/codec/codec.js'
import type { Message } from '../../src/client/message.js'
import type { ReceivedMessage } from '../../src/client/consumer/delivery.js'
import type { ProducerOptions } from '../../src/client/producer/producer-options.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { codeOf, inContext, type ClientContext, type Tab } from './client-context.js'

const utf8 = new TextEncoder()

/** Reads what is in partition 0 of a topic, in another tab than the one that sent it. */
async function receive(
  context: ClientContext,
  count: number,
  tab: Tab = context.tab(),
): Promise<ReceivedMessage[]> {
  const consumer = tab.mq.consumer({ autoOffsetReset: 'earliest' })
  await consumer.assign([{ topic: 'things', partition: 0 }])
  const received: ReceivedMessage[] = []
  await new Promise<void>((resolve, reject) => {
    consumer.on('crash', ({ error }) => reject(error instanceof Error ? error : new Error('crash')))
    void consumer.run({
      eachMessage: ({ message }) => {
        received.push(message)
        if (received.length === count) resolve()
      },
    })
  })
  await consumer.stop()
  return received
}

async function roundTrip(
  context: ClientContext,
  messages: readonly Message[],
  options: ProducerOptions = {},
): Promise<ReceivedMessage[]> {
  await context.topic('things')
  await context.tab().mq.producer(options).send({ topic: 'things', messages })
  return receive(context, messages.length)
}

describe('values', () => {
  test(
    'the default codec carries what structured clone carries',
    inContext(async (context) => {
      const cycle: { self?: unknown } = {}
      cycle.self = cycle
      const values = [
        { id: 1, nested: { list: [1, 'two', null, true, undefined] } },
        'text',
        42.5,
        -0,
        Number.NaN,
        12345678901234567890n,
        true,
        undefined,
        new Map<unknown, unknown>([[{ key: 1 }, new Set([1, 2])]]),
        new Date(1_234),
        new Float64Array([1, 2.5]),
        new Uint8Array([1, 2, 3]).buffer,
        /a+/gi,
        [1, [2, [3]]],
        cycle,
      ]
      const received = await roundTrip(
        context,
        values.map((value) => ({ value })),
      )
      expect(received.map(({ value }) => value).slice(0, -1)).toEqual(values.slice(0, -1))
      expect(Object.is(received[3]?.value, -0)).toBe(true)
      const arrived = received.at(-1)?.value as { self: unknown }
      expect(arrived.self).toBe(arrived)
    }),
  )

  test.each<[codec: string, values: unknown[]]>([
    ['json', [{ a: [1, 'x', null] }, 'text', 5, false, []]],
    ['text', ['', 'plain', 'línea ', '\u{1f600}']],
    ['bytes', [new Uint8Array(), new Uint8Array([0, 255, 3])]],
  ])('the codec %s carries its values', async (codec, values) =>
    inContext(async (context) => {
      const messages = values.map((value) => ({ value }))
      const received = await roundTrip(context, messages, { codec })
      expect(received.map(({ value }) => value)).toEqual(values)
    })(),
  )

  test.each<[codec: string, value: unknown]>([
    ['json', undefined],
    ['json', 5n],
    ['text', 5],
    ['text', '\ud800'],
    ['bytes', 'text'],
    ['bytes', [1, 2]],
  ])('the codec %s refuses %s', async (codec, value) =>
    inContext(async (context) => {
      await context.topic('things')
      const producer = context.tab().mq.producer({ codec })
      expect(await codeOf(producer.send({ topic: 'things', messages: [{ value }] }))).toBe(
        'SERIALIZATION_FAILED',
      )
    })(),
  )

  test(
    'messages of different codecs live in one partition',
    inContext(async (context) => {
      await context.topic('things')
      const { mq } = context.tab()
      const send = (codec: string, value: unknown) =>
        mq.producer({ codec }).send({ topic: 'things', messages: [{ value }] })
      await send('json', { a: 1 })
      await send('text', 'b')
      await send('structured', new Set(['c']))
      await send('bytes', new Uint8Array([4]))
      const received = await receive(context, 4)
      expect(received.map(({ value }) => value)).toEqual([
        { a: 1 },
        'b',
        new Set(['c']),
        new Uint8Array([4]),
      ])
    }),
  )
})

describe('codecs of one’s own', () => {
  const reversed: Codec = {
    id: 33,
    name: 'reversed',
    encode: (value) => utf8.encode(String(value).split('').reverse().join('')),
    decode: (bytes) => new TextDecoder().decode(bytes).split('').reverse().join(''),
  }

  test.each([
    ['by name', 'reversed'],
    ['as an object', reversed],
  ])('work when client and consumer have them, chosen %s', async (_, codec) =>
    inContext(async (context) => {
      await context.topic('things')
      const { mq } = context.tab({ codecs: [reversed] })
      await mq.producer({ codec }).send({ topic: 'things', messages: [{ value: 'abc' }] })
      const [received] = await receive(context, 1, context.tab({ codecs: [reversed] }))
      expect(received?.value).toBe('abc')
      const stored = [...context.database.batches.values()].flat()
      expect(new TextDecoder().decode(stored[0]?.batch)).toContain('cba')
    })(),
  )

  test.each([
    ['the first', 0],
    ['a later', 1],
  ])('need not give back what they were given, in %s send', async (_, before) =>
    inContext(async (context) => {
      await context.topic('things')
      class Order {
        readonly #id: number
        constructor(id: number) {
          this.#id = id
        }
        toText() {
          return `order ${this.#id}`
        }
      }
      class OrderCodec implements Codec {
        readonly id = 34
        readonly name = 'orders'
        encode(value: unknown) {
          return utf8.encode((value as Order).toText())
        }
        decode(bytes: Uint8Array) {
          return { text: new TextDecoder().decode(bytes) }
        }
      }
      const codec = new OrderCodec()
      const producer = context.tab({ codecs: [codec] }).mq.producer({ codec })
      const send = (id: number) =>
        producer.send({ topic: 'things', messages: [{ value: new Order(id) }, { value: null }] })
      for (let id = 0; id <= before; id++) await send(id)
      const received = await receive(context, 2 * before + 2, context.tab({ codecs: [codec] }))
      expect(received.at(-2)?.value).toEqual({ text: `order ${before}` })
      expect(received.at(-1)?.value).toBeNull()
    })(),
  )

  test(
    'a consumer without the codec says so and does not skip the message',
    inContext(async (context) => {
      await context.topic('things')
      const { mq } = context.tab({ codecs: [reversed] })
      await mq.producer({ codec: reversed }).send({ topic: 'things', messages: [{ value: 'abc' }] })
      await expect(receive(context, 1)).rejects.toMatchObject({
        code: 'UNSUPPORTED_CODEC',
        details: { codecId: 33 },
      })
    }),
  )

  test(
    'what a codec throws while decoding reaches the user as the cause',
    inContext(async (context) => {
      await context.topic('things')
      const picky: Codec = {
        ...reversed,
        decode: () => {
          throw new RangeError('not today')
        },
      }
      const { mq } = context.tab({ codecs: [reversed] })
      await mq.producer({ codec: reversed }).send({ topic: 'things', messages: [{ value: 'abc' }] })
      const failed = await receive(context, 1, context.tab({ codecs: [picky] })).catch(
        (error: unknown) => error,
      )
      expect(failed).toBeInstanceOf(TabmqError)
      expect(failed).toMatchObject({ code: 'CORRUPT_MESSAGE', details: { offset: 0 } })
      expect((failed as TabmqError).cause).toBeInstanceOf(RangeError)
    }),
  )
})

describe('the rest of a message', () => {
  test(
    'keys: strings, bytes, and none',
    inContext(async (context) => {
      const keys = ['a', '', 'ключ', utf8.encode('a'), new Uint8Array(), null, undefined]
      const received = await roundTrip(
        context,
        keys.map((key) => (key === undefined ? { value: 1 } : { key, value: 1 })),
      )
      expect(received.map(({ key }) => key)).toEqual([
        'a',
        '',
        'ключ',
        utf8.encode('a'),
        new Uint8Array(),
        null,
        null,
      ])
    }),
  )

  test(
    'headers: text, bytes, several values of one name, none',
    inContext(async (context) => {
      const headers = {
        trace: 'abc',
        raw: new Uint8Array([1, 2]),
        many: ['one', new Uint8Array([3])],
        ['__proto__']: 'safe',
        empty: '',
      }
      const received = await roundTrip(context, [
        { value: 1, headers },
        { value: 2, headers: {} },
        { value: 3 },
      ])
      expect(received[0]?.headers).toEqual(headers)
      expect(received[1]?.headers).toEqual({})
      expect(received[2]?.headers).toEqual({})
    }),
  )

  test(
    'timestamps: given ones stay, others are the time of send',
    inContext(async (context) => {
      const { nowMs } = context.clock
      const received = await roundTrip(context, [
        { value: 1, timestamp: nowMs - 1_000 },
        { value: 2 },
        { value: 3, timestamp: nowMs + 5 },
      ])
      expect(received.map(({ timestamp }) => timestamp)).toEqual([nowMs - 1_000, nowMs, nowMs + 5])
    }),
  )

  test(
    'when, until when, how urgent and under which id: what was said, and nothing else',
    inContext(async (context) => {
      const { nowMs } = context.clock
      const longest = 'é'.repeat(256)
      const received = await roundTrip(context, [
        { value: 1 },
        { value: 2, deliverAt: nowMs + 5, expiresAt: new Date(nowMs + 100), priority: 9 },
        { value: 3, delayMs: 0, ttlMs: 60_000, priority: 0, messageId: longest },
        { value: 4, deliverAt: new Date(0), timestamp: 7 },
        { value: 5, delayMs: 10, timestamp: 7, messageId: 'a' },
      ])
      const said = received.map(({ deliverAt, expiresAt, priority, messageId }) => ({
        deliverAt,
        expiresAt,
        priority,
        messageId,
      }))
      expect(said).toEqual([
        {},
        { deliverAt: nowMs + 5, expiresAt: nowMs + 100, priority: 9 },
        { deliverAt: nowMs, expiresAt: nowMs + 60_000, messageId: longest },
        { deliverAt: 0 },
        { deliverAt: nowMs + 10, messageId: 'a' },
      ])
      expect(Object.keys(received[0] ?? {})).toEqual([
        'offset',
        'timestamp',
        'key',
        'value',
        'headers',
      ])
    }),
  )

  test(
    'tombstones arrive as null, among values of any codec',
    inContext(async (context) => {
      for (const [codec, value] of [
        ['structured', { a: 1 }],
        ['json', { a: 1 }],
        ['text', 'x'],
        ['bytes', new Uint8Array([1])],
      ] as const) {
        await context.topic('things')
        const messages = [
          { key: 'a', value: null },
          { key: 'b', value },
          { key: 'c', value: null },
        ]
        await context.tab().mq.producer({ codec }).send({ topic: 'things', messages })
        const received = await receive(context, 3)
        expect(received.map((message) => message.value)).toEqual([null, value, null])
        expect(received.map(({ offset }) => offset)).toEqual([0, 1, 2])
        await context.admin.deleteTopics({ topics: ['things'] })
      }
    }),
  )
})

describe('compression', () => {
  const messages = Array.from({ length: 200 }, (_, index) => ({
    key: `key-${index}`,
    value: { index, text: 'again and again '.repeat(5) },
  }))

  test(
    'gzip arrives as it was sent, and takes less',
    inContext(async (context) => {
      await context.topic('things')
      await context.topic('plain')
      const { mq } = context.tab()
      await mq.producer({ compression: 'gzip' }).send({ topic: 'things', messages })
      await mq.producer().send({ topic: 'plain', messages })
      const received = await receive(context, 200)
      expect(received.map(({ key, value }) => ({ key, value }))).toEqual(messages)
      const [compressed, plain] = [...context.database.batches.values()].map((stored) =>
        stored.reduce((sum, { batch }) => sum + batch.byteLength, 0),
      )
      expect(compressed).toBeLessThan((plain ?? 0) / 2)
    }),
  )

  test(
    'compressed and plain sends keep their order',
    inContext(async (context) => {
      await context.topic('things')
      const producer = context.tab().mq.producer()
      const order = Array.from({ length: 20 }, (_, index) => index)
      await Promise.all(
        order.map((value) => {
          const record = { topic: 'things', messages: [{ value }] }
          return producer.send(value % 3 === 0 ? { ...record, compression: 'gzip' } : record)
        }),
      )
      const received = await receive(context, 20)
      expect(received.map(({ value }) => value)).toEqual(order)
    }),
  )

  test(
    'a position in the middle of a compressed batch is found',
    inContext(async (context) => {
      await context.topic('things')
      const { mq } = context.tab()
      await mq.producer({ compression: 'gzip' }).send({ topic: 'things', messages })
      const consumer = context.tab().mq.consumer({ autoOffsetReset: 'earliest' })
      await consumer.assign([{ topic: 'things', partition: 0 }])
      consumer.seek({ topic: 'things', partition: 0, offset: 150 })
      const first = await new Promise<ReceivedMessage>((resolve) => {
        void consumer.run({ eachMessage: ({ message }) => resolve(message) })
      })
      expect(first).toMatchObject({ offset: 150, key: 'key-150', value: { index: 150 } })
      await consumer.stop()
    }),
  )
})

test(
  'a consumer gets values of its own: what one handler changes no other sees',
  inContext(async (context) => {
    await context.topic('things')
    const shared = { list: [1] }
    const producer = context.tab().mq.producer()
    await producer.send({ topic: 'things', messages: [{ value: shared }, { value: shared }] })
    const [first, second] = await receive(context, 2)
    const changed = first?.value as { list: number[] }
    changed.list.push(2)
    expect(second?.value).toEqual({ list: [1] })
  }),
)
