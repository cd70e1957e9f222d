/**
 * A partition of a share group as it will be: what a decision has changed so far, laid over the
 * partition as it is. The steps of the state machine (S1 to S5, S9) are here, each for a piece of one
 * run; the decide-*.ts files choose the pieces. `records()` says all of it.
 */
import type { BrokerLimits } from '../../protocol/limits.js'
import type { TopicName } from '../../protocol/names.js'
import type { ShareCounters, ShareGroupOptions } from '../../protocol/requests/share-groups.js'
import type { PartitionLog } from '../log/partition-log.js'
import type { ShareRecord } from '../records.js'
import {
  encodeRuns,
  finalRun,
  lengthOf,
  piecesBetween,
  putRun,
  type DeathCause,
  type RunLock,
  type ShareRun,
} from './runs.js'
import type { SharePartition } from './share-partition.js'

export interface DraftTerms {
  readonly options: ShareGroupOptions
  readonly limits: BrokerLimits
  readonly log: PartitionLog
  readonly nowMs: number
  /** Dead letters that nobody rejected are not written to the topic that they come from (X4). */
  readonly isOfDeadLetterTopic: boolean
}

type Counters = { -readonly [Name in keyof ShareCounters]: number }

export class SharePartitionDraft {
  readonly partition: SharePartition
  readonly runs: ShareRun[]
  readonly counters: Counters
  readonly terms: DraftTerms
  #startOffset: number
  #acquired: number
  #deadLettering: number
  #isChanged = false
  /** Whether there is something to be written: who has what is not. */
  #isHardChanged = false
  #opensMore = false
  #reopens = false

