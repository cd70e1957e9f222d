/**
 * Web Locks as signs of life. A lock is freed by the browser when its holder is gone, whatever the
 * reason, so holding one says "I live", and being granted another's says "it is gone".
 */
import { TabmqError } from '../src/protocol/errors.js'
import { logger } from './worker-host.js'

/**
 * Takes a lock for as long as this worker lives, or until the returned function is called. Waits for
 * whoever has it now, for `waitMs` at the most.
 * @throws TabmqError BROKER_UNAVAILABLE when it is still somebody else's then, STORAGE_BLOCKED when
 *   locks are not to be had here
 */
export function holdLock(lockName: string, waitMs?: number): Promise<() => void> {
  const signal = waitMs === undefined ? undefined : AbortSignal.timeout(waitMs)
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(lockName, signal === undefined ? {} : { signal }, () => {
        const { promise, release } = untilReleased()
        resolve(release)
        return promise
      })
      .catch((cause: unknown) => {
        if (signal?.aborted === true) {
          const message = `another worker, perhaps of an older deployment, still holds "${lockName}"`
          reject(new TabmqError('BROKER_UNAVAILABLE', message, { lockName, waitMs }, cause))
        } else {
          const message = `this browser does not give the lock "${lockName}": ${String(cause)}`
          reject(new TabmqError('STORAGE_BLOCKED', message, { lockName }, cause))
        }
      })
  })
}

/** Calls `onGone` when the lock's holder is gone; returns a function that stops watching. */
export function watchLock(lockName: string, onGone: () => void): () => void {
  const abort = new AbortController()
  navigator.locks
    .request(lockName, { mode: 'shared', signal: abort.signal }, () => onGone())
    .catch((error: unknown) => {
      if (!abort.signal.aborted) logger.error(`the lock "${lockName}" cannot be watched`, error)
    })
  return () => abort.abort()
}

function untilReleased(): { promise: Promise<void>; release: () => void } {
  let release = () => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}
