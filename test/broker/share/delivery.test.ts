import { afterEach, describe, expect, it, vi } from 'vitest'
import { FactsCursor } from '../../../src/broker/share/partition-facts.js'
import { ShareContext } from './share-context.js'

afterEach(() => vi.restoreAllMocks())

describe('taking', () => {
  it('gives what there is in order, once (S1)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    const b = context.join('b')
    context.send(log, { records: 5 })
    expect(a.take(3)).toEqual([0, 1, 2])
    expect(b.take(3)).toEqual([3, 4])
    expect(a.take(3)).toEqual([])
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 0,
      available: 0,
      acquired: 5,
    })
  })

  it('gives nothing that is not durable', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.append(log, { records: 2 })
    expect(a.take()).toEqual([])
    context.commit()
    expect(a.take()).toEqual([0, 1])
  })

  it('gives nothing that was not looked at', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const { memberId, groupId } = context.join('a')
    context.send(log, { records: 2 })
    const acquire = () =>
      context.shares.acquire(groupId, [{ memberId, maxRecords: 10 }], context).response
    expect(acquire()).toEqual([])
    context.look()
    expect(acquire()).toHaveLength(1)
  })

  it('gives everybody who waits a part, however many partitions there are (S7)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const members = ['a', 'b', 'c', 'd', 'e'].map((name) => context.join(name))
    context.send(log, { records: 10 })
    const taken = context.take(members.map((member) => [member, 100]))
    expect(Object.values(taken).map((each) => each.length)).toEqual([2, 2, 2, 2, 2])
  })

  it('gives in proportion to the weights', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a', { weight: 3 })
    const b = context.join('b')
    context.send(log, { records: 40 })
    const { a: ofA = [], b: ofB = [] } = context.take([
      [a, 100],
      [b, 100],
    ])
    expect([ofA.length, ofB.length]).toEqual([30, 10])
  })

  it('is first another time for everybody, when there is one message at a time', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const members = ['a', 'b', 'c'].map((name) => context.join(name))
    const first: string[] = []
    for (let turn = 0; turn < 6; turn++) {
      context.send(log)
      first.push(...Object.keys(context.take(members.map((member) => [member, 10]))))
    }
    expect(first.sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
  })

  it('begins with another partition every time', () => {
    const context = new ShareContext()
    const partitionIds = context.createTopic('orders', 3)
    const a = context.join('a')
    for (const partitionId of partitionIds) context.send(context.log(partitionId), { records: 9 })
    const from = [1, 2, 3].map(() => a.takeAll(3).map(({ partitionId }) => partitionId))
    expect(new Set(from.flat()).size).toBe(3)
  })

  it('gives members only what they subscribed to', () => {
    const context = new ShareContext()
    const orders = context.createLog('orders')
    const audit = context.createLog('audit')
    const a = context.join('a')
    const b = context.join('b', { topics: ['orders', 'audit'] })
    const c = context.join('c', { topics: [], patterns: [/^aud/] })
    context.send(orders, { records: 1 })
    context.send(audit, { records: 4 })
    const taken = context.take([
      [a, 10],
      [c, 2],
      [b, 10],
    ])
    const partitionsOf = (name: string) =>
      new Set(taken[name]?.map(({ partitionId }) => partitionId))
    expect(partitionsOf('c')).toEqual(new Set([audit.partitionId]))
    expect(partitionsOf('a').has(audit.partitionId)).toBe(false)
    expect(Object.values(taken).flat()).toHaveLength(5)
  })

  it('ends at the most that may be in flight in a partition, and goes on when there is less (S5)', () => {
    const context = new ShareContext({ sharePartitionAcquiredMax: 4 })
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 10 })
    expect(a.take()).toEqual([0, 1, 2, 3])
    expect(a.take()).toEqual([])
    context.shares.takeReady()
    a.settle('accept', [1, 2])
    expect(context.shares.takeReady()).toEqual(['jobs'])
    expect(a.take()).toEqual([4, 5])
    // What is put off leaves its place to others too.
    context.shares.takeReady()
    a.settle('release', [0, 0], { delayMs: 60_000 })
    expect(context.shares.takeReady()).toEqual(['jobs'])
    expect(a.take()).toEqual([6])
  })

  it('does not look further than it may', () => {
    const context = new ShareContext({ shareLookAheadRecordsMax: 10 })
    const log = context.createLog('orders')
    const a = context.join('a')
    for (let batch = 0; batch < 10; batch++) context.send(log, { records: 5 })
    expect(a.take()).toHaveLength(10)
    expect(context.shares.wantedFacts(a.groupId, 100, context)).toEqual([])
    context.shares.takeReady()
    a.settle('accept', [0, 2])
    expect(context.shares.takeReady()).toEqual(['jobs'])
    expect(a.take()).toEqual([10, 11, 12])
  })

  it('reads no more than it needs, unless something urgent may follow', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    for (let batch = 0; batch < 4; batch++) context.send(log, { records: 5 })
    context.look(a.groupId, 3)
    expect(context.shares.wantedFacts(a.groupId, 5, context)).toEqual([])
    expect(context.shares.wantedFacts(a.groupId, 6, context)).toEqual([
      { partitionId: log.partitionId, seenTo: 5 },
    ])
    context.sendJobs(log, [{ priority: 1 }])
    context.sendJobs(log, [{ priority: 2 }])
    context.look(a.groupId, 20)
    expect(context.shares.wantedFacts(a.groupId, 1, context)).toEqual([])
    context.look(a.groupId, 21)
    expect(context.shares.wantedFacts(a.groupId, 1, context)).toEqual([])
    expect(a.take(2)).toEqual([20, 21])
  })

  it('passes over what cannot be read', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 3 })
    context.send(log, { records: 2 })
    expect(context.shares.seeNothing(log.partitionId, 0, 3)).toBe(true)
    expect(a.take()).toEqual([3, 4])
    expect(context.describePartition(log).startOffset).toBe(3)
  })
})

