/** Messages that a topic knows by their ids: what is stored, what is answered, and when. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REPEATS_REMEMBERED_MAX } from '../../../src/protocol/limits.js'
import { fromWireError, TabmqError } from '../../../src/protocol/errors.js'
import type { PartitionId, ProducerId, TopicName } from '../../../src/protocol/names.js'
import type { ClusterState } from '../../../src/protocol/requests/cluster.js'
import type { Acks } from '../../../src/protocol/requests/log.js'
import type { TopicConfig } from '../../../src/protocol/requests/topics.js'
import { batchOf, deliveredOf, type BatchParts } from '../batches.js'
import { BrokerContext, type BrokerContextOptions } from '../broker-context.js'
import { allDone } from '../fake-time.js'
import { watch } from '../outcome.js'

const FULL = new TabmqError('STORAGE_FULL', 'the disk is full')
const FAILED = new TabmqError('STORAGE_ERROR', 'the disk failed')
const WINDOW_MS = 60_000

class Dedup {
  context: BrokerContext
  partitionIds: readonly PartitionId[] = []

  constructor(context: BrokerContext) {
    this.context = context
  }

  static async start(
    numPartitions = 1,
    config: Partial<TopicConfig> = {},
    options: BrokerContextOptions = {},
  ): Promise<Dedup> {
    const dedup = new Dedup(await BrokerContext.start(options))
    const all = { dedupWindowMs: WINDOW_MS, ...config }
    dedup.partitionIds = await dedup.context.createTopic('orders', numPartitions, all)
    return dedup
  }

  id(partition = 0): PartitionId {
    return this.partitionIds[partition] ?? (0 as PartitionId)
  }

  /** What is answered of one batch, with originals as `partition@offset` by index. */
  async send(parts: BatchParts, options: { partition?: number; acks?: Acks } = {}) {
    const { partition = 0, acks = 1 } = options
    const [result] = await this.sendAll([[partition, parts]], acks)
    return result
  }

  async sendAll(batches: readonly (readonly [number, BatchParts])[], acks: Acks = 1) {
    const { results } = await this.context.tab.call({
      api: 'produce',
      acks,
      batches: batches.map(([partition, parts]) => ({
        partitionId: this.id(partition),
        batch: batchOf(parts),
      })),
    })
    return results.map((result) => {
      if (result.error !== undefined) throw fromWireError(result.error)
      const { baseOffset, duplicate, isAppended = true, repeats } = result
      const { indexes = [], partitions = [], offsets = [] } = repeats ?? {}
      const told = [...indexes].map((index, at) => [index, `${partitions[at]}@${offsets[at]}`])
      return { baseOffset, duplicate, isAppended, repeats: Object.fromEntries(told) as object }
    })
  }

  async delivered(partition = 0) {
    const read = await this.context.tab.read(this.id(partition), 0)
    return deliveredOf(read?.batches ?? [])
  }

  async restart(): Promise<void> {
    this.context = await this.context.restart()
  }

  async configure(config: Partial<TopicConfig>): Promise<void> {
    await this.context.tab.call({ api: 'alterConfigs', topic: 'orders' as TopicName, config })
  }

  async deduplicated(): Promise<number | undefined> {
    const state: ClusterState = await this.context.tab.call({
      api: 'watch',
      watchId: 'w',
      intervalMs: 100,
    })
    return state.topics[0]?.deduplicated
  }
}

const NEW = { duplicate: false, isAppended: true, repeats: {} }

