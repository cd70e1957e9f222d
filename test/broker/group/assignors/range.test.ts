import { describe, expect, it } from 'vitest'
import { assignRange } from '../../../../src/broker/group/assignors/range.js'
import { makeMember, makeTopics, show } from './assignor-fixture.js'

describe('range', () => {
  it('cuts each topic into contiguous ranges (rule 13)', () => {
    const topics = makeTopics({ t1: 3, t2: 3 })
    const members = [makeMember('c1', ['t1', 't2']), makeMember('c2', ['t1', 't2'])]
    expect(show(topics, assignRange(members, topics))).toEqual({
      c1: { t1: [0, 1], t2: [0, 1] },
      c2: { t1: [2], t2: [2] },
    })
  })

  it('cuts a topic among its subscribers only', () => {
    const topics = makeTopics({ t1: 3, t2: 2 })
    const members = [
      makeMember('c1', ['t1']),
      makeMember('c2', ['t1', 't2']),
      makeMember('c3', ['t1']),
    ]
    expect(show(topics, assignRange(members, topics))).toEqual({
      c1: { t1: [0] },
      c2: { t1: [1], t2: [0, 1] },
      c3: { t1: [2] },
    })
  })

  it('leaves members beyond the number of partitions without any', () => {
    const topics = makeTopics({ t1: 1 })
    const members = [makeMember('c1', ['t1']), makeMember('c2', ['t1'])]
    expect(show(topics, assignRange(members, topics))).toEqual({ c1: { t1: [0] }, c2: {} })
  })

  it('gives nobody the partitions of a topic without subscribers', () => {
    const topics = makeTopics({ t1: 3, other: 3 })
    const members = [makeMember('c1', ['t1']), makeMember('c2', [])]
    expect(show(topics, assignRange(members, topics))).toEqual({ c1: { t1: [0, 1, 2] }, c2: {} })
  })

  it('serves static members first, by instance id rather than member id', () => {
    const topics = makeTopics({ t1: 5, t2: 4 })
    const all = ['t1', 't2']
    const members = [
      makeMember('a-dynamic', all),
      makeMember('x', all, { instanceId: 'i3' }),
      makeMember('y', all, { instanceId: 'i2' }),
      makeMember('z', all, { instanceId: 'i1' }),
    ]
    expect(show(topics, assignRange(members, topics))).toEqual({
      z: { t1: [0, 1], t2: [0] },
      y: { t1: [2], t2: [1] },
      x: { t1: [3], t2: [2] },
      'a-dynamic': { t1: [4], t2: [3] },
    })
  })

  it('gives a static member that comes back under another member id the same again', () => {
    const topics = makeTopics({ t1: 3, t2: 3 })
    const all = ['t1', 't2']
    const other = makeMember('m', all, { instanceId: 'i2' })
    const before = assignRange([makeMember('a', all, { instanceId: 'i1' }), other], topics)
    const after = assignRange([makeMember('z', all, { instanceId: 'i1' }), other], topics)
    expect(show(topics, after)['z']).toEqual(show(topics, before)['a'])
    expect(show(topics, after)['m']).toEqual(show(topics, before)['m'])
  })
})
