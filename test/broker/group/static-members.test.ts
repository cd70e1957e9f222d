import { describe, expect, it } from 'vitest'
import { GroupContext, refusal, type TestMember } from './group-context.js'

function twoInstances(): { context: GroupContext; left: TestMember; right: TestMember } {
  const context = new GroupContext()
  context.createTopic('orders', 4)
  const left = context.join('left-1', { instance: 'left' })
  const right = context.join('right-1', { instance: 'right' })
  context.settle()
  return { context, left, right }
}

describe('a static member that comes back', () => {
  it('gets its partitions again without a new target', () => {
    const { context, left } = twoInstances()
    const held = [...left.owned]
    const { groupEpoch } = context.describe()
    context.sessionGone(left)
    context.advance(5_000)
    const again = context.join('left-2', { instance: 'left' })
    expect([...again.owned]).toEqual(held)
    expect([again.epoch, context.describe().groupEpoch]).toEqual([groupEpoch, groupEpoch])
    expect(context.describe()).toMatchObject({ state: 'stable' })
  })

  it('keeps its partitions while it is away, and nobody else is disturbed', () => {
    const { context, left, right } = twoInstances()
    const before = context.assignment()
    context.sessionGone(left)
    context.advance(9_999)
    right.beat()
    expect(context.assignment()).toEqual(before)
    const away = context.describe().members.find(({ memberId }) => memberId === 'left-1')
    expect(away).toMatchObject({ groupInstanceId: 'left', sessionId: undefined })
  })

  it('holds on to nothing that it was letting go when it went', () => {
    const { context, left } = twoInstances()
    left.isSlow = true
    const third = context.join('third-1')
    left.beat()
    third.beat()
    expect(third.owned.size).toBe(0)
    context.sessionGone(left)
    third.beat()
    expect(third.owned.size).toBe(1)
    const again = context.join('left-2', { instance: 'left' })
    expect(again.owned.size).toBe(1)
    context.settle()
    expect(context.describe().state).toBe('stable')
  })

  it('commits nothing of what others have by then, though its epoch is the same', () => {
    const { context, left } = twoInstances()
    left.isSlow = true
    const third = context.join('third-1')
    left.beat()
    context.sessionGone(left)
    third.beat()
    const commits = [...left.owned].map((partitionId) => ({
      isTaken: third.owned.has(partitionId),
      refusal: refusal(() => left.commit(partitionId, 0)),
    }))
    expect(commits).toEqual([
      { isTaken: false, refusal: undefined },
      { isTaken: true, refusal: 'STALE_MEMBER_EPOCH' },
    ])
  })

  it('has all of its session timeout from when it left', () => {
    const { context, left } = twoInstances()
    left.isSilent = true
    context.advance(8_000)
    context.sessionGone(left)
    context.advance(9_999)
    expect(context.describe().members).toHaveLength(2)
    context.advance(1)
    expect(context.describe().members).toHaveLength(1)
  })

  it('comes too late after its session timeout: its partitions have moved', () => {
    const { context, left } = twoInstances()
    context.sessionGone(left)
    context.advance(10_000)
    context.settle()
    expect(context.assignment()).toEqual({ 'right-1': [0, 1, 2, 3] })
  })

  it('is away, not gone, when it leaves', () => {
    const { context, left } = twoInstances()
    left.leave()
    expect(Object.keys(context.assignment())).toEqual(['left-1', 'right-1'])
    context.advance(10_000)
    expect(Object.keys(context.assignment())).toEqual(['right-1'])
  })

  it('with another subscription gets another target', () => {
    const { context, left } = twoInstances()
    const [refund] = context.createTopic('refunds')
    context.sessionGone(left)
    const again = context.join('left-2', { instance: 'left', topics: ['refunds'] })
    context.settle()
    expect([...again.owned]).toEqual([refund])
    expect(context.assignment()).toMatchObject({ 'right-1': [0, 1, 2, 3] })
  })

  it('gets what topics brought meanwhile', () => {
    const { context, left } = twoInstances()
    context.sessionGone(left)
    context.addPartitions('orders', 6)
    const again = context.join('left-2', { instance: 'left' })
    context.settle()
    expect(again.owned.size).toBe(3)
  })
})

