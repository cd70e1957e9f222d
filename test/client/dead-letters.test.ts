/** Dead letters as they are written: with what they share a request, a batch or a transaction. */
import { describe, expect, test } from 'vitest'
import { ShareReader } from '../../src/broker/runtime/share-reader.js'
import { BATCH_HEADER_BYTES } from '../../src/protocol/batch-header.js'
import type { ShareDelivery } from '../../src/client/share/share-delivery.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { inContext, type ClientContext } from './client-context.js'
import { produce, range } from './reader.js'
import { work } from './share-worker.js'

const DEAD = 'orders.dead'

async function partitionOf(context: ClientContext) {
  const [group] = await context.done(context.admin.describeShareGroups(['q']))
  return group?.partitions[0]
}

function codeIn(error: unknown): string {
  return error instanceof TabmqError ? error.code : String(error)
}

/** What is stored of a topic, in bytes. */
async function bytesOf(context: ClientContext, topic: string): Promise<number> {
  const { state } = await context.broker
  const found = state.topics.all().find((one) => one.topic === topic)
  const batches = (found?.partitionIds ?? []).flatMap(
    (id) => context.database.batches.get(id) ?? [],
  )
  return batches.reduce((sum, { batch }) => sum + batch.byteLength, 0)
}

const isRejecting = (isRejected: (value: unknown) => boolean) => {
  return async ({ message, acknowledge }: ShareDelivery) => {
    if (isRejected(message.value)) await acknowledge('reject')
  }
}

/** The next batch that is read for a dead letter is this instead. */
function onNextRead(change: (batch: ArrayBuffer | undefined) => unknown): void {
  const { batchAt } = ShareReader.prototype
  ShareReader.prototype.batchAt = async function (this: ShareReader, ...args) {
    ShareReader.prototype.batchAt = batchAt
    const batch = await batchAt.apply(this, args)
    const copy = batch?.slice(0)
    await change(copy)
    return copy
  }
}

describe('a rejection', () => {
  test(
    'that fails for want of space does not fail the acceptance beside it',
    inContext(async (context) => {
      await context.topic('orders')
      await context.topic(DEAD)
      await produce(context, ['bad', 'good'])
      const outcome: Record<string, string> = {}
      let go = () => {}
      const gate = new Promise<void>((resolve) => {
        go = resolve
      })
      const worker = await work(context, context.tab(), {
        deadLetterTopic: DEAD,
        concurrency: 2,
        onMessage: async ({ acknowledge, message }) => {
          await gate
          const type = message.value === 'bad' ? 'reject' : 'accept'
          outcome[String(message.value)] = await acknowledge(type).then(() => 'ok', codeIn)
        },
      })
      await context.until(() => worker.started.length === 2)
      const commit = context.commit.bind(context)
      let count = 0
      // The first has what the members said, the second the dead letter.
      context.commit = (write, isAlive) => {
        count += 1
        if (count !== 2) return commit(write, isAlive)
        return Promise.reject(new TabmqError('STORAGE_FULL', 'there is no space'))
      }
      go()
      await context.advance(10_000)
      expect((await partitionOf(context))?.counters).toMatchObject({ accepted: 1, deadLettered: 0 })
      expect(outcome).toEqual({ bad: 'STORAGE_FULL', good: 'ok' })
      // And is tried again.
      await context.advance(60_000)
      expect(await context.stored(DEAD)).toMatchObject([[{ value: 'bad' }]])
    }),
  )

  test(
    'that the reload of the state undid is not said to have been done',
    inContext(async (context) => {
      await context.topic('orders')
      await context.topic(DEAD)
      await produce(context, ['bad'])
      const outcomes: string[] = []
      const broker = await context.broker
      await work(context, context.tab(), {
        deadLetterTopic: DEAD,
        onMessage: async ({ acknowledge, deliveryCount }) => {
          if (deliveryCount > 1) return
          onNextRead(async () => {
            broker.storageLost(new TabmqError('BROKER_UNAVAILABLE', 'something failed'))
            await context.settle()
          })
          const outcome = await acknowledge('reject').then(() => 'ok', codeIn)
          outcomes.push(outcome)
        },
      })
      await context.advance(60_000)
      // Its tab may have heard before that it has the message no more.
      expect(outcomes).toEqual([
        expect.stringMatching(/^(BROKER_UNAVAILABLE|INVALID_RECORD_STATE)$/),
      ])
      expect(await context.stored(DEAD)).toEqual([[]])
    }),
  )
})

