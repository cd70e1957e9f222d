/**
 * The journal: what a commit changes is one row, whatever it is, but for large batches. To the browser
 * each put is a request of its own that costs as much as a small commit, so the rows of topics, offsets,
 * producers and the rest are written only now and then, the last value of each, in a commit that takes
 * the journal's rows away again, and so are small batches, those of one partition side by side. Loading
 * reads those rows as they are and what the journal says since.
 *
 * A journal row's key is the broker's epoch and a number that rises by one with each of its commits.
 * A newer broker puts a row of its own where the next of the older one would go, and so ends it: adding
 * where there is a row fails, and the transaction with it. The last row that was the older one's becomes
 * such a row too when it is taken away: a commit that was cut off, though it is there, may be tried again
 * much later. These rows stay for good.
 */
import type { DurableRecord } from '../src/broker/records.js'
import type { PartitionId } from '../src/protocol/names.js'
import { unreachable } from '../src/std/assert.js'
import { splitRow, type BatchRow, type StoredBatch } from './indexeddb-batch-rows.js'
import {
  batchesIn,
  packedBatches,
  isPackable,
  packedProducers,
  producersIn,
  type BatchesDeleted,
  type BatchRecord,
  type KeyedJournalRow,
  type PlacedBatch,
  type ProducerPut,
  type RowRecord,
  type StoreCleared,
  type StoreEntryRecord,
} from './indexeddb-journal-row.js'
import { PendingBatches } from './indexeddb-pending-batches.js'
import { PendingEntries } from './indexeddb-pending-entries.js'
import type { JournalKey, StoreName } from './indexeddb-schema.js'

export interface JournalLimits {
  /** Commits until it is written out. */
  readonly commitsMax: number
  /** A larger batch is a row at once: it is written once and not twice. */
  readonly batchBytesMax: number
}

export const JOURNAL_LIMITS: JournalLimits = { commitsMax: 64, batchBytesMax: 4 * 1024 }
/** The same in records, and in bytes of batches. */
const RECORDS_MAX = 65_536
const BYTES_MAX = 8 * 1024 * 1024
/**
 * Producers that stay in the journal when the rest is written out: there is one for each partition that
 * somebody sends to, they change with each batch, and as rows cost as much as these.
 */
const CARRIED_MAX = 4_096
/** Values of the stores' entries, which are kept in memory for as long as they are in the journal. */
const VALUE_BYTES_MAX = 1024 * 1024
/** It is also written out to be rid of so much that was deleted: somebody may have to make room. */
const DEAD_BYTES_MAX = 64 * 1024

/** What is written out: everything, all but batches (on a full disk these may not fit), nothing. */
export type Fold = 'all' | 'rows' | 'nothing'

/** What a commit is to do. */
export interface Changes {
  readonly records: readonly DurableRecord[]
  /** Batches that stay of rows that go because of it (indexeddb-deletions.ts). */
  readonly kept: readonly PlacedBatch[]
}

/** How one commit is written. */
export interface JournalPlan {
  readonly key: JournalKey
  readonly commitId: number
  /** The first is the commit's own, by that key. */
  readonly rows: readonly KeyedJournalRow[]
  /** What it does to the store of batches by itself, in its order. */
  readonly batches: readonly (BatchRecord | BatchesDeleted)[]
  /** The same to the store of entries. */
  readonly entries: readonly (StoreEntryRecord | StoreCleared)[]
  /** Rows to be written now, with journal rows to take away instead. */
  readonly folded: Folded | undefined
}

interface Folded {
  readonly fold: Fold
  readonly records: readonly RowRecord[]
  readonly batches: readonly BatchRow[]
  /** First and last, both inclusive; one for each broker that they are of. */
  readonly ranges: readonly KeyRange[]
}

interface Journaled {
  readonly records?: readonly (RowRecord | BatchesDeleted | StoreCleared)[]
  readonly producers?: readonly ProducerPut[]
  readonly placed?: readonly PlacedBatch[]
  readonly areRowsWritten?: true
}

type KeyRange = readonly [JournalKey, JournalKey]
export type RowKey = string | number | [string | number, number] | [string, string]

/** Where a row goes, and what it is; null when it is no more. */
export interface StoredRow {
  readonly store: Exclude<StoreName, 'batches' | 'journal'>
  readonly key: RowKey
  readonly value: unknown
}

