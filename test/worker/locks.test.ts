import { afterEach, expect, it, vi } from 'vitest'
import { holdLock, requestLock, watchLock } from '../../worker/locks.js'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

interface Options {
  readonly signal?: AbortSignal
  readonly steal?: boolean
}

/** A lock manager that does what it is told with each request. */
function stubLocks(
  request: (options: Options, granted: () => Promise<void>) => Promise<unknown>,
): void {
  const locks = {
    request: (_: string, options: Options, granted: () => Promise<void>) =>
      request(options, granted),
  }
  vi.stubGlobal('navigator', { locks })
}

/** As a lock manager has it that is waited for. */
const untilAborted = ({ signal }: Options) =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
  })

const nextTurn = () => new Promise(setImmediate)
const stolen = () => new DOMException('stolen', 'AbortError')

it('a lock that the browser refuses is told as storage that is blocked', async () => {
  const refusal = new DOMException('denied', 'SecurityError')
  stubLocks(() => Promise.reject(refusal))
  await expect(holdLock('a lock')).rejects.toMatchObject({
    code: 'STORAGE_BLOCKED',
    cause: refusal,
  })
})

it('a lock is held until it is released, or for good', async () => {
  let isFree = false
  stubLocks(async (_, granted) => {
    await granted()
    isFree = true
  })
  const lock = requestLock('a lock', { steals: false, onStolen: () => {} })
  await lock.held
  await nextTurn()
  expect(isFree).toBe(false)
  lock.release()
  await nextTurn()
  expect(isFree).toBe(true)
})

it('a lock that is waited for no more is not taken, nor is that an error', async () => {
  stubLocks(untilAborted)
  const outcome = vi.fn<() => void>()
  const lock = requestLock('a lock', { steals: false, onStolen: outcome })
  lock.held.then(outcome, outcome)
  lock.release()
  await nextTurn()
  expect(outcome).not.toHaveBeenCalled()
})

it('who had a lock that was stolen is told, and who stole it has it', async () => {
  const onStolen = vi.fn<() => void>()
  const asked: Options[] = []
  let steal: (error: Error) => void = () => {}
  stubLocks((options, granted) => {
    asked.push(options)
    void granted()
    return new Promise((_, reject) => {
      steal = reject
    })
  })
  await requestLock('a lock', { steals: false, onStolen }).held
  steal(stolen())
  await nextTurn()
  expect(onStolen).toHaveBeenCalledOnce()
  const thief = vi.fn<() => void>()
  await requestLock('a lock', { steals: true, onStolen: thief }).held
  // A request that steals may have no signal.
  expect(asked.map(({ steal: steals, signal }) => [steals, signal === undefined])).toEqual([
    [undefined, false],
    [true, true],
  ])
  expect(thief).not.toHaveBeenCalled()
})

it('a lock that cannot be watched is logged, one that is watched no longer is not', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  stubLocks(untilAborted)
  watchLock('a lock', () => {})()
  await nextTurn()
  expect(error).not.toHaveBeenCalled()
  stubLocks(() => Promise.reject(new DOMException('denied', 'SecurityError')))
  watchLock('a lock', () => {})
  await nextTurn()
  expect(error).toHaveBeenCalledOnce()
})
