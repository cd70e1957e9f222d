/**
 * What members say of the messages that they have. An acknowledgement counts as a whole or not at all:
 * each of its messages has to be the member's, by the delivery that it names (S4).
 */
import { TabmqError, toWireError, type WireError } from '../../protocol/errors.js'
import type { MemberId, PartitionId } from '../../protocol/names.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type { Acknowledgement } from '../../protocol/requests/share-groups.js'
import type { Decision, DecisionContext, ShareRecord } from '../records.js'
import { lengthOf, type RunLock, type ShareRun } from './runs.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'
import type { SharePartitionDraft } from './share-partition-draft.js'

/** @throws TabmqError UNKNOWN_MEMBER_ID */
export function decideAcknowledge(
  state: ShareGroupState,
  { memberId, acknowledgements }: RequestOf<'shareAcknowledge'>,
  { nowMs }: DecisionContext,
): Decision<ResponseOf<'shareAcknowledge'>, ShareRecord> {
  const { group } = state
  group.memberOrThrow(memberId)
  const drafts = new ShareDrafts(state, nowMs)
  const lock = { memberId, untilMs: nowMs + group.options.lockDurationMs }
  const results = acknowledgements.map((acknowledgement): { error?: WireError } => {
    const draft = drafts.of(acknowledgement.partitionId)
    if (draft === undefined) return refused(partitionGone(acknowledgement))
    const pieces = piecesOf(draft, acknowledgement, memberId)
    if (pieces === undefined) return refused(invalidState(acknowledgement, memberId))
    for (const piece of pieces) settle(draft, piece, { acknowledgement, lock })
    return {}
  })
  return { records: drafts.records(), response: { results } }
}

/** Messages of a partition, as they were. */
export interface KnownRun {
  readonly partitionId: PartitionId
  readonly run: ShareRun
}

/** What was accepted, and could not be written together with what came of it, is the member's again. */
export function decideAcceptUndone(
  state: ShareGroupState,
  accepted: readonly KnownRun[],
  nowMs: number,
): ShareRecord[] {
  const drafts = new ShareDrafts(state, nowMs)
  for (const { partitionId, run } of accepted) {
    const draft = drafts.of(partitionId)
    if (draft === undefined || run.firstOffset < draft.terms.log.logStartOffset) continue
    draft.counters.accepted -= lengthOf(run)
    const hasMember = run.lock !== undefined && state.group.members.has(run.lock.memberId)
    if (hasMember) draft.undoFinish(run)
    else draft.undoAccept(run)
  }
  return drafts.records()
}

interface Settlement {
  readonly acknowledgement: Acknowledgement
  /** If it is renewed. */
  readonly lock: RunLock
}

function settle(
  draft: SharePartitionDraft,
  piece: ShareRun,
  { acknowledgement, lock }: Settlement,
): void {
  const count = lengthOf(piece)
  switch (acknowledgement.type) {
    case 'accept':
      draft.counters.accepted += count
      return draft.finish(piece)
    case 'release':
      draft.counters.released += count
      return draft.release(piece, acknowledgement.delayMs ?? 0)
    case 'return':
      return draft.giveBack(piece)
    case 'reject':
      draft.counters.rejected += count
      return draft.die(piece, { cause: 'rejected', reason: acknowledgement.reason ?? '' })
    case 'renew':
      return draft.renew(piece, lock)
  }
}

/** The runs of an acknowledgement; undefined when not all of it is that member's by that delivery. */
function piecesOf(
  draft: SharePartitionDraft,
  { firstOffset, lastOffset, deliveryCount }: Acknowledgement,
  memberId: MemberId,
): ShareRun[] | undefined {
  // Below and beyond what is known nothing is acquired; there may be very much of it.
  if (firstOffset < draft.startOffset || lastOffset >= draft.endOfRuns) return undefined
  const pieces: ShareRun[] = []
  for (const piece of draft.known(firstOffset, lastOffset + 1)) {
    if (piece.lock?.memberId !== memberId || piece.deliveryCount !== deliveryCount) return undefined
    pieces.push(piece)
  }
  return pieces
}

function refused(error: TabmqError): { error: WireError } {
  return { error: toWireError(error) }
}

function partitionGone({ partitionId }: Acknowledgement): TabmqError {
  return new TabmqError('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${partitionId}`, {
    partitionId,
  })
}

function invalidState(acknowledgement: Acknowledgement, memberId: MemberId): TabmqError {
  const { partitionId, firstOffset, lastOffset, deliveryCount } = acknowledgement
  return new TabmqError(
    'INVALID_RECORD_STATE',
    `member ${memberId} does not have ${firstOffset} to ${lastOffset} of partition ${partitionId} by delivery ${deliveryCount}: others may have them by now`,
    { partitionId, firstOffset, lastOffset, deliveryCount, memberId },
  )
}
