/**
 * The Storage port over IndexedDB: the disk format that ARCHITECTURE.md describes, one transaction
 * per commit, nothing acknowledged before its transaction completed. What it keeps itself is which
 * database it loaded, the broker epoch that it raised then, and the end of the journal
 * (indexeddb-journal.ts).
 */
import type {
  BatchRange,
  Durability,
  Storage,
  StoredState,
  StorePage,
} from '../src/broker/ports.js'
import type { DurableRecord } from '../src/broker/records.js'
import { hasCode, TabmqError } from '../src/protocol/errors.js'
import { needsSpace } from '../src/broker/records.js'
import type { StorageEstimate } from '../src/protocol/requests/cluster.js'
import type { StoreReadRequest } from '../src/protocol/requests/stores.js'
import { copyOf, takenFromRow } from './indexeddb-batch-rows.js'
import { mergeBatches, readRows } from './indexeddb-batches.js'
import { commitRecords, releaseSpace, touchesBatches, touchesEntries } from './indexeddb-commit.js'
import { IndexedDbConnection } from './indexeddb-connection.js'
import { findKept, type Deletion } from './indexeddb-deletions.js'
import { entriesAfter, entriesOfPlan, pageOf, readEntries } from './indexeddb-entries.js'
import { ignore } from './indexeddb-errors.js'
import type { BatchesDeleted } from './indexeddb-journal-row.js'
import {
  journaledAfter,
  JOURNAL_LIMITS,
  type Changes,
  type Journal,
  type JournalLimits,
  type JournalPlan,
} from './indexeddb-journal.js'
import { checkIdentity, loadState, type Identity } from './indexeddb-load.js'
import { freeSpace, newReserve } from './indexeddb-reserve.js'
import type { Database } from './indexeddb-schema.js'

export interface IndexedDbStorageOptions {
  /** The broker's name; the database is `tabmq:` and this. */
  readonly name: string
  /** The id of the first partition, should the database be a new one; 1 by default. */
  readonly firstPartitionId?: number
  /** What the journal takes before it is written out (indexeddb-journal.ts). */
  readonly journalLimits?: Partial<JournalLimits>
  /** Told when the connection was cut and a new one could not be had or was cut again. */
  readonly onLost?: (error: TabmqError) => void
}

interface Writing<T> {
  readonly doing: string
  readonly transact: (database: Database) => Promise<T>
}

export class IndexedDbStorage implements Storage {
  readonly #connection: IndexedDbConnection
  readonly #options: IndexedDbStorageOptions
  /** Undefined before it has loaded. */
  #own: Identity | undefined
  #journal: Journal | undefined
  #hasReserve = false
  /** The commit that is being written. */
  #underWay: { readonly plan: JournalPlan; readonly isWritten: Promise<boolean> } | undefined
  /** How many commits are under way or wait for those before them, and the end of the last. */
  #commitCount = 0
  #lastCommit: Promise<void> = Promise.resolve()

  private constructor(connection: IndexedDbConnection, options: IndexedDbStorageOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** @throws TabmqError STORAGE_BLOCKED, STORAGE_VERSION_TOO_NEW, STORAGE_FULL, STORAGE_ERROR */
  static async open(options: IndexedDbStorageOptions): Promise<IndexedDbStorage> {
    const { name, onLost } = options
    const connection = await IndexedDbConnection.open({
      name,
      onLost: (error) => onLost?.(error),
      async checkReopened(database) {
        const own = storage.#own
        if (own !== undefined) await checkIdentity(database, own)
      },
    })
    const storage: IndexedDbStorage = new IndexedDbStorage(connection, options)
    return storage
  }

  async load(): Promise<StoredState> {
    const { firstPartitionId = 1, journalLimits } = this.#options
    const limits = { ...JOURNAL_LIMITS, ...journalLimits }
    const load = { own: this.#own, firstPartitionId, journal: limits }
    const transact = (database: Database) => loadState(database, load)
    const { hasReserve, journal, ...state } = await this.#writeWithReserve(
      { doing: 'loading the stored state', transact },
      [],
    )
    const { databaseId, brokerEpoch } = state
    this.#own = { databaseId, brokerEpoch }
    this.#hasReserve = hasReserve
    this.#journal = journal
    return state
  }

  commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const done = this.#commitInTurn(records, durability)
    this.#lastCommit = done.catch(ignore)
    return done
  }

  /** At once when it can be: the worker may be about to die. */
  async #commitInTurn(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    this.#commitCount += 1
    try {
      if (this.#commitCount > 1) await this.#lastCommit
      await this.#commit(records, durability)
    } finally {
      this.#commitCount -= 1
    }
  }

