/** Stores beside the logs: what is written, read and watched, and what is one with progress. */
import { describe, expect, it } from 'vitest'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { GroupId, MemberId, PartitionId, StoreName } from '../../../src/protocol/names.js'
import type { Acknowledgement } from '../../../src/protocol/requests/share-groups.js'
import type { StoreWrite } from '../../../src/protocol/requests/stores.js'
import { deferred } from '../../../src/std/deferred.js'
import { BrokerContext, type Tab } from '../broker-context.js'
import { allDone } from '../fake-time.js'
import { outcomeOf, watch } from '../outcome.js'
import { jobBatch } from '../share/job-batch.js'

const FULL = new TabmqError('STORAGE_FULL', 'the disk is full')
const FAILED = new TabmqError('STORAGE_ERROR', 'the disk failed')
const STORE = 's' as StoreName
const group = 'g' as GroupId
const member = { memberId: 'm' as MemberId, memberEpoch: 1 }

const bytes = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer
const text = (value: ArrayBuffer): string => new TextDecoder().decode(value)

function changes(puts: Record<string, string>, deletes: readonly string[] = []): StoreWrite {
  const entries = Object.entries(puts).map(([key, value]) => ({ key, value: bytes(value) }))
  return { store: STORE, puts: entries, deletes }
}

const write = (tab: Tab, ...args: Parameters<typeof changes>) =>
  tab.call({ api: 'storeWrite', ...changes(...args) })

async function entries(tab: Tab, store: string = STORE): Promise<Record<string, string>> {
  const range = { from: '', limit: 1_000, maxBytes: 1_000_000 }
  const page = await tab.call({ api: 'storeRead', store: store as StoreName, ...range })
  return Object.fromEntries(page.entries.map(({ key, value }) => [key, text(value)]))
}

describe('a store', () => {
  it('has what was put, and not what was deleted, after a restart as well', async () => {
    const context = await BrokerContext.start()
    await write(context.tab, { a: '1', b: '2', c: '3' })
    await write(context.tab, { a: '4' }, ['b', 'never there'])
    expect(await entries(context.tab)).toEqual({ a: '4', c: '3' })
    const { tab } = await context.restart()
    expect(await entries(tab)).toEqual({ a: '4', c: '3' })
    expect(await tab.call({ api: 'listStores' })).toEqual({ stores: [{ store: 's' }] })
  })

  it('is read as far as it is durable, and never as what failed', async () => {
    const context = await BrokerContext.start()
    await write(context.tab, { a: '1' })
    context.storage.hold()
    const put = watch(write(context.tab, { a: '2' }))
    await allDone()
    expect([put.outcome, await entries(context.tab)]).toEqual([undefined, { a: '1' }])
    context.storage.failCommits(FAILED)
    context.storage.release()
    await allDone()
    expect([put.outcome, await entries(context.tab)]).toEqual(['STORAGE_ERROR', { a: '1' }])
    await write(context.tab, { a: '3' })
    expect(await entries(context.tab)).toEqual({ a: '3' })
  })

  it('is cleared as a whole, and another is not', async () => {
    const context = await BrokerContext.start()
    await write(context.tab, { a: '1' })
    await context.tab.call({ api: 'storeWrite', ...changes({ a: '1' }), store: 't' as StoreName })
    await context.tab.call({ api: 'storeClear', store: STORE })
    expect(await entries(context.tab)).toEqual({})
    expect(await entries(context.tab, 't')).toEqual({ a: '1' })
    expect(await context.tab.call({ api: 'listStores' })).toEqual({ stores: [{ store: 't' }] })
  })

  it('is one of so many at most', async () => {
    const context = await BrokerContext.start({ limits: { storesMax: 2 } })
    const put = (store: string) =>
      outcomeOf(
        context.tab.call({
          api: 'storeWrite',
          store: store as StoreName,
          puts: [{ key: 'k', value: bytes('1') }],
          deletes: [],
        }),
      )
    expect([await put('a'), await put('b'), await put('c'), await put('a')]).toEqual([
      'ok',
      'ok',
      'POLICY_VIOLATION',
      'ok',
    ])
    await context.tab.call({ api: 'storeClear', store: 'a' as StoreName })
    expect(await put('c')).toBe('ok')
    const { tab } = await context.restart()
    expect(await outcomeOf(tab.call({ api: 'storeWrite', ...changes({ k: '1' }) }))).toBe(
      'POLICY_VIOLATION',
    )
  })

  it('takes only so much of a tab that is not on the disk yet', async () => {
    const context = await BrokerContext.start({ limits: { sessionBufferedBytesMax: 100 } })
    context.storage.hold()
    const first = watch(write(context.tab, { a: 'x'.repeat(60) }))
    await allDone()
    expect(await outcomeOf(write(context.tab, { b: 'x'.repeat(60) }))).toBe(
      'THROTTLING_QUOTA_EXCEEDED',
    )
    context.storage.release()
    await allDone()
    expect(first.outcome).toBe('ok')
    expect(await outcomeOf(write(context.tab, { b: 'x'.repeat(60) }))).toBe('ok')
  })
})