  constructor(partition: SharePartition, terms: DraftTerms) {
    this.partition = partition
    this.terms = terms
    this.runs = [...partition.runs]
    this.counters = { ...partition.counters }
    this.#startOffset = partition.startOffset
    this.#acquired = partition.acquired
    this.#deadLettering = partition.deadLettering
    if (terms.log.logStartOffset > this.#startOffset) this.#archiveBelowLogStart()
  }

  get startOffset(): number {
    return this.#startOffset
  }

  /** From here on there can be messages to deliver. */
  get fromOffset(): number {
    return Math.max(this.#startOffset, this.terms.log.logStartOffset)
  }

  /** How many more messages may be with members, or on their way to the dead letters. */
  get room(): number {
    const { sharePartitionAcquiredMax } = this.terms.limits
    return Math.max(0, sharePartitionAcquiredMax - this.#acquired - this.#deadLettering)
  }

  get hasRunsMax(): boolean {
    return this.runs.length >= this.terms.limits.sharePartitionRunsMax
  }

  get lookAheadEnd(): number {
    return this.fromOffset + this.terms.limits.shareLookAheadRecordsMax
  }

  /** Whether what dies without a rejection is final at once. */
  get dropsDead(): boolean {
    return this.terms.options.deadLetterTopic === null || this.terms.isOfDeadLetterTopic
  }

  acquire(piece: ShareRun, lock: RunLock): void {
    const { nowMs } = this.terms
    this.counters.delivered += lengthOf(piece)
    this.#put(piece, {
      ...piece,
      state: 'acquired',
      deliveryCount: piece.deliveryCount + 1,
      availableAtMs: 0,
      firstDeliveredAtMs: piece.deliveryCount === 0 ? nowMs : piece.firstDeliveredAtMs,
      lastDeliveredAtMs: nowMs,
      lock,
    })
  }

  renew(piece: ShareRun, lock: RunLock): void {
    this.#isChanged = true
    putRun(this.runs, { ...piece, lock })
  }

  finish(piece: ShareRun): void {
    this.#put(piece, finalRun(piece.firstOffset, piece.lastOffset))
    this.#advance()
  }

  /** S3: at the limit it is not available again. */
  release(piece: ShareRun, delayMs: number): void {
    if (piece.deliveryCount >= this.terms.options.deliveryCountLimit) {
      this.die(piece, { cause: 'deliveryCountLimit', reason: '' })
      return
    }
    const availableAtMs = delayMs > 0 ? this.terms.nowMs + delayMs : 0
    this.#makeAvailable(piece, { deliveryCount: piece.deliveryCount, availableAtMs })
  }

  /** As if it had not been delivered this time. */
  giveBack(piece: ShareRun): void {
    this.#makeAvailable(piece, { deliveryCount: piece.deliveryCount - 1, availableAtMs: 0 })
  }

  /** Final, and neither accepted nor a dead letter. */
  drop(piece: ShareRun): void {
    this.counters.dropped += lengthOf(piece)
    this.finish(piece)
  }

  /** Becomes a dead letter, or is final at once where nobody wants those. */
  die(piece: ShareRun, { cause, reason }: { cause: DeathCause; reason: string }): void {
    const { options, log, isOfDeadLetterTopic } = this.terms
    const topic = options.deadLetterTopic
    const isCircle = cause !== 'rejected' && isOfDeadLetterTopic
    if (topic === null || isCircle) return this.drop(piece)
    const death = { cause, reason, topic }
    for (const part of splitAt(piece, log.logStartOffset)) {
      // What retention has deleted cannot be copied any more.
      if (part.lastOffset < log.logStartOffset) this.drop(part)
      else this.#put(part, { ...part, ...HELD_BY_NOBODY, state: 'deadLettering', death })
    }
  }

  /** Goes to another topic, and is final here when it is there. */
  redrive(piece: ShareRun, topic: TopicName): void {
    const death = { cause: 'redriven', reason: '', topic } as const
    this.#put(piece, { ...piece, ...HELD_BY_NOBODY, state: 'deadLettering', death })
  }

  /** It does not: it may be redriven again. */
  undoRedrive(piece: ShareRun): void {
    this.#put(piece, { ...piece, ...HELD_BY_NOBODY, state: 'available' })
  }

  /** Available, or its dead letter tried again, not before then. */
  postpone(piece: ShareRun, availableAtMs: number): void {
    this.#put(piece, { ...piece, availableAtMs })
  }

  /** What was final was not so after all: its dead letter could not be written. */
  undoFinish(dead: ShareRun): void {
    const { firstOffset } = dead
    const before = this.#startOffset
    this.#reopens = true
    if (firstOffset < before) {
      this.#startOffset = firstOffset
      putRun(this.runs, finalRun(firstOffset, before - 1))
    }
    this.#put(finalRun(firstOffset, dead.lastOffset), dead)
    this.#advance()
  }

  /** Nor was this: it is available, as often delivered as it was. */
  undoAccept(accepted: ShareRun): void {
    this.undoFinish({ ...accepted, ...HELD_BY_NOBODY, state: 'available' })
    this.#opensMore = true
  }

  /** A delay that is over: nothing that would have to be written. */
  endDelay(piece: ShareRun): void {
    this.#isChanged = true
    this.#opensMore = true
    putRun(this.runs, { ...piece, availableAtMs: 0 })
  }

  /** What is known between two offsets, the last one exclusive, as it is now, whatever changes then. */
  known(fromOffset: number, endOffset: number): readonly ShareRun[] {
    return [...piecesBetween(this.runs, fromOffset, endOffset)]
  }

  get endOfRuns(): number {
    return (this.runs.at(-1)?.lastOffset ?? this.#startOffset - 1) + 1
  }

  /** Nothing when nothing has changed. A turn says that messages were handed out. */
  records(turn?: number): ShareRecord[] {
    if (!this.#isChanged) return []
    const { groupId, partitionId } = this.partition
    const startOffset = this.#startOffset
    const { runs, counters } = this
    const row = { startOffset, runs: this.#isHardChanged ? encodeRuns(startOffset, runs) : [] }
    const news = { opensMore: this.#opensMore, reopens: this.#reopens, turn }
    const value = { startOffset, runs, counters, ...news }
    const state: ShareRecord = { type: 'shareRuns', groupId, partitionId, value }
    if (!this.#isHardChanged) return [state]
    return [{ type: 'sharePartition', groupId, partitionId, value: row }, state]
  }

  #makeAvailable(
    piece: ShareRun,
    { deliveryCount, availableAtMs }: Pick<ShareRun, 'deliveryCount' | 'availableAtMs'>,
  ): void {
    const { logStartOffset } = this.terms.log
    for (const part of splitAt(piece, logStartOffset)) {
      // S9: nobody can read it any more.
      if (part.lastOffset < logStartOffset) this.drop(part)
      else {
        const times = deliveryCount === 0 ? { firstDeliveredAtMs: 0, lastDeliveredAtMs: 0 } : {}
        const known = { ...part, ...HELD_BY_NOBODY, ...times, deliveryCount, availableAtMs }
        this.#put(part, { ...known, state: 'available' })
      }
    }
  }

  #archiveBelowLogStart(): void {
    const { logStartOffset } = this.terms.log
    for (const piece of this.known(this.#startOffset, logStartOffset)) {
      const { state } = piece
      if (state === 'available' || state === 'deadLettering') {
        this.counters.dropped += lengthOf(piece)
        this.#put(piece, finalRun(piece.firstOffset, piece.lastOffset))
      }
    }
    this.#advance()
  }

  #put(before: ShareRun, after: ShareRun): void {
    const count = lengthOf(before)
    const wasFull = this.room === 0 || this.hasRunsMax
    if (before.state === 'acquired') this.#acquired -= count
    if (before.state === 'deadLettering') this.#deadLettering -= count
    if (after.state === 'acquired') this.#acquired += count
    if (after.state === 'deadLettering') this.#deadLettering += count
    if (!isSameOnDisk(before, after)) this.#isHardChanged = true
    this.#isChanged = true
    this.#noteOpening(before, after, wasFull)
    putRun(this.runs, after)
  }

  /** Whether something can be delivered now that could not before. */
  #noteOpening(before: ShareRun, after: ShareRun, wasFull: boolean): void {
    const wasHeld = before.state === 'acquired' || before.state === 'deadLettering'
    if (!wasHeld || (after.state !== 'available' && after.state !== 'final')) return
    const { log, options } = this.terms
    const isOneMore = after.state === 'available' && after.availableAtMs === 0
    const goesOn = log.highWatermark > this.lookAheadEnd || options.isOrderedByKey
    this.#opensMore ||= isOneMore || wasFull || (after.state === 'final' && goesOn)
  }

  /** S5: over what is final without a gap. */
  #advance(): void {
    const [first] = this.runs
    if (first === undefined || first.state !== 'final') return
    if (first.firstOffset > this.#startOffset) return
    this.#startOffset = first.lastOffset + 1
    this.runs.shift()
  }
}

const HELD_BY_NOBODY = { availableAtMs: 0, lock: undefined, death: undefined }

function splitAt(piece: ShareRun, offset: number): readonly ShareRun[] {
  if (offset <= piece.firstOffset || offset > piece.lastOffset) return [piece]
  return [
    { ...piece, lastOffset: offset - 1 },
    { ...piece, firstOffset: offset },
  ]
}

function isSameOnDisk(a: ShareRun, b: ShareRun): boolean {
  const timeOf = ({ state, availableAtMs }: ShareRun) => (state === 'available' ? availableAtMs : 0)
  return (
    (a.state === 'final') === (b.state === 'final') &&
    a.deliveryCount === b.deliveryCount &&
    timeOf(a) === timeOf(b) &&
    a.lastDeliveredAtMs === b.lastDeliveredAtMs
  )
}
