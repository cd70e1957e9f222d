/**
 * What the storage contract cannot ask of every backend: when a commit is acknowledged, connections
 * that are cut, databases that somebody else deletes or upgrades, the format on disk. The browser is
 * made to misbehave by spying on fake-indexeddb's prototypes.
 */
import 'fake-indexeddb/auto'
import { forceCloseDatabase } from 'fake-indexeddb'
import { deleteDB, openDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import type { DurableRecord } from '../../src/broker/records.js'
import type { TabmqError } from '../../src/protocol/errors.js'
import { commitRecords } from '../../worker/indexeddb-commit.js'
import type { JournalRow } from '../../worker/indexeddb-journal-row.js'
import { Journal, JOURNAL_LIMITS } from '../../worker/indexeddb-journal.js'
import {
  databaseNameOf,
  FORMAT_VERSION,
  STORE_NAMES,
  type Database,
  type JournalKey,
} from '../../worker/indexeddb-schema.js'
import { IndexedDbStorage } from '../../worker/indexeddb-storage.js'
import { placedBatch } from '../broker/batches.js'
import {
  batchBytes,
  batchesDeleted,
  batchRecord,
  commit,
  groupRecord,
  groupRow,
  offsetRecord,
  offsetRow,
  partitionId,
  partitionRecord,
  partitionRow,
  producerRecord,
  producerRow,
  read,
  shareGroupRecord,
  shareGroupRow,
  sharePartitionRecord,
  sharePartitionRow,
  storeCleared,
  storeEntry,
  exchangeRecord,
  exchangeRow,
  bindingRecord,
  bindingRow,
  publisherRecord,
  publisherRow,
  topicRecord,
  topicRow,
} from '../contract/storage-rows.js'

/** Bytes of a batch that is a row at once. */
const LARGE = 5_000

let name = ''
let lost: TabmqError[] = []
let transactions: MockInstance<IDBDatabase['transaction']>
let databases = 0
let storages: IndexedDbStorage[] = []

beforeEach(() => {
  name = `storage-${databases++}`
  lost = []
  storages = []
  transactions = vi.spyOn(IDBDatabase.prototype, 'transaction')
})

afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  await Promise.all(storages.map((storage) => storage.close()))
})

async function openLoaded(): Promise<IndexedDbStorage> {
  const storage = await IndexedDbStorage.open({ name, onLost: (error) => lost.push(error) })
  storages.push(storage)
  await storage.load()
  return storage
}

function lastTransaction(): IDBTransaction {
  const result = transactions.mock.results.at(-1)
  if (result?.type !== 'return') throw new Error('no transaction was made')
  return result.value
}

/** The browser gives the next transaction up, as when its disk fails. */
function abortNextCommit(): void {
  vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementationOnce(function (
    this: IDBTransaction,
  ) {
    this.abort()
  })
}

/** What a browser does that closes a connection by force: aborts what runs on it, then tells. */
function cutConnection(): void {
  for (const result of transactions.mock.results) {
    if (result.type !== 'return') continue
    try {
      result.value.abort()
    } catch {
      // It has completed.
    }
  }
  const database = transactions.mock.contexts.at(-1)
  forceCloseDatabase(database as typeof IDBDatabase)
  transactions.mockClear()
}

async function storedOffset(): Promise<number | undefined> {
  const storage = await openLoaded()
  return (await storage.load()).offsets[0]?.[2].offset
}

