/** Entries of stores that are in the journal and not yet rows, in memory: what was said last of each key. */
import type { StoreName } from '../src/protocol/names.js'
import type { StoreReadRequest } from '../src/protocol/requests/stores.js'
import type { StoreEntryRecord } from './indexeddb-journal-row.js'

/** By key; null for what is gone. */
export type ChangedEntries = ReadonlyMap<string, ArrayBuffer | null>
export type EntryRange = Pick<StoreReadRequest, 'store' | 'from' | 'to'>

export class PendingEntries {
  readonly #stores: Map<StoreName, Map<string, StoreEntryRecord>>
  #byteLength = 0

  constructor(stores = new Map<StoreName, Map<string, StoreEntryRecord>>()) {
    this.#stores = stores
  }

  /** What the journal has of values, those that were replaced included. */
  get byteLength(): number {
    return this.#byteLength
  }

  copy(): PendingEntries {
    return new PendingEntries(
      new Map([...this.#stores].map(([store, entries]) => [store, new Map(entries)])),
    )
  }

  /** Those of which something is said. */
  stores(): Iterable<StoreName> {
    return this.#stores.keys()
  }

  has({ store, key }: Pick<StoreEntryRecord, 'store' | 'key'>): boolean {
    return this.#stores.get(store)?.has(key) === true
  }

  put(record: StoreEntryRecord): void {
    const entries = this.#stores.get(record.store) ?? new Map<string, StoreEntryRecord>()
    if (entries.size === 0) this.#stores.set(record.store, entries)
    entries.set(record.key, record)
    this.#byteLength += record.value?.byteLength ?? 0
  }

  clear(store: StoreName): void {
    this.#stores.delete(store)
  }

  between({ store, from, to }: EntryRange): ChangedEntries {
    const found = new Map<string, ArrayBuffer | null>()
    for (const [key, { value }] of this.#stores.get(store) ?? []) {
      if (key >= from && (to === undefined || key < to)) found.set(key, value)
    }
    return found
  }

  /** How they are written out. */
  records(): StoreEntryRecord[] {
    return [...this.#stores.values()].flatMap((entries) => [...entries.values()])
  }
}
