/** Reads what is in a store. */
import { STORE_PAGE_BYTES, STORE_REQUEST_ENTRIES_MAX } from '../../protocol/limits.js'
import type { StoreName } from '../../protocol/names.js'
import { nextKey, type StoreParts } from './store.js'
import { decodeValue } from './store-values.js'

/** Page by page, as many as are wanted. */
export async function readEntries(
  { connection, codecs }: StoreParts,
  store: StoreName,
  range: { from: string; to: string | undefined; limit?: number | undefined },
): Promise<[string, unknown][]> {
  const { to, limit = Infinity } = range
  const found: [string, unknown][] = []
  for (let { from } = range; found.length < limit;) {
    const wanted = Math.min(limit - found.length, STORE_REQUEST_ENTRIES_MAX)
    const request = { api: 'storeRead', store, from, limit: wanted } as const
    const { entries, hasMore } = await connection.call(
      { ...request, ...(to === undefined ? {} : { to }), maxBytes: STORE_PAGE_BYTES },
      { isRepeatable: true },
    )
    for (const { key, value } of entries) found.push([key, decodeValue(codecs, key, value)])
    const last = entries.at(-1)
    if (!hasMore || last === undefined) break
    from = nextKey(last.key)
  }
  return found
}
