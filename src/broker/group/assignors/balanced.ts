/**
 * One assignor behind two names: `uniform`, the server-side one of KIP-848, and `sticky`, of KIP-54.
 * In Kafka the two are separate programs with one aim, and this one meets it exactly: the loads are
 * balanced as far as the subscriptions allow, and of all such assignments it takes one that moves the
 * fewest partitions away from who had them.
 *
 * It counts first and deals afterwards. Per class of topics with the same subscribers it decides how
 * many partitions each member gets (place-unowned, balance-loads, restore-previous), which needs a
 * table of classes by members only; then it picks which partitions those are.
 */
import { AssertionError, assert } from '../../../std/assert.js'
import type { MemberId, PartitionId } from '../../../protocol/names.js'
import { type AssignorMember, type AssignorTopic, inMemberOrder, inTopicOrder } from './assignor.js'
import { balanceLoads, placeUnowned } from './balance-loads.js'
import { Burdens } from './burdens.js'
import { PartitionCounts } from './partition-counts.js'
import { restorePrevious } from './restore-previous.js'

/** Topics with the same subscribers, who are given as indexes into the ordered members. */
interface TopicClass {
  readonly topics: AssignorTopic[]
  readonly members: readonly number[]
}

/** Partition to member, as an index into the ordered members. */
type Owners = Map<PartitionId, number>

/**
 * Balanced to within one of the share, by weight, where subscriptions are equal; where they differ, no
 * member could take a partition from one with two more (by weight: from one on whom it lies more
 * heavily than it would), not even through a chain of others. Partitions that `previous`
 * names and that are gone, or whose topic the member no longer subscribes to, count as nobody's. When
 * two members claim one partition, the first in member order had it.
 *
 * @example
 * Six partitions of one topic, c1 had 0–2 and c2 had 3–5, c3 joins:
 * c1 keeps 0 and 1, c2 keeps 3 and 4, c3 gets 2 and 5.
 */
export function assignBalanced(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
): ReadonlyMap<MemberId, readonly PartitionId[]> {
  const orderedMembers = inMemberOrder(members)
  const orderedTopics = inTopicOrder(topics)
  const classes = classify(orderedMembers, orderedTopics)
  const previous = previousOwners(orderedMembers, classes)
  const counts = new PartitionCounts(
    burdensOf(orderedMembers, classes),
    classes.map((topicClass) => topicClass.members),
  )
  placeUnowned(counts, keepPrevious(counts, classes, previous))
  balanceLoads(counts)
  restorePrevious(counts)

  const owners: Owners = new Map()
  for (const [index, topicClass] of classes.entries()) {
    deal({ counts, index, topicClass, previous, owners })
  }
  return toAssignment(orderedMembers, orderedTopics, owners)
}

/**
 * Splits the topics by who subscribed: each member in turn splits every class into the topics that it
 * subscribed to and the rest. Takes time in the number of subscriptions and builds no keys. Classes
 * are in the order of their first topics; topics without a subscriber are in none.
 */
function classify(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
): TopicClass[] {
  const indexes = new Map(topics.map(({ topic }, index) => [topic, index]))
  assert(indexes.size === topics.length, () => 'two topics of one name')
  const labels = new Int32Array(topics.length)
  let nextLabel = 1
  for (const member of members) {
    const splits = new Map<number, number>()
    for (const topic of member.topics) {
      const index = indexes.get(topic)
      if (index === undefined) continue
      const label = labels[index] as number
      const split = splits.get(label) ?? nextLabel++
      splits.set(label, split)
      labels[index] = split
    }
  }
  const classes = new Map<number, TopicClass>()
  for (const [index, topic] of topics.entries()) {
    const label = labels[index] as number
    if (label === 0) continue
    const topicClass = classes.get(label) ?? { topics: [], members: subscribers(members, topic) }
    topicClass.topics.push(topic)
    classes.set(label, topicClass)
  }
  return [...classes.values()]
}

function burdensOf(members: readonly AssignorMember[], classes: readonly TopicClass[]): Burdens {
  const weights = members.map(({ weight }) => weight)
  const [only, another] = classes
  if (only === undefined || another !== undefined) return new Burdens(weights, undefined)
  return new Burdens(weights, {
    partitions: only.topics.reduce((sum, { partitionIds }) => sum + partitionIds.length, 0),
    weight: only.members.reduce((sum, member) => sum + (weights[member] ?? 0), 0),
  })
}

