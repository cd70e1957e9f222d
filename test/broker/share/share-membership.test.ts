import { describe, expect, it } from 'vitest'
import { refusal } from '../group/group-context.js'
import { GROUP, ShareContext } from './share-context.js'

describe('a share group', () => {
  it('begins where its policy says, and stores that at once', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    context.send(log, { records: 3 })
    context.join('a', { options: { autoOffsetReset: 'latest' } })
    context.join('b', { group: 'other' })
    expect(context.stored(log).startOffset).toBe(3)
    expect(context.stored(log, 'other' as never).startOffset).toBe(0)
  })

  it('reads from its beginning what appears later, even under latest (rule 11)', () => {
    const context = new ShareContext()
    context.createTopic('orders')
    const options = { autoOffsetReset: 'latest' } as const
    const a = context.join('a', { patterns: [/.*/], options })
    const [, second] = context.addPartitions('orders', 2)
    const log = context.log(second)
    context.send(log, { records: 2 })
    expect(a.take()).toEqual([0, 1])
    a.leave()
    const later = context.createLog('refunds')
    context.send(later, { records: 2 })
    const b = context.join('b', { patterns: [/.*/], options })
    expect(context.stored(later).startOffset).toBe(0)
    expect(b.takeAll().filter(({ partitionId }) => partitionId === later.partitionId)).toHaveLength(
      2,
    )
  })

  it('treats messages as the last that joined says', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.join('b', { options: { lockDurationMs: 1_000 } })
    context.send(log)
    a.take()
    context.advance(1_000)
    expect(context.describePartition(log)).toMatchObject({ acquired: 0, available: 1 })
    expect(context.shares.optionsOf(GROUP).lockDurationMs).toBe(1_000)
  })

  it('ends at the largest number of members, of groups, and of members of a tab', () => {
    const context = new ShareContext({ groupMembersMax: 2, groupsMax: 2, sessionMembersMax: 1 })
    context.createTopic('orders')
    context.join('a')
    const b = context.join('b')
    expect(refusal(() => context.join('c'))).toBe('GROUP_MAX_SIZE_REACHED')
    expect(refusal(() => b.join())).toBeUndefined()
    expect(refusal(() => context.join('d', { group: 'other', session: 'tab of b' }))).toBe(
      'THROTTLING_QUOTA_EXCEEDED',
    )
    context.join('d', { group: 'other' })
    expect(refusal(() => context.join('e', { group: 'third' }))).toBe('POLICY_VIOLATION')
    b.leave()
    expect(refusal(() => context.join('c', { session: 'tab of b' }))).toBeUndefined()
  })

  it('refuses a pattern that is no regular expression, and changes nothing', () => {
    const context = new ShareContext()
    const join = () => context.join('a', { patterns: [{ source: '(', flags: '' } as RegExp] })
    expect(refusal(join)).toBe('INVALID_REGULAR_EXPRESSION')
    expect(context.shares.list()).toEqual([])
  })

  it('is deleted when it has no members, with all that is stored', () => {
    const context = new ShareContext()
    context.createTopic('orders')
    const a = context.join('a')
    expect(refusal(() => context.shares.deleteGroup(GROUP))).toBe('NON_EMPTY_GROUP')
    a.leave()
    expect(context.shares.list()).toEqual([{ groupId: GROUP, type: 'share', state: 'empty' }])
    context.replayShares(context.shares.deleteGroup(GROUP))
    expect([context.groupRows.size, context.partitionRows.size]).toEqual([0, 0])
    expect(context.shares.has(GROUP)).toBe(false)
    expect(refusal(() => context.shares.deleteGroup(GROUP))).toBe('GROUP_ID_NOT_FOUND')
  })

  it('is forgotten after it was empty for the whole retention, not before', () => {
    const context = new ShareContext({ offsetsRetentionMs: 10_000 })
    context.createTopic('orders')
    context.join('a')
    // Nobody leaves: the broker dies, and its members with it.
    context.restart()
    const expire = () => context.replayShares(context.shares.expireGroups(context))
    expire()
    context.advance(9_999)
    expire()
    expect(context.shares.has(GROUP)).toBe(true)
    context.advance(1)
    expire()
    expect(context.shares.has(GROUP)).toBe(false)
  })

  it('forgets the partitions of a deleted topic, and what members have of them (rule 21)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 2 })
    a.take()
    const { partitionId } = log
    context.deleteTopic('orders')
    expect(context.partitionRows.size).toBe(0)
    expect(context.shares.nextDeadlineMs()).toBeUndefined()
    const range = { partitionId, firstOffset: 0, lastOffset: 1, deliveryCount: 1 }
    expect(a.acknowledge([{ ...range, type: 'accept' }])).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
    const again = context.createLog('orders')
    context.send(again)
    expect(a.takeAll()).toMatchObject([{ partitionId: again.partitionId, offset: 0 }])
  })
})

