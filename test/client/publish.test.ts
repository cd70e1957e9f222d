/** Exchanges and what is published to them, from tab to tab (X1 to X3, X5). */
import { describe, expect, test } from 'vitest'
import type { BindingToMake } from '../../src/client/admin/admin.js'
import type { PublishRecord } from '../../src/client/producer/outgoing-publication.js'
import { BROKER_LIMITS } from '../../src/protocol/limits.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { ExchangeType } from '../../src/protocol/requests/exchanges.js'
import { codeOf, errorOf, inContext, type ClientContext, type Tab } from './client-context.js'
import { range, read } from './reader.js'
import { work } from './share-worker.js'

const MINUTE_MS = 60_000

/** An exchange `x`, bound as it says. */
async function declare(
  context: ClientContext,
  type: ExchangeType,
  bindings: readonly Omit<BindingToMake, 'exchange'>[],
): Promise<void> {
  await context.done(context.admin.declareExchange({ exchange: 'x', type }))
  for (const binding of bindings) {
    await context.done(context.admin.bind({ exchange: 'x', ...binding }))
  }
}

/** A fanout `x` to `mails` and, of three partitions, `audit`. */
async function declareFanout(context: ClientContext): Promise<void> {
  await context.topic('mails')
  await context.topic('audit', 3)
  await declare(context, 'fanout', [{ topic: 'mails' }, { topic: 'audit' }])
}

const message = (value: unknown): PublishRecord => ({ exchange: 'x', messages: [{ value }] })

async function valuesOf(context: ClientContext, topic: string): Promise<unknown[]> {
  return (await context.stored(topic)).flatMap((records) => records.map(({ value }) => value))
}

/** The first and the last number of each request that was sent. */
function numbersOf(tab: Tab): string[] {
  return tab.requestsOf('publish').map(({ firstNumber, publications, isRepeat = false }) => {
    const last = firstNumber + publications.length - 1
    return `${firstNumber}-${last}${isRepeat ? ' again' : ''}`
  })
}

