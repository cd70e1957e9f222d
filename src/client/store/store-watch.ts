/**
 * One watch of a store. It reads all there is, and from then on the broker tells what changes. When the
 * broker is another, when it has lost count, or when too much has changed at once, it reads anew.
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { CLIENT_DEFAULTS } from '../../protocol/limits.js'
import type { StoreName } from '../../protocol/names.js'
import type { StoreNews } from '../../protocol/requests/stores.js'
import { backoffMs } from '../retry-backoff.js'
import type { StoreParts } from './store.js'
import { decodeValue } from './store-values.js'

/** What a watch of a store tells. */
export interface StoreUpdate {
  /** Pairs of key and value, undefined for a key that is gone. */
  readonly changes: readonly (readonly [key: string, value: unknown])[]
  /** These are all there are: what is not among them is gone. */
  readonly isWhole: boolean
}

export type StoreListener = (update: StoreUpdate) => unknown

export interface StoreWatchTerms {
  readonly store: StoreName
  readonly prefix: string
  readonly listener: StoreListener
  /** All there is. */
  readonly read: () => Promise<[string, unknown][]>
}

export class StoreWatch {
  readonly #parts: StoreParts
  readonly #terms: StoreWatchTerms
  readonly #watchId: string
  readonly #stops: (() => void)[] = []
  /** What came while it read. */
  #early: (readonly [string, unknown])[] = []
  #isOpen = false
  #isReading = false
  /** What is being read is not all any more. */
  #isStale = false
  #isEnded = false
  #failures = 0
  #cancelRetry = () => {}

  constructor(parts: StoreParts, terms: StoreWatchTerms) {
    this.#parts = parts
    this.#terms = terms
    this.#watchId = parts.host.freshId()
  }

  /** Resolves when the listener was told what there is; what keeps it from that is thrown. */
  async begin(): Promise<void> {
    const { connection, host } = this.#parts
    await connection.connect()
    const { events } = connection
    this.#stops.push(
      events.on('push', (message) => {
        const isOurs = message.push === 'storeChanged' && message.watchId === this.#watchId
        if (isOurs) this.#onNews(message)
      }),
      events.on('connected', () => {
        this.#isOpen = false
        this.#readAnew()
      }),
      events.on('failed', ({ error }) => {
        this.end()
        host.reportError(error)
      }),
      events.on('closed', () => this.end()),
    )
    try {
      await this.#read()
    } catch (error) {
      this.end()
      throw error
    }
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    for (const stop of this.#stops) stop()
    this.#cancelRetry()
    const { connection } = this.#parts
    if (connection.isClosed || !this.#isOpen) return
    const request = { api: 'storeUnwatch', watchId: this.#watchId } as const
    connection.call(request, { isRepeatable: false }).catch(() => {
      // Without a broker there is no watch either.
    })
  }

  #onNews({ changes, isReset }: StoreNews): void {
    if (isReset) return this.#readAnew()
    const decoded = changes.flatMap(({ key, value }) => this.#decoded(key, value))
    if (this.#isReading) this.#early.push(...decoded)
    else this.#tell({ changes: decoded, isWhole: false })
  }

  #decoded(key: string, value: ArrayBuffer | null): (readonly [string, unknown])[] {
    if (value === null) return [[key, undefined]]
    try {
      return [[key, decodeValue(this.#parts.codecs, key, value)]]
    } catch (error) {
      this.#parts.host.reportError(error)
      return []
    }
  }

  #readAnew(): void {
    this.#isStale = true
    if (this.#isReading || this.#isEnded) return
    this.#cancelRetry()
    this.#read().catch((error: unknown) => this.#onFailed(error))
  }

  async #read(): Promise<void> {
    const { store, prefix, read } = this.#terms
    this.#isReading = true
    let entries: [string, unknown][] = []
    try {
      do {
        this.#isStale = false
        this.#early = []
        if (!this.#isOpen) {
          this.#isOpen = true
          const request = { api: 'storeWatch', watchId: this.#watchId, store, prefix } as const
          await this.#parts.connection.call(request, { isRepeatable: true })
        }
        entries = await read()
      } while (this.#isStale && !this.#isEnded)
    } catch (error) {
      this.#isOpen = false
      throw error
    } finally {
      this.#isReading = false
    }
    this.#failures = 0
    this.#tell({ changes: entries, isWhole: true })
    const changes = this.#early
    this.#early = []
    if (changes.length > 0) this.#tell({ changes, isWhole: false })
  }

  /** Another broker may die or be slow in its turn. */
  #onFailed(error: unknown): void {
    if (this.#isEnded) return
    // Without a broker there is nobody to ask; the next connection reads anew.
    if (hasCode(error, 'BROKER_UNAVAILABLE', 'STORAGE_LOST')) {
      if (this.#parts.connection.isConnected) this.#retryLater()
      return
    }
    if (error instanceof TabmqError && error.retriable) return this.#retryLater()
    this.end()
    this.#parts.host.reportError(error)
  }

  #retryLater(): void {
    const { host } = this.#parts
    this.#failures += 1
    const { reconnectBackoffMs: firstMs, reconnectBackoffMsMax: maxMs } = CLIENT_DEFAULTS
    const random = () => host.random()
    const waitMs = backoffMs(this.#failures, { firstMs, maxMs, random })
    this.#cancelRetry()
    this.#cancelRetry = host.setTimer(waitMs, () => this.#readAnew())
  }

  #tell(update: StoreUpdate): void {
    if (this.#isEnded) return
    try {
      const told: unknown = this.#terms.listener(update)
      if (told instanceof Promise)
        told.catch((error: unknown) => this.#parts.host.reportError(error))
    } catch (error) {
      this.#parts.host.reportError(error)
    }
  }
}
