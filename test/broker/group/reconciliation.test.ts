import { describe, expect, it } from 'vitest'
import { GroupContext, refusal, type TestMember } from './group-context.js'

/** Two members: `a` holds both partitions, `b` has just joined and waits for one. */
function handover(): { context: GroupContext; a: TestMember; b: TestMember } {
  const context = new GroupContext()
  context.createTopic('orders', 2)
  const a = context.join('a', { options: { rebalanceTimeoutMs: 5_000 } })
  const b = context.join('b')
  return { context, a, b }
}

const [P0, P1] = [1 as never, 2 as never]

describe('handing a partition over', () => {
  it('waits until the old owner has reported that it let go', () => {
    const { context, a, b } = handover()
    expect([...b.owned]).toEqual([])
    a.isSlow = true
    a.beat()
    b.beat()
    expect([[...a.owned], [...b.owned]]).toEqual([[P0, P1], []])
    a.letGo()
    b.beat()
    expect([...b.owned]).toEqual([])
    a.beat()
    b.beat()
    expect([[...a.owned], [...b.owned]]).toEqual([[P0], [P1]])
    expect(context.describe().state).toBe('stable')
  })

  it('keeps the old owner at its old epoch until then', () => {
    const { a, b } = handover()
    const before = a.epoch
    a.isSlow = true
    expect(a.beat()).toMatchObject({ memberEpoch: before, rebalancing: true })
    expect(a.beat()).toMatchObject({ memberEpoch: before, rebalancing: true })
    a.letGo()
    expect(a.beat()).toMatchObject({ memberEpoch: b.epoch, rebalancing: false })
  })

  it('takes no heartbeat without an owned set for an acknowledgement', () => {
    const { a, b } = handover()
    a.beat()
    const unsaid = a.heartbeat({ owned: undefined })
    expect(unsaid).toMatchObject({ memberEpoch: a.epoch, rebalancing: true })
    b.beat()
    expect([...b.owned]).toEqual([])
    a.heartbeat({ owned: [P0] })
    b.beat()
    expect([...b.owned]).toEqual([P1])
  })

  it('takes an owned set that still names the partition for none either', () => {
    const { a, b } = handover()
    a.beat()
    a.heartbeat({ owned: [P0, P1] })
    b.beat()
    expect([...b.owned]).toEqual([])
  })

  it('leaves the member that waits at the target epoch with a part of its set', () => {
    const context = new GroupContext()
    context.createTopic('orders', 4)
    const a = context.join('a')
    const [b, c] = [context.join('b'), context.join('c')]
    a.isSlow = true
    a.beat()
    expect([b.beat()?.memberEpoch, c.beat()?.memberEpoch]).toEqual([3, 3])
    expect(b.beat()).toMatchObject({ groupEpoch: 3, rebalancing: true })
    expect(context.describe().state).toBe('reconciling')
  })

  it('forgives that replies were lost, though partitions came one by one meanwhile', () => {
    const context = new GroupContext()
    context.createTopic('orders', 6)
    const [a, b] = [context.join('a'), context.join('b')]
    const late = context.join('late', { topics: ['none yet'] })
    context.settle()
    late.resubscribe({ topics: ['orders'] })
    late.beat({ replyLost: true })
    for (const owner of [a, b]) {
      owner.beat()
      owner.beat()
      late.beat({ replyLost: true })
    }
    late.beat()
    expect([late.fences, late.owned.size]).toEqual([0, 2])
  })

  it('shows the partition as the old owner’s as long as it may hold it', () => {
    const { context, a } = handover()
    a.isSlow = true
    a.beat()
    expect(context.assignment()).toEqual({ a: [0, 1], b: [] })
  })

  it('lets the old owner commit until it has let go', () => {
    const { a, b } = handover()
    a.isSlow = true
    a.beat()
    expect(refusal(() => a.commit(P1, 0))).toBeUndefined()
    a.letGo()
    a.beat()
    b.beat()
    expect(refusal(() => b.commit(P1, 0))).toBeUndefined()
  })

  it('does not wait for a member that is gone', () => {
    const { context, a, b } = handover()
    a.isSlow = true
    a.beat()
    context.sessionGone(a)
    b.beat()
    expect([...b.owned]).toEqual([P0, P1])
  })

  it('gives a partition back only after it was let go, when the target changed its mind', () => {
    const { context, a, b } = handover()
    a.isSlow = true
    a.beat()
    b.leave()
    expect(a.beat()?.assigned.map(({ partitionId }) => partitionId)).toEqual([P0])
    a.letGo()
    a.beat()
    expect([...a.owned]).toEqual([P0, P1])
    expect(context.describe().state).toBe('stable')
  })
})