describe('a commit', () => {
  it('is acknowledged after its transaction completed, not before', async () => {
    const storage = await openLoaded()
    const events: string[] = []
    const promise = commit(storage, [batchRecord(1, 0)])
    lastTransaction().addEventListener('complete', () => events.push('complete'))
    await promise
    events.push('acknowledged')
    expect(events).toEqual(['complete', 'acknowledged'])
  })

  it('rejects when the transaction fails at its end, after every request succeeded', async () => {
    const storage = await openLoaded()
    // How browsers report that the disk is full once the data is to be written.
    vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (
      this: IDBTransaction,
    ) {
      ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
    })
    await expect(commit(storage, [batchRecord(1, 0)])).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      cause: { name: 'QuotaExceededError' },
    })
    vi.mocked(IDBTransaction.prototype.commit).mockRestore()
    expect(await read(storage, 1, 0)).toEqual([])
    await commit(storage, [batchRecord(1, 0)])
    expect(lost).toEqual([])
  })

  it('rejects though a request of it is never heard of again', async () => {
    const storage = await openLoaded()
    // As Chromium does at times when it aborts for want of space.
    const { put } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...row
    ) {
      const request = put.apply(this, row)
      request.addEventListener = () => {}
      return request
    })
    vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementationOnce(function (
      this: IDBTransaction,
    ) {
      ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
    })
    await expect(commit(storage, [batchRecord(1, 0)])).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    })
  })

  it('rejects with the error of the request that failed', async () => {
    const storage = await openLoaded()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(() => {
      throw new DOMException('no key', 'DataError')
    })
    const failing = commit(storage, [topicRecord('a', 1), batchRecord(1, 0), batchRecord(1, 1)])
    await expect(failing).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
      cause: { name: 'DataError' },
    })
    expect(put).toHaveBeenCalledOnce()
    expect((await storage.load()).topics).toEqual([])
  })

  it('asks for the durability it was given, and locks only the stores it needs', async () => {
    const storage = await openLoaded()
    // The first puts the reserve down as well.
    await commit(storage, [batchRecord(1, 0)])
    await commit(storage, [batchRecord(1, 1), batchRecord(1, 2, LARGE)], 'strict')
    expect(transactions).toHaveBeenLastCalledWith(['journal', 'batches'], 'readwrite', {
      durability: 'strict',
    })
    await commit(storage, [batchRecord(1, 3), batchRecord(2, 0)], 'strict')
    expect(transactions).toHaveBeenLastCalledWith(['journal'], 'readwrite', {
      durability: 'strict',
    })
    await commit(storage, [offsetRecord('g', 1, 1)], 'relaxed')
    expect(transactions).toHaveBeenLastCalledWith(['journal'], 'readwrite', {
      durability: 'relaxed',
    })
  })
})

