/** Publishing over a broker: what is one transaction, what waits for it, and what it may take. */
import { describe, expect, it } from 'vitest'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { BrokerLimits } from '../../../src/protocol/limits.js'
import type { ExchangeName, ProducerId, TopicName } from '../../../src/protocol/names.js'
import type { PublishRequest, PublishResult } from '../../../src/protocol/requests/exchanges.js'
import type { TopicConfig } from '../../../src/protocol/requests/topics.js'
import { BrokerContext, type Tab } from '../broker-context.js'
import { outcomeOf, watch } from '../outcome.js'
import { publicationOf, type PublicationFields } from '../routing/routing-context.js'

const exchange = 'x' as ExchangeName
const full = () => new TabmqError('STORAGE_FULL', 'full', {})

/** A fanout to these topics. */
async function begin({
  topics = ['a', 'b'],
  limits = {},
  config = {},
}: {
  topics?: readonly string[]
  limits?: Partial<BrokerLimits>
  config?: Partial<TopicConfig>
} = {}): Promise<BrokerContext> {
  const context = await BrokerContext.start({ limits })
  const { tab } = context
  const fanout = { exchange, type: 'fanout', alternateExchange: null } as const
  await tab.call({ api: 'declareExchange', ...fanout })
  for (const topic of topics) {
    await context.createTopic(topic, 1, config)
    const terms = { routingKey: '', headers: {}, match: 'all', weight: 1 } as const
    const binding = { topic: topic as TopicName, ...terms }
    await tab.call({ api: 'bind', exchange, binding })
  }
  return context
}

async function publish(
  tab: Tab,
  firstNumber: number,
  {
    fields = [{}],
    producerId = 1,
    ...more
  }: Partial<Omit<PublishRequest, 'producerId' | 'publications'>> & {
    fields?: readonly PublicationFields[]
    producerId?: number
  } = {},
): Promise<readonly PublishResult[]> {
  const publications = fields.map(publicationOf)
  const request = { exchange, firstNumber, acks: 1, publications, ...more } as const
  const id = producerId as ProducerId
  return (await tab.call({ api: 'publish', ...request, producerId: id })).results
}

const countersOf = async ({ tab }: BrokerContext) => {
  const { exchanges } = await tab.call({ api: 'listExchanges' })
  return exchanges[0]?.counters
}

async function watermarks(context: BrokerContext, topics = ['a', 'b']) {
  const ids = await Promise.all(topics.map((topic) => context.partitionIds(topic)))
  return ids.map(([id]) => (id === undefined ? undefined : context.watermark(id)))
}