describe('an acknowledgement', () => {
  it('of all of a range ends it, and the start offset follows the final prefix (S5)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 10 })
    a.take()
    expect(a.settle('accept', [5, 9])).toBe('ok')
    expect(context.describePartition(log).startOffset).toBe(0)
    expect(a.settle('accept', [0, 4])).toBe('ok')
    expect(context.describePartition(log)).toMatchObject({ startOffset: 10, acquired: 0 })
  })

  it('of what the member does not have is refused, without effect (S4)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    const b = context.join('b')
    context.send(log, { records: 4 })
    a.take(2)
    expect(b.settle('accept', [0, 1])).toBe('INVALID_RECORD_STATE')
    expect(a.settle('accept', [0, 2])).toBe('INVALID_RECORD_STATE')
    expect(a.settle('accept', [0, Number.MAX_SAFE_INTEGER])).toBe('INVALID_RECORD_STATE')
    expect(a.settle('accept', [0, 1], { deliveryCount: 2 })).toBe('INVALID_RECORD_STATE')
    expect(context.describePartition(log)).toMatchObject({ acquired: 2, available: 2 })
  })

  it('is refused alone: the others of the request count, in their order', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 4 })
    a.take()
    const { partitionId } = log
    const of = (firstOffset: number, lastOffset: number) =>
      ({ partitionId, firstOffset, lastOffset, deliveryCount: 1, type: 'accept' }) as const
    const gone = { ...of(0, 0), partitionId: 99 as never }
    expect(a.acknowledge([of(0, 1), of(1, 2), gone, of(2, 3)])).toEqual([
      'ok',
      'INVALID_RECORD_STATE',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'ok',
    ])
    expect(context.describePartition(log).startOffset).toBe(4)
  })

  it('that releases gives the message back to its place: the oldest comes first (S6)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 6 })
    a.take(3)
    a.settle('release', [1, 1])
    expect(a.takeAll(2)).toMatchObject([
      { offset: 1, deliveryCount: 2 },
      { offset: 3, deliveryCount: 1 },
    ])
  })

  it('that releases with a delay holds nobody up meanwhile', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 2 })
    a.take(1)
    a.settle('release', [0, 0], { delayMs: 5_000 })
    expect(context.describePartition(log)).toMatchObject({ available: 2, delayed: 1 })
    expect(a.take()).toEqual([1])
    context.shares.takeReady()
    context.advance(4_999)
    expect(context.shares.takeReady()).toEqual([])
    context.advance(1)
    expect(context.shares.takeReady()).toEqual(['jobs'])
    expect(a.take()).toEqual([0])
  })

  it('that returns is as if the message had not been delivered', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a', { options: { deliveryCountLimit: 1 } })
    context.send(log, { records: 2 })
    for (let round = 0; round < 3; round++) {
      expect(a.takeAll(1)).toMatchObject([{ offset: 0, deliveryCount: 1 }])
      expect(a.settle('return', [0, 0])).toBe('ok')
    }
    expect(context.known(log).runs).toEqual([])
  })

  it('that renews begins the lock anew', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 2 })
    a.take()
    context.advance(29_000)
    expect(a.settle('renew', [0, 0])).toBe('ok')
    context.advance(1_000)
    expect(a.settle('accept', [0, 0])).toBe('ok')
    expect(a.settle('accept', [1, 1])).toBe('INVALID_RECORD_STATE')
  })

  it('counts', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 10 })
    a.take()
    a.settle('accept', [0, 3])
    a.settle('release', [4, 6])
    a.settle('reject', [7, 8])
    context.advance(30_000)
    expect(context.describePartition(log).counters).toEqual({
      delivered: 10,
      accepted: 4,
      released: 3,
      rejected: 2,
      timedOut: 1,
      deadLettered: 0,
      dropped: 2,
      expired: 0,
    })
  })
})

