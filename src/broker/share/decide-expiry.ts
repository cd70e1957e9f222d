/** What time does to messages: locks run out, delays end. And what a broker that was away does not do. */
import type { DecisionContext, ShareRecord } from '../records.js'
import { lengthOf, type ShareRun } from './runs.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'
import type { SharePartition } from './share-partition.js'
import type { SharePartitionDraft } from './share-partition-draft.js'

/** S4: what is locked for too long is anybody's; what was put off until now is so too. */
export function decideExpiry(
  state: ShareGroupState,
  partition: SharePartition,
  { nowMs }: DecisionContext,
): ShareRecord[] {
  return changeRuns(state, [partition], nowMs, (draft, run) => {
    if (run.lock !== undefined && run.lock.untilMs <= nowMs) {
      draft.counters.timedOut += lengthOf(run)
      draft.release(run, 0)
    } else if (run.availableAtMs > 0 && run.availableAtMs <= nowMs) draft.endDelay(run)
  })
}

/**
 * The broker was away for `byMs`: nobody's lock ran out meanwhile, and there is time to hear of those
 * who are done. Less than zero when it is the clock that was set back: everything has the time left
 * that it had.
 */
export function decideExtension(
  state: ShareGroupState,
  byMs: number,
  { nowMs }: DecisionContext,
): ShareRecord[] {
  const { group, limits } = state
  const { lockDurationMs } = group.options
  const leftMsMin = Math.min(lockDurationMs, limits.heartbeatIntervalMsMax)
  return changeRuns(state, group.partitions.values(), nowMs, (draft, run) => {
    if (run.lock !== undefined) {
      const leftMs = Math.max(run.lock.untilMs + byMs - nowMs, leftMsMin)
      const untilMs = nowMs + Math.min(leftMs, lockDurationMs)
      draft.renew(run, { ...run.lock, untilMs })
    } else if (byMs < 0 && run.availableAtMs > 0) {
      draft.postpone(run, Math.max(run.availableAtMs + byMs, nowMs))
    }
  })
}

function changeRuns(
  state: ShareGroupState,
  partitions: Iterable<SharePartition>,
  nowMs: number,
  change: (draft: SharePartitionDraft, run: ShareRun) => void,
): ShareRecord[] {
  const drafts = new ShareDrafts(state, nowMs)
  for (const { partitionId } of partitions) {
    const draft = drafts.of(partitionId)
    if (draft === undefined) continue
    for (const run of draft.runs.slice()) change(draft, run)
  }
  return drafts.records()
}
