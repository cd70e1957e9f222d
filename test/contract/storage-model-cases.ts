/**
 * Random sequences of commits, failing ones among them, reads, loads and reopenings, compared with
 * a model that a glance can check: rows in one Map by key, batches in another, searched one by one.
 */
import fc from 'fast-check'
import type { Storage } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { StoreName } from '../../src/protocol/names.js'
import { withStorageContext, type StorageCase, type StorageContext } from './storage-context.js'
import { check, checkEqual, checkRejects } from './check.js'
import {
  batchBytes,
  batchRecord,
  batchesDeleted,
  bindingRecord,
  commit,
  comparable,
  edgeOf,
  exchangeRecord,
  groupRecord,
  logEdges,
  offsetRecord,
  partitionRecord,
  producerRecord,
  publisherRecord,
  read,
  readStore,
  repeatingProducerRecord,
  shareGroupRecord,
  sharePartitionRecord,
  storeCleared,
  storeEntry,
  topicRecord,
} from './storage-rows.js'

export const MODEL_CASES: readonly StorageCase[] = [
  {
    name: 'behaves like a simple model under random commits and reads',
    async run({ backend }) {
      const property = fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 12 }), (steps) =>
        withStorageContext(backend, (context) => runSteps(context, steps)),
      )
      await fc.assert(property, { numRuns: backend.modelRuns })
    },
  },
]

type Step =
  | { readonly type: 'commit'; readonly records: readonly DurableRecord[] }
  | {
      readonly type: 'failingCommit'
      readonly records: readonly DurableRecord[]
      readonly at: number
    }
  | { readonly type: 'read'; readonly limits: ReadLimits }
  | { readonly type: 'readStore'; readonly range: StoreRange }
  | { readonly type: 'load' }
  | { readonly type: 'reopen' }

interface ReadLimits {
  readonly id: number
  readonly fromOffset: number
  readonly maxBytes: number
  readonly maxBatches: number
}

interface StoreRange {
  readonly store: string
  readonly from: string
  readonly to?: string | undefined
  readonly limit: number
  readonly maxBytes: number
}

const id = fc.integer({ min: 1, max: 3 })
const name = fc.constantFrom('a', 'b', 'aa')
const offset = fc.integer({ min: 0, max: 30 })
const byteLength = fc.constantFrom(1, 24, 25, 300, 2_000)
const store = fc.constantFrom('a', 'a,b', 'b')
const key = fc.constantFrom('a', 'b', 'b,a', 'c', 'ca', 'd\uffff')
const value = fc.option(fc.integer({ min: 0, max: 9 }))

const recordArbitrary: fc.Arbitrary<DurableRecord> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(id, offset, byteLength).map((args) => batchRecord(...args)) },
  { weight: 2, arbitrary: fc.tuple(id, offset).map((args) => batchesDeleted(...args)) },
  fc.tuple(name, value).map((args) => topicRecord(...args)),
  fc.tuple(id, value).map((args) => partitionRecord(...args)),
  fc.tuple(id, id, value).map((args) => producerRecord(...args)),
  fc.tuple(id, id, fc.nat(9)).map((args) => repeatingProducerRecord(...args)),
  fc.tuple(name, value).map((args) => groupRecord(...args)),
  fc.tuple(name, id, value).map((args) => offsetRecord(...args)),
  fc.tuple(name, value).map((args) => shareGroupRecord(...args)),
  fc.tuple(name, id, value).map((args) => sharePartitionRecord(...args)),
  {
    weight: 6,
    arbitrary: fc.tuple(store, key, value, byteLength).map((args) => storeEntry(...args)),
  },
  store.map((one) => storeCleared(one)),
  fc.tuple(name, value).map((args) => exchangeRecord(...args)),
  fc.tuple(name, id, value).map((args) => bindingRecord(...args)),
  fc.tuple(name, id, value).map((args) => publisherRecord(...args)),
  offset.map((next): DurableRecord => ({ type: 'nextPartitionId', value: next })),
)

