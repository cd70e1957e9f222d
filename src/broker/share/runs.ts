/**
 * What a share group knows of one partition's messages, as runs of neighbours that are alike, in the
 * order of offsets. What is not in a run, from the start offset on, is available and was never
 * delivered. A list of runs has no two neighbours that could be one, and no run that says nothing:
 * the same knowledge is always the same list.
 */
import type { MemberId, TopicName } from '../../protocol/names.js'

/**
 * S1. `deadLettering`: nobody gets it any more, and it is final as soon as its dead letter is written.
 * `final`: acknowledged or archived, which makes no difference any more.
 */
export type ShareState = 'available' | 'acquired' | 'deadLettering' | 'final'

export interface ShareRun {
  /** Offsets, both inclusive. */
  readonly firstOffset: number
  readonly lastOffset: number
  readonly state: ShareState
  /** What is final has no deliveries and times any more. */
  readonly deliveryCount: number
  /**
   * Nobody gets it before, in ms since 1970, or its dead letter is not tried again before; 0 for no
   * such time.
   */
  readonly availableAtMs: number
  /** When it was delivered for the first and for the last time; 0 if it never was. */
  readonly firstDeliveredAtMs: number
  readonly lastDeliveredAtMs: number
  /** While it is acquired. */
  readonly lock: RunLock | undefined
  /** While it is dead-lettering. */
  readonly death: Death | undefined
}

export interface RunLock {
  readonly memberId: MemberId
  readonly untilMs: number
}

/** Why a message becomes a dead letter; `redriven`: it was one, and goes back to where it came from. */
export const DEATH_CAUSES = ['rejected', 'deliveryCountLimit', 'expired', 'redriven'] as const
export type DeathCause = (typeof DEATH_CAUSES)[number]

export interface Death {
  readonly cause: DeathCause
  /** What the member said that rejected it; else empty. */
  readonly reason: string
  /** Where it goes: what the group wants later changes nothing for those that are dead. */
  readonly topic: TopicName
}

/** Offsets of which nothing is known yet. */
export function plainRun(firstOffset: number, lastOffset: number): ShareRun {
  return {
    firstOffset,
    lastOffset,
    state: 'available',
    deliveryCount: 0,
    availableAtMs: 0,
    firstDeliveredAtMs: 0,
    lastDeliveredAtMs: 0,
    lock: undefined,
    death: undefined,
  }
}

export function finalRun(firstOffset: number, lastOffset: number): ShareRun {
  return { ...plainRun(firstOffset, lastOffset), state: 'final' }
}

/** The part of a run between two offsets, both inclusive. */
export function clipped(run: ShareRun, firstOffset: number, lastOffset: number): ShareRun {
  if (run.firstOffset >= firstOffset && run.lastOffset <= lastOffset) return run
  return {
    ...run,
    firstOffset: Math.max(run.firstOffset, firstOffset),
    lastOffset: Math.min(run.lastOffset, lastOffset),
  }
}

export function lengthOf({
  firstOffset,
  lastOffset,
}: Pick<ShareRun, 'firstOffset' | 'lastOffset'>) {
  return lastOffset - firstOffset + 1
}

