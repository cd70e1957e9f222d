import { describe, expect, it } from 'vitest'
import type { GroupId, PartitionId } from '../../../src/protocol/names.js'
import { PROTOCOL_VERSION } from '../../../src/protocol/protocol-version.js'
import { BrokerContext, type Tab } from '../broker-context.js'
import { allDone } from '../fake-time.js'

const DAY_MS = 24 * 3_600_000

async function started(): Promise<{ context: BrokerContext; id: PartitionId }> {
  const context = await BrokerContext.start()
  const [id = 0 as PartitionId] = await context.createTopic('orders')
  return { context, id }
}

/** Which producers a partition remembers. */
const producersOf = (context: BrokerContext, id: PartitionId) =>
  [...context.broker.state.logs.findOrThrow(id).producers()].map(
    ([producerId]) => producerId as number,
  )

const produce = (tab: Tab, id: PartitionId, producer: number, sequence = 0) =>
  tab.append(id, { producer: { id: producer, sequence } })

describe('a tab', () => {
  it('that says hello learns who answers', async () => {
    const { context } = await started()
    const { incarnation } = context.broker
    expect(context.openTab().hello()).toEqual({
      incarnation,
      brokerEpoch: 1,
      databaseId: 'memory',
    })
  })

  it('of another version of the protocol is refused', async () => {
    const { context } = await started()
    const hello = { protocolVersion: PROTOCOL_VERSION + 1, sessionId: 's', clientId: 'c' }
    const connect = () => context.broker.connect(hello, { push: async () => {} })
    expect(connect).toThrow('the broker speaks version')
    expect((await context.broker.describeCluster()).sessions).toHaveLength(1)
  })

  it('that has not said hello is asked to', async () => {
    const { context } = await started()
    const reply = await context.broker.handle('nobody' as never, { api: 'listGroups' })
    expect(reply).toMatchObject({
      incarnation: context.broker.incarnation,
      ok: false,
      error: { code: 'BROKER_UNAVAILABLE' },
    })
  })

  it('gets a typed error for whatever it sends, and nothing changes', async () => {
    const { context } = await started()
    const commits = context.storage.commits.length
    for (const request of [undefined, 7, {}, { api: 'produce' }, { api: 'nothing' }]) {
      const reply = await context.broker.handle(context.tab.sessionId, request)
      expect(reply).toMatchObject({ ok: false, error: { code: 'INVALID_REQUEST' } })
    }
    expect(context.storage.commits.length).toBe(commits)
    expect(context.logged).toEqual([])
  })

  it('has no more requests under way than the limit', async () => {
    const context = await BrokerContext.start({ limits: { sessionRequestsInFlightMax: 2 } })
    const [id = 0 as PartitionId] = await context.createTopic('orders')
    const fetch = (fetcherId: string) =>
      context.tab.fetch([{ partitionId: id, offset: 0 }], { fetcherId })
    const waiting = [fetch('a'), fetch('b')]
    await expect(fetch('c')).rejects.toMatchObject({ code: 'THROTTLING_QUOTA_EXCEEDED' })
    const other = context.openTab()
    await other.append(id)
    await Promise.all(waiting)
    expect(await context.tab.call({ api: 'listGroups' })).toEqual({ groups: [] })
  })

  it('is shown with the others, in the cluster', async () => {
    const { context } = await started()
    await context.time.advance(5)
    const tab = context.openTab()
    const { sessions, storage, ...cluster } = await tab.call({ api: 'describeCluster' })
    expect(cluster).toEqual({
      incarnation: context.broker.incarnation,
      brokerEpoch: 1,
      protocolVersion: PROTOCOL_VERSION,
      startedAtMs: context.time.nowMs() - 5,
      limits: context.broker.limits,
    })
    expect(storage).toMatchObject({ usageBytes: 0 })
    expect(sessions.map(({ sessionId }) => sessionId)).toEqual([
      context.tab.sessionId,
      tab.sessionId,
    ])
    await tab.leave()
    expect((await context.broker.describeCluster()).sessions).toHaveLength(1)
  })
})

describe('a tab that is gone', () => {
  it('leaves its groups at once', async () => {
    const { context } = await started()
    const tab = context.openTab()
    await tab.heartbeat({ groupId: 'billing', memberId: 'a' })
    await tab.heartbeat({ groupId: 'mail', memberId: 'b' })
    await tab.leave()
    const groups = await context.tab.call({ api: 'listGroups' })
    expect(groups.groups).toEqual([
      { groupId: 'billing', type: 'consumer', state: 'empty' },
      { groupId: 'mail', type: 'consumer', state: 'empty' },
    ])
  })

  it('has its producers forgotten, and nobody else’s', async () => {
    const { context, id } = await started()
    const tab = context.openTab()
    await produce(tab, id, 1)
    await produce(context.tab, id, 2)
    await tab.leave({ isTabGone: true })
    expect(producersOf(context, id)).toEqual([2])
    expect([...(context.database.producers.get(id)?.keys() ?? [])]).toEqual([2])
  })

  it('has its producers forgotten though it had to say hello again', async () => {
    const { context, id } = await started()
    const tab = context.openTab()
    await produce(tab, id, 1)
    tab.hello()
    await tab.leave({ isTabGone: true })
    expect(producersOf(context, id)).toEqual([])
  })

  it('may be told to be gone twice', async () => {
    const { context } = await started()
    const tab = context.openTab()
    await Promise.all([tab.leave(), tab.leave()])
    await expect(tab.call({ api: 'listGroups' })).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
    })
  })
})

