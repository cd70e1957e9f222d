/**
 * Decisions about committed offsets: who may commit what, where a member starts, what is forgotten.
 * The committed offset is the next one to read (rule 14), and never above the high watermark.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId } from '../../protocol/names.js'
import type {
  AutoOffsetReset,
  CommittedOffset,
  MemberRef,
  OffsetToCommit,
} from '../../protocol/requests/groups.js'
import type { ResponseOf } from '../../protocol/requests/request.js'
import type { PartitionLog } from '../log/partition-log.js'
import { partitionResult } from '../log/partition-result.js'
import type { Decision, DecisionContext, GroupRecord } from '../records.js'
import type { OffsetRow } from '../rows.js'
import type { Group } from './group.js'
import type { MembershipState } from './decide-membership.js'
import { appearedLater } from './subscription.js'
import type { TopicsView } from './topics-view.js'

/**
 * @throws TabmqError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, FENCED_MEMBER_EPOCH,
 *   FENCED_INSTANCE_ID, NON_EMPTY_GROUP, UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE,
 *   OFFSET_METADATA_TOO_LARGE, INVALID_TXN_STATE
 */
export function decideCommit(
  state: MembershipState,
  request: { member?: MemberRef; offsets: readonly OffsetToCommit[] },
  { nowMs }: DecisionContext,
): Decision<Record<never, never>, GroupRecord> {
  const { group, topics, limits } = state
  if (request.member === undefined) checkIsEmpty(group)
  else {
    checkCommitter(group, request.member)
    for (const wish of request.offsets) checkIsNotOthers(group, request.member, wish)
  }
  for (const wish of request.offsets) {
    checkOffset(topics, wish, limits)
    checkFrom(group, wish)
  }
  const { groupId } = group
  const records = request.offsets.map(({ partitionId, offset, metadata }): GroupRecord => {
    const value: OffsetRow = {
      offset,
      committedAtMs: nowMs,
      ...(metadata === undefined ? {} : { metadata }),
    }
    return { type: 'offset', groupId, partitionId, value }
  })
  return { records: [...madeByCommit(group, nowMs), ...records], response: {} }
}

/**
 * Where a member starts on each partition: at the committed offset, else where its policy says. What
 * `latest` found is committed at once: otherwise messages that arrive before the first commit would
 * be skipped by the next owner.
 */
export function decideStartOffsets(
  { group, topics }: MembershipState,
  request: {
    member: MemberRef
    partitions: readonly PartitionId[]
    autoOffsetReset: AutoOffsetReset
  },
  { nowMs }: DecisionContext,
): Decision<ResponseOf<'startOffsets'>, GroupRecord> {
  checkCommitter(group, request.member)
  const records: GroupRecord[] = []
  const results = request.partitions.map((partitionId) =>
    partitionResult(partitionId, () => {
      const log = topics.logOrThrow(partitionId)
      const committed = group.offsets.get(partitionId)
      if (committed !== undefined) return { offset: committed.offset }
      const offset = offsetByPolicy({ group, topics, log }, request.autoOffsetReset)
      if (request.autoOffsetReset === 'latest') {
        const value = { offset, committedAtMs: nowMs }
        records.push({ type: 'offset', groupId: group.groupId, partitionId, value })
      }
      return { offset }
    }),
  )
  return { records, response: { results } }
}

/** Committed offsets with their names; of all partitions when none are named. */
export function committedOffsets(
  group: Group | undefined,
  topics: TopicsView,
  partitions: readonly PartitionId[] | 'all',
): CommittedOffset[] {
  if (group === undefined) return []
  const wanted = partitions === 'all' ? group.offsets.keys() : partitions
  return topics.locate(wanted).flatMap((located) => {
    const row = group.offsets.get(located.partitionId)
    if (row === undefined) return []
    const { offset, metadata, committedAtMs } = row
    return [{ ...located, offset, metadata, committedAtMs }]
  })
}

/** The deletion of a group with all that it remembers. */
export function forgetGroup(group: Group): GroupRecord[] {
  const { groupId } = group
  const offsets = [...group.offsets.keys()].map((partitionId): GroupRecord => ({
    type: 'offset',
    groupId,
    partitionId,
    value: null,
  }))
  return [...offsets, { type: 'group', groupId, value: null }]
}

/** The offsets that go because their topic is deleted (rule 21). */
export function forgetPartitions(
  group: Group,
  partitionIds: readonly PartitionId[],
): GroupRecord[] {
  const { groupId } = group
  return partitionIds
    .filter((partitionId) => group.offsets.has(partitionId))
    .map((partitionId) => ({ type: 'offset', groupId, partitionId, value: null }))
}

/** Whether a group has been empty, and its offsets untouched, for the whole retention (rule 22). */
export function isForgettable(group: Group, nowMs: number, offsetsRetentionMs: number): boolean {
  const emptySinceMs = group.row?.emptySinceMs
  if (group.members.size > 0 || emptySinceMs === undefined) return false
  const isOld = (atMs: number) => atMs + offsetsRetentionMs <= nowMs
  if (!isOld(emptySinceMs)) return false
  for (const { committedAtMs } of group.offsets.values()) if (!isOld(committedAtMs)) return false
  return true
}

