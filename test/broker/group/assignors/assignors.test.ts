import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type {
  AssignorMember,
  AssignorTopic,
} from '../../../../src/broker/group/assignors/assignor.js'
import { ASSIGNORS } from '../../../../src/broker/group/assignors/assignors.js'
import { ASSIGNOR_NAMES } from '../../../../src/protocol/requests/groups.js'
import type { PartitionId } from '../../../../src/protocol/names.js'
import { type Assignment, type Group, arbitraryGroup } from './assignor-fixture.js'

const groups = arbitraryGroup({
  membersMax: 6,
  topicsMax: 5,
  partitionsMax: 8,
  subscriptions: 'different',
  wildClaims: true,
})

describe.each(ASSIGNOR_NAMES)('%s', (name) => {
  const assign = ASSIGNORS[name]

  it('gives every partition of a subscribed topic to exactly one of its subscribers', () => {
    fc.assert(
      fc.property(groups, ({ members, topics }) => {
        const assignment = assign(members, topics)
        expect([...assignment.keys()].toSorted()).toEqual(members.map((m) => m.memberId).toSorted())
        expect(ownersOf(assignment)).toEqual(subscribedPartitions(members, topics))
        for (const { memberId, topics: subscribed } of members) {
          const allowed = topics.filter(({ topic }) => subscribed.has(topic))
          const ids = new Set(allowed.flatMap(({ partitionIds }) => partitionIds))
          for (const id of assignment.get(memberId) ?? []) expect(ids).toContain(id)
        }
      }),
    )
  })

  it('lists a member’s partitions by topic and number', () => {
    fc.assert(
      fc.property(groups, ({ members, topics }) => {
        const row = topics.flatMap(({ partitionIds }) => partitionIds)
        for (const ids of assign(members, topics).values()) {
          expect(ids).toEqual(row.filter((id) => ids.includes(id)))
        }
      }),
    )
  })

  it('comes to the same whatever the order of members, topics and claims', () => {
    const shuffled = groups.chain((group) =>
      fc.record({ group: fc.constant(group), other: shuffle(group) }),
    )
    fc.assert(
      fc.property(shuffled, ({ group, other }) => {
        expect(assign(other.members, other.topics)).toEqual(assign(group.members, group.topics))
      }),
    )
  })

  it('changes nothing that it was given', () => {
    fc.assert(
      fc.property(groups, ({ members, topics }) => {
        const before = structuredClone({ members, topics })
        assign(members, topics)
        expect({ members, topics }).toEqual(before)
      }),
    )
  })

  it('assigns nothing to nobody', () => {
    expect(assign([], []).size).toBe(0)
  })
})

function shuffle({ members, topics }: Group): fc.Arbitrary<Group> {
  return fc.record({
    members: fc.tuple(...members.map(shuffleMember)).chain((all) => shuffleList(all)),
    topics: shuffleList(topics),
  })
}

function shuffleMember(member: AssignorMember): fc.Arbitrary<AssignorMember> {
  return fc
    .record({ topics: shuffleList([...member.topics]), previous: shuffleList(member.previous) })
    .map(({ topics, previous }) => ({ ...member, topics: new Set(topics), previous }))
}

function shuffleList<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length })
}

/** All that is assigned, sorted: a partition assigned twice is there twice. */
function ownersOf(assignment: Assignment): PartitionId[] {
  return [...assignment.values()].flat().toSorted((a, b) => a - b)
}

function subscribedPartitions(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
): PartitionId[] {
  return topics
    .filter(({ topic }) => members.some((member) => member.topics.has(topic)))
    .flatMap(({ partitionIds }) => partitionIds)
    .toSorted((a, b) => a - b)
}
