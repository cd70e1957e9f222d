import { describe, expect, it } from 'vitest'
import { assignRoundRobin } from '../../../../src/broker/group/assignors/round-robin.js'
import { makeMember, makeTopics, show } from './assignor-fixture.js'

describe('roundrobin', () => {
  it('deals the partitions of all topics out in one row (rule 13)', () => {
    const topics = makeTopics({ t1: 3, t2: 3 })
    const members = [makeMember('c1', ['t1', 't2']), makeMember('c2', ['t1', 't2'])]
    expect(show(topics, assignRoundRobin(members, topics))).toEqual({
      c1: { t1: [0, 2], t2: [1] },
      c2: { t1: [1], t2: [0, 2] },
    })
  })

  it('passes over members that did not subscribe, balanced or not, as Kafka does', () => {
    const topics = makeTopics({ t0: 1, t1: 2, t2: 3 })
    const members = [
      makeMember('c0', ['t0']),
      makeMember('c1', ['t0', 't1']),
      makeMember('c2', ['t0', 't1', 't2']),
    ]
    expect(show(topics, assignRoundRobin(members, topics))).toEqual({
      c0: { t0: [0] },
      c1: { t1: [0] },
      c2: { t1: [1], t2: [0, 1, 2] },
    })
  })

  it('goes on from the member that was served last', () => {
    const topics = makeTopics({ t1: 3, t2: 2 })
    const members = [
      makeMember('c1', ['t1']),
      makeMember('c2', ['t1', 't2']),
      makeMember('c3', ['t1']),
    ]
    expect(show(topics, assignRoundRobin(members, topics))).toEqual({
      c1: { t1: [0] },
      c2: { t1: [1], t2: [0, 1] },
      c3: { t1: [2] },
    })
  })

  it('leaves members beyond the number of partitions without any', () => {
    const topics = makeTopics({ t1: 1 })
    const members = [makeMember('c1', ['t1']), makeMember('c2', ['t1'])]
    expect(show(topics, assignRoundRobin(members, topics))).toEqual({ c1: { t1: [0] }, c2: {} })
  })

  it('gives nobody the partitions of a topic without subscribers', () => {
    const topics = makeTopics({ other: 3, t1: 2 })
    const members = [makeMember('c1', ['t1']), makeMember('c2', [])]
    expect(show(topics, assignRoundRobin(members, topics))).toEqual({ c1: { t1: [0, 1] }, c2: {} })
  })

  it('serves static members first, by instance id rather than member id', () => {
    const topics = makeTopics({ t1: 3, t2: 3 })
    const all = ['t1', 't2']
    const members = [
      makeMember('c4', all),
      makeMember('c3', all, { instanceId: 'i1' }),
      makeMember('c2', all, { instanceId: 'i2' }),
      makeMember('c1', all, { instanceId: 'i3' }),
    ]
    expect(show(topics, assignRoundRobin(members, topics))).toEqual({
      c3: { t1: [0], t2: [1] },
      c2: { t1: [1], t2: [2] },
      c1: { t1: [2] },
      c4: { t2: [0] },
    })
  })
})