/** The index of the first run that ends at `offset` or after it. */
export function runIndexAt(runs: readonly ShareRun[], offset: number): number {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((runs[middle] as ShareRun).lastOffset < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** What is known of one offset: the run that it is in, or nothing. */
export function runAt(runs: readonly ShareRun[], offset: number): ShareRun {
  const run = runs[runIndexAt(runs, offset)]
  return run !== undefined && run.firstOffset <= offset ? run : plainRun(offset, offset)
}

/** Everything between two offsets, the last one exclusive: runs, and what is between them as plain ones. */
export function* piecesBetween(
  runs: readonly ShareRun[],
  fromOffset: number,
  endOffset: number,
): Generator<ShareRun, void, undefined> {
  let offset = fromOffset
  for (let index = runIndexAt(runs, fromOffset); offset < endOffset; index++) {
    const run = runs[index]
    if (run === undefined || run.firstOffset >= endOffset) break
    if (run.firstOffset > offset) yield plainRun(offset, run.firstOffset - 1)
    yield clipped(run, offset, endOffset - 1)
    offset = run.lastOffset + 1
  }
  if (offset < endOffset) yield plainRun(offset, endOffset - 1)
}

/** Makes the offsets of `run` what it says, in place. */
export function putRun(runs: ShareRun[], run: ShareRun): void {
  const { firstOffset, lastOffset } = run
  const from = runIndexAt(runs, firstOffset)
  let to = from
  while (to < runs.length && (runs[to] as ShareRun).firstOffset <= lastOffset) to += 1
  const first = runs[from]
  const last = runs[to - 1]
  const added: ShareRun[] = []
  if (first !== undefined && first.firstOffset < firstOffset) {
    added.push(clipped(first, first.firstOffset, firstOffset - 1))
  }
  if (!isPlain(run)) added.push(run)
  if (to > from && last !== undefined && last.lastOffset > lastOffset) {
    added.push(clipped(last, lastOffset + 1, last.lastOffset))
  }
  splice(runs, { from, to, added })
}

/**
 * The flat form, for the disk. Of each run how far behind the one before it begins, and its length;
 * then 0 for a final one, else its delivery count plus 1, when it is available again, and when it was
 * first and last delivered. Who has a message, and that it is on its way to the dead letters, is
 * forgotten with the broker: it is available as it was before.
 */
export function encodeRuns(startOffset: number, runs: readonly ShareRun[]): number[] {
  const flat: number[] = []
  let offset = startOffset
  for (const run of withoutSoft(runs)) {
    flat.push(run.firstOffset - offset, lengthOf(run))
    offset = run.lastOffset + 1
    if (run.state === 'final') flat.push(0)
    else {
      flat.push(run.deliveryCount + 1, run.availableAtMs)
      flat.push(run.firstDeliveredAtMs, run.lastDeliveredAtMs)
    }
  }
  return flat
}

export function decodeRuns(startOffset: number, flat: readonly number[]): ShareRun[] {
  const runs: ShareRun[] = []
  let offset = startOffset
  let at = 0
  const next = () => flat[at++] ?? 0
  while (at < flat.length) {
    const firstOffset = offset + next()
    const lastOffset = firstOffset + next() - 1
    const kind = next()
    if (kind === 0) runs.push(finalRun(firstOffset, lastOffset))
    else {
      const times = { availableAtMs: next(), firstDeliveredAtMs: next(), lastDeliveredAtMs: next() }
      runs.push({ ...plainRun(firstOffset, lastOffset), deliveryCount: kind - 1, ...times })
    }
    offset = lastOffset + 1
  }
  return runs
}

/** Runs as they are after a restart. */
export function withoutSoft(runs: readonly ShareRun[]): ShareRun[] {
  const hard: ShareRun[] = []
  for (const run of runs) {
    const isSoft = run.state === 'acquired' || run.state === 'deadLettering'
    const next: ShareRun = isSoft
      ? { ...run, state: 'available', availableAtMs: 0, lock: undefined, death: undefined }
      : run
    if (isPlain(next)) continue
    const before = hard.at(-1)
    const isOne = before !== undefined && isNext(before, next)
    if (isOne) hard[hard.length - 1] = { ...before, lastOffset: next.lastOffset }
    else hard.push(next)
  }
  return hard
}

/** Whether two runs follow each other and say the same: a list never has such two. */
export function isNext(a: ShareRun, b: ShareRun): boolean {
  return (
    a.lastOffset + 1 === b.firstOffset &&
    a.state === b.state &&
    a.deliveryCount === b.deliveryCount &&
    a.availableAtMs === b.availableAtMs &&
    a.firstDeliveredAtMs === b.firstDeliveredAtMs &&
    a.lastDeliveredAtMs === b.lastDeliveredAtMs &&
    a.lock?.memberId === b.lock?.memberId &&
    a.lock?.untilMs === b.lock?.untilMs &&
    a.death?.cause === b.death?.cause &&
    a.death?.reason === b.death?.reason &&
    a.death?.topic === b.death?.topic
  )
}

/** Whether a run says no more than none would. */
export function isPlain({ state, deliveryCount, availableAtMs }: ShareRun): boolean {
  return state === 'available' && deliveryCount === 0 && availableAtMs === 0
}

interface Splice {
  readonly from: number
  readonly to: number
  readonly added: ShareRun[]
}

/** Replaces runs, and makes one of neighbours that are alike now. */
function splice(runs: ShareRun[], { from, to, added }: Splice): void {
  const before = runs[from - 1]
  const first = added[0] ?? runs[to]
  // With nothing added the neighbours cannot touch: there was something between them.
  if (added.length === 0 || first === undefined) {
    runs.splice(from, to - from)
    return
  }
  if (before !== undefined && isNext(before, first)) {
    added[0] = { ...first, firstOffset: before.firstOffset }
    from -= 1
  }
  for (let index = added.length - 1; index > 0; index--) {
    const [a, b] = [added[index - 1] as ShareRun, added[index] as ShareRun]
    if (isNext(a, b)) added.splice(index - 1, 2, { ...a, lastOffset: b.lastOffset })
  }
  const last = added.at(-1) as ShareRun
  const after = runs[to]
  if (after !== undefined && isNext(last, after)) {
    added[added.length - 1] = { ...last, lastOffset: after.lastOffset }
    to += 1
  }
  runs.splice(from, to - from, ...added)
}
