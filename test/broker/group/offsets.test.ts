import { describe, expect, it } from 'vitest'
import { decideDeleteRecords } from '../../../src/broker/log/decide-retention.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { GROUP, GroupContext, refusal } from './group-context.js'

const DAY_MS = 24 * 3_600_000
const P0 = 1 as PartitionId
const P1 = 2 as PartitionId

/** Topic `orders` of two partitions, with ten durable records each. */
function withRecords(): GroupContext {
  const context = new GroupContext()
  for (const partitionId of context.createTopic('orders', 2)) {
    context.append(context.log(partitionId), { records: 10 })
  }
  context.commit()
  return context
}

describe('a commit', () => {
  it('keeps the next offset to read, with its metadata', () => {
    const context = withRecords()
    const member = context.join('a')
    context.commitOffsets([{ partitionId: P0, offset: 7, metadata: 'half' }], member.ref)
    const request = { api: 'fetchOffsets', groupId: GROUP, partitions: 'all' } as const
    expect(context.state.groups.fetchOffsets(request).offsets).toEqual([
      {
        partitionId: P0,
        topic: 'orders',
        partition: 0,
        offset: 7,
        metadata: 'half',
        committedAtMs: context.nowMs,
      },
    ])
    expect(member.start('none', [P0])).toEqual([{ partitionId: P0, offset: 7 }])
  })

  it('may go back', () => {
    const context = withRecords()
    const member = context.join('a')
    member.commit(P0, 9)
    member.commit(P0, 3)
    expect(context.committed(P0)).toBe(3)
  })

  it('with an old epoch is stale, with one ahead fenced', () => {
    const context = withRecords()
    const member = context.join('a')
    context.addPartitions('orders', 3)
    member.beat()
    const commit = (memberEpoch: number) => refusal(() => member.commit(P0, 1, { memberEpoch }))
    expect(commit(member.epoch - 1)).toBe('STALE_MEMBER_EPOCH')
    expect(commit(0)).toBe('STALE_MEMBER_EPOCH')
    expect(commit(member.epoch + 1)).toBe('FENCED_MEMBER_EPOCH')
    expect(context.committed(P0)).toBeUndefined()
    expect(commit(member.epoch)).toBeUndefined()
  })

  it('of a fenced member is refused', () => {
    const context = withRecords()
    const member = context.join('a')
    member.isSilent = true
    context.advance(10_000)
    expect(refusal(() => member.commit(P0, 1))).toBe('UNKNOWN_MEMBER_ID')
  })

  it('of an administrator succeeds only while the group is empty', () => {
    const context = withRecords()
    const commit = () => context.commitOffsets([{ partitionId: P0, offset: 2 }])
    commit()
    const member = context.join('a')
    expect(refusal(commit)).toBe('NON_EMPTY_GROUP')
    member.leave()
    expect(refusal(commit)).toBeUndefined()
  })

  it('of an administrator is refused while a static member is away', () => {
    const context = withRecords()
    context.join('a', { instance: 'i' }).leave()
    expect(refusal(() => context.commitOffsets([{ partitionId: P0, offset: 2 }]))).toBe(
      'NON_EMPTY_GROUP',
    )
  })

  it('reaches up to the high watermark', () => {
    const context = withRecords()
    const member = context.join('a')
    context.append(context.log(P0), { records: 5 })
    expect(refusal(() => member.commit(P0, 11))).toBe('OFFSET_OUT_OF_RANGE')
    expect(refusal(() => member.commit(P0, 10))).toBeUndefined()
  })

  it('is done whole or not at all', () => {
    const context = withRecords()
    const member = context.join('a')
    const commit = (
      ...offsets: { partitionId: PartitionId; offset: number; metadata?: string }[]
    ) => refusal(() => context.commitOffsets(offsets, member.ref))
    const good = { partitionId: P0, offset: 5 }
    const unknown = { partitionId: 99 as PartitionId, offset: 0 }
    expect(commit(good, unknown)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(commit(good, { partitionId: P1, offset: 11 })).toBe('OFFSET_OUT_OF_RANGE')
    const tooLong = { partitionId: P1, offset: 1, metadata: 'x'.repeat(4_097) }
    expect(commit(good, tooLong)).toBe('OFFSET_METADATA_TOO_LARGE')
    expect(context.committed(P0)).toBeUndefined()
    expect(commit(good, { ...tooLong, metadata: 'x'.repeat(4_096) })).toBeUndefined()
  })

  it('makes a group of its own', () => {
    const context = withRecords()
    context.commitOffsets([{ partitionId: P0, offset: 2 }])
    expect(context.describe()).toMatchObject({ state: 'empty', groupEpoch: 0, members: [] })
  })

  it('outlives the broker', async () => {
    const context = withRecords()
    context.join('a').commit(P0, 4)
    await context.restart()
    expect(context.committed(P0)).toBe(4)
  })
})

describe('where a member starts', () => {
  it('is the committed offset, whatever its policy says', () => {
    const context = withRecords()
    const member = context.join('a')
    member.commit(P0, 4)
    for (const policy of ['earliest', 'latest', 'none'] as const) {
      expect(member.start(policy, [P0])).toEqual([{ partitionId: P0, offset: 4 }])
    }
  })

  it('is the log start with `earliest`, and nothing is committed by that', () => {
    const context = withRecords()
    const member = context.join('a')
    context.replay(decideDeleteRecords(context.log(P0), 3).records)
    expect(member.start('earliest', [P0, P1])).toEqual([
      { partitionId: P0, offset: 3 },
      { partitionId: P1, offset: 0 },
    ])
    expect(context.committed(P0)).toBeUndefined()
  })

  it('is the high watermark with `latest`, committed at once: the next owner goes on there', () => {
    const context = withRecords()
    const member = context.join('a')
    context.nowMs += 1
    context.append(context.log(P0), { records: 5 })
    expect(member.start('latest', [P0])).toEqual([{ partitionId: P0, offset: 10 }])
    context.commit()
    expect(context.committed(P0)).toBe(10)
    member.leave()
    expect(context.join('b').start('latest', [P0])).toEqual([{ partitionId: P0, offset: 10 }])
  })

  it('is an error with `none`, for that partition alone', () => {
    const context = withRecords()
    const member = context.join('a')
    member.commit(P1, 4)
    const [first, second] = member.start('none', [P0, P1])
    expect(first?.error?.code).toBe('NO_OFFSET_FOR_PARTITION')
    expect(second).toEqual({ partitionId: P1, offset: 4 })
  })

  it('is an error for a partition that is gone, for that partition alone', () => {
    const context = withRecords()
    const member = context.join('a')
    const [gone, there] = member.start('latest', [99 as PartitionId, P0])
    expect(gone?.error?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(there).toEqual({ partitionId: P0, offset: 10 })
  })

  it('is told to members only, at their epoch', () => {
    const context = withRecords()
    const stranger = context.member('a')
    expect(refusal(() => stranger.start('latest', [P0]))).toBe('UNKNOWN_MEMBER_ID')
    const member = context.join('b')
    member.epoch += 1
    expect(refusal(() => member.start('latest', [P0]))).toBe('FENCED_MEMBER_EPOCH')
    member.epoch -= 2
    expect(refusal(() => member.start('latest', [P0]))).toBe('STALE_MEMBER_EPOCH')
  })

  it.each([
    ['a second later', 1_000],
    ['in the same moment', 0],
    ['when the clock was set back', -60_000],
  ])('with `latest` is the beginning of a partition that appeared %s', (_, byMs) => {
    const context = withRecords()
    const member = context.join('a')
    context.nowMs += byMs
    const [, , added = P0] = context.addPartitions('orders', 3)
    context.append(context.log(added), { records: 5 })
    context.commit()
    expect(member.start('latest', [P0, added])).toEqual([
      { partitionId: P0, offset: 10 },
      { partitionId: added, offset: 0 },
    ])
  })

  it('with `latest` is the beginning of a topic that matched a pattern later', () => {
    const context = withRecords()
    const member = context.join('a', { patterns: [/^refunds/] })
    context.nowMs += 1_000
    const [later = P0] = context.createTopic('refunds.eu')
    context.append(context.log(later), { records: 5 })
    context.commit()
    expect(member.start('latest', [later])).toEqual([{ partitionId: later, offset: 0 }])
  })

  it('with `latest` is the end of what was there before the group subscribed', async () => {
    const context = withRecords()
    const old = context.join('a', { topics: ['refunds'] })
    context.nowMs += 1_000
    const member = context.join('b')
    expect(member.start('latest', [P0])).toEqual([{ partitionId: P0, offset: 10 }])
    old.leave()
    await context.restart()
    context.nowMs += 1_000
    const later = context.join('c')
    expect(later.start('latest', [P1])).toEqual([{ partitionId: P1, offset: 10 }])
  })

  it('with `latest` knows of a thousand subscriptions since when each of them is', () => {
    const context = withRecords()
    const member = context.join('a', { topics: ['first'] })
    const subscribe = (topics: string[]) => {
      member.resubscribe({ topics })
      member.beat()
    }
    const names = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => `topic-${from + index}`)
    const startOf = (topic: string) => {
      const [partitionId = P0] = context.createTopic(topic)
      context.append(context.log(partitionId), { records: 5 })
      context.commit()
      subscribe([topic])
      const [start] = member.start('latest', [partitionId])
      return start?.error === undefined ? start?.offset : undefined
    }
    subscribe(names(0, 998))
    expect(startOf('first')).toBe(0)
    subscribe(names(2_000, 999))
    expect(startOf('topic-3')).toBe(5)
    expect(startOf('topic-2001')).toBe(0)
  })

  it('with `latest` still is the beginning of a later partition after a restart', async () => {
    const context = withRecords()
    context.join('a')
    context.nowMs += 1_000
    const [, , added = P0] = context.addPartitions('orders', 3)
    await context.restart()
    context.append(context.log(added), { records: 5 })
    context.commit()
    context.nowMs += 1_000
    const member = context.join('b')
    expect(member.start('latest', [added])).toEqual([{ partitionId: added, offset: 0 }])
  })
})

describe('lag', () => {
  it('counts from the committed offset, or from the log start', () => {
    const context = withRecords()
    const member = context.join('a')
    member.commit(P0, 4)
    context.replay(decideDeleteRecords(context.log(P1), 3).records)
    const offsets = context.describe().offsets
    expect(offsets.map(({ committedOffset, lag }) => [committedOffset, lag])).toEqual([
      [4, 6],
      [undefined, 7],
    ])
    context.replay(decideDeleteRecords(context.log(P0), 8).records)
    expect(context.describe().offsets[0]).toMatchObject({ committedOffset: 4, lag: 2 })
  })

  it('of an empty group is that of what it committed', () => {
    const context = withRecords()
    context.commitOffsets([{ partitionId: P1, offset: 10 }])
    expect(context.describe().offsets).toMatchObject([{ partitionId: P1, lag: 0 }])
  })
})

describe('deleting a topic', () => {
  it('deletes its offsets in every group, and no others', () => {
    const context = withRecords()
    const [refund = P0] = context.createTopic('refunds')
    const offsets = [P0, refund].map((partitionId) => ({ partitionId, offset: 0 }))
    context.commitOffsets(offsets)
    context.deleteTopic('orders')
    expect(context.describe().offsets.map(({ topic }) => topic)).toEqual(['refunds'])
  })

  it('leaves nothing to a topic of the same name', async () => {
    const context = withRecords()
    context.commitOffsets([{ partitionId: P0, offset: 7 }])
    context.deleteTopic('orders')
    const [again = P0] = context.createTopic('orders')
    expect(again).not.toBe(P0)
    expect(context.log(again).logEndOffset).toBe(0)
    await context.restart()
    expect([context.committed(again), context.committed(P0)]).toEqual([undefined, undefined])
  })
})

describe('group offsets', () => {
  /** What the runtime does now and then. */
  function expireOffsets(context: GroupContext): void {
    context.replay(context.state.groups.expireOffsets(context))
  }

  it('are kept for seven days after the group became empty, and not longer', () => {
    const context = withRecords()
    const member = context.join('a')
    member.commit(P0, 4)
    context.nowMs += 3 * DAY_MS
    member.leave()
    context.nowMs += 7 * DAY_MS - 1
    expireOffsets(context)
    expect(context.committed(P0)).toBe(4)
    context.nowMs += 1
    expireOffsets(context)
    expect(context.committed(P0)).toBeUndefined()
    expect(context.state.groups.list()).toEqual([])
  })

  it('are kept for ever while the group has a member', () => {
    const context = withRecords()
    context.join('a').commit(P0, 4)
    context.nowMs += 365 * DAY_MS
    expireOffsets(context)
    expect(context.committed(P0)).toBe(4)
  })

  it('are kept again when a member came meanwhile', () => {
    const context = withRecords()
    const first = context.join('a')
    first.commit(P0, 4)
    first.leave()
    context.nowMs += 6 * DAY_MS
    context.join('b').leave()
    context.nowMs += 6 * DAY_MS
    expireOffsets(context)
    expect(context.committed(P0)).toBe(4)
  })

  it('that an administrator sets count from then', () => {
    const context = withRecords()
    context.join('a').leave()
    context.nowMs += 6 * DAY_MS
    context.commitOffsets([{ partitionId: P0, offset: 4 }])
    context.nowMs += 6 * DAY_MS
    expireOffsets(context)
    expect(context.committed(P0)).toBe(4)
    context.nowMs += DAY_MS
    expireOffsets(context)
    expect(context.committed(P0)).toBeUndefined()
  })

  it('expire though the broker died with the last member in the group', async () => {
    const context = withRecords()
    context.join('a').commit(P0, 4)
    await context.restart()
    expireOffsets(context)
    context.nowMs += 7 * DAY_MS - 1
    await context.restart()
    expireOffsets(context)
    expect(context.committed(P0)).toBe(4)
    context.nowMs += 1
    expireOffsets(context)
    expect(context.committed(P0)).toBeUndefined()
  })

  it('do not expire early because the broker died: a static member may be on its way', async () => {
    const context = withRecords()
    context.join('a', { instance: 'i' }).commit(P0, 4)
    context.nowMs += 30 * DAY_MS
    await context.restart()
    expireOffsets(context)
    context.join('b', { instance: 'i' })
    context.nowMs += 30 * DAY_MS
    expireOffsets(context)
    expect(context.committed(P0)).toBe(4)
  })
})