describe('time', () => {
  it('takes away what a member has for too long, for anybody (S4)', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    const b = context.join('b')
    context.send(log, { records: 2 })
    a.take()
    context.advance(29_999)
    expect(b.take()).toEqual([])
    context.shares.takeReady()
    context.advance(1)
    expect(context.shares.takeReady()).toEqual(['jobs'])
    expect(b.takeAll()).toMatchObject([{ deliveryCount: 2 }, { deliveryCount: 2 }])
    expect(a.settle('accept', [0, 1])).toBe('INVALID_RECORD_STATE')
    expect(b.settle('accept', [0, 1], { deliveryCount: 2 })).toBe('ok')
    expect(context.shares.nextDeadlineMs()).toBeUndefined()
  })

  it('is not held against members while the broker was away', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 1 })
    a.take()
    context.nowMs += 60_000
    context.replayShares(context.shares.extendDeadlines(60_000, context))
    context.advance(29_999)
    expect(a.settle('accept', [0, 0])).toBe('ok')
  })

  it('that the clock was set back is not added to locks and delays', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.send(log, { records: 2 })
    a.take()
    a.settle('release', [1, 1], { delayMs: 10_000 })
    context.nowMs -= 900_000
    context.replayShares(context.shares.extendDeadlines(-900_000, context))
    context.advance(10_000)
    expect(a.take()).toEqual([1])
    context.advance(20_000)
    expect(a.take()).toEqual([0])
  })

  it('comes for messages with a time of their own, which hold nobody up', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.sendJobs(log, [{ deliverAtMs: context.nowMs + 700 }, {}])
    expect(a.take()).toEqual([1])
    expect(context.describePartition(log)).toMatchObject({ available: 1, delayed: 1 })
    context.shares.takeReady()
    context.advance(699)
    expect(context.shares.takeReady()).toEqual([])
    context.advance(1)
    expect(context.shares.takeReady()).toEqual(['jobs'])
    expect(a.take()).toEqual([0])
  })

  it('ends messages that nobody had in time', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.sendJobs(log, [{ expiresAtMs: context.nowMs + 100 }, {}])
    context.advance(100)
    expect(a.take()).toEqual([1])
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 1,
      counters: { expired: 1, delivered: 1 },
    })
  })
})

