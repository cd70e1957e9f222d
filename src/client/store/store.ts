/** A store as the user sees it: keys and values beside the logs, kept by the broker. */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { STORE_KEY_LENGTH_MAX } from '../../protocol/limits.js'
import type { StoreName } from '../../protocol/names.js'
import type { ResponseOf } from '../../protocol/requests/request.js'
import {
  checkFunction,
  checkInteger,
  checkNoOthers,
  checkObject,
  invalidOption,
} from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { storesPart } from '../parts.js'
import { checkStoreKey, checkStoreName } from './store-keys.js'
import { decodeValue, encodeValue } from './store-values.js'
import type { StoreListener } from './store-watch.js'

export interface StoreParts {
  readonly host: ClientHost
  readonly connection: Connection
  readonly codecs: CodecRegistry
}

/** Which entries are wanted. */
export interface StoreEntriesOptions {
  /** Only keys that begin so. */
  readonly prefix?: string
  /** Only keys behind this one. */
  readonly after?: string
  /** At most so many. Default: all. */
  readonly limit?: number
}

/** Options of {@link Store.watch}. */
export interface StoreWatchOptions {
  /** Only keys that begin so. */
  readonly prefix?: string
}

/**
 * Keys and values, made by `mq.store(name)`; it begins with its first entry. Keys are strings of 1 to 1,024
 * characters, values whatever the structured codec takes, up to 1 MiB each. Every tab sees the same, and of
 * it what is durable: a `get` after an awaited `put` finds it.
 *
 * A read, a decision and a write are three steps: two tabs that count up one key at the same time lose
 * one of the counts. What belongs to messages is safe with `transactionalStore`.
 *
 * @example
 * const balances = mq.store('balances')
 * await balances.put('anna', 12)
 * await balances.get('anna') // 12
 */
export class Store {
  /** As it was given to `mq.store`. */
  readonly name: string
  readonly #parts: StoreParts
  readonly #store: StoreName

  constructor(parts: StoreParts, name: string) {
    this.#parts = parts
    this.#store = checkStoreName('store', name)
    this.name = name
  }

  /**
   * The value, or undefined where there is none.
   * @throws TabmqError INVALID_CONFIG, UNSUPPORTED_CODEC, BROKER_UNAVAILABLE
   */
  async get(key: string): Promise<unknown> {
    const from = checkStoreKey('key', key)
    const { entries } = await this.#read({ from, to: nextKey(from), limit: 1 })
    const [entry] = entries
    return entry === undefined ? undefined : decodeValue(this.#parts.codecs, key, entry.value)
  }

  /**
   * Resolves when it is durable. When the broker dies meanwhile it is sent again.
   * @throws TabmqError INVALID_CONFIG, SERIALIZATION_FAILED, MESSAGE_TOO_LARGE, POLICY_VIOLATION (there are
   *   too many stores), STORAGE_FULL
   */
  async put(key: string, value: unknown): Promise<void> {
    const checked = checkStoreKey('key', key)
    const encoded = encodeValue(this.#parts.codecs, checked, value)
    await this.#write([{ key: checked, value: encoded }], [])
  }

  /** @throws TabmqError INVALID_CONFIG */
  async delete(key: string): Promise<void> {
    await this.#write([], [checkStoreKey('key', key)])
  }

  /**
   * Entries in the order of their keys, as pairs: `new Map(await store.entries())`. What is changed while
   * a large store is being read may be among them or not.
   * @throws TabmqError INVALID_CONFIG, UNSUPPORTED_CODEC
   */
  async entries(options: StoreEntriesOptions = {}): Promise<[key: string, value: unknown][]> {
    checkObject('entries', options)
    checkNoOthers('entries', options, ['prefix', 'after', 'limit'])
    const { after, limit } = options
    const prefix = checkPrefix(options.prefix)
    if (limit !== undefined) checkInteger('limit', limit, { min: 1 })
    const behind = after === undefined ? '' : nextKey(checkStoreKey('after', after))
    const from = behind > prefix ? behind : prefix
    const { readEntries } = storesPart.loaded ?? (await storesPart.load())
    return readEntries(this.#parts, this.#store, { from, to: endOf(prefix), limit })
  }

  /** Deletes all that is in it. */
  async clear(): Promise<void> {
    const request = { api: 'storeClear', store: this.#store } as const
    await this.#parts.connection.call(request, { isRepeatable: true })
  }

  /**
   * Tells what there is, and then what changes, whoever changes it. Resolves, with a function that ends it,
   * when the listener has been called for the first time. A tab that is too slow for all changes is told
   * the last of each key; after the broker's death, and when too much has changed, it is told all there is
   * anew.
   * @throws TabmqError INVALID_CONFIG, THROTTLING_QUOTA_EXCEEDED (too many watches), BROKER_UNAVAILABLE
   *
   * @example
   * const stop = await balances.watch(({ changes, isWhole }) => {
   *   if (isWhole) shown.clear()
   *   for (const [key, value] of changes) shown.set(key, value)
   * })
   */
  async watch(listener: StoreListener, options: StoreWatchOptions = {}): Promise<() => void> {
    checkFunction('listener', listener)
    checkObject('watch', options)
    checkNoOthers('watch', options, ['prefix'])
    const prefix = checkPrefix(options.prefix)
    const { readEntries, StoreWatch } = storesPart.loaded ?? (await storesPart.load())
    const read = () => readEntries(this.#parts, this.#store, { from: prefix, to: endOf(prefix) })
    const watch = new StoreWatch(this.#parts, { store: this.#store, prefix, listener, read })
    await watch.begin()
    return () => watch.end()
  }

  #read(range: { from: string; to: string; limit: number }): Promise<ResponseOf<'storeRead'>> {
    const request = { api: 'storeRead', store: this.#store, maxBytes: 1, ...range } as const
    return this.#parts.connection.call(request, { isRepeatable: true })
  }

  async #write(puts: { key: string; value: ArrayBuffer }[], deletes: string[]): Promise<void> {
    const request = { api: 'storeWrite', store: this.#store, puts, deletes } as const
    await this.#parts.connection.call(request, { isRepeatable: true })
  }
}

/** @throws TabmqError INVALID_CONFIG */
function checkPrefix(prefix: unknown = ''): string {
  if (typeof prefix === 'string' && prefix.length <= STORE_KEY_LENGTH_MAX) return prefix
  throw invalidOption('prefix', prefix, `a string of at most ${STORE_KEY_LENGTH_MAX} characters`)
}

/** The next key that there can be. */
export function nextKey(key: string): string {
  return `${key}\u0000`
}

/** The first key behind all that begin so; none where that is the end of all keys. */
function endOf(prefix: string): string | undefined {
  const last = prefix.charCodeAt(prefix.length - 1)
  if (prefix === '') return undefined
  const before = prefix.slice(0, -1)
  return last === 0xffff ? endOf(before) : before + String.fromCharCode(last + 1)
}
