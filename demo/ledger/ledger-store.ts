/**
 * The ledger on disk: an IndexedDB database of the demo's own, one object store for the rows of all
 * tabs. A tab that has written a row tells the others through a BroadcastChannel.
 *
 * A page that goes away cannot wait for its last rows, and the browser may drop them. So it leaves
 * a copy in localStorage, which is written at once, and the next tab that looks puts it where it
 * belongs; the rows' own names keep those from being counted again that did arrive.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { LEDGER_DATABASE } from '../names.js'
import type { LedgerCountState } from './ledger-count.js'
import type { LedgerRow, NamedRow, StoredRow, SummaryRow } from './ledger-row.js'

interface Schema extends DBSchema {
  rows: { key: number; value: NamedRow | SummaryRow; indexes: { epoch: string; rowId: string } }
}

const TELL_INTERVAL_MS = 30
const LEFT_BEHIND = `${LEDGER_DATABASE}-left-behind:`

export class LedgerStore {
  readonly #database: IDBPDatabase<Schema>
  readonly #run: string
  readonly #channel = new BroadcastChannel(LEDGER_DATABASE)
  readonly #listeners = new Set<() => void>()
  readonly #underWay = new Map<string, NamedRow>()
  #rowNumber = 0
  #isTelling = false

  /** @param run names this life of the tab */
  static async open(run: string): Promise<LedgerStore> {
    const database = await openDB<Schema>(LEDGER_DATABASE, 1, {
      upgrade(database) {
        const rows = database.createObjectStore('rows', {
          keyPath: 'position',
          autoIncrement: true,
        })
        rows.createIndex('epoch', 'epoch')
        rows.createIndex('rowId', 'rowId', { unique: true })
      },
    })
    return new LedgerStore(database, run)
  }

  private constructor(database: IDBPDatabase<Schema>, run: string) {
    this.#database = database
    this.#run = run
    this.#channel.onmessage = () => this.#tellListeners()
    addEventListener('storage', ({ key }) => {
      if (key?.startsWith(LEFT_BEHIND) === true) this.#tellListeners()
    })
  }

  /** Writes a row; resolves when it is on disk. */
  async append(row: LedgerRow): Promise<void> {
    const rowId = `${this.#run}.${this.#rowNumber++}`
    const named = { ...row, rowId }
    this.#underWay.set(rowId, named)
    const transaction = this.#database.transaction('rows', 'readwrite', { durability: 'relaxed' })
    const added = transaction.store.add(named)
    transaction.commit()
    await Promise.all([added, transaction.done])
    this.#underWay.delete(rowId)
    this.#tellListeners()
    this.#tellOthers()
  }

  /** The page goes away: what is not on disk yet is left to the next tab. */
  leave(): void {
    if (this.#underWay.size === 0) return
    localStorage.setItem(LEFT_BEHIND + this.#run, JSON.stringify([...this.#underWay.values()]))
  }

  /** Writes the rows that tabs left behind. */
  async adopt(): Promise<void> {
    for (const key of Object.keys(localStorage).filter((one) => one.startsWith(LEFT_BEHIND))) {
      const rows = JSON.parse(localStorage.getItem(key) ?? '[]') as NamedRow[]
      const transaction = this.#database.transaction('rows', 'readwrite')
      const byId = transaction.store.index('rowId')
      for (const row of rows) {
        if ((await byId.getKey(row.rowId)) === undefined) await transaction.store.add(row)
      }
      await transaction.done
      localStorage.removeItem(key)
    }
  }

  /** Rows after a position, the oldest first, `limit` at the most. */
  async readAfter(position: number, limit: number): Promise<StoredRow[]> {
    const rows = await this.#database.getAll('rows', IDBKeyRange.lowerBound(position, true), limit)
    return rows as StoredRow[]
  }

  /** Puts in the place of all rows up to a position what they come to. */
  async summarize(position: number, epoch: string, state: LedgerCountState): Promise<void> {
    const transaction = this.#database.transaction('rows', 'readwrite', { durability: 'relaxed' })
    const summary = { kind: 'summary', position, epoch, state } as const
    await transaction.store.delete(IDBKeyRange.upperBound(position))
    await transaction.store.put({ ...summary, rowId: `summary.${position}` })
    await transaction.done
  }

  /** Deletes what belongs to topics that are no more. */
  async keepOnly(epoch: string): Promise<void> {
    const transaction = this.#database.transaction('rows', 'readwrite', { durability: 'relaxed' })
    const index = transaction.store.index('epoch')
    const keys = await Promise.all([
      index.getAllKeys(IDBKeyRange.upperBound(epoch, true)),
      index.getAllKeys(IDBKeyRange.lowerBound(epoch, true)),
    ])
    await Promise.all(keys.flat().map((key) => transaction.store.delete(key)))
    await transaction.done
  }

  /** Calls back whenever a tab, this one included, has written something. */
  onAppended(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** At ten thousand messages a second there are a hundred rows: the others need not hear of each. */
  #tellOthers(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    setTimeout(() => {
      this.#isTelling = false
      this.#channel.postMessage('appended')
    }, TELL_INTERVAL_MS)
  }

  #tellListeners(): void {
    for (const listener of this.#listeners) listener()
  }
}