  async #commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const journal = this.#journal
    if (journal === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'nothing can be committed before load()')
    }
    const deleted = records.filter((record) => record.type === 'batchesDeleted')
    const deletions = deleted.length === 0 ? [] : await this.#findKept(deleted)
    const changes = { records, kept: deletions.flatMap(({ kept }) => kept) }
    const carriesBatches = records.some(needsSpace)
    const reserve = carriesBatches && !this.#hasReserve ? newReserve() : undefined
    const write = async (plan: JournalPlan) => {
      const writing = {
        doing: 'a commit',
        transact: (db: Database) => commitRecords(db, { plan, durability, reserve }),
      }
      if (carriesBatches || plan.folded !== undefined) await this.#write(writing)
      else await this.#writeWithReserve(writing, deletions)
      if (carriesBatches) this.#hasReserve = true
      journal.written(plan)
    }
    await this.#writeFolded(journal, changes, (plan) => this.#noted(plan, write(plan)))
  }

  #findKept(records: readonly BatchesDeleted[]): Promise<readonly Deletion[]> {
    return this.#connection.run({
      mode: 'readonly',
      doing: 'looking for what is deleted',
      transact: (database) => findKept(database, records),
    })
  }

  /** What is written out now and then only may be what there is no space for. */
  async #writeFolded(
    journal: Journal,
    changes: Changes,
    write: (plan: JournalPlan) => Promise<void>,
  ): Promise<void> {
    for (const fold of journal.foldsFor(changes)) {
      try {
        return await write(journal.plan(changes, fold))
      } catch (error) {
        if (fold === 'nothing' || !hasCode(error, 'STORAGE_FULL')) throw error
        if (fold === 'all') journal.refused()
      }
    }
  }

  /** For those who read while it is under way. */
  async #noted(plan: JournalPlan, written: Promise<void>): Promise<void> {
    this.#underWay = {
      plan,
      isWritten: written.then(
        () => true,
        () => false,
      ),
    }
    try {
      await written
    } finally {
      this.#underWay = undefined
    }
  }

  async readBatches(range: BatchRange): Promise<ArrayBuffer[]> {
    const { partitionId } = range
    const { rows, journaled, underWay } = await this.#connection.run({
      mode: 'readonly',
      doing: 'reading batches',
      // What was written out by then is read, so what was not is taken first.
      transact: async (database) => {
        const found = [...(this.#journal?.batchesOf(partitionId) ?? [])]
        const commit = this.#underWay
        return {
          rows: await readRows(database, range, found),
          journaled: found,
          // Its rows are seen; what it puts into the journal belongs with them.
          underWay: commit !== undefined && touchesBatches(commit.plan) ? commit : undefined,
        }
      },
    })
    const isWritten = (await underWay?.isWritten) === true
    const all =
      isWritten && underWay !== undefined
        ? journaledAfter(journaled, underWay.plan, partitionId)
        : journaled
    const fromRows = new Set(rows.batches)
    return mergeBatches(rows, all, range).map((batch) =>
      fromRows.has(batch) ? takenFromRow(batch) : copyOf(batch.bytes),
    )
  }

  async readStore(range: StoreReadRequest): Promise<StorePage> {
    const { rows, journaled, underWay } = await this.#connection.run({
      mode: 'readonly',
      doing: 'reading a store',
      // As of batches: what was not written out by then is taken first.
      transact: async (database) => {
        const found = this.#journal?.entries.between(range) ?? new Map<string, ArrayBuffer | null>()
        const commit = this.#underWay
        const touching = commit !== undefined && touchesEntries(commit.plan) ? commit : undefined
        const changing = touching === undefined ? [] : entriesOfPlan(touching.plan, range)
        const changed = new Set([...found.keys(), ...changing.map(({ key }) => key)])
        return {
          rows: await readEntries(database, range, changed),
          journaled: found,
          underWay: touching,
        }
      },
    })
    const isWritten = (await underWay?.isWritten) === true
    const changes =
      isWritten && underWay !== undefined
        ? entriesAfter(journaled, underWay.plan, range)
        : journaled
    return pageOf(rows, changes, range)
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

  async close(): Promise<void> {
    while (this.#commitCount > 0) await this.#lastCommit
    await this.#connection.close()
  }

  /** Batches make room for nobody; what is small and has to go on spends the reserve. */
  async #writeWithReserve<T>(writing: Writing<T>, deletions: readonly Deletion[]): Promise<T> {
    try {
      return await this.#write(writing)
    } catch (error) {
      if (!hasCode(error, 'STORAGE_FULL')) throw error
      const free = { deletions, brokerEpoch: this.#own?.brokerEpoch }
      this.#hasReserve = false
      const transact = (database: Database) => freeSpace(database, free)
      await this.#write({ doing: 'freeing space', transact })
      return this.#write(writing)
    }
  }

  /** Starts its transaction before it first waits: the order of calls is the order of commits. */
  async #write<T>(writing: Writing<T>): Promise<T> {
    try {
      return await this.#connection.run({ mode: 'readwrite', ...writing })
    } catch (error) {
      if (!hasCode(error, 'STORAGE_FULL')) throw error
      await this.#releaseSpace()
      const { message, details, cause } = error
      throw new TabmqError('STORAGE_FULL', message, { ...details, ...(await this.#space()) }, cause)
    }
  }

  /** As far as the browser tells; some tell a quota that is not the real one. */
  async #space(): Promise<{ usageBytes?: number | undefined; quotaBytes?: number | undefined }> {
    try {
      const { usageBytes, quotaBytes } = await this.estimate()
      return { usageBytes, quotaBytes }
    } catch {
      return {}
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