describe('a full disk', () => {
  /** As Chromium: whatever puts is refused, until a transaction that only deletes has freed enough. */
  function fill(isEnough: (deleted: unknown[]) => boolean): { refused: number } {
    const seen = { refused: 0 }
    const deleted: unknown[] = []
    const puts = new WeakSet<IDBTransaction>()
    for (const method of ['put', 'add'] as const) {
      const { [method]: original } = IDBObjectStore.prototype
      vi.spyOn(IDBObjectStore.prototype, method).mockImplementation(function (
        this: IDBObjectStore,
        ...row
      ) {
        puts.add(this.transaction)
        return original.apply(this, row)
      })
    }
    const { delete: original } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(function (
      this: IDBObjectStore,
      key,
    ) {
      if (!puts.has(this.transaction)) deleted.push(key)
      return original.call(this, key)
    })
    const { commit: complete } = IDBTransaction.prototype
    vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (
      this: IDBTransaction,
    ) {
      if (!puts.has(this) || isEnough(deleted)) return complete.call(this)
      seen.refused += 1
      ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
    })
    return seen
  }

  it('takes offsets out of the reserve, and batches only when that is there again', async () => {
    const storage = await openLoaded()
    await commit(storage, [batchRecord(1, 0, LARGE)])
    let isSpacious = false
    const seen = fill((deleted) => deleted.includes('reserve') || isSpacious)
    const failing = commit(storage, [batchRecord(1, 1, LARGE)])
    await expect(failing).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    await commit(storage, [offsetRecord('g', 1, 1)])
    expect(seen.refused).toBe(2)
    isSpacious = true
    await commit(storage, [batchRecord(1, 1, LARGE)])
    await storage.close()
    vi.restoreAllMocks()
    const database = await openDB(databaseNameOf(name))
    expect(await database.getKey('meta', 'reserve')).toBe('reserve')
    expect(await database.count('batches')).toBe(2)
    database.close()
  })

  it('lets a commit through for which there is space, though not for writing the journal out', async () => {
    const storage = await openLoaded()
    const large = 'x'.repeat(1_000)
    for (let value = 0; value < 64; value++) await commit(storage, [offsetRecord('g', value, 1)])
    const { commit: complete } = IDBTransaction.prototype
    const { put } = IDBObjectStore.prototype
    const folding = new WeakSet<IDBTransaction>()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...row
    ) {
      if (this.name === 'offsets') folding.add(this.transaction)
      return put.apply(this, row)
    })
    const commits = vi.spyOn(IDBTransaction.prototype, 'commit')
    commits.mockImplementation(function (this: IDBTransaction) {
      if (!folding.has(this)) return complete.call(this)
      ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
    })
    await commit(storage, [offsetRecord('g', 1, 2), topicRecord(large, 1)])
    await commit(storage, [offsetRecord('g', 1, 3)])
    vi.restoreAllMocks()
    await commit(storage, [offsetRecord('g', 2, 4)])
    const { offsets, topics } = await (await openLoaded()).load()
    expect(topics).toEqual([[large, topicRow(1)]])
    expect(offsets).toHaveLength(64)
    expect(offsets.find(([, id]) => id === 1)?.[2].offset).toBe(3)
  })

  it('is loaded, though raising the epoch finds no space at first', async () => {
    const before = await openLoaded()
    await commit(before, [batchRecord(1, 0), partitionRecord(1, 0), topicRecord('a', 1)])
    await before.close()
    const { openCursor } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'openCursor').mockImplementationOnce(function (
      this: IDBObjectStore,
      ...range
    ) {
      const { transaction } = this
      const request = openCursor.apply(this, range)
      request.addEventListener('success', () => {
        ;(transaction as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
      })
      return request
    })
    const storage = await openLoaded()
    expect((await storage.load()).topics).toEqual([['a', topicRow(1)]])
    await storage.close()
    const database = await openDB(databaseNameOf(name))
    expect(await database.getKey('meta', 'reserve')).toBeUndefined()
    database.close()
  })

  it('lets retention delete ahead of the rows that say so, but for the last batch', async () => {
    const storage = await openLoaded()
    await commit(
      storage,
      [0, 1, 2].map((offset) => batchRecord(1, offset, LARGE)),
    )
    fill(() => false)
    const deleting = commit(storage, [batchesDeleted(1, 3), partitionRecord(1, 3)])
    await expect(deleting).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await read(storage, 1, 0)).toEqual([batchBytes(1, 2, LARGE)])
  })

  it('deletes nothing for a broker that was superseded', async () => {
    const storage = await openLoaded()
    await commit(storage, [batchRecord(1, 0, LARGE), batchRecord(1, 1, LARGE)])
    await openLoaded()
    vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementationOnce(function (
      this: IDBTransaction,
    ) {
      ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
    })
    const late = commit(storage, [batchesDeleted(1, 2), partitionRecord(1, 2)])
    await expect(late).rejects.toMatchObject({ code: 'BROKER_SUPERSEDED' })
    const database = await openDB(databaseNameOf(name))
    expect(await database.count('batches')).toBe(2)
    database.close()
  })
})

describe('a broker that was superseded', () => {
  it('writes nothing, however many others have come since', async () => {
    const old = await openLoaded()
    for (let others = 0; others < 150; others++) await (await openLoaded()).close()
    const last = await openLoaded()
    await expect(commit(old, [batchRecord(1, 0)])).rejects.toMatchObject({
      code: 'BROKER_SUPERSEDED',
    })
    expect(await read(last, 1, 0)).toEqual([])
  })
})

