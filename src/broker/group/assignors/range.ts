/**
 * Kafka's RangeAssignor: topic by topic, the partitions in contiguous ranges, one range for each
 * subscriber in turn. Topics with as many partitions and the same subscribers are cut alike, so one
 * member has the same partition numbers of each: what joins of two topics by key rely on. The price
 * is that the first members have the rest of every topic.
 */
import type { MemberId, PartitionId } from '../../../protocol/names.js'
import { type AssignorMember, type AssignorTopic, inMemberOrder, inTopicOrder } from './assignor.js'

/**
 * @example
 * t1 and t2 with three partitions each, c1 and c2 subscribed to both:
 * c1 has t1: 0, 1 and t2: 0, 1; c2 has t1: 2 and t2: 2.
 */
export function assignRange(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
): ReadonlyMap<MemberId, readonly PartitionId[]> {
  const ordered = inMemberOrder(members)
  const assignment = new Map<MemberId, PartitionId[]>()
  for (const { memberId } of ordered) assignment.set(memberId, [])

  for (const { topic, partitionIds } of inTopicOrder(topics)) {
    const subscribers = ordered.filter((member) => member.topics.has(topic))
    if (subscribers.length === 0) continue
    const each = Math.floor(partitionIds.length / subscribers.length)
    const rest = partitionIds.length % subscribers.length
    let start = 0
    for (const [turn, { memberId }] of subscribers.entries()) {
      const end = start + each + (turn < rest ? 1 : 0)
      assignment.get(memberId)?.push(...partitionIds.slice(start, end))
      start = end
    }
  }
  return assignment
}