export function rowOf(record: RowRecord): StoredRow {
  const { value } = record
  switch (record.type) {
    case 'topic':
      return { store: 'topics', key: record.topicId, value }
    case 'partition':
      return { store: 'partitions', key: record.partitionId, value }
    case 'nextPartitionId':
      return { store: 'meta', key: 'nextPartitionId', value }
    case 'producer':
      return { store: 'producers', key: [record.partitionId, record.producerId], value }
    case 'group':
      return { store: 'groups', key: record.groupId, value }
    case 'offset':
      return { store: 'offsets', key: [record.groupId, record.partitionId], value }
    case 'shareGroup':
      return { store: 'shareGroups', key: record.groupId, value }
    case 'sharePartition':
      return { store: 'sharePartitions', key: [record.groupId, record.partitionId], value }
    case 'storeEntry':
      return { store: 'storeEntries', key: [record.store, record.key], value }
    case 'exchange':
      return { store: 'exchanges', key: record.exchangeId, value }
    case 'binding':
      return { store: 'bindings', key: [record.exchangeId, record.bindingId], value }
    case 'publisher':
      return { store: 'publishers', key: [record.exchangeId, record.producerId], value }
    default:
      return unreachable(record)
  }
}

/** One broker's journal. Commits are planned and written one after the other. */
export class Journal {
  readonly #epoch: number
  readonly #limits: JournalLimits
  #lastNumber = 0
  #lastCommitId = 0
  /** Since the rows were last written: the last record of each. */
  #pending = new Map<string, RowRecord>()
  #entries = new PendingEntries()
  #batches = new PendingBatches()
  /** Of the journal since anything was last written out. */
  #commitCount = 0
  #recordCount = 0
  #isRefused = false
  /** The journal rows, up to the last that has to do with batches, and those after it. */
  #rangesWithBatches: readonly KeyRange[] = []
  #ranges: readonly KeyRange[] = []

  /** @param rows all that are not folded yet, in their order, also those of earlier brokers */
  constructor(
    { epoch, ...limits }: JournalLimits & { epoch: number },
    rows: readonly KeyedJournalRow[],
  ) {
    this.#epoch = epoch
    this.#limits = limits
    for (const [key, row] of rows) {
      this.#note([key, row])
      if (key[0] !== epoch) continue
      this.#lastNumber = key[1]
      this.#lastCommitId = row.commitId
    }
  }

  /** What it says that the rows do not, by the row's name; entries of stores are apart. */
  get pending(): ReadonlyMap<string, RowRecord> {
    return this.#pending
  }

  /** The batches of a partition that are no rows yet. */
  batchesOf(partitionId: PartitionId): readonly StoredBatch[] {
    return this.#batches.of(partitionId)
  }

  get entries(): Pick<PendingEntries, 'between' | 'stores'> {
    return this.#entries
  }

