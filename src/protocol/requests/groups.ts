/** Consumer groups: who is a member of which, what it is assigned, how far the group has come. */
import type { GroupId, InstanceId, MemberId, PartitionId, SessionId } from '../names.js'
import type { Api, Empty } from './api.js'
import type { Subscription } from './membership.js'
import type { AssignedPartition, PartitionResult } from './partitions.js'
import type { StoreWrite } from './stores.js'

export interface GroupApis {
  groupHeartbeat: Api<GroupHeartbeatRequest, GroupHeartbeatResponse>
  leaveGroup: Api<{ groupId: GroupId; member: MemberRef }, Empty>
  commitOffsets: Api<
    {
      groupId: GroupId
      /** Absent: an administrator, allowed only while the group is empty. */
      member?: MemberRef
      offsets: readonly OffsetToCommit[]
      /** Changed in the same transaction, or not at all. */
      store?: StoreWrite
      /** Nobody waits for it: it may be written a moment later, together with something else. */
      mayLinger?: boolean
    },
    Empty
  >
  fetchOffsets: Api<
    { groupId: GroupId; partitions: readonly PartitionId[] | 'all' },
    { offsets: readonly CommittedOffset[] }
  >
  /** Where a member starts: the committed offset, else what its reset policy says. */
  startOffsets: Api<
    {
      groupId: GroupId
      member: MemberRef
      partitions: readonly PartitionId[]
      autoOffsetReset: AutoOffsetReset
    },
    { results: readonly PartitionResult<{ offset: number }>[] }
  >
  listGroups: Api<Empty, { groups: readonly GroupListing[] }>
  describeGroups: Api<{ groupIds: readonly GroupId[] }, { groups: readonly GroupDescription[] }>
  deleteGroups: Api<{ groupIds: readonly GroupId[] }, Empty>
}

/**
 * Where a group starts in a partition of which it has committed nothing, or what it has committed is
 * not there any more: at the first message that there is, behind the last one, or with the error
 * NO_OFFSET_FOR_PARTITION, after which the partition waits for a `seek`.
 */
export type AutoOffsetReset = 'earliest' | 'latest' | 'none'

/**
 * How a group's partitions are dealt to its members. `uniform`: as even as can be, by their weights, moving
 * as few as can be. `range`: of each topic, runs of neighbours, so that the same numbers of several topics come
 * together. `roundrobin`: one after the other. `sticky`: another name of `uniform`.
 */
export type AssignorName = 'uniform' | 'range' | 'roundrobin' | 'sticky'

export const ASSIGNOR_NAMES: readonly AssignorName[] = ['uniform', 'range', 'roundrobin', 'sticky']

/** A member as it names itself. The instance id tells a fenced static member why it is unknown. */
export interface MemberRef {
  readonly memberId: MemberId
  readonly memberEpoch: number
  readonly groupInstanceId?: InstanceId
}

/**
 * KIP-848's ConsumerGroupHeartbeat. Epoch 0 joins and must carry the options and the subscription;
 * later ones carry what changed. `owned` is what the member holds now: without it the heartbeat
 * keeps the member alive but acknowledges no revocation (rule 3).
 */
export interface GroupHeartbeatRequest {
  readonly groupId: GroupId
  readonly member: MemberRef
  readonly options?: MemberOptions
  readonly subscription?: Subscription
  readonly owned?: readonly PartitionId[]
}

export interface MemberOptions {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly assignor: AssignorName
  /** Absent: 1. */
  readonly weight?: number
}

export interface GroupHeartbeatResponse {
  readonly memberEpoch: number
  readonly groupEpoch: number
  /** All that the member may hold now; what it holds beyond is to be let go. */
  readonly assigned: readonly AssignedPartition[]
  /** Whether more is to come once others let go, or less once this member has. */
  readonly rebalancing: boolean
}

export interface OffsetToCommit {
  readonly partitionId: PartitionId
  /** The next offset to read (rule 14). */
  readonly offset: number
  readonly metadata?: string
  /** What is committed must be this or less: otherwise somebody has got further, and nothing is. */
  readonly from?: number
}

export interface CommittedOffset extends AssignedPartition {
  readonly offset: number
  readonly metadata: string | undefined
  readonly committedAtMs: number
}

/** `empty`: no member. `reconciling`: members on their way to the target. `stable`: all there. */
export type GroupState = 'empty' | 'reconciling' | 'stable'

/** A group in the list of `admin.listGroups`. */
export interface GroupListing {
  readonly groupId: GroupId
  /** Whether partitions are dealt to its members, or messages. A share group is never reconciling. */
  readonly type: 'consumer' | 'share'
  readonly state: GroupState
}

/** A group with its members, and how far it has come. */
export interface GroupDescription extends GroupListing {
  /** Goes up whenever members, subscriptions or topics change what is to be assigned. */
  readonly groupEpoch: number
  readonly assignor: AssignorName
  /** By member id; none while the group is empty. */
  readonly members: readonly MemberDescription[]
  /** Of each partition that is assigned or of which something was committed. */
  readonly offsets: readonly GroupOffset[]
}

/** One consumer of a group. */
export interface MemberDescription {
  readonly memberId: MemberId
  /** Undefined for a dynamic member. */
  readonly groupInstanceId: InstanceId | undefined
  /** The `clientId` of its tab. */
  readonly clientId: string
  /** Undefined while a static member is away. */
  readonly sessionId: SessionId | undefined
  /** The group epoch that it has reached. */
  readonly memberEpoch: number
  readonly subscription: Subscription
  /** Its part of the partitions, beside the others' weights. */
  readonly weight: number
  /** What it holds now, with what it was told to let go of and has not yet. */
  readonly assigned: readonly AssignedPartition[]
  /** What it is to hold in the end. */
  readonly target: readonly AssignedPartition[]
}

/** How far a group has come in one partition. */
export interface GroupOffset extends AssignedPartition {
  /** The next offset to read; undefined while nothing was committed. */
  readonly committedOffset: number | undefined
  /** The offset below which all messages can be read. */
  readonly highWatermark: number
  /** Messages below the high watermark still to be committed, from the log start at the earliest. */
  readonly lag: number
}