describe('what is published', () => {
  test(
    'is in each topic that its exchange leads to, with all that belongs to it',
    inContext(async (context) => {
      await context.topic('mails')
      await context.topic('audit', 4)
      await declare(context, 'topic', [
        { topic: 'mails', routingKey: 'order.*.created' },
        { topic: 'audit', routingKey: '#' },
      ])
      const producer = context.tab().mq.producer()
      const published = await context.done(
        producer.publish({
          exchange: 'x',
          routingKey: 'order.eu.created',
          headers: { source: 'shop', kind: 'a' },
          messages: [
            { key: 'k', value: { n: 1 }, timestamp: 5, headers: { kind: 'b' } },
            { key: 'k', value: { n: 2 }, timestamp: 6 },
          ],
        }),
      )
      const [place] = await context.done(
        producer.send({ topic: 'audit', messages: [{ key: 'k', value: 'sent' }] }),
      )
      expect(published).toEqual([
        { topic: 'mails', partition: 0, baseOffset: 0, timestamp: 5 },
        { topic: 'audit', partition: place?.partition, baseOffset: 0, timestamp: 5 },
      ])
      for (const topic of ['mails', 'audit']) {
        const [first, second] = (await context.stored(topic)).flat()
        expect(first).toMatchObject({
          key: 'k',
          value: { n: 1 },
          timestamp: 5,
          headers: { source: 'shop', kind: 'b' },
        })
        expect(second).toMatchObject({ value: { n: 2 }, headers: { source: 'shop', kind: 'a' } })
      }
      const other = { exchange: 'x', routingKey: 'order.eu.paid', messages: [{ value: 3 }] }
      expect(await context.done(producer.publish(other))).toMatchObject([{ topic: 'audit' }])
    }),
  )

  test(
    'comes to a consumer group and to a share group alike',
    inContext(async (context) => {
      await declareFanout(context)
      const worker = await work(context, context.tab(), { topics: ['mails'] })
      const reader = await read(context, context.tab(), { topics: ['audit'] })
      const producer = context.tab().mq.producer()
      await context.done(Promise.all(range(20).map((value) => producer.publish(message(value)))))
      await context.until(() => worker.values.length === 20 && reader.values.length === 20)
      expect(worker.values.map(Number).sort((a, b) => a - b)).toEqual(range(20))
      expect(reader.values.map(Number).sort((a, b) => a - b)).toEqual(range(20))
    }),
  )

  test(
    'without a key is spread, and keeps its order with one',
    inContext(async (context) => {
      await declareFanout(context)
      const producer = context.tab().mq.producer()
      await context.done(Promise.all(range(9).map((value) => producer.publish(message(value)))))
      const stored = await context.stored('audit')
      expect(stored.map((records) => records.length)).toEqual([3, 3, 3])
      const keyed = range(30).map((value) => ({ key: `key-${value % 5}`, value }))
      await context.done(producer.publish({ exchange: 'x', messages: keyed }))
      for (const records of await context.stored('audit')) {
        const values = records.slice(3).map(({ value }) => Number(value))
        expect(values).toEqual([...values].sort((a, b) => a - b))
      }
      expect((await valuesOf(context, 'mails')).slice(9)).toEqual(range(30))
    }),
  )

  test(
    'goes by the headers of the publish',
    inContext(async (context) => {
      await context.topic('pdf')
      await context.topic('any')
      const headers = { format: 'pdf', lang: 'de' }
      await declare(context, 'headers', [
        { topic: 'pdf', headers },
        { topic: 'any', headers, match: 'any' },
      ])
      const producer = context.tab().mq.producer()
      const publish = async (given: NonNullable<PublishRecord['headers']>) => {
        const record = { exchange: 'x', headers: given, messages: [{ value: 1 }] }
        return (await context.done(producer.publish(record))).map(({ topic }) => topic)
      }
      expect(await publish({ format: 'pdf', lang: 'de', bytes: new Uint8Array(9) })).toEqual([
        'pdf',
        'any',
      ])
      expect(await publish({ format: ['png', 'pdf'], long: 'x'.repeat(5_000) })).toEqual(['any'])
      expect(await publish({ format: new Uint8Array([112, 100, 102]) })).toEqual([])
      expect(await publish({})).toEqual([])
    }),
  )

  test(
    'is dropped and counted when there is no topic for it, or rejected when it is mandatory',
    inContext(async (context) => {
      await context.topic('mails')
      await declare(context, 'direct', [{ topic: 'mails', routingKey: 'a' }])
      const producer = context.tab().mq.producer()
      const publish = (routingKey: string, mandatory: boolean) =>
        producer.publish({ exchange: 'x', routingKey, mandatory, messages: [{ value: 1 }] })
      const lost = publish('b', false)
      const refused = codeOf(publish('b', true))
      const routed = publish('a', true)
      expect(await context.done(lost)).toEqual([])
      expect(await context.done(refused)).toBe('UNROUTABLE_MESSAGE')
      expect(await context.done(routed)).toHaveLength(1)
      expect(await context.done(context.admin.listExchanges())).toEqual([
        {
          exchange: 'x',
          type: 'direct',
          alternateExchange: null,
          bindings: [{ topic: 'mails', routingKey: 'a', headers: {}, match: 'all', weight: 1 }],
          counters: { published: 3, routed: 1, unroutable: 1, dropped: 1 },
        },
      ])
    }),
  )

  test(
    'is in no topic when one of them cannot take it',
    inContext(async (context) => {
      await context.topic('mails')
      await context.topic('short', 1, { maxMessageBytes: 100 })
      await declare(context, 'fanout', [{ topic: 'mails' }, { topic: 'short' }])
      const producer = context.tab().mq.producer()
      const long = codeOf(producer.publish(message('x'.repeat(200))))
      const others = Promise.all([producer.publish(message(1)), producer.publish(message(2))])
      expect(await context.done(long)).toBe('MESSAGE_TOO_LARGE')
      await context.done(others)
      expect(await valuesOf(context, 'mails')).toEqual([1, 2])
      expect(await valuesOf(context, 'short')).toEqual([1, 2])
    }),
  )

  test(
    'is in no topic when there is no space for all of them, and can be published later',
    inContext(async (context) => {
      await declareFanout(context)
      const producer = context.tab().mq.producer()
      await context.done(producer.publish(message('before')))
      context.commitErrors.push(new TabmqError('STORAGE_FULL', 'full', {}))
      const codes = Promise.all(range(2).map((value) => codeOf(producer.publish(message(value)))))
      expect(await context.done(codes)).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
      await context.done(producer.publish(message('after')))
      for (const topic of ['mails', 'audit']) {
        const values = await valuesOf(context, topic)
        expect(values.map(String).sort()).toEqual(['after', 'before'])
      }
    }),
  )

  test(
    'compressed, unacknowledged or to the letter arrives as well',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const gzip = tab.mq.producer({ compression: 'gzip' })
      const plain = tab.mq.producer()
      // The platform's gzip takes time of its own: virtual time must not go on meanwhile.
      await Promise.all([
        gzip.publish({ exchange: 'x', messages: [{ value: 'x'.repeat(9_000) }] }),
        gzip.publish(message('y')),
        ...([0, -1, 1] as const).map((acks) => plain.publish({ ...message(acks), acks })),
      ])
      expect(await valuesOf(context, 'mails')).toHaveLength(5)
      expect(await valuesOf(context, 'audit')).toContain('x'.repeat(9_000))
    }),
  )

  test(
    'more at once than one request takes keeps its order',
    inContext(
      async (context) => {
        await declareFanout(context)
        const tab = context.tab()
        const producer = tab.mq.producer({ bufferMemoryBytes: 4_000 })
        const count = 2 * BROKER_LIMITS.publicationsMax + 7
        await context.done(
          Promise.all(range(count).map((value) => producer.publish(message(value)))),
        )
        expect(await valuesOf(context, 'mails')).toEqual(range(count))
        expect(tab.requestsOf('publish').length).toBeGreaterThan(2)
      },
      { limits: { publishAppendsMax: 60 } },
    ),
  )

  test(
    'beyond what may wait is refused at once',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const producer = tab.mq.producer({ bufferMemoryBytes: 10_000 })
      const hold = tab.hold('publish', 'request')
      const sent = range(4).map((value) =>
        producer.publish(message(`${value}`.repeat(4_000))).then(
          () => 'ok',
          (error: unknown) => (error as TabmqError).code,
        ),
      )
      const more = range(3).map(() => codeOf(producer.publish(message('x'.repeat(4_000)))))
      expect(await context.done(more[2] ?? Promise.reject(new Error('none')))).toBe(
        'THROTTLING_QUOTA_EXCEEDED',
      )
      hold.release()
      expect(await context.done(Promise.all(sent))).toEqual(['ok', 'ok', 'ok', 'ok'])
    }),
  )
})

