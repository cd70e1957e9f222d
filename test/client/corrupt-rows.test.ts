/** Rows that cannot be read, as a consumer, a producer and an administrator meet them. */
import { describe, expect, test } from 'vitest'
import type { TabmqError } from '../../src/protocol/errors.js'
import type { PartitionId } from '../../src/protocol/names.js'
import { codeOf, inContext, type ClientContext } from './client-context.js'
import { committed, produce, range, read } from './reader.js'

const DAMAGES: readonly (readonly [string, (view: DataView) => void])[] = [
  ['a format version that does not exist', (view) => view.setUint8(0, 0xff)],
  ['a length that is not its own', (view) => view.setUint32(68, 1_000_000, true)],
  ['another base offset', (view) => view.setFloat64(8, 1_000, true)],
  ['no records', (view) => view.setUint32(4, 0, true)],
]

/** Two partitions of five batches each; of the first, one row is damaged. */
async function damaged(
  context: ClientContext,
  { row, damage }: { row: number; damage: (view: DataView) => void },
): Promise<void> {
  await context.topic('orders', 2)
  for (const partition of [0, 1]) await produce(context, range(5, 10 * partition), { partition })
  const { state } = await context.broker
  const [topic] = state.topics.all()
  const rows = context.database.batches.get(topic?.partitionIds[0] ?? (0 as PartitionId)) ?? []
  damage(new DataView(rows[row]?.batch ?? new ArrayBuffer(0)))
  // The tail in memory knows nothing of it: another broker reads what is stored.
  context.kill()
}

describe.each(DAMAGES)('a row with %s', (_, damage) => {
  test.each([0, 2, 4])(
    'stops its partition alone, is told once, and a seek passes it (row %i)',
    async (row) =>
      inContext(async (context) => {
        await damaged(context, { row, damage })
        const reader = await read(context, context.tab())
        await context.until(() => reader.handled.length === 5 + row)
        await context.until(() => reader.eventsOf('crash').length === 1)
        await context.advance(60_000)
        expect(reader.eventsOf('crash')).toMatchObject([
          {
            willRetry: false,
            topic: 'orders',
            partition: 0,
            offset: row,
            error: {
              code: 'CORRUPT_MESSAGE',
              details: { topic: 'orders', partition: 0, offset: row },
            },
          },
        ])
        expect(await committed(context)).toEqual(
          row === 0 ? { 'orders 1': 5 } : { 'orders 0': row, 'orders 1': 5 },
        )
        const [error] = reader.eventsOf('crash').map((crash) => crash.error as TabmqError)
        const nextOffset = Number(error?.details['nextOffset'])
        expect(nextOffset).toBeGreaterThan(row)
        reader.consumer.seek({ topic: 'orders', partition: 0, offset: nextOffset })
        await produce(context, [99], { partition: 1 })
        await context.until(() => reader.handled.length === 6 + row + (4 - row))
        reader.events.splice(0)
      })(),
  )

  test('at the end of a partition keeps sends to it out until its records are deleted', () =>
    inContext(async (context) => {
      await damaged(context, { row: 4, damage })
      const producer = context.tab().mq.producer()
      const send = (partition: number) =>
        producer.send({ topic: 'orders', messages: [{ value: 'new', partition }] })
      expect(await context.done(codeOf(send(0)))).toBe('CORRUPT_MESSAGE')
      expect(await context.done(send(1))).toMatchObject([{ baseOffset: 5 }])
      const [ends] = await context.done(context.admin.fetchTopicOffsets('orders'))
      const offset = ends?.high ?? 0
      await context.done(
        context.admin.deleteTopicRecords({
          topic: 'orders',
          partitions: [{ partition: 0, offset }],
        }),
      )
      expect(await context.done(send(0))).toMatchObject([{ baseOffset: offset }])
      context.kill()
      expect(await context.done(send(0))).toMatchObject([{ baseOffset: offset + 1 }])
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 8)
      expect(reader.eventsOf('crash')).toEqual([])
    })())

  test('is dropped by retention with what follows it, and keeps no other partition from its own', () =>
    inContext(async (context) => {
      await damaged(context, { row: 0, damage })
      const topics = [{ topic: 'orders', config: { retentionMs: 1_000 } }]
      await context.done(context.admin.alterConfigs({ topics }))
      await context.advance(180_000)
      expect([...context.database.batches.values()].flat()).toEqual([])
      const lows = await context.done(context.admin.fetchTopicOffsets('orders'))
      expect(lows).toMatchObject([
        { low: 5, high: 5 },
        { low: 5, high: 5 },
      ])
    })())

  test('fails a look-up by time that meets it, or does not matter to it', () =>
    inContext(async (context) => {
      await damaged(context, { row: 2, damage })
      const found = await context
        .done(context.admin.fetchTopicOffsetsByTimestamp('orders', context.clock.nowMs - 1_000_000))
        .then(([first]) => first?.offset)
        .catch((error: unknown) => (error as TabmqError).code)
      expect(['CORRUPT_MESSAGE', 0]).toContain(found)
    })())
})
