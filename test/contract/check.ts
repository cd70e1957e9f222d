/**
 * The few assertions of the contract suites. Not Vitest's, because the suites also run inside a page
 * where Vitest is not loaded.
 */
import { TabmqError, type ErrorCode } from '../../src/protocol/errors.js'

export class CheckError extends Error {
  override readonly name = 'CheckError'
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new CheckError(what)
}

/** Compares by value; buffers by their bytes. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  if (isSame(actual, expected)) return
  throw new CheckError(`${what}: got ${show(actual)}, expected ${show(expected)}`)
}

export async function checkRejects(
  promise: Promise<unknown>,
  what: string,
  ...codes: readonly ErrorCode[]
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const known = error instanceof TabmqError
  if (known && (codes.length === 0 || codes.includes(error.code))) return
  const wanted = codes.length === 0 ? 'a TabmqError' : codes.join(' or ')
  throw new CheckError(
    `${what}: ${error === undefined ? 'it resolved' : `it rejected with ${String(error)}`}, expected ${wanted}`,
  )
}

function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (left instanceof ArrayBuffer && right instanceof ArrayBuffer) return isSameBytes(left, right)
  if (typeof left !== 'object' || typeof right !== 'object') return false
  if (left === null || right === null || Array.isArray(left) !== Array.isArray(right)) return false
  if (left instanceof ArrayBuffer || right instanceof ArrayBuffer) return false
  const leftEntries = Object.entries(left)
  const rightEntries = new Map(Object.entries(right))
  return (
    leftEntries.length === rightEntries.size &&
    leftEntries.every(
      ([key, value]) => rightEntries.has(key) && isSame(value, rightEntries.get(key)),
    )
  )
}

function isSameBytes(left: ArrayBuffer, right: ArrayBuffer): boolean {
  const rightBytes = new Uint8Array(right)
  return (
    left.byteLength === right.byteLength &&
    new Uint8Array(left).every((byte, index) => byte === rightBytes[index])
  )
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) =>
    part instanceof ArrayBuffer
      ? `${part.byteLength} bytes ${new Uint8Array(part.slice(0, 16)).join(' ')}`
      : part,
  )
  return text === undefined ? 'undefined' : text.slice(0, 2_000)
}
