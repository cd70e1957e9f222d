/**
 * A group as an administrator sees it: members with what they hold and are to hold, and the lag of
 * every partition that the group reads or has committed.
 */
import type { PartitionId } from '../../protocol/names.js'
import type {
  GroupDescription,
  GroupOffset,
  MemberDescription,
} from '../../protocol/requests/groups.js'
import type { Group } from './group.js'
import type { Member } from './member.js'
import type { TopicsView } from './topics-view.js'

export function describeGroup(group: Group, topics: TopicsView): GroupDescription {
  const { groupId, state, groupEpoch, assignor } = group
  const members = [...group.members.values()]
    .map((member) => describeMember(group, member, topics))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const offsets = groupOffsets(group, topics)
  return { groupId, type: 'consumer', state, groupEpoch, assignor, members, offsets }
}

function describeMember(group: Group, member: Member, topics: TopicsView): MemberDescription {
  const { memberId, groupInstanceId, clientId, sessionId, memberEpoch, subscription, weight } =
    member
  return {
    memberId,
    groupInstanceId,
    clientId,
    sessionId,
    memberEpoch,
    subscription,
    weight,
    assigned: topics.locate([...member.assigned, ...member.revoking]),
    target: topics.locate(group.targetOf(memberId)),
  }
}

function groupOffsets(group: Group, topics: TopicsView): GroupOffset[] {
  const partitionIds = new Set<PartitionId>(group.offsets.keys())
  if (group.members.size > 0) for (const id of group.target.partitions) partitionIds.add(id)
  return topics.locate(partitionIds).flatMap((located) => {
    const log = topics.log(located.partitionId)
    if (log === undefined) return []
    const { highWatermark, logStartOffset } = log
    const committedOffset = group.offsets.get(located.partitionId)?.offset
    const nextOffset = Math.max(committedOffset ?? 0, logStartOffset)
    return [{ ...located, committedOffset, highWatermark, lag: highWatermark - nextOffset }]
  })
}
