import { afterEach, expect, it, vi } from 'vitest'
import { logUncaught } from '../../worker/worker-host.js'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

it('what nobody caught in the worker is logged', () => {
  const worker = new EventTarget()
  vi.stubGlobal('addEventListener', worker.addEventListener.bind(worker))
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  logUncaught()
  const [thrown, rejected] = [new Error('thrown'), new Error('rejected')]
  worker.dispatchEvent(Object.assign(new Event('error'), { error: thrown, message: 'thrown' }))
  worker.dispatchEvent(Object.assign(new Event('unhandledrejection'), { reason: rejected }))
  expect(error).toHaveBeenNthCalledWith(1, expect.any(String), thrown)
  expect(error).toHaveBeenNthCalledWith(2, expect.any(String), rejected)
})
