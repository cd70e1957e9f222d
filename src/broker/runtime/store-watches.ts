/**
 * Who is to hear of changes in stores. A watch is told what is durable, and of a key what was said last;
 * the next news is not sent before the last is taken, and what comes meanwhile is kept up to a limit.
 * Beyond it, and when nobody can say what has changed, the tab is told to read anew.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { StoreName } from '../../protocol/names.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import { assert } from '../../std/assert.js'
import type { StoreRecord } from '../records.js'
import type { Session } from './session.js'

interface StoreWatch {
  readonly session: Session
  readonly watchId: string
  readonly store: StoreName
  readonly prefix: string
  /** By key, what the tab has yet to hear. */
  changes: Map<string, ArrayBuffer | null>
  bytes: number
  isReset: boolean
  isPushing: boolean
}

export class StoreWatches {
  readonly #limits: BrokerLimits
  readonly #bySession = new Map<Session, Map<string, StoreWatch>>()
  readonly #byStore = new Map<StoreName, Set<StoreWatch>>()

  constructor(limits: BrokerLimits) {
    this.#limits = limits
  }

  /** How many there are, of all tabs. */
  get size(): number {
    let size = 0
    for (const watches of this.#byStore.values()) size += watches.size
    return size
  }

  /** @throws TabmqError THROTTLING_QUOTA_EXCEEDED */
  open(session: Session, { watchId, store, prefix }: RequestOf<'storeWatch'>): void {
    const ofSession = this.#bySession.get(session) ?? new Map<string, StoreWatch>()
    const { sessionStoreWatchesMax } = this.#limits
    if (!ofSession.has(watchId) && ofSession.size >= sessionStoreWatchesMax) {
      throw new TabmqError(
        'THROTTLING_QUOTA_EXCEEDED',
        `this tab watches stores ${sessionStoreWatchesMax} times, the most there may be`,
        { sessionStoreWatchesMax },
      )
    }
    this.close(session, watchId)
    const news = { changes: new Map(), bytes: 0, isReset: false, isPushing: false }
    const watch: StoreWatch = { session, watchId, store, prefix, ...news }
    this.#bySession.set(session, ofSession.set(watchId, watch))
    this.#byStore.set(store, (this.#byStore.get(store) ?? new Set()).add(watch))
  }

  close(session: Session, watchId: string): void {
    const ofSession = this.#bySession.get(session)
    const watch = ofSession?.get(watchId)
    if (ofSession === undefined || watch === undefined) return
    ofSession.delete(watchId)
    if (ofSession.size === 0) this.#bySession.delete(session)
    const ofStore = this.#byStore.get(watch.store)
    ofStore?.delete(watch)
    if (ofStore?.size === 0) this.#byStore.delete(watch.store)
  }

  sessionEnded(session: Session): void {
    for (const watchId of this.#bySession.get(session)?.keys() ?? []) {
      this.close(session, watchId)
    }
  }

  /** These are durable now. */
  committed(records: readonly StoreRecord[]): void {
    if (this.#byStore.size === 0) return
    const told = new Set<StoreWatch>()
    for (const record of records) {
      for (const watch of this.#byStore.get(record.store) ?? []) {
        if (this.#note(watch, record)) told.add(watch)
      }
    }
    for (const watch of told) void this.#push(watch)
  }

  /** The state was loaded again: what of the last commits is there nobody can say. */
  everythingChanged(): void {
    for (const watches of this.#byStore.values()) {
      for (const watch of watches) {
        forget(watch)
        void this.#push(watch)
      }
    }
  }

  checkInvariants(): void {
    const ofSessions = [...this.#bySession.values()].flatMap((watches) => [...watches.values()])
    assert(ofSessions.length === this.size, () => 'watches of stores out of step')
    for (const watch of ofSessions) {
      assert(this.#byStore.get(watch.store)?.has(watch) === true, () => `watch ${watch.watchId}`)
    }
  }

  /** Whether there is news for it. */
  #note(watch: StoreWatch, record: StoreRecord): boolean {
    if (record.type === 'storeCleared') {
      forget(watch)
      return true
    }
    const { key, value } = record
    if (!key.startsWith(watch.prefix)) return false
    if (watch.isReset) return true
    watch.bytes += (value?.byteLength ?? 0) - (watch.changes.get(key)?.byteLength ?? 0)
    watch.changes.set(key, value)
    const { storeWatchChangesMax, storeWatchBytesMax } = this.#limits
    // A single one is always told: to read it would not take less.
    const isTooMuch = watch.changes.size > storeWatchChangesMax || watch.bytes > storeWatchBytesMax
    if (isTooMuch && watch.changes.size > 1) forget(watch)
    return true
  }

  async #push(watch: StoreWatch): Promise<void> {
    if (watch.isPushing) return
    const { session, watchId, isReset } = watch
    const changes = [...watch.changes].map(([key, value]) => ({ key, value }))
    watch.changes = new Map()
    watch.bytes = 0
    watch.isReset = false
    watch.isPushing = true
    await session.port.push({ push: 'storeChanged', watchId, changes, isReset }).catch(() => {
      // The tab could not take it; that it is gone comes by its lock.
    })
    watch.isPushing = false
    const isOpen = this.#bySession.get(session)?.get(watchId) === watch
    if (isOpen && (watch.isReset || watch.changes.size > 0)) void this.#push(watch)
  }
}

/** What it has yet to hear is too much, or not known. */
function forget(watch: StoreWatch): void {
  watch.changes.clear()
  watch.bytes = 0
  watch.isReset = true
}