describe('what is published while the broker dies', () => {
  test(
    'is stored once and answered as it was, though its first answer was lost',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const producer = tab.mq.producer()
      await context.done(producer.publish(message('first')))
      const replies = tab.hold('publish', 'reply')
      const published = Promise.all(range(3).map((value) => producer.publish(message(value))))
      await context.until(() => replies.size === 1)
      // What was decided stands, whatever the exchange leads to now.
      await context.done(context.admin.unbind({ exchange: 'x', topic: 'mails' }))
      context.kill()
      replies.drop()
      const places = await context.done(published)
      expect(places.map((each) => each.map(({ topic }) => topic))).toEqual(
        range(3).map(() => ['mails', 'audit']),
      )
      expect(places.map(([mails]) => mails?.baseOffset)).toEqual([1, 2, 3])
    }),
  )

  test(
    'a thousand times, with the broker dying in between, is in each topic once and in order',
    inContext(async (context) => {
      await declareFanout(context)
      const tabs = range(3).map(() => context.tab())
      const publishing = tabs.flatMap((tab, at) => {
        const producer = tab.mq.producer()
        return range(300).map(async (value) => {
          // A few at a time, so that there is always something under way.
          await context.settle()
          return producer.publish({
            exchange: 'x',
            messages: [{ key: `${at}`, value: at * 1_000 + value }],
          })
        })
      })
      const all = Promise.all(publishing)
      for (let death = 0; death < 4; death++) {
        await context.settle()
        context.kill()
        await context.advance(50)
      }
      await context.done(all)
      for (const topic of ['mails', 'audit']) {
        const values = (await valuesOf(context, topic)).map(Number)
        for (const at of range(3)) {
          const ofTab = values.filter((value) => Math.floor(value / 1_000) === at)
          expect(ofTab).toEqual(range(300).map((value) => at * 1_000 + value))
        }
      }
    }),
  )

  test(
    'is given up in the end, and is not stored by a later try of what was with it',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const producer = tab.mq.producer({ deliveryTimeoutMs: 20_000 })
      await context.done(producer.publish(message('first')))
      const hold = tab.hold('publish', 'request')
      const before = producer.publish(message('before'))
      await context.advance(5_000)
      const early = errorOf(producer.publish(message('early')))
      await context.advance(10_000)
      const late = producer.publish(message('late'))
      hold.releaseOne()
      await context.done(before)
      // These two go out together, and are not heard of.
      await context.until(() => hold.size === 1)
      expect((await context.done(early)).code).toBe('DELIVERY_TIMED_OUT')
      context.kill()
      hold.drop()
      await context.done(late)
      expect(await valuesOf(context, 'mails')).toEqual(['first', 'before', 'late'])
      expect(numbersOf(tab)).toEqual(['0-0', '1-1', '2-3', '2-3 again'])
    }),
  )

  test(
    'goes out again under its numbers, which say what is stored for sure',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const producer = tab.mq.producer()
      const first = tab.hold('publish', 'request')
      const one = producer.publish(message(1))
      await context.until(() => first.size === 1)
      context.kill()
      first.drop()
      await context.done(one)
      const second = tab.hold('publish', 'request')
      const two = Promise.all([producer.publish(message(2)), producer.publish(message(3))])
      await context.until(() => second.size === 1)
      context.kill()
      second.drop()
      await context.done(two)
      expect(numbersOf(tab)).toEqual(['0-0', '0-0', '1-2', '1-2 again'])
      expect(await valuesOf(context, 'mails')).toEqual([1, 2, 3])
    }),
  )

  test(
    'is refused rather than stored twice when the broker has forgotten its producer',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const producer = tab.mq.producer()
      await context.done(producer.publish(message('first')))
      const replies = tab.hold('publish', 'reply')
      const second = codeOf(producer.publish(message('second')))
      await context.until(() => replies.size === 1)
      for (const rows of context.database.publishers.values()) rows.clear()
      context.kill()
      replies.drop()
      expect(await context.done(second)).toBe('UNKNOWN_PRODUCER_ID')
      expect(await valuesOf(context, 'mails')).toEqual(['first', 'second'])
    }),
  )
})

