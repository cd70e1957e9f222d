/** Messages with an id in a topic with a window: what `send` tells of those that were there. */
import { describe, expect, test } from 'vitest'
import { inContext, type ClientContext, type Tab } from './client-context.js'
import { read } from './reader.js'

const HOUR_MS = 3_600_000

async function started(context: ClientContext, numPartitions = 1): Promise<Tab> {
  await context.topic('orders', numPartitions, { dedupWindowMs: HOUR_MS })
  return context.tab()
}

const withId = (messageId: string, partition = 0) => ({ value: messageId, messageId, partition })

async function valuesOf(context: ClientContext): Promise<unknown[][]> {
  return (await context.stored('orders')).map((records) => records.map(({ value }) => value))
}

describe('a message that was sent before', () => {
  test(
    'is a duplicate, with the place of the first, whoever sends it and after a restart',
    inContext(async (context) => {
      const tab = await started(context, 2)
      const timestamp = context.clock.nowMs
      const send = (from: Tab, partition: number) =>
        context.done(
          from.mq.producer().send({ topic: 'orders', messages: [withId('a', partition)] }),
        )
      expect(await send(tab, 1)).toEqual([
        { topic: 'orders', partition: 1, baseOffset: 0, timestamp },
      ])
      for (const restarts of [false, true]) {
        if (restarts) context.kill()
        const [again] = await send(restarts ? tab : context.tab(), 0)
        expect(again).toMatchObject({
          topic: 'orders',
          partition: 1,
          baseOffset: 0,
          duplicate: true,
          duplicates: [{ messageId: 'a', partition: 1, offset: 0 }],
        })
      }
      expect(await valuesOf(context)).toEqual([[], ['a']])
    }),
  )

  test(
    'is told of beside those that were stored, of each partition',
    inContext(async (context) => {
      const tab = await started(context, 3)
      const producer = tab.mq.producer()
      const send = (messages: ReturnType<typeof withId>[]) =>
        context.done(producer.send({ topic: 'orders', messages }))
      await send([withId('a'), withId('b'), withId('c', 1)])
      const sent = await send([
        withId('b'),
        withId('d'),
        withId('c'),
        withId('a', 1),
        withId('e', 2),
        withId('d', 2),
      ])
      expect(sent).toMatchObject([
        {
          partition: 0,
          baseOffset: 3,
          duplicates: [
            { messageId: 'b', partition: 0, offset: 1 },
            { messageId: 'c', partition: 1, offset: 0 },
          ],
        },
        {
          partition: 0,
          baseOffset: 0,
          duplicate: true,
          duplicates: [{ messageId: 'a', partition: 0, offset: 0 }],
        },
        {
          partition: 2,
          baseOffset: 0,
          duplicates: [{ messageId: 'd', partition: 0, offset: 3 }],
        },
      ])
      expect(sent.map(({ duplicate }) => duplicate)).toEqual([undefined, true, undefined])
      expect(await valuesOf(context)).toEqual([['a', 'b', 'd'], ['c'], ['e']])
    }),
  )

  test(
    'is told to its own send where several share a batch',
    inContext(async (context) => {
      const tab = await started(context)
      const producer = tab.mq.producer()
      await context.done(producer.send({ topic: 'orders', messages: [withId('a')] }))
      const sends = [['a'], ['b', 'a'], ['c', 'd'], ['d']].map((ids) =>
        producer.send({ topic: 'orders', messages: ids.map((id) => withId(id)) }),
      )
      const before = tab.requestsOf('produce').length
      const results = (await context.done(Promise.all(sends))).flat()
      expect(tab.requestsOf('produce').length - before).toBe(1)
      const duplicate = (messageId: string, offset: number) => ({ messageId, partition: 0, offset })
      expect(results).toMatchObject([
        { baseOffset: 0, duplicate: true, duplicates: [duplicate('a', 0)] },
        { baseOffset: 2, duplicates: [duplicate('a', 0)] },
        { baseOffset: 4 },
        { baseOffset: 5, duplicate: true, duplicates: [duplicate('d', 5)] },
      ])
      expect(results[2]).not.toHaveProperty('duplicates')
    }),
  )

  test(
    'is no duplicate where only the answer to it was lost',
    inContext(async (context) => {
      const tab = await started(context)
      const producer = tab.mq.producer()
      await context.done(producer.send({ topic: 'orders', messages: [withId('a')] }))
      const held = tab.hold('produce', 'reply')
      const send = producer.send({ topic: 'orders', messages: [withId('b'), withId('a')] })
      await context.settle()
      context.kill()
      held.drop()
      const [sent] = await context.done(send)
      expect(sent).toMatchObject({
        baseOffset: 1,
        duplicates: [{ messageId: 'a', partition: 0, offset: 0 }],
      })
      expect(sent).not.toHaveProperty('duplicate')
      expect(await valuesOf(context)).toEqual([['a', 'b']])
    }),
  )

  test(
    'is told of also where the topic is not known yet, compressed, and in several chunks',
    inContext(async (context) => {
      const tab = await started(context)
      const options = { compression: 'gzip', batchSize: 200 } as const
      const ids = Array.from({ length: 30 }, (_, at) => `id-${at}`)
      const messages = ids.map((id) => withId(id))
      for (const isFirst of [true, false]) {
        const producer = tab.mq.producer(options)
        // Compressing takes real time, which the clock of the test must not run ahead of.
        const [sent] = await producer.send({ topic: 'orders', messages })
        if (isFirst) expect(sent).not.toHaveProperty('duplicates')
        else {
          expect(sent).toMatchObject({ baseOffset: 0, duplicate: true })
          expect(sent?.duplicates).toEqual(
            ids.map((messageId, offset) => ({ messageId, partition: 0, offset })),
          )
        }
      }
      expect(await valuesOf(context)).toEqual([ids])
    }),
  )

  test(
    'is delivered once, and the group’s lag comes to nothing',
    inContext(async (context) => {
      const tab = await started(context)
      const producer = tab.mq.producer()
      const reader = await read(context, tab)
      for (const ids of [['a', 'b'], ['b', 'c'], ['a'], ['d', 'c', 'b']]) {
        const messages = ids.map((id) => withId(id))
        await context.done(producer.send({ topic: 'orders', messages }))
      }
      await context.until(() => reader.handled.length >= 4)
      await context.advance(5_000)
      expect(reader.values).toEqual(['a', 'b', 'c', 'd'])
      const [group] = await context.done(context.admin.describeGroups(['g']))
      expect(group?.offsets.map(({ lag }) => lag)).toEqual([0])
    }),
  )

  test(
    'is counted for whoever watches',
    inContext(async (context) => {
      const tab = await started(context)
      const producer = tab.mq.producer()
      const abort = new AbortController()
      const counts: (number | undefined)[] = []
      const watching = (async () => {
        for await (const state of context.admin.watch({ signal: abort.signal })) {
          counts.push(state.topics.find(({ topic }) => topic === 'orders')?.deduplicated)
        }
      })()
      for (let round = 0; round < 3; round++) {
        await context.done(producer.send({ topic: 'orders', messages: [withId('a'), withId('b')] }))
      }
      await context.until(() => counts.at(-1) === 4)
      abort.abort()
      await context.done(watching)
      expect(counts[0]).toBe(0)
    }),
  )
})
