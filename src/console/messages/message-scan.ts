/**
 * Looks through a topic, a page at a time, from a place on to the end or from the end back: partitions are
 * merged by time, so that the rows of all pages are in one order and a page is of whatever partitions come
 * next, however many there are.
 *
 * Each partition has a cursor, which reads windows of offsets and knows how far in time it has come. What it
 * finds waits until every other cursor has come as far. What was looked at and not wanted is let go at once; a page
 * ends when it has enough rows, has looked at enough, or weighs enough: a log is never loaded whole.
 */
import type { Filterable } from '../filter/filter.js'
import {
  fetchRows,
  weightOf,
  type FetchedRows,
  type ReadingAdmin,
  type Row,
} from './message-row.js'

export type ScanStart =
  | { readonly type: 'newest' | 'oldest' }
  | { readonly type: 'offset'; readonly offset: number }
  | { readonly type: 'time'; readonly timestampMs: number }

export interface ScanOptions {
  readonly admin: ReadingAdmin
  readonly topic: string
  readonly partitions: readonly number[]
  readonly start: ScanStart
  readonly accepts: (message: Filterable) => boolean
}

export interface ScanPage {
  readonly rows: readonly Row[]
  /** How many offsets were looked at, without those of rows that wait for their turn. */
  readonly looked: number
  readonly isAtEnd: boolean
}

export interface PageLimits {
  readonly rows: number
  readonly looked: number
  readonly weight: number
}

/** The offsets of a partition when the scan began: from `low` up to `high`, which is not there yet. */
export interface PartitionRange {
  readonly partition: number
  readonly low: number
  readonly high: number
}

export const PAGE_LIMITS: PageLimits = { rows: 200, looked: 20_000, weight: 8_000_000 }

/** Windows begin small and grow for as long as little that is wanted is in them. */
const WINDOW_FIRST_MIN = 4
const WINDOW_FIRST_MAX = 20
const WINDOW_MAX = 1_000
const WINDOW_GROWTH = 4
const WINDOW_WEIGHT = 1_000_000
/** Of all partitions together. */
const WINDOWS_WEIGHT = 8_000_000
const READS_AT_ONCE = 6

/** A row, and how far in time its partition had come there. */
interface Waiting {
  readonly row: Row
  readonly weight: number
  readonly reached: number
}

/** What of a partition is still to be looked at, from `low` up to `high`, and what was found and waits. */
interface Cursor {
  readonly partition: number
  low: number
  high: number
  window: number
  /** The furthest time of the messages that it has looked at: it never goes back, whatever these say. */
  reached: number
  waiting: Waiting[]
}

interface Wanted {
  /** How many rows a page takes of each partition, were they all alike. */
  readonly share: number
  /** How many offsets may still be looked at. */
  readonly room: number
}

export class MessageScan {
  readonly #options: ScanOptions
  #cursors: Cursor[] | undefined
  #ranges: readonly PartitionRange[] = []
  #total = 0
  /** In order, and not yet given out. */
  readonly #ready: Waiting[] = []
  #looked = 0
  /** How many of these were either given out or not wanted. */
  #decided = 0

  constructor(options: ScanOptions) {
    this.#options = options
  }

  /** How many offsets there were to look at when it began; 0 before that. */
  get total(): number {
    return this.#total
  }

  /** Of the partitions that it looks at; none before the first page. */
  get ranges(): readonly PartitionRange[] {
    return this.#ranges
  }

  /**
   * The next rows. After an abort it has what it came to, and the next page goes on from there; so it does
   * after an error, of which nothing is lost.
   * @throws TabmqError whatever keeps it from reading, but for batches that are damaged
   */
  async page(signal: AbortSignal, limits: PageLimits = PAGE_LIMITS): Promise<ScanPage> {
    this.#cursors ??= await this.#begin(limits)
    const before = this.#looked
    let count = this.#fitting(limits)
    while (this.#cursors.length > 0 && !signal.aborted) {
      if (count !== undefined || this.#looked - before >= limits.looked) break
      const share = Math.ceil(limits.rows / this.#cursors.length)
      await this.#round(this.#cursors, { share, room: limits.looked - (this.#looked - before) })
      this.#cursors = this.#settle(this.#cursors)
      count = this.#fitting(limits)
    }
    const rows = this.#ready.splice(0, count ?? this.#ready.length).map(({ row }) => row)
    const decided = this.#looked - this.#ready.length - waitingIn(this.#cursors)
    const looked = decided - this.#decided
    this.#decided = decided
    return { rows, looked, isAtEnd: this.#cursors.length === 0 && this.#ready.length === 0 }
  }

  /** How many rows that are ready make a page; undefined where it needs more. */
  #fitting({ rows, weight: weightMax }: PageLimits): number | undefined {
    let weight = 0
    const last = this.#ready.findIndex((one, at) => {
      weight += one.weight
      return at + 1 >= rows || weight >= weightMax
    })
    return last === -1 ? undefined : last + 1
  }

