/**
 * Reading a store: its rows, and over them what the journal says of the same keys and has not written out.
 * Values are read as far as they are wanted and kept by nobody.
 */
import type { StorePage } from '../src/broker/ports.js'
import type { StoreEntry, StoreReadRequest } from '../src/protocol/requests/stores.js'
import type { StoreEntryRecord } from './indexeddb-journal-row.js'
import type { JournalPlan } from './indexeddb-journal.js'
import type { ChangedEntries, EntryRange } from './indexeddb-pending-entries.js'
import { entriesBetween, type Database } from './indexeddb-schema.js'
import { unlessAborted } from './indexeddb-transaction.js'

const ROWS_AT_ONCE = 16
const ROWS_AT_ONCE_MAX = 512
/** Beyond so many bytes of values no more are read at once than before. */
const BYTES_AT_ONCE = 1024 * 1024

/** Rows in the order of their keys. */
export interface EntryRows {
  readonly entries: readonly StoreEntry[]
  /** Whether there are more that were not read. */
  readonly isCut: boolean
}

/**
 * The first rows of the range, and one more than is wanted; those of which something else is known do not
 * count, since they may be no more.
 */
export function readEntries(
  database: Database,
  range: StoreReadRequest,
  uncounted: ReadonlySet<string>,
): Promise<EntryRows> {
  const transaction = database.transaction(['storeEntries'])
  return unlessAborted(
    transaction,
    readRows(transaction.objectStore('storeEntries'), range, uncounted),
  )
}

/** As much of an object store as is needed here. */
interface Entries {
  getAllKeys(range: IDBKeyRange, count: number): Promise<(readonly [string, string])[]>
  getAll(range: IDBKeyRange, count: number): Promise<ArrayBuffer[]>
}

async function readRows(
  rows: Entries,
  { store, from, to, limit, maxBytes }: StoreReadRequest,
  uncounted: ReadonlySet<string>,
): Promise<EntryRows> {
  const entries: StoreEntry[] = []
  let counted = 0
  let countedBytes = 0
  let atOnce = Math.min(limit + 1 + uncounted.size, ROWS_AT_ONCE)
  let next = from
  for (;;) {
    const range = entriesBetween(store, next, to)
    if (range === undefined) return { entries, isCut: false }
    const [keys, values] = await Promise.all([
      rows.getAllKeys(range, atOnce),
      rows.getAll(range, atOnce),
    ])
    let bytes = 0
    for (const [index, [, key]] of keys.entries()) {
      const value = values[index] ?? new ArrayBuffer(0)
      bytes += value.byteLength
      entries.push({ key, value })
      if (uncounted.has(key)) continue
      counted += 1
      countedBytes += value.byteLength
      if (counted > limit || (counted > 1 && countedBytes > maxBytes)) {
        return { entries, isCut: true }
      }
    }
    if (keys.length < atOnce) return { entries, isCut: false }
    next = after(entries.at(-1)?.key ?? next)
    if (bytes < BYTES_AT_ONCE) atOnce = Math.min(atOnce * 2, ROWS_AT_ONCE_MAX)
  }
}

/** What a commit says of the entries in a range, in its journal row or as rows at once; the last counts. */
export function entriesOfPlan(plan: JournalPlan, range: EntryRange): readonly StoreEntryRecord[] {
  const { rows, entries, folded } = plan
  const records = [
    ...entries,
    ...rows.flatMap(([, row]) => row.records),
    ...(folded?.records ?? []),
  ]
  return records.filter(
    (record): record is StoreEntryRecord =>
      record.type === 'storeEntry' && record.store === range.store && isWithin(record.key, range),
  )
}

/** What the journal says, or what was written out of it, once a commit is written. */
export function entriesAfter(
  journaled: ChangedEntries,
  plan: JournalPlan,
  range: EntryRange,
): ChangedEntries {
  const isCleared = plan.entries.some(
    (record) => record.type === 'storeCleared' && record.store === range.store,
  )
  const { folded, rows } = plan
  // What was written out says all that the journal said; what is a row at once was not in the journal.
  const before = isCleared || folded !== undefined ? [] : journaled
  const said = folded?.records ?? rows.flatMap(([, row]) => row.records)
  const after = new Map(before)
  for (const record of said) {
    if (record.type !== 'storeEntry' || record.store !== range.store) continue
    if (isWithin(record.key, range)) after.set(record.key, record.value)
  }
  return after
}

/** The first entries of a range: rows, with what is known besides laid over them. */
export function pageOf(
  { entries: rows, isCut }: EntryRows,
  changes: ChangedEntries,
  { limit, maxBytes }: StoreReadRequest,
): StorePage {
  const lastRow = rows.at(-1)?.key
  const all = rows.filter(({ key }) => !changes.has(key))
  for (const [key, value] of changes) {
    // What comes behind rows that were not read comes with them.
    const isBehind = isCut && lastRow !== undefined && key > lastRow
    // Its buffer is the journal's own.
    if (value !== null && !isBehind) all.push({ key, value: value.slice(0) })
  }
  const entries: StoreEntry[] = []
  let bytes = 0
  for (const entry of all.sort(byKey)) {
    bytes += entry.value.byteLength
    const isFull = entries.length >= limit || bytes > maxBytes
    if (entries.length > 0 && isFull) return { entries, hasMore: true }
    entries.push(entry)
  }
  return { entries, hasMore: isCut }
}

function isWithin(key: string, { from, to }: EntryRange): boolean {
  return key >= from && (to === undefined || key < to)
}

/** The next key that there can be. */
function after(key: string): string {
  return `${key}\u0000`
}

function byKey(a: StoreEntry, b: StoreEntry): number {
  return a.key < b.key ? -1 : Number(a.key > b.key)
}
