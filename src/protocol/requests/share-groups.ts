/** Share groups: who takes which messages, what becomes of each, dead letters sent once more. */
import type { WireError } from '../errors.js'
import type { GroupId, MemberId, PartitionId, SessionId, TopicName } from '../names.js'
import type { Api, Empty } from './api.js'
import type { Subscription } from './membership.js'
import type { AssignedPartition } from './partitions.js'
import type { StoreWrite } from './stores.js'

export interface ShareGroupApis {
  /** Makes the group if there is none, and sets its options: those of the last that joined count. */
  joinShareGroup: Api<ShareGroupJoin, Empty>
  leaveShareGroup: Api<{ groupId: GroupId; memberId: MemberId }, Empty>
  /** Takes messages for one member, or waits for some: a newer one answers the older at once. */
  shareFetch: Api<ShareFetchRequest, ShareFetchResponse>
  shareAcknowledge: Api<
    {
      groupId: GroupId
      memberId: MemberId
      acknowledgements: readonly Acknowledgement[]
      /** Nobody waits for it: it may be written a moment later, together with something else. */
      mayLinger?: boolean
    },
    /** In the order of the acknowledgements: whether each took effect. */
    { results: readonly { error?: WireError }[] }
  >
  /**
   * Sends dead letters to the topics named, each once: which of them were sent by this request, and not
   * before, and are still there, as are their topics.
   */
  redrive: Api<{ records: readonly RecordToRedrive[] }, { moved: readonly boolean[] }>
  describeShareGroups: Api<
    { groupIds: readonly GroupId[] | 'all' },
    { groups: readonly ShareGroupDescription[] }
  >
}

/** How a share group treats its messages; the last member that joined says it for all. */
export interface ShareGroupOptions {
  /** So long, in ms, a delivered message is its member's alone. */
  readonly lockDurationMs: number
  /** How often a message is delivered at most. */
  readonly deliveryCountLimit: number
  /** Where messages go that were rejected or delivered too often; null drops them. */
  readonly deadLetterTopic: TopicName | null
  /** Messages of one key one at a time, in their order. */
  readonly isOrderedByKey: boolean
  /** Where the group begins in a partition that it has never read. */
  readonly autoOffsetReset: 'earliest' | 'latest'
}

export interface ShareGroupJoin {
  readonly groupId: GroupId
  readonly memberId: MemberId
  readonly subscription: Subscription
  readonly options: ShareGroupOptions
  /** Its part of the messages, beside the weights of the others that wait for some; at least 1. */
  readonly weight: number
}

export interface ShareFetchRequest {
  readonly groupId: GroupId
  readonly memberId: MemberId
  /** 0 only ends the one that waits. */
  readonly maxRecords: number
  /** Beyond the first batch. */
  readonly maxBytes: number
  readonly maxWaitMs: number
  /** Batches that the member has from an earlier answer, and which need not come again. */
  readonly kept?: readonly KeptBatchId[]
}

export interface KeptBatchId {
  readonly partitionId: PartitionId
  readonly baseOffset: number
}

export interface ShareFetchResponse {
  /** When they were taken, by the broker's clock, in ms since 1970; and for how long. */
  readonly acquiredAtMs: number
  readonly lockDurationMs: number
  readonly partitions: readonly SharedPartition[]
}

/** What of one partition was taken for a member. */
export interface SharedPartition extends AssignedPartition {
  /** Whole batches, in which the records that were taken are, but for those that the member has. */
  readonly batches: readonly ArrayBuffer[]
  /** In the order of offsets; none overlaps another. */
  readonly acquired: readonly AcquiredRange[]
}

/** Offsets, both inclusive, that are this member's now. */
export interface AcquiredRange {
  readonly firstOffset: number
  readonly lastOffset: number
  /** How often each was delivered, this time included. */
  readonly deliveryCount: number
}

/**
 * `accept`: done, for good. `release`: for anybody, after `delayMs`. `return`: the same at once, and as if
 * it had not been delivered. `reject`: never again; a dead letter. `renew`: the lock begins anew.
 */
export const ACKNOWLEDGEMENT_TYPES = ['accept', 'release', 'return', 'reject', 'renew'] as const

export type AcknowledgementType = (typeof ACKNOWLEDGEMENT_TYPES)[number]

export interface Acknowledgement extends AcquiredRange {
  readonly partitionId: PartitionId
  readonly type: AcknowledgementType
  /** Of a release: so long nobody gets it. */
  readonly delayMs?: number
  /** Of a rejection, for who reads the dead letter. */
  readonly reason?: string
  /** Of an acceptance: changed in the same transaction, or not at all. */
  readonly store?: StoreWrite
}

export interface RecordToRedrive {
  /** Where the dead letter is. */
  readonly partitionId: PartitionId
  readonly offset: number
  /** Where it goes. */
  readonly topic: TopicName
}

/** A share group with what each of its partitions is waiting for. */
export interface ShareGroupDescription {
  readonly groupId: GroupId
  readonly options: ShareGroupOptions
  readonly members: readonly ShareMemberDescription[]
  readonly partitions: readonly SharePartitionDescription[]
}

export interface ShareMemberDescription {
  readonly memberId: MemberId
  readonly clientId: string
  readonly sessionId: SessionId
  readonly subscription: Subscription
  readonly weight: number
  /** Messages that it has and has not acknowledged. */
  readonly acquired: number
}

/** How far a share group has come in one partition. */
export interface SharePartitionDescription extends AssignedPartition {
  /** Below it all is final. */
  readonly startOffset: number
  readonly highWatermark: number
  /** Messages that anybody may have now, or when their time has come (`delayed`, a part of it). */
  readonly available: number
  readonly delayed: number
  readonly acquired: number
  /** Who has what, by offset. */
  readonly locks: readonly ShareLock[]
  readonly counters: ShareCounters
}

export interface ShareLock extends AcquiredRange {
  readonly memberId: MemberId
  /** In ms since 1970. */
  readonly lockedUntilMs: number
}

/** Messages, since the broker started. */
export interface ShareCounters {
  readonly delivered: number
  readonly accepted: number
  readonly released: number
  readonly rejected: number
  /** Locks that ran out. */
  readonly timedOut: number
  readonly deadLettered: number
  /**
   * That ended without being accepted or dead-lettered: the group has no topic for dead letters, retention
   * has taken them, or they went round in a circle.
   */
  readonly dropped: number
  /** Whose time was over before anybody had them. */
  readonly expired: number
}
