/**
 * Puts the storage contract, and what the tests of failing disks need, where a Playwright test can
 * call it: everything here runs on this browser's own IndexedDB.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import { IndexedDbStorage } from '../../../worker/indexeddb-storage.js'
import { indexedDbBackend } from '../../contract/indexeddb-backend.js'
import { withStorageContext } from '../../contract/storage-context.js'
import { STORAGE_CASES } from '../../contract/storage-contract.js'
import {
  batchesDeleted,
  commit,
  offsetRecord,
  partitionId,
  partitionRecord,
  read,
  topicRecord,
} from '../../contract/storage-rows.js'

const backend = indexedDbBackend('browser', 25)

const storagePage = {
  caseNames: STORAGE_CASES.map(({ name }) => name),
  /** The case's failure as text, or undefined when it passed. */
  async runCase(name: string): Promise<string | undefined> {
    const found = STORAGE_CASES.find((storageCase) => storageCase.name === name)
    if (found === undefined) return 'there is no such case'
    try {
      await withStorageContext(backend, found.run)
      return undefined
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  },
  IndexedDbStorage,
  /** Browsers compress what they store, so that only noise fills a disk. */
  incompressibleBatch(partition: number, baseOffset: number, byteLength: number): DurableRecord {
    const bytes = new Uint8Array(byteLength)
    for (let at = 0; at < byteLength; at += 65_536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65_536))
    }
    const batch = bytes.buffer
    return { type: 'batch', partitionId: partitionId(partition), baseOffset, batch }
  },
  commit,
  read,
  topicRecord,
  offsetRecord,
  batchesDeleted,
  partitionRecord,
}

declare global {
  var storagePage: StoragePage
}

export type StoragePage = typeof storagePage

globalThis.storagePage = storagePage