describe('a tab that publishes', () => {
  test(
    'posts what is left when its page goes, and it is there once when it comes back',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const producer = tab.mq.producer()
      await context.done(producer.publish(message('first')))
      const published = producer.publish(message('last'))
      tab.hide({ mayReturn: true })
      await context.advance(1_000)
      expect(await valuesOf(context, 'mails')).toEqual(['first', 'last'])
      tab.comeBack()
      await context.done(published)
      expect(await valuesOf(context, 'mails')).toEqual(['first', 'last'])
    }),
  )

  test(
    'is forgotten with its tab',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      await context.done(tab.mq.producer().publish(message(1)))
      expect([...context.database.publishers.values()]).toHaveLength(1)
      tab.crash()
      await context.until(() => context.database.publishers.size === 0)
    }),
  )

  test(
    'is forgotten when it was silent for a day',
    inContext(async (context) => {
      await declareFanout(context)
      const producer = context.tab().mq.producer()
      await context.done(producer.publish(message(1)))
      await context.until(() => context.database.publishers.size === 0, {
        withinMs: BROKER_LIMITS.producerExpirationMs + 5 * MINUTE_MS,
      })
      await context.done(producer.publish(message(2)))
      expect(await valuesOf(context, 'mails')).toEqual([1, 2])
    }),
  )

  test(
    'whose data were deleted begins anew',
    inContext(async (context) => {
      await declareFanout(context)
      const tab = context.tab()
      const producer = tab.mq.producer()
      await context.done(producer.publish(message(1)))
      const hold = tab.hold('publish', 'request')
      const doomed = codeOf(producer.publish(message(2)))
      await context.until(() => hold.size === 1)
      context.deleteData()
      context.kill()
      hold.drop()
      expect(await context.done(doomed)).toBe('STORAGE_LOST')
      await declareFanout(context)
      await context.done(producer.publish(message(3)))
      expect(await valuesOf(context, 'mails')).toEqual([3])
    }),
  )

  test(
    'is done with what it published when it has disconnected',
    inContext(async (context) => {
      await declareFanout(context)
      const producer = context.tab().mq.producer()
      const published = producer.publish(message(1))
      await context.done(producer.disconnect())
      expect(await published).toHaveLength(2)
      expect(await codeOf(producer.publish(message(2)))).toBe('CLIENT_CLOSED')
    }),
  )
})

