/**
 * Decisions about who is in a group: join, heartbeat, leave, a tab that is gone, deadlines that
 * passed, topics that changed. The protocol is KIP-848's; the numbers in comments are the rules of
 * the semantics that the tests name.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { SessionId } from '../../protocol/names.js'
import type {
  GroupHeartbeatRequest,
  GroupHeartbeatResponse,
  MemberRef,
} from '../../protocol/requests/groups.js'
import type { Decision, DecisionContext, GroupRecord } from '../records.js'
import { GroupDraft } from './group-draft.js'
import type { Group } from './group.js'
import type { Member } from './member.js'
import { hasReachedTarget } from './reconcile.js'
import { isSameSubscription } from './subscription.js'
import type { TopicsView } from './topics-view.js'

/** What a membership decision reads besides the request. */
export interface MembershipState {
  readonly group: Group
  readonly topics: TopicsView
  readonly limits: BrokerLimits
}

/** The tab that asks. */
export interface Caller {
  readonly sessionId: SessionId
  readonly clientId: string
}

/**
 * @throws TabmqError UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID,
 *   GROUP_MAX_SIZE_REACHED, INVALID_REGULAR_EXPRESSION, INVALID_REQUEST
 */
export function decideHeartbeat(
  state: MembershipState,
  { request, caller }: { request: GroupHeartbeatRequest; caller: Caller },
  context: DecisionContext,
): Decision<GroupHeartbeatResponse, GroupRecord> {
  state.topics.patterns.check(request.subscription?.patterns ?? [])
  const draft = new GroupDraft(state.group, state.topics, context)
  const isJoin = request.member.memberEpoch === 0
  const member = isJoin
    ? join(state, draft, { request, caller, nowMs: context.nowMs })
    : keepAlive(state, draft, { request, caller, nowMs: context.nowMs })
  const owned = request.owned === undefined ? undefined : new Set(request.owned)
  const reconciled = draft.reconcile(member, isJoin ? new Set() : owned)
  const target = draft.target.byMember.get(reconciled.memberId) ?? new Set()
  return {
    records: draft.records(),
    response: {
      memberEpoch: reconciled.memberEpoch,
      groupEpoch: draft.groupEpoch,
      assigned: state.topics.locate(reconciled.assigned),
      rebalancing: !hasReachedTarget(reconciled, target, draft.target.groupEpoch),
    },
  }
}

/** A member leaves; a static one is only away until its session times out, as in Kafka. */
export function decideLeave(
  state: MembershipState,
  ref: MemberRef,
  context: DecisionContext,
): Decision<Record<never, never>, GroupRecord> {
  const member = state.group.memberOrThrow(ref)
  return { records: partWith(state, [member], context), response: {} }
}

/** A tab closed, crashed or went into the back/forward cache: its members leave at once. */
export function decideSessionGone(
  state: MembershipState,
  sessionId: SessionId,
  context: DecisionContext,
): GroupRecord[] {
  const members = [...state.group.members.values()].filter(
    (member) => member.sessionId === sessionId,
  )
  return partWith(state, members, context)
}

/** Fences the members that were silent, or held on to revoked partitions, for too long (4, 5, 6). */
export function decideExpiry(state: MembershipState, context: DecisionContext): GroupRecord[] {
  const late = [...state.group.members.values()].filter((member) => isLate(member, context.nowMs))
  return remove(state, late, context)
}

/** A new target when topics or partitions came or went that a member subscribed to (10). */
export function decideTopicsChanged(
  state: MembershipState,
  context: DecisionContext,
): GroupRecord[] {
  const draft = new GroupDraft(state.group, state.topics, context)
  if (state.group.members.size === 0 || !draft.isTargetOutdated()) return []
  draft.retarget()
  return draft.records()
}

/** Whether a heartbeat of the member would bring it nearer to its target: a reason to ask for one. */
export function isWaitingForHeartbeat(state: MembershipState, member: Member): boolean {
  if (member.sessionId === undefined) return false
  const draft = new GroupDraft(state.group, state.topics, { nowMs: 0 })
  return draft.reconcile(member, undefined) !== member
}

export function isLate(member: Member, nowMs: number): boolean {
  return member.sessionDeadlineMs <= nowMs || (member.revocationDeadlineMs ?? Infinity) <= nowMs
}

interface HeartbeatInput {
  readonly request: GroupHeartbeatRequest
  readonly caller: Caller
  readonly nowMs: number
}