describe('a connection that was cut', () => {
  it('is opened again, and what ran on it runs again', async () => {
    const storage = await openLoaded()
    await commit(storage, [batchRecord(1, 0)])
    const committing = commit(storage, [batchRecord(1, 1)])
    const reading = read(storage, 1, 0)
    cutConnection()
    await committing
    expect(await reading).toEqual([batchBytes(1, 0), batchBytes(1, 1)])
    cutConnection()
    expect(await read(storage, 1, 1)).toEqual([batchBytes(1, 1)])
    expect(lost).toEqual([])
  })

  it('does not change the order of commits', async () => {
    const storage = await openLoaded()
    const order: number[] = []
    const send = async (value: number): Promise<void> => {
      await commit(storage, [offsetRecord('g', 1, value)])
      order.push(value)
    }
    const before = [1, 2, 3].map(send)
    cutConnection()
    const after = [4, 5].map(send)
    await Promise.all([...before, ...after])
    expect(order).toEqual([1, 2, 3, 4, 5])
    expect(await storedOffset()).toBe(5)
    expect(lost).toEqual([])
  })

  it('takes a commit that was there after all for what it is', async () => {
    const storage = await openLoaded()
    // It completes, and the browser says that the connection was lost.
    const { addEventListener } = IDBTransaction.prototype
    const listening = vi
      .spyOn(IDBTransaction.prototype, 'addEventListener')
      .mockImplementation(function (this: IDBTransaction, type: string, listener: unknown) {
        const heard = { complete: 'never', abort: 'complete' }[type] ?? type
        addEventListener.call(this, heard, listener as EventListener)
      })
    const cutOff = commit(storage, [offsetRecord('g', 1, 1), batchRecord(1, 0)])
    listening.mockRestore()
    await cutOff
    expect(transactions.mock.calls.map(([stores]) => stores)).toContainEqual(['journal'])
    await commit(storage, [offsetRecord('g', 1, 2), batchRecord(1, 1)])
    expect(await read(storage, 1, 0)).toHaveLength(2)
    expect(await storedOffset()).toBe(2)
    expect(lost).toEqual([])
  })

  it('leaves it open what became of a commit that there is no space to repeat', async () => {
    const storage = await openLoaded()
    abortNextCommit()
    vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementationOnce(function (
      this: IDBTransaction,
    ) {
      ;(this as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
    })
    // Not STORAGE_FULL, upon which the broker would write the next batch in the same place.
    await expect(commit(storage, [batchRecord(1, 0)])).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
      cause: { code: 'STORAGE_FULL' },
    })
  })

  it('is given up loudly when it is cut again', async () => {
    const storage = await openLoaded()
    transactions.mockImplementation(() => {
      throw new DOMException('the connection is closing', 'InvalidStateError')
    })
    await expect(commit(storage, [topicRecord('a', 1)])).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
      cause: { name: 'InvalidStateError' },
    })
    expect(lost.map(({ code }) => code)).toEqual(['STORAGE_ERROR'])
    transactions.mockRestore()
    await commit(storage, [topicRecord('a', 2)])
  })

  it('is given up loudly when the database cannot be opened', async () => {
    const storage = await openLoaded()
    abortNextCommit()
    const committing = commit(storage, [topicRecord('a', 1)])
    vi.spyOn(indexedDB, 'open').mockImplementationOnce(() => {
      throw new DOMException('backing store', 'UnknownError')
    })
    cutConnection()
    const reading = read(storage, 1, 0)
    await expect(committing).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    await expect(reading).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    expect(lost.map(({ code }) => code)).toEqual(['STORAGE_ERROR'])
    await commit(storage, [topicRecord('a', 2)])
    expect((await storage.load()).topics).toEqual([['a', topicRow(2)]])
  })

  it('still finishes what waits for it when the storage is closed', async () => {
    const storage = await openLoaded()
    const committing = commit(storage, [offsetRecord('g', 1, 7)])
    cutConnection()
    await storage.close()
    await committing
    expect(await storedOffset()).toBe(7)
  })
})

