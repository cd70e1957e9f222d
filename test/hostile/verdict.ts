/** What a reply may be, whatever was asked: the answer, or a typed error that is no surprise. */
import { FINAL_CODES, RETRIABLE_CODES } from '../../src/protocol/errors.js'

const CODES = new Set<unknown>([...RETRIABLE_CODES, ...FINAL_CODES])

/** What is wrong with a reply, or undefined when it is as it must be. */
export function faultOf(reply: unknown): string | undefined {
  if (!isObject(reply) || typeof reply['incarnation'] !== 'string') return 'no reply of the broker'
  if (reply['ok'] === false) return faultOfError(reply['error'])
  if (reply['ok'] !== true) return 'neither an answer nor an error'
  return resultsOf(reply['value'])
    .map(faultOfResult)
    .find((fault) => fault !== undefined)
}

/** Whether nothing was granted: an error, or an answer with nothing but errors in it. */
export function isRefusal(reply: unknown): boolean {
  if (!isObject(reply) || reply['ok'] !== true) return true
  const results = resultsOf(reply['value'])
  return results.length > 0 && results.every((one) => one['error'] !== undefined)
}

function faultOfError(error: unknown): string | undefined {
  if (!isObject(error)) return 'an error that is none'
  const { code, message } = error
  if (!CODES.has(code)) return `code ${String(code)}`
  if (code === 'UNKNOWN_SERVER_ERROR') return `a bug: ${String(message)}`
  if (typeof message !== 'string' || message.length > MESSAGE_LENGTH_MAX) return 'a bad message'
  return isObject(error['details']) ? undefined : 'no details'
}

/** Whatever was sent, a message is for reading. */
const MESSAGE_LENGTH_MAX = 2_000

function faultOfResult(result: Record<string, unknown>): string | undefined {
  return result['error'] === undefined ? undefined : faultOfError(result['error'])
}

function resultsOf(value: unknown): Record<string, unknown>[] {
  if (!isObject(value)) return []
  const results = value['results'] ?? value['partitions']
  return Array.isArray(results) ? results.filter(isObject) : []
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
