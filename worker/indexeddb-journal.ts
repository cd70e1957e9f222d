/**
 * The journal: what a commit changes besides batches is one row, whatever it is. To the browser each
 * put is a request of its own that costs as much as the commit itself, so the rows of topics, offsets,
 * producers and the rest are written only now and then, the last value of each, in a commit that takes
 * the journal's rows away again. Loading reads those rows as they are and what the journal says since.
 *
 * A journal row's key is the broker's epoch and a number that rises by one with each of its commits.
 * A newer broker puts a row of its own where the next of the older one would go, and so ends it: adding
 * where there is a row fails, and the transaction with it. The last row that was the older one's becomes
 * such a row too when it is taken away: a commit that was cut off, though it is there, may be tried again
 * much later. These rows stay for good.
 */
import type { DurableRecord } from '../src/broker/records.js'
import { unreachable } from '../src/std/assert.js'
import type { JournalKey, StoreName } from './indexeddb-schema.js'

/** A record that is a row by itself, or its end. */
export type RowRecord = Exclude<DurableRecord, { readonly type: 'batch' | 'batchesDeleted' }>

export interface JournalRow {
  /** Of all commits of this broker no other has it: tells one that is tried again. */
  readonly commitId: number
  readonly records: readonly RowRecord[]
}

/** What a newer broker leaves in the place of an older one's next row. */
export interface ClosingRow {
  readonly closedBy: number
}

/** Commits, and records in them, until the rows themselves are written. */
export const JOURNAL_COMMITS_MAX = 64
const RECORDS_MAX = 8_192

/** How one commit is written. */
export interface JournalPlan {
  readonly key: JournalKey
  readonly row: JournalRow
  /** Rows to be written now, with journal rows to take away instead. */
  readonly folded: Folded | undefined
}

interface Folded {
  readonly records: readonly RowRecord[]
  /** First and last, both inclusive; one for each broker that they are of. */
  readonly ranges: readonly (readonly [JournalKey, JournalKey])[]
}

type RowKey = string | number | [string | number, number]

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
    default:
      return unreachable(record)
  }
}

export function isRowRecord(record: DurableRecord): record is RowRecord {
  return record.type !== 'batch' && record.type !== 'batchesDeleted'
}

/** One broker's journal. Commits are planned and written one after the other. */
export class Journal {
  readonly #epoch: number
  readonly #commitsMax: number
  #lastNumber: number
  #lastCommitId: number
  /** Since the rows were last written: the last record of each. */
  #pending: Map<string, RowRecord>
  #commitCount: number
  #recordCount: number
  /** The journal rows that hold them, up to the last. */
  #ranges: (readonly [JournalKey, JournalKey])[]

  /** @param rows all that are not folded yet, in their order, also those of earlier brokers */
  constructor(
    { epoch, commitsMax }: { epoch: number; commitsMax: number },
    rows: readonly (readonly [JournalKey, JournalRow])[],
  ) {
    this.#epoch = epoch
    this.#commitsMax = commitsMax
    this.#pending = new Map()
    this.#ranges = []
    this.#commitCount = rows.length
    this.#recordCount = 0
    this.#lastNumber = 0
    this.#lastCommitId = 0
    for (const [key, { commitId, records }] of rows) {
      this.#note(key, records)
      if (key[0] !== epoch) continue
      this.#lastNumber = key[1]
      this.#lastCommitId = commitId
    }
  }

  /** What it says that the rows do not, by the row's name. */
  get pending(): ReadonlyMap<string, RowRecord> {
    return this.#pending
  }

  /** How the next commit is written. Nothing is different before it is. */
  plan(records: readonly RowRecord[], { mayFold = true } = {}): JournalPlan {
    const key: JournalKey = [this.#epoch, this.#lastNumber + 1]
    this.#lastCommitId += 1
    const commitId = this.#lastCommitId
    const isFull =
      this.#commitCount >= this.#commitsMax || this.#recordCount + records.length > RECORDS_MAX
    if (!isFull || !mayFold) return { key, row: { commitId, records }, folded: undefined }
    const last = new Map(this.#pending)
    for (const record of records) last.set(nameOf(record), record)
    const folded = { records: [...last.values()], ranges: this.#ranges }
    return { key, row: { commitId, records: [] }, folded }
  }

  /** It is on the disk. */
  written({ key, row, folded }: JournalPlan): void {
    this.#lastNumber = key[1]
    if (folded !== undefined) {
      this.#pending = new Map()
      this.#ranges = []
      this.#commitCount = 0
      this.#recordCount = 0
    }
    this.#commitCount += 1
    this.#note(key, row.records)
  }

  #note(key: JournalKey, records: readonly RowRecord[]): void {
    for (const record of records) this.#pending.set(nameOf(record), record)
    this.#recordCount += records.length
    const range = this.#ranges.at(-1)
    if (range?.[0][0] === key[0]) this.#ranges[this.#ranges.length - 1] = [range[0], key]
    else this.#ranges.push([key, key])
  }
}

/** The rows of a store as they are with what the journal says. */
export function overlaid<K extends RowKey, V>(
  store: StoredRow['store'],
  rows: readonly (readonly [K, V])[],
  changes: ReadonlyMap<string, RowRecord>,
): (readonly [K, V])[] {
  const changed = new Map<string, StoredRow>()
  for (const record of changes.values()) {
    const row = rowOf(record)
    if (row.store === store) changed.set(textOf(row.key), row)
  }
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
