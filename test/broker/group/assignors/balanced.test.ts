import { describe, expect, it } from 'vitest'
import type { AssignorTopic } from '../../../../src/broker/group/assignors/assignor.js'
import { assignBalanced } from '../../../../src/broker/group/assignors/balanced.js'
import {
  type Shown,
  carriedOn,
  countMoves,
  idsOf,
  makeMember,
  makeTopics,
  show,
} from './assignor-fixture.js'

describe('uniform and sticky', () => {
  it('spreads every topic over the members of a new group', () => {
    const topics = makeTopics({ t1: 3, t2: 3 })
    const members = [makeMember('c1', ['t1', 't2']), makeMember('c2', ['t1', 't2'])]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { t1: [0, 2], t2: [1] },
      c2: { t1: [1], t2: [0, 2] },
    })
  })

  it('takes only what a newcomer is to have', () => {
    const topics = makeTopics({ t1: 6 })
    const members = [
      had(topics, 'c1', { t1: [0, 1, 2] }),
      had(topics, 'c2', { t1: [3, 4, 5] }),
      had(topics, 'c3', {}),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { t1: [0, 1] },
      c2: { t1: [3, 4] },
      c3: { t1: [2, 5] },
    })
  })

  it('gives up of every topic rather than all of one when a second member joins', () => {
    const topics = makeTopics({ t1: 4, t2: 4 })
    const members = [
      had(topics, 'c1', { t1: [0, 1, 2, 3], t2: [0, 1, 2, 3] }),
      had(topics, 'c2', {}),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { t1: [0, 1], t2: [0, 1] },
      c2: { t1: [2, 3], t2: [2, 3] },
    })
  })

  it('moves only the partitions of a member that left (KIP-54, example 1)', () => {
    const topics = makeTopics({ t0: 2, t1: 2, t2: 2, t3: 2 })
    const members = [
      had(topics, 'c0', { t0: [0], t1: [1], t3: [0] }),
      had(topics, 'c2', { t1: [0], t2: [1] }),
    ]
    const assignment = assignBalanced(members, topics)
    expect(countMoves(members, assignment)).toBe(0)
    expect([...assignment.values()].map((ids) => ids.length)).toEqual([4, 4])
  })

  it('balances different subscriptions where round robin does not (KIP-54, example 2)', () => {
    const topics = makeTopics({ t0: 1, t1: 2, t2: 3 })
    const members = [
      makeMember('c0', ['t0']),
      makeMember('c1', ['t0', 't1']),
      makeMember('c2', ['t0', 't1', 't2']),
    ]
    const before = assignBalanced(members, topics)
    expect(show(topics, before)).toEqual({
      c0: { t0: [0] },
      c1: { t1: [0, 1] },
      c2: { t2: [0, 1, 2] },
    })
    const withoutC0 = carriedOn(members, before).slice(1)
    expect(show(topics, assignBalanced(withoutC0, topics))).toEqual({
      c1: { t0: [0], t1: [0, 1] },
      c2: { t2: [0, 1, 2] },
    })
  })

  it('relieves a member through another that shares a topic with both', () => {
    const topics = makeTopics({ a: 3, b: 3 })
    const members = [
      had(topics, 'c1', { a: [0, 1, 2] }, ['a']),
      had(topics, 'c2', { b: [0, 1, 2] }),
      had(topics, 'c3', {}, ['b']),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { a: [0, 1] },
      c2: { a: [2], b: [0] },
      c3: { b: [1, 2] },
    })
  })

  it('leaves the one partition more with whom it saves a move', () => {
    const topics = makeTopics({ t1: 5 })
    const members = [had(topics, 'c1', { t1: [0, 1] }), had(topics, 'c2', { t1: [2, 3, 4] })]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { t1: [0, 1] },
      c2: { t1: [2, 3, 4] },
    })
  })

  it('finds who is to have one more so that the fewest move, across topics', () => {
    const topics = makeTopics({ a: 4, b: 2 })
    const members = [
      had(topics, 'c1', { b: [0, 1] }, ['b']),
      had(topics, 'c2', { a: [0, 1, 2, 3] }),
      had(topics, 'c3', {}, ['a']),
      had(topics, 'c4', {}, ['b']),
      had(topics, 'c5', {}, ['a']),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { b: [0] },
      c2: { a: [0, 1] },
      c3: { a: [2] },
      c4: { b: [1] },
      c5: { a: [3] },
    })
  })

  it('balances the others when nobody can relieve the most loaded', () => {
    const topics = makeTopics({ a: 9, b: 4 })
    const members = [
      had(topics, 'c1', { a: [0, 1, 2, 3, 4, 5, 6, 7, 8] }, ['a']),
      had(topics, 'c2', { b: [0, 1, 2, 3] }, ['b']),
      had(topics, 'c3', {}, ['b']),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { a: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
      c2: { b: [0, 1] },
      c3: { b: [2, 3] },
    })
  })

  it('gives new partitions to the least loaded', () => {
    const topics = makeTopics({ t1: 6 })
    const members = [
      had(topics, 'c1', { t1: [0, 1] }),
      had(topics, 'c2', { t1: [2] }),
      had(topics, 'c3', {}),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { t1: [0, 1] },
      c2: { t1: [2, 3] },
      c3: { t1: [4, 5] },
    })
  })

  it('leaves a partition that two members claim with the first of them', () => {
    const topics = makeTopics({ t1: 4 })
    const members = [
      had(topics, 'c2', { t1: [0, 1] }),
      had(topics, 'c1', { t1: [1, 2] }),
      had(topics, 'c3', { t1: [1] }, ['t1'], 'static'),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { t1: [2] },
      c2: { t1: [0] },
      c3: { t1: [1, 3] },
    })
  })

  it('drops what is gone and what its member no longer subscribes to', () => {
    const topics = makeTopics({ t1: 2, t2: 2 })
    const gone = makeTopics({ t1: 2, t2: 2, gone: 9 })
    const members = [
      makeMember('c1', ['t1'], { previous: idsOf(gone, { t1: [1], t2: [0, 1], gone: [3] }) }),
      makeMember('c2', ['t1', 't2'], { previous: idsOf(gone, { t1: [0], gone: [4] }) }),
    ]
    expect(show(topics, assignBalanced(members, topics))).toEqual({
      c1: { t1: [0, 1] },
      c2: { t2: [0, 1] },
    })
  })
})

/** A member and what it had; it subscribes to all topics unless told otherwise. */
function had(
  topics: readonly AssignorTopic[],
  memberId: string,
  previous: Shown,
  subscribed: readonly string[] = topics.map(({ topic }) => topic),
  instanceId?: string,
) {
  return makeMember(memberId, subscribed, {
    previous: idsOf(topics, previous),
    ...(instanceId === undefined ? {} : { instanceId }),
  })
}
