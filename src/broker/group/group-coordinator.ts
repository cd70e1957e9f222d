/**
 * All groups: it finds the group a request is about, lets the decide-*.ts files decide, and replays
 * group records. Besides the groups it keeps, as soft state, the deadlines at which something is due
 * without a request, and which members would get nearer to their target by a heartbeat.
 */
import { assert } from '../../std/assert.js'
import { DeadlineQueue } from '../../std/deadline-queue.js'
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { GroupId, PartitionId, SessionId } from '../../protocol/names.js'
import type { GroupDescription, GroupListing } from '../../protocol/requests/groups.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type { Decision, DecisionContext, GroupRecord } from '../records.js'
import type { OffsetRow } from '../rows.js'
import {
  decideExpiry,
  decideHeartbeat,
  decideLeave,
  decideSessionGone,
  decideTopicsChanged,
  isWaitingForHeartbeat,
  type Caller,
  type MembershipState,
} from './decide-membership.js'
import {
  committedOffsets,
  decideCommit,
  decideStartOffsets,
  forgetGroup,
  forgetPartitions,
  isForgettable,
  noteEmptiness,
} from './decide-offsets.js'
import { describeGroup } from './describe-group.js'
import { Group } from './group.js'
import type { Member, MemberOfGroup } from './member.js'
import type { TopicsView } from './topics-view.js'

/** A member that should heartbeat now, and the tab to ask. */
export interface HeartbeatWanted extends MemberOfGroup {
  readonly sessionId: SessionId
}

export type OffsetRecord = Extract<GroupRecord, { readonly type: 'offset' }>

type GroupDecision<R> = Decision<R, GroupRecord>

export class GroupCoordinator {
  readonly #groups = new Map<GroupId, Group>()
  readonly #topics: TopicsView
  readonly #limits: BrokerLimits
  /** When a member's session or its time to let go runs out. */
  readonly #deadlines = new DeadlineQueue<string>()
  /** When a member is to be asked for its next heartbeat; unset between the asking and the answer. */
  readonly #heartbeats = new DeadlineQueue<string>()
  /** Members that were asked and have not answered: a frozen tab is asked once, not piled upon. */
  readonly #asked = new Set<string>()
  readonly #touched = new Set<Group>()
  /** How many members each tab has, in all groups. */
  readonly #bySession = new Map<SessionId, number>()
  #fenced: HeartbeatWanted[] = []

  constructor(topics: TopicsView, limits: BrokerLimits) {
    this.#topics = topics
    this.#limits = limits
  }

  heartbeat(
    request: RequestOf<'groupHeartbeat'>,
    caller: Caller,
    context: DecisionContext,
  ): GroupDecision<ResponseOf<'groupHeartbeat'>> {
    const state = this.#stateOf(request.groupId)
    const isJoin = request.member.memberEpoch === 0
    if (isJoin && !state.group.members.has(request.member.memberId)) {
      this.#checkGroupCount(state.group)
      this.#checkMemberCount(caller)
    }
    return decideHeartbeat(state, { request, caller }, context)
  }

