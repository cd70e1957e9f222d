import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type {
  AssignorMember,
  AssignorTopic,
} from '../../../../src/broker/group/assignors/assignor.js'
import { assignBalanced } from '../../../../src/broker/group/assignors/balanced.js'
import {
  type Assignment,
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
        const sumOfSquares = sumOfSquaredLoads(assignment)
        const moves = countMoves(members, assignment)
        expect({ sumOfSquares, moves }).toEqual(bestOfAll(members, topics))
      }),
      { numRuns: 300 },
    )
  })
})

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
