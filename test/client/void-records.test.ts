/**
 * Records that the broker has made void, as a consumer meets them: they are not delivered, and whoever
 * reads does not get stuck behind them.
 */
import { describe, expect, test } from 'vitest'
import type { PartitionId } from '../../src/protocol/names.js'
import { makeVoid } from '../codec/records.js'
import { errorOf, inContext, type ClientContext } from './client-context.js'
import { committed, produce, range, read } from './reader.js'

/** Batches of these lists in one partition, where those that are null are void. */
async function produceWithVoid(
  context: ClientContext,
  lists: readonly (readonly (number | null)[])[],
): Promise<void> {
  await context.topic('orders')
  for (const values of lists) await produce(context, values.map(String), { inOneBatch: true })
  const { state } = await context.broker
  const [topic] = state.topics.all()
  const rows = context.database.batches.get(topic?.partitionIds[0] ?? (0 as PartitionId)) ?? []
  expect(rows).toHaveLength(lists.length)
  for (const [index, { batch }] of rows.entries()) {
    makeVoid(batch, lists[index]?.map((value) => value === null) ?? [])
  }
  // The tail in memory knows nothing of it: another broker reads what is stored.
  context.kill()
}

async function lagOf(context: ClientContext): Promise<number | undefined> {
  const [group] = await context.done(context.admin.describeGroups(['g']))
  return group?.offsets[0]?.lag
}

const PLACES: readonly (readonly [string, readonly (readonly (number | null)[])[]])[] = [
  ['at the end', [[0, 1, null, null]]],
  ['at the beginning', [[null, null, 2, 3]]],
  ['in between', [[0, null, 2, null, 4]]],
  ['all of the only batch', [[null, null]]],
  ['all of the first batch', [[null, null], [2]]],
  ['all of the last batches', [[0], [null], [null, null]]],
  ['all of a batch in the middle', [[0, 1], [null], [3, null]]],
]

describe.each(PLACES)('void records %s', (_, lists) => {
  const wanted = lists.flat().filter((value) => value !== null)
  const end = lists.flat().length
  const seen = wanted.map((value) => [value, String(value)])

  test(
    'are not delivered one by one, are committed past, and leave no lag',
    inContext(async (context) => {
      await produceWithVoid(context, lists)
      const reader = await read(context, context.tab())
      await context.until(async () => (await committed(context))['orders 0'] === end)
      expect(reader.handled.map(({ offset, value }) => [offset, value])).toEqual(seen)
      expect(await lagOf(context)).toBe(0)
    }),
  )

  test.each([{ autoCommitInterval: 5_000 }, { autoCommitThreshold: 1 }])(
    'are committed past with %j',
    async (run) =>
      inContext(async (context) => {
        await produceWithVoid(context, lists)
        const reader = await read(context, context.tab(), { run })
        await context.until(async () => (await committed(context))['orders 0'] === end)
        expect(reader.handled).toHaveLength(wanted.length)
      })(),
  )

  test(
    'are not in batches, whose offsets are those of messages',
    inContext(async (context) => {
      await produceWithVoid(context, lists)
      const got: unknown[][] = []
      const lags: number[] = []
      await read(context, context.tab(), {
        onBatch: ({ batch, resolveOffset }) => {
          expect(batch.isEmpty()).toBe(false)
          expect(batch.firstOffset()).toBe(batch.messages[0]?.offset)
          expect(batch.lastOffset()).toBe(batch.messages.at(-1)?.offset)
          lags.push(batch.offsetLag())
          for (const { offset, value } of batch.messages) {
            got.push([offset, value])
            resolveOffset(offset)
          }
        },
        run: { eachBatchAutoResolve: false },
      })
      await context.until(async () => (await committed(context))['orders 0'] === end)
      expect(got).toEqual(seen)
      if (lags.length > 0) expect(lags.at(-1)).toBe(0)
      expect(await lagOf(context)).toBe(0)
    }),
  )

  test(
    'are passed by a seek to any of them, and what comes after them arrives',
    inContext(async (context) => {
      await produceWithVoid(context, lists)
      const reader = await read(context, context.tab())
      await context.until(async () => (await committed(context))['orders 0'] === end)
      for (const offset of range(end)) {
        const before = reader.handled.length
        reader.consumer.seek({ topic: 'orders', partition: 0, offset })
        const rest = seen.filter(([value]) => Number(value) >= offset)
        await context.until(() => reader.handled.length === before + rest.length)
        await context.until(async () => (await committed(context))['orders 0'] === end)
        const again = reader.handled.slice(before).map(({ offset: at, value }) => [at, value])
        expect(again).toEqual(rest)
      }
      await produce(context, ['next'])
      await context.until(() => reader.values.at(-1) === 'next')
      expect(reader.handled.at(-1)?.offset).toBe(end)
    }),
  )

  test(
    'are not in a loop',
    inContext(async (context) => {
      await produceWithVoid(context, lists)
      const consumer = context.tab().mq.consumer({ groupId: 'g' })
      await context.done(consumer.subscribe({ topics: ['orders'], fromBeginning: true }))
      const abort = new AbortController()
      const values: unknown[] = []
      const loop = (async () => {
        for await (const { message } of consumer.messages({ signal: abort.signal })) {
          values.push(message.value)
        }
      })()
      await context.until(async () => (await committed(context))['orders 0'] === end)
      abort.abort()
      await context.done(loop)
      expect(values).toEqual(wanted.map(String))
    }),
  )
})