describe('somebody else', () => {
  it('can delete the database; whatever comes next fails, and makes no new one', async () => {
    const storage = await openLoaded()
    const committing = commit(storage, [topicRecord('a', 1)])
    await deleteDB(databaseNameOf(name))
    await committing
    const deleted = {
      code: 'STORAGE_LOST',
      message: expect.stringContaining('deleted') as string,
    }
    await expect(read(storage, 1, 0)).rejects.toMatchObject(deleted)
    await expect(commit(storage, [topicRecord('b', 1)])).rejects.toMatchObject(deleted)
    await expect(storage.load()).rejects.toMatchObject(deleted)
    expect(lost.map(({ code }) => code)).toContain('STORAGE_LOST')
    expect((await indexedDB.databases()).map((each) => each.name)).not.toContain(
      databaseNameOf(name),
    )
  })

  it('can delete the database while nobody asks anything, and it is noticed', async () => {
    await openLoaded()
    await deleteDB(databaseNameOf(name))
    await vi.waitFor(() => expect(lost.map(({ code }) => code)).toEqual(['STORAGE_LOST']))
  })

  it('can cut the connection while nobody asks anything, and nothing comes of it', async () => {
    const storage = await openLoaded()
    transactions.mockClear()
    await storage.load()
    cutConnection()
    await vi.waitFor(() => expect(transactions).toHaveBeenCalledOnce())
    expect(lost).toEqual([])
  })

  it('can delete the database and make it again, which is not the one that was loaded', async () => {
    const storage = await openLoaded()
    await deleteDB(databaseNameOf(name))
    const other = await IndexedDbStorage.open({ name })
    const deleted = { code: 'STORAGE_LOST' }
    await expect(commit(storage, [topicRecord('a', 1)])).rejects.toMatchObject(deleted)
    await expect(storage.load()).rejects.toMatchObject(deleted)
    expect((await other.load()).topics).toEqual([])
    await other.close()
  })

  it('can upgrade the database; what comes next says that it is too new', async () => {
    const storage = await openLoaded()
    const upgraded = await openDB(databaseNameOf(name), FORMAT_VERSION + 1)
    await expect(commit(storage, [])).rejects.toMatchObject({ code: 'STORAGE_VERSION_TOO_NEW' })
    expect(lost.map(({ code }) => code)).toEqual(['STORAGE_VERSION_TOO_NEW'])
    const opening = IndexedDbStorage.open({ name })
    await expect(opening).rejects.toMatchObject({ code: 'STORAGE_VERSION_TOO_NEW' })
    upgraded.close()
  })
})

describe('a database of a newer version', () => {
  it('is refused, and every row of it stays as it is', async () => {
    const before = await openLoaded()
    await commit(before, [topicRecord('a', 1), batchRecord(1, 0), offsetRecord('g', 1, 1)])
    await before.close()
    const newer = await openDB(databaseNameOf(name), FORMAT_VERSION + 1, {
      upgrade: (database) => void database.createObjectStore('of the future').put('x', 'y'),
    })
    const dump = async () => {
      const stores = [...newer.objectStoreNames]
      const rows = stores.map(async (store) => [
        store,
        await newer.getAllKeys(store),
        await newer.getAll(store),
      ])
      return [newer.version, ...(await Promise.all(rows))]
    }
    const rows = await dump()
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(IndexedDbStorage.open({ name })).rejects.toMatchObject({
        code: 'STORAGE_VERSION_TOO_NEW',
        retriable: false,
      })
    }
    expect(await dump()).toEqual(rows)
    newer.close()
  })
})

describe('a database without an id', () => {
  it('gets one from the first that loads it, and nothing else changes', async () => {
    const before = await openLoaded()
    await commit(before, [topicRecord('a', 1), batchRecord(1, 0)])
    await before.close()
    const database = await openDB(databaseNameOf(name))
    await database.delete('meta', 'databaseId')
    database.close()
    const found = await (await openLoaded()).load()
    expect(found.databaseId).toMatch(/^[-0-9a-f]{36}$/)
    expect(found.topics).toEqual([['a', topicRow(1)]])
    expect((await (await openLoaded()).load()).databaseId).toBe(found.databaseId)
  })
})

describe('opening', () => {
  it.each(['SecurityError', 'InvalidStateError'])(
    'says that storage is blocked on %s',
    async (kind) => {
      vi.spyOn(indexedDB, 'open').mockImplementation(() => {
        throw new DOMException('denied', kind)
      })
      const opening = IndexedDbStorage.open({ name })
      await expect(opening).rejects.toMatchObject({
        code: 'STORAGE_BLOCKED',
        cause: { name: kind },
      })
    },
  )

  it('gives up after a while, and lets go of a connection that comes too late', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const stubborn = await openDB(databaseNameOf(name))
    const deleting = deleteDB(databaseNameOf(name))
    const opening = IndexedDbStorage.open({ name }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(60_000)
    vi.useRealTimers()
    expect(await opening).toMatchObject({ code: 'STORAGE_ERROR', retriable: true })
    stubborn.close()
    await deleting
    const blocked = vi.fn<() => void>()
    await deleteDB(databaseNameOf(name), { blocked })
    expect(blocked).not.toHaveBeenCalled()
  })

  it('gives the first partition of a new database the id it is told, and of no other', async () => {
    const open = (firstPartitionId: number) => IndexedDbStorage.open({ name, firstPartitionId })
    const nextPartitionIds = []
    for (const firstPartitionId of [5_000_001, 9_000_001]) {
      const storage = await open(firstPartitionId)
      nextPartitionIds.push((await storage.load()).nextPartitionId)
      await storage.close()
    }
    expect(nextPartitionIds).toEqual([5_000_001, 5_000_001])
  })

  it('says that storage is blocked where there is no IndexedDB', async () => {
    vi.stubGlobal('indexedDB', undefined)
    await expect(IndexedDbStorage.open({ name })).rejects.toMatchObject({ code: 'STORAGE_BLOCKED' })
  })
})