const records = fc.array(recordArbitrary, { maxLength: 12 })

const limits = fc.record({
  id,
  fromOffset: fc.integer({ min: 0, max: 32 }),
  maxBytes: fc.constantFrom(0, 24, 100, 2_300, 1e6),
  maxBatches: fc.constantFrom(1, 2, 5, 100),
})

const storeRange = fc.record(
  {
    store,
    from: fc.constantFrom('', 'b', 'b\0', 'c'),
    to: fc.constantFrom(undefined, 'b', 'c', 'd'),
    limit: fc.constantFrom(1, 2, 100),
    maxBytes: fc.constantFrom(1, 50, 1_000, 1e6),
  },
  { requiredKeys: ['store', 'from', 'limit', 'maxBytes'] },
)

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('commit' as const), records }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('failingCommit' as const),
      records,
      at: fc.integer({ min: 0, max: 12 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('read' as const), limits }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('readStore' as const), range: storeRange }),
  },
  fc.constantFrom<Step>({ type: 'load' }, { type: 'reopen' }),
)

async function runSteps(context: StorageContext, steps: readonly Step[]): Promise<void> {
  const model = new Model()
  let storage = await context.openLoaded()
  for (const step of steps) {
    storage = await runStep({ context, model, storage }, step)
  }
  checkEqual(comparable(await storage.load()), model.state(), 'the state in the end')
  const { stores } = await storage.load()
  for (const name of model.stores()) check(stores.includes(name), `store ${name} is known`)
}

interface Run {
  readonly context: StorageContext
  readonly model: Model
  readonly storage: Storage
}

/** Returns the storage to go on with. */
async function runStep({ context, model, storage }: Run, step: Step): Promise<Storage> {
  switch (step.type) {
    case 'commit':
      await commit(storage, step.records)
      model.apply(step.records)
      return storage
    case 'failingCommit':
      for (const unstorable of context.backend.unstorable()) {
        const failing = [
          ...step.records.slice(0, step.at),
          unstorable,
          ...step.records.slice(step.at),
        ]
        await checkRejects(commit(storage, failing), 'the failing commit')
      }
      return storage
    case 'read':
      checkEqual(
        await read(storage, step.limits.id, step.limits.fromOffset, step.limits),
        model.read(step.limits),
        'the batches',
      )
      return storage
    case 'readStore': {
      const { store: name, to, ...range } = step.range
      const { entries, hasMore } = await readStore(
        storage,
        name,
        to === undefined ? range : { ...range, to },
      )
      const expected = model.readStore(step.range)
      checkEqual(entries, expected.entries, 'the entries')
      check(hasMore || !expected.hasMore, 'there is more')
      return storage
    }
    case 'load':
      checkEqual(comparable(await storage.load()), model.state(), 'the state')
      return storage
    case 'reopen':
      await storage.close()
      return context.openLoaded()
  }
}

type RowRecord = Extract<DurableRecord, { readonly value: unknown }>

class Model {
  #batches = new Map<string, { id: number; baseOffset: number; batch: ArrayBuffer }>()
  readonly #rows = new Map<string, RowRecord>()

  apply(applied: readonly DurableRecord[]): void {
    for (const record of applied) this.#applyOne(record)
  }

  read({ id: partition, fromOffset, maxBytes, maxBatches }: ReadLimits): ArrayBuffer[] {
    const stored = this.#batchesOf(partition)
    const floor = stored.findLast(({ baseOffset }) => baseOffset <= fromOffset)
    const found: ArrayBuffer[] = []
    let bytes = 0
    for (const { batch, baseOffset } of stored) {
      if (baseOffset < (floor?.baseOffset ?? fromOffset)) continue
      bytes += batch.byteLength
      if (found.length > 0 && (bytes > maxBytes || found.length === maxBatches)) break
      found.push(batch)
    }
    return found
  }

