/**
 * Looks into the broker's database without the broker: what is committed while the run goes on, and
 * at its end the whole log. Connections are closed at once, so as not to be in anybody's way.
 */
import { openDB, type IDBPDatabase } from 'idb'
import type { OffsetOnDisk } from '../record.js'

/** The log as it crosses to the runner: bytes as base64. */
export interface LogOnDisk {
  readonly topics: readonly TopicOnDisk[]
  readonly batches: readonly (readonly [partitionId: number, baseOffset: number, base64: string])[]
}

interface TopicOnDisk {
  readonly topic: string
  readonly partitionIds: readonly number[]
}

/** What the journal says since the rows were written; null for a row that is no more. */
interface Journaled {
  readonly records?: readonly { readonly type: string; readonly value: unknown }[]
}

type JournaledOffset = { groupId: string; partitionId: number; value: { offset: number } | null }
type JournaledTopic = { topicId: string; value: TopicOnDisk | null }

/** Undefined while there is no database. */
export function readOffsets(databaseName: string): Promise<OffsetOnDisk[] | undefined> {
  return withDatabase(databaseName, async (database) => {
    const transaction = database.transaction(['offsets', 'journal'])
    const offsets = transaction.objectStore('offsets')
    const [keys, rows, journal] = await Promise.all([
      offsets.getAllKeys() as Promise<unknown> as Promise<[string, number][]>,
      offsets.getAll() as Promise<{ offset: number }[]>,
      transaction.objectStore('journal').getAll() as Promise<Journaled[]>,
    ])
    const found = new Map<string, OffsetOnDisk>()
    keys.forEach(([groupId, partitionId], index) => {
      found.set(`${groupId} ${partitionId}`, [groupId, partitionId, rows[index]?.offset ?? NaN])
    })
    for (const record of journaled<JournaledOffset>(journal, 'offset')) {
      const { groupId, partitionId, value } = record
      const key = `${groupId} ${partitionId}`
      if (value === null) found.delete(key)
      else found.set(key, [groupId, partitionId, value.offset])
    }
    return [...found.values()]
  })
}

export function readLog(databaseName: string): Promise<LogOnDisk | undefined> {
  return withDatabase(databaseName, async (database) => {
    const transaction = database.transaction(['topics', 'batches', 'journal'])
    const batches = transaction.objectStore('batches')
    const topics = transaction.objectStore('topics')
    const [topicIds, topicRows, journal, keys, rows] = await Promise.all([
      topics.getAllKeys() as Promise<unknown> as Promise<string[]>,
      topics.getAll() as Promise<TopicOnDisk[]>,
      transaction.objectStore('journal').getAll() as Promise<Journaled[]>,
      batches.getAllKeys() as Promise<unknown> as Promise<[number, number][]>,
      batches.getAll() as Promise<ArrayBuffer[]>,
    ])
    const found = new Map<string, TopicOnDisk | null>(
      topicIds.map((topicId, index) => [topicId, topicRows[index] ?? null]),
    )
    for (const { topicId, value } of journaled<JournaledTopic>(journal, 'topic')) {
      found.set(topicId, value)
    }
    return {
      topics: [...found.values()].flatMap((row) =>
        row === null ? [] : [{ topic: row.topic, partitionIds: row.partitionIds }],
      ),
      batches: keys.map(([partitionId, baseOffset], index) => [
        partitionId,
        baseOffset,
        toBase64(rows[index] ?? new ArrayBuffer(0)),
      ]),
    }
  })
}

function journaled<R>(journal: readonly Journaled[], type: string): R[] {
  const records = journal.flatMap((row) => row.records ?? [])
  return records.filter((record) => record.type === type) as R[]
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
