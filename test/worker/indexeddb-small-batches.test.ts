/**
 * Small batches: in the journal first, then several of them in one row. Whatever is written out when,
 * deleted, refused for want of space or read while it is written, a reader finds a log of batches.
 */
import 'fake-indexeddb/auto'
import fc from 'fast-check'
import { openDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BatchRange } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import { nextOffsetOf, parseBatchHeader } from '../../src/protocol/batch-header.js'
import { JOINED_BYTES_MAX } from '../../worker/indexeddb-batch-rows.js'
import type { JournalLimits } from '../../worker/indexeddb-journal.js'
import { databaseNameOf } from '../../worker/indexeddb-schema.js'
import { IndexedDbStorage } from '../../worker/indexeddb-storage.js'
import { offsetsOf, placedBatch } from '../broker/batches.js'
import {
  batchesDeleted,
  commit,
  edgeOf,
  offsetRecord,
  partitionId,
  partitionRecord,
  producerRecord,
  producerRow,
  read,
} from '../contract/storage-rows.js'

let name = ''
let databases = 0
let storages: IndexedDbStorage[] = []

beforeEach(() => {
  name = `small-${databases++}`
  storages = []
})

afterEach(async () => {
  vi.restoreAllMocks()
  await closeAll()
})

async function closeAll(): Promise<void> {
  await Promise.all(storages.splice(0).map((storage) => storage.close()))
}

async function openLoaded(journalLimits: Partial<JournalLimits> = {}): Promise<IndexedDbStorage> {
  const storage = await IndexedDbStorage.open({ name, journalLimits })
  storages.push(storage)
  await storage.load()
  return storage
}

interface Batch {
  readonly baseOffset: number
  readonly bytes?: number
  readonly records?: number
  readonly id?: number
}

function batchAt({ baseOffset, bytes = 0, records = 1 }: Batch): ArrayBuffer {
  return placedBatch({ records, bytes }, { baseOffset })
}

function recordOf(batch: Batch): DurableRecord {
  const { id = 1, baseOffset } = batch
  return { type: 'batch', partitionId: partitionId(id), baseOffset, batch: batchAt(batch) }
}

/** One commit each. */
async function append(storage: IndexedDbStorage, ...batches: Batch[]): Promise<void> {
  for (const batch of batches) await commit(storage, [recordOf(batch)])
}

const range = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index)
const singles = (count: number, from = 0) =>
  range(count, from).map((baseOffset): Batch => ({ baseOffset }))

async function storedRows(): Promise<[number, number][]> {
  const database = await openDB(databaseNameOf(name))
  const keys = (await database.getAllKeys('batches')) as [number, number][]
  const rows = (await database.getAll('batches')) as ArrayBuffer[]
  database.close()
  return keys.map(([, baseOffset], index) => [baseOffset, rows[index]?.byteLength ?? 0])
}

async function journalRows(): Promise<number> {
  const database = await openDB(databaseNameOf(name))
  const rows = await database.count('journal')
  database.close()
  return rows
}

async function changeRow(baseOffset: number, change: (row: DataView) => void): Promise<void> {
  const database = await openDB(databaseNameOf(name))
  const row = (await database.get('batches', [1, baseOffset])) as ArrayBuffer
  change(new DataView(row))
  await database.put('batches', row, [1, baseOffset])
  database.close()
}

const single = batchAt({ baseOffset: 0 }).byteLength

