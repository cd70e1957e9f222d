/**
 * Looks into the broker's database without the broker: what is committed while the run goes on, and
 * at its end the whole log. Connections are closed at once, so as not to be in anybody's way.
 */
import { openDB, type IDBPDatabase, type IDBPTransaction } from 'idb'
import type { PartitionId } from '../../../src/protocol/names.js'
import { definedOrThrow } from '../../../src/std/assert.js'
import { splitRow, type StoredBatch } from '../../../worker/indexeddb-batch-rows.js'
import {
  Journal,
  JOURNAL_LIMITS,
  overlaid,
  rowsByStore,
} from '../../../worker/indexeddb-journal.js'
import type { DatabaseSchema, StoreName } from '../../../worker/indexeddb-schema.js'
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

/** Undefined while there is no database. */
export function readOffsets(databaseName: string): Promise<OffsetOnDisk[] | undefined> {
  return withDatabase(databaseName, async (database) => {
    const transaction = database.transaction<StoreName[]>(['offsets', 'journal'])
    const [rows, journal] = await Promise.all([
      readRows(transaction, 'offsets'),
      readJournal(transaction),
    ])
    const pending = rowsByStore(journal.pending.values()).get('offsets')
    return overlaid(rows, pending).map(([[groupId, partitionId], { offset }]) => [
      groupId,
      partitionId,
      offset,
    ])
  })
}

export function readLog(databaseName: string): Promise<LogOnDisk | undefined> {
  return withDatabase(databaseName, async (database) => {
    const transaction = database.transaction<StoreName[]>(['topics', 'batches', 'journal'])
    const [topicRows, batchRows, journal] = await Promise.all([
      readRows(transaction, 'topics'),
      readRows(transaction, 'batches'),
      readJournal(transaction),
    ])
    const topics = overlaid(topicRows, rowsByStore(journal.pending.values()).get('topics')).map(
      ([, { topic, partitionIds }]) => ({ topic, partitionIds }),
    )
    const batches = new Map<PartitionId, StoredBatch[]>()
    for (const [[partitionId, baseOffset], row] of batchRows) {
      const before = batches.get(partitionId) ?? []
      batches.set(partitionId, [...before, ...splitRow(baseOffset, row)])
    }
    for (const partitionId of topics.flatMap(({ partitionIds }) => partitionIds)) {
      const all = [...(batches.get(partitionId) ?? []), ...journal.batchesOf(partitionId)]
      batches.set(
        partitionId,
        all.toSorted((left, right) => left.baseOffset - right.baseOffset),
      )
    }
    return {
      topics,
      batches: [...batches].flatMap(([partitionId, of]) =>
        of.map(({ baseOffset, bytes }) => [partitionId, baseOffset, toBase64(bytes)] as const),
      ),
    }
  })
}

type ReadTransaction = IDBPTransaction<DatabaseSchema, StoreName[]>

async function readRows<Name extends StoreName>(
  transaction: ReadTransaction,
  name: Name,
): Promise<(readonly [DatabaseSchema[Name]['key'], DatabaseSchema[Name]['value']])[]> {
  const store = transaction.objectStore(name)
  const [keys, rows] = await Promise.all([store.getAllKeys(), store.getAll()])
  return keys.map((key, index) => [
    key,
    definedOrThrow(rows[index], () => `${name} has ${keys.length} keys, ${rows.length} rows`),
  ])
}

async function readJournal(transaction: ReadTransaction): Promise<Journal> {
  const rows = await readRows(transaction, 'journal')
  const written = rows.flatMap(([key, row]) => ('commitId' in row ? [[key, row] as const] : []))
  return new Journal({ ...JOURNAL_LIMITS, epoch: Infinity }, written)
}

async function withDatabase<T>(
  name: string,
  read: (database: IDBPDatabase<DatabaseSchema>) => Promise<T>,
): Promise<T | undefined> {
  // To open a database that is not there would make an empty one.
  const databases = await indexedDB.databases()
  if (!databases.some((one) => one.name === name)) return undefined
  const database = await openDB<DatabaseSchema>(name, undefined, {
    blocking: () => database.close(),
  })
  try {
    return await read(database)
  } finally {
    database.close()
  }
}

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
