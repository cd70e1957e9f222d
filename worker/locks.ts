/**
 * Web Locks as signs of life. A lock is freed by the browser when its holder is gone, whatever the
 * reason, so holding one says "I live", and being granted another's says "it is gone".
 */

/** Takes a lock for as long as this worker lives, waiting for whoever has it now. */
export function holdLock(lockName: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(lockName, () => {
        const { promise, release } = untilReleased()
        resolve(release)
        return promise
      })
      .catch(reject)
  })
}

/** Calls `onGone` when the lock's holder is gone; returns a function that stops watching. */
export function watchLock(lockName: string, onGone: () => void): () => void {
  const abort = new AbortController()
  navigator.locks
    .request(lockName, { mode: 'shared', signal: abort.signal }, () => onGone())
    .catch(() => {
      // Aborted: nobody watches any more.
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