describe('small batches', () => {
  it('become one row of all that follow one another', async () => {
    const storage = await openLoaded({ commitsMax: 8 })
    await append(storage, ...singles(8))
    expect(await storedRows()).toEqual([])
    expect(offsetsOf(await read(storage, 1, 0))).toEqual(range(8))
    await append(storage, { baseOffset: 8 })
    expect(await storedRows()).toEqual([[0, 9 * single]])
    expect(offsetsOf(await read(storage, 1, 4))).toEqual(range(5, 4))
    const { edges } = await (await openLoaded()).load()
    expect(edges).toEqual([])
  })

  it('end a row where a large one lies between, and where it gets too large', async () => {
    const storage = await openLoaded({ commitsMax: 6, batchBytesMax: 30_000 })
    await append(storage, ...singles(2), { baseOffset: 2, bytes: 40_000 }, { baseOffset: 3 })
    for (const baseOffset of [4, 5, 6]) await append(storage, { baseOffset, bytes: 25_000 })
    const rows = await storedRows()
    expect(rows.map(([baseOffset]) => baseOffset)).toEqual([0, 2, 3, 6])
    for (const [, byteLength] of rows) expect(byteLength).toBeLessThanOrEqual(JOINED_BYTES_MAX)
    expect(await read(storage, 1, 0)).toEqual([
      ...range(2).map((baseOffset) => batchAt({ baseOffset })),
      batchAt({ baseOffset: 2, bytes: 40_000 }),
      batchAt({ baseOffset: 3 }),
      ...[4, 5, 6].map((baseOffset) => batchAt({ baseOffset, bytes: 25_000 })),
    ])
  })

  it('are written out before there are too many bytes of them', async () => {
    const storage = await openLoaded({ batchBytesMax: 1_000_000 })
    for (const baseOffset of range(10)) await append(storage, { baseOffset, bytes: 900_000 })
    expect((await storedRows()).length).toBe(0)
    await append(storage, { baseOffset: 10 })
    expect((await storedRows()).length).toBe(11)
    expect(offsetsOf(await read(storage, 1, 0))).toEqual(range(11))
  })

  it('share no buffer with the journal that holds them', async () => {
    const storage = await openLoaded()
    const record = recordOf({ baseOffset: 0 })
    await commit(storage, [record])
    if (record.type === 'batch') structuredClone(record.batch, { transfer: [record.batch] })
    for (const batch of await read(storage, 1, 0)) structuredClone(batch, { transfer: [batch] })
    expect(await read(storage, 1, 0)).toEqual([batchAt({ baseOffset: 0 })])
  })

  it('do not come back once they were deleted, in the journal or in a row of several', async () => {
    const storage = await openLoaded({ commitsMax: 4 })
    await append(storage, ...singles(7))
    await commit(storage, [partitionRecord(1, 1), batchesDeleted(1, 2)])
    expect(offsetsOf(await read(storage, 1, 0))).toEqual(range(5, 2))
    await commit(storage, [batchesDeleted(1, 6)])
    const next = await openLoaded()
    expect((await next.load()).edges).toMatchObject([{ firstOffset: 6, lastOffset: 6 }])
    expect(offsetsOf(await read(next, 1, 0))).toEqual([6])
    await commit(next, [batchesDeleted(1, Number.MAX_SAFE_INTEGER)])
    expect((await (await openLoaded()).load()).edges).toEqual([])
    expect(await storedRows()).toEqual([])
  })

  it('of a row that goes are in the journal when they are to stay', async () => {
    const storage = await openLoaded({ commitsMax: 4 })
    await append(storage, ...singles(5))
    expect(await storedRows()).toEqual([[0, 5 * single]])
    await commit(storage, [batchesDeleted(1, 3)])
    expect(await storedRows()).toEqual([])
    expect(offsetsOf(await read(await openLoaded(), 1, 0))).toEqual([3, 4])
  })

  it('are written out at once when much of the journal is of deleted ones', async () => {
    const storage = await openLoaded()
    for (const baseOffset of range(30)) await append(storage, { baseOffset, bytes: 3_900 })
    await commit(storage, [batchesDeleted(1, 30)])
    expect(await journalRows()).toBeGreaterThan(30)
    await commit(storage, [offsetRecord('g', 1, 30)])
    expect(await journalRows()).toBe(2)
  })
})

describe('the journal of a disk that stays full', () => {
  it('does not grow, though there is no space for the rows of its batches', async () => {
    const storage = await openLoaded({ commitsMax: 4 })
    const limited = limitSpace()
    await append(storage, ...singles(3))
    limited.space = 'rows'
    for (let value = 1; value <= 40; value++) await commit(storage, [offsetRecord('g', 1, value)])
    expect(await storedRows()).toEqual([])
    expect(await journalRows()).toBeLessThan(12)
    expect(offsetsOf(await read(storage, 1, 0))).toEqual(range(3))
    const next = await openLoaded({ commitsMax: 4 })
    expect((await next.load()).offsets[0]?.[2].offset).toBe(40)
    limited.space = 'all'
    for (let value = 1; value <= 5; value++) await commit(next, [offsetRecord('g', 1, value)])
    expect(await storedRows()).toEqual([[0, 3 * single]])
    expect(await journalRows()).toBeLessThan(12)
    expect((await (await openLoaded()).load()).offsets[0]?.[2].offset).toBe(5)
  })
})