describe('a message id that is known', () => {
  it('is not stored again, in any partition, and the answer says where the first one is', async () => {
    const dedup = await Dedup.start(2)
    await dedup.send({ ids: ['a', 'b'] })
    for (const partition of [0, 1]) {
      const again = await dedup.send({ ids: ['b'] }, { partition })
      expect(again).toEqual({
        baseOffset: 1,
        duplicate: false,
        isAppended: false,
        repeats: { 0: '0@1' },
      })
    }
    expect(await dedup.delivered(0)).toEqual([
      [0, 'a'],
      [1, 'b'],
    ])
    expect(await dedup.delivered(1)).toEqual([])
    expect(await dedup.deduplicated()).toBe(2)
  })

  it('is void among others that are new', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a', 'b'] })
    const sent = await dedup.send({ ids: ['b', 'c', null, 'a', 'd'] })
    expect(sent).toEqual({ ...NEW, baseOffset: 2, repeats: { 0: '0@1', 3: '0@0' } })
    expect((await dedup.delivered()).slice(2)).toEqual([
      [3, 'c'],
      [4, undefined],
      [6, 'd'],
    ])
    expect(dedup.context.watermark(dedup.id())).toBe(7)
  })

  it('counts within a batch, and between batches of one request', async () => {
    const dedup = await Dedup.start(2)
    expect(await dedup.send({ ids: ['a', 'a', 'b', 'a'] })).toEqual({
      ...NEW,
      baseOffset: 0,
      repeats: { 1: '0@0', 3: '0@0' },
    })
    const both = await dedup.sendAll([
      [1, { ids: ['c', 'b'] }],
      [0, { ids: ['c'] }],
    ])
    expect(both).toEqual([
      { ...NEW, baseOffset: 0, repeats: { 1: '0@2' } },
      { baseOffset: 0, duplicate: false, isAppended: false, repeats: { 0: '1@0' } },
    ])
  })

  it('is nobody’s business without a window, nor in another topic', async () => {
    const dedup = await Dedup.start(1, { dedupWindowMs: null })
    const [other = 0 as PartitionId] = await dedup.context.createTopic('refunds', 1, {
      dedupWindowMs: WINDOW_MS,
    })
    for (const baseOffset of [0, 1]) {
      expect(await dedup.send({ ids: ['a'] })).toEqual({ ...NEW, baseOffset })
    }
    expect(await dedup.context.append(other, { ids: ['a'] })).toMatchObject({ baseOffset: 0 })
    expect(await dedup.deduplicated()).toBe(0)
  })

  it('is forgotten when the window is over', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    await dedup.context.time.advance(WINDOW_MS - 1_000)
    expect(await dedup.send({ ids: ['a'] })).toMatchObject({ isAppended: false })
    await dedup.context.time.advance(2_000)
    expect(await dedup.send({ ids: ['a'] })).toEqual({ ...NEW, baseOffset: 1 })
    expect(await dedup.send({ ids: ['a'] })).toMatchObject({ baseOffset: 1, isAppended: false })
  })

  it('is still known when retention or an administrator has dropped the message', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    const partitions = [{ partitionId: dedup.id(), beforeOffset: 1 }]
    await dedup.context.tab.call({ api: 'deleteRecords', partitions })
    expect(await dedup.send({ ids: ['a'] })).toMatchObject({ baseOffset: 0, isAppended: false })
  })

  it('goes with its topic', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    await dedup.context.deleteTopic('orders')
    dedup.partitionIds = await dedup.context.createTopic('orders', 1, { dedupWindowMs: WINDOW_MS })
    expect(await dedup.send({ ids: ['a'] })).toEqual({ ...NEW, baseOffset: 0 })
  })

  it('does not fail the others when an index cannot be read', async () => {
    const dedup = await Dedup.start(2)
    const corrupt = batchOf({ ids: ['a'] })
    new Uint8Array(corrupt)[89] = 0xff
    const { results } = await dedup.context.tab.call({
      api: 'produce',
      acks: 1,
      batches: [
        { partitionId: dedup.id(0), batch: corrupt },
        { partitionId: dedup.id(1), batch: batchOf({ ids: ['a'] }) },
      ],
    })
    expect(results).toMatchObject([{ error: { code: 'CORRUPT_MESSAGE' } }, { baseOffset: 0 }])
  })
})