describe('a commit of offsets with changes of a store', () => {
  async function joined() {
    const context = await BrokerContext.start()
    const [id = 0 as PartitionId] = await context.createTopic('orders')
    await context.append(id, { records: 10 })
    await context.tab.heartbeat({ groupId: 'g', memberId: 'm' })
    const commit = (offset: number, store: StoreWrite, more: { from?: number } = {}) =>
      context.tab.call({
        api: 'commitOffsets',
        groupId: group,
        member,
        offsets: [{ partitionId: id, offset, ...more }],
        store,
      })
    const committed = async () => {
      const partitions = [id]
      const request = { api: 'fetchOffsets', groupId: group, partitions } as const
      return (await context.tab.call(request)).offsets[0]?.offset
    }
    return { context, id, commit, committed }
  }

  it('is one transaction', async () => {
    const { context, commit, committed } = await joined()
    const before = context.storage.commits.length
    await commit(5, changes({ a: '1' }))
    const [seen, ...others] = context.storage.commits.slice(before)
    expect(others).toEqual([])
    expect(seen?.records.map(({ type }) => type)).toEqual(['offset', 'storeEntry'])
    expect([await committed(), await entries(context.tab)]).toEqual([5, { a: '1' }])
  })

  it('that is refused changes nothing', async () => {
    const { context, id, commit, committed } = await joined()
    await commit(5, changes({ a: '1' }))
    const refused = (ref: object) =>
      outcomeOf(
        context.tab.call({
          api: 'commitOffsets',
          groupId: group,
          member: { ...member, ...ref },
          offsets: [{ partitionId: id, offset: 6 }],
          store: changes({ a: '2' }),
        }),
      )
    expect(await refused({ memberEpoch: 0 })).toBe('STALE_MEMBER_EPOCH')
    expect(await refused({ memberEpoch: 9 })).toBe('FENCED_MEMBER_EPOCH')
    expect(await refused({ memberId: 'x' })).toBe('UNKNOWN_MEMBER_ID')
    expect(await outcomeOf(commit(11, changes({ a: '2' })))).toBe('OFFSET_OUT_OF_RANGE')
    expect([await committed(), await entries(context.tab)]).toEqual([5, { a: '1' }])
  })

  it('counts once, and not what somebody else has committed since', async () => {
    const { context, commit, committed } = await joined()
    await commit(5, changes({ a: '1' }), { from: 0 })
    expect(await outcomeOf(commit(5, changes({ a: '2' }), { from: 0 }))).toBe('INVALID_TXN_STATE')
    expect(await outcomeOf(commit(6, changes({ a: '2' }), { from: 4 }))).toBe('INVALID_TXN_STATE')
    expect([await committed(), await entries(context.tab)]).toEqual([5, { a: '1' }])
    await commit(6, changes({ a: '3' }), { from: 5 })
    expect([await committed(), await entries(context.tab)]).toEqual([6, { a: '3' }])
  })

  it('is refused again when that upon which it was refused is not written', async () => {
    const { context, commit, committed } = await joined()
    context.storage.hold()
    const first = watch(commit(5, changes({ a: '1' }), { from: 0 }))
    const second = watch(commit(5, changes({ a: '2' }), { from: 0 }))
    await allDone()
    expect([first.outcome, second.outcome]).toEqual([undefined, undefined])
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect([first.outcome, second.outcome]).toEqual(['STORAGE_FULL', 'STORAGE_ERROR'])
    expect(await committed()).toBeUndefined()
  })

  it('on a full disk changes neither, and leaves everybody else alone', async () => {
    const { context, id, commit, committed } = await joined()
    await commit(2, changes({ a: '1' }))
    context.storage.hold()
    const { loads } = context.storage
    const calls = [
      watch(commit(3, changes({ a: '2' }))),
      watch(commit(4, changes({ a: '3' }))),
      watch(write(context.tab, { b: '1' })),
      watch(write(context.tab, {}, ['a'])),
      watch(context.openTab().heartbeat({ groupId: 'other', memberId: 'n' })),
    ]
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(calls.map(({ outcome }) => outcome)).toEqual([
      'STORAGE_FULL',
      'STORAGE_FULL',
      'STORAGE_FULL',
      'ok',
      'ok',
    ])
    expect(context.storage.loads).toBe(loads)
    expect([await committed(), await entries(context.tab)]).toEqual([2, {}])
    await commit(3, changes({ a: '4' }), { from: 2 })
    const again = await context.restart()
    const offsets = again.broker.state.groups.offsetOf(group, id)
    expect([offsets?.offset, await entries(again.tab)]).toEqual([3, { a: '4' }])
  })

  it('on a full disk does not undo what was committed after it', async () => {
    const { context, id, commit, committed } = await joined()
    context.storage.hold()
    const withStore = watch(commit(3, changes({ a: '2' })))
    const plain = watch(
      context.tab.call({
        api: 'commitOffsets',
        groupId: group,
        member,
        offsets: [{ partitionId: id, offset: 7 }],
      }),
    )
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect([withStore.outcome, plain.outcome, await committed()]).toEqual(['STORAGE_FULL', 'ok', 7])
    expect((await context.restart()).broker.state.groups.offsetOf(group, id)?.offset).toBe(7)
  })
})