describe('loading', () => {
  it('reads the edges of few partitions at once', async () => {
    const storage = await openLoaded()
    const partitionIds = Array.from({ length: 100 }, (_, index) => index + 1)
    const records = partitionIds.flatMap((id) => [partitionRecord(id, 0), batchRecord(id, 0)])
    await commit(storage, records)
    let underWay = 0
    let most = 0
    const { openCursor } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'openCursor').mockImplementation(function (
      this: IDBObjectStore,
      ...range
    ) {
      const request = openCursor.apply(this, range)
      most = Math.max(most, ++underWay)
      request.addEventListener('success', () => {
        underWay -= 1
      })
      return request
    })
    const { edges } = await storage.load()
    expect(edges.map(({ partitionId }) => partitionId)).toEqual(partitionIds)
    expect(most).toBe(16)
  })
})

describe('reading', () => {
  it('reads few rows in vain, even when large batches follow small ones', async () => {
    const storage = await openLoaded()
    const small = Array.from({ length: 6 }, (_, offset) => batchRecord(1, offset, 10))
    const large = Array.from({ length: 60 }, (_, index) => batchRecord(1, 6 + index, 50_000))
    await commit(storage, [...small, ...large])
    const asked: number[] = []
    const { getAll } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'getAll').mockImplementation(function (
      this: IDBObjectStore,
      query,
      count,
    ) {
      asked.push(count ?? Infinity)
      return getAll.call(this, query, count)
    })
    const rowsAsked = (): number => asked.splice(0).reduce((sum, count) => sum + count, 0)

    expect(await read(storage, 1, 6, { maxBytes: 100_000 })).toHaveLength(2)
    expect(rowsAsked()).toBe(1)
    expect(await read(storage, 1, 7, { maxBytes: 40_000 })).toHaveLength(1)
    expect(rowsAsked()).toBe(0)
    expect(await read(storage, 1, 0, { maxBytes: 120_000 })).toHaveLength(8)
    expect(rowsAsked()).toBeLessThanOrEqual(14)
    expect(await read(storage, 1, 0)).toHaveLength(66)
    expect(asked.length).toBeLessThanOrEqual(7)
  })
})

describe('an older broker', () => {
  it('writes nothing when it tries again what was there, and is no more', async () => {
    const older = await openLoaded()
    await commit(older, [offsetRecord('g', 1, 1)])
    // What it tries again is held back, as if its worker hung: a commit that it has made already.
    const rows: [JournalKey, JournalRow][] = [[[1, 1], { commitId: 1, records: [] }]]
    const journal = new Journal({ epoch: 1, ...JOURNAL_LIMITS }, rows)
    const plan = journal.plan({ records: [], kept: [] }, 'nothing')
    const database: Database = await openDB(databaseNameOf(name))
    const again = { plan, durability: 'relaxed' as const, reserve: undefined }
    await commitRecords(database, again)
    await commitRecords(database, again)
    const newer = await openLoaded()
    for (let value = 0; value < 200; value++) await commit(newer, [offsetRecord('g', 1, value)])
    await expect(commitRecords(database, again)).rejects.toMatchObject({
      code: 'BROKER_SUPERSEDED',
    })
    database.close()
    expect(await storedOffset()).toBe(199)
  })
})

const STORES_OF_1 = ['batches', 'partitions', 'topics', 'offsets', 'groups', 'producers', 'meta']