describe('an idempotent producer', () => {
  const from = (sequence: number, ids: readonly string[]) => ({
    ids,
    producer: { id: 7, sequence },
  })

  it('goes on behind a batch of repeats alone, which is answered alike when it comes again', async () => {
    const dedup = await Dedup.start(2)
    await dedup.send({ ids: ['x', 'a', 'b'] })
    const first = await dedup.send(from(0, ['b', 'a']), { partition: 1 })
    expect(first).toEqual({
      baseOffset: 2,
      duplicate: false,
      isAppended: false,
      repeats: { 0: '0@2', 1: '0@1' },
    })
    expect(await dedup.send(from(2, ['c']), { partition: 1 })).toEqual({ ...NEW, baseOffset: 0 })
    for (const restarts of [false, true]) {
      if (restarts) await dedup.restart()
      const again = await dedup.send(from(0, ['b', 'a']), { partition: 1 })
      expect(again).toEqual({ ...first, duplicate: true })
    }
    expect(await dedup.delivered(1)).toEqual([[0, 'c']])
    // A repeat by its number is none by its id.
    expect(await dedup.deduplicated()).toBe(0)
  })

  it('hears of a batch in which some were repeats the same again', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    const first = await dedup.send(from(0, ['n', 'a', 'n', 'm']))
    expect(first).toEqual({ ...NEW, baseOffset: 1, repeats: { 1: '0@0', 2: '0@1' } })
    for (const restarts of [false, true]) {
      if (restarts) await dedup.restart()
      const again = await dedup.send(from(0, ['n', 'a', 'n', 'm']))
      expect(again).toEqual({ ...first, duplicate: true })
    }
    expect((await dedup.delivered()).map(([, id]) => id)).toEqual(['a', 'n', 'm'])
  })

  it('hears of more repeats than its row has, as long as they are known', async () => {
    const dedup = await Dedup.start()
    const ids = Array.from({ length: REPEATS_REMEMBERED_MAX + 5 }, (_, at) => `${at}`)
    await dedup.send({ ids })
    for (const [sequence, sent] of [
      [0, ids],
      [ids.length, [...ids, 'new']],
    ] as const) {
      const first = await dedup.send(from(sequence, sent))
      expect(Object.keys(first?.repeats ?? {})).toHaveLength(ids.length)
      expect(await dedup.send(from(sequence, sent))).toEqual({ ...first, duplicate: true })
    }
    const row = dedup.context.broker.state.logs.find(dedup.id())?.producer(7 as ProducerId)
    expect(row?.batches.map(({ repeats }) => repeats?.indexes.length)).toEqual(
      Array(2).fill(REPEATS_REMEMBERED_MAX),
    )
  })

  it('hears of repeats also when the first message was deleted and the broker has started anew', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    const first = await dedup.send(from(0, ['b', 'a']))
    const partitions = [{ partitionId: dedup.id(), beforeOffset: 1 }]
    await dedup.context.tab.call({ api: 'deleteRecords', partitions })
    await dedup.restart()
    expect(await dedup.send(from(0, ['b', 'a']))).toEqual({ ...first, duplicate: true })
  })

  it('hears that none of a batch was stored also when the ids are forgotten', async () => {
    const dedup = await Dedup.start(2)
    await dedup.send({ ids: ['a', 'b'] })
    await dedup.send(from(0, ['b', 'a']), { partition: 1 })
    await dedup.context.time.advance(WINDOW_MS + 1_000)
    expect(await dedup.send(from(0, ['b', 'a']), { partition: 1 })).toEqual({
      baseOffset: 1,
      duplicate: true,
      isAppended: false,
      repeats: { 0: '0@1', 1: '0@0' },
    })
    await dedup.configure({ dedupWindowMs: null })
    expect(await dedup.send(from(0, ['b', 'a']), { partition: 1 })).toMatchObject({
      isAppended: false,
    })
  })
})

