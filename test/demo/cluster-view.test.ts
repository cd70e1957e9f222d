import { describe, expect, it } from 'vitest'
import { committedOf, viewOf } from '../../demo/cluster/cluster-view.js'
import { memoryBroker } from '../../src/testing/index.js'

const names = { topic: 'rows', group: 'workers' }

/** The state of a broker in which one tab has handled something. */
async function stateOfBroker() {
  await using broker = memoryBroker()
  const mq = broker.client({ clientId: 'tab-2' })
  await mq.admin().createTopics({ topics: [{ topic: 'rows', numPartitions: 2 }] })
  await mq.producer().send({ topic: 'rows', messages: [{ value: 'a', partition: 1 }] })
  const consumer = mq.consumer({ groupId: 'workers' })
  await consumer.subscribe({ topics: ['rows'], fromBeginning: true })
  await consumer.run({ eachMessage: () => {} })
  for await (const state of mq.admin().watch()) {
    const offsets = state.groups.flatMap((group) => group.offsets)
    if (offsets.some(({ committedOffset }) => committedOffset === 1)) return state
  }
  throw new Error('the watch ended')
}

describe('the view of the cluster', () => {
  it('shows partitions with owner, end, committed offset and lag', async () => {
    const view = viewOf(await stateOfBroker(), names)
    const owner = { number: 2, text: 'Tab 2' }
    expect(view.partitions).toEqual([
      expect.objectContaining({ partition: 0, start: 0, end: 0, owner }),
      {
        partition: 1,
        start: 0,
        end: 1,
        owner,
        groups: [{ groupId: 'workers', committed: 1, lag: 0 }],
      },
    ])
    expect(committedOf(view, 'workers').get(1)).toBe(1)
    expect(view.tabs).toEqual([{ name: owner, isMember: true, partitions: [0, 1] }])
    expect(view.broker).toMatchObject({ groupState: 'stable' })
  })

  it('is empty where there is neither topic nor group', async () => {
    const state = await stateOfBroker()
    const view = viewOf({ ...state, topics: [], groups: [], sessions: [] }, names)
    expect(view).toMatchObject({ topicId: undefined, partitions: [], tabs: [] })
  })
})
