/** Errors in words. The code follows in brackets where it helps whoever looks into it. Pure. */
import { TabmqError, type ErrorCode } from '../src/index.js'

/** What the demo's own buttons can lead to, and what to do then. */
const EXPECTED: Partial<Record<ErrorCode, string>> = {
  NON_EMPTY_GROUP: 'Stop all workers first, then try again.',
  UNKNOWN_TOPIC_OR_PARTITION: 'The topic was cleared meanwhile.',
}

/** One or more sentences. */
export function describeError(error: unknown): string {
  if (error instanceof TabmqError) {
    return EXPECTED[error.code] ?? `${sentence(error.message)} (${error.code})`
  }
  if (error instanceof Error) return `${sentence(error.message)} (${error.name})`
  return String(error)
}

function sentence(text: string): string {
  const start = text.slice(0, 1).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(start) ? start : `${start}.`
}
