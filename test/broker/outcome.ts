/** What becomes of a call, without waiting for it. */
import { TabmqError } from '../../src/protocol/errors.js'

export interface Watched<T> {
  /** `ok`, or the code of the error; undefined as long as the call waits. */
  outcome: string | undefined
  value: T | undefined
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  const seen: Watched<T> = { outcome: undefined, value: undefined }
  promise.then(
    (value) => {
      seen.outcome = 'ok'
      seen.value = value
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
