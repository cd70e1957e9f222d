/**
 * A group as it will be: what a decision has changed so far, laid over the group as it is. Decisions
 * that take several steps (a member joins, the target changes, the member is reconciled) need to see
 * their own earlier steps, while the group itself changes in `replay` only. `records()` says all of
 * it in an order in which every step is valid: who leaves first, then who takes.
 */
import type { MemberId, PartitionId, TopicName } from '../../protocol/names.js'
import type { AssignorName } from '../../protocol/requests/groups.js'
import type { DecisionContext, GroupRecord } from '../records.js'
import type { GroupRow, StaticMemberRow } from '../rows.js'
import { ASSIGNORS } from './assignors/assignors.js'
import type { Group } from './group.js'
import type { Member, TargetAssignment } from './member.js'
import { reconcile } from './reconcile.js'
import { subscribedSince, subscribedTopics, subscriptionKeys } from './subscription.js'
import type { TopicsView } from './topics-view.js'

export class GroupDraft {
  readonly #group: Group
  readonly #topics: TopicsView
  readonly #nowMs: number
  readonly #changed = new Map<MemberId, Member | null>()
  #target: TargetAssignment
  #assignor: AssignorName

  constructor(group: Group, topics: TopicsView, context: Pick<DecisionContext, 'nowMs'>) {
    this.#group = group
    this.#topics = topics
    this.#nowMs = context.nowMs
    this.#target = group.target
    this.#assignor = group.assignor
  }