  /** Forward as they are; backward the other way round, so that everything else need not know. */
  get #sign(): 1 | -1 {
    return this.#options.start.type === 'newest' ? -1 : 1
  }

  async #begin(limits: PageLimits): Promise<Cursor[]> {
    const { admin, topic, partitions, start } = this.#options
    const ends = await admin.fetchTopicOffsets(topic)
    const times =
      start.type === 'time'
        ? await admin.fetchTopicOffsetsByTimestamp(topic, start.timestampMs)
        : undefined
    this.#ranges = ends.filter(({ partition }) => partitions.includes(partition))
    const stretches = this.#ranges
      .map(({ partition, low, high }) => {
        let from = start.type === 'offset' ? start.offset : low
        if (times !== undefined) from = times[partition]?.offset ?? high
        return { partition, low: Math.max(low, from), high }
      })
      .filter(({ low, high }) => low < high)
    this.#total = stretches.reduce((sum, { low, high }) => sum + high - low, 0)
    const share = Math.ceil(limits.rows / stretches.length)
    const window = Math.min(Math.max(share, WINDOW_FIRST_MIN), WINDOW_FIRST_MAX)
    return stretches.map((one) => ({ ...one, window, reached: -Infinity, waiting: [] }))
  }

  /**
   * Reads on where the least time has been reached, and at the same time in other partitions of which
   * nothing waits: so none ever holds more than a window.
   */
  async #round(cursors: readonly Cursor[], { share, room }: Wanted): Promise<void> {
    const next = cursors
      .filter(({ low, high, waiting }) => low < high && waiting.length === 0)
      .toSorted((a, b) => a.reached - b.reached)
      .slice(0, READS_AT_ONCE)
    const weightMax = Math.min(WINDOW_WEIGHT, WINDOWS_WEIGHT / cursors.length)
    const ended = await Promise.allSettled(
      next.map((cursor) => this.#window(cursor, { share, room: room / next.length, weightMax })),
    )
    const failed = ended.find((one) => one.status === 'rejected')
    if (failed !== undefined) {
      // What the others found waits for the next page.
      throw failed.reason
    }
  }

  /** One window of one partition, which the cursor leaves behind once it has been read. */
  async #window(
    cursor: Cursor,
    { share, room, weightMax }: Wanted & { readonly weightMax: number },
  ): Promise<void> {
    const { admin, topic, accepts } = this.#options
    const { partition, low, high } = cursor
    const window = Math.min(cursor.window, Math.max(Math.ceil(room), WINDOW_FIRST_MIN))
    const isBackward = this.#sign < 0
    const from = isBackward ? Math.max(low, high - window) : low
    const until = isBackward ? high : Math.min(high, low + window)
    const found = await fetchRows({ admin, topic, partition, from, until, accepts })
    const waiting = this.#take(cursor, found)
    cursor.waiting.push(...waiting)
    if (isBackward) cursor.high = from
    else cursor.low = Math.min(found.nextOffset, high)
    this.#looked += (isBackward ? high : cursor.low) - from
    const weight = waiting.reduce((sum, one) => sum + one.weight, 0)
    if (weight > weightMax) cursor.window = Math.max(1, Math.floor(window / WINDOW_GROWTH))
    else if (waiting.length < share && WINDOW_GROWTH * weight <= weightMax)
      cursor.window = Math.min(WINDOW_GROWTH * window, WINDOW_MAX)
  }

  /** Rows with the time that the cursor had reached at each, in the order in which they are given out. */
  #take(cursor: Cursor, { rows, times }: FetchedRows): Waiting[] {
    const sign = this.#sign
    const reachedAt = new Map<number, number>()
    for (const [offset, timestamp] of sign < 0 ? times.toReversed() : times) {
      if (timestamp !== undefined) cursor.reached = Math.max(cursor.reached, sign * timestamp)
      reachedAt.set(offset, cursor.reached)
    }
    return (sign < 0 ? rows.toReversed() : rows).map((found) => {
      const row = sign < 0 ? endedBefore(cursor.high, found) : found
      const reached = reachedAt.get(row.offset) ?? cursor.reached
      return { row, reached, weight: weightOf(row) }
    })
  }

  /** What all that still read have come past is next, in the order of time. Returns those that have more. */
  #settle(cursors: readonly Cursor[]): Cursor[] {
    const isReading = ({ low, high }: Cursor) => low < high
    const bound = Math.min(...cursors.filter(isReading).map(({ reached }) => reached))
    const passed = cursors.flatMap(({ waiting }) => {
      const first = waiting.findIndex(({ reached }) => reached > bound)
      return waiting.splice(0, first === -1 ? waiting.length : first)
    })
    this.#ready.push(...passed.sort((a, b) => a.reached - b.reached))
    return cursors.filter((cursor) => isReading(cursor) || cursor.waiting.length > 0)
  }
}

/** Of a stretch that is damaged, what is behind `high` was told of with the window before. */
function endedBefore(high: number, row: Row): Row {
  if (row.type !== 'damaged' || row.nextOffset === undefined) return row
  return { ...row, nextOffset: Math.min(row.nextOffset, high) }
}

function waitingIn(cursors: readonly Cursor[]): number {
  return cursors.reduce((sum, { waiting }) => sum + waiting.length, 0)
}