describe('beside void records', () => {
  test(
    'a batch of which some is resolved comes again from there',
    inContext(async (context) => {
      await produceWithVoid(context, [[0, null, 2, null, 4, null]])
      const got: unknown[][] = []
      await read(context, context.tab(), {
        onBatch: ({ batch, resolveOffset }) => {
          got.push(batch.messages.map(({ offset }) => offset))
          resolveOffset(batch.firstOffset() ?? 0)
        },
        run: { eachBatchAutoResolve: false },
      })
      await context.until(async () => (await committed(context))['orders 0'] === 6)
      expect(got).toEqual([[0, 2, 4], [2, 4], [4]])
    }),
  )

  test(
    'no offset behind the last message can be resolved',
    inContext(async (context) => {
      await produceWithVoid(context, [[0, null]])
      const errors: unknown[] = []
      await read(context, context.tab(), {
        onBatch: async ({ resolveOffset }) => {
          errors.push(await errorOf((async () => resolveOffset(1))()))
        },
      })
      await context.until(() => errors.length === 1)
      expect(errors).toMatchObject([{ code: 'INVALID_CONFIG' }])
    }),
  )

  test(
    'a handler that fails gets its message again, and no other',
    inContext(async (context) => {
      await produceWithVoid(context, [[null, 1, null, 3, null]])
      let failures = 2
      const reader = await read(context, context.tab(), {
        onMessage: ({ message }) => {
          if (message.offset === 3 && failures-- > 0) throw new Error('not yet')
        },
      })
      await context.until(async () => (await committed(context))['orders 0'] === 5)
      expect(reader.started.map(({ offset }) => offset)).toEqual([1, 3, 3, 3])
    }),
  )

  test(
    'a pause while the only message is handled loses nothing',
    inContext(async (context) => {
      await produceWithVoid(context, [[null, 1, null], [null], [4]])
      let resume = () => {}
      const reader = await read(context, context.tab(), {
        onMessage: ({ message, pause }) => {
          if (message.offset === 1) resume = pause()
        },
      })
      await context.until(() => reader.handled.length === 1)
      await context.settle()
      resume()
      await context.until(async () => (await committed(context))['orders 0'] === 5)
      expect(reader.values).toEqual(['1', '4'])
    }),
  )

  test(
    'the first message of a time is not a void one',
    inContext(async (context) => {
      await produceWithVoid(context, [[null, 1], [null], [3]])
      const offsets = await context.done(
        context.admin.fetchTopicOffsetsByTimestamp('orders', context.clock.nowMs - 1_000_000),
      )
      expect(offsets).toMatchObject([{ partition: 0, offset: 1 }])
    }),
  )
})
