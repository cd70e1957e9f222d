import 'fake-indexeddb/auto'
import { describe, it } from 'vitest'
import { indexedDbBackend } from './indexeddb-backend.js'
import { withStorageContext } from './storage-context.js'
import { STORAGE_CASES } from './storage-contract.js'

const backend = indexedDbBackend('fake-indexeddb', 60)

describe('storage contract: fake-indexeddb', () => {
  for (const { name, run } of STORAGE_CASES) {
    it(name, () => withStorageContext(backend, run))
  }
})
