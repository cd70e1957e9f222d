import { describe, expect, it } from 'vitest'
import { decideRetention } from '../../../src/broker/log/decide-retention.js'
import { logHead } from '../../../src/broker/log/partition-log.js'
import { parseBatchHeader } from '../../../src/protocol/batch-header.js'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import type { ResponseOf } from '../../../src/protocol/requests/request.js'
import { batchOf, keysOf, offsetsOf } from '../batches.js'
import { BrokerContext, succeeded, type BrokerContextOptions } from '../broker-context.js'
import { allDone } from '../fake-time.js'
import { outcomeOf } from '../outcome.js'

type Answer = ResponseOf<'fetch'>

const BATCH_BYTES = batchOf({ bytes: 100 }).byteLength
const DISK_ONLY = { limits: { tailBytes: 1 } }

interface Waiting<T> {
  /** Undefined as long as it waits. */
  readonly answer: T | undefined
  readonly failure: unknown
}

type Fetching = Waiting<Answer>

function waiting<T>(promise: Promise<T>): Waiting<T> {
  const seen: { answer: T | undefined; failure: unknown } = {
    answer: undefined,
    failure: undefined,
  }
  promise.then(
    (answer) => {
      seen.answer = answer
    },
    (error: unknown) => {
      seen.failure = error
    },
  )
  return seen
}

/** What was fetched, as the keys of the batches by partition. */
function keys({ answer }: Fetching): [PartitionId, (string | undefined)[]][] {
  return (answer?.partitions ?? []).map((each) => [
    each.partitionId,
    keysOf(succeeded(each).batches),
  ])
}

function codes({ answer }: Fetching): (string | undefined)[] {
  return (answer?.partitions ?? []).map(({ error }) => error?.code)
}

async function started(
  partitions = 1,
  options?: BrokerContextOptions,
): Promise<{ context: BrokerContext; ids: readonly PartitionId[]; id: PartitionId }> {
  const context = await BrokerContext.start(options)
  const ids = await context.createTopic('orders', partitions)
  return { context, ids, id: ids[0] as PartitionId }
}

/** Of batches in memory and of batches on the disk the same is to be seen. */
const sources: [string, BrokerContextOptions][] = [
  ['from memory', {}],
  ['from the disk', DISK_ONLY],
]