describe('a deletion that finds no space', () => {
  it('has freed the rows below it, and none that holds a batch that stays', async () => {
    const storage = await openLoaded({ commitsMax: 4 })
    await append(storage, { baseOffset: 0, bytes: 5_000 }, ...singles(5, 1))
    await append(storage, { baseOffset: 6, bytes: 5_000 })
    expect((await storedRows()).map(([baseOffset]) => baseOffset)).toEqual([0, 1, 6])
    const puts = new WeakSet<IDBTransaction>()
    const { add } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(function (
      this: IDBObjectStore,
      ...row
    ) {
      puts.add(this.transaction)
      return add.apply(this, row)
    })
    const { commit: complete } = IDBTransaction.prototype
    vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (
      this: IDBTransaction,
    ) {
      if (!puts.has(this)) return complete.call(this)
      ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
    })
    const deleting = commit(storage, [batchesDeleted(1, 3), partitionRecord(1, 3)])
    await expect(deleting).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    vi.restoreAllMocks()
    expect((await storedRows()).map(([baseOffset]) => baseOffset)).toEqual([1, 6])
    expect(offsetsOf(await read(storage, 1, 0))).toEqual(range(6, 1))
    await commit(storage, [batchesDeleted(1, 3), partitionRecord(1, 3)])
    expect(offsetsOf(await read(await openLoaded(), 1, 0))).toEqual([3, 4, 5, 6])
  })
})

describe('many small batches of one commit', () => {
  it('are in several rows of the journal, and are found and taken away with it', async () => {
    const storage = await openLoaded({ commitsMax: 4 })
    const many = range(100).map((id) => recordOf({ id: id + 1, baseOffset: 0, bytes: 3_000 }))
    await commit(storage, [
      ...range(100).map((id) => partitionRecord(id + 1, 0)),
      ...range(100).map((id) => producerRecord(id + 1, 77, id)),
      ...many,
    ])
    expect(await journalRows()).toBeGreaterThan(5)
    const next = await openLoaded({ commitsMax: 4 })
    const { edges, producers } = await next.load()
    expect(edges).toHaveLength(100)
    expect(producers).toHaveLength(100)
    expect(producers).toContainEqual([42, 77, producerRow(41)])
    for (const id of [1, 50, 100]) expect(await read(next, id, 0)).toHaveLength(1)
    for (const value of range(5)) await commit(next, [offsetRecord('g', 1, value)])
    expect(await storedRows()).toHaveLength(100)
    // What ended the brokers before, and what was committed since.
    expect(await journalRows()).toBeLessThan(8)
    expect((await (await openLoaded()).load()).producers).toHaveLength(100)
  })
})

describe('producers', () => {
  it('are forgotten though they were left in the journal', async () => {
    const storage = await openLoaded({ commitsMax: 2 })
    await commit(storage, [producerRecord(1, 77, 1), producerRecord(1, 78, 2)])
    for (const value of range(4)) await commit(storage, [offsetRecord('g', 1, value)])
    await commit(storage, [producerRecord(1, 77, null), producerRecord(1, 78, null)])
    await commit(storage, [producerRecord(1, 78, 3)])
    for (const value of range(4)) await commit(storage, [offsetRecord('g', 1, value)])
    expect((await (await openLoaded()).load()).producers).toEqual([[1, 78, producerRow(3)]])
  })

  it('become rows once there are very many', async () => {
    const storage = await openLoaded({ commitsMax: 2 })
    await commit(
      storage,
      range(5_000).map((id) => producerRecord(id, 77, id)),
    )
    for (const value of range(2)) await commit(storage, [offsetRecord('g', 1, value)])
    const database = await openDB(databaseNameOf(name))
    expect(await database.count('producers')).toBe(5_000)
    database.close()
    await commit(storage, [producerRecord(7, 77, null)])
    for (const value of range(2)) await commit(storage, [offsetRecord('g', 1, value)])
    const { producers } = await (await openLoaded()).load()
    expect(producers).toHaveLength(4_999)
  })
})

