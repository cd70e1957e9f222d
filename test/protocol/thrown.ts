/** The typed error that a call throws: anything else, or nothing, fails the test. */
import { TabmqError } from '../../src/protocol/errors.js'

export function thrownBy(call: () => unknown): TabmqError {
  try {
    call()
  } catch (error) {
    if (error instanceof TabmqError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
