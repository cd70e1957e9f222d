/**
 * What an assignor is: a pure function from members, their subscriptions and the topics to who is to
 * have which partition. The group coordinator calls it when the group epoch moved and writes what it
 * returns down as the group's target; handing partitions over safely is the coordinator's work.
 */
import type { InstanceId, MemberId, PartitionId, TopicName } from '../../../protocol/names.js'

export interface AssignorMember {
  readonly memberId: MemberId
  readonly groupInstanceId?: InstanceId | undefined
  /** Topic names it subscribed to and that exist. */
  readonly topics: ReadonlySet<TopicName>
  /** Its part beside the others', 1 or more. Assignors that deal in order ignore it. */
  readonly weight: number
  /** What the last target gave it. */
  readonly previous: readonly PartitionId[]
}

export interface AssignorTopic {
  readonly topic: TopicName
  /** By partition number. */
  readonly partitionIds: readonly PartitionId[]
}

/**
 * Gives every partition of a topic that somebody subscribed to to exactly one of its subscribers.
 * Every member has an entry, maybe an empty one, with its partitions by topic name and number. The
 * order in which members and topics come makes no difference.
 */
export type Assignor = (
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
) => ReadonlyMap<MemberId, readonly PartitionId[]>

/**
 * Members in the order in which assignors serve them. As Kafka's `MemberInfo`: static members first,
 * by instance id, so that a tab that comes back under a new member id is served in its old turn.
 */
export function inMemberOrder(members: readonly AssignorMember[]): AssignorMember[] {
  return members.toSorted((a, b) => {
    if (a.groupInstanceId !== undefined && b.groupInstanceId !== undefined) {
      return compare(a.groupInstanceId, b.groupInstanceId) || compare(a.memberId, b.memberId)
    }
    if (a.groupInstanceId !== undefined) return -1
    if (b.groupInstanceId !== undefined) return 1
    return compare(a.memberId, b.memberId)
  })
}

/** Topics by name. */
export function inTopicOrder(topics: readonly AssignorTopic[]): AssignorTopic[] {
  return topics.toSorted((a, b) => compare(a.topic, b.topic))
}

/** By UTF-16 code unit, as Java compares strings; a locale's order would differ between machines. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
