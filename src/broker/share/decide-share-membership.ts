/**
 * Decisions about who is in a share group, and where it begins in what it reads. A member that goes
 * leaves its messages to the others at once (S4).
 */
import { TabmqError } from '../../protocol/errors.js'
import type { MemberId, PartitionId, SessionId } from '../../protocol/names.js'
import type { ShareGroupJoin, ShareGroupOptions } from '../../protocol/requests/share-groups.js'
import type { Caller } from '../group/decide-membership.js'
import {
  appearedLater,
  subscribedSince,
  subscribedTopics,
  subscriptionKeys,
} from '../group/subscription.js'
import type { TopicsView } from '../group/topics-view.js'
import type { Decision, DecisionContext, ShareRecord } from '../records.js'
import type { ShareGroupRow } from '../rows.js'
import { isRedriveGroup } from './decide-redrive.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'
import type { ShareGroup } from './share-group.js'
import type { ShareMember } from './share-member.js'

/**
 * Whoever joins again, from the same tab, keeps what it has.
 * @throws TabmqError GROUP_MAX_SIZE_REACHED, INVALID_REGULAR_EXPRESSION
 */
export function decideJoin(
  state: ShareGroupState,
  { request, caller }: { request: ShareGroupJoin; caller: Caller },
  context: DecisionContext,
): Decision<Record<never, never>, ShareRecord> {
  const { group, topics } = state
  const { memberId, subscription, options, weight } = request
  topics.patterns.check(subscription.patterns)
  checkGroupSize(state, memberId)
  const { sessionId, clientId } = caller
  const member = { sessionId, clientId, subscription, weight }
  const members = new Map(group.members).set(memberId, member)
  const row = { options, subscribedSince: sinceOf(group, members, topics) }
  const before = group.members.get(memberId)
  const isElsewhere = before !== undefined && before.sessionId !== sessionId
  const drafts = new ShareDrafts(state, context.nowMs, options)
  if (isElsewhere) releaseAll(group, drafts, new Set([memberId]))
  return {
    records: [
      ...(isSameRow(row, group.row) ? [] : [rowRecord(group, row)]),
      ...drafts.records(),
      { type: 'shareMember', groupId: group.groupId, memberId, value: member },
      ...startRecords(state, row, [member]),
    ],
    response: {},
  }
}

/** @throws TabmqError UNKNOWN_MEMBER_ID */
export function decideLeave(
  state: ShareGroupState,
  memberId: MemberId,
  context: DecisionContext,
): Decision<Record<never, never>, ShareRecord> {
  state.group.memberOrThrow(memberId)
  return { records: partWith(state, new Set([memberId]), context), response: {} }
}

export function decideSessionGone(
  state: ShareGroupState,
  sessionId: SessionId,
  context: DecisionContext,
): ShareRecord[] {
  const leaving = [...state.group.members].filter(([, member]) => member.sessionId === sessionId)
  return partWith(state, new Set(leaving.map(([memberId]) => memberId)), context)
}

/** New topics or partitions that members subscribed to are read from now on. */
export function decideTopicsChanged(state: ShareGroupState): ShareRecord[] {
  const { row, members } = state.group
  return row === undefined ? [] : startRecords(state, row, members.values())
}

/** The deletion of a group with all that it remembers. */
export function forgetShareGroup(group: ShareGroup): ShareRecord[] {
  const { groupId } = group
  const partitions = forgetSharePartitions(group, [...group.partitions.keys()])
  return [...partitions, { type: 'shareGroup', groupId, value: null }]
}

export function forgetSharePartitions(
  group: ShareGroup,
  partitionIds: readonly PartitionId[],
): ShareRecord[] {
  const { groupId } = group
  return partitionIds
    .filter((partitionId) => group.partitions.has(partitionId))
    .map((partitionId) => ({ type: 'sharePartition', groupId, partitionId, value: null }))
}

/**
 * Forgets a group that was empty for the whole retention, once there is nothing any more that it could do
 * again; notes since when one is empty that nobody left: its members died with the broker.
 */