  readStore({ store: name, from, to, limit, maxBytes }: StoreRange) {
    const found = [...this.#rows.values()]
      .flatMap((record) => (record.type === 'storeEntry' ? [record] : []))
      .filter((record) => record.store === name && record.value !== null)
      .filter((record) => record.key >= from && (to === undefined || record.key < to))
      .sort((left, right) => (left.key < right.key ? -1 : 1))
    let bytes = 0
    const entries = found.filter((record, index) => {
      bytes += record.value?.byteLength ?? 0
      return index === 0 || (index < limit && bytes <= maxBytes)
    })
    return {
      entries: entries.map(({ key: one, value: stored }) => [one, stored]),
      hasMore: entries.length < found.length,
    }
  }

  stores(): Set<StoreName> {
    const entries = [...this.#rows.values()].flatMap((record) =>
      record.type === 'storeEntry' && record.value !== null ? [record.store] : [],
    )
    return new Set(entries)
  }

  state(): Record<string, unknown> {
    const rows = (type: string): unknown[][] =>
      [...this.#rows]
        .filter(([, record]) => record.type === type && record.value !== null)
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, record]) => [...(JSON.parse(key) as unknown[]).slice(1), record.value])
    const partitions = rows('partition')
    return {
      nextPartitionId: rows('nextPartitionId').at(0)?.at(0) ?? 1,
      topics: rows('topic'),
      partitions,
      producers: rows('producer'),
      groups: rows('group'),
      offsets: rows('offset'),
      shareGroups: rows('shareGroup'),
      sharePartitions: rows('sharePartition'),
      exchanges: rows('exchange'),
      bindings: rows('binding'),
      publishers: rows('publisher'),
      edges: partitions.flatMap(([partitionId]) => {
        const stored = this.#batchesOf(Number(partitionId))
        const [first, last] = [stored.at(0), stored.at(-1)]
        if (first === undefined || last === undefined) return []
        const offsets = [first.baseOffset, last.baseOffset] as const
        return logEdges(Number(partitionId), edgeOf(first.batch), edgeOf(last.batch), offsets)
      }),
    }
  }

  #applyOne(record: DurableRecord): void {
    if (record.type === 'batch') {
      const { partitionId, baseOffset, batch } = record
      const copy = batchBytes(partitionId, baseOffset, batch.byteLength)
      this.#batches.set(`${partitionId}/${baseOffset}`, {
        id: partitionId,
        baseOffset,
        batch: copy,
      })
    } else if (record.type === 'batchesDeleted') {
      const kept = [...this.#batches].filter(
        ([, batch]) => batch.id !== record.partitionId || batch.baseOffset >= record.beforeOffset,
      )
      this.#batches = new Map(kept)
    } else if (record.type === 'storeCleared') {
      for (const [key, row] of this.#rows) {
        if (row.type === 'storeEntry' && row.store === record.store) this.#rows.delete(key)
      }
    } else {
      this.#rows.set(JSON.stringify([record.type, ...keyOf(record)]), record)
    }
  }

  #batchesOf(partition: number): { baseOffset: number; batch: ArrayBuffer }[] {
    return [...this.#batches.values()]
      .filter((batch) => batch.id === partition)
      .sort((left, right) => left.baseOffset - right.baseOffset)
  }
}

function keyOf(record: RowRecord): readonly (string | number)[] {
  switch (record.type) {
    case 'topic':
      return [record.topicId]
    case 'partition':
      return [record.partitionId]
    case 'nextPartitionId':
      return []
    case 'producer':
      return [record.partitionId, record.producerId]
    case 'group':
    case 'shareGroup':
      return [record.groupId]
    case 'offset':
    case 'sharePartition':
      return [record.groupId, record.partitionId]
    case 'storeEntry':
      return [record.store, record.key]
    case 'exchange':
      return [record.exchangeId]
    case 'binding':
      return [record.exchangeId, record.bindingId]
    case 'publisher':
      return [record.exchangeId, record.producerId]
  }
}
