/** What the message browser lists: messages, and what stands where one cannot be read. */
import type { Admin, FetchedMessage } from '../../index.js'
import type { Filterable } from '../filter/filter.js'
import { bytesOf } from '../format/bytes.js'
import { errorCode, errorText } from '../format/error-text.js'
import { jsonText } from '../format/json-text.js'

const WEIGHED_CHARS = 100_000

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

/** What of an administrator reading uses. */
export type ReadingAdmin = Pick<
  Admin,
  'fetchMessages' | 'fetchTopicOffsets' | 'fetchTopicOffsetsByTimestamp'
>

/** A stretch of one partition, of which what is accepted is wanted. */
export interface Stretch {
  readonly admin: Pick<Admin, 'fetchMessages'>
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** The offset behind the last that is looked at. */
  readonly until: number
  readonly accepts: (message: Filterable) => boolean
}

export interface FetchedRows {
  readonly rows: readonly Row[]
  /** Of all that was looked at, in order: where it is, and its time where it could be read. */
  readonly times: readonly (readonly [offset: number, timestamp: number | undefined])[]
  /** Where to go on: `until` or, where a batch that cannot be read reaches further, behind that. */
  readonly nextOffset: number
}

/** @throws TabmqError whatever keeps it from reading, but for batches that are damaged */
export async function fetchRows(stretch: Stretch): Promise<FetchedRows> {
  const { admin, topic, partition, until, accepts } = stretch
  const rows: Row[] = []
  const times: [offset: number, timestamp: number | undefined][] = []
  let next = stretch.from
  while (next < until) {
    try {
      const maxMessages = until - next
      const part = await admin.fetchMessages({ topic, partition, offset: next, maxMessages })
      for (const message of part.messages) {
        if (message.offset >= until) break
        times.push([message.offset, message.timestamp])
        const row = { type: 'message' as const, partition, ...message }
        if (accepts(row)) rows.push(row)
      }
      // Retention may have taken the rest meanwhile.
      next = part.nextOffset > next ? part.nextOffset : until
    } catch (error) {
      if (errorCode(error) !== 'CORRUPT_MESSAGE') throw error
      const nextOffset = nextOf(error, next)
      times.push([next, undefined])
      rows.push({ type: 'damaged', partition, offset: next, nextOffset, reason: errorText(error) })
      next = nextOffset ?? Infinity
    }
  }
  return { rows, times, nextOffset: next }
}

function nextOf(error: unknown, offset: number): number | undefined {
  const { details } = error as { details?: { nextOffset?: unknown } }
  const next = details?.nextOffset
  return typeof next === 'number' && next > offset ? next : undefined
}

/**
 * From the oldest to the newest, of all partitions together. Within a partition the order is that of the
 * log, whatever times its messages say they are of: each counts as no older than those in front of it.
 */
export function inOrder<T extends Row>(rows: readonly T[]): T[] {
  const reached = new Map<number, number>()
  return rows
    .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
    .map((row) => {
      const ownMs = row.type === 'message' ? row.timestamp : 0
      const atMs = Math.max(ownMs, reached.get(row.partition) ?? 0)
      reached.set(row.partition, atMs)
      return { row, atMs }
    })
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ row }) => row)
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