describe('a row of several batches', () => {
  it('gives what is sound in front of one that cannot be read, and then the rest', async () => {
    const storage = await openLoaded({ commitsMax: 5 })
    await append(storage, ...singles(6))
    await changeRow(0, (row) => row.setUint8(2 * single, 0xff))
    const batches = await read(storage, 1, 0)
    expect(batches.map(({ byteLength }) => byteLength)).toEqual([single, single, 4 * single])
    expect(offsetsOf(batches.slice(0, 2))).toEqual([0, 1])
    expect(() => parseBatchHeader(batches[2] ?? new ArrayBuffer(0))).toThrow('version')
    // As a row of one batch that cannot be read is found by the offsets it was stored under.
    for (const offset of [2, 3, 5]) expect(await read(storage, 1, offset)).toHaveLength(1)
    await commit(storage, [partitionRecord(1, 1), recordOf({ baseOffset: 6 })])
    expect((await (await openLoaded()).load()).edges).toMatchObject([
      { firstOffset: 0, lastOffset: 6 },
    ])
  })

  it('ends where it can be read no further, for whoever loads', async () => {
    const storage = await openLoaded({ commitsMax: 5 })
    await commit(storage, [partitionRecord(1, 1)])
    await append(storage, ...singles(5))
    await changeRow(0, (row) => row.setFloat64(3 * single + 8, 1_000, true))
    const [edges] = (await (await openLoaded()).load()).edges
    expect(edges).toMatchObject({ firstOffset: 0, lastOffset: 3, last: { byteLength: 2 * single } })
  })
})

/** A disk without space for writing the journal out, or only without batches. */
type Space = 'all' | 'rows' | 'none'

type Step =
  | { readonly type: 'commit'; readonly parts: readonly Part[]; readonly isRead: boolean }
  | { readonly type: 'read'; readonly range: BatchRange }
  | { readonly type: 'space'; readonly space: Space }
  | { readonly type: 'load' }
  | { readonly type: 'reopen' }

type Part =
  | {
      readonly type: 'batch'
      readonly id: number
      readonly records: number
      readonly bytes: number
    }
  /** At some batch, as retention and administrators do. */
  | { readonly type: 'deleted'; readonly id: number; readonly share: number }

const id = fc.integer({ min: 1, max: 2 })
const batchArbitrary = fc.record({
  type: fc.constant('batch' as const),
  id,
  records: fc.integer({ min: 1, max: 3 }),
  bytes: fc.constantFrom(0, 0, 0, 200, 1_000, 20_000),
})
const deletedArbitrary = fc.record({
  type: fc.constant('deleted' as const),
  id,
  share: fc.constantFrom(0.1, 0.5, 0.9, 1),
})
const rangeArbitrary = fc.record({
  partitionId: id.map(partitionId),
  fromOffset: fc.integer({ min: 0, max: 80 }),
  maxBytes: fc.constantFrom(1, 300, 1_500, 50_000, 1e9),
  maxBatches: fc.constantFrom(1, 2, 7, 1_000),
})
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      parts: fc.array(
        fc.oneof(
          { weight: 5, arbitrary: batchArbitrary },
          { weight: 1, arbitrary: deletedArbitrary },
        ),
        { maxLength: 5 },
      ),
      isRead: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('read' as const), range: rangeArbitrary }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('space' as const),
      space: fc.constantFrom<Space>('all', 'rows', 'none'),
    }),
  },
  fc.constantFrom<Step>({ type: 'load' }, { type: 'reopen' }),
)

/** The logs as they should be. */
class Model {
  readonly #logs = new Map<number, { baseOffset: number; batch: ArrayBuffer }[]>()
  readonly #ends = new Map<number, number>()

  apply(part: Part): DurableRecord {
    const log = this.#logs.get(part.id) ?? []
    this.#logs.set(part.id, log)
    const end = this.#ends.get(part.id) ?? 0
    if (part.type === 'deleted') {
      const count = Math.ceil(log.length * part.share)
      const beforeOffset = log[count]?.baseOffset ?? end
      log.splice(0, count)
      return batchesDeleted(part.id, beforeOffset)
    }
    const record = recordOf({ ...part, baseOffset: end })
    const batch = batchAt({ ...part, baseOffset: end })
    log.push({ baseOffset: end, batch })
    this.#ends.set(part.id, nextOffsetOf(parseBatchHeader(batch)))
    return record
  }

