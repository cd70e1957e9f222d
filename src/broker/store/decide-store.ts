/**
 * What changes in stores, by itself or together with a commit of offsets or an acknowledgement: then the
 * records of both go into one transaction, and state and progress never disagree.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { StoreName } from '../../protocol/names.js'
import type { StoreWrite } from '../../protocol/requests/stores.js'
import type { StoreRecord } from '../records.js'
import type { StoreRegistry } from './store-registry.js'

/**
 * The changes of one request, in their order.
 * @throws TabmqError POLICY_VIOLATION, INVALID_REQUEST when they are too many
 */
export function decideStoreWrites(
  stores: StoreRegistry,
  writes: readonly StoreWrite[],
  limits: BrokerLimits,
): StoreRecord[] {
  checkCount(writes, limits)
  checkStoresMax(stores, writes, limits)
  return writes.flatMap(({ store, puts, deletes }) => [
    ...puts.map(({ key, value }): StoreRecord => ({ type: 'storeEntry', store, key, value })),
    ...deletes.map((key): StoreRecord => ({ type: 'storeEntry', store, key, value: null })),
  ])
}

/** A store that nobody knows may have rows all the same: it costs nothing to delete what is not there. */
export function decideStoreClear(store: StoreName): StoreRecord[] {
  return [{ type: 'storeCleared', store }]
}

function checkCount(writes: readonly StoreWrite[], { storeRequestEntriesMax }: BrokerLimits): void {
  const count = writes.reduce((sum, { puts, deletes }) => sum + puts.length + deletes.length, 0)
  if (count <= storeRequestEntriesMax) return
  throw new TabmqError(
    'INVALID_REQUEST',
    `${count} entries are to be changed at once; ${storeRequestEntriesMax} are the most`,
    { entries: count, storeRequestEntriesMax },
  )
}

function checkStoresMax(
  stores: StoreRegistry,
  writes: readonly StoreWrite[],
  { storesMax }: BrokerLimits,
): void {
  const added = new Set<StoreName>()
  for (const { store, puts } of writes) if (puts.length > 0 && !stores.has(store)) added.add(store)
  if (added.size === 0 || stores.count + added.size <= storesMax) return
  throw new TabmqError('POLICY_VIOLATION', `there can be ${storesMax} stores at most`, {
    storesMax,
  })
}