describe('messages with ids', () => {
  test(
    'are stored once in each topic that looks for repeats, and told of',
    inContext(async (context) => {
      await context.topic('plain')
      await context.topic('once', 2, { dedupWindowMs: 60 * MINUTE_MS })
      await declare(context, 'fanout', [{ topic: 'plain' }, { topic: 'once' }])
      const publish = (ids: readonly string[]) =>
        context.done(
          context
            .tab()
            .mq.producer()
            .publish({
              exchange: 'x',
              messages: ids.map((id) => ({ key: 'k', value: id, messageId: id })),
            }),
        )
      await publish(['a', 'b'])
      const [place] = await context.done(
        context
          .tab()
          .mq.producer()
          .send({ topic: 'once', messages: [{ key: 'k', value: 0 }] }),
      )
      const partition = place?.partition
      context.kill()
      expect(await publish(['b', 'a'])).toMatchObject([
        { topic: 'plain', baseOffset: 2 },
        { topic: 'once', partition, baseOffset: 1, duplicate: true },
      ])
      expect(await publish(['a', 'c', 'c'])).toMatchObject([
        { topic: 'plain', baseOffset: 4 },
        { topic: 'once', partition, baseOffset: 4 },
      ])
      expect(await valuesOf(context, 'plain')).toEqual(['a', 'b', 'b', 'a', 'a', 'c', 'c'])
      expect(await valuesOf(context, 'once')).toEqual(['a', 'b', 0, 'c'])
    }),
  )
})