  read({ partitionId: of, fromOffset, maxBytes, maxBatches }: BatchRange): ArrayBuffer[] {
    const log = this.#logs.get(of) ?? []
    const floor = log.findLastIndex(({ baseOffset }) => baseOffset <= fromOffset)
    const found: ArrayBuffer[] = []
    let bytes = 0
    for (const { batch } of log.slice(Math.max(0, floor))) {
      bytes += batch.byteLength
      if (found.length > 0 && (bytes > maxBytes || found.length === maxBatches)) break
      found.push(batch)
    }
    return found
  }

  edges() {
    return [...this.#logs].flatMap(([of, log]) => {
      const [first, last] = [log.at(0), log.at(-1)]
      if (first === undefined || last === undefined) return []
      const offsets = { firstOffset: first.baseOffset, lastOffset: last.baseOffset }
      const edges = { first: edgeOf(first.batch), last: edgeOf(last.batch) }
      return [{ partitionId: of, ...offsets, ...edges }]
    })
  }
}

const ALL = { fromOffset: 0, maxBytes: 1e9, maxBatches: 1e6 }

/** What takes journal rows away is refused, as where there is no space for what it puts. */
function limitSpace(): { space: Space } {
  const limited: { space: Space } = { space: 'all' }
  const folding = new WeakSet<IDBTransaction>()
  const puttingBatches = new WeakSet<IDBTransaction>()
  const { delete: originalDelete, put } = IDBObjectStore.prototype
  vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(function (
    this: IDBObjectStore,
    key,
  ) {
    if (this.name === 'journal') folding.add(this.transaction)
    return originalDelete.call(this, key)
  })
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
    this: IDBObjectStore,
    ...row
  ) {
    if (this.name === 'batches') puttingBatches.add(this.transaction)
    return put.apply(this, row)
  })
  const { commit: complete } = IDBTransaction.prototype
  vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (this: IDBTransaction) {
    const isTooMuch =
      folding.has(this) &&
      (limited.space === 'none' || (limited.space === 'rows' && puttingBatches.has(this)))
    if (!isTooMuch) return complete.call(this)
    ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
  })
  return limited
}

describe('a log of small and large batches', () => {
  it.each([300, 30_000])(
    'reads as it was written, whatever was written out when (up to %i bytes in the journal)',
    async (batchBytesMax) => {
      const limits = { commitsMax: 4, batchBytesMax }
      const limited = limitSpace()
      const property = fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 5, maxLength: 40 }),
        async (steps) => {
          name = `small-${databases++}`
          limited.space = 'all'
          const model = new Model()
          let storage = await openLoaded(limits)
          await commit(storage, [partitionRecord(1, 1), partitionRecord(2, 2)])
          let committed = 0
          for (const step of steps) {
            if (step.type === 'space') {
              limited.space = step.space
            } else if (step.type === 'read') {
              expect(await storage.readBatches(step.range)).toEqual(model.read(step.range))
            } else if (step.type === 'reopen') {
              await closeAll()
              storage = await openLoaded(limits)
            } else if (step.type === 'load') {
              const { edges } = await storage.load()
              expect(edges.toSorted((a, b) => a.partitionId - b.partitionId)).toEqual(
                model.edges().toSorted((a, b) => a.partitionId - b.partitionId),
              )
            } else {
              const ranges = [1, 2].map((of) => ({ ...ALL, partitionId: partitionId(of) }))
              const before = ranges.map((all) => model.read(all))
              const records = step.parts.map((part) => model.apply(part))
              committed += 1
              const written = commit(storage, [...records, offsetRecord('g', 1, committed)])
              const reading = step.isRead
                ? Promise.all(ranges.map((all) => storage.readBatches(all)))
                : undefined
              await written
              for (const [index, found] of (await reading)?.entries() ?? []) {
                const after = ranges.map((all) => model.read(all))
                expect([before[index], after[index]]).toContainEqual(found)
              }
            }
          }
          for (const of of [1, 2]) {
            const all = { ...ALL, partitionId: partitionId(of) }
            expect(await storage.readBatches(all)).toEqual(model.read(all))
          }
          const { offsets } = await storage.load()
          expect(offsets.map(([, , row]) => row.offset)).toEqual(committed === 0 ? [] : [committed])
          await closeAll()
        },
      )
      await fc.assert(property, { numRuns: 60 })
    },
    60_000,
  )
})
