/**
 * A connection to one database that survives being cut. Browsers close connections from outside:
 * when the user clears the site's data, when the storage process dies, and, by our own hand, when
 * somebody else wants to delete or upgrade the database. Operations that were cut off are started
 * again, once each and in the order they were called, on a new connection; a database that cannot
 * be had again, or that was deleted meanwhile, is told through `onLost` and as the error of everything
 * that waits for it.
 *
 * Starting an operation again is safe because each is one transaction that changes nothing when it had
 * completed after all: puts and deletes by key, or a commit, which finds its own row in the journal
 * then. The order is what needs care: one write at a time is asked for, or one that was cut off could
 * run again behind a later one that completed.
 */
import { openDB } from 'idb'
import { TabmqError } from '../src/protocol/errors.js'
import { deferred, type Deferred } from '../src/std/deferred.js'
import {
  databaseDeleted,
  ignore,
  isConnectionLost,
  toOpenError,
  toStorageError,
} from './indexeddb-errors.js'
import {
  databaseNameOf,
  FORMAT_VERSION,
  upgradeDatabase,
  type Database,
  type DatabaseSchema,
} from './indexeddb-schema.js'

/** Opening waits, perhaps for ever, for a connection that does not let go, or a storage that hangs. */
const OPEN_TIMEOUT_MS = 10_000

export interface ConnectionOptions {
  /** The broker's name. */
  readonly name: string
  readonly onLost: (error: TabmqError) => void
  /** Rejects when what was opened again is not what it was before: then the connection is lost. */
  readonly checkReopened: (database: Database) => Promise<void>
}

/** One transaction on the database. What it uses must stay as it is until it has settled. */
export interface Transaction<T> {
  readonly mode: 'readonly' | 'readwrite'
  /** For the error message: `${doing} failed`. */
  readonly doing: string
  /** Creates its transaction before it first awaits anything, which keeps the order of calls. */
  readonly transact: (database: Database) => Promise<T>
}

interface Operation {
  readonly sequence: number
  readonly mode: 'readonly' | 'readwrite'
  readonly doing: string
  /** Runs the transaction and hands on its result; rejects with its raw error. */
  readonly attempt: (database: Database) => Promise<void>
  readonly finished: Deferred<void>
  /** The error that told of the lost connection: it has been started once already. */
  lostBy: unknown
}

export class IndexedDbConnection {
  readonly #options: ConnectionOptions
  /** Undefined from the moment a connection is known to be gone until the next one is open. */
  #database: Database | undefined
  #opening = false
  #closed = false
  /** The browser has told that the connection is gone: what there is now is found out at once. */
  #isCut = false
  #nextSequence = 0
  readonly #running = new Set<Operation>()
  #waiting: Operation[] = []

  private constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** @throws TabmqError STORAGE_BLOCKED, STORAGE_VERSION_TOO_NEW, STORAGE_FULL, STORAGE_ERROR */
  static async open(options: ConnectionOptions): Promise<IndexedDbConnection> {
    const connection = new IndexedDbConnection(options)
    connection.#database = await connection.#open({ mayBeNew: true })
    return connection
  }

  /** Runs one transaction, at once when the connection is there. */
  run<T>({ mode, doing, transact }: Transaction<T>): Promise<T> {
    const { promise, resolve, reject } = deferred<T>()
    if (this.#closed) {
      reject(closedError())
      return promise
    }
    const operation: Operation = {
      sequence: this.#nextSequence++,
      mode,
      doing,
      attempt: async (database) => resolve(await transact(database)),
      finished: deferred(),
      lostBy: undefined,
    }
    operation.finished.promise.catch(reject)
    if (this.#database === undefined) {
      this.#waiting.push(operation)
      this.#maybeReopen()
    } else {
      this.#start(operation, this.#database)
    }
    return promise
  }

  /** Waits for the transactions under way; everything that comes later rejects. */
  async close(): Promise<void> {
    this.#closed = true
    const pending = [...this.#running, ...this.#waiting].map(({ finished }) => finished.promise)
    await Promise.allSettled(pending)
    this.#database?.close()
    this.#database = undefined
  }

  throwIfClosed(): void {
    if (this.#closed) throw closedError()
  }

  #start(operation: Operation, database: Database): void {
    this.#running.add(operation)
    operation.attempt(database).then(
      () => {
        this.#running.delete(operation)
        operation.finished.resolve()
        this.#maybeReopen()
      },
      (error: unknown) => {
        this.#running.delete(operation)
        this.#failed(operation, database, error)
        this.#maybeReopen()
      },
    )
  }

  #failed(operation: Operation, database: Database, error: unknown): void {
    if (!isConnectionLost(error)) {
      operation.finished.reject(toFinalError(operation, error))
      return
    }
    this.#drop(database)
    if (operation.lostBy === undefined) {
      operation.lostBy = error
      this.#waiting.push(operation)
    } else {
      this.#giveUp(operation, error)
    }
  }

