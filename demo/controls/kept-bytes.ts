/** How much of a partition may be kept. Pure. */
import { formatBytes } from '../format.js'

const OFFERED: readonly (number | null)[] = [null, 100_000, 20_000]

/** With what is set by now, which others may have set, as the console does; the largest first. */
export function keptBytesChoices(now: number | null): readonly (number | null)[] {
  const all = OFFERED.includes(now) ? OFFERED : [...OFFERED, now]
  return all.toSorted((a, b) => (b ?? Infinity) - (a ?? Infinity))
}

export function describeKeptBytes(bytes: number | null): string {
  return bytes === null ? 'all of 7 days' : formatBytes(bytes)
}
