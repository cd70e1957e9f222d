/**
 * Messages that are on their way to the dead letters: handed out once to whoever writes them, and
 * final when they are written. One that could not be written is handed out again later.
 */
import type { GroupId, PartitionId } from '../../protocol/names.js'
import type { ShareRecord } from '../records.js'
import type { DeathCause, ShareRun } from './runs.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'
import type { SharePartition } from './share-partition.js'

export interface DeadLetter {
  readonly groupId: GroupId
  readonly partitionId: PartitionId
  readonly offset: number
  /** How often it was delivered; times in ms since 1970, or 0 if it never was. */
  readonly deliveryCount: number
  readonly firstDeliveredAtMs: number
  readonly lastDeliveredAtMs: number
  readonly cause: DeathCause
  /** What the member said that rejected it; of one that is redriven, where to; else empty. */
  readonly reason: string
}

type DeadLetterAddress = Pick<DeadLetter, 'groupId' | 'partitionId' | 'offset'>

/** Which dead letters of a partition somebody is writing. */
export class DeadLetterTrays {
  readonly #taken = new Map<SharePartition, Set<number>>()
  readonly #changed = new Set<SharePartition>()

  /** A partition is not as it was. */
  changed(partition: SharePartition): void {
    if (partition.deadLettering === 0) return this.forget(partition)
    this.#changed.add(partition)
    const taken = this.#taken.get(partition)
    if (taken === undefined) return
    for (const { firstOffset, lastOffset, death, availableAtMs } of partition.runs) {
      // What failed is nobody's until it is tried again.
      if (death === undefined || availableAtMs === 0) continue
      for (let offset = firstOffset; offset <= lastOffset; offset++) taken.delete(offset)
    }
  }

  forget(partition: SharePartition): void {
    this.#taken.delete(partition)
    this.#changed.delete(partition)
  }

  /** Those that nobody is writing yet. */
  take(): DeadLetter[] {
    const letters: DeadLetter[] = []
    for (const partition of this.#changed) {
      const before = this.#taken.get(partition)
      const taken = new Set<number>()
      for (const run of partition.runs) {
        if (run.death === undefined || run.availableAtMs > 0) continue
        for (let offset = run.firstOffset; offset <= run.lastOffset; offset++) {
          taken.add(offset)
          if (before?.has(offset) !== true) letters.push(letterOf(partition, run, offset))
        }
      }
      this.#taken.set(partition, taken)
    }
    this.#changed.clear()
    return letters
  }
}

/** It is written: nothing when nobody waits for it any more. */
export function decideDeadLettered(
  state: ShareGroupState,
  letter: DeadLetterAddress,
  nowMs: number,
): ShareRecord[] {
  return changeDead(state, letter, nowMs, (draft, run) => {
    draft.counters.deadLettered += 1
    draft.finish(run)
  })
}

/** It could not be written, and is tried again then. */
export function decideDeadLetterFailed(
  state: ShareGroupState,
  letter: DeadLetterAddress,
  { nowMs, retryAtMs }: { nowMs: number; retryAtMs: number },
): ShareRecord[] {
  return changeDead(state, letter, nowMs, (draft, run) => draft.postpone(run, retryAtMs))
}

/** It was written and is not any more: there was no space for it. It is tried again then. */
export function decideDeadLetterUndone(
  state: ShareGroupState,
  letter: DeadLetter,
  { nowMs, retryAtMs }: { nowMs: number; retryAtMs: number },
): ShareRecord[] {
  const { offset, deliveryCount, firstDeliveredAtMs, lastDeliveredAtMs, cause, reason } = letter
  const drafts = new ShareDrafts(state, nowMs)
  const draft = drafts.of(letter.partitionId)
  if (draft === undefined || offset < draft.terms.log.logStartOffset) return []
  const dead: ShareRun = {
    firstOffset: offset,
    lastOffset: offset,
    state: 'deadLettering',
    deliveryCount,
    availableAtMs: retryAtMs,
    firstDeliveredAtMs,
    lastDeliveredAtMs,
    lock: undefined,
    death: { cause, reason },
  }
  draft.counters.deadLettered -= 1
  draft.undoFinish(dead)
  return drafts.records()
}

function changeDead(
  state: ShareGroupState,
  { partitionId, offset }: DeadLetterAddress,
  nowMs: number,
  change: (draft: NonNullable<ReturnType<ShareDrafts['of']>>, run: ShareRun) => void,
): ShareRecord[] {
  const drafts = new ShareDrafts(state, nowMs)
  const draft = drafts.of(partitionId)
  if (draft === undefined) return []
  const [run] = draft.known(offset, offset + 1)
  if (run?.state === 'deadLettering' && offset >= draft.startOffset) change(draft, run)
  return drafts.records()
}

function letterOf(
  { groupId, partitionId }: SharePartition,
  run: ShareRun,
  offset: number,
): DeadLetter {
  const { deliveryCount, firstDeliveredAtMs, lastDeliveredAtMs } = run
  const { cause, reason } = run.death ?? { cause: 'rejected', reason: '' }
  return {
    groupId,
    partitionId,
    offset,
    deliveryCount,
    firstDeliveredAtMs,
    lastDeliveredAtMs,
    cause,
    reason,
  }
}