describe('an administrator', () => {
  test(
    'sees exchanges with their bindings in a watch, and after a restart',
    inContext(async (context) => {
      await declareFanout(context)
      await context.done(
        context.admin.declareExchange({
          exchange: 'y',
          type: 'consistent-hash',
          alternateExchange: 'x',
        }),
      )
      await context.done(context.admin.bind({ exchange: 'y', toExchange: 'x', weight: 3 }))
      context.kill()
      const watch = context.admin.watch()
      const { value: state } = await context.done(watch.next())
      expect(state?.exchanges).toMatchObject([
        { exchange: 'x', type: 'fanout', bindings: [{ topic: 'mails' }, { topic: 'audit' }] },
        {
          exchange: 'y',
          type: 'consistent-hash',
          alternateExchange: 'x',
          bindings: [{ toExchange: 'x', weight: 3 }],
        },
      ])
      const next = watch.next()
      await context.done(context.admin.deleteTopics({ topics: ['mails'] }))
      const { value: after } = await context.done(next)
      expect(after?.exchanges[0]?.bindings).toHaveLength(1)
      await context.done(watch.return())
    }),
  )

  test(
    'is told what cannot be declared, bound or deleted',
    inContext(async (context) => {
      const { admin } = context
      await declareFanout(context)
      const refusals = [
        admin.declareExchange({ exchange: 'x', type: 'direct' }),
        admin.declareExchange({ exchange: '', type: 'direct' }),
        admin.declareExchange({ exchange: 'z', type: 'random' as ExchangeType }),
        admin.bind({ exchange: 'x', topic: 'unknown' }),
        admin.bind({ exchange: 'x', toExchange: 'unknown' }),
        admin.bind({ exchange: 'unknown', topic: 'mails' }),
        admin.bind({ exchange: 'x', topic: 'mails', toExchange: 'x' }),
        admin.bind({ exchange: 'x', topic: 'mails', weight: 2 }),
        admin.bind({ exchange: 'x', topic: 'mails', headers: { a: 1 as unknown as string } }),
        admin.bind({ exchange: 'x', topic: 'mails', routingKey: 'x'.repeat(256) }),
        admin.bind({ exchange: 'x' }),
        admin.unbind({ exchange: 'unknown', topic: 'mails' }),
        admin.deleteExchange('unknown'),
        admin.deleteExchange('x', { ifUnused: true }),
      ]
      expect(await context.done(Promise.all(refusals.map((each) => codeOf(each))))).toEqual([
        'EXCHANGE_ALREADY_EXISTS',
        'INVALID_REQUEST',
        'INVALID_CONFIG',
        'UNKNOWN_TOPIC_OR_PARTITION',
        'UNKNOWN_EXCHANGE',
        'UNKNOWN_EXCHANGE',
        'INVALID_CONFIG',
        'INVALID_CONFIG',
        'INVALID_CONFIG',
        'INVALID_CONFIG',
        'INVALID_TOPIC_EXCEPTION',
        'UNKNOWN_EXCHANGE',
        'UNKNOWN_EXCHANGE',
        'EXCHANGE_IN_USE',
      ])
      await context.done(admin.deleteExchange('x'))
      const producer = context.tab().mq.producer()
      expect(await context.done(codeOf(producer.publish(message(1))))).toBe('UNKNOWN_EXCHANGE')
    }),
  )

  test(
    'and whoever publishes is told of what is no publication',
    inContext(async (context) => {
      await declareFanout(context)
      const producer = context.tab().mq.producer()
      const wrong: readonly [object, string][] = [
        [{ exchange: '' }, 'INVALID_REQUEST'],
        [{ routingKey: 7 }, 'INVALID_CONFIG'],
        [{ routingKey: 'x'.repeat(256) }, 'INVALID_CONFIG'],
        [{ headers: 'format' }, 'INVALID_CONFIG'],
        [{ headers: { format: range(65).map(String) } }, 'INVALID_CONFIG'],
        [{ headers: { size: 5 } }, 'SERIALIZATION_FAILED'],
        [{ messages: 'x' }, 'INVALID_CONFIG'],
        [{ messages: [{ value: 1, partition: 0 }] }, 'INVALID_CONFIG'],
        [{ messages: [{ value: 1, headers: 'x' }], headers: {} }, 'SERIALIZATION_FAILED'],
        [{ messages: [{ value: () => 1 }] }, 'SERIALIZATION_FAILED'],
        [{ mandatory: 'yes' }, 'INVALID_CONFIG'],
        [{ acks: 2 }, 'INVALID_CONFIG'],
        [{ topic: 'mails' }, 'INVALID_CONFIG'],
      ]
      for (const [fields, code] of wrong) {
        const record = { ...message(1), ...fields } as PublishRecord
        expect(await codeOf(producer.publish(record)), JSON.stringify(fields)).toBe(code)
      }
      const many = range(5_000).map((value) => ({ key: `${value}`, value }))
      expect(await codeOf(producer.publish({ exchange: 'x', messages: many }))).toBe(
        'MESSAGE_TOO_LARGE',
      )
      expect(await producer.publish({ exchange: 'x', messages: [] })).toEqual([])
    }),
  )
})
