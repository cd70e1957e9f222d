/**
 * What an error says to whoever sits in front of the console. The connection may be of another copy of
 * the library than the console's own, so errors are known by their shape.
 */
const ADVICE: Readonly<Record<string, string>> = {
  BROKER_UNAVAILABLE: 'No broker answered.',
  BROKER_SUPERSEDED: 'A newer version of the app has taken over the broker: load this page again.',
  INSECURE_CONTEXT: 'This page is neither on https nor on localhost.',
  SHARED_WORKER_UNSUPPORTED: 'This browser has no SharedWorker.',
  STORAGE_BLOCKED: 'The browser lets this page store nothing.',
  STORAGE_FULL: 'There is no space left: delete messages or topics.',
  STORAGE_VERSION_TOO_NEW: 'The data were written by a newer version: load the newer app.',
  NON_EMPTY_GROUP: 'The group has members: stop its consumers first.',
}

export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export function errorText(error: unknown): string {
  const code = errorCode(error)
  const message = error instanceof Error ? error.message : String(error)
  if (code === undefined) return message
  const advice = ADVICE[code]
  return `${advice === undefined ? '' : `${advice} `}${message} (${code})`
}
