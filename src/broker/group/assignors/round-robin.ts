/**
 * Kafka's RoundRobinAssignor: all partitions of all topics in one row, dealt out to the members in
 * turn. A member that did not subscribe to the topic is passed over, and the turn goes on from
 * whoever was served: with different subscriptions the result can be far from balanced, as in Kafka.
 */
import { assert } from '../../../std/assert.js'
import type { MemberId, PartitionId } from '../../../protocol/names.js'
import { type AssignorMember, type AssignorTopic, inMemberOrder, inTopicOrder } from './assignor.js'

/**
 * @example
 * t1 and t2 with three partitions each, c1 and c2 subscribed to both:
 * c1 has t1: 0, 2 and t2: 1; c2 has t1: 1 and t2: 0, 2.
 */
export function assignRoundRobin(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
): ReadonlyMap<MemberId, readonly PartitionId[]> {
  const ordered = inMemberOrder(members)
  const assignment = new Map<MemberId, PartitionId[]>()
  for (const { memberId } of ordered) assignment.set(memberId, [])

  let turn = 0
  for (const { topic, partitionIds } of inTopicOrder(topics)) {
    if (!ordered.some((member) => member.topics.has(topic))) continue
    for (const partitionId of partitionIds) {
      while (!memberAt(ordered, turn).topics.has(topic)) turn++
      assignment.get(memberAt(ordered, turn).memberId)?.push(partitionId)
      turn++
    }
  }
  return assignment
}

function memberAt(ordered: readonly AssignorMember[], turn: number): AssignorMember {
  const member = ordered[turn % ordered.length]
  assert(member !== undefined, () => 'a round over no members')
  return member
}
