/**
 * Web Locks as signs of life. A lock is freed by the browser when its holder is gone, whatever the
 * reason, so holding one says "I live", and being granted another's says "it is gone".
 */
import type { LockOptions, LockRequest } from '../src/broker/ports.js'
import { TabmqError } from '../src/protocol/errors.js'
import { deferred } from '../src/std/deferred.js'
import { logger } from './worker-host.js'

/** Waits for a lock, or takes it by force, and holds it until it is released. */
export function requestLock(lockName: string, { steals, onStolen }: LockOptions): LockRequest {
  const abort = new AbortController()
  const held = deferred<void>()
  const released = deferred<void>()
  let isHeld = false
  let isReleased = false
  const hold = () => {
    if (isReleased) return
    isHeld = true
    held.resolve()
    return released.promise
  }
  // One that steals does not wait, and there is nothing to abort.
  const options = steals ? { steal: true } : { signal: abort.signal }
  navigator.locks.request(lockName, options, hold).catch((cause: unknown) => {
    if (isReleased) return
    isReleased = true
    if (isHeld) onStolen()
    else held.reject(refused(lockName, cause))
  })
  return {
    held: held.promise,
    release() {
      isReleased = true
      abort.abort()
      released.resolve()
    },
  }
}

/** Takes a lock that nobody else wants, for as long as this worker lives. */
export function holdLock(lockName: string): Promise<void> {
  return requestLock(lockName, { steals: false, onStolen: () => {} }).held
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

function refused(lockName: string, cause: unknown): TabmqError {
  const message = `this browser does not give the lock "${lockName}": ${String(cause)}`
  return new TabmqError('STORAGE_BLOCKED', message, { lockName }, cause)
}