describe('an original that is not durable yet', () => {
  it.each([1, 0, -1] as const)('keeps the answer to its repeat waiting (acks %i)', async (acks) => {
    const dedup = await Dedup.start(2)
    // So that the ids are known.
    await dedup.send({})
    dedup.context.storage.hold()
    const original = watch(dedup.send({ ids: ['a'] }))
    await allDone()
    const repeat = watch(dedup.send({ ids: ['a'] }, { partition: 1, acks }))
    await allDone()
    expect([original.outcome, repeat.outcome]).toEqual([undefined, undefined])
    dedup.context.storage.release()
    await allDone()
    expect(repeat.value).toMatchObject({ baseOffset: 1, isAppended: false })
  })

  it('that finds no space is none: its repeat fails with it, and both can come again', async () => {
    const dedup = await Dedup.start()
    await dedup.send({})
    dedup.context.storage.hold()
    const producer = { id: 7, sequence: 0 }
    const sends = [
      watch(dedup.send({ ids: ['a'] })),
      watch(dedup.send({ ids: ['a'], producer })),
      watch(dedup.send({ ids: ['a', 'b'] })),
    ]
    await allDone()
    dedup.context.storage.failCommits(FULL)
    dedup.context.storage.release()
    await allDone()
    expect(sends.map(({ outcome }) => outcome)).toEqual(Array(3).fill('STORAGE_FULL'))
    dedup.context.broker.checkInvariants()
    expect(await dedup.send({ ids: ['a'], producer })).toEqual({ ...NEW, baseOffset: 1 })
    expect(await dedup.send({ ids: ['a'] })).toMatchObject({ baseOffset: 1, isAppended: false })
    expect((await dedup.delivered()).slice(1)).toEqual([[1, 'a']])
  })

  it('of which nothing is stored is answered again when its producer’s row is on the disk', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    dedup.context.storage.hold()
    const producer = { id: 7, sequence: 0 }
    const first = watch(dedup.send({ ids: ['a'], producer }))
    const again = watch(dedup.send({ ids: ['a'], producer }))
    await allDone()
    expect([first.outcome, again.outcome]).toEqual([undefined, undefined])
    dedup.context.storage.failCommits(FULL)
    dedup.context.storage.release()
    await allDone()
    expect([first.outcome, again.outcome]).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
  })

  it('takes along what its producer has sent behind it, though nothing of that was stored', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    dedup.context.storage.hold()
    const first = { ids: ['b'], producer: { id: 7, sequence: 0 } }
    const second = { ids: ['a'], producer: { id: 7, sequence: 1 } }
    const sends = [watch(dedup.send(first)), watch(dedup.send(second))]
    await allDone()
    dedup.context.storage.failCommits(FULL)
    dedup.context.storage.release()
    await allDone()
    expect(sends.map(({ outcome }) => outcome)).toEqual(['STORAGE_FULL', 'STORAGE_FULL'])
    expect(await dedup.send(first)).toEqual({ ...NEW, baseOffset: 1 })
    expect(await dedup.send(second)).toMatchObject({ duplicate: false, isAppended: false })
  })

  it('that fails is not remembered', async () => {
    const dedup = await Dedup.start()
    await dedup.send({})
    dedup.context.storage.failCommits(FAILED)
    const failed = watch(dedup.send({ ids: ['a'] }))
    await allDone()
    expect(failed.outcome).toBe('STORAGE_ERROR')
    expect(await dedup.send({ ids: ['a'] })).toEqual({ ...NEW, baseOffset: 1 })
  })
})

