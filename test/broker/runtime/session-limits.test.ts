/** What one tab can take of the broker, and that the others do not notice. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { FairTurns } from '../../../src/broker/runtime/fair-turns.js'
import { SessionShare } from '../../../src/broker/runtime/session-share.js'
import { TabmqError } from '../../../src/protocol/errors.js'
import { BROKER_LIMITS, SESSION_TURN_MS } from '../../../src/protocol/limits.js'
import type { GroupId, PartitionId, TopicName } from '../../../src/protocol/names.js'
import { PROTOCOL_VERSION } from '../../../src/protocol/protocol-version.js'
import { deferred } from '../../../src/std/deferred.js'
import { BrokerContext, type BrokerContextOptions } from '../broker-context.js'
import { allDone, FakeTime } from '../fake-time.js'

const THROTTLED = { code: 'THROTTLING_QUOTA_EXCEEDED', retriable: true }

async function started(limits: BrokerContextOptions['limits'] = {}) {
  const context = await BrokerContext.start({ limits })
  const [id = 0 as PartitionId] = await context.createTopic('orders')
  return { context, id }
}

describe('bytes on their way to the disk', () => {
  it.each([1, 0] as const)('of one tab have a limit, with acks %i', async (acks) => {
    const { context, id } = await started({ sessionBufferedBytesMax: 10_000 })
    context.storage.hold()
    const first = context.append(id, { bytes: 9_000, acks })
    await expect(context.append(id, { bytes: 2_000, acks })).rejects.toMatchObject(THROTTLED)
    // Nothing of what was refused is there, and another tab is not refused.
    const other = context.openTab().append(id, { bytes: 2_000 })
    context.storage.release()
    expect((await first).baseOffset).toBe(0)
    expect((await other).baseOffset).toBe(1)
    expect((await context.append(id, { bytes: 2_000, acks })).baseOffset).toBe(2)
    await context.broker.batchesDurable(id, Infinity)
    expect(context.broker.buffered.total).toBe(0)
  })

  it('of one tab stay counted when it says hello again', async () => {
    const { context, id } = await started({ sessionBufferedBytesMax: 10_000 })
    context.storage.hold()
    const first = context.append(id, { bytes: 9_000 })
    context.tab.hello()
    await expect(context.append(id, { bytes: 2_000 })).rejects.toMatchObject(THROTTLED)
    context.storage.release()
    await first
  })

  it('of all tabs have a limit, below which who has none there may always send', async () => {
    const { context, id } = await started({ bufferedBytesMax: 10_000 })
    context.storage.hold()
    const sent = [
      context.append(id, { bytes: 6_000 }),
      context.openTab().append(id, { bytes: 6_000 }),
    ]
    await expect(context.append(id, { bytes: 1_000 })).rejects.toMatchObject(THROTTLED)
    context.storage.release()
    await Promise.all(sent)
    expect(context.broker.buffered.total).toBe(0)
  })

  it.each([1, 0] as const)(
    'count from arrival, also amid a recovery, with acks %i',
    async (acks) => {
      const { context, id } = await started({ sessionBufferedBytesMax: 10_000 })
      const failure = new TabmqError('STORAGE_ERROR', 'the disk failed')
      context.storage.failCommits(failure)
      context.storage.failLoads(failure)
      await expect(context.append(id)).rejects.toBeDefined()
      const waiting = context.append(id, { bytes: 12_000, acks })
      await expect(context.append(id, { bytes: 2_000, acks })).rejects.toMatchObject(THROTTLED)
      // What brings no batches is not refused for those that others of the tab bring.
      const asked = context.partitionIds('orders')
      await context.time.advance(10_000)
      expect(await waiting).toMatchObject({ baseOffset: 0 })
      expect(await asked).toEqual([id])
      await context.broker.batchesDurable(id, Infinity)
      expect(context.broker.buffered.total).toBe(0)
    },
  )

  it('count while the request waits for its turn', async () => {
    const { context, id } = await started({ sessionBufferedBytesMax: 10_000 })
    const { tab, time } = context
    // Whatever comes first keeps the thread for a whole turn.
    const nowMs = time.nowMs.bind(time)
    const busy = vi.spyOn(time, 'nowMs').mockImplementation(() => {
      time.pass(SESSION_TURN_MS)
      return nowMs()
    })
    const waiting = [tab.append(id, { bytes: 10 }), tab.append(id, { bytes: 9_000 })]
    busy.mockRestore()
    await expect(tab.append(id, { bytes: 2_000 })).rejects.toMatchObject(THROTTLED)
    await time.advance(10)
    await Promise.all(waiting)
    expect(context.broker.buffered.total).toBe(0)
  })

  it('are free again when the write fails, or nothing is written', async () => {
    const { context, id } = await started()
    const nowhere = 999 as PartitionId
    await expect(context.append(nowhere, { bytes: 5_000 })).rejects.toThrow('999')
    context.storage.failCommits(new Error('disk'))
    await expect(context.append(id, { bytes: 5_000 })).rejects.toThrow()
    expect(context.broker.buffered.total).toBe(0)
  })

  it('are never so many in one request', async () => {
    const { context, id } = await started({ sessionBufferedBytesMax: 1, batchBytesMax: 1_000 })
    await expect(context.append(id, { bytes: 9 * 1024 * 1024 })).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      details: { requestBytesMax: 8 * 1024 * 1024 + 1_000 },
    })
  })
})

describe('fetches that wait', () => {
  it('keep nothing of what came with them but what they ask for', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const { context, id } = await started()
    const { broker, tab, time } = context
    const ask = () => {
      const partitions = [{ partitionId: id, offset: 0, maxBytes: 1 }]
      const fetch = { api: 'fetch', fetcherId: 'f', partitions, maxBytes: 1, minBytes: 1 }
      const junk = new Uint8Array(1_000)
      const answer = broker.handle(tab.sessionId, { ...fetch, maxWaitMs: 1_000, junk })
      return { answer, junk: new WeakRef(junk) }
    }
    const { answer, junk } = ask()
    await allDone()
    collectGarbage()
    expect([broker.purgatory.size, junk.deref()]).toEqual([1, undefined])
    await time.advance(1_000)
    expect(await answer).toMatchObject({ ok: true })
  })

  it('have a limit for each tab; a newer one of the same fetcher replaces the older', async () => {
    const { context, id } = await started({ sessionFetchesMax: 2 })
    const fetch = (fetcherId: string, tab = context.tab) =>
      tab.fetch([{ partitionId: id, offset: 0 }], { fetcherId })
    const waiting = [fetch('a'), fetch('b')]
    await expect(fetch('c')).rejects.toMatchObject(THROTTLED)
    waiting.push(fetch('b'), fetch('a', context.openTab()))
    await context.append(id)
    await Promise.all(waiting)
    expect(context.broker.purgatory.size).toBe(0)
  })

  it('bring less each, where they are many', async () => {
    const { context, id } = await started({ sessionFetchesMax: 4, sessionFetchBytesMax: 8_000 })
    for (let count = 0; count < 8; count++) await context.append(id, { bytes: 1_000 })
    const [none = 0 as PartitionId] = await context.createTopic('nothing')
    const waiting = context.tab.fetch([{ partitionId: none, offset: 0 }], {
      fetcherId: 'waits',
      maxBytes: 7_500,
    })
    const read = async (tab = context.tab) => (await tab.read(id, 0))?.batches.length
    // A quarter of what the tab may have, when the rest is taken.
    expect(await read()).toBe(1)
    expect(await read(context.openTab())).toBe(8)
    await context.time.advance(1_000)
    await waiting
    expect(await read()).toBeGreaterThan(1)
  })

  it('of two tabs whose names and fetchers run together are two', async () => {
    const { context, id } = await started()
    const { broker } = context
    for (const sessionId of ['a', 'a b']) {
      broker.connect(
        { protocolVersion: PROTOCOL_VERSION, sessionId, clientId: '' },
        { push: () => Promise.resolve() },
      )
    }
    const request = (fetcherId: string) => ({
      api: 'fetch',
      fetcherId,
      partitions: [{ partitionId: id, offset: 0, maxBytes: 1 }],
      maxBytes: 1,
      minBytes: 1,
      maxWaitMs: 1_000,
    })
    const replies = [
      broker.handle('a' as never, request('b c')),
      broker.handle('a b' as never, request('c')),
    ]
    await Promise.resolve()
    expect(broker.purgatory.size).toBe(2)
    await context.time.advance(1_000)
    await Promise.all(replies)
  })
})

describe('what a tab makes that stays', () => {
  it('members: so many for each tab, and again when some have left', async () => {
    const { context } = await started({ sessionMembersMax: 2 })
    const { tab } = context
    const join = (memberId: string, from = tab) => from.heartbeat({ groupId: memberId, memberId })
    const { memberEpoch } = await join('a')
    await join('b')
    await expect(join('c')).rejects.toMatchObject(THROTTLED)
    // Who is one already goes on, and so does another tab.
    await tab.heartbeat({ groupId: 'a', memberId: 'a', memberEpoch })
    await join('c', context.openTab())
    await tab.call({
      api: 'leaveGroup',
      groupId: 'a' as GroupId,
      member: { memberId: 'a' as never, memberEpoch },
    })
    await join('d')
    context.broker.checkInvariants()
  })

  it('groups: so many of all tabs', async () => {
    const { context, id } = await started({ groupsMax: 2 })
    const { tab } = context
    const commit = (groupId: string) =>
      tab.call({
        api: 'commitOffsets',
        groupId: groupId as GroupId,
        offsets: [{ partitionId: id, offset: 0 }],
      })
    await commit('a')
    await tab.heartbeat({ groupId: 'b', memberId: 'm' })
    await expect(commit('c')).rejects.toMatchObject({ code: 'POLICY_VIOLATION' })
    await expect(tab.heartbeat({ groupId: 'c', memberId: 'm' })).rejects.toMatchObject({
      code: 'POLICY_VIOLATION',
    })
    await commit('a')
    await tab.heartbeat({ groupId: 'b', memberId: 'another' })
  })

  it('partitions: so many of all topics', async () => {
    const { context } = await started({ partitionsMax: 5 })
    await expect(context.createTopic('more', 5)).rejects.toMatchObject({ code: 'POLICY_VIOLATION' })
    await context.createTopic('more', 3)
    const addTo = (count: number) =>
      context.tab.call({ api: 'createPartitions', topic: 'more' as TopicName, count })
    await expect(addTo(5)).rejects.toMatchObject({ code: 'POLICY_VIOLATION' })
    await addTo(4)
    await context.deleteTopic('more')
    await context.createTopic('others', 4)
  })

  it('sessions: so many, and one that is there can say hello again', async () => {
    const { context } = await started({ sessionsMax: 2 })
    const second = context.openTab()
    expect(() => context.openTab()).toThrow(expect.objectContaining(THROTTLED))
    second.hello()
    await second.leave()
    context.openTab()
  })

  it('producers: so many are recognised, the ones that wrote last', async () => {
    const { context, id } = await started({ sessionProducersMax: 2 })
    const send = (producerId: number, sequence = 0) =>
      context.append(id, { producer: { id: producerId, sequence } })
    for (const producerId of [1, 2]) await send(producerId)
    await send(1, 1)
    await send(3)
    const known = () =>
      [...(context.broker.state.logs.find(id)?.producers() ?? [])].map(([of]) => of)
    expect(known()).toEqual([1, 3])
    expect(await send(1, 1)).toMatchObject({ duplicate: true })
    expect([...(context.database.producers.get(id)?.keys() ?? [])]).toEqual([1, 3])
  })

  it('pushes that it does not answer: so many, whatever it does', async () => {
    const { context } = await started({ sessionPushesMax: 10 })
    const answers: (() => void)[] = []
    const tab = context.openTab({ push: () => new Promise((resolve) => answers.push(resolve)) })
    const joinAndLeave = async (memberId: string) => {
      const { memberEpoch } = await tab.heartbeat({ groupId: 'g', memberId })
      const member = { memberId: memberId as never, memberEpoch }
      await tab.call({ api: 'leaveGroup', groupId: 'g' as GroupId, member })
    }
    for (let count = 0; count < 30; count++) await joinAndLeave(`m${count}`)
    expect(tab.takePushes('heartbeat')).toHaveLength(10)
    for (const answer of answers) answer()
    await joinAndLeave('later')
    expect(tab.takePushes('heartbeat')).toHaveLength(1)
  })
})

describe('the thread', () => {
  it('works for a tab in turns, in the order of its requests', async () => {
    const time = new FakeTime()
    const share = new SessionShare({ limits: BROKER_LIMITS, clock: time, timer: time })
    const begun: string[] = []
    const request = (name: string, tookMs: number) =>
      share.inTurn(async () => {
        share.timed(() => {
          begun.push(name)
          time.pass(tookMs)
        })
      })
    const all = [
      request('a', SESSION_TURN_MS - 1),
      request('b', 1),
      request('c', SESSION_TURN_MS),
      request('d', 0),
      request('e', 0),
    ]
    expect(begun).toEqual(['a', 'b'])
    await time.advance(1)
    expect(begun).toEqual(['a', 'b', 'c'])
    await time.advance(2 * SESSION_TURN_MS)
    await Promise.all(all)
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(time.pending).toBe(0)
  })

  it('goes on with the next request when one fails', async () => {
    const time = new FakeTime()
    const share = new SessionShare({ limits: BROKER_LIMITS, clock: time, timer: time })
    const request = () =>
      share.inTurn(async () => {
        share.timed(() => {
          time.pass(SESSION_TURN_MS)
          throw new Error('failed')
        })
      })
    const all = Promise.allSettled([request(), request(), request()])
    for (let turns = 0; turns < 3; turns++) await time.advance(2 * SESSION_TURN_MS)
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  })
})

describe('fair turns', () => {
  it('go round by tab, however much one of them has asked for', async () => {
    const turns = new FairTurns(1)
    const gate = deferred<void>()
    const done: string[] = []
    const work = (whose: string, name: string) =>
      turns.run(whose, async () => {
        await gate.promise
        done.push(name)
      })
    const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1'].map((name) => work(name.charAt(0), name))
    gate.resolve()
    await Promise.all(all)
    expect(done).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
  })

  it('go on when some work fails', async () => {
    const turns = new FairTurns(1)
    const fail = () => turns.run('a', () => Promise.reject(new Error('failed')))
    const all = await Promise.allSettled([fail(), fail(), turns.run('b', async () => 'done')])
    expect(all.at(-1)).toEqual({ status: 'fulfilled', value: 'done' })
  })
})
