/**
 * How the lanes are scaled: the newest record is at the right, and as far as the groups are behind, so
 * far one sees. All lanes have one scale. What moves does so smoothly. Pure: the time is handed to it.
 */
import type { LaneView } from './lane-view.js'

/** So many records are shown at least. */
const RECORDS_MIN = 32
/** Beside what the groups have not handled, so much of what they have. */
const MARGIN = 1.2
const SETTLING_MS = 110

/** How many records the lanes are wide. */
export function recordsShown(lanes: readonly LaneView[]): number {
  const behind = lanes.map(({ start, end, marks }) => {
    const furthest = Math.min(end, ...marks.map(({ offset }) => Math.max(offset ?? start, start)))
    return end - furthest
  })
  return Math.max(RECORDS_MIN, ...behind.map((one) => one * MARGIN))
}

/** A number that follows another. */
export class Eased {
  value: number

  constructor(value: number) {
    this.value = value
  }

  /** @returns whether it has yet to get there. @param nearness what is as good as there */
  follow(
    target: number,
    { elapsedMs, nearness }: { elapsedMs: number; nearness: number },
  ): boolean {
    const left = target - this.value
    if (Math.abs(left) <= nearness || elapsedMs === Infinity) {
      this.value = target
      return false
    }
    this.value += left * (1 - Math.exp(-elapsedMs / SETTLING_MS))
    return true
  }
}