describe('after a start', () => {
  it('ids are known again, with those of the window alone read from the disk', async () => {
    const dedup = await Dedup.start(3)
    for (let at = 0; at < 40; at++) {
      await dedup.send({ ids: [`old-${at}`] })
      await dedup.context.time.advance(3_000)
    }
    await dedup.send({ ids: ['new', 'new'] }, { partition: 2 })
    await dedup.restart()
    const { reads } = dedup.context.storage
    const before = reads.length
    expect(await dedup.send({ ids: ['new'] })).toMatchObject({ baseOffset: 0, isAppended: false })
    expect(reads.length - before).toBeLessThan(25)
    expect(await dedup.send({ ids: ['old-39'] })).toMatchObject({ baseOffset: 39 })
    expect(await dedup.send({ ids: ['old-0'] })).toMatchObject({ baseOffset: 40, isAppended: true })
    expect(reads.some(({ partitionId }) => partitionId === dedup.id(1))).toBe(false)
  })

  it('what is sent to the topic waits for the ids, in order, and nothing else does', async () => {
    const dedup = await Dedup.start(2)
    const [other = 0 as PartitionId] = await dedup.context.createTopic('refunds')
    await dedup.send({ ids: ['a'] })
    await dedup.restart()
    const { tab, storage } = dedup.context
    storage.holdReads()
    const sends = [0, 1, 2].map((sequence) =>
      watch(
        dedup.send({ ids: [sequence === 1 ? 'a' : `${sequence}`], producer: { id: 7, sequence } }),
      ),
    )
    const mixed = watch(
      tab.call({
        api: 'produce',
        acks: 0,
        batches: [
          { partitionId: dedup.id(1), batch: batchOf({ ids: ['a'] }) },
          { partitionId: other, batch: batchOf({ ids: ['a'] }) },
        ],
      }),
    )
    await allDone()
    expect(dedup.context.watermark(other)).toBe(1)
    expect(await tab.append(other)).toMatchObject({ baseOffset: 1 })
    expect([...sends, mixed].map(({ outcome }) => outcome)).toEqual(Array(4).fill(undefined))
    storage.releaseReads()
    await allDone()
    const last = watch(dedup.send({ ids: ['3'], producer: { id: 7, sequence: 3 } }))
    await allDone()
    expect(sends.map(({ value }) => value)).toMatchObject([
      { baseOffset: 1, isAppended: true },
      { baseOffset: 0, isAppended: false },
      { baseOffset: 2, isAppended: true },
    ])
    expect(last.value).toMatchObject({ baseOffset: 3 })
    expect(mixed.value).toMatchObject({
      results: [
        { partitionId: dedup.id(1), isAppended: false },
        { partitionId: other, baseOffset: 0 },
      ],
    })
  })

  it('a read that fails is told, and the next send tries again', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    await dedup.restart()
    const { storage } = dedup.context
    const read = storage.readBatches.bind(storage)
    storage.readBatches = () => Promise.reject(FAILED)
    const failed = watch(dedup.send({ ids: ['a'] }))
    await allDone()
    expect(failed.outcome).toBe('STORAGE_ERROR')
    storage.readBatches = read
    expect(await dedup.send({ ids: ['a'] })).toMatchObject({ isAppended: false })
  })

  it('a read that fails is told to all who wait for it: none comes before another', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    await dedup.restart()
    const { storage } = dedup.context
    const read = storage.readBatches.bind(storage)
    storage.readBatches = async () => {
      storage.readBatches = read
      throw FAILED
    }
    const sends = ['b', 'c', 'd'].map((id) => watch(dedup.send({ ids: [id] })))
    await allDone()
    expect(sends.map(({ outcome }) => outcome)).toEqual(Array(3).fill('STORAGE_ERROR'))
    expect(await dedup.send({ ids: ['b'] })).toEqual({ ...NEW, baseOffset: 1 })
  })

  it('what a tab sent again and still waits is no new message when the tab is gone', async () => {
    const dedup = await Dedup.start()
    const [other = 0 as PartitionId] = await dedup.context.createTopic('refunds')
    const producer = { id: 7, sequence: 0 }
    await dedup.send({ producer })
    await dedup.restart()
    const { tab, storage } = dedup.context
    await tab.append(other, { producer })
    storage.holdReads()
    void dedup.send({ producer })
    const following = { records: 2, producer: { id: 7, sequence: 1 } }
    void dedup.send(following)
    await allDone()
    void tab.leave()
    await allDone()
    storage.releaseReads()
    await allDone()
    expect(dedup.context.watermark(dedup.id())).toBe(3)
    const { logs } = dedup.context.broker.state
    expect([...logs.all()].flatMap((log) => [...log.producers()])).toEqual([])
  })

  it('a broker that closes meanwhile says so to whoever waits', async () => {
    const dedup = await Dedup.start()
    await dedup.send({ ids: ['a'] })
    await dedup.restart()
    const { storage, broker } = dedup.context
    storage.holdReads()
    const sends = [watch(dedup.send({ ids: ['a'] })), watch(dedup.send({ ids: ['b'] }))]
    await allDone()
    await broker.close()
    storage.releaseReads()
    await allDone()
    expect(sends.map(({ outcome }) => outcome)).toEqual(Array(2).fill('BROKER_UNAVAILABLE'))
  })

  it('a window that is set, or made longer, holds for what was sent before', async () => {
    const dedup = await Dedup.start(1, { dedupWindowMs: null })
    await dedup.send({ ids: ['a'] })
    await dedup.context.time.advance(5_000)
    await dedup.send({ ids: ['b'] })
    await dedup.configure({ dedupWindowMs: 3_000 })
    expect(await dedup.send({ ids: ['b'] })).toMatchObject({ baseOffset: 1, isAppended: false })
    await dedup.configure({ dedupWindowMs: 30_000 })
    expect(await dedup.send({ ids: ['a'] })).toMatchObject({ baseOffset: 0, isAppended: false })
    await dedup.configure({ dedupWindowMs: 2_000 })
    expect(await dedup.send({ ids: ['a'] })).toMatchObject({ baseOffset: 2, isAppended: true })
  })

  it('a window that is set waits for what is being written, and does not look in vain', async () => {
    const dedup = await Dedup.start(1, { dedupWindowMs: null })
    dedup.context.storage.hold()
    const original = watch(dedup.send({ ids: ['a'] }))
    const configured = watch(dedup.configure({ dedupWindowMs: WINDOW_MS }))
    const repeat = watch(dedup.send({ ids: ['a'] }))
    await allDone()
    expect(repeat.outcome).toBeUndefined()
    dedup.context.storage.release()
    await allDone()
    expect(configured.outcome).toBe('ok')
    expect([original.value, repeat.value]).toMatchObject([
      { baseOffset: 0 },
      { baseOffset: 0, isAppended: false },
    ])
  })

  it('what cannot be read is passed over', async () => {
    const dedup = await Dedup.start()
    for (const id of ['a', 'b', 'c', 'd']) await dedup.send({ ids: [id] })
    const rows = dedup.context.database.batches.get(dedup.id()) ?? []
    new DataView(rows[1]?.batch ?? new ArrayBuffer(0)).setUint8(0, 0xff)
    new DataView(rows[2]?.batch ?? new ArrayBuffer(0)).setUint8(89, 0xff)
    await dedup.restart()
    for (const [id, isAppended] of [
      ['a', false],
      ['b', true],
      ['c', true],
      ['d', false],
    ] as const) {
      expect(await dedup.send({ ids: [id] })).toMatchObject({ isAppended })
    }
  })

  it('no more are remembered than may be, the newest', async () => {
    const limits = { messageIdsPerTopicMax: 10 }
    const dedup = await Dedup.start(2, {}, { limits })
    const ids = Array.from({ length: 60 }, (_, at) => `${at}`)
    for (const [at, id] of ids.entries()) {
      await dedup.context.time.advance(1_000)
      await dedup.send({ ids: [id] }, { partition: at % 2 })
    }
    await dedup.restart()
    for (const id of ids.slice(50).reverse()) {
      expect(await dedup.send({ ids: [id] })).toMatchObject({ isAppended: false })
    }
    expect(await dedup.send({ ids: ['49'] })).toMatchObject({ isAppended: true })
    dedup.context.broker.checkInvariants()
  })
})

