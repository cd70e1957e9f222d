/**
 * Which stores there are: their names and nothing of what is in them, which is on the disk alone. A store
 * begins with its first entry and ends when it is cleared; one that lost its last entry in another way
 * is forgotten with the broker.
 */
import type { StoreName } from '../../protocol/names.js'
import type { StoreListing } from '../../protocol/requests/stores.js'
import type { StoreRecord } from '../records.js'

export class StoreRegistry {
  readonly #names = new Set<StoreName>()

  get count(): number {
    return this.#names.size
  }

  has(store: StoreName): boolean {
    return this.#names.has(store)
  }

  /** In the order of their names. */
  list(): StoreListing[] {
    return [...this.#names].sort().map((store) => ({ store }))
  }

  restore(names: Iterable<StoreName>): void {
    for (const store of names) this.#names.add(store)
  }

  replay(record: StoreRecord): void {
    if (record.type === 'storeCleared') this.#names.delete(record.store)
    else if (record.value !== null) this.#names.add(record.store)
  }
}
