/** Stores of keys and values: entries read, changed and watched. */
import type { StoreName } from '../names.js'
import type { Api, Empty } from './api.js'

export interface StoreApis {
  /** Entries in the order of their keys, as far as they are durable. */
  storeRead: Api<StoreReadRequest, { entries: readonly StoreEntry[]; hasMore: boolean }>
  storeWrite: Api<StoreWrite, Empty>
  /** Deletes a store with all that is in it. */
  storeClear: Api<{ store: StoreName }, Empty>
  /** Tells of changes by `storeChanged`, from those on that are durable after the answer. */
  storeWatch: Api<{ watchId: string; store: StoreName; prefix: string }, Empty>
  storeUnwatch: Api<{ watchId: string }, Empty>
  listStores: Api<Empty, { stores: readonly StoreListing[] }>
}

/** Changes of one store; no key is named twice. */
export interface StoreWrite {
  readonly store: StoreName
  readonly puts: readonly StoreEntry[]
  readonly deletes: readonly string[]
}

/** The value as a tab has encoded it: the broker sees bytes. */
export interface StoreEntry {
  readonly key: string
  readonly value: ArrayBuffer
}

export interface StoreReadRequest {
  readonly store: StoreName
  /** The first key, and the first that is not wanted any more; absent for the end of the store. */
  readonly from: string
  readonly to?: string
  readonly limit: number
  /** Beyond the first entry. */
  readonly maxBytes: number
}

/** What has changed in a store since the last time; of a key the last change. */
export interface StoreNews {
  /** Null for a key that is gone. */
  readonly changes: readonly { readonly key: string; readonly value: ArrayBuffer | null }[]
  /** More has changed than is kept, or nobody knows what: it is to be read anew. */
  readonly isReset: boolean
}

/** What `admin.listStores` lists. */
export interface StoreListing {
  readonly store: string
}
