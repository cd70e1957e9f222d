import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/std/deferred.js'
import { allEnded, mapInGroups } from '../../src/std/promises.js'

describe('allEnded', () => {
  it('gives all results in order', async () => {
    expect(await allEnded([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2])
  })

  it('rejects with what rejected first, once the others have settled', async () => {
    const slow = deferred<number>()
    let isOver = false
    const all = allEnded([slow.promise, Promise.reject(new Error('first'))]).finally(() => {
      isOver = true
    })
    const rejects = expect(all).rejects.toThrow('first')
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(isOver).toBe(false)
    slow.reject(new Error('second'))
    await rejects
  })
})

describe('mapInGroups', () => {
  it('maps everything in order, with no more under way than a group', async () => {
    let underWay = 0
    let most = 0
    const doubled = await mapInGroups([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++underWay)
      await Promise.resolve()
      underWay -= 1
      return 2 * item
    })
    expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14])
    expect(most).toBe(3)
  })

  it('begins no further group when one rejects', async () => {
    const begun: number[] = []
    const mapping = mapInGroups([1, 2, 3], 1, async (item) => {
      begun.push(item)
      if (item === 2) throw new Error('two')
    })
    await expect(mapping).rejects.toThrow('two')
    expect(begun).toEqual([1, 2])
  })
})
