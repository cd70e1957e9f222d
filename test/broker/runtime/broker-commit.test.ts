import { describe, expect, it, vi } from 'vitest'
import { PartitionLog } from '../../../src/broker/log/partition-log.js'
import { AssertionError } from '../../../src/std/assert.js'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { PartitionId, TopicName } from '../../../src/protocol/names.js'
import { batchOf, offsetsOf } from '../batches.js'
import { BrokerContext, type Tab } from '../broker-context.js'
import { watch } from '../outcome.js'
import { allDone } from '../fake-time.js'

const FULL = new TabmqError('STORAGE_FULL', 'the disk is full')
const FAILED = new TabmqError('STORAGE_ERROR', 'the disk failed')

const createTopic = (tab: Tab, topic: string) =>
  tab.call({
    api: 'createTopics',
    topics: [{ topic: topic as TopicName, numPartitions: 1, config: {} }],
    ifNotExists: false,
    validateOnly: false,
  })

const listTopics = async (tab: Tab) => {
  const { topics } = await tab.call({ api: 'metadata', topics: 'all' })
  return topics.map(({ topic }) => topic)
}

async function started(): Promise<{ context: BrokerContext; partitionId: PartitionId }> {
  const context = await BrokerContext.start()
  const [partitionId = 0 as PartitionId] = await context.createTopic('orders')
  return { context, partitionId }
}