function join(state: MembershipState, draft: GroupDraft, input: HeartbeatInput): Member {
  const { member: ref, options, subscription } = input.request
  if (options === undefined || subscription === undefined) {
    throw new TabmqError('INVALID_REQUEST', 'a join needs options and a subscription', {
      groupId: state.group.groupId,
    })
  }
  const { memberId, groupInstanceId } = ref
  const arriving = {
    ...options,
    weight: options.weight ?? 1,
    ...input.caller,
    memberId,
    groupInstanceId,
    subscription,
    sessionDeadlineMs: input.nowMs + options.sessionTimeoutMs,
    revoking: new Set<never>(),
    revocationDeadlineMs: undefined,
  }
  const before =
    groupInstanceId === undefined ? undefined : state.group.memberOfInstance(groupInstanceId)
  if (before === undefined) {
    checkGroupSize(state, memberId)
    const member = {
      ...arriving,
      memberEpoch: 0,
      previousMemberEpoch: 0,
      assigned: new Set<never>(),
    }
    draft.put(member)
    draft.retarget()
    return member
  }
  // The same instance again (7): it takes over what it held, and the target stays as it is.
  const { memberEpoch, previousMemberEpoch, assigned } = before
  const member = { ...arriving, memberEpoch, previousMemberEpoch, assigned }
  if (before.memberId !== memberId) {
    draft.remove(before.memberId)
    draft.renameInTarget(before.memberId, memberId)
  }
  draft.put(member)
  // Under the id of yet another member it ends that one, whose part is for all to share.
  const endsAnother = before.memberId !== memberId && state.group.members.has(memberId)
  if (endsAnother || needsNewTarget(before, member) || draft.isTargetOutdated()) draft.retarget()
  return member
}

function keepAlive(state: MembershipState, draft: GroupDraft, input: HeartbeatInput): Member {
  const { request, caller, nowMs } = input
  const before = state.group.memberOrThrow(request.member)
  if (before.sessionId !== caller.sessionId) {
    throw new TabmqError('UNKNOWN_MEMBER_ID', `${before.memberId} joined from another tab`, {
      groupId: state.group.groupId,
      memberId: before.memberId,
    })
  }
  checkEpoch(before, request)
  const subscription = request.subscription ?? before.subscription
  const options = request.options ?? {}
  const member = { ...before, ...options, subscription }
  const alive = { ...member, sessionDeadlineMs: nowMs + member.sessionTimeoutMs }
  draft.put(alive)
  if (needsNewTarget(before, alive)) draft.retarget()
  return alive
}

/** Rule 1: an epoch ahead is fenced; one behind too, unless only the last reply was lost. */
function checkEpoch(member: Member, { member: ref, owned }: GroupHeartbeatRequest): void {
  if (ref.memberEpoch === member.memberEpoch) return
  const replyWasLost =
    ref.memberEpoch === member.previousMemberEpoch &&
    owned !== undefined &&
    owned.every((partitionId) => member.assigned.has(partitionId))
  if (replyWasLost) return
  throw new TabmqError(
    'FENCED_MEMBER_EPOCH',
    `member epoch ${ref.memberEpoch} is not ${member.memberEpoch}; the member has to join again`,
    { memberId: ref.memberId, memberEpoch: ref.memberEpoch, knownEpoch: member.memberEpoch },
  )
}

function needsNewTarget(before: Member, after: Member): boolean {
  return (
    before.assignor !== after.assignor ||
    before.weight !== after.weight ||
    !isSameSubscription(before.subscription, after.subscription)
  )
}

function checkGroupSize({ group, limits }: MembershipState, memberId: Member['memberId']): void {
  if (group.members.has(memberId) || group.members.size < limits.groupMembersMax) return
  throw new TabmqError(
    'GROUP_MAX_SIZE_REACHED',
    `group "${group.groupId}" has ${limits.groupMembersMax} members, and takes no more`,
    { groupId: group.groupId, groupMembersMax: limits.groupMembersMax },
  )
}

/** Dynamic members go; static ones stay as members that are away, letting go of nothing. */
function partWith(
  state: MembershipState,
  members: readonly Member[],
  context: DecisionContext,
): GroupRecord[] {
  const isStatic = (member: Member) => member.groupInstanceId !== undefined
  const away = members.filter(isStatic).map((member): GroupRecord => {
    const { groupId } = state.group
    const sessionDeadlineMs = context.nowMs + member.sessionTimeoutMs
    const revoked = { revoking: new Set<never>(), revocationDeadlineMs: undefined }
    const value = { ...member, ...revoked, sessionId: undefined, sessionDeadlineMs }
    return { type: 'member', groupId, memberId: member.memberId, value }
  })
  const leaving = members.filter((member) => !isStatic(member))
  return [...away, ...remove(state, leaving, context)]
}

function remove(
  state: MembershipState,
  members: readonly Member[],
  context: DecisionContext,
): GroupRecord[] {
  if (members.length === 0) return []
  const draft = new GroupDraft(state.group, state.topics, context)
  for (const member of members) draft.remove(member.memberId)
  draft.retarget()
  return draft.records()
}