describe('order', () => {
  it('by priority comes before age, over all partitions', () => {
    const context = new ShareContext()
    const [first, second] = context.createTopic('orders', 2)
    const a = context.join('a')
    context.sendJobs(context.log(first), [{}, { priority: 3 }, {}])
    context.sendJobs(context.log(second), [{ priority: 9 }, {}, { priority: 3 }])
    const taken = a.takeAll(3).map(({ partitionId, offset }) => `${partitionId}: ${offset}`)
    expect(new Set(taken)).toEqual(new Set([`${second}: 0`, `${first}: 1`, `${second}: 2`]))
  })

  it('by key gives one of a key at a time, the others flow', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a', { options: { isOrderedByKey: true } })
    const keys = ['x', 'x', 'y', undefined, 'x', 'y', undefined]
    context.sendJobs(
      log,
      keys.map((key) => ({ key })),
    )
    expect(a.take()).toEqual([0, 2, 3, 6])
    context.shares.takeReady()
    a.settle('accept', [0, 0])
    expect(context.shares.takeReady()).toEqual(['jobs'])
    expect(a.take()).toEqual([1])
    // Released for later, it is still the first of its key.
    a.settle('release', [2, 2], { delayMs: 1_000 })
    expect(a.take()).toEqual([])
    context.advance(1_000)
    expect(a.take()).toEqual([2])
    a.settle('reject', [2, 2], { deliveryCount: 2 })
    expect(a.take()).toEqual([5])
  })

  it('by key goes on when the one that comes first is over before its time has come', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a', { options: { isOrderedByKey: true } })
    const { nowMs } = context
    context.sendJobs(log, [
      { key: 'x', deliverAtMs: nowMs + 40_000, expiresAtMs: nowMs + 5_000 },
      { key: 'x' },
      { key: 'y', expiresAtMs: nowMs + 9_000 },
      { key: 'y' },
    ])
    expect(a.take()).toEqual([2])
    a.settle('release', [2, 2], { delayMs: 60_000 })
    for (const [ms, freed] of [
      [5_000, 1],
      [4_000, 3],
    ] as const) {
      context.shares.takeReady()
      context.advance(ms - 1)
      expect(context.shares.takeReady()).toEqual([])
      context.advance(1)
      expect(context.shares.takeReady()).toEqual(['jobs'])
      expect(a.take()).toEqual([freed])
    }
  })

  it('by key is found without a look at all that wait for the same key', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a', { options: { isOrderedByKey: true } })
    const hot = Array.from({ length: 2_000 }, () => ({ key: 'hot' }))
    context.sendJobs(log, [...hot, { key: 'x' }, {}, ...hot, { key: 'y' }])
    expect(a.take()).toEqual([0, 2_000, 2_001, 4_002])
    const looks = vi.spyOn(FactsCursor.prototype, 'keyHash')
    const finds = vi.spyOn(FactsCursor.prototype, 'facts')
    for (let offset = 0; offset < 50; offset++) {
      a.settle('accept', [offset, offset])
      expect(a.take()).toEqual([offset + 1])
    }
    expect(looks.mock.calls.length + finds.mock.calls.length).toBeLessThan(500)
  })

  it('by key holds when the group begins to want it with messages seen before', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.sendJobs(log, [{ key: 'x' }, { key: 'x' }, { key: 'x' }])
    expect(a.take(1)).toEqual([0])
    a.join({ options: { isOrderedByKey: true } })
    expect(a.take()).toEqual([])
    a.settle('accept', [0, 0])
    expect(a.take()).toEqual([1])
  })

  it('goes on past void records, which nobody gets', () => {
    const context = new ShareContext()
    const log = context.createLog('orders')
    const a = context.join('a')
    context.sendJobs(log, [{ isVoid: true }, {}, { isVoid: true }, { isVoid: true }])
    expect(a.take()).toEqual([1])
    a.settle('accept', [1, 1])
    expect(context.describePartition(log)).toMatchObject({ startOffset: 4, available: 0 })
  })
})