describe('a database of version 1', () => {
  it('is brought to this version, with all that is in it', async () => {
    const old = await openDB(databaseNameOf(name), 1, {
      upgrade(database) {
        for (const store of STORES_OF_1) database.createObjectStore(store)
      },
    })
    const put = (store: string, value: unknown, key: IDBValidKey) => old.put(store, value, key)
    await put('topics', topicRow(1), 'a')
    await put('partitions', partitionRow(0), 1)
    await put('batches', batchBytes(1, 0), [1, 0])
    await put('producers', producerRow(1), [1, 77])
    await put('groups', groupRow(1), 'g')
    await put('offsets', offsetRow(1), ['g', 1])
    await put('meta', 1, 'formatVersion')
    await put('meta', 7, 'brokerEpoch')
    await put('meta', 2, 'nextPartitionId')
    for (let epoch = 0; epoch < 7; epoch++) await put('meta', epoch + 1, ['closed', epoch])
    old.close()

    const storage = await openLoaded()
    const state = await storage.load()
    expect(state).toMatchObject({
      brokerEpoch: 8,
      nextPartitionId: 2,
      topics: [['a', topicRow(1)]],
      partitions: [[1, partitionRow(0)]],
      producers: [[1, 77, producerRow(1)]],
      groups: [['g', groupRow(1)]],
      offsets: [['g', 1, offsetRow(1)]],
    })
    expect(await read(storage, 1, 0)).toEqual([batchBytes(1, 0)])
    await commit(storage, [offsetRecord('g', 1, 2)])
    await storage.close()
    const database = await openDB(databaseNameOf(name))
    expect(await database.getAllKeys('meta')).toEqual([
      'brokerEpoch',
      'databaseId',
      'formatVersion',
      'nextPartitionId',
    ])
    database.close()
    expect(await storedOffset()).toBe(2)
  })
})

describe('a database of version 2', () => {
  it('is brought to this version, with all that is in it and in its journal', async () => {
    const old = await openDB(databaseNameOf(name), 2, {
      upgrade(database) {
        for (const store of [...STORES_OF_1, 'journal']) database.createObjectStore(store)
      },
    })
    const put = (store: string, value: unknown, key: IDBValidKey) => old.put(store, value, key)
    await put('topics', topicRow(1), 'a')
    await put('partitions', partitionRow(0), 1)
    await put('batches', soundBatch(0), [1, 0])
    await put('batches', soundBatch(1), [1, 1])
    await put('producers', producerRow(1), [1, 77])
    await put('offsets', offsetRow(1), ['g', 1])
    await put('journal', { closedBy: 1 }, [0, 1])
    await put('journal', { commitId: 65, records: [] }, [1, 65])
    const records = [offsetRecord('g', 1, 2), producerRecord(1, 77, 2)]
    await put('journal', { commitId: 66, records }, [1, 66])
    await put('meta', 2, 'formatVersion')
    await put('meta', 1, 'brokerEpoch')
    await put('meta', 1, 'journalFrom')
    await put('meta', 2, 'nextPartitionId')
    await put('meta', 'the id', 'databaseId')
    old.close()

    const storage = await openLoaded()
    expect(await storage.load()).toMatchObject({
      databaseId: 'the id',
      brokerEpoch: 2,
      topics: [['a', topicRow(1)]],
      producers: [[1, 77, producerRow(2)]],
      offsets: [['g', 1, offsetRow(2)]],
      edges: [{ firstOffset: 0, lastOffset: 1 }],
    })
    await commit(storage, [soundRecord(2), offsetRecord('g', 1, 3)])
    expect(await read(storage, 1, 0)).toEqual([0, 1, 2].map(soundBatch))
    await storage.close()
    const database = await openDB(databaseNameOf(name))
    expect([database.version, await database.get('meta', 'formatVersion')]).toEqual([3, 3])
    database.close()
    expect(await storedOffset()).toBe(3)
  })
})

