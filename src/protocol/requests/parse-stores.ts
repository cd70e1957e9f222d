/**
 * Requests about stores, as they come over a port, and changes of one, which other requests bring
 * along.
 */
import { TabmqError } from '../errors.js'
import { Fields } from '../fields.js'
import { ID_LENGTH_MAX, STORE_KEY_LENGTH_MAX, type BrokerLimits } from '../limits.js'
import { describe, parseStoreKey, parseStoreName } from '../names.js'
import type { ParsersOf } from './api.js'
import { checkNamedOnce } from './distinct.js'
import type { StoreApis, StoreEntry, StoreWrite } from './stores.js'

export const STORE_PARSERS: ParsersOf<StoreApis> = {
  storeRead: (fields, limits) => ({
    api: 'storeRead',
    store: parseStoreName(fields.raw('store')),
    // What comes next after the longest key is longer by one.
    from: fields.string('from', STORE_KEY_LENGTH_MAX + 1),
    ...(fields.has('to') ? { to: fields.string('to', STORE_KEY_LENGTH_MAX + 1) } : {}),
    limit: fields.integer('limit', { min: 1, max: limits.storeRequestEntriesMax }),
    maxBytes: fields.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
  }),
  storeWrite: (fields, limits) => ({ api: 'storeWrite', ...parseStoreWrite(fields, limits) }),
  storeClear: (fields) => ({ api: 'storeClear', store: parseStoreName(fields.raw('store')) }),
  storeWatch: (fields) => ({
    api: 'storeWatch',
    watchId: fields.string('watchId', ID_LENGTH_MAX),
    store: parseStoreName(fields.raw('store')),
    prefix: fields.string('prefix', STORE_KEY_LENGTH_MAX),
  }),
  storeUnwatch: (fields) => ({
    api: 'storeUnwatch',
    watchId: fields.string('watchId', ID_LENGTH_MAX),
  }),
  listStores: () => ({ api: 'listStores' }),
}

export function parseStoreWrite(
  fields: Fields,
  { storeRequestEntriesMax, storeValueBytesMax }: BrokerLimits,
): StoreWrite {
  const store = parseStoreName(fields.raw('store'))
  const puts = fields.list('puts', storeRequestEntriesMax, (item, what): StoreEntry => {
    const entry = new Fields(what, item)
    const key = parseStoreKey(entry.raw('key'), `${what}.key`)
    return { key, value: entry.buffer('value') }
  })
  const deletes = fields.list('deletes', storeRequestEntriesMax, parseStoreKey)
  for (const { key, value } of puts) {
    if (value.byteLength <= storeValueBytesMax) continue
    throw new TabmqError(
      'MESSAGE_TOO_LARGE',
      `the value of ${describe(key)} has ${value.byteLength} bytes; ${storeValueBytesMax} are the most`,
      { store, key, valueBytes: value.byteLength, storeValueBytesMax },
    )
  }
  checkNamedOnce([...puts.map(({ key }) => key), ...deletes], 'key', 'key')
  return { store, puts, deletes }
}
