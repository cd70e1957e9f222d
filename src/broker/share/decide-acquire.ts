/**
 * The decision who gets which messages now. Those who wait share what there is, partitions take turns,
 * and every delivery is counted before it goes out (S3): what kills everybody who gets it does not come
 * for ever.
 */
import type { MemberId, PartitionId } from '../../protocol/names.js'
import type { AcquiredRange } from '../../protocol/requests/share-groups.js'
import type { Decision, DecisionContext, ShareRecord } from '../records.js'
import { findDeliverable, type Deliverable, type Found } from './find-deliverable.js'
import { clipped, lengthOf, type ShareRun } from './runs.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'
import { shareOut } from './share-out.js'
import type { SharePartitionDraft } from './share-partition-draft.js'

export interface WaitingMember {
  readonly memberId: MemberId
  readonly maxRecords: number
}

/** What one member got. */
export interface Granted {
  readonly memberId: MemberId
  readonly partitions: readonly GrantedPartition[]
}

export interface GrantedPartition {
  readonly partitionId: PartitionId
  /** In the order of offsets. */
  readonly acquired: readonly AcquiredRange[]
}

/** Of each member that waits, what it got, if anything. */
export function decideAcquire(
  state: ShareGroupState,
  waiting: readonly WaitingMember[],
  { nowMs }: DecisionContext,
): Decision<Granted[], ShareRecord> {
  const { group } = state
  const drafts = new ShareDrafts(state, nowMs)
  const granted = partiesOf(state, waiting).flatMap((party) => {
    const found = findForParty(state, drafts, party)
    const shares = handOut(state, party, found)
    return shares.flatMap((pieces, index) => {
      const member = party.members[index]
      if (member === undefined || pieces.length === 0) return []
      const { memberId } = member
      const lock = { memberId, untilMs: nowMs + group.options.lockDurationMs }
      for (const { draft, piece } of pieces) draft.acquire(piece, lock)
      return [{ memberId, partitions: grantedPartitions(pieces) }]
    })
  })
  const turn = granted.length === 0 ? undefined : group.turn + 1
  return { records: drafts.records(turn), response: granted }
}

/** How many messages could be delivered now, counted up to `max`. */
export function countDeliverable(
  state: ShareGroupState,
  max: number,
  { nowMs }: DecisionContext,
): number {
  const drafts = new ShareDrafts(state, nowMs)
  let count = 0
  for (const partitionId of state.group.read(state.topics)) {
    if (count >= max) break
    count += findIn(state, drafts.of(partitionId), max - count)?.count ?? 0
  }
  return count
}

/** To where a draft's partition has been seen, as far as its group may look. */
function seenEnd(state: ShareGroupState, draft: SharePartitionDraft): number {
  const { log, options } = draft.terms
  const facts = state.factsOf(draft.partition.partitionId)
  const seenTo = facts.seenTo(draft.fromOffset, { withKeys: options.isOrderedByKey })
  return Math.min(seenTo, log.highWatermark, draft.lookAheadEnd)
}

/** Members that read the same partitions: mostly all. */
interface Party {
  readonly partitionIds: readonly PartitionId[]
  readonly members: WaitingMember[]
}

function partiesOf({ group, topics }: ShareGroupState, waiting: readonly WaitingMember[]): Party[] {
  const parties = new Map<string, Party>()
  for (const member of waiting) {
    if (!group.members.has(member.memberId)) continue
    const partitionIds = group.readBy(member.memberId, topics)
    const key = partitionIds.join()
    const party = parties.get(key) ?? { partitionIds, members: [] }
    party.members.push(member)
    parties.set(key, party)
  }
  return rotated([...parties.values()], group.turn)
}