  #giveUp(operation: Operation, error: unknown): void {
    const storageError = toStorageError(error, operation.doing)
    operation.finished.reject(storageError)
    this.#options.onLost(storageError)
  }

  /** Lets go of a connection. Transactions that still run on it complete or fail by themselves. */
  #drop(database: Database): void {
    database.close()
    if (this.#database === database) this.#database = undefined
  }

  /**
   * The browser closes it, or wants it closed for somebody who deletes or upgrades the database. A
   * broker that nobody asks anything would not notice for hours that its data are gone.
   */
  #onCut(database: Database): void {
    if (this.#database !== database) return
    this.#drop(database)
    if (this.#closed) return
    this.#isCut = true
    this.#maybeReopen()
  }

  /** Opens again when it is wanted and all that ran on the old connection has settled. */
  #maybeReopen(): void {
    const idle = this.#database === undefined && !this.#opening && this.#running.size === 0
    if (!idle || (this.#waiting.length === 0 && !this.#isCut)) return
    this.#opening = true
    this.#isCut = false
    this.#reopen().then(
      (database) => {
        this.#opening = false
        if (this.#closed && this.#waiting.length === 0) return database.close()
        this.#database = database
        for (const operation of this.#takeWaiting()) this.#start(operation, database)
      },
      (error: unknown) => {
        this.#opening = false
        const openError = toOpenError(error, this.#options.name)
        for (const operation of this.#takeWaiting()) operation.finished.reject(openError)
        this.#options.onLost(openError)
      },
    )
  }

  /** What is there now may be another database than the one that was there before. */
  async #reopen(): Promise<Database> {
    const database = await this.#open({ mayBeNew: false })
    try {
      await this.#options.checkReopened(database)
      return database
    } catch (error) {
      database.close()
      throw toStorageError(error, 'looking at the database that was opened again')
    }
  }

  #takeWaiting(): Operation[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting.sort((left, right) => left.sequence - right.sequence)
  }

  async #open({ mayBeNew }: { mayBeNew: boolean }): Promise<Database> {
    const { name } = this.#options
    let isDeleted = false
    if (typeof indexedDB === 'undefined') {
      throw new TabmqError('STORAGE_BLOCKED', 'this browser offers no IndexedDB here', { name })
    }
    try {
      const opening = openDB<DatabaseSchema>(databaseNameOf(name), FORMAT_VERSION, {
        upgrade(database, oldVersion, newVersion, transaction) {
          isDeleted = oldVersion === 0 && !mayBeNew
          if (!isDeleted) return upgradeDatabase(database, oldVersion, newVersion, transaction)
          transaction.done.catch(ignore)
          transaction.abort()
        },
      })
      const database = await inTime(opening)
      database.addEventListener('close', () => this.#onCut(database))
      database.addEventListener('versionchange', () => this.#onCut(database))
      return database
    } catch (error) {
      throw isDeleted ? databaseDeleted() : toOpenError(error, name)
    }
  }
}

/**
 * STORAGE_FULL says that nothing was written. Of one that was started again that is not sure: what the
 * lost connection had in hand may have completed.
 */
function toFinalError({ doing, mode, lostBy }: Operation, error: unknown): TabmqError {
  const storageError = toStorageError(error, doing)
  const isUnsure = lostBy !== undefined && mode === 'readwrite'
  if (!isUnsure || storageError.code !== 'STORAGE_FULL') return storageError
  const message = `${doing} was cut off, and there is no space to do it again`
  return new TabmqError('STORAGE_ERROR', message, storageError.details, storageError)
}

function inTime(opening: Promise<Database>): Promise<Database> {
  const { promise, resolve, reject } = deferred<Database>()
  const timeout = setTimeout(() => {
    reject(new TabmqError('STORAGE_ERROR', `the database did not open in ${OPEN_TIMEOUT_MS} ms`))
    opening.then((database) => database.close(), ignore)
  }, OPEN_TIMEOUT_MS)
  opening
    .then(resolve, reject)
    .finally(() => clearTimeout(timeout))
    .catch(ignore)
  return promise
}

function closedError(): TabmqError {
  return new TabmqError('ILLEGAL_STATE', 'the storage is closed')
}