  get groupEpoch(): number {
    return Math.max(this.#target.groupEpoch, this.#group.groupEpoch)
  }

  get target(): TargetAssignment {
    return this.#target
  }

  members(): Member[] {
    const members = new Map<MemberId, Member | null>(this.#group.members)
    for (const [memberId, member] of this.#changed) members.set(memberId, member)
    return [...members.values()].filter((member) => member !== null)
  }

  put(member: Member): void {
    this.#changed.set(member.memberId, member)
  }

  remove(memberId: MemberId): void {
    this.#changed.set(memberId, null)
  }

  /** A static member came back under another member id: its part of the target goes with it. */
  renameInTarget(from: MemberId, to: MemberId): void {
    const byMember = new Map(this.#target.byMember)
    const assigned = byMember.get(from)
    byMember.delete(from)
    if (assigned !== undefined) byMember.set(to, assigned)
    this.#target = { ...this.#target, byMember }
  }

  /** A new group epoch with a new target for the members as they are in the draft. */
  retarget(): void {
    const members = this.members()
    this.#assignor = mostWanted(members) ?? this.#assignor
    const subscribed = new Map(
      members.map((member) => [
        member.memberId,
        subscribedTopics(member.subscription, this.#topics),
      ]),
    )
    const topics = this.#assignorTopics(subscribed.values())
    const assignment = ASSIGNORS[this.#assignor](
      members.map(({ memberId, groupInstanceId, weight }) => ({
        memberId,
        groupInstanceId,
        weight,
        topics: subscribed.get(memberId) ?? new Set<TopicName>(),
        previous: [...(this.#target.byMember.get(memberId) ?? [])],
      })),
      topics,
    )
    this.#target = {
      groupEpoch: this.groupEpoch + 1,
      byMember: new Map(
        members.map(({ memberId }) => [memberId, new Set(assignment.get(memberId))]),
      ),
      partitions: new Set(topics.flatMap((topic) => topic.partitionIds)),
    }
  }

  /** Whether topics or partitions came or went that the target does not know of (rule 10). */
  isTargetOutdated(): boolean {
    const subscribed = this.members().map((member) =>
      subscribedTopics(member.subscription, this.#topics),
    )
    const current = this.#assignorTopics(subscribed).flatMap((topic) => topic.partitionIds)
    const { partitions } = this.#target
    return current.length !== partitions.size || current.some((id) => !partitions.has(id))
  }

  /** Takes one step towards the target for a member of the draft, and returns it as it is then. */
  reconcile(member: Member, owned: ReadonlySet<PartitionId> | undefined): Member {
    const next = reconcile(member, {
      targetEpoch: this.#target.groupEpoch,
      target: this.#target.byMember.get(member.memberId) ?? new Set(),
      owned,
      isFree: (partitionId) => this.#isFreeFor(member.memberId, partitionId),
      nowMs: this.#nowMs,
    })
    this.put(next)
    return next
  }

  records(): GroupRecord[] {
    const { groupId } = this.#group
    const records: GroupRecord[] = []
    const changes = [...this.#changed]
    for (const [memberId, member] of changes) {
      if (member === null) records.push({ type: 'member', groupId, memberId, value: null })
    }
    const row = this.#row()
    if (!isSameRow(row, this.#group.row)) records.push({ type: 'group', groupId, value: row })
    if (this.#target !== this.#group.target) {
      records.push({ type: 'target', groupId, value: this.#target })
    }
    for (const [memberId, member] of changes) {
      if (member !== null) records.push({ type: 'member', groupId, memberId, value: member })
    }
    return records
  }

  #isFreeFor(memberId: MemberId, partitionId: PartitionId): boolean {
    for (const member of this.#changed.values()) {
      if (member === null || member.memberId === memberId) continue
      if (member.assigned.has(partitionId) || member.revoking.has(partitionId)) return false
    }
    const owner = this.#group.ownerOf(partitionId)
    return owner === undefined || owner === memberId || this.#changed.has(owner)
  }

  #assignorTopics(subscribed: Iterable<ReadonlySet<TopicName>>) {
    const names = new Set<TopicName>()
    for (const topics of subscribed) for (const topic of topics) names.add(topic)
    return [...names]
      .sort()
      .map((topic) => ({ topic, partitionIds: this.#topics.partitionIds(topic) }))
  }

  #row(): GroupRow {
    const members = this.members()
    const before = this.#group.row
    const row = {
      groupEpoch: this.groupEpoch,
      assignor: this.#assignor,
      subscribedSince: this.#subscribedSince(members),
      staticMembers: members.flatMap((member) => staticMemberRow(member)).sort(byInstance),
    }
    if (members.length > 0) return row
    return { ...row, emptySinceMs: before?.emptySinceMs ?? this.#nowMs }
  }

  #subscribedSince(members: readonly Member[]): Readonly<Record<string, number>> {
    const before = this.#group.row?.subscribedSince ?? {}
    const keys = members.flatMap(({ subscription }) => subscriptionKeys(subscription))
    return subscribedSince(before, keys, this.#topics.nextPartitionId)
  }
}

/** The assignor that most members ask for; among equals the first by name. */
function mostWanted(members: readonly Member[]): AssignorName | undefined {
  const votes = new Map<AssignorName, number>()
  for (const { assignor } of members) votes.set(assignor, (votes.get(assignor) ?? 0) + 1)
  const [winner] = [...votes].sort(([a, forA], [b, forB]) => forB - forA || (a < b ? -1 : 1))
  return winner?.[0]
}

function staticMemberRow(member: Member): StaticMemberRow[] {
  const { groupInstanceId, memberId, clientId, memberEpoch, subscription } = member
  if (groupInstanceId === undefined) return []
  const { sessionTimeoutMs, rebalanceTimeoutMs, weight } = member
  const assigned = [...member.assigned].sort((a, b) => a - b)
  return [
    {
      groupInstanceId,
      memberId,
      clientId,
      memberEpoch,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      subscription,
      assigned,
      ...(weight === 1 ? {} : { weight }),
    },
  ]
}

function byInstance(a: StaticMemberRow, b: StaticMemberRow): number {
  return a.groupInstanceId < b.groupInstanceId ? -1 : 1
}

function isSameRow(a: GroupRow, b: GroupRow | undefined): boolean {
  return (
    b !== undefined &&
    a.groupEpoch === b.groupEpoch &&
    a.assignor === b.assignor &&
    a.emptySinceMs === b.emptySinceMs &&
    a.subscribedSince === b.subscribedSince &&
    JSON.stringify(a.staticMembers) === JSON.stringify(b.staticMembers)
  )
}
