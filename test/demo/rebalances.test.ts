/** Rebalances as a tab tells them, from what a real broker says. */
import { describe, expect, it } from 'vitest'
import { movedIn, Rebalances } from '../../demo/timeline/rebalances.js'
import type { ClusterState, Consumer } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

const names = { topic: 'rows', group: 'workers' }

async function statesOfBroker(
  play: (broker: ReturnType<typeof memoryBroker>, until: Until) => Promise<void>,
): Promise<Rebalances> {
  await using broker = memoryBroker()
  const watcher = broker.client({ clientId: 'watcher' })
  await watcher.admin().createTopics({ topics: [{ topic: 'rows', numPartitions: 4 }] })
  const rebalances = new Rebalances(names)
  const states = watcher.admin().watch({ intervalMs: 20 })
  const until: Until = async (isSo) => {
    for await (const state of { [Symbol.asyncIterator]: () => ({ next: () => states.next() }) }) {
      rebalances.note(state)
      if (isSo(state)) return
    }
  }
  await play(broker, until)
  await states.return()
  return rebalances
}

type Until = (isSo: (state: ClusterState) => boolean) => Promise<void>

async function joined(
  broker: ReturnType<typeof memoryBroker>,
  clientId: string,
  assignor: 'uniform' | 'range' = 'uniform',
): Promise<Consumer> {
  const consumer = broker.client({ clientId }).consumer({ groupId: 'workers', assignor })
  await consumer.subscribe({ topics: ['rows'] })
  await consumer.run({ eachMessage: () => {} })
  return consumer
}

const holding = (members: number) => (state: ClusterState) => {
  const group = state.groups.find(({ groupId }) => groupId === 'workers')
  const held = group?.members.filter(({ assigned }) => assigned.length > 0) ?? []
  return group?.state !== 'reconciling' && held.length === members
}

describe('the rebalances of a group', () => {
  it('say who came and went, who had what before and after, and how long it took', async () => {
    const { all } = await statesOfBroker(async (broker, until) => {
      await joined(broker, 'tab-1')
      await until(holding(1))
      const second = await joined(broker, 'tab-2')
      await until(holding(2))
      await second.disconnect()
      await until(holding(1))
    })
    const [left, came] = all
    const text = (owners: readonly ({ text: string } | undefined)[] = []) =>
      owners.map((owner) => owner?.text)
    expect(came).toMatchObject({ why: ['Tab 2 joined'], tookMs: expect.any(Number) })
    expect(text(came?.before)).toEqual(['Tab 1', 'Tab 1', 'Tab 1', 'Tab 1'])
    expect(text(came?.after).filter((owner) => owner === 'Tab 2')).toHaveLength(2)
    expect(came === undefined ? 0 : movedIn(came)).toBe(2)
    expect(came?.toEpoch).toBeGreaterThan(came?.fromEpoch ?? Infinity)
    expect(left).toMatchObject({ why: ['Tab 2 left'], fromEpoch: came?.toEpoch })
    expect(text(left?.after)).toEqual(['Tab 1', 'Tab 1', 'Tab 1', 'Tab 1'])
  })

  it('say that the topic has grown', async () => {
    const { all } = await statesOfBroker(async (broker, until) => {
      await joined(broker, 'tab-1')
      await until(holding(1))
      const admin = broker.client().admin()
      await admin.createPartitions({ topicPartitions: [{ topic: 'rows', count: 6 }] })
      await until((state) => state.groups[0]?.members[0]?.assigned.length === 6)
    })
    expect(all[0]).toMatchObject({
      why: [expect.stringContaining('6 partitions, not 4')],
      after: Array.from({ length: 6 }, () => ({ text: 'Tab 1' })),
    })
  })

  it('are none while nothing changes', async () => {
    const { all } = await statesOfBroker(async (broker, until) => {
      await joined(broker, 'tab-1')
      await until(holding(1))
      await broker
        .client()
        .producer()
        .send({ topic: 'rows', messages: [{ value: 1 }] })
      await until(
        (state) => state.topics[0]?.partitions.some((one) => one.highWatermark > 0) === true,
      )
    })
    expect(all).toEqual([])
  })
})