describe('whatever happens', () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        ids: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', null), {
          minLength: 1,
          maxLength: 4,
        }),
        partition: fc.nat(1),
        producer: fc.option(fc.constantFrom(1, 2)),
      }),
    },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
    { weight: 1, arbitrary: fc.constant('fail' as const) },
    { weight: 1, arbitrary: fc.constant('fill' as const) },
    { weight: 2, arbitrary: fc.nat(40_000) },
  )

  it('each id is delivered once in a window, and each repeat is answered with its original', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const dedup = await Dedup.start(2)
        const firsts = new Map<string, { at: string; untilMs: number; surelyUntilMs: number }>()
        const sequences = new Map<string, number>()
        for (const one of steps) {
          const nowMs = dedup.context.time.nowMs()
          if (one === 'restart') await dedup.restart()
          else if (one === 'fail') dedup.context.storage.failCommits(FAILED)
          else if (one === 'fill') dedup.context.storage.failCommits(FULL)
          else if (typeof one === 'number') await dedup.context.time.advance(one)
          else {
            const { ids, partition, producer } = one
            const key = `${producer} ${partition}`
            const sequence = sequences.get(key) ?? 0
            const numbered = producer === null ? {} : { producer: { id: producer, sequence } }
            const sent = await dedup
              .send({ ids, ...numbered }, { partition })
              .catch(() => undefined)
            if (sent === undefined) continue
            sequences.set(key, sequence + ids.length)
            for (const [at, id] of ids.entries()) {
              if (id === null) continue
              const told = (sent.repeats as Record<number, string>)[at]
              const first = firsts.get(id)
              const here = `${partition}@${sent.baseOffset + at}`
              if (told !== undefined) expect(told).toBe(first?.at)
              else if (first !== undefined)
                expect(nowMs).toBeGreaterThanOrEqual(first.surelyUntilMs)
              if (told === undefined) {
                const surelyUntilMs = nowMs + WINDOW_MS
                firsts.set(id, { at: here, surelyUntilMs, untilMs: surelyUntilMs + 1_000 })
              } else expect(nowMs).toBeLessThan(first?.untilMs ?? 0)
            }
          }
          await allDone()
          dedup.context.broker.checkInvariants()
        }
        dedup.context.storage.heal()
        const delivered = [...(await dedup.delivered(0)), ...(await dedup.delivered(1))]
        for (const id of firsts.keys()) {
          expect(delivered.filter(([, one]) => one === id).length).toBeGreaterThanOrEqual(1)
        }
      }),
      { numRuns: 60 },
    )
  })
})
