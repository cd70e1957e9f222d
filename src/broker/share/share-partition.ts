/**
 * One partition as a share group sees it: below the start offset all is final, and from there on the
 * runs tell. Start offset, delivery counts and what is final out of order are hard state, a row; who
 * has what and the counters are soft. Only `replay` changes it; a decision makes a
 * {@link SharePartitionDraft} of it.
 */
import { assert } from '../../std/assert.js'
import type { GroupId, MemberId, PartitionId } from '../../protocol/names.js'
import type { ShareCounters } from '../../protocol/requests/share-groups.js'
import type { SharePartitionRow } from '../rows.js'
import { KeyLines } from './key-lines.js'
import { decodeRuns, isNext, isPlain, lengthOf, runAt, type ShareRun } from './runs.js'

/** All that is known of a partition at one moment. */
export interface SharePartitionState {
  readonly startOffset: number
  readonly runs: readonly ShareRun[]
  readonly counters: ShareCounters
}

export interface NewPartitionState extends SharePartitionState {
  /** Whether something that was final is not so any more. */
  readonly reopens: boolean
}

export const NO_COUNTERS: ShareCounters = {
  delivered: 0,
  accepted: 0,
  released: 0,
  rejected: 0,
  timedOut: 0,
  deadLettered: 0,
  dropped: 0,
  expired: 0,
}

export class SharePartition {
  readonly groupId: GroupId
  readonly partitionId: PartitionId
  #startOffset = 0
  #counters: ShareCounters = NO_COUNTERS
  #runs: readonly ShareRun[] = []
  /** A row whose runs nobody has asked for yet: mostly the soft state of the same moment follows. */
  #unread: SharePartitionRow | undefined
  #acquired = 0
  #deadLettering = 0
  #nextDeadlineMs: number | undefined
  #keyLines: KeyLines | undefined

  constructor(groupId: GroupId, partitionId: PartitionId) {
    this.groupId = groupId
    this.partitionId = partitionId
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get counters(): ShareCounters {
    return this.#counters
  }

  get runs(): readonly ShareRun[] {
    this.#read()
    return this.#runs
  }

  /** Messages that members have. */
  get acquired(): number {
    this.#read()
    return this.#acquired
  }

  /** Messages whose dead letters are yet to be written. */
  get deadLettering(): number {
    this.#read()
    return this.#deadLettering
  }

  /** When the first lock runs out or the first delay is over. */
  get nextDeadlineMs(): number | undefined {
    this.#read()
    return this.#nextDeadlineMs
  }

  /** Which records come next of their keys: for groups that are ordered by key. */
  get keyLines(): KeyLines {
    this.#keyLines ??= new KeyLines(this.#startOffset)
    return this.#keyLines
  }

  isFinal(offset: number): boolean {
    return offset < this.#startOffset || runAt(this.runs, offset).state === 'final'
  }

  hasAnyOf(memberId: MemberId): boolean {
    return this.acquired > 0 && this.runs.some(({ lock }) => lock?.memberId === memberId)
  }

  replayRow(row: SharePartitionRow): void {
    this.#startOffset = row.startOffset
    this.#unread = row
  }

  replayState({ startOffset, runs, counters, reopens }: NewPartitionState): void {
    if (reopens) this.#keyLines = undefined
    this.#startOffset = startOffset
    this.#counters = counters
    this.#unread = undefined
    this.#take(runs)
  }

  checkInvariants(): void {
    const at = `${this.groupId} in partition ${this.partitionId}`
    let before: ShareRun | undefined
    for (const run of this.runs) {
      const { firstOffset, lastOffset, state, lock, death } = run
      const place = () => `${at}: ${state} ${firstOffset} to ${lastOffset}`
      assert(lastOffset >= firstOffset && firstOffset >= this.#startOffset, place)
      assert(!isPlain(run), () => `${place()} says nothing`)
      assert((lock !== undefined) === (state === 'acquired'), () => `${place()}: lock`)
      assert((death !== undefined) === (state === 'deadLettering'), () => `${place()}: death`)
      if (before !== undefined) {
        assert(before.lastOffset < firstOffset, () => `${place()} is twice`)
        assert(!isNext(before, run), () => `${place()} could be one with the run before`)
      }
      before = run
    }
    const [first] = this.runs
    assert(
      first?.state !== 'final' || first.firstOffset > this.#startOffset,
      () => `${at}: what is final at the start offset is below it`,
    )
  }

  #read(): void {
    if (this.#unread === undefined) return
    const { startOffset, runs } = this.#unread
    this.#unread = undefined
    this.#take(decodeRuns(startOffset, runs))
  }

  #take(runs: readonly ShareRun[]): void {
    this.#runs = runs
    this.#acquired = 0
    this.#deadLettering = 0
    let nextMs = Infinity
    for (const run of runs) {
      if (run.state === 'acquired') this.#acquired += lengthOf(run)
      else if (run.state === 'deadLettering') this.#deadLettering += lengthOf(run)
      if (run.lock !== undefined) nextMs = Math.min(nextMs, run.lock.untilMs)
      else if (run.availableAtMs > 0) nextMs = Math.min(nextMs, run.availableAtMs)
    }
    this.#nextDeadlineMs = nextMs === Infinity ? undefined : nextMs
  }
}
