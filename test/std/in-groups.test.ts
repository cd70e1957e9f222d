import { describe, expect, it } from 'vitest'
import { mapInGroups } from '../../src/std/in-groups.js'

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
