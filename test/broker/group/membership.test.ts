import { describe, expect, it } from 'vitest'
import { GROUP, GroupContext, refusal } from './group-context.js'

describe('joining', () => {
  it('gives a member its epoch and its partitions in one reply', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const member = context.member('a')
    expect(member.beat()).toEqual({
      memberEpoch: 1,
      groupEpoch: 1,
      assigned: [
        { partitionId: 1, topic: 'orders', partition: 0 },
        { partitionId: 2, topic: 'orders', partition: 1 },
      ],
      rebalancing: false,
    })
    expect(context.describe()).toMatchObject({ state: 'stable', groupEpoch: 1 })
  })

  it('needs options and a subscription', () => {
    const context = new GroupContext()
    const caller = { sessionId: 's' as never, clientId: 'c' }
    const request = { groupId: GROUP, member: { memberId: 'a' as never, memberEpoch: 0 } }
    const join = () =>
      context.state.groups.heartbeat({ api: 'groupHeartbeat', ...request }, caller, context)
    expect(refusal(join)).toBe('INVALID_REQUEST')
    expect(context.state.groups.list()).toEqual([])
  })

  it('ends at the largest number of members', () => {
    const context = new GroupContext({ groupMembersMax: 2 })
    context.createTopic('orders', 2)
    context.join('a')
    const b = context.join('b')
    expect(refusal(() => context.member('c').heartbeat())).toBe('GROUP_MAX_SIZE_REACHED')
    b.epoch = 0
    expect(refusal(() => b.heartbeat())).toBeUndefined()
  })

  it('refuses a pattern that is no regular expression, and changes nothing', () => {
    const context = new GroupContext()
    const member = context.member('a')
    member.resubscribe({ patterns: [{ source: '(', flags: '' } as RegExp] })
    expect(refusal(() => member.heartbeat())).toBe('INVALID_REGULAR_EXPRESSION')
    expect(context.state.groups.list()).toEqual([])
  })

  it('is done once though the reply to the first try was lost', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const member = context.member('a')
    member.beat({ replyLost: true })
    member.beat()
    context.settle()
    expect(context.assignment()).toEqual({ a: [0, 1] })
    expect(member.owned.size).toBe(2)
  })
})

describe('a heartbeat', () => {
  it('with an epoch ahead of the known one is fenced', () => {
    const context = new GroupContext()
    const member = context.join('a')
    const ahead = () => member.heartbeat({ memberEpoch: member.epoch + 1 })
    expect(refusal(ahead)).toBe('FENCED_MEMBER_EPOCH')
  })

  it('with an epoch behind the known one is fenced', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const member = context.join('a')
    context.addPartitions('orders', 3)
    member.beat()
    context.addPartitions('orders', 4)
    member.beat()
    expect(member.epoch).toBe(3)
    const behind = () => member.heartbeat({ memberEpoch: 1, owned: [] })
    expect(refusal(behind)).toBe('FENCED_MEMBER_EPOCH')
  })

  it('with the epoch before is taken when only the last reply was lost', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const member = context.join('a')
    context.addPartitions('orders', 4)
    member.beat({ replyLost: true })
    expect([member.epoch, context.describe().members[0]?.memberEpoch]).toEqual([1, 2])
    expect(member.beat()).toMatchObject({ memberEpoch: 2 })
    expect(member.owned.size).toBe(4)
  })

  it('with the epoch before is fenced when the member holds what is not its own any more', () => {
    const context = new GroupContext()
    const [first = 0 as never, second = 0 as never] = context.createTopic('orders', 2)
    const a = context.join('a')
    context.join('b')
    context.settle()
    expect(context.assignment()).toEqual({ a: [0], b: [1] })
    const known = a.epoch
    const before = (owned: readonly never[] | undefined) => () =>
      a.heartbeat({ memberEpoch: known - 1, owned })
    expect(refusal(before([second] as never[]))).toBe('FENCED_MEMBER_EPOCH')
    expect(refusal(before([first, second] as never[]))).toBe('FENCED_MEMBER_EPOCH')
    expect(refusal(before(undefined))).toBe('FENCED_MEMBER_EPOCH')
    expect(refusal(before([first] as never[]))).toBeUndefined()
  })

  it('of nobody that the group knows is refused', () => {
    const context = new GroupContext()
    const stranger = context.member('a')
    expect(refusal(() => stranger.heartbeat({ memberEpoch: 1 }))).toBe('UNKNOWN_MEMBER_ID')
    const member = context.join('b')
    member.leave()
    expect(refusal(() => member.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
  })

  it('comes from the tab that joined', () => {
    const context = new GroupContext()
    const member = context.join('a')
    const other = context.member('a', { session: 'another tab' })
    expect(refusal(() => other.heartbeat({ memberEpoch: member.epoch }))).toBe('UNKNOWN_MEMBER_ID')
  })

  it('that brings no news moves no epoch and stores nothing', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const member = context.join('a')
    const before = context.describe()
    for (let beat = 0; beat < 3; beat++) member.beat()
    expect(context.describe()).toEqual(before)
  })
})

