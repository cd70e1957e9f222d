/** What becomes of a call, without waiting for it. */
import { TabmqError } from '../../src/protocol/errors.js'

/** `ok`, or the code of the error; undefined as long as the call waits. */
export function watch(promise: Promise<unknown>): { outcome: string | undefined } {
  const seen: { outcome: string | undefined } = { outcome: undefined }
  promise.then(
    () => {
      seen.outcome = 'ok'
    },
    (error: unknown) => {
      seen.outcome = error instanceof TabmqError ? error.code : String(error)
    },
  )
  return seen
}

export async function outcomeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const seen = watch(promise)
  await promise.catch(() => {})
  return seen.outcome
}
