import { describe, expect, it, vi } from 'vitest'
import type { PartitionId } from '../../../src/protocol/names.js'
import { deferred, type Deferred } from '../../../src/std/deferred.js'
import { BrokerContext, type Tab } from '../broker-context.js'
import { allDone } from '../fake-time.js'

async function started(): Promise<{ context: BrokerContext; id: PartitionId }> {
  const context = await BrokerContext.start()
  const [id = 0 as PartitionId] = await context.createTopic('orders')
  return { context, id }
}

const open = (tab: Tab, { watchId = 'w', intervalMs = 100 } = {}) =>
  tab.call({ api: 'watch', watchId, intervalMs })

/** The log ends that a tab was shown since the last time, by watch. */
const shown = (tab: Tab) =>
  tab
    .takePushes('clusterState')
    .map(({ watchId, state }) => [watchId, state.topics[0]?.partitions[0]?.logEndOffset])

describe('a watch', () => {
  it('shows the whole cluster at once', async () => {
    const { context, id } = await started()
    await context.append(id, { records: 3 })
    const tab = context.openTab()
    await tab.heartbeat({ groupId: 'billing', memberId: 'a' })
    const state = await open(tab)
    expect(state).toMatchObject({
      incarnation: context.broker.incarnation,
      brokerEpoch: 1,
      atMs: context.time.nowMs(),
      topics: [
        {
          topic: 'orders',
          partitions: [{ partitionId: id, logStartOffset: 0, logEndOffset: 3, highWatermark: 3 }],
        },
      ],
      groups: [{ groupId: 'billing', state: 'stable', members: [{ memberId: 'a' }] }],
    })
    expect(state.sessions.map(({ sessionId }) => sessionId)).toContain(tab.sessionId)
  })

  it('shows what changed once its interval has passed, all of it at once', async () => {
    const { context, id } = await started()
    const { tab } = context
    await open(tab)
    for (let batch = 0; batch < 5; batch++) await context.append(id)
    await context.time.advance(99)
    expect(shown(tab)).toEqual([])
    await context.time.advance(1)
    expect(shown(tab)).toEqual([['w', 5]])
  })

  it('shows nothing while nothing changes', async () => {
    const { context } = await started()
    await open(context.tab)
    await context.time.advance(10_000)
    expect(shown(context.tab)).toEqual([])
  })

  it('shows at once what comes after a pause, and then keeps its interval', async () => {
    const { context, id } = await started()
    const { tab } = context
    await open(tab)
    await context.time.advance(1_000)
    await context.append(id)
    await context.time.advance(0)
    expect(shown(tab)).toEqual([['w', 1]])
    await context.append(id)
    await context.time.advance(99)
    expect(shown(tab)).toEqual([])
    await context.time.advance(1)
    expect(shown(tab)).toEqual([['w', 2]])
  })

  it('shows nothing new before the tab has taken the last, and then the newest', async () => {
    const { context, id } = await started()
    let taken: Deferred<void> | undefined
    const slow = context.openTab({
      push: async (message) => {
        if (message.push !== 'clusterState') return
        taken = deferred()
        await taken.promise
      },
    })
    await open(slow)
    for (let batch = 0; batch < 5; batch++) {
      await context.append(id)
      await context.time.advance(1_000)
    }
    expect(shown(slow)).toEqual([['w', 1]])
    taken?.resolve()
    await context.time.advance(1_000)
    expect(shown(slow)).toEqual([['w', 5]])
  })

  it('holds up no other', async () => {
    const { context, id } = await started()
    const frozen = context.openTab({ push: () => deferred<void>().promise })
    await open(frozen)
    await open(context.tab)
    for (let batch = 0; batch < 3; batch++) {
      await context.append(id)
      await context.time.advance(100)
    }
    expect(shown(context.tab)).toEqual([1, 2, 3].map((end) => ['w', end]))
  })

  it('goes on when the tab could not take one', async () => {
    const { context, id } = await started()
    const failing = context.openTab({ push: () => Promise.reject(new Error('detached')) })
    await open(failing)
    for (let batch = 0; batch < 2; batch++) {
      await context.append(id)
      await context.time.advance(100)
    }
    expect(shown(failing)).toEqual([1, 2].map((end) => ['w', end]))
  })

  it('shares what a change led to with all others', async () => {
    const { context, id } = await started()
    const tabs = Array.from({ length: 10 }, () => context.openTab())
    for (const tab of tabs) await open(tab)
    const described = vi.spyOn(context.broker.state.groups, 'describeAll')
    for (let batch = 0; batch < 3; batch++) {
      await context.append(id)
      await context.time.advance(100)
    }
    for (const tab of tabs) expect(shown(tab)).toEqual([1, 2, 3].map((end) => ['w', end]))
    expect(described).toHaveBeenCalledTimes(3)
  })

  it('says when its state cannot be made, and shows the next', async () => {
    const { context, id } = await started()
    await open(context.tab)
    vi.spyOn(context.broker.state.groups, 'describeAll').mockImplementationOnce(() => {
      throw new Error('a bug')
    })
    for (const expected of [[], [['w', 2]]]) {
      await context.append(id)
      await context.time.advance(100)
      expect(shown(context.tab)).toEqual(expected)
    }
    expect(context.logged).toEqual([expect.stringContaining('a bug')])
  })

  it('has an interval of its own', async () => {
    const { context, id } = await started()
    const { tab } = context
    await open(tab, { watchId: 'fast', intervalMs: 20 })
    await open(tab, { watchId: 'slow', intervalMs: 1_000 })
    await context.append(id)
    await context.time.advance(20)
    expect(shown(tab)).toEqual([['fast', 1]])
    await context.time.advance(980)
    expect(shown(tab)).toEqual([['slow', 1]])
  })

  it('ends when it is closed, and when its tab is gone', async () => {
    const { context, id } = await started()
    const tab = context.openTab()
    const before = context.time.pending
    for (const each of [context.tab, tab]) {
      await open(each)
      await context.append(id)
    }
    await context.tab.call({ api: 'unwatch', watchId: 'w' })
    await context.tab.call({ api: 'unwatch', watchId: 'unknown' })
    await tab.leave()
    expect(context.time.pending).toBe(before)
    await context.append(id)
    await context.time.advance(1_000)
    expect([...shown(context.tab), ...shown(tab)]).toEqual([])
  })

  it('that is opened again takes the place of the first', async () => {
    const { context, id } = await started()
    const { tab } = context
    await open(tab, { intervalMs: 20 })
    await open(tab, { intervalMs: 500 })
    await context.append(id)
    await context.time.advance(499)
    expect(shown(tab)).toEqual([])
    await context.time.advance(1)
    expect(shown(tab)).toEqual([['w', 1]])
  })

  it('is one of as many as the limit allows to a tab', async () => {
    const context = await BrokerContext.start({ limits: { sessionWatchesMax: 2 } })
    for (const watchId of ['a', 'b', 'a']) await open(context.tab, { watchId })
    await expect(open(context.tab, { watchId: 'c' })).rejects.toMatchObject({
      code: 'THROTTLING_QUOTA_EXCEEDED',
    })
    await context.tab.call({ api: 'unwatch', watchId: 'b' })
    await open(context.tab, { watchId: 'c' })
    await open(context.openTab(), { watchId: 'a' })
  })

  it('shows tabs that come and go', async () => {
    const { context } = await started()
    await open(context.tab)
    const other = context.openTab()
    await context.time.advance(100)
    await other.leave()
    await context.time.advance(100)
    const sessions = context.tab
      .takePushes('clusterState')
      .map(({ state }) => state.sessions.length)
    expect(sessions).toEqual([2, 1])
  })
})

describe('every tab', () => {
  it('hears that topics changed, once it is durable', async () => {
    const { context } = await started()
    const tab = context.openTab()
    context.tab.takePushes('topicsChanged')
    const heard = () => [context.tab, tab].map((each) => each.takePushes('topicsChanged').length)
    context.storage.hold()
    const created = context.createTopic('refunds')
    await allDone()
    expect(heard()).toEqual([0, 0])
    context.storage.release()
    await created
    expect(heard()).toEqual([1, 1])
    const topic = 'refunds' as never
    await tab.call({ api: 'createPartitions', topic, count: 3 })
    expect(heard()).toEqual([1, 1])
    await tab.call({ api: 'alterConfigs', topic, config: { retentionMs: null } })
    expect(heard()).toEqual([1, 1])
    await context.deleteTopic('refunds')
    expect(heard()).toEqual([1, 1])
  })

  it('hears nothing of topics while messages come and go', async () => {
    const { context, id } = await started()
    context.tab.takePushes('topicsChanged')
    await context.append(id)
    const partitions = [{ partitionId: id, beforeOffset: 1 }]
    await context.tab.call({ api: 'deleteRecords', partitions })
    await allDone()
    expect(context.tab.takePushes('topicsChanged')).toEqual([])
  })
})
