/**
 * What IndexedDB throws, as the errors of the one table. DOMExceptions are told apart by name only:
 * their classes differ between engines (QuotaExceededError has become one of its own) and their
 * messages are nobody's contract.
 */
import { TabmqError } from '../src/protocol/errors.js'

/**
 * The error that a failed open means. Storage that the user or the browser forbids shows as
 * SecurityError (Chromium, blocked cookies) or as InvalidStateError (Firefox, private windows of old).
 */
export function toOpenError(error: unknown, name: string): TabmqError {
  if (error instanceof TabmqError) return error
  switch (nameOf(error)) {
    case 'SecurityError':
    case 'InvalidStateError':
      return new TabmqError(
        'STORAGE_BLOCKED',
        `this browser does not let the site store data: ${describeError(error)}`,
        { name },
        error,
      )
    case 'VersionError':
      return new TabmqError(
        'STORAGE_VERSION_TOO_NEW',
        `the database of ${JSON.stringify(name)} was written by a newer tabmq: ${describeError(error)}`,
        { name },
        error,
      )
    default:
      return toStorageError(error, 'opening the database')
  }
}

/** The error that a failed load, commit or read means. */
export function toStorageError(error: unknown, doing: string): TabmqError {
  if (error instanceof TabmqError) return error
  if (nameOf(error) === 'QuotaExceededError') {
    return new TabmqError('STORAGE_FULL', `no space is left for ${doing}`, {}, error)
  }
  return new TabmqError('STORAGE_ERROR', `${doing} failed: ${describeError(error)}`, {}, error)
}

/**
 * The user, the browser or a script has deleted the database. Final for this broker: a new database
 * is the next one's, and has nothing to do with what this one still believes to be there.
 */
export function databaseDeleted(): TabmqError {
  return new TabmqError('STORAGE_LOST', 'the database was deleted while the broker used it')
}

/** Another broker has raised the epoch: this one must never write again. */
export function superseded(brokerEpoch: number): TabmqError {
  return new TabmqError(
    'BROKER_SUPERSEDED',
    `another broker has opened this database after this one, whose broker epoch is ${brokerEpoch}`,
    { brokerEpoch },
  )
}

/** A row was to be added under a key that is taken. */
export function isConstraintError(error: unknown): boolean {
  return nameOf(error) === 'ConstraintError'
}

/**
 * Whether the error may mean that the connection is gone, so that a new one is worth a try. A
 * transaction that nobody here aborted was aborted by the closing of its connection; a connection
 * that is closing takes no transaction; WebKit has a message of its own for a dead storage process.
 */
export function isConnectionLost(error: unknown): boolean {
  switch (nameOf(error)) {
    case 'AbortError':
    case 'InvalidStateError':
      return true
    case 'UnknownError':
      return /connection/i.test(describeError(error))
    default:
      return false
  }
}

/** For the other promises of a transaction whose failure is told by one of them. */
export function ignore(): void {}

function nameOf(error: unknown): string | undefined {
  // Not instanceof: a DOMException of another realm, or of fake-indexeddb, is none of ours.
  if (typeof error !== 'object' || error === null || !('name' in error)) return undefined
  return typeof error.name === 'string' ? error.name : undefined
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