describe.each(sources)('a fetch %s', (_, options) => {
  it('gets whole batches from the one that contains the offset', async () => {
    const { context, id } = await started(1, options)
    for (const records of [3, 3, 3]) await context.append(id, { records })
    for (const [offset, expected] of [
      [0, [0, 3, 6]],
      [2, [0, 3, 6]],
      [3, [3, 6]],
      [8, [6]],
    ] as const) {
      const seen = await context.tab.read(id, offset)
      expect(offsetsOf(seen?.batches ?? [])).toEqual(expected)
      expect(seen).toMatchObject({ highWatermark: 9, logStartOffset: 0 })
    }
    expect(await context.tab.read(id, 9)).toBeUndefined()
  })

  it('gets what was appended, to the byte, but for its place', async () => {
    const { context, id } = await started(1, options)
    const sent = batchOf({ records: 3, key: 'k', bytes: 10, producer: { id: 5, sequence: 0 } })
    const batches = [{ partitionId: id, batch: sent.slice(0) }]
    await context.tab.call({ api: 'produce', acks: 1, batches })
    const [received] = (await context.tab.read(id, 0))?.batches ?? []
    const bytes = (batch: ArrayBuffer | undefined) => {
      const copy = new Uint8Array(batch ?? new ArrayBuffer(0)).slice()
      return [...copy.fill(0, 8, 32).fill(0, 76, 80)]
    }
    expect(bytes(received)).toEqual(bytes(sent))
  })

  it('takes along what was read for it alone, and nothing that others read as well', async () => {
    const { context, id } = await started(1, options)
    await context.append(id, { key: 'a' })
    const request = { api: 'fetch', fetcherId: 'f', maxBytes: 1e6, minBytes: 1, maxWaitMs: 0 }
    const partitions = [{ partitionId: id, offset: 0, maxBytes: 1e6 }]
    const reply = await context.broker.handle(context.tab.sessionId, { ...request, partitions })
    const { partitions: fetched } = (reply as { value: Answer }).value
    const batches = fetched.flatMap((result) => succeeded(result).batches)
    expect(batches).toHaveLength(1)
    expect(context.broker.transferable(reply)).toEqual(options === DISK_ONLY ? batches : [])
  })

  it('gets at least one batch, even one that is larger than all it asked for', async () => {
    const { context, id } = await started(1, options)
    for (const key of ['a', 'b']) await context.append(id, { key, bytes: 100 })
    const seen = await context.tab.read(id, 0, { maxBytes: 1 })
    expect(keysOf(seen?.batches ?? [])).toEqual(['a'])
  })

  it('gets no more of a partition than it asked for', async () => {
    const { context, id } = await started(1, options)
    for (let batch = 0; batch < 5; batch++) await context.append(id, { bytes: 100 })
    for (const [maxBytes, count] of [
      [3 * BATCH_BYTES, 3],
      [3 * BATCH_BYTES - 1, 2],
    ] as const) {
      const partitions = [{ partitionId: id, offset: 0, maxBytes }]
      const fetched = waiting(context.tab.fetch(partitions, { maxWaitMs: 0 }))
      await allDone()
      expect(keys(fetched)[0]?.[1]).toHaveLength(count)
    }
  })

  it('gets no more of all partitions than it asked for, but for what makes it go on', async () => {
    const { context, ids } = await started(3, options)
    for (const id of ids) for (let b = 0; b < 3; b++) await context.append(id, { bytes: 100 })
    const partitions = ids.map((partitionId) => ({ partitionId, offset: 0 }))
    const fetched = waiting(context.tab.fetch(partitions, { maxBytes: 4 * BATCH_BYTES }))
    await allDone()
    const batches = keys(fetched).flatMap(([, found]) => found)
    expect(batches.length).toBeGreaterThanOrEqual(3)
    expect(batches.length).toBeLessThanOrEqual(6)
  })

  it('gets every partition, whatever fails at another', async () => {
    const { context, ids } = await started(2, options)
    const [first = 0 as PartitionId, second = 0 as PartitionId] = ids
    await context.append(second, { key: 'there' })
    const partitions = [
      { partitionId: first, offset: 1 },
      { partitionId: 99 as PartitionId, offset: 0 },
      { partitionId: second, offset: 0 },
    ]
    const fetched = waiting(context.tab.fetch(partitions))
    await allDone()
    const found = new Map(fetched.answer?.partitions.map((each) => [each.partitionId, each]))
    expect(found.get(first)?.error?.code).toBe('OFFSET_OUT_OF_RANGE')
    expect(found.get(99 as PartitionId)?.error?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(keysOf(succeeded(found.get(second)).batches)).toEqual(['there'])
  })

  it('gets nothing that is written but not yet known to be', async () => {
    const { context, id } = await started(1, options)
    await context.append(id, { key: 'known' })
    context.storage.holdAnswers()
    const appended = context.append(id, { key: 'written' })
    await allDone()
    expect(context.database.batches.get(id)).toHaveLength(2)
    const seen = await context.tab.read(id, 0)
    expect(keysOf(seen?.batches ?? [])).toEqual(['known'])
    expect(await context.tab.read(id, 1)).toBeUndefined()
    context.storage.release()
    await appended
    expect(keysOf((await context.tab.read(id, 0))?.batches ?? [])).toEqual(['known', 'written'])
  })

  it('is out of range before the log start and beyond the log end', async () => {
    const { context, id } = await started(1, options)
    await context.append(id, { records: 10 })
    const partitions = [{ partitionId: id, beforeOffset: 4 }]
    await context.tab.call({ api: 'deleteRecords', partitions })
    const code = (offset: number) => outcomeOf(context.tab.read(id, offset))
    for (const offset of [0, 3, 11]) expect(await code(offset)).toBe('OFFSET_OUT_OF_RANGE')
    for (const offset of [4, 9, 10]) expect(await code(offset)).toBe('ok')
  })

  it('is out of range when that is durable: who goes on from elsewhere would skip what stays', async () => {
    const { context, id } = await started(1, options)
    await context.append(id, { key: 'stays' })
    context.storage.hold()
    const partitions = [{ partitionId: id, beforeOffset: 1 }]
    const deleted = outcomeOf(context.tab.call({ api: 'deleteRecords', partitions }))
    await allDone()
    const fetched = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }]))
    await allDone()
    expect(fetched).toEqual({ answer: undefined, failure: undefined })
    context.storage.failCommits(new TabmqError('STORAGE_ERROR', 'a test'))
    context.storage.release()
    expect(await deleted).toBe('STORAGE_ERROR')
    await allDone()
    expect(fetched.failure).toMatchObject({ code: 'STORAGE_ERROR', retriable: true })
    expect(keysOf((await context.tab.read(id, 0))?.batches ?? [])).toEqual(['stays'])
  })

  it('finds no partition when its deletion is durable: who stops would miss what stays', async () => {
    const { context, id } = await started(1, options)
    await context.append(id, { key: 'stays' })
    context.storage.hold()
    const deleted = outcomeOf(context.deleteTopic('orders'))
    await allDone()
    const fetched = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }]))
    const partitions = [{ partitionId: id, at: 'latest' as const }]
    const listed = waiting(context.tab.call({ api: 'listOffsets', partitions }))
    await allDone()
    for (const { answer, failure } of [fetched, listed]) expect(answer ?? failure).toBeUndefined()
    context.storage.failCommits(new TabmqError('STORAGE_ERROR', 'a test'))
    context.storage.release()
    expect(await deleted).toBe('STORAGE_ERROR')
    await allDone()
    for (const { failure } of [fetched, listed]) {
      expect(failure).toMatchObject({ code: 'STORAGE_ERROR', retriable: true })
    }
    expect(keysOf((await context.tab.read(id, 0))?.batches ?? [])).toEqual(['stays'])
  })
})

