/** Writes all of a topic that matches, page by page: what is written is let go. */
import type { MessageRow } from './message-row.js'
import { MessageScan, type PageLimits, type ScanOptions, type ScanStart } from './message-scan.js'
import { toNdjson } from './ndjson.js'
import type { QueryStart } from './read-form.js'

const LIMITS: PageLimits = { rows: 5_000, looked: 20_000, weight: 8_000_000 }

export interface ExportProgress {
  readonly written: number
  readonly looked: number
}

export interface MatchingExport extends Omit<ScanOptions, 'start'> {
  /** From the oldest on where it names no place. */
  readonly start: QueryStart
  readonly signal: AbortSignal
  readonly onProgress: (progress: ExportProgress) => void
}

export interface Exported {
  /** NDJSON; the browser keeps it, on the disk where it is large. */
  readonly parts: readonly Blob[]
  readonly count: number
  /** Stretches that cannot be read, and are not in it. */
  readonly damaged: number
}

/**
 * Each partition's messages in their order. After an abort it has what was written by then.
 * @throws TabmqError whatever keeps it from reading
 */
export async function exportMatching(options: MatchingExport): Promise<Exported> {
  const { topic, signal, onProgress } = options
  const scan = new MessageScan({ ...options, start: placeOf(options.start) })
  const parts: Blob[] = []
  let count = 0
  let damaged = 0
  let looked = 0
  for (let isAtEnd = false; !isAtEnd && !signal.aborted;) {
    const page = await scan.page(signal, LIMITS)
    const messages = page.rows.filter((row): row is MessageRow => row.type === 'message')
    parts.push(new Blob(toNdjson(topic, messages)))
    count += messages.length
    damaged += page.rows.length - messages.length
    looked += page.looked
    isAtEnd = page.isAtEnd
    onProgress({ written: count, looked })
  }
  return { parts, count, damaged }
}

function placeOf(start: QueryStart): ScanStart {
  return start.type === 'offset' || start.type === 'time' ? start : { type: 'oldest' }
}
