/**
 * Checks of what users give, where they give it: each names the option and what it may be.
 */
import { TabmqError } from '../protocol/errors.js'
import { MEMBER_WEIGHT_MAX } from '../protocol/limits.js'
import { describe, detailOf } from '../protocol/names.js'

/** @throws TabmqError INVALID_CONFIG */
export function checkInteger(
  name: string,
  value: unknown,
  { min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number },
): void {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return
  throw invalidOption(name, value, `a whole number from ${min} to ${max}`)
}

/** Of a member of a group. @throws TabmqError INVALID_CONFIG */
export function checkWeight(weight: unknown): void {
  checkInteger('weight', weight, { min: 1, max: MEMBER_WEIGHT_MAX })
}

/** @throws TabmqError INVALID_CONFIG */
export function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return
  throw invalidOption(name, value, `one of ${allowed.map((item) => describe(item)).join(', ')}`)
}

/** @throws TabmqError INVALID_CONFIG */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidOption(name, value, 'a function')
}

/** @throws TabmqError INVALID_CONFIG */
export function checkArray(name: string, value: unknown): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw invalidOption(name, value, 'an array')
}

/** @throws TabmqError INVALID_CONFIG */
export function checkObject(name: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) throw invalidOption(name, value, 'an object')
}

/** @throws TabmqError INVALID_CONFIG */
export function checkObjects(name: string, value: unknown): asserts value is readonly object[] {
  checkArray(name, value)
  for (const [index, item] of value.entries()) checkObject(`${name}[${index}]`, item)
}

/**
 * A misspelt option must not be a silent default.
 * @throws TabmqError INVALID_CONFIG
 */
export function checkNoOthers(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw new TabmqError('INVALID_CONFIG', `${what} has no option ${describe(name)}`, {
      option: name,
      options: known,
    })
  }
}

/** The options that are there: one that is undefined is as good as absent, whatever its type says. */
export function given<T extends object>(options: T): T {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as T
}

export function invalidOption(name: string, value: unknown, expected: string): TabmqError {
  return new TabmqError('INVALID_CONFIG', `${name} must be ${expected}, not ${describe(value)}`, {
    option: name,
    value: detailOf(value),
  })
}