describe('a member that does not let go', () => {
  it('is fenced after its rebalance timeout, though it heartbeats', () => {
    const { context, a, b } = handover()
    a.isSlow = true
    a.beat()
    context.advance(4_999)
    expect(context.assignment()).toEqual({ a: [0, 1], b: [] })
    expect(a.fences).toBe(0)
    context.advance(1)
    expect(a.fences).toBe(1)
    context.settle()
    expect([a.owned.size, b.owned.size]).toEqual([1, 1])
  })

  it('gains no time by heartbeats, nor by what else changes', () => {
    const { context, a } = handover()
    a.isSlow = true
    a.beat()
    context.advance(3_000)
    a.beat()
    context.join('c')
    a.beat()
    context.advance(1_999)
    expect(a.fences).toBe(0)
    context.advance(1)
    expect(a.fences).toBe(1)
  })

  it('has all of its time again for the next revocation', () => {
    const { context, a } = handover()
    a.beat()
    context.advance(4_000)
    a.beat()
    context.createTopic('more')
    context.advance(60_000)
    expect(context.describe().members).toHaveLength(2)
  })
})

describe('the target', () => {
  const eachMember = (context: GroupContext) =>
    Object.fromEntries(
      context
        .describe()
        .members.map(({ memberId, assigned }) => [
          memberId,
          assigned.map(({ topic, partition }) => `${topic}-${partition}`),
        ]),
    )

  function assigned(assignor: 'range' | 'roundrobin' | 'uniform' | 'sticky') {
    const context = new GroupContext()
    for (const topic of ['t1', 't2']) context.createTopic(topic, 3)
    for (const name of ['c1', 'c2']) {
      context.join(name, { topics: ['t1', 't2'], options: { assignor } })
    }
    context.settle()
    return eachMember(context)
  }

  it('of range gives contiguous partitions per topic', () => {
    expect(assigned('range')).toEqual({
      c1: ['t1-0', 't1-1', 't2-0', 't2-1'],
      c2: ['t1-2', 't2-2'],
    })
  })

  it('of roundrobin deals all partitions in turn', () => {
    expect(assigned('roundrobin')).toEqual({
      c1: ['t1-0', 't1-2', 't2-1'],
      c2: ['t1-1', 't2-0', 't2-2'],
    })
  })

  it.each(['uniform', 'sticky'] as const)('of %s moves as few as balance allows', (assignor) => {
    const context = new GroupContext()
    context.createTopic('orders', 6)
    for (const name of ['a', 'b']) context.join(name, { options: { assignor } })
    context.settle()
    const before = context.assignment()
    const c = context.join('c', { options: { assignor } })
    context.settle()
    const after = context.assignment()
    expect(Object.values(after).map((partitions) => partitions.length)).toEqual([2, 2, 2])
    for (const name of ['a', 'b']) {
      expect(after[name]?.every((partition) => before[name]?.includes(partition))).toBe(true)
    }
    expect(c.owned.size).toBe(2)
  })

  it('is made by the assignor that most members ask for', () => {
    const context = new GroupContext()
    context.createTopic('orders', 3)
    context.join('a', { options: { assignor: 'range' } })
    expect(context.describe().assignor).toBe('range')
    context.join('b', { options: { assignor: 'roundrobin' } })
    context.join('c', { options: { assignor: 'roundrobin' } })
    expect(context.describe().assignor).toBe('roundrobin')
  })

  it('gives every partition to a member that subscribed to its topic', () => {
    const context = new GroupContext()
    context.createTopic('orders', 3)
    context.createTopic('refunds', 2)
    context.join('a', { topics: ['orders'] })
    context.join('b', { topics: ['refunds'] })
    context.join('c', { topics: ['orders', 'refunds'] })
    context.settle()
    const assignment = eachMember(context)
    expect(Object.values(assignment).flat().sort()).toEqual([
      'orders-0',
      'orders-1',
      'orders-2',
      'refunds-0',
      'refunds-1',
    ])
    expect(assignment['a']?.every((each) => each.startsWith('orders'))).toBe(true)
    expect(assignment['b']?.every((each) => each.startsWith('refunds'))).toBe(true)
    const loads = Object.values(assignment).map((partitions) => partitions.length)
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(2)
  })
})
