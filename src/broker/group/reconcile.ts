/**
 * One step of a member towards its target (KIP-848, "Member assignment reconciliation"): first let
 * go of what is no longer its own, and only when that is reported take what is free. A partition is
 * granted only while nobody else holds or is still letting go of it, so it never has two owners.
 */
import type { PartitionId } from '../../protocol/names.js'
import type { Member } from './member.js'

export interface ReconcileInput {
  readonly targetEpoch: number
  readonly target: ReadonlySet<PartitionId>
  /** What the member says it holds; undefined when it did not say, which acknowledges nothing. */
  readonly owned: ReadonlySet<PartitionId> | undefined
  /** Whether no other member holds or is letting go of a partition. */
  isFree(partitionId: PartitionId): boolean
  readonly nowMs: number
}

/** The member after the step: the same object when there was none to take. */
export function reconcile(member: Member, input: ReconcileInput): Member {
  if (isStillLettingGo(member, input.owned)) return member
  const { target, targetEpoch } = input
  const kept = filter(member.assigned, (partitionId) => target.has(partitionId))
  const toLetGo = filter(member.assigned, (partitionId) => !target.has(partitionId))
  if (toLetGo.size > 0) {
    return {
      ...member,
      assigned: kept,
      revoking: toLetGo,
      revocationDeadlineMs: input.nowMs + member.rebalanceTimeoutMs,
    }
  }
  const granted = filter(
    target,
    (partitionId) => kept.has(partitionId) || input.isFree(partitionId),
  )
  const isThere = member.memberEpoch === targetEpoch && member.revoking.size === 0
  if (isThere && granted.size === member.assigned.size) return member
  return {
    ...member,
    previousMemberEpoch:
      member.memberEpoch === targetEpoch ? member.previousMemberEpoch : member.memberEpoch,
    memberEpoch: targetEpoch,
    assigned: granted,
    revoking: new Set(),
    revocationDeadlineMs: undefined,
  }
}

/** Whether the member holds all of its target and nothing else. */
export function hasReachedTarget(
  member: Member,
  target: ReadonlySet<PartitionId>,
  targetEpoch: number,
): boolean {
  return (
    member.memberEpoch === targetEpoch &&
    member.revoking.size === 0 &&
    member.assigned.size === target.size
  )
}

function isStillLettingGo(member: Member, owned: ReadonlySet<PartitionId> | undefined): boolean {
  if (member.revoking.size === 0) return false
  return owned === undefined || [...member.revoking].some((partitionId) => owned.has(partitionId))
}

function filter(
  partitions: ReadonlySet<PartitionId>,
  keep: (partitionId: PartitionId) => boolean,
): ReadonlySet<PartitionId> {
  const kept = new Set<PartitionId>()
  for (const partitionId of partitions) if (keep(partitionId)) kept.add(partitionId)
  return kept
}