describe('the same instance id again', () => {
  it('fences the old member, which hears why', () => {
    const { context, left } = twoInstances()
    context.state.groups.takeHeartbeatsWanted(context.nowMs)
    const taker = context.join('left-2', { instance: 'left' })
    expect(refusal(() => left.heartbeat())).toBe('FENCED_INSTANCE_ID')
    expect(refusal(() => left.commit(1 as never, 0))).toBe('FENCED_INSTANCE_ID')
    expect(refusal(() => left.leave())).toBe('FENCED_INSTANCE_ID')
    const told = context.state.groups.takeHeartbeatsWanted(context.nowMs)
    expect(told.map(({ sessionId }) => sessionId)).toContain(left.sessionId)
    expect([...taker.owned]).toEqual([...left.owned])
  })

  it('does not fence the member itself when it joins again', () => {
    const { context, left } = twoInstances()
    const before = [...left.owned]
    left.epoch = 0
    left.owned.clear()
    left.beat()
    context.settle()
    expect([...left.owned]).toEqual(before)
    expect(context.describe().members).toHaveLength(2)
  })

  it('under the member id of another ends that one, and leaves nothing unassigned', () => {
    const { context, left, right } = twoInstances()
    context.join(right.memberId, { instance: 'left', session: 'third tab' })
    for (const gone of [left, right]) gone.isGone = true
    context.settle()
    expect(context.assignment()).toEqual({ [right.memberId]: [0, 1, 2, 3] })
    expect(context.describe().members).toMatchObject([{ groupInstanceId: 'left' }])
  })

  it('has at once what the old member was letting go and is to have again', () => {
    const { context, left } = twoInstances()
    left.isSlow = true
    const third = context.join('third-1')
    left.beat()
    third.leave()
    const taker = context.join('left-2', { instance: 'left' })
    expect(taker.owned.size).toBe(2)
    expect(context.held()).toEqual([0, 1, 2, 3])
  })

  it('takes no partition from the others, be the old member amid a hand-over or not', () => {
    const { context, left, right } = twoInstances()
    left.isSlow = true
    const third = context.join('third-1')
    left.beat()
    context.join('left-2', { instance: 'left' })
    left.isGone = true
    context.settle()
    expect([right.owned.size, third.owned.size].every((size) => size > 0)).toBe(true)
    expect(context.held()).toEqual([0, 1, 2, 3])
  })
})

describe('after a restart of the broker', () => {
  it('static members get what they held, though they come back under other ids', async () => {
    const { context, left, right } = twoInstances()
    const held = [[...left.owned], [...right.owned]]
    const { groupEpoch } = context.describe()
    await context.restart()
    const again = [
      context.join('right-2', { instance: 'right' }),
      context.join('left-2', { instance: 'left' }),
    ]
    expect(again.map((member) => [...member.owned])).toEqual(held.reverse())
    expect(context.describe().groupEpoch).toBe(groupEpoch)
  })

  it('static members that stay away are fenced after their session timeout', async () => {
    const { context } = twoInstances()
    await context.restart()
    context.members.splice(0)
    context.join('left-2', { instance: 'left' })
    context.advance(9_999)
    expect(context.describe().members).toHaveLength(2)
    context.advance(1)
    context.settle()
    expect(context.assignment()).toEqual({ 'left-2': [0, 1, 2, 3] })
  })

  it('a member of the broker before has to join again', async () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const dynamic = context.join('a')
    const fixed = context.join('b', { instance: 'fixed' })
    await context.restart()
    expect(refusal(() => dynamic.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
    expect(refusal(() => fixed.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
    context.settle()
    expect(context.describe().state).toBe('stable')
    expect(context.held()).toEqual([0, 1])
  })

  it('epochs go on from where they were', async () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const member = context.join('a')
    context.addPartitions('orders', 3)
    member.beat()
    const { epoch } = member
    await context.restart()
    member.beat()
    member.beat()
    expect(member.epoch).toBeGreaterThan(epoch)
  })

  it('a partition that was on its way from one static member to another is not lost', async () => {
    const { context, left } = twoInstances()
    left.isSlow = true
    context.join('third-1', { instance: 'third' })
    left.beat()
    await context.restart()
    context.members.splice(0)
    for (const instance of ['left', 'right', 'third']) context.join(`${instance}-2`, { instance })
    context.settle()
    expect(context.held()).toEqual([0, 1, 2, 3])
    expect(context.describe().state).toBe('stable')
  })
})
