/**
 * Looks into the broker's database without the broker: what is committed while the run goes on, and
 * at its end the whole log. Connections are closed at once, so as not to be in anybody's way.
 */
import { openDB, type IDBPDatabase } from 'idb'
import type { OffsetOnDisk } from '../record.js'

/** The log as it crosses to the runner: bytes as base64. */
export interface LogOnDisk {
  readonly topics: readonly { readonly topic: string; readonly partitionIds: readonly number[] }[]
  readonly batches: readonly (readonly [partitionId: number, baseOffset: number, base64: string])[]
}

/** Undefined while there is no database. */
export function readOffsets(databaseName: string): Promise<OffsetOnDisk[] | undefined> {
  return withDatabase(databaseName, async (database) => {
    const { store } = database.transaction('offsets')
    const [keys, rows] = await Promise.all([store.getAllKeys(), store.getAll()])
    return keys.map((key, index) => {
      const [groupId, partitionId] = key as [string, number]
      return [groupId, partitionId, (rows[index] as { offset: number }).offset]
    })
  })
}

export function readLog(databaseName: string): Promise<LogOnDisk | undefined> {
  return withDatabase(databaseName, async (database) => {
    const transaction = database.transaction(['topics', 'batches'])
    const batches = transaction.objectStore('batches')
    const [topics, keys, rows] = await Promise.all([
      transaction.objectStore('topics').getAll() as Promise<LogOnDisk['topics']>,
      batches.getAllKeys() as Promise<unknown> as Promise<[number, number][]>,
      batches.getAll() as Promise<ArrayBuffer[]>,
    ])
    return {
      topics: topics.map(({ topic, partitionIds }) => ({ topic, partitionIds })),
      batches: keys.map(([partitionId, baseOffset], index) => [
        partitionId,
        baseOffset,
        toBase64(rows[index] ?? new ArrayBuffer(0)),
      ]),
    }
  })
}

async function withDatabase<T>(
  name: string,
  read: (database: IDBPDatabase) => Promise<T>,
): Promise<T | undefined> {
  // To open a database that is not there would make an empty one.
  const databases = await indexedDB.databases()
  if (!databases.some((one) => one.name === name)) return undefined
  const database = await openDB(name, undefined, { blocking: () => database.close() })
  try {
    return await read(database)
  } finally {
    database.close()
  }
}

function toBase64(bytes: ArrayBuffer): string {
  let text = ''
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte)
  return btoa(text)
}