export function decideForgetting(
  { group, topics }: Pick<ShareGroupState, 'group' | 'topics'>,
  retentionMs: number,
  nowMs: number,
): ShareRecord[] {
  const { row, members } = group
  if (row === undefined || members.size > 0 || isRedriveGroup(group.groupId)) return []
  const { emptySinceMs } = row
  if (emptySinceMs === undefined) return [rowRecord(group, { ...row, emptySinceMs: nowMs })]
  if (emptySinceMs + retentionMs > nowMs) return []
  const hasMessages = [...group.partitions.keys()].some(
    (partitionId) => topics.log(partitionId)?.isEmpty === false,
  )
  return hasMessages ? [] : forgetShareGroup(group)
}

function partWith(
  state: ShareGroupState,
  leaving: ReadonlySet<MemberId>,
  { nowMs }: DecisionContext,
): ShareRecord[] {
  const { group } = state
  const { groupId, row, members } = group
  if (leaving.size === 0 || row === undefined) return []
  const drafts = new ShareDrafts(state, nowMs)
  releaseAll(group, drafts, leaving)
  const isEmpty = leaving.size === members.size
  return [
    ...drafts.records(),
    ...[...leaving].map((memberId): ShareRecord => {
      return { type: 'shareMember', groupId, memberId, value: null }
    }),
    ...(isEmpty ? [rowRecord(group, { ...row, emptySinceMs: nowMs })] : []),
  ]
}

function releaseAll(
  group: ShareGroup,
  drafts: ShareDrafts,
  memberIds: ReadonlySet<MemberId>,
): void {
  for (const partition of group.partitions.values()) {
    if (![...memberIds].some((memberId) => partition.hasAnyOf(memberId))) continue
    const draft = drafts.of(partition.partitionId)
    if (draft === undefined) continue
    for (const run of draft.runs.slice()) {
      if (run.lock !== undefined && memberIds.has(run.lock.memberId)) draft.release(run, 0)
    }
  }
}

/** Where the group begins in the partitions that members subscribed to and it has never read. */
function startRecords(
  { group, topics }: ShareGroupState,
  { options, subscribedSince: since }: ShareGroupRow,
  members: Iterable<ShareMember>,
): ShareRecord[] {
  const { groupId, partitions } = group
  const records = new Map<PartitionId, ShareRecord>()
  for (const { subscription } of members) {
    for (const topic of subscribedTopics(subscription, topics)) {
      for (const partitionId of topics.partitionIds(topic)) {
        const log = topics.log(partitionId)
        if (log === undefined || partitions.has(partitionId) || records.has(partitionId)) continue
        const isLater = appearedLater(since, { partitionId, topic }, topics.patterns)
        const fromLatest = options.autoOffsetReset === 'latest' && !isLater
        const startOffset = fromLatest ? log.highWatermark : log.logStartOffset
        const value = { startOffset, runs: [] }
        records.set(partitionId, { type: 'sharePartition', groupId, partitionId, value })
      }
    }
  }
  return [...records.values()]
}

function sinceOf(
  group: ShareGroup,
  members: ReadonlyMap<MemberId, ShareMember>,
  { nextPartitionId }: TopicsView,
): Readonly<Record<string, number>> {
  const keys = [...members.values()].flatMap(({ subscription }) => subscriptionKeys(subscription))
  return subscribedSince(group.row?.subscribedSince ?? {}, keys, nextPartitionId)
}

function rowRecord({ groupId }: ShareGroup, value: ShareGroupRow): ShareRecord {
  return { type: 'shareGroup', groupId, value }
}

function isSameRow(row: ShareGroupRow, known: ShareGroupRow | undefined): boolean {
  if (known === undefined || known.emptySinceMs !== undefined) return false
  if (row.subscribedSince !== known.subscribedSince) return false
  const names = Object.keys(row.options) as (keyof ShareGroupOptions)[]
  return names.every((name) => row.options[name] === known.options[name])
}

function checkGroupSize({ group, limits }: ShareGroupState, memberId: MemberId): void {
  if (group.members.has(memberId) || group.members.size < limits.groupMembersMax) return
  throw new TabmqError(
    'GROUP_MAX_SIZE_REACHED',
    `share group "${group.groupId}" has ${limits.groupMembersMax} members, and takes no more`,
    { groupId: group.groupId, groupMembersMax: limits.groupMembersMax },
  )
}