describe('silence', () => {
  it('for the session timeout fences a member, and others take over', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const a = context.join('a')
    context.join('b')
    context.settle()
    a.isSilent = true
    const lastHeardMs = context.nowMs
    context.advance(9_999)
    expect(context.assignment()).toEqual({ a: [0], b: [1] })
    context.advance(1)
    expect(context.nowMs).toBe(lastHeardMs + 10_000)
    expect(context.assignment()).toEqual({ b: [0, 1] })
    expect(refusal(() => a.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
  })

  it('ends with every heartbeat', () => {
    const context = new GroupContext()
    context.createTopic('orders')
    const member = context.join('a')
    member.isSilent = true
    for (let beat = 0; beat < 5; beat++) {
      context.advance(9_000)
      member.beat()
    }
    expect(context.describe().members).toHaveLength(1)
  })

  it('is measured by each member’s own session timeout', () => {
    const context = new GroupContext()
    context.createTopic('orders')
    const patient = context.join('patient', { options: { sessionTimeoutMs: 30_000 } })
    const hasty = context.join('hasty', { options: { sessionTimeoutMs: 5_000 } })
    for (const member of [patient, hasty]) member.isSilent = true
    context.advance(5_000)
    expect(Object.keys(context.assignment())).toEqual(['patient'])
    context.advance(25_000)
    expect(context.assignment()).toEqual({})
  })

  it('does not happen to members that answer when they are asked', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const members = [context.join('a'), context.join('b')]
    context.settle()
    const before = context.describe()
    context.advance(10 * 60_000)
    expect(context.describe()).toEqual(before)
    expect(members.map((member) => member.owned.size)).toEqual([1, 1])
  })
})

describe('leaving', () => {
  it('gives the partitions to the others at once', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const a = context.join('a')
    const b = context.join('b')
    context.settle()
    a.leave()
    b.beat()
    expect(context.assignment()).toEqual({ b: [0, 1] })
    expect(context.describe().state).toBe('stable')
  })

  it('happens to all members of a tab that is gone, in every group, and to no others', () => {
    const context = new GroupContext()
    context.createTopic('orders', 3)
    const first = context.join('a', { session: 'tab 1' })
    context.join('b', { session: 'tab 1' })
    context.join('c', { session: 'tab 2' })
    context.sessionGone(first)
    context.settle()
    expect(context.assignment()).toEqual({ c: [0, 1, 2] })
  })

  it('of the last member leaves an empty group with its epoch and its offsets', () => {
    const context = new GroupContext()
    const [partitionId = 0 as never] = context.createTopic('orders')
    const member = context.join('a')
    member.commit(partitionId, 0)
    member.leave()
    expect(context.describe()).toMatchObject({ state: 'empty', groupEpoch: 2, members: [] })
    expect(context.committed(partitionId)).toBe(0)
    expect(context.join('b').epoch).toBe(3)
  })
})

describe('deleting groups', () => {
  it('takes their offsets with them', () => {
    const context = new GroupContext()
    const [partitionId = 0 as never] = context.createTopic('orders')
    context.commitOffsets([{ partitionId, offset: 0 }])
    const remove = () => {
      const request = { api: 'deleteGroups', groupIds: [GROUP, GROUP] } as const
      context.apply(context.state.groups.deleteGroups(request))
    }
    remove()
    expect(context.state.groups.list()).toEqual([])
    expect(context.committed(partitionId)).toBeUndefined()
    expect(refusal(remove)).toBe('GROUP_ID_NOT_FOUND')
  })

  it('is done whole or not at all, and not to a group with members', () => {
    const context = new GroupContext()
    context.createTopic('orders')
    context.join('a')
    const remove = (...groupIds: string[]) => {
      const request = { api: 'deleteGroups', groupIds: groupIds as never[] } as const
      context.apply(context.state.groups.deleteGroups(request))
    }
    expect(refusal(() => remove(GROUP))).toBe('NON_EMPTY_GROUP')
    expect(refusal(() => remove(GROUP, 'unknown'))).toBe('GROUP_ID_NOT_FOUND')
    expect(context.describe().members).toHaveLength(1)
  })
})