function subscribers(members: readonly AssignorMember[], { topic }: AssignorTopic): number[] {
  return [...members.keys()].filter((index) => members[index]?.topics.has(topic))
}

function previousOwners(
  members: readonly AssignorMember[],
  classes: readonly TopicClass[],
): Owners {
  const topicOf = new Map<PartitionId, AssignorTopic>()
  for (const { topics } of classes) {
    for (const topic of topics) {
      for (const partitionId of topic.partitionIds) topicOf.set(partitionId, topic)
    }
  }
  const owners: Owners = new Map()
  for (const [index, member] of members.entries()) {
    for (const partitionId of member.previous) {
      const topic = topicOf.get(partitionId)
      if (topic === undefined || !member.topics.has(topic.topic)) continue
      if (!owners.has(partitionId)) owners.set(partitionId, index)
    }
  }
  return owners
}

/** Counts what everybody had for them, and returns by class how many partitions nobody had. */
function keepPrevious(
  counts: PartitionCounts,
  classes: readonly TopicClass[],
  previous: Owners,
): number[] {
  return classes.map(({ topics }, index) => {
    let unowned = 0
    for (const { partitionIds } of topics) {
      for (const partitionId of partitionIds) {
        const owner = previous.get(partitionId)
        if (owner === undefined) unowned++
        else counts.keep(index, owner)
      }
    }
    return unowned
  })
}

interface Deal {
  readonly counts: PartitionCounts
  readonly index: number
  readonly topicClass: TopicClass
  readonly previous: Owners
  readonly owners: Owners
}

/**
 * Turns the counts of one class into partitions. Members first keep of their own what they may, the
 * low partition numbers of every topic rather than all of the first topics; the rest is dealt out
 * topic by topic in turn. Both spread each topic over the members, since load is often uneven
 * between topics.
 */
function deal({ counts, index, topicClass, previous, owners }: Deal): void {
  const room = topicClass.members.map((member) => counts.count(index, member))
  const turns = new Map(topicClass.members.map((member, turn) => [member, turn]))
  for (const partitionId of byNumber(topicClass.topics)) {
    const owner = previous.get(partitionId)
    const turn = owner === undefined ? undefined : turns.get(owner)
    if (owner === undefined || turn === undefined) continue
    const left = room[turn] ?? 0
    if (left === 0) continue
    room[turn] = left - 1
    owners.set(partitionId, owner)
  }
  let turn = 0
  for (const { partitionIds } of topicClass.topics) {
    for (const partitionId of partitionIds) {
      if (owners.has(partitionId)) continue
      turn = nextWithRoom(room, turn)
      room[turn] = (room[turn] ?? 0) - 1
      owners.set(partitionId, topicClass.members[turn] as number)
      turn++
    }
  }
}

function nextWithRoom(room: readonly number[], start: number): number {
  for (let tried = 0; tried < room.length; tried++) {
    const turn = (start + tried) % room.length
    if ((room[turn] ?? 0) > 0) return turn
  }
  throw new AssertionError('more partitions to deal out than were counted')
}

/** Partition 0 of every topic, then partition 1 of every topic that has one, and so on. */
function* byNumber(topics: readonly AssignorTopic[]): Generator<PartitionId> {
  const numPartitionsMax = topics.reduce((most, t) => Math.max(most, t.partitionIds.length), 0)
  for (let partition = 0; partition < numPartitionsMax; partition++) {
    for (const { partitionIds } of topics) {
      const partitionId = partitionIds[partition]
      if (partitionId !== undefined) yield partitionId
    }
  }
}

function toAssignment(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
  owners: Owners,
): ReadonlyMap<MemberId, readonly PartitionId[]> {
  const lists = members.map((): PartitionId[] => [])
  for (const { partitionIds } of topics) {
    for (const partitionId of partitionIds) {
      const owner = owners.get(partitionId)
      if (owner !== undefined) lists[owner]?.push(partitionId)
    }
  }
  const assignment = new Map(members.map(({ memberId }, index) => [memberId, lists[index] ?? []]))
  assert(assignment.size === members.length, () => 'two members of one id')
  return assignment
}
