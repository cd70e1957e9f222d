import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/std/deferred.js'

describe('deferred', () => {
  it('resolves from outside', async () => {
    const { promise, resolve } = deferred<number>()
    resolve(7)
    await expect(promise).resolves.toBe(7)
  })

  it('follows a promise that it is resolved with', async () => {
    const { promise, resolve } = deferred<number>()
    resolve(Promise.resolve(8))
    await expect(promise).resolves.toBe(8)
  })

  it('rejects from outside', async () => {
    const { promise, reject } = deferred<number>()
    reject(new Error('no'))
    await expect(promise).rejects.toThrow('no')
  })

  it('keeps its first outcome', async () => {
    const { promise, resolve, reject } = deferred<number>()
    resolve(1)
    resolve(2)
    reject(new Error('too late'))
    await expect(promise).resolves.toBe(1)
  })
})