function findForParty(state: ShareGroupState, drafts: ShareDrafts, party: Party): Deliverable[] {
  const wanted = party.members.reduce((sum, { maxRecords }) => sum + maxRecords, 0)
  const deliverable: Deliverable[] = []
  let count = 0
  let hasPriorities = false
  for (const partitionId of rotated(party.partitionIds, state.group.turn)) {
    // Something urgent elsewhere comes before what was found.
    const isUrgent = state.factsOf(partitionId).hasPriorities
    const max = isUrgent ? wanted : wanted - count
    const found = max > 0 ? findIn(state, drafts.of(partitionId), max) : undefined
    if (found === undefined) continue
    hasPriorities ||= isUrgent
    count += found.count
    deliverable.push(...found.deliverable)
  }
  if (hasPriorities) deliverable.sort((a, b) => b.priority - a.priority)
  return deliverable
}

/** Finds what can be delivered in one partition, and puts aside what cannot be any more. */
function findIn(
  state: ShareGroupState,
  draft: SharePartitionDraft | undefined,
  max: number,
): Found | undefined {
  if (draft === undefined) return undefined
  const facts = state.factsOf(draft.partition.partitionId)
  const limits = {
    endOffset: seenEnd(state, draft),
    max: Math.min(max, draft.room),
    heldKeys: state.group.heldKeys.of(draft.partition.partitionId),
  }
  const found = findDeliverable(draft, facts, limits)
  let room = draft.room - found.count
  for (const { piece, why } of found.undeliverable) {
    if (why === 'void') draft.finish(piece)
    else {
      const fitting = draft.dropsDead ? lengthOf(piece) : Math.min(lengthOf(piece), room)
      if (fitting === 0) continue
      if (!draft.dropsDead) room -= fitting
      const { firstOffset } = piece
      const dying = clipped(piece, firstOffset, firstOffset + fitting - 1)
      if (why === 'expired') draft.counters.expired += fitting
      draft.die(dying, { cause: why, reason: '' })
    }
  }
  return found
}

/** Deals out what was found, in its order. By index of the members. */
function handOut(
  { group }: ShareGroupState,
  { members }: Party,
  deliverable: readonly Deliverable[],
): Deliverable[][] {
  const takers = members.map(({ memberId, maxRecords }) => ({
    weight: group.members.get(memberId)?.weight ?? 1,
    max: maxRecords,
  }))
  const total = deliverable.reduce((sum, { piece }) => sum + lengthOf(piece), 0)
  let next = 0
  let offset = deliverable[0]?.piece.firstOffset ?? 0
  return shareOut(total, takers, group.turn).map((part) => {
    const pieces: Deliverable[] = []
    let left = part
    while (left > 0) {
      const current = deliverable[next]
      if (current === undefined) break
      const { piece } = current
      const lastOffset = Math.min(piece.lastOffset, offset + left - 1)
      pieces.push({ ...current, piece: clipped(piece, offset, lastOffset) })
      left -= lastOffset - offset + 1
      offset = lastOffset + 1
      if (lastOffset < piece.lastOffset) continue
      next += 1
      offset = deliverable[next]?.piece.firstOffset ?? 0
    }
    return pieces
  })
}

function grantedPartitions(pieces: readonly Deliverable[]): GrantedPartition[] {
  const byPartition = new Map<PartitionId, ShareRun[]>()
  for (const { draft, piece } of pieces) {
    const { partitionId } = draft.partition
    const known = byPartition.get(partitionId)
    if (known === undefined) byPartition.set(partitionId, [piece])
    else known.push(piece)
  }
  return [...byPartition].map(([partitionId, runs]) => ({ partitionId, acquired: rangesOf(runs) }))
}

function rangesOf(runs: ShareRun[]): AcquiredRange[] {
  const ranges: { -readonly [Name in keyof AcquiredRange]: AcquiredRange[Name] }[] = []
  for (const run of runs.sort((a, b) => a.firstOffset - b.firstOffset)) {
    const { firstOffset, lastOffset } = run
    const deliveryCount = run.deliveryCount + 1
    const before = ranges.at(-1)
    const isOne = before?.deliveryCount === deliveryCount && before.lastOffset + 1 === firstOffset
    if (isOne) before.lastOffset = lastOffset
    else ranges.push({ firstOffset, lastOffset, deliveryCount })
  }
  return ranges
}

function rotated<T>(list: readonly T[], turn: number): T[] {
  const from = list.length === 0 ? 0 : turn % list.length
  return [...list.slice(from), ...list.slice(0, from)]
}
