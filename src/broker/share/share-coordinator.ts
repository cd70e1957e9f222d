/**
 * All share groups: it finds the group that a request is about, lets the decide-*.ts files decide, and
 * replays share records. Besides the groups it keeps, as soft state, what was seen of the records of
 * the partitions that they read, the deadlines at which something is due without a request, which
 * groups have something to deliver that they had not, and which dead letters are being written.
 */
import { assert } from '../../std/assert.js'
import { DeadlineQueue } from '../../std/deadline-queue.js'
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { GroupId, MemberId, PartitionId, SessionId } from '../../protocol/names.js'
import type { GroupListing } from '../../protocol/requests/groups.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type {
  Acknowledgement,
  ShareGroupDescription,
  ShareGroupOptions,
} from '../../protocol/requests/share-groups.js'
import type { Caller } from '../group/decide-membership.js'
import type { TopicsView } from '../group/topics-view.js'
import type { Decision, DecisionContext, ShareRecord } from '../records.js'
import {
  DeadLetterTrays,
  decideDeadLettersEnded,
  decideDeadLettersUndone,
  type DeadLetter,
  type DeadLetterEnd,
} from './dead-letters.js'
import { decideAcceptUndone, decideAcknowledge, type KnownRun } from './decide-acknowledge.js'
import { decideAcquire, type Granted, type WaitingMember } from './decide-acquire.js'
import { decideExpiry, decideExtension } from './decide-expiry.js'
import {
  decideForgetting,
  decideJoin,
  decideLeave,
  decideSessionGone,
  decideTopicsChanged,
  forgetShareGroup,
  forgetSharePartitions,
} from './decide-share-membership.js'
import {
  decideRedrive,
  decideRedriveStart,
  isRedriveGroup,
  REDRIVE_GROUP,
} from './decide-redrive.js'
import { describeShareGroup } from './describe-share-group.js'
import { piecesBetween } from './runs.js'
import { SeenPartitions, type WantedFacts } from './seen-partitions.js'
import type { ShareGroupState } from './share-drafts.js'
import { ShareGroup } from './share-group.js'
import type { SharePartition } from './share-partition.js'

export type { DeadLetter, DeadLetterEnd, LetterOutcome } from './dead-letters.js'
export type { Granted, GrantedPartition, WaitingMember } from './decide-acquire.js'
export type { WantedFacts } from './seen-partitions.js'

type ShareDecision<R> = Decision<R, ShareRecord>
export type OffsetRange = Pick<Acknowledgement, 'partitionId' | 'firstOffset' | 'lastOffset'>

export class ShareCoordinator {
  readonly #groups = new Map<GroupId, ShareGroup>()
  readonly #topics: TopicsView
  readonly #limits: BrokerLimits
  readonly #seen: SeenPartitions
  /** When a lock runs out or a delay ends. */
  readonly #deadlines = new DeadlineQueue<SharePartition>()
  readonly #trays = new DeadLetterTrays()
  readonly #ready = new Set<ShareGroup>()
  /** How many members each tab has, in all groups. */
  readonly #bySession = new Map<SessionId, number>()

  constructor(topics: TopicsView, limits: BrokerLimits) {
    this.#topics = topics
    this.#limits = limits
    this.#seen = new SeenPartitions(topics, limits)
  }

  /**
   * Makes the group if there is none; its options are those of the last that joined.
   * @throws TabmqError GROUP_MAX_SIZE_REACHED, INVALID_GROUP_ID, INVALID_REGULAR_EXPRESSION,
   *   POLICY_VIOLATION, THROTTLING_QUOTA_EXCEEDED
   */
  join(
    request: RequestOf<'joinShareGroup'>,
    caller: Caller,
    context: DecisionContext,
  ): ShareDecision<ResponseOf<'joinShareGroup'>> {
    checkNotOfRedrive(request.groupId)
    const state = this.#stateOf(request.groupId)
    const before = state.group.members.get(request.memberId)
    this.#checkGroupCount(state.group)
    if (before?.sessionId !== caller.sessionId) this.#checkMemberCount(caller)
    return decideJoin(state, { request, caller }, context)
  }

