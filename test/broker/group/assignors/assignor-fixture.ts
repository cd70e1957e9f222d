/**
 * Groups in the few words that the assignor tests need: members and topics made from plain names,
 * and assignments shown as topics and partition numbers. Partition ids run against the numbers, so
 * that nothing can pass by sorting ids.
 */
import fc from 'fast-check'
import type {
  AssignorMember,
  AssignorTopic,
} from '../../../../src/broker/group/assignors/assignor.js'
import {
  type PartitionId,
  type TopicName,
  parseInstanceId,
  parseMemberId,
  parseTopicName,
} from '../../../../src/protocol/names.js'

export type Assignment = ReadonlyMap<string, readonly PartitionId[]>
/** By topic name: partition numbers. */
export type Shown = Readonly<Record<string, readonly number[]>>

/** `makeTopics({ t1: 3 })`: topic t1 with three partitions. */
export function makeTopics(numPartitions: Readonly<Record<string, number>>): AssignorTopic[] {
  return Object.entries(numPartitions).map(([name, length], index) => ({
    topic: parseTopicName(name),
    partitionIds: Array.from({ length }, (_, partition) =>
      partitionId(1_000 * (index + 1) - partition),
    ),
  }))
}

export interface MemberOptions {
  readonly instanceId?: string
  readonly previous?: readonly PartitionId[]
  readonly weight?: number
}

export function makeMember(
  memberId: string,
  topics: readonly string[],
  { instanceId, previous = [], weight = 1 }: MemberOptions = {},
): AssignorMember {
  return {
    memberId: parseMemberId(memberId),
    groupInstanceId: instanceId === undefined ? undefined : parseInstanceId(instanceId),
    topics: new Set(topics.map(parseTopicName)),
    weight,
    previous,
  }
}

/** The ids of partitions given as topics and numbers. */
export function idsOf(topics: readonly AssignorTopic[], shown: Shown): PartitionId[] {
  return topics.flatMap(({ topic, partitionIds }) =>
    (shown[topic] ?? []).map((partition) => partitionIds[partition] ?? partitionId(0)),
  )
}

/** An assignment as topics and numbers, in the order in which it lists them. */
export function show(
  topics: readonly AssignorTopic[],
  assignment: Assignment,
): Record<string, Record<string, number[]>> {
  const byMember: Record<string, Record<string, number[]>> = {}
  for (const [memberId, ids] of assignment) {
    const byTopic: Record<string, number[]> = {}
    for (const id of ids) {
      const topic = topics.find(({ partitionIds }) => partitionIds.includes(id))
      if (topic === undefined) throw new Error(`partition ${id} is in no topic`)
      ;(byTopic[topic.topic] ??= []).push(topic.partitionIds.indexOf(id))
    }
    byMember[memberId] = byTopic
  }
  return byMember
}

/** The same members as they come to the next assignment, with what this one gave them. */
export function carriedOn(
  members: readonly AssignorMember[],
  assignment: Assignment,
): AssignorMember[] {
  return members.map((member) => ({ ...member, previous: assignment.get(member.memberId) ?? [] }))
}

/** How many of the partitions that members had went to others; the first that claims one had it. */
export function countMoves(members: readonly AssignorMember[], assignment: Assignment): number {
  const claimed = new Set<PartitionId>()
  let moves = 0
  for (const { memberId, previous } of members) {
    for (const id of previous) {
      if (claimed.has(id)) continue
      claimed.add(id)
      if (!assignment.get(memberId)?.includes(id)) moves++
    }
  }
  return moves
}

export interface Group {
  readonly members: readonly AssignorMember[]
  readonly topics: readonly AssignorTopic[]
}

export interface GroupOptions {
  readonly membersMax: number
  readonly topicsMax: number
  readonly partitionsMax: number
  readonly subscriptions: 'equal' | 'different'
  /** Whether members may claim partitions twice over, of topics they left, or that are gone. */
  readonly wildClaims?: boolean
}

/**
 * Groups with a past: of each topic a few of its subscribers, or all of them, had the partitions, and
 * nobody had some. Claims on few members are what leaves something to balance.
 */
export function arbitraryGroup(options: GroupOptions): fc.Arbitrary<Group> {
  const { membersMax, topicsMax, partitionsMax, subscriptions, wildClaims = false } = options
  const shape = fc.record({
    numPartitions: fc.array(fc.nat({ max: partitionsMax }), { maxLength: topicsMax }),
    numMembers: fc.integer({ min: 1, max: membersMax }),
    ownersMax: fc.integer({ min: 1, max: membersMax }),
  })
  return shape.chain(({ numPartitions, numMembers, ownersMax }) => {
    const topics = makeTopics(Object.fromEntries(numPartitions.map((n, index) => [`t${index}`, n])))
    const names = topics.map(({ topic }) => topic)
    const subscription = subscriptions === 'equal' ? fc.constant(names) : fc.subarray(names)
    const partitions = topics.flatMap(({ topic, partitionIds }) =>
      partitionIds.map((id) => ({ topic, id })),
    )
    const { length } = partitions
    return fc
      .record({
        subscribed: fc.array(subscription, { minLength: numMembers, maxLength: numMembers }),
        owners: fc.array(fc.nat({ max: ownersMax }), { minLength: length, maxLength: length }),
        wild: fc.array(fc.tuple(fc.nat({ max: numMembers - 1 }), fc.nat({ max: length })), {
          maxLength: wildClaims ? 8 : 0,
        }),
        statics: fc.boolean(),
      })
      .map(({ subscribed, owners, wild, statics }) => {
        const previous = subscribed.map((): PartitionId[] => [])
        for (const [at, { topic, id }] of partitions.entries()) {
          const subscribers = previous.filter((_, index) => subscribed[index]?.includes(topic))
          const candidates = subscribers.slice(0, ownersMax)
          // The owner after the last stands for nobody.
          candidates[(owners[at] ?? 0) % (candidates.length + 1)]?.push(id)
        }
        for (const [owner, at] of wild) {
          const id = partitions[at]?.id ?? partitionId(7)
          if (!previous[owner]?.includes(id)) previous[owner]?.push(id)
        }
        const members = subscribed.map((subscribedTopics: readonly TopicName[], index) =>
          makeMember(`m${index}`, subscribedTopics, {
            previous: previous[index] ?? [],
            ...(statics && index % 2 === 1 ? { instanceId: `i${index}` } : {}),
          }),
        )
        return { members, topics }
      })
  })
}

function partitionId(value: number): PartitionId {
  return value as PartitionId
}