/**
 * Notes since when a group is empty that nobody left: its members died with the broker. Without it
 * the group would be kept for ever.
 */
export function noteEmptiness(group: Group, nowMs: number): GroupRecord[] {
  const { groupId, row, members } = group
  if (row === undefined || members.size > 0 || row.emptySinceMs !== undefined) return []
  return [{ type: 'group', groupId, value: { ...row, emptySinceMs: nowMs } }]
}

function checkCommitter(group: Group, ref: MemberRef): void {
  const { memberEpoch } = group.memberOrThrow(ref)
  if (ref.memberEpoch === memberEpoch) return
  const details = { groupId: group.groupId, ...ref, knownEpoch: memberEpoch }
  if (ref.memberEpoch > memberEpoch) {
    throw new TabmqError(
      'FENCED_MEMBER_EPOCH',
      `member epoch ${ref.memberEpoch} is ahead of ${memberEpoch}`,
      details,
    )
  }
  throw new TabmqError(
    'STALE_MEMBER_EPOCH',
    `member epoch ${ref.memberEpoch} is behind ${memberEpoch}`,
    details,
  )
}

/**
 * What a static member was letting go of when it went away is given to others, and its epoch stays:
 * the tab may only have stood still, and not know that it is away.
 */
function checkIsNotOthers(group: Group, ref: MemberRef, { partitionId }: OffsetToCommit): void {
  const owner = group.ownerOf(partitionId)
  if (owner === undefined || owner === ref.memberId) return
  const { groupId } = group
  throw new TabmqError(
    'STALE_MEMBER_EPOCH',
    `partition ${partitionId} is held by member ${owner} of "${groupId}" by now`,
    { groupId, ...ref, partitionId, owner },
  )
}

function checkIsEmpty(group: Group): void {
  if (group.members.size === 0) return
  throw new TabmqError(
    'NON_EMPTY_GROUP',
    `group "${group.groupId}" has ${group.members.size} members: only they may commit`,
    { groupId: group.groupId, members: group.members.size },
  )
}

function checkOffset(topics: TopicsView, wish: OffsetToCommit, limits: BrokerLimits): void {
  const log = topics.logOrThrow(wish.partitionId)
  const topic = topics.topicOf(log)
  const { partition } = log
  if (wish.offset > log.highWatermark) {
    throw new TabmqError(
      'OFFSET_OUT_OF_RANGE',
      `cannot commit ${wish.offset} for "${topic}" ${partition}: the log reaches ${log.highWatermark}`,
      { topic, partition, offset: wish.offset, highWatermark: log.highWatermark },
    )
  }
  const length = wish.metadata?.length ?? 0
  if (length > limits.offsetMetadataLengthMax) {
    throw new TabmqError(
      'OFFSET_METADATA_TOO_LARGE',
      `offset metadata of ${length} characters is over the limit of ${limits.offsetMetadataLengthMax}`,
      { topic, partition, metadataLength: length, limit: limits.offsetMetadataLengthMax },
    )
  }
}

interface StartPlace {
  readonly group: Group
  readonly topics: TopicsView
  readonly log: PartitionLog
}

function offsetByPolicy(place: StartPlace, policy: AutoOffsetReset): number {
  const { group, topics, log } = place
  const topic = topics.topicOf(log)
  const { partitionId } = log
  const since = group.row?.subscribedSince ?? {}
  switch (policy) {
    case 'earliest':
      return log.logStartOffset
    case 'latest':
      return appearedLater(since, { partitionId, topic }, topics.patterns)
        ? log.logStartOffset
        : log.highWatermark
    case 'none':
      throw new TabmqError(
        'NO_OFFSET_FOR_PARTITION',
        `group "${group.groupId}" has no committed offset for "${topic}" ${log.partition}`,
        { groupId: group.groupId, topic, partition: log.partition },
      )
  }
}

/** Whoever handled from there on must not have it counted twice, nor what others have handled. */
function checkFrom(group: Group, { partitionId, from }: OffsetToCommit): void {
  const committed = group.offsets.get(partitionId)?.offset
  if (from === undefined || committed === undefined || committed <= from) return
  const { groupId } = group
  throw new TabmqError(
    'INVALID_TXN_STATE',
    `"${groupId}" has committed ${committed} of partition ${partitionId} by now: what was done from ${from} on is done`,
    { groupId, partitionId, from, committed },
  )
}

/** A commit without members makes the group. */
function madeByCommit(group: Group, nowMs: number): GroupRecord[] {
  if (group.exists) return []
  const value = {
    groupEpoch: 0,
    assignor: group.assignor,
    emptySinceMs: nowMs,
    subscribedSince: {},
    staticMembers: [],
  }
  return [{ type: 'group', groupId: group.groupId, value }]
}