describe('a tab that only sleeps', () => {
  it('may repeat its last batches when it wakes up', async () => {
    const { context, id } = await started()
    const tab = context.openTab()
    await produce(tab, id, 1)
    await tab.leave({ isTabGone: false })
    expect(producersOf(context, id)).toEqual([1])
    tab.hello()
    expect(await produce(tab, id, 1)).toEqual({ partitionId: id, baseOffset: 0, duplicate: true })
  })

  it('leaves its groups nevertheless', async () => {
    const { context } = await started()
    const tab = context.openTab()
    await tab.heartbeat({ groupId: 'billing', memberId: 'a' })
    await tab.leave({ isTabGone: false })
    const { groups } = await context.tab.call({ api: 'listGroups' })
    expect(groups).toEqual([{ groupId: 'billing', type: 'consumer', state: 'empty' }])
  })
})

describe('the same session again', () => {
  it('replaces the port and keeps the members', async () => {
    const { context } = await started()
    const tab = context.openTab()
    const { memberEpoch } = await tab.heartbeat({ groupId: 'billing', memberId: 'a' })
    let old = 0
    tab.hello({
      push: async () => {
        old += 1
      },
    })
    tab.hello()
    await tab.heartbeat({ groupId: 'billing', memberId: 'a', memberEpoch }, { owned: [] })
    await context.time.advance(3_000)
    expect(tab.takePushes('heartbeat')).toHaveLength(1)
    expect(old).toBe(0)
  })

  it('answers the fetches of the old port', async () => {
    const { context, id } = await started()
    const tab = context.openTab()
    const fetch = tab.fetch([{ partitionId: id, offset: 0 }])
    tab.hello()
    expect(await fetch).toEqual({ partitions: [] })
  })

  it('is not ended by the end of its old port', async () => {
    const { context } = await started()
    const { broker } = context
    const hello = { protocolVersion: PROTOCOL_VERSION, sessionId: 's', clientId: 'c' }
    const [first, second] = [{ push: async () => {} }, { push: async () => {} }]
    broker.connect(hello, first)
    broker.connect(hello, second)
    await broker.endSession('s' as never, { isTabGone: true, port: first })
    expect((await broker.describeCluster()).sessions).toHaveLength(2)
    await broker.endSession('s' as never, { isTabGone: true, port: second })
    expect((await broker.describeCluster()).sessions).toHaveLength(1)
  })
})

describe('a producer that is long silent', () => {
  it('is forgotten after a day, and may go on with any sequence', async () => {
    const { context, id } = await started()
    await produce(context.tab, id, 1)
    await context.time.advance(DAY_MS - 1)
    expect(producersOf(context, id)).toEqual([1])
    await context.time.advance(60_000)
    expect(producersOf(context, id)).toEqual([])
    expect(await produce(context.tab, id, 1, 77)).toMatchObject({ duplicate: false })
  })

  it('is not forgotten because the machine slept, or its clock was set ahead', async () => {
    const context = await BrokerContext.start()
    const [partitionId = 0 as PartitionId] = await context.createTopic('orders')
    const batch = { producer: { id: 1, sequence: 0 } }
    await context.append(partitionId, batch)
    await context.time.sleep(DAY_MS + 60_000)
    await context.time.advance(120_000)
    expect(await context.append(partitionId, batch)).toMatchObject({ duplicate: true })
    await context.time.advance(DAY_MS)
    expect(await context.append(partitionId, batch)).toMatchObject({ duplicate: false })
  })

  it.each(['a request', 'a timer'])(
    'is not forgotten, nor the offsets of an empty group, when the clock was set ahead: %s is first',
    async (first) => {
      const context = await BrokerContext.start()
      const [partitionId = 0 as PartitionId] = await context.createTopic('orders')
      const batch = { producer: { id: 1, sequence: 0 } }
      await context.append(partitionId, batch)
      const groupId = 'g' as GroupId
      const offsets = [{ partitionId, offset: 1 }]
      await context.tab.call({ api: 'commitOffsets', groupId, offsets })
      const nowMs = context.time.nowMs.bind(context.time)
      context.time.nowMs = () => nowMs() + 30 * DAY_MS
      if (first === 'a request') await context.tab.call({ api: 'listGroups' })
      await context.time.advance(120_000)
      expect(await context.append(partitionId, batch)).toMatchObject({ duplicate: true })
      const { groups } = await context.tab.call({ api: 'listGroups' })
      expect(groups).toHaveLength(1)
    },
  )

  it('is remembered for a day from its last batch', async () => {
    const { context, id } = await started()
    await produce(context.tab, id, 1)
    await context.time.advance(DAY_MS - 60_000)
    await produce(context.tab, id, 1, 1)
    await context.time.advance(DAY_MS - 60_000)
    await allDone()
    expect(producersOf(context, id)).toEqual([1])
  })
})
