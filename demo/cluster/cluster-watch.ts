/**
 * Follows the broker's state for as long as the page lives. The broker tells when something changed;
 * nothing is asked for in between. Only the size of the storage has to be asked for, and is, at
 * most every few seconds, when something did change.
 */
import { TabmqError, type Admin, type ClusterState, type StorageEstimate } from '../../src/index.js'

const STORAGE_INTERVAL_MS = 3_000
const RETRY_MS = 1_000
/** How exactly the page knows how long a rebalance took. */
const STATE_INTERVAL_MS = 50

export interface ClusterWatchOptions {
  readonly admin: Admin
  readonly onState: (state: ClusterState) => void
  readonly onStorage: (storage: StorageEstimate) => void
  readonly onError: (error: unknown) => void
}

export async function watchCluster(options: ClusterWatchOptions): Promise<void> {
  const { admin, onState, onError } = options
  const askForStorage = storageAsker(options)
  for (;;) {
    try {
      for await (const state of admin.watch({ intervalMs: STATE_INTERVAL_MS })) {
        onState(state)
        askForStorage()
      }
    } catch (error) {
      onError(error)
      if (error instanceof TabmqError && !error.retriable) return
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

function storageAsker({ admin, onStorage, onError }: ClusterWatchOptions): () => void {
  let isDue = true
  let isWanted = false
  const ask = () => {
    isWanted = true
    if (!isDue) return
    isDue = false
    isWanted = false
    admin.describeCluster().then(({ storage }) => onStorage(storage), onError)
    setTimeout(() => {
      isDue = true
      if (isWanted) ask()
    }, STORAGE_INTERVAL_MS)
  }
  return ask
}