describe('a member', () => {
  it('that goes leaves what it has to the others at once (S4)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const [a, b, c] = [context.join('a'), context.join('b'), context.join('c')]
    context.send(log, { records: 4 })
    a.take(2)
    b.take(2)
    context.shares.takeReady()
    context.sessionGone(a)
    expect(context.shares.takeReady()).toEqual([GROUP])
    expect(c.takeAll()).toMatchObject([
      { offset: 0, deliveryCount: 2 },
      { offset: 1, deliveryCount: 2 },
    ])
    b.leave()
    expect(c.take()).toEqual([2, 3])
    expect(refusal(() => a.settle('accept', [0, 1]))).toBe('UNKNOWN_MEMBER_ID')
    expect(refusal(() => b.leave())).toBe('UNKNOWN_MEMBER_ID')
  })

  it('that joins again keeps what it has, from the same tab', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 2 })
    a.take()
    a.join()
    expect(a.settle('accept', [0, 0])).toBe('ok')
    a.join({ session: 'another tab' })
    expect(a.settle('accept', [1, 1])).toBe('INVALID_RECORD_STATE')
    expect(a.takeAll()).toMatchObject([{ offset: 1, deliveryCount: 2 }])
  })

  it('is seen by an administrator with what it has', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a', { weight: 2 })
    context.send(log, { records: 5 })
    a.take(3)
    expect(context.describe()).toMatchObject({
      groupId: GROUP,
      members: [{ memberId: 'a', clientId: 'client of a', weight: 2, acquired: 3 }],
      partitions: [
        {
          topic: 'orders',
          partition: 0,
          startOffset: 0,
          highWatermark: 5,
          available: 2,
          acquired: 3,
          locks: [
            {
              firstOffset: 0,
              lastOffset: 2,
              deliveryCount: 1,
              memberId: 'a',
              lockedUntilMs: context.nowMs + 30_000,
            },
          ],
        },
      ],
    })
  })
})

describe('the death of the broker', () => {
  it('leaves what is final and how often what is not was delivered, but no locks (S8)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 6 })
    a.take()
    a.settle('accept', [0, 0])
    a.settle('accept', [2, 3])
    a.settle('release', [4, 4], { delayMs: 60_000 })
    context.restart()
    expect(context.describePartition(log)).toMatchObject({ startOffset: 1, acquired: 0 })
    const b = context.join('b')
    expect(b.takeAll()).toMatchObject([
      { offset: 1, deliveryCount: 2 },
      { offset: 5, deliveryCount: 2 },
    ])
    context.advance(60_000)
    expect(b.takeAll()).toContainEqual({
      partitionId: log.partitionId,
      offset: 4,
      deliveryCount: 2,
    })
  })

  it('in the middle of every delivery ends a poison message all the same (S3)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    context.send(log, { records: 2 })
    const counts: number[] = []
    for (let life = 0; life < 8; life++) {
      const taken = context.join('a').takeAll(1)
      counts.push(...taken.filter(({ offset }) => offset === 0).map((each) => each.deliveryCount))
      context.restart()
    }
    expect(counts).toEqual([1, 2, 3, 4, 5])
  })
})

describe('retention', () => {
  it('archives what is available, and what members have when they release it (S9)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    for (let batch = 0; batch < 4; batch++) context.send(log, { records: 2 })
    expect(a.take(2)).toEqual([0, 1])
    context.moveLogStart(log, 6)
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 0,
      available: 2,
      acquired: 2,
    })
    expect(a.settle('accept', [0, 0])).toBe('ok')
    expect(a.settle('release', [1, 1])).toBe('ok')
    expect(context.describePartition(log)).toMatchObject({ startOffset: 6, available: 2 })
    expect(a.take()).toEqual([6, 7])
  })
})
