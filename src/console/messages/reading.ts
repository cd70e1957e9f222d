/** What a view has of a topic's messages, however they came: by a scan or by following it. */
import type { PartitionRange } from './message-scan.js'
import type { Row } from './message-row.js'

export interface Reading {
  /** In the order in which they are listed. */
  readonly rows: readonly Row[]
  readonly looked: number
  /** How many there were to look at when it began; 0 where it has not begun, or follows a topic. */
  readonly total: number
  /** What there was of each partition then. */
  readonly ranges: readonly PartitionRange[]
  readonly isBusy: boolean
  readonly isAtEnd: boolean
  /** There is more, but not to be kept in this tab. */
  readonly isFull: boolean
  readonly error: unknown
  /** Of a topic that is followed. */
  readonly live?: {
    readonly sinceMs: number
    /** How many went by that were not looked at. */
    readonly missed: number
    /** How many were listed, and had to make room. */
    readonly dropped: number
  }
}

export const NOTHING_READ: Reading = {
  rows: [],
  looked: 0,
  total: 0,
  ranges: [],
  isBusy: false,
  isAtEnd: false,
  isFull: false,
  error: undefined,
}
