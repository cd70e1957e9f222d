import { describe, it } from 'vitest'
import { MemoryDatabase, MemoryStorage } from '../../src/broker/runtime/memory-storage.js'
import { withStorageContext, type StorageBackend } from './storage-context.js'
import { STORAGE_CASES } from './storage-contract.js'
import { detachedBatch } from './storage-rows.js'

const databases = new Map<string, MemoryDatabase>()
let made = 0

const backend: StorageBackend = {
  name: 'memory',
  async open(databaseName) {
    const database = databases.get(databaseName) ?? new MemoryDatabase(`database ${made++}`)
    databases.set(databaseName, database)
    return new MemoryStorage(database)
  },
  async destroy(databaseName) {
    const database = databases.get(databaseName)
    if (database !== undefined) database.isDeleted = true
    databases.delete(databaseName)
  },
  unstorable: () => [detachedBatch(1, 0)],
  modelRuns: 300,
}

describe('storage contract: memory', () => {
  for (const { name, run } of STORAGE_CASES) {
    it(name, () => withStorageContext(backend, run))
  }
})
