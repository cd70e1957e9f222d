import { afterEach, expect, it, vi } from 'vitest'
import { holdLock, watchLock } from '../../worker/locks.js'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** A lock manager that does what it is told with each request. */
function stubLocks(request: (options: { signal?: AbortSignal }) => Promise<unknown>): void {
  const locks = { request: (_: string, options: { signal?: AbortSignal }) => request(options) }
  vi.stubGlobal('navigator', { locks })
}

/** As a lock manager has it that is waited for. */
const untilAborted = ({ signal }: { signal?: AbortSignal }) =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
  })

it('a lock that stays another’s is told as such', async () => {
  stubLocks(untilAborted)
  await expect(holdLock('a lock', 5)).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    details: { lockName: 'a lock' },
  })
})

it('a lock that the browser refuses is told as storage that is blocked', async () => {
  const refusal = new DOMException('denied', 'SecurityError')
  stubLocks(() => Promise.reject(refusal))
  await expect(holdLock('a lock', 5_000)).rejects.toMatchObject({
    code: 'STORAGE_BLOCKED',
    cause: refusal,
  })
})

it('a lock that cannot be watched is logged, one that is watched no longer is not', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  stubLocks(untilAborted)
  watchLock('a lock', () => {})()
  await new Promise(setImmediate)
  expect(error).not.toHaveBeenCalled()
  stubLocks(() => Promise.reject(new DOMException('denied', 'SecurityError')))
  watchLock('a lock', () => {})
  await new Promise(setImmediate)
  expect(error).toHaveBeenCalledOnce()
})
