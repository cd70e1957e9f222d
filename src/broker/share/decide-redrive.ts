/**
 * Redriving: dead letters go back to where they came from, each once. What was redriven is kept as a share
 * group keeps what is done: a group of the broker's own, without members, in which a record that is
 * redriven dies the way into another topic.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { GroupId, PartitionId } from '../../protocol/names.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type { ShareGroupOptions } from '../../protocol/requests/share-groups.js'
import type { Decision, DecisionContext, ShareRecord } from '../records.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'
import type { SharePartitionDraft } from './share-partition-draft.js'

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

/**
 * What is gone, void, or redriven before, and what has no topic to go to any more, is left alone.
 * @throws TabmqError POLICY_VIOLATION when too many have been redriven singly, with others left between
 */
export function decideRedrive(
  state: ShareGroupState,
  { records }: RequestOf<'redrive'>,
  { nowMs }: DecisionContext,
): Decision<ResponseOf<'redrive'>, ShareRecord> {
  const drafts = new ShareDrafts(state, nowMs)
  const moved = records.map(({ partitionId, offset, topic }) => {
    const draft = drafts.of(partitionId)
    if (draft === undefined || !state.topics.has(topic)) return false
    const { fromOffset, terms } = draft
    if (offset < fromOffset || offset >= terms.log.highWatermark) return false
    const [run] = draft.known(offset, offset + 1)
    if (run?.state !== 'available') return false
    if (draft.hasRunsMax && standsAlone(draft, offset)) throw tooManySingly(draft)
    draft.redrive(run, topic)
    return true
  })
  return { records: drafts.records(), response: { moved } }
}

/** Whether it would be one more run, and stay one. */
function standsAlone(draft: SharePartitionDraft, offset: number): boolean {
  if (offset === draft.startOffset) return false
  return draft.known(offset - 1, offset + 2).every(({ state }) => state === 'available')
}

function tooManySingly({ partition, terms }: SharePartitionDraft): TabmqError {
  const { partitionId } = partition
  const { sharePartitionRunsMax } = terms.limits
  return new TabmqError(
    'POLICY_VIOLATION',
    `of partition ${partitionId} so many dead letters were redriven with others left between them that no more can be: redrive those between, or delete the oldest`,
    { partitionId, sharePartitionRunsMax },
  )
}
