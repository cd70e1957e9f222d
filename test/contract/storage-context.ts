/**
 * What the storage contract asks of a backend, and what it gives to a case: a database of its own.
 */
import type { Storage, StoredState } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'

export interface StorageBackend {
  readonly name: string
  /** Another storage on the database of that name, which is made when it is not there. */
  open(databaseName: string): Promise<Storage>
  /** Deletes the database, as a user may while storages are open on it. */
  destroy(databaseName: string): Promise<void>
  /** Records that this backend fails to write after it has accepted the commit. */
  unstorable(): readonly DurableRecord[]
  /** How many random sequences are compared with the model. */
  readonly modelRuns: number
}

/** What a case gets: a database of its own. */
export interface StorageContext {
  readonly backend: StorageBackend
  open(): Promise<Storage>
  openLoaded(): Promise<Storage>
  /** What a storage finds that is opened now. It fences those that were opened before. */
  storedState(): Promise<StoredState>
  destroy(): Promise<void>
}

export interface StorageCase {
  readonly name: string
  run(context: StorageContext): Promise<void>
}

let databases = 0

/** Gives `run` a database that nobody else uses, and takes it away afterwards. */
export async function withStorageContext(
  backend: StorageBackend,
  run: (context: StorageContext) => Promise<void>,
): Promise<void> {
  databases += 1
  const databaseName = `contract-${databases}`
  const opened: Storage[] = []
  const open = async (): Promise<Storage> => {
    const storage = await backend.open(databaseName)
    opened.push(storage)
    return storage
  }
  const openLoaded = async (): Promise<Storage> => {
    const storage = await open()
    await storage.load()
    return storage
  }
  const storedState = async (): Promise<StoredState> => (await open()).load()
  const destroy = () => backend.destroy(databaseName)
  try {
    await run({ backend, open, openLoaded, storedState, destroy })
  } finally {
    await Promise.all(opened.map((storage) => storage.close()))
    await destroy()
  }
}