describe('a fetch that finds nothing', () => {
  it('waits, and is answered by an append', async () => {
    const { context, ids } = await started(2)
    const partitions = ids.map((partitionId) => ({ partitionId, offset: 0 }))
    const fetch = waiting(context.tab.fetch(partitions))
    await allDone()
    expect(fetch.answer).toBeUndefined()
    await context.append(ids[1] as PartitionId, { key: 'new' })
    await allDone()
    expect(keys(fetch)).toEqual([[ids[1], ['new']]])
  })

  it('is answered before the send it waited for, and the commit that is written along', async () => {
    const { context, id } = await started()
    const { tab, broker } = context
    const limits = { maxBytes: 1_000_000, minBytes: 1, maxWaitMs: 1_000 }
    const partitions = [{ partitionId: id, offset: 0, maxBytes: 1_000_000 }]
    const offsets = [{ partitionId: id, offset: 0 }]
    const batches = [{ partitionId: id, batch: batchOf() }]
    const requests = [
      { api: 'fetch', fetcherId: 'fetcher', partitions, ...limits },
      { api: 'commitOffsets', groupId: 'idle', offsets, mayLinger: true },
      { api: 'produce', acks: 1, batches },
    ]
    const answered: string[] = []
    const asked = requests.map(async (request) => {
      const { ok } = await broker.handle(tab.sessionId, request)
      answered.push(`${request.api} ${ok ? 'done' : 'refused'}`)
    })
    await Promise.all(asked)
    expect(answered).toEqual(['fetch done', 'commitOffsets done', 'produce done'])
  })

  it('looks when there can be enough, and never otherwise', async () => {
    const { context, ids } = await started(2, DISK_ONLY)
    const [id = 0 as PartitionId, other = 0 as PartitionId] = ids
    await context.append(id, { bytes: 100 })
    const minBytes = 4 * BATCH_BYTES
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }], { minBytes }))
    await allDone()
    const looks = context.storage.reads.length
    for (const appendedTo of [other, id, other, id]) {
      await context.append(appendedTo, { bytes: 100 })
      await allDone()
    }
    await context.time.advance(999)
    expect(context.storage.reads.length).toBe(looks)
    await context.append(id, { bytes: 100 })
    await allDone()
    expect(context.storage.reads.length).toBe(looks + 1)
    expect(keys(fetch)[0]?.[1]).toHaveLength(4)
  })

  it('looks again when what came was beyond what it may get of that partition', async () => {
    const { context, ids } = await started(2, DISK_ONLY)
    const [busy = 0 as PartitionId, quiet = 0 as PartitionId] = ids
    const partitions = ids.map((partitionId) => ({ partitionId, offset: 0, maxBytes: BATCH_BYTES }))
    const fetch = waiting(context.tab.fetch(partitions, { minBytes: 2 * BATCH_BYTES }))
    for (let batch = 0; batch < 4; batch++) await context.append(busy, { bytes: 100 })
    await allDone()
    expect(fetch.answer).toBeUndefined()
    await context.append(quiet, { bytes: 100 })
    await allDone()
    expect(keys(fetch).map(([, found]) => found.length)).toEqual([1, 1])
  })

  it('is answered with nothing when its time is up', async () => {
    const { context, id } = await started()
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }]))
    await context.time.advance(999)
    expect(fetch.answer).toBeUndefined()
    await context.time.advance(1)
    expect(fetch.answer).toEqual({ partitions: [] })
    expect(context.broker.purgatory.size).toBe(0)
  })

  it('is answered at once when it may not wait', async () => {
    const { context, id } = await started()
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }], { maxWaitMs: 0 }))
    await allDone()
    expect(fetch.answer).toEqual({ partitions: [] })
  })

  it('waits for as many bytes as it wants, in all partitions together', async () => {
    const { context, ids } = await started(2)
    const partitions = ids.map((partitionId) => ({ partitionId, offset: 0 }))
    const minBytes = 2 * BATCH_BYTES
    const fetch = waiting(context.tab.fetch(partitions, { minBytes }))
    await context.append(ids[0] as PartitionId, { bytes: 100 })
    await allDone()
    expect(fetch.answer).toBeUndefined()
    await context.append(ids[1] as PartitionId, { bytes: 100 })
    await allDone()
    expect(keys(fetch)).toHaveLength(2)
  })

  it('gets what there is when its time is up before there are as many bytes', async () => {
    const { context, id } = await started()
    await context.append(id, { key: 'a' })
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }], { minBytes: 10_000 }))
    await context.time.advance(1_000)
    expect(keys(fetch)).toEqual([[id, ['a']]])
  })

  it('does not wait for more bytes than it may get', async () => {
    const { context, id } = await started()
    for (const key of ['a', 'b']) await context.append(id, { key, bytes: 100 })
    const options = { maxBytes: 100, minBytes: 10_000 }
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }], options))
    await allDone()
    expect(keys(fetch)).toEqual([[id, ['a']]])
  })

  it('is answered when a newer one of the same fetcher comes', async () => {
    const { context, id } = await started()
    const other = context.openTab()
    const partitions = [{ partitionId: id, offset: 0 }]
    const older = waiting(context.tab.fetch(partitions, { fetcherId: 'one' }))
    const apart = [
      waiting(context.tab.fetch(partitions, { fetcherId: 'two' })),
      waiting(other.fetch(partitions, { fetcherId: 'one' })),
    ]
    const newer = waiting(context.tab.fetch(partitions, { fetcherId: 'one' }))
    await allDone()
    expect(older.answer).toEqual({ partitions: [] })
    expect([...apart, newer].map(({ answer }) => answer)).toEqual(Array(3).fill(undefined))
    await context.append(id, { key: 'a' })
    await allDone()
    for (const fetch of [...apart, newer]) expect(keys(fetch)).toEqual([[id, ['a']]])
  })

  it('is answered when its tab is gone, and no other tab’s', async () => {
    const { context, id } = await started()
    const tab = context.openTab()
    const partitions = [{ partitionId: id, offset: 0 }]
    const [gone, stays] = [waiting(tab.fetch(partitions)), waiting(context.tab.fetch(partitions))]
    await tab.leave()
    await allDone()
    expect([gone.answer, stays.answer]).toEqual([{ partitions: [] }, undefined])
    expect(context.broker.purgatory.size).toBe(1)
  })

  it('hears that the topic is deleted', async () => {
    const { context, id } = await started()
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }]))
    await context.deleteTopic('orders')
    await allDone()
    expect(codes(fetch)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
  })

  it('hears that the log starts later than where it waits', async () => {
    const { context, id } = await started(1, DISK_ONLY)
    await context.append(id)
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }], { minBytes: 10_000 }))
    await context.tab.call({
      api: 'deleteRecords',
      partitions: [{ partitionId: id, beforeOffset: 1 }],
    })
    await allDone()
    expect(codes(fetch)).toEqual(['OFFSET_OUT_OF_RANGE'])
  })

  it('leaves no timer behind, however it was answered', async () => {
    const { context, id } = await started()
    const before = context.time.pending
    const partitions = [{ partitionId: id, offset: 0 }]
    const tab = context.openTab()
    for (const fetcherId of ['a', 'a', 'b']) waiting(tab.fetch(partitions, { fetcherId }))
    await allDone()
    expect(context.time.pending).toBe(before + 2)
    await tab.leave()
    expect(context.time.pending).toBe(before)
    waiting(context.tab.fetch(partitions))
    await context.append(id)
    await allDone()
    expect(context.time.pending).toBe(before)
  })
})

