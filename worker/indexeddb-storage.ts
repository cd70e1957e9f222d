/**
 * The Storage port over IndexedDB: the disk format that ARCHITECTURE.md describes, one transaction
 * per commit, nothing acknowledged before its transaction completed. It holds no rows and no batches
 * itself; the only state is which database it loaded and the broker epoch that it raised then, which
 * every commit compares with the stored one inside its own transaction.
 */
import type { BatchRange, Durability, Storage, StoredState } from '../src/broker/ports.js'
import type { DurableRecord } from '../src/broker/records.js'
import { hasCode, type TabmqError } from '../src/protocol/errors.js'
import type { StorageEstimate } from '../src/protocol/requests.js'
import { readBatches } from './indexeddb-batches.js'
import { commitRecords, releaseSpace } from './indexeddb-commit.js'
import { IndexedDbConnection } from './indexeddb-connection.js'
import { checkIdentity, loadState, type Identity } from './indexeddb-load.js'
import type { Database } from './indexeddb-schema.js'

export interface IndexedDbStorageOptions {
  /** The broker's name; the database is `tabmq:` and this. */
  readonly name: string
  /** The id of the first partition, should the database be a new one; 1 by default. */
  readonly firstPartitionId?: number
  /** Told when the connection was cut and a new one could not be had or was cut again. */
  readonly onLost?: (error: TabmqError) => void
}

export class IndexedDbStorage implements Storage {
  readonly #connection: IndexedDbConnection
  readonly #firstPartitionId: number
  /** Undefined before it has loaded. */
  #own: Identity | undefined

  private constructor(connection: IndexedDbConnection, firstPartitionId: number) {
    this.#connection = connection
    this.#firstPartitionId = firstPartitionId
  }

  /** @throws TabmqError STORAGE_BLOCKED, STORAGE_VERSION_TOO_NEW, STORAGE_FULL, STORAGE_ERROR */
  static async open(options: IndexedDbStorageOptions): Promise<IndexedDbStorage> {
    const { name, firstPartitionId = 1, onLost } = options
    const connection = await IndexedDbConnection.open({
      name,
      onLost: (error) => onLost?.(error),
      async checkReopened(database) {
        const own = storage.#own
        if (own !== undefined) await checkIdentity(database, own)
      },
    })
    const storage: IndexedDbStorage = new IndexedDbStorage(connection, firstPartitionId)
    return storage
  }

  async load(): Promise<StoredState> {
    const load = { own: this.#own, firstPartitionId: this.#firstPartitionId }
    const state = await this.#write('loading the stored state', (database) =>
      loadState(database, load),
    )
    const { databaseId, brokerEpoch } = state
    this.#own = { databaseId, brokerEpoch }
    return state
  }

  commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const brokerEpoch = this.#own?.brokerEpoch
    return this.#write('a commit', (database) =>
      commitRecords(database, { records, durability, brokerEpoch }),
    )
  }

  readBatches(range: BatchRange): Promise<ArrayBuffer[]> {
    return this.#connection.run({
      mode: 'readonly',
      doing: 'reading batches',
      transact: (database) => readBatches(database, range),
    })
  }

  async estimate(): Promise<StorageEstimate> {
    this.#connection.throwIfClosed()
    const manager = storageManager()
    // Both are hints to be shown, so a browser that refuses to tell is no error.
    const [estimate, persisted] = await Promise.allSettled([
      manager?.estimate?.(),
      manager?.persisted?.(),
    ])
    const numbers = estimate.status === 'fulfilled' ? estimate.value : undefined
    return {
      usageBytes: numbers?.usage,
      quotaBytes: numbers?.quota,
      persisted: persisted.status === 'fulfilled' ? persisted.value : undefined,
    }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /** Starts its transaction before it first waits: the order of calls is the order of commits. */
  async #write<T>(doing: string, transact: (database: Database) => Promise<T>): Promise<T> {
    try {
      return await this.#connection.run({ mode: 'readwrite', doing, transact })
    } catch (error) {
      if (hasCode(error, 'STORAGE_FULL')) await this.#releaseSpace()
      throw error
    }
  }

  async #releaseSpace(): Promise<void> {
    try {
      const doing = 'releasing space'
      await this.#connection.run({ mode: 'readwrite', doing, transact: releaseSpace })
    } catch {
      // The error that brought us here is the one to be told.
    }
  }
}

/** Absent outside a secure context and in Node, whatever the types say. */
function storageManager(): Partial<StorageManager> | undefined {
  const host: { readonly navigator?: { readonly storage?: Partial<StorageManager> } } = globalThis
  return host.navigator?.storage
}
