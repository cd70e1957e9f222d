/** What a share group has done and has to do, over its partitions. */
import type { ShareCounters, ShareGroupDescription } from '../../index.js'

export interface ShareFigures extends ShareCounters {
  readonly available: number
  readonly delayed: number
  readonly acquired: number
}

const NOTHING: ShareFigures = {
  available: 0,
  delayed: 0,
  acquired: 0,
  delivered: 0,
  accepted: 0,
  released: 0,
  rejected: 0,
  timedOut: 0,
  deadLettered: 0,
  dropped: 0,
  expired: 0,
}

export function shareFigures({ partitions }: ShareGroupDescription): ShareFigures {
  const sums: Record<keyof ShareFigures, number> = { ...NOTHING }
  const names = Object.keys(sums) as (keyof ShareFigures)[]
  for (const { available, delayed, acquired, counters } of partitions) {
    const part: ShareFigures = { available, delayed, acquired, ...counters }
    for (const name of names) sums[name] += part[name]
  }
  return sums
}

/** Messages that ended otherwise than by being accepted, since the broker started. */
export function archivedOf({ deadLettered, dropped }: ShareCounters): number {
  return deadLettered + dropped
}