describe('an answer', () => {
  it('to acks 1 and -1 comes when the batch is durable, to acks 0 at once', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const [none, relaxed, strict] = ([0, 1, -1] as const).map((acks) =>
      watch(context.append(partitionId, { acks })),
    )
    await allDone()
    expect([none?.outcome, relaxed?.outcome, strict?.outcome]).toEqual(['ok', undefined, undefined])
    context.storage.release()
    await allDone()
    expect([none?.outcome, relaxed?.outcome, strict?.outcome]).toEqual(['ok', 'ok', 'ok'])
  })

  it('to acks 0 waits where it refuses a batch: the deletion that it tells of may fail', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const deleted = watch(context.deleteTopic('orders'))
    await allDone()
    const sent = watch(context.append(partitionId, { acks: 0 }))
    await allDone()
    expect(sent.outcome).toBeUndefined()
    context.storage.failCommits(FAILED)
    context.storage.release()
    await allDone()
    expect([deleted.outcome, sent.outcome]).toEqual(['STORAGE_ERROR', 'STORAGE_ERROR'])
    expect(await context.append(partitionId, { acks: 0 })).toMatchObject({ baseOffset: 0 })
  })

  it('to acks 0 waits like any other when too much is on its way to the disk', async () => {
    const context = await BrokerContext.start({ limits: { unacknowledgedBytesMax: 10_000 } })
    const [partitionId = 0 as PartitionId] = await context.createTopic('orders')
    context.storage.hold()
    const send = () => watch(context.append(partitionId, { acks: 0, bytes: 1_000 }))
    const sent = Array.from({ length: 20 }, send)
    await allDone()
    expect(sent.map(({ outcome }) => outcome)).toEqual([
      ...Array<string>(9).fill('ok'),
      ...Array<undefined>(11).fill(undefined),
    ])
    context.storage.release()
    await allDone()
    expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
    expect(context.watermark(partitionId)).toBe(20)
    context.storage.hold()
    const next = send()
    await allDone()
    expect(next.outcome).toBe('ok')
  })

  it('to acks 0 that had to wait comes also when its transaction fails', async () => {
    const context = await BrokerContext.start({ limits: { unacknowledgedBytesMax: 0 } })
    const [partitionId = 0 as PartitionId] = await context.createTopic('orders')
    context.storage.hold()
    context.storage.failCommits(FULL)
    const sent = watch(context.append(partitionId, { acks: 0 }))
    await allDone()
    expect(sent.outcome).toBeUndefined()
    context.storage.release()
    await allDone()
    expect(sent.outcome).toBe('ok')
    expect(await context.append(partitionId, { acks: 0 })).toMatchObject({ baseOffset: 0 })
  })

  it('that refuses waits for what it rests on, and fails with it', async () => {
    const { context } = await started()
    const { tab } = context
    context.storage.hold()
    const made = watch(createTopic(tab, 'bills'))
    const refused = watch(createTopic(tab, 'bills'))
    await allDone()
    expect([made.outcome, refused.outcome]).toEqual([undefined, undefined])
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect([made.outcome, refused.outcome]).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
    expect(await listTopics(tab)).toEqual(['orders'])
  })

  it('asks for as much durability as it promises', async () => {
    const { context, partitionId } = await started()
    const before = context.storage.commits.length
    for (const acks of [0, 1, -1] as const) {
      await context.append(partitionId, { acks })
      await allDone()
    }
    const seen = context.storage.commits.slice(before).map(({ durability }) => durability)
    expect(seen).toEqual(['relaxed', 'relaxed', 'strict'])
  })

  it('to a read that saw what is not durable yet waits for it', async () => {
    const { context } = await started()
    context.storage.hold()
    const created = watch(createTopic(context.tab, 'refunds'))
    const reads = [
      watch(listTopics(context.tab)),
      watch(context.tab.call({ api: 'listGroups' })),
      watch(context.tab.call({ api: 'watch', watchId: 'w', intervalMs: 100 })),
    ]
    await allDone()
    expect([created, ...reads].map(({ outcome }) => outcome)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    context.storage.release()
    await allDone()
    expect([created, ...reads].map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  it('to a read that saw only what is durable comes at once', async () => {
    const { context } = await started()
    context.storage.hold()
    expect(await listTopics(context.tab)).toEqual(['orders'])
  })

  it('to a repeat of a batch that is not durable yet waits for the first', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const producer = { id: 1, sequence: 0 }
    const first = watch(context.append(partitionId, { producer }))
    const repeat = context.append(partitionId, { producer })
    const repeated = watch(repeat)
    await allDone()
    expect([first.outcome, repeated.outcome]).toEqual([undefined, undefined])
    context.storage.release()
    expect(await repeat).toMatchObject({ baseOffset: 0, duplicate: true })
  })

  it('shows a fetch nothing that is not durable', async () => {
    const { context, partitionId } = await started()
    await context.append(partitionId)
    context.storage.hold()
    const appended = watch(context.append(partitionId))
    await allDone()
    const seen = await context.tab.read(partitionId, 0)
    expect([offsetsOf(seen?.batches ?? []), seen?.highWatermark]).toEqual([[0], 1])
    expect(await context.tab.read(partitionId, 1)).toBeUndefined()
    expect(context.watermark(partitionId)).toBe(1)
    context.storage.release()
    await allDone()
    expect(appended.outcome).toBe('ok')
    const after = await context.tab.read(partitionId, 0)
    expect([offsetsOf(after?.batches ?? []), after?.highWatermark]).toEqual([[0, 1], 2])
  })
})

describe('a transaction that fails', () => {
  it('rejects all that stood on it, and changes nothing', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const calls = [
      watch(context.append(partitionId)),
      watch(context.append(partitionId)),
      watch(createTopic(context.tab, 'refunds')),
      watch(listTopics(context.tab)),
    ]
    await allDone()
    context.storage.failCommits(FAILED)
    context.storage.release()
    await allDone()
    expect(calls.map(({ outcome }) => outcome)).toEqual(Array(4).fill('STORAGE_ERROR'))
    expect(await listTopics(context.tab)).toEqual(['orders'])
    expect(context.broker.state.logs.find(partitionId)?.logEndOffset).toBe(0)
    context.broker.checkInvariants()
  })

  it('is followed by others that succeed, at the offsets where the failed ones were', async () => {
    const { context, partitionId } = await started()
    const send = (sequence: number) =>
      context.append(partitionId, { producer: { id: 1, sequence } })
    await send(0)
    context.storage.failCommits(FAILED)
    await expect(send(1)).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    expect(await send(1)).toMatchObject({ baseOffset: 1, duplicate: false })
    expect(await send(1)).toMatchObject({ baseOffset: 1, duplicate: true })
    const seen = await context.tab.read(partitionId, 0)
    expect(offsetsOf(seen?.batches ?? [])).toEqual([0, 1])
  })

  it('is nobody’s to know with acks 0', async () => {
    const { context, partitionId } = await started()
    context.storage.failCommits(FAILED)
    await context.append(partitionId, { acks: 0 })
    await allDone()
    expect(context.logged).toHaveLength(1)
    expect(await context.append(partitionId)).toMatchObject({ baseOffset: 0 })
  })

  it('makes every tab’s members join again', async () => {
    const { context, partitionId } = await started()
    const other = context.openTab()
    const member = { groupId: 'g', memberId: 'm' }
    const joined = await other.heartbeat(member)
    context.storage.failCommits(FAILED)
    await context.append(partitionId).catch(() => {})
    await allDone()
    for (const tab of [context.tab, other]) expect(tab.takePushes('rejoin')).toHaveLength(1)
    await expect(other.heartbeat({ ...member, ...joined })).rejects.toMatchObject({
      code: 'UNKNOWN_MEMBER_ID',
    })
    expect((await other.heartbeat(member)).memberEpoch).toBeGreaterThan(joined.memberEpoch)
  })

  it('shows a fetch what was written after all', async () => {
    const { context, partitionId } = await started()
    const fetch = context.openTab().fetch([{ partitionId, offset: 0 }], { maxWaitMs: 60_000 })
    const waiting = watch(fetch)
    context.storage.failAnswers(new TabmqError('STORAGE_ERROR', 'the connection was lost'))
    await expect(context.append(partitionId)).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    await allDone()
    expect(waiting.outcome).toBe('ok')
    expect((await fetch).partitions).toHaveLength(1)
  })

  it('keeps fetches waiting, and they hear of what comes later', async () => {
    const { context, partitionId } = await started()
    const fetch = context.openTab().fetch([{ partitionId, offset: 0 }], { maxWaitMs: 60_000 })
    const waiting = watch(fetch)
    context.storage.failCommits(FAILED)
    await context.append(partitionId).catch(() => {})
    await allDone()
    expect(waiting.outcome).toBeUndefined()
    await context.append(partitionId)
    expect((await fetch).partitions).toHaveLength(1)
  })

  it('lets requests that come meanwhile wait until the state is there again', async () => {
    const { context, partitionId } = await started()
    const retriable = new TabmqError('STORAGE_ERROR', 'the connection was lost')
    context.storage.failCommits(retriable)
    context.storage.failLoads(retriable, retriable)
    await context.append(partitionId).catch(() => {})
    const meanwhile = watch(context.append(partitionId))
    const read = watch(listTopics(context.tab))
    await allDone()
    expect([meanwhile.outcome, read.outcome]).toEqual([undefined, undefined])
    await context.time.advance(10_000)
    expect([meanwhile.outcome, read.outcome]).toEqual(['ok', 'ok'])
    expect(context.storage.loads).toBe(4)
  })

  it('leaves nothing behind of what a tab asked for that goes meanwhile', async () => {
    const { context, partitionId } = await started()
    const tab = context.openTab()
    const timers = context.time.pending
    context.storage.failCommits(FAILED)
    context.storage.failLoads(new TabmqError('STORAGE_ERROR', 'the connection was lost'))
    await context.append(partitionId).catch(() => {})
    const calls = [
      watch(tab.call({ api: 'watch', watchId: 'w', intervalMs: 100 })),
      watch(tab.heartbeat({ groupId: 'g', memberId: 'm' })),
      watch(tab.fetch([{ partitionId, offset: 0 }])),
    ]
    void tab.leave()
    await context.time.advance(1_000)
    expect(calls.map(({ outcome }) => outcome)).toEqual(Array(3).fill('BROKER_UNAVAILABLE'))
    expect(context.broker.state.groups.list()).toEqual([])
    await context.append(partitionId)
    expect(context.time.pending).toBe(timers)
    expect(tab.takePushes('clusterState')).toEqual([])
  })

  it('ends the broker when the state cannot be loaded again', async () => {
    const { context, partitionId } = await started()
    const tab = context.openTab()
    const fetch = watch(tab.fetch([{ partitionId, offset: 0 }]))
    context.storage.failCommits(FAILED)
    context.storage.failLoads(new TabmqError('STORAGE_VERSION_TOO_NEW', 'somebody upgraded'))
    await context.append(partitionId).catch(() => {})
    await allDone()
    expect(context.ended.count).toBe(1)
    expect(fetch.outcome).toBe('BROKER_UNAVAILABLE')
    await expect(listTopics(tab)).rejects.toMatchObject({ code: 'STORAGE_VERSION_TOO_NEW' })
    expect(() => tab.hello()).toThrow('the broker has closed')
    expect(context.time.pending).toBe(0)
  })

  it('is no trouble for a tab that goes meanwhile, come the state back or not', async () => {
    const { context, partitionId } = await started()
    const [first, second] = [context.openTab(), context.openTab()]
    await first.heartbeat({ groupId: 'g', memberId: 'm' })
    context.storage.failCommits(FAILED)
    await context.append(partitionId).catch(() => {})
    await first.leave()
    context.storage.failCommits(FAILED)
    context.storage.failLoads(FULL)
    await context.append(partitionId).catch(() => {})
    await second.leave()
    await allDone()
    expect(context.ended.count).toBe(1)
  })

  it('ends the broker after some tries when the storage does not come back', async () => {
    const { context, partitionId } = await started()
    const retriable = new TabmqError('STORAGE_ERROR', 'the connection was lost')
    context.storage.failCommits(retriable)
    context.storage.failLoads(...Array.from({ length: 20 }, () => retriable))
    await context.append(partitionId).catch(() => {})
    const waiting = watch(listTopics(context.tab))
    await context.time.advance(60_000)
    expect([context.ended.count, waiting.outcome]).toEqual([1, 'STORAGE_ERROR'])
    expect(context.storage.loads).toBeLessThan(12)
  })
})

