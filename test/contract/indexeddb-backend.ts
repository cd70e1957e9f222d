/** IndexedDB as a backend of the contract: fake-indexeddb in Node, the browser's own in a page. */
import { deleteDB } from 'idb'
import { databaseNameOf } from '../../worker/indexeddb-schema.js'
import { IndexedDbStorage } from '../../worker/indexeddb-storage.js'
import type { StorageBackend } from './storage-context.js'
import { detachedBatch, uncloneableTopic } from './storage-rows.js'

export function indexedDbBackend(name: string, modelRuns: number): StorageBackend {
  return {
    name,
    // Its journal is written out often, so that what comes before and after is seen.
    // And some batches are large, some small.
    open: (databaseName) =>
      IndexedDbStorage.open({
        name: databaseName,
        journalLimits: { commitsMax: 3, batchBytesMax: 200 },
      }),
    destroy: (databaseName) => deleteDB(databaseNameOf(databaseName)),
    unstorable: () => [uncloneableTopic('unstorable'), detachedBatch(1, 0)],
    modelRuns,
  }
}
