import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type {
  AssignorMember,
  AssignorTopic,
} from '../../../../src/broker/group/assignors/assignor.js'
import { assignBalanced } from '../../../../src/broker/group/assignors/balanced.js'
import type { MemberId } from '../../../../src/protocol/names.js'
import {
  type Assignment,
  type Group,
  arbitraryGroup,
  carriedOn,
  countMoves,
  makeMember,
} from './assignor-fixture.js'
import { bestOfAll, sumOfSquaredLoads } from './brute-force.js'

const small = { membersMax: 6, topicsMax: 5, partitionsMax: 8 } as const
const equal = arbitraryGroup({ ...small, subscriptions: 'equal' })
const different = arbitraryGroup({ ...small, subscriptions: 'different', wildClaims: true })

describe('uniform and sticky, with equal subscriptions', () => {
  it('balance to within one and move exactly what exceeds the quotas', () => {
    fc.assert(
      fc.property(equal, ({ members, topics }) => {
        const assignment = assignBalanced(members, topics)
        const quotas = quotasOf(countPartitions(topics), members.length)
        expect(loadsOf(assignment)).toEqual(quotas)
        const owned = members.map(({ previous }) => previous.length).toSorted((a, b) => b - a)
        const excess = owned.map((count, index) => Math.max(0, count - (quotas[index] ?? 0)))
        expect(countMoves(members, assignment)).toBe(excess.reduce((sum, count) => sum + count, 0))
      }),
    )
  })

  it('move only the partitions of a member that leaves', () => {
    fc.assert(
      fc.property(equal, fc.nat(), ({ members, topics }, which) => {
        const before = carriedOn(members, assignBalanced(members, topics))
        const after = before.toSpliced(which % members.length, 1)
        expect(countMoves(after, assignBalanced(after, topics))).toBe(0)
      }),
    )
  })

  it('move the least share, to the newcomer and nobody else, when a member joins', () => {
    fc.assert(
      fc.property(equal, fc.constantFrom('a', 'z'), ({ members, topics }, id) => {
        const newcomer = makeMember(
          id,
          topics.map(({ topic }) => topic),
        )
        const before = [...carriedOn(members, assignBalanced(members, topics)), newcomer]
        const assignment = assignBalanced(before, topics)
        const share = Math.floor(countPartitions(topics) / before.length)
        expect(assignment.get(newcomer.memberId)).toHaveLength(share)
        expect(countMoves(before, assignment)).toBe(share)
      }),
    )
  })
})

describe('uniform and sticky, with different subscriptions', () => {
  it('leave nobody who could take from one with two more, not even through others', () => {
    fc.assert(
      fc.property(different, ({ members, topics }) => {
        const assignment = assignBalanced(members, topics)
        for (const { memberId } of members) {
          const load = loadOf(assignment, memberId)
          for (const other of reachable(members, topics, assignment, memberId)) {
            expect(load - loadOf(assignment, other)).toBeLessThan(2)
          }
        }
      }),
    )
  })

  it('move nothing when nothing changed', () => {
    fc.assert(
      fc.property(different, ({ members, topics }) => {
        const assignment = assignBalanced(members, topics)
        expect(assignBalanced(carriedOn(members, assignment), topics)).toEqual(assignment)
      }),
    )
  })

  it('are as balanced as any assignment, and of those that are move the fewest', () => {
    const tiny = { membersMax: 4, topicsMax: 4, partitionsMax: 3 } as const
    const groups = fc
      .oneof(
        arbitraryGroup({ ...tiny, subscriptions: 'different' }),
        arbitraryGroup({ ...tiny, subscriptions: 'equal' }),
      )
      .filter(({ topics }) => countPartitions(topics) <= 6)
    fc.assert(
      fc.property(groups, ({ members, topics }) => {
        const assignment = assignBalanced(members, topics)
        const imbalance = sumOfSquaredLoads(assignment)
        const moves = countMoves(members, assignment)
        expect({ imbalance, moves }).toEqual(bestOfAll(members, topics))
      }),
      { numRuns: 300 },
    )
  })
})

/** Whole numbers by which `WEIGHTS_MULTIPLE` can be divided. */
const WEIGHTS = [1, 2, 3, 4, 6, 12]
const WEIGHTS_MULTIPLE = 12

const tiny = { membersMax: 4, topicsMax: 3, partitionsMax: 3 } as const