describe('a publish request', () => {
  it('is one entry of one transaction, with what it was answered', async () => {
    const context = await begin()
    const before = context.storage.commits.length
    await publish(context.tab, 0, { fields: [{}, {}], acks: -1 })
    const [commit, ...others] = context.storage.commits.slice(before)
    expect(others).toEqual([])
    expect(commit?.durability).toBe('strict')
    expect(commit?.records.map(({ type }) => type)).toEqual([
      'batch',
      'batch',
      'batch',
      'batch',
      'publisher',
    ])
  })

  it('that comes again while it is being written waits for that, and is stored once', async () => {
    const context = await begin()
    context.storage.hold()
    const first = publish(context.tab, 0)
    const again = publish(context.tab, 0, { isRepeat: true })
    const seen = watch(again)
    await context.time.advance(100)
    expect(seen.outcome).toBeUndefined()
    context.storage.release()
    expect(await again).toEqual(await first)
    expect(await watermarks(context)).toEqual([1, 1])
  })

  it('is refused whole when there is no space, with its repeat and what follows', async () => {
    const context = await begin()
    context.storage.hold()
    context.storage.failCommits(full())
    const calls = [publish(context.tab, 0), publish(context.tab, 0), publish(context.tab, 1)]
    await context.time.advance(10)
    context.storage.release()
    expect(await Promise.all(calls.map(outcomeOf))).toEqual(Array(3).fill('STORAGE_FULL'))
    expect(context.broker.state.exchanges.find(exchange)?.publishers.size).toBe(0)
    const [result] = await publish(context.tab, 0)
    expect(result?.placements?.map(({ baseOffset }) => baseOffset)).toEqual([0, 0])
    context.broker.checkInvariants()
  })

  it('of messages that are being written is refused with them', async () => {
    const context = await begin({ config: { dedupWindowMs: 60_000 } })
    const fields = [{ batches: [{ ids: ['m'] }] }]
    await publish(context.tab, 0, { fields: [{ batches: [{ ids: ['other'] }] }] })
    context.storage.hold()
    context.storage.failCommits(full())
    const first = publish(context.tab, 1, { fields })
    const second = publish(context.tab, 0, { fields, producerId: 2 })
    await context.time.advance(10)
    context.storage.release()
    expect(await Promise.all([first, second].map(outcomeOf))).toEqual([
      'STORAGE_FULL',
      'STORAGE_FULL',
    ])
    const [stored] = await publish(context.tab, 0, { fields, producerId: 2 })
    expect(stored?.placements?.map(({ duplicate }) => duplicate)).toEqual([undefined, undefined])
    const [known] = await publish(context.tab, 2, { fields })
    expect(known?.placements).toMatchObject([
      { baseOffset: 1, duplicate: true },
      { baseOffset: 1, duplicate: true },
    ])
    expect(await watermarks(context)).toEqual([2, 2])
  })

  it('counts when it is durable, and what was refused for want of space does not', async () => {
    const context = await begin()
    context.storage.failCommits(full())
    await outcomeOf(publish(context.tab, 0))
    expect(await countersOf(context)).toMatchObject({ published: 0, routed: 0 })
    await publish(context.tab, 1, { fields: [{ batches: [{ records: 3 }] }] })
    await publish(context.tab, 2, { acks: 0 })
    expect(await countersOf(context)).toEqual({
      published: 4,
      routed: 4,
      unroutable: 0,
      dropped: 0,
    })
  })

  it('waits for room when its copies are too much beside what the tab has under way', async () => {
    const context = await begin({ limits: { sessionBufferedBytesMax: 50_000 } })
    const large = { fields: [{ batches: [{ bytes: 30_000 }] }] }
    // Alone it may be as large as it is.
    await publish(context.tab, 0, large)
    context.storage.hold()
    const first = publish(context.tab, 1, large)
    expect(await outcomeOf(publish(context.tab, 0, { ...large, producerId: 2 }))).toBe(
      'THROTTLING_QUOTA_EXCEEDED',
    )
    context.storage.release()
    await first
    expect(context.broker.buffered.total).toBe(0)
    await publish(context.tab, 0, { ...large, producerId: 2 })
    expect(await watermarks(context)).toEqual([3, 3])
  })
})

describe('a producer that publishes', () => {
  it('is remembered over a restart', async () => {
    const context = await begin()
    const first = await publish(context.tab, 0)
    const next = await context.restart()
    expect(await publish(next.tab, 0, { isRepeat: true })).toEqual(first)
    expect(await watermarks(next)).toEqual([1, 1])
  })

  it('is forgotten when its tab has used too many others since', async () => {
    const context = await begin({ limits: { sessionProducersMax: 2 } })
    for (const producerId of [1, 2, 3]) await publish(context.tab, 0, { producerId })
    const { publishers } = context.broker.state.exchanges.findOrThrow(exchange)
    expect([...publishers.keys()]).toEqual([2, 3])
    const again = publish(context.tab, 1, { producerId: 1, isRepeat: true })
    expect(await outcomeOf(again)).toBe('UNKNOWN_PRODUCER_ID')
  })

  it('is forgotten with its tab, and not while that only sleeps', async () => {
    const context = await begin()
    const [sleeps, goes] = [context.openTab(), context.openTab()]
    await publish(sleeps, 0, { producerId: 1 })
    await publish(goes, 0, { producerId: 2 })
    await sleeps.leave({ isTabGone: false })
    await goes.leave()
    const { publishers } = context.broker.state.exchanges.findOrThrow(exchange)
    expect([...publishers.keys()]).toEqual([1])
  })
})
