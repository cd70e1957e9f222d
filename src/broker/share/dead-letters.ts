/**
 * Messages that are on their way to the dead letters: handed out once to whoever writes them, and
 * final when they are written. One that could not be written is handed out again later.
 */
import type { GroupId, PartitionId, TopicName } from '../../protocol/names.js'
import type { ShareRecord } from '../records.js'
import { definedOrThrow } from '../../std/assert.js'
import { clipped, plainRun, type DeathCause, type ShareRun } from './runs.js'
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
  /** What the member said that rejected it; else empty. */
  readonly reason: string
  /** Where it goes. */
  readonly topic: TopicName
}

/** What became of one: it was written, there was nothing to write, or it could not be. */
export type LetterOutcome = 'written' | 'dropped' | 'failed'

export interface DeadLetterEnd {
  readonly letter: DeadLetter
  /** Or it is none: a void record that lay among letters that are redriven, and is done with them. */
  readonly outcome: LetterOutcome | 'void'
}

interface EndTimes {
  readonly nowMs: number
  /** What failed is tried again then. */
  readonly retryAtMs: number
}

/** Offsets, both inclusive. */
interface Stretch {
  readonly firstOffset: number
  readonly lastOffset: number
}

/** Which dead letters of a partition somebody is writing. */
export class DeadLetterTrays {
  /** In the order of offsets. */
  readonly #taken = new Map<SharePartition, readonly Stretch[]>()
  readonly #changed = new Set<SharePartition>()

  /** A partition is not as it was. */
  changed(partition: SharePartition): void {
    if (partition.deadLettering === 0) return this.forget(partition)
    this.#changed.add(partition)
    const taken = this.#taken.get(partition)
    // What failed is nobody's until it is tried again.
    if (taken !== undefined) this.#taken.set(partition, common(taken, toWrite(partition)))
  }

  forget(partition: SharePartition): void {
    this.#taken.delete(partition)
    this.#changed.delete(partition)
  }

  /** Those that nobody is writing yet. */
  take(): DeadLetter[] {
    const letters: DeadLetter[] = []
    for (const partition of this.#changed) {
      const wanted = toWrite(partition)
      const taken = this.#taken.get(partition) ?? []
      for (const run of without(wanted, taken)) {
        for (let offset = run.firstOffset; offset <= run.lastOffset; offset++) {
          letters.push(letterOf(partition, run, offset))
        }
      }
      this.#taken.set(partition, wanted)
    }
    this.#changed.clear()
    return letters
  }
}

/** Nothing for those that nobody waits for any more. */
export function decideDeadLettersEnded(
  state: ShareGroupState,
  ends: readonly DeadLetterEnd[],
  { nowMs, retryAtMs }: EndTimes,
): ShareRecord[] {
  const drafts = new ShareDrafts(state, nowMs)
  for (const { letter, outcome } of ends) {
    const { partitionId, offset } = letter
    const draft = drafts.of(partitionId)
    const [run] = draft?.known(offset, offset + 1) ?? []
    if (draft === undefined || run === undefined || offset < draft.startOffset) continue
    if (outcome === 'void' && run.state === 'available') draft.finish(run)
    if (run.state !== 'deadLettering') continue
    if (outcome === 'dropped') draft.drop(run)
    else if (outcome === 'written') {
      draft.counters.deadLettered += 1
      draft.finish(run)
    } else if (run.death?.cause === 'redriven') draft.undoRedrive(run)
    else draft.postpone(run, retryAtMs)
  }
  return drafts.records()
}

/** Nothing of it has ended: there was no space. What is not a redrive is tried again. */
export function decideDeadLettersUndone(
  state: ShareGroupState,
  ends: readonly DeadLetterEnd[],
  { nowMs, retryAtMs }: EndTimes,
): ShareRecord[] {
  const drafts = new ShareDrafts(state, nowMs)
  for (const { letter, outcome } of ends) {
    const { partitionId, offset, cause } = letter
    const draft = drafts.of(partitionId)
    // What is void is so for good.
    if (outcome === 'failed' || outcome === 'void' || draft === undefined) continue
    if (offset < draft.terms.log.logStartOffset) continue
    if (outcome === 'dropped') draft.counters.dropped -= 1
    else draft.counters.deadLettered -= 1
    const isRedriven = cause === 'redriven'
    draft.undoFinish(isRedriven ? availableRun(letter) : deadRun(letter, retryAtMs))
  }
  return drafts.records()
}

function deadRun({ cause, reason, topic, ...letter }: DeadLetter, availableAtMs: number): ShareRun {
  const death = { cause, reason, topic }
  return { ...availableRun(letter), state: 'deadLettering', availableAtMs, death }
}

function availableRun(
  letter: Omit<DeadLetter, 'cause' | 'reason' | 'topic' | 'groupId' | 'partitionId'>,
): ShareRun {
  const { offset, deliveryCount, firstDeliveredAtMs, lastDeliveredAtMs } = letter
  const times = { firstDeliveredAtMs, lastDeliveredAtMs }
  return { ...plainRun(offset, offset), deliveryCount, ...times }
}

function toWrite({ runs }: SharePartition): ShareRun[] {
  return runs.filter(({ death, availableAtMs }) => death !== undefined && availableAtMs === 0)
}

/** What lies in both; each list in the order of offsets. */
function common(these: readonly Stretch[], those: readonly Stretch[]): Stretch[] {
  const found: Stretch[] = []
  let at = 0
  for (const { firstOffset, lastOffset } of these) {
    while ((those[at]?.lastOffset ?? Infinity) < firstOffset) at += 1
    for (let index = at; ; index++) {
      const other = those[index]
      if (other === undefined || other.firstOffset > lastOffset) break
      found.push({
        firstOffset: Math.max(firstOffset, other.firstOffset),
        lastOffset: Math.min(lastOffset, other.lastOffset),
      })
    }
  }
  return found
}

/** What of the runs lies in none of those; each list in the order of offsets. */
function* without(
  runs: readonly ShareRun[],
  those: readonly Stretch[],
): Generator<ShareRun, void, undefined> {
  let at = 0
  for (const run of runs) {
    let offset = run.firstOffset
    while ((those[at]?.lastOffset ?? Infinity) < offset) at += 1
    for (let index = at; offset <= run.lastOffset; index++) {
      const other = those[index]
      const untilOffset = Math.min(run.lastOffset + 1, other?.firstOffset ?? Infinity)
      if (untilOffset > offset) yield clipped(run, offset, untilOffset - 1)
      offset = Math.max(untilOffset, (other?.lastOffset ?? untilOffset) + 1)
    }
  }
}

function letterOf(
  { groupId, partitionId }: SharePartition,
  run: ShareRun,
  offset: number,
): DeadLetter {
  const { deliveryCount, firstDeliveredAtMs, lastDeliveredAtMs } = run
  const { cause, reason, topic } = definedOrThrow(run.death, () => `${offset} is not dead`)
  return {
    groupId,
    partitionId,
    offset,
    deliveryCount,
    firstDeliveredAtMs,
    lastDeliveredAtMs,
    cause,
    reason,
    topic,
  }
}