describe('a fetch that is reading', () => {
  it('looks again when messages came meanwhile', async () => {
    const { context, ids } = await started(2, DISK_ONLY)
    const [old = 0 as PartitionId, busy = 0 as PartitionId] = ids
    await context.append(old, { key: 'old', bytes: 100 })
    context.storage.holdReads()
    const partitions = ids.map((partitionId) => ({ partitionId, offset: 0 }))
    const fetch = waiting(context.tab.fetch(partitions, { minBytes: 2 * BATCH_BYTES }))
    await allDone()
    await context.append(busy, { key: 'new', bytes: 100 })
    context.storage.releaseReads()
    await allDone()
    expect(new Map(keys(fetch))).toEqual(
      new Map([
        [old, ['old']],
        [busy, ['new']],
      ]),
    )
  })

  it('is answered with what it reads when its time is up meanwhile', async () => {
    const { context, id } = await started(1, DISK_ONLY)
    await context.append(id, { key: 'a' })
    context.storage.holdReads()
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }], { minBytes: 10_000 }))
    await context.time.advance(1_000)
    expect(fetch.answer).toBeUndefined()
    context.storage.releaseReads()
    await allDone()
    expect(keys(fetch)).toEqual([[id, ['a']]])
  })

  it('is out of range when retention took the offset meanwhile', async () => {
    const { context, id } = await started(1, DISK_ONLY)
    for (let batch = 0; batch < 3; batch++) await context.append(id)
    context.storage.holdReads()
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }]))
    await allDone()
    const { log, oldest } = await stored(context, id)
    const config = { retentionMs: null, retentionBytes: 0, maxMessageBytes: 1, dedupWindowMs: null }
    await context.broker.apply(decideRetention(log, oldest, { config, nowMs: 0 }))
    context.storage.releaseReads()
    await allDone()
    expect(codes(fetch)).toEqual(['OFFSET_OUT_OF_RANGE'])
  })

  it('says nothing of a state that was dropped while it read', async () => {
    const { context, ids } = await started(2, DISK_ONLY)
    const [first = 0 as PartitionId, second = 0 as PartitionId] = ids
    await context.append(first, { key: 'stays' })
    await context.append(second, { key: 'read' })
    context.storage.hold()
    const partitions = [{ partitionId: first, beforeOffset: 1 }]
    const deleted = outcomeOf(context.tab.call({ api: 'deleteRecords', partitions }))
    context.storage.holdReads()
    const fetched = waiting(
      context.tab.fetch(ids.map((partitionId) => ({ partitionId, offset: 0 }))),
    )
    await allDone()
    context.storage.failCommits(new TabmqError('STORAGE_ERROR', 'a test'))
    context.storage.release()
    expect(await deleted).toBe('STORAGE_ERROR')
    await allDone()
    expect(fetched).toEqual({ answer: undefined, failure: undefined })
    context.storage.releaseReads()
    await allDone()
    expect(keys(fetched)).toEqual([
      [first, ['stays']],
      [second, ['read']],
    ])
  })

  it('hears that the topic was deleted meanwhile', async () => {
    const { context, id } = await started(1, DISK_ONLY)
    await context.append(id)
    context.storage.holdReads()
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }]))
    await allDone()
    await context.deleteTopic('orders')
    context.storage.releaseReads()
    await allDone()
    expect(codes(fetch)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
  })

  it('says so when a batch is missing that should be there', async () => {
    const { context, id } = await started(1, DISK_ONLY)
    await context.append(id)
    context.database.batches.clear()
    const fetch = waiting(context.tab.fetch([{ partitionId: id, offset: 0 }]))
    await allDone()
    expect(codes(fetch)).toEqual(['CORRUPT_MESSAGE'])
  })

  it('reads no more partitions than it can take something of', async () => {
    const { context, ids } = await started(40, DISK_ONLY)
    for (const id of ids) await context.append(id, { bytes: 100 })
    const partitions = ids.map((partitionId) => ({ partitionId, offset: 0 }))
    const fetch = waiting(context.tab.fetch(partitions, { maxBytes: BATCH_BYTES }))
    await allDone()
    expect(keys(fetch)).toHaveLength(16)
    expect(context.storage.reads).toHaveLength(16)
  })

  it('reads many partitions, some of them in memory', async () => {
    const { context, ids } = await started(40, { limits: { tailBytes: 10 * BATCH_BYTES } })
    for (const id of ids) await context.append(id, { key: `${id}`, bytes: 100 })
    const partitions = ids.map((partitionId) => ({ partitionId, offset: 0 }))
    const fetch = waiting(context.tab.fetch(partitions))
    await allDone()
    const found = keys(fetch).sort(([a], [b]) => a - b)
    expect(found).toEqual(ids.map((id) => [id, [`${id}`]]))
  })
})

/** What the disk holds of a partition, and the log as the broker has it. */
async function stored(context: BrokerContext, partitionId: PartitionId) {
  const log = context.broker.state.logs.findOrThrow(partitionId)
  const batches = context.database.batches.get(partitionId) ?? []
  return { log, oldest: batches.map(({ batch }) => logHead(parseBatchHeader(batch))) }
}