describe('a dead letter', () => {
  test(
    'may be larger than what its topic lets others send',
    inContext(
      async (context) => {
        await context.topic('orders')
        await context.topic(DEAD)
        const producer = context.producerTab.mq.producer()
        const value = new Uint8Array(1024 * 1024 - 100)
        for (const n of range(3)) {
          const messages = [{ key: `big${n}`, value }]
          await context.done(producer.send({ topic: 'orders', messages }))
        }
        await produce(context, range(10))
        const worker = await work(context, context.tab(), {
          deadLetterTopic: DEAD,
          onMessage: isRejecting((one) => typeof one !== 'number'),
        })
        await context.until(() => worker.handled.length === 13)
        const [dead = []] = await context.stored(DEAD)
        expect(dead.map(({ key }) => key)).toEqual(['big0', 'big1', 'big2'])
      },
      { limits: { sharePartitionAcquiredMax: 3 } },
    ),
  )

  test(
    'of a record that cannot be read says so, and has a null value',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['bad'])
      const worker = await work(context, context.tab(), {
        deadLetterTopic: DEAD,
        onMessage: async ({ acknowledge }) => {
          onNextRead((batch) => {
            // The attributes of the record, behind the count and the time of the section.
            if (batch !== undefined) new Uint8Array(batch)[BATCH_HEADER_BYTES + 9] = 0xff
          })
          await acknowledge('reject', { reason: 'no' })
        },
      })
      await context.until(() => worker.handled.length === 1)
      const headers = {
        'dead-letter-topic': 'orders',
        'dead-letter-cause': 'rejected',
        'dead-letter-reason': 'no',
        'dead-letter-unreadable': 'true',
      }
      expect(await context.stored(DEAD)).toMatchObject([[{ key: null, value: null, headers }]])
      // There is nothing of it to be tried again.
      expect(await context.done(context.admin.redrive({ from: DEAD }))).toBe(0)
    }),
  )

  test(
    'that is too large with what comes along keeps key and headers',
    inContext(
      async (context) => {
        await context.topic('orders')
        const producer = context.producerTab.mq.producer()
        const messages = [{ key: 'k', value: 'x'.repeat(3_800), headers: { mine: '1' } }]
        await context.done(producer.send({ topic: 'orders', messages }))
        await work(context, context.tab(), {
          deadLetterTopic: DEAD,
          onMessage: isRejecting(() => true),
        })
        await context.until(async () => (await partitionOf(context))?.counters.deadLettered === 1)
        expect(await context.stored(DEAD)).toMatchObject([
          [{ key: 'k', value: null, headers: { mine: '1', 'dead-letter-unreadable': 'true' } }],
        ])
      },
      { limits: { batchBytesMax: 4_000 } },
    ),
  )

  test(
    'meets an error that nobody thought of, and is tried again',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['bad'])
      await work(context, context.tab(), {
        deadLetterTopic: DEAD,
        onMessage: async ({ acknowledge }) => {
          onNextRead(() => {
            throw new Error('a bug')
          })
          await acknowledge('reject').catch(() => {})
        },
      })
      await context.until(() => context.brokerErrors.length > 0)
      expect(context.brokerErrors.splice(0)).toMatchObject([{ message: 'a bug' }])
      await context.advance(60_000)
      expect(await context.stored(DEAD)).toMatchObject([[{ value: 'bad' }]])
    }),
  )

  test(
    'goes to where it was meant to go, though the group wants none any more',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, ['bad'])
      const rejecting = await work(context, context.tab(), {
        deadLetterTopic: DEAD,
        onMessage: async ({ acknowledge }) => {
          onNextRead(() => {
            throw new TabmqError('STORAGE_ERROR', 'the disk hiccups')
          })
          await acknowledge('reject').catch(() => {})
        },
      })
      await context.until(() => rejecting.handled.length === 1)
      await work(context, context.tab(), { topics: ['other'] })
      await context.advance(60_000)
      expect(await context.stored(DEAD)).toMatchObject([[{ value: 'bad' }]])
    }),
  )

  test(
    'is counted as one; what ends without is counted as dropped',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      const reject = isRejecting((value) => (value as number) < 3)
      await work(context, context.tab(), { onMessage: reject })
      await context.until(async () => (await partitionOf(context))?.startOffset === 4)
      expect((await partitionOf(context))?.counters).toMatchObject({
        accepted: 1,
        rejected: 3,
        deadLettered: 0,
        dropped: 3,
      })
    }),
  )
})

describe('many dead letters', () => {
  test(
    'of one batch are one batch',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = context.producerTab.mq.producer()
      const text = 'x'.repeat(500)
      const messages = range(2_000).map((n) => ({ value: { n, text }, ttlMs: 1_000 }))
      await context.done(producer.send({ topic: 'orders', messages }))
      await context.advance(2_000)
      await work(context, context.tab(), { deadLetterTopic: DEAD })
      await context.until(async () => (await partitionOf(context))?.startOffset === 2_000)
      expect(await bytesOf(context, DEAD)).toBeLessThan(3 * (await bytesOf(context, 'orders')))
      const [dead = []] = await context.stored(DEAD)
      expect(dead.map(({ value }) => (value as { n: number }).n)).toEqual(range(2_000))
      expect(dead.map(({ headers }) => headers['dead-letter-offset'])).toEqual(
        range(2_000).map(String),
      )
    }),
  )

  test(
    'that are rejected one by one take no more than their chunks along',
    inContext(async (context) => {
      await context.topic('orders')
      const producer = context.producerTab.mq.producer()
      const text = 'x'.repeat(500)
      const chunks = range(20).map((chunk) =>
        range(100).map((n) => ({ value: { n: chunk * 100 + n, text } })),
      )
      const sent = chunks.map((messages) => producer.send({ topic: 'orders', messages }))
      await context.done(Promise.all(sent))
      const worker = await work(context, context.tab(), {
        deadLetterTopic: DEAD,
        concurrency: 100,
        onMessage: isRejecting(() => true),
      })
      await context.until(() => worker.handled.length === 2_000)
      const sentBytes = await bytesOf(context, 'orders')
      expect(await bytesOf(context, DEAD)).toBeLessThan(6 * sentBytes)
      const [dead = []] = await context.stored(DEAD)
      expect(dead).toHaveLength(2_000)
    }),
  )
})
