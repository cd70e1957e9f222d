/**
 * Assertions for programmer errors. They stay on in production: a broker that goes on with a broken
 * invariant writes it to disk. The shard runtime alone catches them, drops the shard's state and
 * loads it again from storage.
 */

/** Thrown when an invariant does not hold: a bug in tabmq, never a user's mistake. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws an {@link AssertionError} unless `condition` holds. The message is built only then. */
export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new AssertionError(message())
}

/** Returns `value`, or throws an {@link AssertionError} when it is undefined. */
export function definedOrThrow<T>(value: T | undefined, message: () => string): T {
  assert(value !== undefined, message)
  return value
}

/** The default branch of an exhaustive switch: unreachable as long as the types are right. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected value ${JSON.stringify(value)}`)
}