describe('uniform and sticky, with weights', () => {
  it('give each its share to within one, where subscriptions are equal', () => {
    fc.assert(
      fc.property(equal, arbitraryWeights(1_000), ({ members: some, topics }, weights) => {
        const members = weighted(some, weights)
        const assignment = assignBalanced(members, topics)
        for (const { memberId, weight } of members) {
          const share = (countPartitions(topics) * weight) / totalWeight(members)
          expect(Math.abs(loadOf(assignment, memberId) - share)).toBeLessThan(1)
        }
      }),
    )
  })

  it('are as near to the shares as any assignment, and of those that are move the fewest', () => {
    const groups = arbitraryGroup({ ...tiny, subscriptions: 'equal' }).filter(isTiny)
    fc.assert(
      fc.property(groups, arbitraryWeights(20), ({ members: some, topics }, weights) => {
        const members = weighted(some, weights)
        const all = countPartitions(topics)
        const total = totalWeight(members)
        const imbalanceOf = (assignment: Assignment) =>
          members.reduce((sum, { memberId, weight }) => {
            return sum + (loadOf(assignment, memberId) * total - all * weight) ** 2
          }, 0)
        const assignment = assignBalanced(members, topics)
        const moves = countMoves(members, assignment)
        const found = { imbalance: imbalanceOf(assignment), moves }
        expect(found).toEqual(bestOfAll(members, topics, imbalanceOf))
      }),
      { numRuns: 300 },
    )
  })

  it('are as balanced by weight as different subscriptions allow, and move the fewest', () => {
    const groups = arbitraryGroup({ ...tiny, subscriptions: 'different' }).filter(isTiny)
    fc.assert(
      fc.property(groups, arbitraryWeights(), ({ members: some, topics }, weights) => {
        const members = weighted(some, weights)
        fc.pre(hasDifferentSubscribers(members, topics))
        const imbalanceOf = (assignment: Assignment) =>
          members.reduce((sum, { memberId, weight }) => {
            return sum + loadOf(assignment, memberId) ** 2 * (WEIGHTS_MULTIPLE / weight)
          }, 0)
        const assignment = assignBalanced(members, topics)
        const moves = countMoves(members, assignment)
        const found = { imbalance: imbalanceOf(assignment), moves }
        expect(found).toEqual(bestOfAll(members, topics, imbalanceOf))
      }),
      { numRuns: 300 },
    )
  })

  it('move nothing when nothing changed', () => {
    fc.assert(
      fc.property(different, arbitraryWeights(), ({ members: some, topics }, weights) => {
        const members = weighted(some, weights)
        const assignment = assignBalanced(members, topics)
        expect(assignBalanced(carriedOn(members, assignment), topics)).toEqual(assignment)
      }),
    )
  })

  it('change nothing for the worse of whoever has become heavier', () => {
    fc.assert(
      fc.property(
        equal,
        arbitraryWeights(20),
        fc.nat(),
        ({ members: some, topics }, weights, which) => {
          const members = weighted(some, weights)
          const before = carriedOn(members, assignBalanced(members, topics))
          const heavier = which % members.length
          const after = before.map((member, index) =>
            index === heavier ? { ...member, weight: member.weight * 3 } : member,
          )
          const assignment = assignBalanced(after, topics)
          const { memberId = '', previous = [] } = after[heavier] ?? {}
          expect(assignment.get(memberId as MemberId)).toEqual(
            expect.arrayContaining([...previous]),
          )
        },
      ),
    )
  })

  it('of which all are the same are as without', () => {
    fc.assert(
      fc.property(fc.oneof(equal, different), fc.integer({ min: 2, max: 1_000 }), (group, all) => {
        const { members, topics } = group
        const weights = members.map(() => all)
        expect(assignBalanced(weighted(members, weights), topics)).toEqual(
          assignBalanced(members, topics),
        )
      }),
    )
  })
})

function arbitraryWeights(max?: number): fc.Arbitrary<number[]> {
  const weight = max === undefined ? fc.constantFrom(...WEIGHTS) : fc.integer({ min: 1, max })
  return fc.array(weight, { minLength: small.membersMax, maxLength: small.membersMax })
}

function weighted(members: readonly AssignorMember[], weights: readonly number[]) {
  return members.map((member, index) => ({ ...member, weight: weights[index] ?? 1 }))
}

function totalWeight(members: readonly AssignorMember[]): number {
  return members.reduce((sum, { weight }) => sum + weight, 0)
}

function isTiny({ topics }: Group): boolean {
  return countPartitions(topics) <= 6
}

/** Whether there are topics of which not the same members read both. */
function hasDifferentSubscribers(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
): boolean {
  const subscribers = topics.map(({ topic }) =>
    members
      .filter((member) => member.topics.has(topic))
      .map(({ memberId }) => memberId)
      .join(),
  )
  return new Set(subscribers.filter((ids) => ids !== '')).size > 1
}

function countPartitions(topics: readonly AssignorTopic[]): number {
  return topics.reduce((sum, { partitionIds }) => sum + partitionIds.length, 0)
}

/** Equal shares, the larger ones first. */
function quotasOf(partitions: number, members: number): number[] {
  const share = Math.floor(partitions / members)
  return Array.from(
    { length: members },
    (_, index) => share + (index < partitions % members ? 1 : 0),
  )
}

function loadsOf(assignment: Assignment): number[] {
  return [...assignment.values()].map((ids) => ids.length).toSorted((a, b) => b - a)
}

function loadOf(assignment: Assignment, memberId: string): number {
  return assignment.get(memberId)?.length ?? 0
}

/** Whoever could end up with one partition more if this member gave one away, by any chain. */
function reachable(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
  assignment: Assignment,
  from: string,
): Set<string> {
  const reached = new Set([from])
  for (const giver of reached) {
    const held = new Set(assignment.get(giver))
    for (const { topic, partitionIds } of topics) {
      if (!partitionIds.some((id) => held.has(id))) continue
      for (const member of members) if (member.topics.has(topic)) reached.add(member.memberId)
    }
  }
  return reached
}
