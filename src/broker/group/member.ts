/**
 * A member of a group and the target it is on its way to: immutable values, replaced whole by the
 * `member` and `target` records. Soft state: it dies with the broker, and the tabs join again; what
 * a static member held is kept in the group's row.
 */
import type { GroupId, InstanceId, MemberId, PartitionId, SessionId } from '../../protocol/names.js'
import type { AssignorName } from '../../protocol/requests/groups.js'
import type { Subscription } from '../../protocol/requests/membership.js'

export interface Member {
  readonly memberId: MemberId
  readonly groupInstanceId: InstanceId | undefined
  readonly clientId: string
  /** The tab it lives in; undefined while a static member is away. */
  readonly sessionId: SessionId | undefined
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly assignor: AssignorName
  /** Its part of the partitions, beside the others' weights. */
  readonly weight: number
  readonly subscription: Subscription
  readonly memberEpoch: number
  /** The epoch before: a member whose reply was lost still reports it (rule 1). */
  readonly previousMemberEpoch: number
  /** What it may hold at its epoch. */
  readonly assigned: ReadonlySet<PartitionId>
  /** What it was told to let go and has not yet reported gone. Nobody else may have it. */
  readonly revoking: ReadonlySet<PartitionId>
  /** When its silence becomes too long. */
  readonly sessionDeadlineMs: number
  /** When it must have let go of `revoking`; undefined when there is nothing to let go. */
  readonly revocationDeadlineMs: number | undefined
}

/** What each member is to hold at `groupEpoch`, and of which topics the assignor knew. */
export interface TargetAssignment {
  readonly groupEpoch: number
  readonly byMember: ReadonlyMap<MemberId, ReadonlySet<PartitionId>>
  /** Every partition that some member subscribed to when the target was made. */
  readonly partitions: ReadonlySet<PartitionId>
}

/** Names a member across groups: a member id alone is unique in its group only. */
export interface MemberOfGroup {
  readonly groupId: GroupId
  readonly memberId: MemberId
}
