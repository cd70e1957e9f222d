/**
 * One consumer group: its epoch, members, target assignment and committed offsets, and who owns
 * which partition. Epoch, offsets and static members are hard state, the rest is soft. Only
 * `replay` changes it; the decisions are in the decide-*.ts files beside this one.
 */
import { assert, unreachable } from '../../std/assert.js'
import { TabmqError } from '../../protocol/errors.js'
import type { GroupId, InstanceId, MemberId, PartitionId } from '../../protocol/names.js'
import type { AssignorName, GroupState, MemberRef } from '../../protocol/requests/groups.js'
import type { GroupRecord } from '../records.js'
import type { GroupRow, OffsetRow, StaticMemberRow } from '../rows.js'
import type { Member, TargetAssignment } from './member.js'
import { hasReachedTarget } from './reconcile.js'

const NO_PARTITIONS: ReadonlySet<PartitionId> = new Set()

export class Group {
  readonly groupId: GroupId
  readonly #members = new Map<MemberId, Member>()
  readonly #byInstance = new Map<InstanceId, MemberId>()
  /** Who holds a partition or is still letting go of it. */
  readonly #owners = new Map<PartitionId, MemberId>()
  readonly #offsets = new Map<PartitionId, OffsetRow>()
  #row: GroupRow | undefined
  #target: TargetAssignment = { groupEpoch: 0, byMember: new Map(), partitions: NO_PARTITIONS }

  constructor(groupId: GroupId) {
    this.groupId = groupId
  }

  /** Whether the group has been made: by a member that joined or an offset that was committed. */
  get exists(): boolean {
    return this.#row !== undefined
  }

  get row(): GroupRow | undefined {
    return this.#row
  }

  get groupEpoch(): number {
    return this.#row?.groupEpoch ?? 0
  }

  get assignor(): AssignorName {
    return this.#row?.assignor ?? 'uniform'
  }

  get target(): TargetAssignment {
    return this.#target
  }

  get members(): ReadonlyMap<MemberId, Member> {
    return this.#members
  }

  get offsets(): ReadonlyMap<PartitionId, OffsetRow> {
    return this.#offsets
  }

  get state(): GroupState {
    if (this.#members.size === 0) return 'empty'
    const { groupEpoch } = this.#target
    for (const member of this.#members.values()) {
      if (!hasReachedTarget(member, this.targetOf(member.memberId), groupEpoch))
        return 'reconciling'
    }
    return 'stable'
  }

  targetOf(memberId: MemberId): ReadonlySet<PartitionId> {
    return this.#target.byMember.get(memberId) ?? NO_PARTITIONS
  }

  memberOfInstance(groupInstanceId: InstanceId): Member | undefined {
    const memberId = this.#byInstance.get(groupInstanceId)
    return memberId === undefined ? undefined : this.#members.get(memberId)
  }

  /** Who holds a partition or is still letting go of it. */
  ownerOf(partitionId: PartitionId): MemberId | undefined {
    return this.#owners.get(partitionId)
  }

  /** @throws TabmqError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
  memberOrThrow({ memberId, groupInstanceId }: Omit<MemberRef, 'memberEpoch'>): Member {
    const member = this.#members.get(memberId)
    if (member !== undefined) return member
    if (groupInstanceId !== undefined && this.#byInstance.has(groupInstanceId)) {
      throw new TabmqError(
        'FENCED_INSTANCE_ID',
        `another consumer joined group "${this.groupId}" as instance "${groupInstanceId}"`,
        { groupId: this.groupId, groupInstanceId },
      )
    }
    throw new TabmqError(
      'UNKNOWN_MEMBER_ID',
      `group "${this.groupId}" has no member ${memberId}: it left, or was fenced`,
      { groupId: this.groupId, memberId },
    )
  }

  replay(record: GroupRecord): void {
    switch (record.type) {
      case 'group':
        return this.#replayRow(record.value)
      case 'offset':
        if (record.value === null) this.#offsets.delete(record.partitionId)
        else this.#offsets.set(record.partitionId, record.value)
        return
      case 'member':
        return this.#replayMember(record.memberId, record.value)
      case 'target':
        this.#target = record.value
        return
      default:
        return unreachable(record)
    }
  }

  /** Static members as the row keeps them, away until they join again. */
  restoreStaticMembers(nowMs: number): void {
    const rows = this.#row?.staticMembers ?? []
    for (const row of rows) this.#replayMember(row.memberId, awayMember(row, this.assignor, nowMs))
    this.#target = {
      groupEpoch: this.groupEpoch,
      byMember: new Map(rows.map((row) => [row.memberId, new Set(row.assigned)])),
      partitions: new Set(rows.flatMap((row) => row.assigned)),
    }
  }

  checkInvariants(): void {
    const held = new Map<PartitionId, MemberId>()
    for (const member of this.#members.values()) {
      for (const partitionId of [...member.assigned, ...member.revoking]) {
        const other = held.get(partitionId)
        assert(
          other === undefined,
          () => `${this.groupId}: partition ${partitionId} of ${other} and ${member.memberId}`,
        )
        held.set(partitionId, member.memberId)
      }
      assert(
        member.memberEpoch <= this.groupEpoch,
        () => `${this.groupId}: member epoch ${member.memberEpoch} above ${this.groupEpoch}`,
      )
    }
    assert(held.size === this.#owners.size, () => `${this.groupId}: owners out of step`)
  }

  #replayRow(row: GroupRow | null): void {
    this.#row = row ?? undefined
  }

  #replayMember(memberId: MemberId, next: Member | null): void {
    const before = this.#members.get(memberId)
    if (before !== undefined) this.#removeMember(before)
    if (next === null) return
    this.#members.set(memberId, next)
    if (next.groupInstanceId !== undefined) this.#byInstance.set(next.groupInstanceId, memberId)
    for (const partitionId of [...next.assigned, ...next.revoking]) {
      const owner = this.#owners.get(partitionId)
      assert(
        owner === undefined,
        () => `${this.groupId}: ${memberId} was given ${partitionId}, which ${owner} holds`,
      )
      this.#owners.set(partitionId, memberId)
    }
  }

  #removeMember(member: Member): void {
    this.#members.delete(member.memberId)
    if (member.groupInstanceId !== undefined) this.#byInstance.delete(member.groupInstanceId)
    for (const partitionId of [...member.assigned, ...member.revoking]) {
      this.#owners.delete(partitionId)
    }
  }
}

function awayMember(row: StaticMemberRow, assignor: AssignorName, nowMs: number): Member {
  return {
    ...row,
    weight: row.weight ?? 1,
    sessionId: undefined,
    assignor,
    previousMemberEpoch: row.memberEpoch,
    assigned: new Set(row.assigned),
    revoking: new Set(),
    sessionDeadlineMs: nowMs + row.sessionTimeoutMs,
    revocationDeadlineMs: undefined,
  }
}
