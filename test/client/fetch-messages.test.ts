/** Messages that an administrator looks at, without a group. */
import { describe, expect, test } from 'vitest'
import type { Codec } from '../../src/codec/codec.js'
import type { PartitionId } from '../../src/protocol/names.js'
import { codeOf, errorOf, inContext } from './client-context.js'
import { produce, range } from './reader.js'

const tuple: Codec = {
  id: 16,
  name: 'tuple',
  encode: (value) => new TextEncoder().encode(`!${String(value)}`),
  decode: (bytes) => new TextDecoder().decode(bytes).slice(1),
}

describe('fetchMessages', () => {
  test(
    'reads page by page what is there, and moves nothing',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (let batch = 0; batch < 5; batch++) {
        await produce(context, range(7, 7 * batch), { partition: 1 })
      }
      const { admin } = context
      await context.done(
        admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 1, offset: 3 }] }),
      )
      const seen: unknown[] = []
      let offset = 0
      let reads = 0
      for (;;) {
        const options = { topic: 'orders', partition: 1, offset, maxMessages: 10 }
        const part = await context.done(admin.fetchMessages(options))
        expect(part).toMatchObject({ low: 3, high: 35 })
        expect(part.messages.length).toBeLessThanOrEqual(10)
        seen.push(...part.messages.map(({ value }) => value))
        offset = part.nextOffset
        reads += 1
        if (offset >= part.high) break
      }
      expect(seen).toEqual(range(32, 3))
      expect(reads).toBe(4)
      const rest = await context.done(
        admin.fetchMessages({ topic: 'orders', partition: 1, offset: 1_000 }),
      )
      expect(rest).toEqual({ messages: [], nextOffset: 35, low: 3, high: 35 })
      const other = await context.done(admin.fetchMessages({ topic: 'orders', partition: 0 }))
      expect(other).toEqual({ messages: [], nextOffset: 0, low: 0, high: 0 })
      expect(await context.done(admin.listGroups())).toEqual([])
    }),
  )

  test(
    'tells what a message has, and by which codec',
    inContext(async (context) => {
      await context.topic('orders')
      const { mq } = context.producerTab
      const message = { key: 'k', headers: { a: 'b' }, timestamp: 5, priority: 3, messageId: 'm' }
      for (const codec of ['structured', 'json', 'text'] as const) {
        const send = { topic: 'orders', messages: [{ ...message, value: codec }] }
        await context.done(mq.producer({ codec }).send(send))
      }
      const read = context.admin.fetchMessages({ topic: 'orders', partition: 0 })
      const { messages } = await context.done(read)
      expect(messages).toEqual(
        ['structured', 'json', 'text'].map((codec, offset) => ({
          ...message,
          offset,
          codec,
          value: codec,
        })),
      )
    }),
  )

  test(
    'stops when it has read as many bytes as it may',
    inContext(async (context) => {
      await context.topic('orders')
      const large = 'x'.repeat(10_000)
      for (const value of [large, large, large]) await produce(context, [value])
      const options = { topic: 'orders', partition: 0, maxBytes: 15_000 }
      const { messages, nextOffset } = await context.done(context.admin.fetchMessages(options))
      expect(messages.length).toBeGreaterThan(0)
      expect(messages.length).toBeLessThan(3)
      expect(nextOffset).toBe(messages.length)
    }),
  )

  test(
    'gives bytes where a value cannot be decoded, and goes on behind it',
    inContext(async (context) => {
      await context.topic('orders')
      const sender = context.tab({ codecs: [tuple] })
      const own = { topic: 'orders', messages: [{ key: 'k', value: 'one' }, { value: null }] }
      await context.done(sender.mq.producer({ codec: tuple }).send(own))
      const json = { topic: 'orders', messages: [{ value: { a: 1 } }, { value: [2] }] }
      await context.done(sender.mq.producer({ codec: 'json' }).send(json))
      await produce(context, ['structured'])
      const { state } = await context.broker
      const [topic] = state.topics.all()
      const rows = context.database.batches.get(topic?.partitionIds[0] ?? (0 as PartitionId)) ?? []
      // The first byte of the first JSON value.
      const broken = (row: number, text: string) => {
        const bytes = new Uint8Array(rows[row]?.batch ?? new ArrayBuffer(0))
        const at = Buffer.from(bytes.buffer).indexOf(text)
        bytes[at] = 0xc1
      }
      broken(1, '{"a"')
      context.kill()
      const options = { topic: 'orders', partition: 0 }
      const { messages } = await context.done(context.admin.fetchMessages(options))
      expect(messages.map(({ value }) => value)).toEqual([
        new TextEncoder().encode('!one'),
        null,
        Uint8Array.from([0xc1, ...new TextEncoder().encode('"a":1}')]),
        [2],
        'structured',
      ])
      expect(messages.map(({ undecoded }) => undecoded?.code)).toEqual([
        'UNSUPPORTED_CODEC',
        undefined,
        'CORRUPT_MESSAGE',
        undefined,
        undefined,
      ])
      expect(messages.map(({ codec }) => codec).slice(0, 3)).toEqual([
        'codec 16',
        'codec 16',
        'json',
      ])
      expect(messages[0]?.key).toBe('k')
    }),
  )

  test(
    'says where a batch that cannot be read ends',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      const { state } = await context.broker
      const [topic] = state.topics.all()
      const rows = context.database.batches.get(topic?.partitionIds[0] ?? (0 as PartitionId)) ?? []
      new DataView(rows[1]?.batch ?? new ArrayBuffer(0)).setUint8(0, 0xff)
      context.kill()
      const read = (offset: number) =>
        context.done(context.admin.fetchMessages({ topic: 'orders', partition: 0, offset }))
      const first = await read(0)
      expect(first).toMatchObject({ messages: [{ value: 0 }], nextOffset: 1 })
      const error = await errorOf(read(1))
      expect(error).toMatchObject({
        code: 'CORRUPT_MESSAGE',
        details: { offset: 1, nextOffset: 2 },
      })
      expect((await read(2)).messages.map(({ value }) => value)).toEqual([2, 3])
    }),
  )

  test(
    'refuses what is not there, and what is no option',
    inContext(async (context) => {
      await context.topic('orders')
      const code = (options: object) =>
        context.done(
          codeOf(context.admin.fetchMessages({ topic: 'orders', partition: 0, ...options })),
        )
      expect(await code({ topic: 'nothing' })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await code({ partition: 1 })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await code({ partition: -1 })).toBe('INVALID_CONFIG')
      expect(await code({ maxMessages: 0 })).toBe('INVALID_CONFIG')
      expect(await code({ maxMessages: 10_001 })).toBe('INVALID_CONFIG')
      expect(await code({ maxBytes: 2 ** 27 })).toBe('INVALID_CONFIG')
      expect(await code({ from: 3 })).toBe('INVALID_CONFIG')
    }),
  )
})
