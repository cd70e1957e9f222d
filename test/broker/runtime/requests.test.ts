import { describe, expect, it } from 'vitest'
import type { GroupId, MemberId, PartitionId, TopicName } from '../../../src/protocol/names.js'
import { BrokerContext, idsOf } from '../broker-context.js'
import { outcomeOf } from '../outcome.js'

const groupId = 'billing' as GroupId
const orders = 'orders' as TopicName

describe('a consumer’s life', () => {
  it('goes from join to leave over the requests of the protocol', async () => {
    const context = await BrokerContext.start()
    const ids = await context.createTopic('orders', 2)
    for (const id of ids) await context.append(id, { records: 4 })
    const tab = context.openTab()
    const joined = await tab.heartbeat({ groupId, memberId: 'a' })
    const partitions = idsOf(joined.assigned)
    const { memberEpoch } = joined
    const member = { memberId: 'a' as MemberId, memberEpoch }
    const starting = { groupId, member, partitions, autoOffsetReset: 'earliest' } as const
    const { results } = await tab.call({ api: 'startOffsets', ...starting })
    expect(results).toEqual(ids.map((partitionId) => ({ partitionId, offset: 0 })))

    const offsets = ids.map((partitionId) => ({ partitionId, offset: 3 }))
    await tab.call({ api: 'commitOffsets', groupId, member, offsets })
    const { groups } = await tab.call({ api: 'describeGroups', groupIds: [groupId] })
    expect(groups[0]).toMatchObject({
      groupId,
      state: 'stable',
      members: [
        { memberId: 'a', sessionId: tab.sessionId, memberEpoch, assigned: joined.assigned },
      ],
      offsets: ids.map((partitionId) => ({ partitionId, committedOffset: 3, lag: 1 })),
    })

    const remove = () => tab.call({ api: 'deleteGroups', groupIds: [groupId] })
    await expect(remove()).rejects.toMatchObject({ code: 'NON_EMPTY_GROUP' })
    await tab.call({ api: 'leaveGroup', groupId, member })
    const { groups: listed } = await tab.call({ api: 'listGroups' })
    expect(listed).toEqual([{ groupId, type: 'consumer', state: 'empty' }])
    await remove()
    const fetched = await tab.call({ api: 'fetchOffsets', groupId, partitions: 'all' })
    expect(fetched).toEqual({ offsets: [] })
  })

  it('ends with a typed error where its group, member or topic is unknown', async () => {
    const context = await BrokerContext.start()
    const { tab } = context
    const member = { memberId: 'a' as MemberId, memberEpoch: 3 }
    expect(await outcomeOf(tab.call({ api: 'describeGroups', groupIds: [groupId] }))).toBe(
      'GROUP_ID_NOT_FOUND',
    )
    expect(await outcomeOf(tab.call({ api: 'leaveGroup', groupId, member }))).toBe(
      'UNKNOWN_MEMBER_ID',
    )
    expect(await outcomeOf(tab.call({ api: 'metadata', topics: [orders] }))).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    )
    const offsets = [{ partitionId: 5 as PartitionId, offset: 0 }]
    expect(await outcomeOf(tab.call({ api: 'commitOffsets', groupId, offsets }))).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    )
    expect(context.storage.commits).toEqual([])
    expect(await tab.call({ api: 'listGroups' })).toEqual({ groups: [] })
  })
})

describe('deleting a topic', () => {
  it('takes partitions, batches, offsets and assignments in one transaction', async () => {
    const context = await BrokerContext.start()
    const [id = 0 as PartitionId] = await context.createTopic('orders')
    await context.append(id, { producer: { id: 1, sequence: 0 } })
    const offsets = [{ partitionId: id, offset: 1 }]
    await context.tab.call({ api: 'commitOffsets', groupId, offsets })
    await context.openTab().heartbeat({ groupId, memberId: 'a' })
    const before = context.storage.commits.length
    await context.deleteTopic('orders')
    expect(context.storage.commits.length).toBe(before + 1)
    const types = context.storage.commits.at(-1)?.records.map(({ type }) => type)
    expect(types).toEqual(['offset', 'topic', 'producer', 'batchesDeleted', 'partition', 'group'])
    const { topics, partitions, batches, offsets: left, producers } = context.database
    expect([topics, partitions, batches, left, producers].map(({ size }) => size)).toEqual(
      Array(5).fill(0),
    )
  })

  it('and making it again gives a topic that has nothing of the first', async () => {
    const context = await BrokerContext.start()
    const [before = 0 as PartitionId] = await context.createTopic('orders')
    await context.append(before, { records: 5, producer: { id: 1, sequence: 0 } })
    await context.deleteTopic('orders')
    const [after = 0 as PartitionId] = await context.createTopic('orders')
    expect(after).not.toBe(before)
    const batch = { records: 5, producer: { id: 1, sequence: 0 } }
    expect(await context.append(after, batch)).toMatchObject({ baseOffset: 0, duplicate: false })
    await expect(context.append(before, batch)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    await expect(context.tab.read(before, 0)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
  })
})