describe('a disk that is full', () => {
  it('rejects the sends, and nothing of them appears later', async () => {
    const { context, partitionId } = await started()
    await context.append(partitionId, { key: 'before' })
    context.storage.hold()
    const sends = [1, 2, 3].map(() => watch(context.append(partitionId)))
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(sends.map(({ outcome }) => outcome)).toEqual(Array(3).fill('STORAGE_FULL'))
    const seen = await context.tab.read(partitionId, 0)
    expect(offsetsOf(seen?.batches ?? [])).toEqual([0])
    context.broker.checkInvariants()
    expect((await context.restart()).watermark(partitionId)).toBe(1)
  })

  it('leaves members, their commits and all other requests alone', async () => {
    const { context, partitionId } = await started()
    const other = context.openTab()
    const member = { groupId: 'g', memberId: 'm' }
    const joined = await other.heartbeat(member)
    context.storage.hold()
    const send = watch(context.append(partitionId))
    const { loads } = context.storage
    const others = [
      watch(other.heartbeat({ groupId: 'g', memberId: 'n' })),
      watch(createTopic(context.tab, 'refunds')),
      watch(listTopics(context.tab)),
      watch(other.heartbeat({ ...member, ...joined }, { owned: [partitionId] })),
    ]
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect([send, ...others].map(({ outcome }) => outcome)).toEqual([
      'STORAGE_FULL',
      ...Array<string>(4).fill('ok'),
    ])
    expect(context.storage.loads).toBe(loads)
    for (const tab of [context.tab, other]) expect(tab.takePushes('rejoin')).toEqual([])
    expect(await listTopics(context.tab)).toEqual(['orders', 'refunds'])
    const { database } = await context.restart()
    expect([...database.topics.values()].map(({ topic }) => topic)).toEqual(['orders', 'refunds'])
  })

  it('keeps the producer’s numbers usable for the next send', async () => {
    const { context, partitionId } = await started()
    const send = (sequence: number) =>
      context.append(partitionId, { producer: { id: 1, sequence } })
    await send(0)
    context.storage.failCommits(FULL)
    const outcomes = [watch(send(1)), watch(send(2))]
    await allDone()
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
    expect(await send(1)).toMatchObject({ baseOffset: 1, duplicate: false })
    expect(await send(1)).toMatchObject({ baseOffset: 1, duplicate: true })
    expect(await send(2)).toMatchObject({ baseOffset: 2, duplicate: false })
  })

  it('rejects the repeat of a batch together with the batch', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const producer = { id: 1, sequence: 0 }
    const calls = [1, 2].map(() => watch(context.append(partitionId, { producer })))
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(calls.map(({ outcome }) => outcome)).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
  })

  it('does not fail the repeat of a batch that was written, whatever comes after that', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const producer = { id: 1, sequence: 0 }
    const first = watch(context.append(partitionId, { producer }))
    await allDone()
    const other = watch(context.openTab().append(partitionId))
    const repeat = context.append(partitionId, { producer })
    const repeated = watch(repeat)
    await allDone()
    context.storage.releaseOne()
    await allDone()
    expect([first.outcome, repeated.outcome, other.outcome]).toEqual(['ok', 'ok', undefined])
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(other.outcome).toBe('STORAGE_FULL')
    expect(await repeat).toMatchObject({ baseOffset: 0, duplicate: true })
  })

  it('takes the repeat of a batch that was written, and no new batch beside it', async () => {
    const { context, partitionId } = await started()
    const [other = partitionId] = await context.createTopic('others')
    const batch = batchOf({ producer: { id: 1, sequence: 0 } })
    const produce = (...partitions: PartitionId[]) =>
      context.tab.call({
        api: 'produce',
        acks: 1,
        batches: partitions.map((each) => ({ partitionId: each, batch: batch.slice(0) })),
      })
    context.storage.hold()
    const first = produce(partitionId)
    await allDone()
    const both = produce(partitionId, other)
    await allDone()
    context.storage.releaseOne()
    await first
    context.storage.failCommits(FULL)
    context.storage.release()
    expect((await both).results).toEqual([
      { partitionId, baseOffset: 0, duplicate: true },
      { partitionId: other, error: expect.objectContaining({ code: 'STORAGE_FULL' }) },
    ])
  })

  it('tries once for all sends that wait, and loads nothing again', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const sends = Array.from({ length: 500 }, () => watch(context.append(partitionId)))
    const { loads } = context.storage
    const before = context.storage.commits.length
    await allDone()
    context.storage.failCommits(...sends.map(() => FULL))
    context.storage.release()
    await allDone()
    expect(new Set(sends.map(({ outcome }) => outcome))).toEqual(new Set(['STORAGE_FULL']))
    expect(context.storage.commits.length - before).toBeLessThanOrEqual(1)
    expect(context.storage.loads).toBe(loads)
  })

  it('that takes nothing at all is a failure like any other', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const calls = [watch(context.append(partitionId)), watch(createTopic(context.tab, 'refunds'))]
    await allDone()
    context.storage.failCommits(FULL, FULL)
    context.storage.release()
    await allDone()
    expect(calls.map(({ outcome }) => outcome)).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
    expect(context.tab.takePushes('rejoin')).toHaveLength(1)
    expect(await listTopics(context.tab)).toEqual(['orders'])
    expect(await context.append(partitionId)).toMatchObject({ baseOffset: 0 })
  })

  it('forgets a producer whose tab went while its batch was rejected', async () => {
    const { context, partitionId } = await started()
    const tab = context.openTab()
    const producer = { id: 7, sequence: 0 }
    await tab.append(partitionId, { producer })
    context.storage.hold()
    const send = watch(tab.append(partitionId, { producer: { ...producer, sequence: 1 } }))
    await allDone()
    void tab.leave()
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(send.outcome).toBe('STORAGE_FULL')
    expect([...(context.broker.state.logs.find(partitionId)?.producers() ?? [])]).toEqual([])
    expect(context.database.producers.size).toBe(0)
  })

  it('lets a topic go whose batches it has no room for', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const calls = [watch(context.append(partitionId)), watch(context.deleteTopic('orders'))]
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(calls.map(({ outcome }) => outcome)).toEqual(['STORAGE_FULL', 'ok'])
    expect(context.database.batches.size).toBe(0)
    context.broker.checkInvariants()
  })
})