describe('the format on disk, version 3', () => {
  it('has these stores, keys and values', async () => {
    const storage = await openLoaded()
    await commit(storage, [
      topicRecord('topic id', 1),
      partitionRecord(3, 1),
      { type: 'nextPartitionId', value: 4 },
      batchRecord(3, 20, LARGE),
      producerRecord(3, 77, 1),
      groupRecord('group', 1),
      offsetRecord('group', 3, 1),
      shareGroupRecord('queue', 1),
      sharePartitionRecord('queue', 3, 1),
      storeEntry('balances', 'a', 1),
      storeEntry('balances', 'large', 2, LARGE),
      exchangeRecord('exchange id', 1),
      bindingRecord('exchange id', 1, 1),
      publisherRecord('exchange id', 77, 1),
    ])
    await commit(storage, [soundRecord(0, 4), soundRecord(1, 4)])
    for (let left = 62; left > 0; left--) await commit(storage, [])
    await commit(storage, [soundRecord(2, 4)])
    await commit(storage, [
      soundRecord(3, 4),
      offsetRecord('group', 3, 2),
      storeEntry('balances', 'a', 3),
      storeCleared('other'),
      batchesDeleted(5, 6),
      soundRecord(0, 5),
    ])
    await storage.close()
    const database = await openDB(`tabmq:${name}`)
    expect(database.version).toBe(3)
    expect([...database.objectStoreNames]).toEqual([...STORE_NAMES].sort())
    const stored: Record<string, unknown> = {}
    for (const store of STORE_NAMES) {
      stored[store] = [await database.getAllKeys(store), await database.getAll(store)]
    }
    database.close()
    const [keys, rows] = stored['meta'] as [unknown, unknown[]]
    const sizes = rows.map((row) => (row instanceof ArrayBuffer ? row.byteLength : row))
    const small = soundBatch(0).byteLength
    expect({ ...stored, meta: [keys, sizes] }).toEqual({
      batches: [
        [
          [3, 20],
          [4, 0],
        ],
        [batchBytes(3, 20, LARGE), sideBySide(0, 1, 2)],
      ],
      partitions: [[3], [partitionRow(1)]],
      topics: [['topic id'], [topicRow(1)]],
      offsets: [[['group', 3]], [offsetRow(1)]],
      groups: [['group'], [groupRow(1)]],
      producers: [[], []],
      shareGroups: [['queue'], [shareGroupRow(1)]],
      sharePartitions: [[['queue', 3]], [sharePartitionRow(1)]],
      storeEntries: [
        [
          ['balances', 'a'],
          ['balances', 'large'],
        ],
        [batchBytes(1, 0, 8), batchBytes(2, 0, LARGE)],
      ],
      exchanges: [['exchange id'], [exchangeRow(1)]],
      bindings: [[['exchange id', 1]], [bindingRow(1)]],
      publishers: [[['exchange id', 77]], [publisherRow(1)]],
      journal: [
        [
          [0, 1],
          [1, 65],
          [1, 66],
        ],
        [
          { closedBy: 1 },
          // Producers stay in the journal: id, producer, epoch, time, batches, and of each three numbers.
          { commitId: 65, records: [], producers: new Float64Array([3, 77, 1, 1, 1, 1, 10, 10]) },
          {
            commitId: 66,
            records: [
              storeCleared('other'),
              offsetRecord('group', 3, 2),
              storeEntry('balances', 'a', 3),
              batchesDeleted(5, 6),
            ],
            batches: sideBySide(3, 0),
            places: new Float64Array([4, 3, small, 5, 0, small]),
          },
        ],
      ],
      meta: [
        ['brokerEpoch', 'databaseId', 'formatVersion', 'journalFrom', 'nextPartitionId', 'reserve'],
        [1, expect.stringMatching(/^[-0-9a-f]{36}$/), 3, 1, 4, 2 * 1024 * 1024],
      ],
    })
  })
})

/** A batch of one record, as a tab sends it and the broker places it. */
function soundBatch(baseOffset: number): ArrayBuffer {
  return placedBatch({ key: `key ${baseOffset}` }, { baseOffset })
}

function soundRecord(baseOffset: number, id = 1): DurableRecord {
  const batch = soundBatch(baseOffset)
  return { type: 'batch', partitionId: partitionId(id), baseOffset, batch }
}

function sideBySide(...baseOffsets: number[]): ArrayBuffer {
  const batches = baseOffsets.map((baseOffset) => new Uint8Array(soundBatch(baseOffset)))
  return Uint8Array.from(batches.flatMap((bytes) => [...bytes])).buffer
}