describe('an acknowledgement with changes of a store', () => {
  const OPTIONS = {
    lockDurationMs: 30_000,
    deliveryCountLimit: 5,
    deadLetterTopic: null,
    isOrderedByKey: false,
    autoOffsetReset: 'earliest',
  } as const
  const queue = 'q' as GroupId
  const worker = 'w' as MemberId

  async function delivered(records = 3, { isOrderedByKey = false } = {}) {
    const context = await BrokerContext.start()
    const { tab } = context
    const [id = 0 as PartitionId] = await context.createTopic('orders')
    const batch = jobBatch(Array.from({ length: records }, () => ({ key: 'k' })))
    await tab.call({ api: 'produce', acks: 1, batches: [{ partitionId: id, batch }] })
    const who = { groupId: queue, memberId: worker }
    const subscription = { topics: ['orders' as never], patterns: [] }
    const options = { ...OPTIONS, isOrderedByKey }
    await tab.call({ api: 'joinShareGroup', ...who, subscription, options, weight: 1 })
    const fetch = (maxRecords: number, maxWaitMs = 0) =>
      tab.call({ api: 'shareFetch', ...who, maxRecords, maxBytes: 1_000, maxWaitMs })
    await fetch(records)
    const accept = (offset: number, more: Partial<Acknowledgement> = {}) => {
      const range = { partitionId: id, firstOffset: offset, lastOffset: offset }
      return { ...range, deliveryCount: 1, type: 'accept' as const, ...more }
    }
    const acknowledge = (...acknowledgements: Acknowledgement[]) =>
      tab.call({ api: 'shareAcknowledge', ...who, acknowledgements })
    return { context, id, accept, acknowledge, fetch }
  }

  it('is one transaction with all that is said beside it', async () => {
    const { context, accept, acknowledge } = await delivered()
    const before = context.storage.commits.length
    await acknowledge(
      accept(0, { store: changes({ a: '1' }) }),
      accept(1),
      accept(2, { store: changes({ b: '1', a: '2' }) }),
    )
    const [seen, ...others] = context.storage.commits.slice(before)
    expect(others).toEqual([])
    expect(seen?.records.map(({ type }) => type)).toEqual([
      'sharePartition',
      'sharePartition',
      'storeEntry',
      'storeEntry',
      'storeEntry',
    ])
    expect(await entries(context.tab)).toEqual({ a: '2', b: '1' })
  })

  it('that is refused changes nothing, and the others of its request do', async () => {
    const { context, accept, acknowledge } = await delivered()
    const { results } = await acknowledge(
      accept(0, { store: changes({ a: '1' }) }),
      accept(1, { store: changes({ b: '1' }), deliveryCount: 2 }),
    )
    expect(results.map(({ error }) => error?.code)).toEqual([undefined, 'INVALID_RECORD_STATE'])
    expect(await entries(context.tab)).toEqual({ a: '1' })
    await acknowledge(accept(0, { store: changes({ a: '2' }) }))
    expect(await entries(context.tab)).toEqual({ a: '1' })
  })

  it('on a full disk changes neither: the messages are the member’s as before', async () => {
    const { context, accept, acknowledge, fetch } = await delivered(5)
    await acknowledge(accept(3))
    context.storage.hold()
    const { loads } = context.storage
    const code = async (one: Acknowledgement) => (await acknowledge(one)).results[0]?.error?.code
    const calls = [
      watch(code(accept(0, { store: changes({ a: '1' }) }))),
      watch(code(accept(1))),
      watch(code(accept(2, { store: changes({ c: '1' }) }))),
    ]
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(calls.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok'])
    const codes = calls.map(({ value }) => value)
    expect(codes).toEqual(['STORAGE_FULL', undefined, 'STORAGE_FULL'])
    expect(context.storage.loads).toBe(loads)
    expect(await entries(context.tab)).toEqual({})
    context.broker.checkInvariants()
    const { results } = await acknowledge(
      accept(0, { type: 'release', delayMs: 0 }),
      accept(2, { type: 'release', delayMs: 0 }),
    )
    expect(results).toEqual([{}, {}])
    const { partitions } = await fetch(10)
    const again = partitions.flatMap(({ acquired }) =>
      acquired.map(({ firstOffset, lastOffset, deliveryCount }) => [
        firstOffset,
        lastOffset,
        deliveryCount,
      ]),
    )
    expect(again).toEqual([
      [0, 0, 2],
      [2, 2, 2],
    ])
    const restarted = await context.restart()
    const description = restarted.broker.state.shares.describe(queue, { nowMs: 0 })
    expect(description.partitions).toMatchObject([{ startOffset: 0, available: 3 }])
  })

  it('on a full disk takes nothing of the others of its request along', async () => {
    const { context, accept, acknowledge } = await delivered(4)
    context.storage.failCommits(FULL)
    const { results } = await acknowledge(
      accept(1),
      accept(0, { store: changes({ a: '1' }) }),
      accept(2, { type: 'release', delayMs: 0 }),
    )
    expect(results.map(({ error }) => error?.code)).toEqual([undefined, 'STORAGE_FULL', undefined])
    const known = (one: BrokerContext) =>
      one.broker.state.shares.describe(queue, { nowMs: one.time.nowMs() }).partitions
    const counters = { accepted: 1, released: 1 }
    expect(known(context)).toMatchObject([{ available: 1, acquired: 2, counters }])
    // On the disk as well.
    const restarted = await context.restart()
    expect(known(restarted)).toMatchObject([{ startOffset: 0, available: 3 }])
    expect(await entries(restarted.tab)).toEqual({})
  })

  it('holds up the next message of its key until it is written, as long as it takes', async () => {
    const { context, accept, acknowledge, fetch } = await delivered(2, { isOrderedByKey: true })
    context.storage.hold()
    const full = watch(acknowledge(accept(0, { store: changes({ a: '1' }) })))
    await allDone()
    const next = watch(fetch(1, 60_000))
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(full.value?.results[0]?.error?.code).toBe('STORAGE_FULL')
    expect(next.outcome).toBeUndefined()
    expect(await entries(context.tab)).toEqual({})
    await acknowledge(accept(0, { store: changes({ a: '2' }) }))
    await allDone()
    expect(next.value?.partitions).toMatchObject([{ acquired: [{ firstOffset: 1 }] }])
    expect(await entries(context.tab)).toEqual({ a: '2' })
    const restarted = await context.restart()
    const description = restarted.broker.state.shares.describe(queue, { nowMs: 0 })
    expect(description.partitions).toMatchObject([{ startOffset: 1, available: 1 }])
  })

  it('that cannot be written comes before the next message of its key, with its member gone', async () => {
    const { context, accept, fetch } = await delivered(2, { isOrderedByKey: true })
    const other = context.openTab()
    const who = { groupId: queue, memberId: 'other' as MemberId }
    const subscription = { topics: ['orders' as never], patterns: [] }
    const options = { ...OPTIONS, isOrderedByKey: true }
    await other.call({ api: 'joinShareGroup', ...who, subscription, options, weight: 1 })
    await context.broker.handle(context.tab.sessionId, {
      api: 'shareAcknowledge',
      groupId: queue,
      memberId: worker,
      acknowledgements: [accept(0, { type: 'release', delayMs: 0 })],
    })
    const wanted = { maxRecords: 1, maxBytes: 1_000 }
    await other.call({ api: 'shareFetch', ...who, ...wanted, maxWaitMs: 0 })
    context.storage.hold()
    const full = watch(
      other.call({
        api: 'shareAcknowledge',
        ...who,
        acknowledgements: [accept(0, { deliveryCount: 2, store: changes({ a: '1' }) })],
      }),
    )
    await allDone()
    const next = watch(fetch(1, 60_000))
    const left = watch(other.leave())
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(full.value?.results[0]?.error?.code).toBe('STORAGE_FULL')
    expect(left.outcome).toBe('ok')
    const range = { firstOffset: 0, lastOffset: 0, deliveryCount: 3 }
    expect(next.value?.partitions).toMatchObject([{ acquired: [range] }])
  })
})

describe('a watch of a store', () => {
  const open = (tab: Tab, { watchId = 'w', prefix = '', store = STORE } = {}) =>
    tab.call({ api: 'storeWatch', watchId, store, prefix })
  const told = (tab: Tab) =>
    tab
      .takePushes('storeChanged')
      .map(({ changes: news, isReset }) => [
        ...news.map(({ key, value }) => [key, value === null ? null : text(value)]),
        ...(isReset ? ['reset'] : []),
      ])

  it('is told what has changed once that is durable, of its prefix alone', async () => {
    const context = await BrokerContext.start()
    const tab = context.openTab()
    await open(tab, { prefix: 'a/' })
    context.storage.hold()
    const put = watch(write(context.tab, { 'a/1': '1', b: '2' }, ['a/2']))
    await allDone()
    expect(told(tab)).toEqual([])
    context.storage.release()
    await allDone()
    expect(put.outcome).toBe('ok')
    expect(told(tab)).toEqual([
      [
        ['a/1', '1'],
        ['a/2', null],
      ],
    ])
    await write(context.tab, { b: '3' })
    await context.tab.call({
      api: 'storeWrite',
      ...changes({ 'a/1': 'x' }),
      store: 't' as StoreName,
    })
    expect(told(tab)).toEqual([])
    await tab.call({ api: 'storeUnwatch', watchId: 'w' })
    await write(context.tab, { 'a/1': '4' })
    expect(told(tab)).toEqual([])
  })

  it('of a slow tab is told the last of each key, and to read anew when it is too much', async () => {
    const limits = { storeWatchChangesMax: 3, storeWatchBytesMax: 20 }
    const context = await BrokerContext.start({ limits })
    let taken = deferred<void>()
    const tab = context.openTab({ push: () => taken.promise })
    const take = async () => {
      const before = taken
      taken = deferred()
      before.resolve()
      await allDone()
    }
    await open(tab)
    await write(context.tab, { a: '1' })
    for (const value of ['2', '3', '4']) await write(context.tab, { a: value, b: value })
    expect(told(tab)).toEqual([[['a', '1']]])
    await take()
    expect(told(tab)).toEqual([
      [
        ['a', '4'],
        ['b', '4'],
      ],
    ])
    await write(context.tab, { a: '5', b: '5', c: '5', d: '5' })
    await write(context.tab, { a: '6' })
    await take()
    expect(told(tab)).toEqual([['reset']])
    await write(context.tab, { a: 'x'.repeat(15), b: 'x'.repeat(15) })
    await take()
    expect(told(tab)).toEqual([['reset']])
    await write(context.tab, { a: 'x'.repeat(50) })
    await take()
    expect(told(tab)).toEqual([[['a', 'x'.repeat(50)]]])
  })

  it('is told to read anew when the store is cleared, and when the state is loaded again', async () => {
    const context = await BrokerContext.start()
    const tab = context.openTab()
    await open(tab)
    await context.tab.call({ api: 'storeClear', store: STORE })
    expect(told(tab)).toEqual([['reset']])
    context.storage.failAnswers(FAILED)
    expect(await outcomeOf(write(context.tab, { a: '1' }))).toBe('STORAGE_ERROR')
    await allDone()
    expect(told(tab)).toEqual([['reset']])
    expect(await entries(context.tab)).toEqual({ a: '1' })
  })

  it('ends with its tab, and a tab has so many at most', async () => {
    const context = await BrokerContext.start({ limits: { sessionStoreWatchesMax: 2 } })
    const tab = context.openTab()
    await open(tab, { watchId: 'a' })
    await open(tab, { watchId: 'b' })
    expect(await outcomeOf(open(tab, { watchId: 'c' }))).toBe('THROTTLING_QUOTA_EXCEEDED')
    expect(await outcomeOf(open(tab, { watchId: 'b' }))).toBe('ok')
    expect(context.broker.storeWatches.size).toBe(2)
    await tab.leave()
    expect(context.broker.storeWatches.size).toBe(0)
    await write(context.tab, { a: '1' })
    expect(told(tab)).toEqual([])
    context.broker.checkInvariants()
  })
})