describe('another broker on the same database', () => {
  it('ends this one at its next write', async () => {
    const { context, partitionId } = await started()
    const { database } = context
    const newer = await BrokerContext.start({ database })
    await newer.append(partitionId)
    await expect(context.append(partitionId)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    await allDone()
    expect(context.ended.count).toBe(1)
    expect(newer.broker.state.brokerEpoch).toBe(context.broker.state.brokerEpoch + 1)
    expect(await newer.append(partitionId)).toMatchObject({ baseOffset: 1 })
  })
})

describe('a bug in the core', () => {
  function breakNextReplay(context: BrokerContext): void {
    vi.spyOn(context.broker.state, 'replay').mockImplementationOnce(() => {
      throw new AssertionError('a broken invariant')
    })
  }

  it('fails its own request; the state is loaded again and what follows works', async () => {
    const { context, partitionId } = await started()
    await context.append(partitionId)
    breakNextReplay(context)
    await expect(context.append(partitionId)).rejects.toMatchObject({
      code: 'UNKNOWN_SERVER_ERROR',
    })
    expect(await context.append(partitionId)).toMatchObject({ baseOffset: 1 })
    expect(context.storage.loads).toBe(2)
  })

  it('loses nothing of what was being written, and stores nothing unknown', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const underWay = watch(context.append(partitionId, { key: 'under way' }))
    const queued = watch(context.append(partitionId, { key: 'queued' }))
    await allDone()
    breakNextReplay(context)
    const broken = watch(context.append(partitionId))
    const later = [watch(context.append(partitionId)), watch(context.append(partitionId))]
    await allDone()
    context.storage.release()
    await allDone()
    expect([underWay, queued, broken].map(({ outcome }) => outcome)).toEqual([
      'ok',
      'UNKNOWN_SERVER_ERROR',
      'UNKNOWN_SERVER_ERROR',
    ])
    expect(later.map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
    const seen = await context.tab.read(partitionId, 0)
    expect(offsetsOf(seen?.batches ?? [])).toEqual([0, 1, 2])
    const restarted = await context.restart()
    expect(restarted.watermark(partitionId)).toBe(3)
  })

  it('in the first request after a recovery does not reach those that waited with it', async () => {
    const { context, partitionId } = await started()
    context.storage.failCommits(FAILED)
    context.storage.failLoads(new TabmqError('STORAGE_ERROR', 'the connection was lost'))
    await context.append(partitionId).catch(() => {})
    const calls = [1, 2, 3].map(() => watch(context.append(partitionId)))
    const replay = vi.spyOn(PartitionLog.prototype, 'replayBatch')
    replay.mockImplementationOnce(() => {
      throw new AssertionError('a broken invariant')
    })
    await context.time.advance(1_000)
    const outcomes = calls.map(({ outcome }) => outcome)
    replay.mockRestore()
    expect(outcomes).toEqual(['UNKNOWN_SERVER_ERROR', 'ok', 'ok'])
    expect(context.watermark(partitionId)).toBe(2)
  })
})

describe('a bug met while deadlines expire', () => {
  it('has the state loaded again, and the broker goes on', async () => {
    const { context } = await started()
    await context.tab.heartbeat({ groupId: 'g', memberId: 'm' })
    vi.spyOn(context.broker.state.groups, 'expire').mockImplementationOnce(() => {
      throw new AssertionError('a broken invariant')
    })
    context.tab.takePushes('heartbeat')
    await context.time.advance(3_000)
    expect(context.logged).toEqual([expect.stringContaining('a broken invariant')])
    expect(context.storage.loads).toBe(2)
    expect(context.tab.takePushes('rejoin')).toHaveLength(1)
    await context.tab.heartbeat({ groupId: 'g', memberId: 'm' })
    await context.time.advance(3_000)
    expect(context.tab.takePushes('heartbeat')).toHaveLength(1)
    expect(context.ended.count).toBe(0)
  })
})

describe('a storage that is lost', () => {
  it('for good ends the broker, though nothing is written', async () => {
    const { context } = await started()
    const deleted = new TabmqError('STORAGE_LOST', 'the database was deleted')
    context.storage.failLoads(deleted)
    context.broker.storageLost(deleted)
    await allDone()
    expect(context.ended.count).toBe(1)
  })
})

describe('groups', () => {
  it('look for a new target when topics change, not when a log start moves', async () => {
    const context = await BrokerContext.start()
    const [partitionId = 0 as PartitionId] = await context.createTopic('orders', 1, {
      retentionBytes: 0,
    })
    const topicsChanged = vi.spyOn(context.broker.state.groups, 'topicsChanged')
    for (let batch = 0; batch < 3; batch++) {
      await context.append(partitionId)
      await allDone()
    }
    expect(context.broker.state.logs.find(partitionId)?.logStartOffset).toBe(3)
    expect(topicsChanged).not.toHaveBeenCalled()
    const topic = 'orders' as TopicName
    await context.tab.call({ api: 'createPartitions', topic, count: 2 })
    await context.deleteTopic('orders')
    expect(topicsChanged).toHaveBeenCalledTimes(2)
  })
})

describe('closing', () => {
  it('waits for what is being written', async () => {
    const { context, partitionId } = await started()
    context.storage.hold()
    const appended = watch(context.append(partitionId))
    const closed = watch(context.broker.close())
    await allDone()
    expect([appended.outcome, closed.outcome]).toEqual([undefined, undefined])
    context.storage.release()
    await allDone()
    expect([appended.outcome, closed.outcome]).toEqual(['ok', 'ok'])
  })

  it('answers the fetches that wait, and no request after it', async () => {
    const { context, partitionId } = await started()
    const fetch = context.tab.fetch([{ partitionId, offset: 0 }])
    void context.broker.close()
    await expect(fetch).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    await expect(context.append(partitionId)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    expect([context.time.pending, context.ended.count]).toEqual([0, 0])
  })

  it('amid a recovery ends it', async () => {
    const { context, partitionId } = await started()
    const retriable = new TabmqError('STORAGE_ERROR', 'the connection was lost')
    context.storage.failCommits(retriable)
    context.storage.failLoads(retriable)
    await context.append(partitionId).catch(() => {})
    const waiting = watch(context.append(partitionId))
    await allDone()
    await context.broker.close()
    await context.time.advance(10_000)
    expect(waiting.outcome).toBe('BROKER_UNAVAILABLE')
    expect([context.time.pending, context.ended.count]).toEqual([0, 0])
  })
})