  leave(request: RequestOf<'leaveGroup'>, context: DecisionContext): GroupDecision<object> {
    return decideLeave(this.#stateOf(request.groupId), request.member, context)
  }

  commit(request: RequestOf<'commitOffsets'>, context: DecisionContext): GroupDecision<object> {
    const state = this.#stateOf(request.groupId)
    // A commit without a member makes the group.
    if (request.member === undefined) this.#checkGroupCount(state.group)
    return decideCommit(state, request, context)
  }

  /**
   * The commit that these records are of did not come to be: what is still as they left it is again as it
   * was. Replays what it returns.
   */
  undoCommit(
    records: readonly OffsetRecord[],
    before: ReadonlyMap<OffsetRecord, OffsetRow | null>,
  ) {
    return records.flatMap((record): OffsetRecord[] => {
      const { groupId, partitionId, value } = record
      const isLast = this.#groups.get(groupId)?.offsets.get(partitionId) === value
      if (!isLast) return []
      const undone = { ...record, value: before.get(record) ?? null }
      this.replay(undone)
      return [undone]
    })
  }

  /** What is committed, perhaps not durably yet. */
  offsetOf(groupId: GroupId, partitionId: PartitionId): OffsetRow | undefined {
    return this.#groups.get(groupId)?.offsets.get(partitionId)
  }

  startOffsets(
    request: RequestOf<'startOffsets'>,
    context: DecisionContext,
  ): GroupDecision<ResponseOf<'startOffsets'>> {
    return decideStartOffsets(this.#stateOf(request.groupId), request, context)
  }

  fetchOffsets(request: RequestOf<'fetchOffsets'>): ResponseOf<'fetchOffsets'> {
    const group = this.#groups.get(request.groupId)
    return { offsets: committedOffsets(group, this.#topics, request.partitions) }
  }

  has(groupId: GroupId): boolean {
    return this.#groups.has(groupId)
  }

  all(): Iterable<Group> {
    return this.#groups.values()
  }

  /** In the order of their ids. */
  list(): GroupListing[] {
    return [...this.#groups.values()]
      .map(({ groupId, state }): GroupListing => ({ groupId, type: 'consumer', state }))
      .sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }

  /** @throws TabmqError GROUP_ID_NOT_FOUND */
  describe(groupIds: readonly GroupId[]): GroupDescription[] {
    return groupIds.map((groupId) => describeGroup(this.#findOrThrow(groupId), this.#topics))
  }

  describeAll(): GroupDescription[] {
    return this.describe(this.list().map((group) => group.groupId))
  }

  /** @throws TabmqError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  deleteGroups(request: RequestOf<'deleteGroups'>): GroupDecision<object> {
    const groups = [...new Set(request.groupIds)].map((groupId) => this.#findOrThrow(groupId))
    for (const { groupId, members } of groups) {
      if (members.size === 0) continue
      throw new TabmqError('NON_EMPTY_GROUP', `group "${groupId}" has ${members.size} members`, {
        groupId,
        members: members.size,
      })
    }
    return { records: groups.flatMap(forgetGroup), response: {} }
  }

  /** Every group forgets what belonged to deleted partitions. */
  partitionsDeleted(partitionIds: readonly PartitionId[]): GroupRecord[] {
    return [...this.#groups.values()].flatMap((group) => forgetPartitions(group, partitionIds))
  }

  topicsChanged(context: DecisionContext): GroupRecord[] {
    return this.#decideForAll((state) => decideTopicsChanged(state, context))
  }

  sessionGone(sessionId: SessionId, context: DecisionContext): GroupRecord[] {
    return this.#decideForAll((state) => decideSessionGone(state, sessionId, context))
  }

  /** Fences whoever is due. */
  expire(context: DecisionContext): GroupRecord[] {
    if ((this.#deadlines.nextMs() ?? Infinity) > context.nowMs) return []
    this.#deadlines.takeDue(context.nowMs)
    return this.#decideForAll((state) => decideExpiry(state, context))
  }

  /** Forgets groups that were empty for the whole offsets retention. */
  expireOffsets({ nowMs }: DecisionContext): GroupRecord[] {
    const { offsetsRetentionMs } = this.#limits
    return [...this.#groups.values()].flatMap((group) =>
      isForgettable(group, nowMs, offsetsRetentionMs)
        ? forgetGroup(group)
        : noteEmptiness(group, nowMs),
    )
  }

  /**
   * The broker itself was away for `byMs` (a sleeping laptop, a busy thread) and could neither ask
   * for heartbeats nor hear them: nobody is late for that. Who was heard since has its usual time,
   * and who had none left has time for one more heartbeat: the last may wait to be heard. Less than
   * zero when it is the clock that was set back: everybody has the time left that they had.
   */
  extendDeadlines(byMs: number, { nowMs }: DecisionContext): GroupRecord[] {
    return this.#decideForAll(({ group }) =>
      [...group.members.values()].map((member): GroupRecord => {
        const { sessionDeadlineMs, revocationDeadlineMs } = member
        const extended = (deadlineMs: number, timeoutMs: number) => {
          const leftMs = Math.max(deadlineMs + byMs - nowMs, this.#heartbeatIntervalMs(member))
          return nowMs + Math.min(leftMs, timeoutMs)
        }
        const value = {
          ...member,
          sessionDeadlineMs: extended(sessionDeadlineMs, member.sessionTimeoutMs),
          revocationDeadlineMs:
            revocationDeadlineMs === undefined
              ? undefined
              : extended(revocationDeadlineMs, member.rebalanceTimeoutMs),
        }
        return { type: 'member', groupId: group.groupId, memberId: member.memberId, value }
      }),
    )
  }

  /** A tab has a new port: what its members were asked on the old one it may not have heard. */
  askAgain(sessionId: SessionId, { nowMs }: DecisionContext): void {
    for (const group of this.#groups.values()) {
      for (const member of group.members.values()) {
        const key = keyOf(group, member.memberId)
        if (member.sessionId !== sessionId || !this.#asked.delete(key)) continue
        this.#heartbeats.set(key, nowMs)
      }
    }
  }

  nextDeadlineMs(): number | undefined {
    const due = [this.#deadlines.nextMs(), this.#heartbeats.nextMs()].filter(
      (deadline) => deadline !== undefined,
    )
    return due.length === 0 ? undefined : Math.min(...due)
  }

  /** Members to ask for a heartbeat: it is time, their target moved, or they were fenced. */
  takeHeartbeatsWanted(nowMs: number): HeartbeatWanted[] {
    const wanted = this.#fenced
    this.#fenced = []
    const waiting = this.#heartbeats.takeDue(nowMs)
    for (const group of this.#touched) {
      const state = this.#stateOf(group.groupId)
      for (const member of group.members.values()) {
        if (isWaitingForHeartbeat(state, member)) waiting.push(keyOf(group, member.memberId))
      }
    }
    this.#touched.clear()
    for (const key of waiting) {
      if (this.#asked.has(key)) continue
      this.#asked.add(key)
      wanted.push(...this.#memberAt(key))
    }
    return wanted
  }

  replay(record: GroupRecord): void {
    const group = this.#groupFor(record.groupId)
    if (record.type === 'member') this.#noteMember(group, record)
    group.replay(record)
    if (record.type === 'member' || record.type === 'target') this.#touched.add(group)
    if (!group.exists && group.members.size === 0 && group.offsets.size === 0) {
      this.#groups.delete(group.groupId)
    }
  }

  /** After the stored rows were replayed: static members are awaited for their session timeout. */
  restoreStaticMembers(nowMs: number): void {
    for (const group of this.#groups.values()) {
      group.restoreStaticMembers(nowMs)
      for (const member of group.members.values()) this.#setDeadlines(group, member)
    }
  }

  checkInvariants(): void {
    const counted = new Map<SessionId, number>()
    for (const group of this.#groups.values()) {
      group.checkInvariants()
      for (const { sessionId } of group.members.values()) {
        if (sessionId !== undefined) counted.set(sessionId, (counted.get(sessionId) ?? 0) + 1)
      }
    }
    const isInStep = [...counted].every(([id, count]) => this.#bySession.get(id) === count)
    assert(
      isInStep && counted.size === this.#bySession.size,
      () => 'members by session out of step',
    )
  }

  #noteMember(group: Group, record: Extract<GroupRecord, { type: 'member' }>): void {
    const { memberId, value } = record
    this.#count(group.members.get(memberId)?.sessionId, -1)
    this.#count(value?.sessionId, 1)
    if (value !== null) return this.#setDeadlines(group, value)
    const key = keyOf(group, memberId)
    this.#deadlines.delete(key)
    this.#heartbeats.delete(key)
    this.#asked.delete(key)
    const before = group.members.get(memberId)
    if (before !== undefined) this.#fenced.push(...heartbeatOf(group, before))
  }

  #count(sessionId: SessionId | undefined, by: number): void {
    if (sessionId === undefined) return
    const count = (this.#bySession.get(sessionId) ?? 0) + by
    if (count === 0) this.#bySession.delete(sessionId)
    else this.#bySession.set(sessionId, count)
  }

  #checkMemberCount({ sessionId }: Caller): void {
    const { sessionMembersMax } = this.#limits
    if ((this.#bySession.get(sessionId) ?? 0) < sessionMembersMax) return
    throw new TabmqError(
      'THROTTLING_QUOTA_EXCEEDED',
      `this tab has ${sessionMembersMax} members of groups, the most there may be`,
      { sessionMembersMax },
    )
  }

  #checkGroupCount({ groupId }: Group): void {
    const { groupsMax } = this.#limits
    if (this.#groups.has(groupId) || this.#groups.size < groupsMax) return
    throw new TabmqError('POLICY_VIOLATION', `there can be ${groupsMax} groups at most`, {
      groupsMax,
    })
  }

  #setDeadlines(group: Group, member: Member): void {
    const key = keyOf(group, member.memberId)
    const { sessionDeadlineMs, sessionTimeoutMs, revocationDeadlineMs } = member
    this.#asked.delete(key)
    this.#deadlines.set(key, Math.min(sessionDeadlineMs, revocationDeadlineMs ?? Infinity))
    if (member.sessionId === undefined) return this.#heartbeats.delete(key)
    const lastHeardMs = sessionDeadlineMs - sessionTimeoutMs
    this.#heartbeats.set(key, lastHeardMs + this.#heartbeatIntervalMs(member))
  }

  #heartbeatIntervalMs({ sessionTimeoutMs }: Member): number {
    return Math.min(sessionTimeoutMs / 3, this.#limits.heartbeatIntervalMsMax)
  }

  #memberAt(key: string): HeartbeatWanted[] {
    const [groupId, memberId] = JSON.parse(key) as [GroupId, Member['memberId']]
    const group = this.#groups.get(groupId)
    const member = group?.members.get(memberId)
    return group === undefined || member === undefined ? [] : heartbeatOf(group, member)
  }

  #decideForAll(decide: (state: MembershipState) => GroupRecord[]): GroupRecord[] {
    return [...this.#groups.keys()].flatMap((groupId) => decide(this.#stateOf(groupId)))
  }

  /** The group, or an empty one that comes to be only if a record of it is replayed. */
  #stateOf(groupId: GroupId): MembershipState {
    const group = this.#groups.get(groupId) ?? new Group(groupId)
    return { group, topics: this.#topics, limits: this.#limits }
  }

  #groupFor(groupId: GroupId): Group {
    const group = this.#groups.get(groupId) ?? new Group(groupId)
    this.#groups.set(groupId, group)
    return group
  }

  #findOrThrow(groupId: GroupId): Group {
    const group = this.#groups.get(groupId)
    if (group !== undefined) return group
    throw new TabmqError('GROUP_ID_NOT_FOUND', `there is no group "${groupId}"`, { groupId })
  }
}

function heartbeatOf({ groupId }: Group, { memberId, sessionId }: Member): HeartbeatWanted[] {
  return sessionId === undefined ? [] : [{ groupId, memberId, sessionId }]
}

function keyOf({ groupId }: Group, memberId: Member['memberId']): string {
  return JSON.stringify([groupId, memberId])
}
