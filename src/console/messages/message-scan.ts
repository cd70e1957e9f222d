/**
 * Looks through a topic, a page at a time: windows of offsets, one partition after the other, from a place
 * on to the end or from the end back. What was looked at and not wanted is let go at once, and a page ends
 * when it has enough rows, has looked at enough, or weighs enough: a log is never loaded whole.
 */
import type { Admin, FetchedMessage } from '../../index.js'
import { bytesOf } from '../format/bytes.js'
import { errorCode, errorText } from '../format/error-text.js'
import { jsonText } from '../format/json-text.js'
import type { Filterable } from '../filter/filter.js'

/** A message with its partition. */
export interface MessageRow extends FetchedMessage {
  readonly type: 'message'
  readonly partition: number
}

/** Offsets whose batch cannot be read. */
export interface DamagedRow {
  readonly type: 'damaged'
  readonly partition: number
  readonly offset: number
  /** Undefined where it is not known what comes behind. */
  readonly nextOffset: number | undefined
  readonly reason: string
}

export type Row = MessageRow | DamagedRow

export type ScanStart =
  | { readonly type: 'newest' | 'oldest' }
  | { readonly type: 'offset'; readonly offset: number }
  | { readonly type: 'time'; readonly timestampMs: number }

export interface ScanOptions {
  readonly admin: ScanAdmin
  readonly topic: string
  readonly partitions: readonly number[]
  readonly start: ScanStart
  readonly accepts: (message: Filterable) => boolean
}

/** What of an administrator a scan uses. */
export type ScanAdmin = Pick<
  Admin,
  'fetchMessages' | 'fetchTopicOffsets' | 'fetchTopicOffsetsByTimestamp'
>

export interface ScanPage {
  readonly rows: readonly Row[]
  /** How many offsets were looked at. */
  readonly looked: number
  readonly isAtEnd: boolean
}

export interface PageLimits {
  readonly rows: number
  readonly looked: number
  readonly weight: number
}

export const PAGE_LIMITS: PageLimits = { rows: 200, looked: 20_000, weight: 8_000_000 }

/** Windows begin small and grow for as long as what is in them is light. */
const WINDOW_MIN = 20
const WINDOW_MAX = 500
const WINDOW_WEIGHT = 1_000_000
const WEIGHED_CHARS = 100_000

/** What of a partition is still to be looked at: from `low` up to `high`. */
interface Cursor {
  readonly partition: number
  low: number
  high: number
  window: number
}

/** What was found of a partition at a time. */
interface Stretch {
  readonly rows: readonly Row[]
  readonly looked: number
  readonly weight: number
}

export class MessageScan {
  readonly #options: ScanOptions
  #cursors: Cursor[] | undefined

  constructor(options: ScanOptions) {
    this.#options = options
  }

  get #isBackward(): boolean {
    return this.#options.start.type === 'newest'
  }

  /**
   * The next rows. After an abort it has what it came to, and the next page goes on from there.
   * @throws TabmqError whatever keeps it from reading, but for batches that are damaged
   */
  async page(signal: AbortSignal, limits: PageLimits = PAGE_LIMITS): Promise<ScanPage> {
    this.#cursors ??= await this.#begin()
    const rows: Row[] = []
    let looked = 0
    let weight = 0
    // In turns, so that a page shows something of each partition.
    for (let turn = 0; this.#cursors.length > 0; turn++) {
      if (signal.aborted || rows.length >= limits.rows) break
      if (looked >= limits.looked || weight >= limits.weight) break
      const cursor = this.#cursors[turn % this.#cursors.length] as Cursor
      const share = Math.ceil(limits.rows / this.#cursors.length)
      const found = await this.#window(cursor, Math.min(cursor.window, Math.max(share, WINDOW_MIN)))
      looked += found.looked
      weight += found.weight
      rows.push(...found.rows)
      const isLight = found.weight < WINDOW_WEIGHT
      cursor.window = isLight ? Math.min(2 * cursor.window, WINDOW_MAX) : WINDOW_MIN
      this.#cursors = this.#cursors.filter(({ low, high }) => low < high)
    }
    return { rows: this.#sorted(rows), looked, isAtEnd: this.#cursors.length === 0 }
  }

  async #begin(): Promise<Cursor[]> {
    const { admin, topic, partitions, start } = this.#options
    const ends = await admin.fetchTopicOffsets(topic)
    const times =
      start.type === 'time'
        ? await admin.fetchTopicOffsetsByTimestamp(topic, start.timestampMs)
        : undefined
    return ends
      .filter(({ partition }) => partitions.includes(partition))
      .map(({ partition, low, high }) => {
        let from = start.type === 'offset' ? start.offset : low
        if (times !== undefined) from = times[partition]?.offset ?? high
        return { partition, low: Math.max(low, from), high, window: WINDOW_MIN }
      })
      .filter(({ low, high }) => low < high)
  }

  /** One stretch of one partition, which the cursor leaves behind. */
  async #window(cursor: Cursor, size: number): Promise<Stretch> {
    const from = this.#isBackward ? Math.max(cursor.low, cursor.high - size) : cursor.low
    const until = this.#isBackward ? cursor.high : Math.min(cursor.high, cursor.low + size)
    const rows: Row[] = []
    let next = from
    while (next < until) next = await this.#read(cursor.partition, { next, until, rows })
    if (this.#isBackward) cursor.high = from
    // What could not be read may have reached further than the window.
    else cursor.low = Math.min(next, cursor.high)
    const weight = rows.reduce((sum, row) => sum + weightOf(row), 0)
    return { rows, looked: until - from, weight }
  }

  async #read(
    partition: number,
    { next, until, rows }: { next: number; until: number; rows: Row[] },
  ): Promise<number> {
    const { admin, topic, accepts } = this.#options
    try {
      const maxMessages = until - next
      const part = await admin.fetchMessages({ topic, partition, offset: next, maxMessages })
      for (const message of part.messages) {
        if (message.offset >= until) break
        const row = { type: 'message' as const, partition, ...message }
        if (accepts(row)) rows.push(row)
      }
      // Retention may have taken the rest meanwhile.
      return part.nextOffset > next ? part.nextOffset : until
    } catch (error) {
      if (errorCode(error) !== 'CORRUPT_MESSAGE') throw error
      const nextOffset = nextOf(error, next)
      rows.push({ type: 'damaged', partition, offset: next, nextOffset, reason: errorText(error) })
      return nextOffset ?? Infinity
    }
  }

  #sorted(rows: readonly Row[]): Row[] {
    const sign = this.#isBackward ? -1 : 1
    const timeOf = (row: Row) => (row.type === 'message' ? row.timestamp : 0)
    return rows.toSorted((a, b) => {
      // Within a partition the order is that of the log, whatever times messages say they are of.
      if (a.partition === b.partition) return sign * (a.offset - b.offset)
      return sign * (timeOf(a) - timeOf(b) || a.partition - b.partition)
    })
  }
}

function nextOf(error: unknown, offset: number): number | undefined {
  const { details } = error as { details?: { nextOffset?: unknown } }
  const next = details?.nextOffset
  return typeof next === 'number' && next > offset ? next : undefined
}

/** About how many bytes it takes to keep it. */
export function weightOf(row: Row): number {
  if (row.type === 'damaged') return 100
  const { key, value, headers } = row
  const around = 200 + (key?.length ?? 0) + Object.values(headers).flat().join('').length
  if (typeof value === 'string') return around + 2 * value.length
  const bytes = bytesOf(value)
  if (bytes !== undefined) return around + bytes.byteLength
  return around + 2 * jsonText(value, { charsMax: WEIGHED_CHARS }).text.length
}