  /** What the next commit may write out, to be tried one after the other as far as there is space. */
  foldsFor({ records }: Changes): Fold[] {
    const hasBatches = this.#batches.byteLength > 0
    const isFull =
      this.#commitCount >= this.#limits.commitsMax ||
      this.#recordCount + records.length > RECORDS_MAX ||
      (this.#batches.byteLength > BYTES_MAX && !this.#isRefused) ||
      (this.#entries.byteLength > VALUE_BYTES_MAX && !this.#isRefused) ||
      this.#batches.deadBytes > DEAD_BYTES_MAX
    if (!isFull) return ['nothing']
    return hasBatches ? ['all', 'rows', 'nothing'] : ['all', 'nothing']
  }

  /** How the next commit is written. Nothing is different before it is. */
  plan(changes: Changes, fold: Fold): JournalPlan {
    this.#lastCommitId += 1
    const { records, producers, deletions, clears, batches, entries, placed } =
      this.#sorted(changes)
    const direct = { batches, entries }
    const journaled = { records: [...clears, ...records, ...deletions], producers, placed }
    if (fold === 'nothing') return { ...this.#rowsOf(journaled), ...direct, folded: undefined }
    const last = new Map(this.#pending)
    const lastEntries = this.#entries.copy()
    for (const { store } of clears) lastEntries.clear(store)
    for (const record of [...records, ...producers]) {
      if (record.type === 'storeEntry') lastEntries.put(record)
      else last.set(nameOf(record), record)
    }
    if (fold === 'rows') {
      const rows = this.#rowsOf({ records: deletions, placed, areRowsWritten: true })
      const all = [...last.values(), ...lastEntries.records()]
      const folded = { fold, records: all, batches: [], ranges: this.#ranges }
      return { ...rows, ...direct, folded }
    }
    const all = this.#batches.copy()
    for (const { partitionId, beforeOffset } of deletions) {
      all.deleteBefore(partitionId, beforeOffset)
    }
    for (const batch of placed) all.put(batch.partitionId, batch)
    const { carried, written } = carriedOver(last.values())
    const ranges = this.#ranges.reduce(withRange, this.#rangesWithBatches)
    const rows = [...written, ...lastEntries.records()]
    const folded = { fold, records: rows, batches: all.rows(), ranges }
    return { ...this.#rowsOf({ producers: carried }), ...direct, folded }
  }

  #rowsOf({ records = [], producers = [], placed = [], ...marks }: Journaled) {
    const key: JournalKey = [this.#epoch, this.#lastNumber + 1]
    const commitId = this.#lastCommitId
    const packed = producers.length === 0 ? {} : { producers: packedProducers(producers) }
    const [first, ...others] = packedBatches(placed, packed.producers?.byteLength ?? 0)
    const rows: KeyedJournalRow[] = [[key, { commitId, records, ...packed, ...first, ...marks }]]
    for (const [index, more] of others.entries()) {
      rows.push([[...key, index + 1], { commitId, records: [], ...more }])
    }
    return { key, commitId, rows }
  }

  /** It is on the disk. */
  written({ key, rows, folded }: JournalPlan): void {
    this.#lastNumber = key[1]
    if (folded !== undefined) {
      this.#ranges = []
      this.#commitCount = 0
      this.#recordCount = 0
      this.#pending = new Map()
      this.#entries = new PendingEntries()
    }
    if (folded?.fold === 'all') {
      this.#rangesWithBatches = []
      this.#batches = new PendingBatches()
      this.#isRefused = false
    }
    for (const row of rows) this.#note(row)
  }

  /** There was no space to write all of it out: not again before the next few commits. */
  refused(): void {
    this.#isRefused = true
  }

  /**
   * What of a commit goes where. Of what it does to a batch in the journal the last counts. A batch
   * that takes the place of one in the journal goes there too, however large; so does an entry.
   */
  #sorted({ records, kept }: Changes) {
    const { batchBytesMax } = this.#limits
    let rows: RowRecord[] = []
    const producers: ProducerPut[] = []
    // Of one that is also forgotten in the same commit, or has more than numbers, the order counts.
    const isPacked = records.every((record) => record.type !== 'producer' || isPackable(record))
    const deletions: BatchesDeleted[] = []
    const batches: (BatchRecord | BatchesDeleted)[] = []
    let placed: PlacedBatch[] = [...kept]
    const clears: StoreCleared[] = []
    const entries: (StoreEntryRecord | StoreCleared)[] = []
    const own = new PendingEntries()
    for (const record of records) {
      if (record.type === 'batch') {
        const { partitionId, baseOffset, batch } = record
        const isSmall = batch.byteLength <= batchBytesMax
        // One without bytes was transferred away, which the browser says best.
        if (batch.byteLength > 0 && (isSmall || this.#isPlaced(placed, record))) {
          placed.push({ partitionId, baseOffset, bytes: new Uint8Array(batch) })
        } else {
          batches.push(record)
        }
      } else if (record.type === 'batchesDeleted') {
        const { partitionId, beforeOffset } = record
        deletions.push(record)
        batches.push(record)
        placed = placed.filter(
          (batch) => batch.partitionId !== partitionId || batch.baseOffset >= beforeOffset,
        )
      } else if (record.type === 'storeEntry') {
        const isPlaced = this.#entries.has(record) || own.has(record)
        if ((record.value?.byteLength ?? 0) > batchBytesMax && !isPlaced) {
          entries.push(record)
        } else {
          rows.push(copyOfEntry(record))
          own.put(record)
        }
      } else if (record.type === 'storeCleared') {
        const { store } = record
        clears.push(record)
        entries.push(record)
        own.clear(store)
        rows = rows.filter((row) => row.type !== 'storeEntry' || row.store !== store)
      } else if (isPacked && isPackable(record)) {
        producers.push(record)
      } else {
        rows.push(record)
      }
    }
    return { records: rows, producers, deletions, clears, batches, entries, placed }
  }

  #isPlaced(placed: readonly PlacedBatch[], { partitionId, baseOffset }: BatchRecord): boolean {
    const isIt = (batch: PlacedBatch) =>
      batch.partitionId === partitionId && batch.baseOffset === baseOffset
    return this.#batches.has(partitionId, baseOffset) || placed.some(isIt)
  }

  #note([rowKey, row]: KeyedJournalRow): void {
    if (row.areRowsWritten === true) {
      this.#pending = new Map()
      this.#entries = new PendingEntries()
    }
    let hasBatches = row.batches !== undefined
    for (const record of row.records) {
      if (record.type === 'batchesDeleted') {
        this.#batches.deleteBefore(record.partitionId, record.beforeOffset)
        hasBatches = true
      } else if (record.type === 'storeCleared') {
        this.#entries.clear(record.store)
      } else if (record.type === 'storeEntry') {
        this.#entries.put(record)
      } else {
        this.#pending.set(nameOf(record), record)
      }
    }
    const producers = producersIn(row)
    for (const record of producers) this.#pending.set(nameOf(record), record)
    for (const batch of batchesIn(row)) this.#batches.put(batch.partitionId, batch)
    if (rowKey.length === 2) this.#commitCount += 1
    this.#recordCount += row.records.length + producers.length
    const key: JournalKey = [rowKey[0], rowKey[1]]
    this.#ranges = withRange(this.#ranges, [key, key])
    if (!hasBatches) return
    this.#rangesWithBatches = this.#ranges.reduce(withRange, this.#rangesWithBatches)
    this.#ranges = []
  }
}

/** It stays in memory until it is written out, whatever becomes of its buffer. */
function copyOfEntry(record: StoreEntryRecord): StoreEntryRecord {
  const { value } = record
  // One without bytes may have been transferred away, which the browser says best.
  return value === null || value.byteLength === 0 ? record : { ...record, value: value.slice(0) }
}

/** What stays in the journal when it is written out, and what becomes rows. */
function carriedOver(records: Iterable<RowRecord>) {
  const carried: ProducerPut[] = []
  const written: RowRecord[] = []
  for (const record of records) {
    if (isPackable(record)) carried.push(record)
    else written.push(record)
  }
  if (carried.length <= CARRIED_MAX) return { carried, written }
  return { carried: [], written: [...written, ...carried] }
}

/** The batches of a partition in the journal, or in what was written out of it, once that is written. */
export function journaledAfter(
  journaled: readonly StoredBatch[],
  { rows, batches, folded }: JournalPlan,
  partitionId: PartitionId,
): StoredBatch[] {
  const added =
    folded?.fold === 'all'
      ? folded.batches.flatMap(({ key, value }) =>
          key[0] === partitionId ? splitRow(key[1], value) : [],
        )
      : rows
          .flatMap(([, row]) => batchesIn(row))
          .filter((batch) => batch.partitionId === partitionId)
  const isDeleted = ({ baseOffset }: StoredBatch) =>
    batches.some(
      (record) =>
        record.type === 'batchesDeleted' &&
        record.partitionId === partitionId &&
        baseOffset < record.beforeOffset,
    )
  return [...journaled.filter((batch) => !isDeleted(batch)), ...added]
}

/** The range behind the others, or the last one longer. */
function withRange(ranges: readonly KeyRange[], range: KeyRange): readonly KeyRange[] {
  const last = ranges.at(-1)
  return last?.[0][0] === range[0][0]
    ? [...ranges.slice(0, -1), [last[0], range[1]]]
    : [...ranges, range]
}

/** What the journal says of the rows, by the store that they are of. */
export function rowsByStore(
  changes: Iterable<RowRecord>,
): ReadonlyMap<StoredRow['store'], ReadonlyMap<string, StoredRow>> {
  const stores = new Map<StoredRow['store'], Map<string, StoredRow>>()
  for (const record of changes) {
    const row = rowOf(record)
    const rows = stores.get(row.store) ?? new Map<string, StoredRow>()
    stores.set(row.store, rows.set(textOf(row.key), row))
  }
  return stores
}

/** The rows of a store as they are with what the journal says of them. */
export function overlaid<K extends RowKey, V>(
  rows: readonly (readonly [K, V])[],
  changed: ReadonlyMap<string, StoredRow> = new Map(),
): (readonly [K, V])[] {
  if (changed.size === 0) return [...rows]
  const result = rows.filter(([key]) => !changed.has(textOf(key)))
  for (const { key, value } of changed.values()) {
    if (value !== null) result.push([key as K, value as V])
  }
  return result
}

function nameOf(record: RowRecord): string {
  const { store, key } = rowOf(record)
  return `${store} ${textOf(key)}`
}

/** Another for each key of a store: whatever a first part is, the last comma ends it. */
function textOf(key: RowKey): string {
  return typeof key === 'object' ? key.join() : String(key)
}
