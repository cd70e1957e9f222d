/** Names of stores and keys as users give them. */
import { STORE_KEY_LENGTH_MAX, STORE_NAME_LENGTH_MAX } from '../../protocol/limits.js'
import type { StoreName } from '../../protocol/names.js'
import { invalidOption } from '../check-options.js'

/** @throws TabmqError INVALID_CONFIG */
export function checkStoreName(option: string, value: unknown): StoreName {
  if (typeof value === 'string' && value.length > 0 && value.length <= STORE_NAME_LENGTH_MAX) {
    return value as StoreName
  }
  throw invalidOption(option, value, `a string of 1 to ${STORE_NAME_LENGTH_MAX} characters`)
}

/** @throws TabmqError INVALID_CONFIG */
export function checkStoreKey(option: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= STORE_KEY_LENGTH_MAX) {
    return value
  }
  throw invalidOption(option, value, `a string of 1 to ${STORE_KEY_LENGTH_MAX} characters`)
}
