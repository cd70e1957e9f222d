/** What a handler returns for the store that its progress is one with, checked and encoded. */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { TabmqError } from '../../protocol/errors.js'
import { STORE_REQUEST_ENTRIES_MAX } from '../../protocol/limits.js'
import { describe, type StoreName } from '../../protocol/names.js'
import type { StoreWrite } from '../../protocol/requests/stores.js'
import { checkNoOthers, checkObject, invalidOption } from '../check-options.js'
import { checkStoreKey } from './store-keys.js'
import { encodeValue } from './store-values.js'

/**
 * Changes of a store.
 *
 * @example
 * { puts: { [account]: balance + 1 }, deletes: ['draft'] }
 */
export interface StoreChanges {
  /** By key: an object, a Map, or a list of pairs. */
  readonly puts?: Readonly<Record<string, unknown>> | Iterable<readonly [string, unknown]>
  readonly deletes?: Iterable<string>
}

/** What several messages change, in the order in which it was said: of a key the last counts. */
export class MergedChanges {
  readonly #store: StoreName
  readonly #byKey = new Map<string, ArrayBuffer | null>()
  #bytes = 0

  constructor(store: StoreName) {
    this.#store = store
  }

  /** Whether more can go into the same request: one's own changes always can. */
  hasRoomFor(write: StoreWrite | undefined): boolean {
    if (write === undefined || this.#byKey.size === 0) return true
    const count = this.#byKey.size + countOf(write)
    const isTooMuch = this.#bytes + bytesOf(write) > REQUEST_BYTES_MAX
    return count <= STORE_REQUEST_ENTRIES_MAX && !isTooMuch
  }

  add(write: StoreWrite | undefined): void {
    if (write === undefined) return
    this.#bytes += bytesOf(write)
    for (const { key, value } of write.puts) this.#byKey.set(key, value)
    for (const key of write.deletes) this.#byKey.set(key, null)
  }

  /** Nothing when nothing changes. */
  toWrite(): StoreWrite | undefined {
    if (this.#byKey.size === 0) return undefined
    const puts = [...this.#byKey].flatMap(([key, value]) =>
      value === null ? [] : [{ key, value }],
    )
    const deletes = [...this.#byKey].flatMap(([key, value]) => (value === null ? [key] : []))
    return { store: this.#store, puts, deletes }
  }
}

/** Values that go into one request besides the first's. */
export const REQUEST_BYTES_MAX = 8 * 1024 * 1024

export function countOf({ puts, deletes }: StoreWrite): number {
  return puts.length + deletes.length
}

export function bytesOf({ puts }: StoreWrite): number {
  return puts.reduce((sum, { value }) => sum + value.byteLength, 0)
}

/**
 * Nothing for undefined, and for changes that are none.
 * @throws TabmqError INVALID_CONFIG, SERIALIZATION_FAILED, MESSAGE_TOO_LARGE
 */
export function encodeChanges(
  codecs: CodecRegistry,
  store: StoreName,
  changes: unknown,
): StoreWrite | undefined {
  if (changes === undefined || changes === null) return undefined
  checkObject('what is returned for the store', changes)
  checkNoOthers('what is returned for the store', changes, ['puts', 'deletes'])
  const { puts = {}, deletes = [] } = changes as StoreChanges
  checkObject('puts', puts)
  const values = new Map<string, ArrayBuffer>()
  for (const pair of pairsOf(puts)) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw invalidOption('puts', pair, 'an object, or pairs of a key and a value')
    }
    const [key, value] = pair as readonly unknown[]
    const checked = checkStoreKey('puts', key)
    values.set(checked, encodeValue(codecs, checked, value))
  }
  const gone = new Set<string>()
  if (typeof deletes === 'string' || !isIterable(deletes)) {
    throw invalidOption('deletes', deletes, 'a list of keys')
  }
  for (const key of deletes) gone.add(checkStoreKey('deletes', key))
  const both = [...gone].find((key) => values.has(key))
  if (both !== undefined) {
    const message = `${describe(both)} is both put and deleted`
    throw new TabmqError('INVALID_CONFIG', message, { option: 'deletes', key: both })
  }
  const count = values.size + gone.size
  if (count > STORE_REQUEST_ENTRIES_MAX) {
    const expected = `changes of at most ${STORE_REQUEST_ENTRIES_MAX} keys`
    throw invalidOption('puts', count, expected)
  }
  if (count === 0) return undefined
  const entries = [...values].map(([key, value]) => ({ key, value }))
  return { store, puts: entries, deletes: [...gone] }
}

function pairsOf(puts: object): Iterable<unknown> {
  return isIterable(puts) ? puts : Object.entries(puts)
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>>)?.[Symbol.iterator] === 'function'
}
