/**
 * Redriving: dead letters go back to where they came from, each once. What was redriven is kept as a share
 * group keeps what is done: a group of the broker's own, without members, in which a record that is
 * redriven dies the way into another topic.
 */
import type { GroupId, PartitionId } from '../../protocol/names.js'
import type { RequestOf, ResponseOf, ShareGroupOptions } from '../../protocol/requests.js'
import type { Decision, DecisionContext, ShareRecord } from '../records.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'

export const REDRIVE_GROUP = 'tabmq.redrive' as GroupId

/** Of a group that delivers nothing. */
const OPTIONS: ShareGroupOptions = {
  lockDurationMs: 30_000,
  deliveryCountLimit: 1,
  deadLetterTopic: null,
  isOrderedByKey: false,
  autoOffsetReset: 'earliest',
}

export function isRedriveGroup(groupId: GroupId): boolean {
  return groupId === REDRIVE_GROUP
}

/** The group, and where it begins in partitions of which nothing was redriven yet. */
export function decideRedriveStart(
  { group, topics }: ShareGroupState,
  partitionIds: Iterable<PartitionId>,
): ShareRecord[] {
  const { groupId } = group
  const records: ShareRecord[] = []
  if (group.row === undefined) {
    const value = { options: OPTIONS, subscribedSince: {} }
    records.push({ type: 'shareGroup', groupId, value })
  }
  for (const partitionId of partitionIds) {
    const log = topics.log(partitionId)
    if (log === undefined || group.partitions.has(partitionId)) continue
    const value = { startOffset: log.logStartOffset, runs: [] }
    records.push({ type: 'sharePartition', groupId, partitionId, value })
  }
  return records
}

export function decideRedrive(
  state: ShareGroupState,
  { records }: RequestOf<'redrive'>,
  { nowMs }: DecisionContext,
): Decision<ResponseOf<'redrive'>, ShareRecord> {
  const drafts = new ShareDrafts(state, nowMs)
  const moved = records.map(({ partitionId, offset, topic }) => {
    const draft = drafts.of(partitionId)
    if (draft === undefined) return false
    const { fromOffset, terms } = draft
    if (offset < fromOffset || offset >= terms.log.highWatermark) return false
    const [run] = draft.known(offset, offset + 1)
    if (run?.state !== 'available') return false
    draft.redrive(run, topic)
    return true
  })
  return { records: drafts.records(), response: { moved } }
}