  /** @throws TabmqError UNKNOWN_MEMBER_ID */
  leave(
    request: RequestOf<'leaveShareGroup'>,
    context: DecisionContext,
  ): ShareDecision<ResponseOf<'leaveShareGroup'>> {
    return decideLeave(this.#stateOf(request.groupId), request.memberId, context)
  }

  /** Hands out what there is to those who wait; whoever gets nothing is not in the response. */
  acquire(
    groupId: GroupId,
    waiting: readonly WaitingMember[],
    context: DecisionContext,
  ): ShareDecision<Granted[]> {
    const state = this.#stateOf(groupId)
    if (state.group.members.size === 0) return { records: [], response: [] }
    return decideAcquire(state, waiting, context)
  }

  /** @throws TabmqError UNKNOWN_MEMBER_ID */
  acknowledge(
    request: RequestOf<'shareAcknowledge'>,
    context: DecisionContext,
  ): ShareDecision<ResponseOf<'shareAcknowledge'>> {
    return decideAcknowledge(this.#stateOf(request.groupId), request, context)
  }

  /** What is known of messages, as they are before an acknowledgement of them is replayed. */
  knownOf(groupId: GroupId, ranges: readonly OffsetRange[]): KnownRun[] {
    const partitions = this.#groups.get(groupId)?.partitions
    return ranges.flatMap(({ partitionId, firstOffset, lastOffset }) => {
      const runs = partitions?.get(partitionId)?.runs ?? []
      return [...piecesBetween(runs, firstOffset, lastOffset + 1)].map((run) => ({
        partitionId,
        run,
      }))
    })
  }

  /**
   * These are about to be final, in a transaction that may be taken back: where messages of one key are in
   * order, the next ones of theirs are delivered to nobody until the returned function is called.
   */
  holdKeys(groupId: GroupId, ranges: readonly OffsetRange[]): () => void {
    const group = this.#groups.get(groupId)
    if (group?.row?.options.isOrderedByKey !== true) return () => {}
    const held = ranges.flatMap(({ partitionId, firstOffset, lastOffset }) => {
      const hashes = this.#seen.factsOf(partitionId).keyHashes(firstOffset, lastOffset + 1)
      return hashes.map((keyHash) => ({ partitionId, keyHash }))
    })
    for (const { partitionId, keyHash } of held) group.heldKeys.hold(partitionId, keyHash)
    return () => {
      for (const { partitionId, keyHash } of held) group.heldKeys.release(partitionId, keyHash)
    }
  }

  /** They were accepted, and the transaction did not come to be: they are available again. */
  undoAccepted(
    groupId: GroupId,
    before: readonly KnownRun[],
    { nowMs }: Pick<DecisionContext, 'nowMs'>,
  ): ShareRecord[] {
    const isKnown = this.#groups.get(groupId)?.row !== undefined
    return isKnown ? decideAcceptUndone(this.#stateOf(groupId), before, nowMs) : []
  }

  /**
   * Of which partitions, and from which offset on, the group would have to see more for `maxRecords`
   * messages to be delivered now; none when what was seen is enough, or there is no more.
   */
  wantedFacts(groupId: GroupId, maxRecords: number, context: DecisionContext): WantedFacts[] {
    return this.#seen.wanted(this.#stateOf(groupId), maxRecords, context)
  }

  /**
   * Takes in what a batch says of its records; returns whether anything of that is new.
   * @throws TabmqError CORRUPT_MESSAGE when its header cannot be read
   */
  see(partitionId: PartitionId, batch: ArrayBuffer): boolean {
    return this.#seen.see(partitionId, batch, this.#readers(partitionId))
  }

  /** What cannot be read from the one offset up to the other is delivered to nobody. */
  seeNothing(partitionId: PartitionId, firstOffset: number, nextOffset: number): boolean {
    const range = { firstOffset, nextOffset }
    return this.#seen.seeNothing(partitionId, range, this.#readers(partitionId))
  }

  /** The lowest offset of a partition that any group may still deliver; Infinity when none reads it. */
  neededFrom(partitionId: PartitionId): number {
    const starts = this.#readers(partitionId).map(
      (group) => group.partitions.get(partitionId)?.startOffset ?? Infinity,
    )
    return Math.min(Infinity, ...starts)
  }

  has(groupId: GroupId): boolean {
    return this.#groups.has(groupId)
  }

  list(): GroupListing[] {
    return [...this.#groups.values()]
      .map(({ groupId, state }) => ({ groupId, type: 'share' as const, state }))
      .sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }

  /** @throws TabmqError GROUP_ID_NOT_FOUND */
  optionsOf(groupId: GroupId): ShareGroupOptions {
    return this.#findOrThrow(groupId).options
  }

  /** @throws TabmqError UNKNOWN_MEMBER_ID */
  memberOrThrow(groupId: GroupId, memberId: MemberId): void {
    this.#stateOf(groupId).group.memberOrThrow(memberId)
  }

  /** Whether members of the group read any of these partitions. */
  readsAny(groupId: GroupId, partitionIds: ReadonlySet<PartitionId>): boolean {
    const read = this.#groups.get(groupId)?.read(this.#topics) ?? []
    return read.some((partitionId) => partitionIds.has(partitionId))
  }

  locate(partitionIds: Iterable<PartitionId>): AssignedPartition[] {
    return this.#topics.locate(partitionIds)
  }

  /** @throws TabmqError GROUP_ID_NOT_FOUND */
  describe(groupId: GroupId, { nowMs }: Pick<DecisionContext, 'nowMs'>): ShareGroupDescription {
    this.#findOrThrow(groupId)
    return describeShareGroup(this.#stateOf(groupId), nowMs)
  }

  /** @throws TabmqError GROUP_ID_NOT_FOUND */
  describeAll(
    groupIds: readonly GroupId[] | 'all',
    context: Pick<DecisionContext, 'nowMs'>,
  ): ShareGroupDescription[] {
    const wanted = groupIds === 'all' ? this.list().map(({ groupId }) => groupId) : groupIds
    return wanted.map((groupId) => this.describe(groupId, context))
  }

  /** @throws TabmqError GROUP_ID_NOT_FOUND, INVALID_GROUP_ID, NON_EMPTY_GROUP */
  deleteGroup(groupId: GroupId): ShareRecord[] {
    const group = this.#findOrThrow(groupId)
    // What was redriven would be so once more.
    checkNotOfRedrive(groupId)
    const { size } = group.members
    if (size === 0) return forgetShareGroup(group)
    throw new TabmqError('NON_EMPTY_GROUP', `group "${groupId}" has ${size} members`, {
      groupId,
      members: size,
    })
  }

  partitionsDeleted(partitionIds: readonly PartitionId[]): ShareRecord[] {
    return [...this.#groups.values()].flatMap((group) => forgetSharePartitions(group, partitionIds))
  }

  /** New partitions get their start. */
  topicsChanged(_context: DecisionContext): ShareRecord[] {
    return [...this.#groups.values()].flatMap((group) => {
      group.forgetReads()
      return decideTopicsChanged(this.#stateOf(group.groupId))
    })
  }

  sessionGone(sessionId: SessionId, context: DecisionContext): ShareRecord[] {
    if (!this.#bySession.has(sessionId)) return []
    return this.#decideForAll((state) => decideSessionGone(state, sessionId, context))
  }

  /** Locks that ran out and delays that are over. */
  expire(context: DecisionContext): ShareRecord[] {
    for (const partitionId of this.#seen.takeDue(context.nowMs)) {
      for (const group of this.#readers(partitionId)) this.#ready.add(group)
    }
    return this.#deadlines
      .takeDue(context.nowMs)
      .flatMap((partition) => decideExpiry(this.#stateOf(partition.groupId), partition, context))
  }

  /** Forgets groups that were empty for the whole offsets retention. */
  expireGroups({ nowMs }: DecisionContext): ShareRecord[] {
    const { offsetsRetentionMs } = this.#limits
    return [...this.#groups.values()].flatMap((group) =>
      decideForgetting({ group, topics: this.#topics }, offsetsRetentionMs, nowMs),
    )
  }

  /** As {@link GroupCoordinator.extendDeadlines}: the broker was away, or the clock was set back. */
  extendDeadlines(byMs: number, context: DecisionContext): ShareRecord[] {
    return this.#decideForAll((state) => decideExtension(state, byMs, context))
  }

  nextDeadlineMs(): number | undefined {
    const due = [this.#deadlines.nextMs(), this.#seen.nextDueMs()].filter(
      (deadline) => deadline !== undefined,
    )
    return due.length === 0 ? undefined : Math.min(...due)
  }

  /** Groups that may have something to deliver that they had not. */
  takeReady(): GroupId[] {
    const ready = [...this.#ready]
    this.#ready.clear()
    return ready.filter(({ members }) => members.size > 0).map(({ groupId }) => groupId)
  }

  /** Dead letters that are to be written: each is handed out once, or again after it failed. */
  takeDeadLetters(): DeadLetter[] {
    return this.#trays.take()
  }

  /** Whether it is still to be written: its message, group, or partition may be gone meanwhile. */
  isDead({ groupId, partitionId, offset }: DeadLetter): boolean {
    const partition = this.#groups.get(groupId)?.partitions.get(partitionId)
    const log = this.#topics.log(partitionId)
    if (partition === undefined || log === undefined || offset < log.logStartOffset) return false
    const [run] = piecesBetween(partition.runs, offset, offset + 1)
    return run?.state === 'deadLettering'
  }

  /** What comes before the first {@link redrive} of these partitions. */
  redriveStart(partitionIds: Iterable<PartitionId>): ShareRecord[] {
    return decideRedriveStart(this.#stateOf(REDRIVE_GROUP), partitionIds)
  }

  /** @throws TabmqError POLICY_VIOLATION */
  redrive(
    request: RequestOf<'redrive'>,
    context: DecisionContext,
  ): ShareDecision<ResponseOf<'redrive'>> {
    return decideRedrive(this.#stateOf(REDRIVE_GROUP), request, context)
  }

  /**
   * What became of dead letters that were handed out; those that were written are so in the transaction
   * that these records belong to. What failed is tried again at `retryAtMs`.
   */
  deadLettersEnded(
    ends: readonly DeadLetterEnd[],
    retryAtMs: number,
    { nowMs }: Pick<DecisionContext, 'nowMs'>,
  ): ShareRecord[] {
    const times = { nowMs, retryAtMs }
    return this.#byGroup(ends, (state, those) => decideDeadLettersEnded(state, those, times))
  }

  /** That transaction did not come to be: nothing of it has ended. */
  undoDeadLetters(
    ends: readonly DeadLetterEnd[],
    retryAtMs: number,
    { nowMs }: Pick<DecisionContext, 'nowMs'>,
  ): ShareRecord[] {
    const times = { nowMs, retryAtMs }
    return this.#byGroup(ends, (state, those) => decideDeadLettersUndone(state, those, times))
  }

  replay(record: ShareRecord): void {
    const group = this.#groupFor(record.groupId)
    if (record.type === 'shareMember') {
      this.#count(group.members.get(record.memberId)?.sessionId, -1)
      this.#count(record.value?.sessionId, 1)
    }
    const before = 'partitionId' in record ? group.partitions.get(record.partitionId) : undefined
    group.replay(record)
    if ('partitionId' in record) {
      const partition = group.partitions.get(record.partitionId)
      if (partition === undefined) this.#forgetPartition(before, record.partitionId)
      // What else is known of it follows at once, unless it is being restored.
      else if (record.type === 'shareRuns' || before === undefined) this.#follow(partition)
    }
    if (record.type === 'shareRuns' && record.value.opensMore) this.#ready.add(group)
    if (group.row === undefined && group.members.size + group.partitions.size === 0) {
      this.#groups.delete(group.groupId)
      this.#ready.delete(group)
    }
  }

  checkInvariants(): void {
    const counted = new Map<SessionId, number>()
    for (const group of this.#groups.values()) {
      group.checkInvariants()
      for (const { sessionId } of group.members.values()) {
        counted.set(sessionId, (counted.get(sessionId) ?? 0) + 1)
      }
    }
    const isInStep = [...counted].every(([id, count]) => this.#bySession.get(id) === count)
    assert(
      isInStep && counted.size === this.#bySession.size,
      () => 'members of share groups by session out of step',
    )
  }

  #follow(partition: SharePartition): void {
    const { nextDeadlineMs } = partition
    if (nextDeadlineMs === undefined) this.#deadlines.delete(partition)
    else this.#deadlines.set(partition, nextDeadlineMs)
    this.#trays.changed(partition)
  }

  #forgetPartition(partition: SharePartition | undefined, partitionId: PartitionId): void {
    if (partition !== undefined) {
      this.#deadlines.delete(partition)
      this.#trays.forget(partition)
    }
    if (this.#readers(partitionId).length === 0) this.#seen.forget(partitionId)
  }

  /** The groups that remember something of a partition. */
  #readers(partitionId: PartitionId): ShareGroup[] {
    return [...this.#groups.values()].filter(({ partitions }) => partitions.has(partitionId))
  }

  #byGroup(
    ends: readonly DeadLetterEnd[],
    decide: (state: ShareGroupState, those: readonly DeadLetterEnd[]) => ShareRecord[],
  ): ShareRecord[] {
    const byGroup = new Map<GroupId, DeadLetterEnd[]>()
    for (const end of ends) {
      const { groupId } = end.letter
      const those = byGroup.get(groupId) ?? []
      those.push(end)
      byGroup.set(groupId, those)
    }
    return [...byGroup].flatMap(([groupId, those]) => {
      const isKnown = this.#groups.get(groupId)?.row !== undefined
      return isKnown ? decide(this.#stateOf(groupId), those) : []
    })
  }

  #decideForAll(decide: (state: ShareGroupState) => ShareRecord[]): ShareRecord[] {
    return [...this.#groups.keys()].flatMap((groupId) => decide(this.#stateOf(groupId)))
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
      `this tab has ${sessionMembersMax} members of share groups, the most there may be`,
      { sessionMembersMax },
    )
  }

  #checkGroupCount({ groupId }: ShareGroup): void {
    const { groupsMax } = this.#limits
    if (this.#groups.has(groupId) || this.#groups.size < groupsMax) return
    throw new TabmqError('POLICY_VIOLATION', `there can be ${groupsMax} share groups at most`, {
      groupsMax,
    })
  }

  /** The group, or an empty one that comes to be only if a record of it is replayed. */
  #stateOf(groupId: GroupId): ShareGroupState {
    const group = this.#groups.get(groupId) ?? new ShareGroup(groupId)
    const factsOf = (partitionId: PartitionId) => this.#seen.factsOf(partitionId)
    return { group, topics: this.#topics, limits: this.#limits, factsOf }
  }

  #groupFor(groupId: GroupId): ShareGroup {
    const group = this.#groups.get(groupId) ?? new ShareGroup(groupId)
    this.#groups.set(groupId, group)
    return group
  }

  #findOrThrow(groupId: GroupId): ShareGroup {
    const group = this.#groups.get(groupId)
    if (group !== undefined) return group
    throw new TabmqError('GROUP_ID_NOT_FOUND', `there is no group "${groupId}"`, { groupId })
  }
}

function checkNotOfRedrive(groupId: GroupId): void {
  if (!isRedriveGroup(groupId)) return
  const message = `"${groupId}" is the group by which the broker redrives dead letters`
  throw new TabmqError('INVALID_GROUP_ID', message, { groupId })
}
