/**
 * What a message of a `send` says of its delivery (when, until when, how urgently, under which id):
 * checked, and as the batch has it.
 */
import { encodeUtf8, isWellFormed } from '../../codec/utf8.js'
import { isTimestampMs, type RecordProperties } from '../../protocol/batch-index.js'
import { TabmqError } from '../../protocol/errors.js'
import { MESSAGE_ID_LENGTH_MAX, PRIORITY_MAX } from '../../protocol/limits.js'
import { describe, detailOf } from '../../protocol/names.js'
import type { Message } from '../message.js'

interface Context {
  /** Where the message is in its call, for errors. */
  readonly position: number
  /** When it was sent. */
  readonly wallMs: number
  readonly timestampMs: number
}

/**
 * Undefined for a message that says nothing, which most do not.
 * @throws TabmqError INVALID_CONFIG, INVALID_TIMESTAMP
 */
export function propertiesOf(message: Message, context: Context): RecordProperties | undefined {
  const { deliverAt, delayMs, expiresAt, ttlMs, priority = 0, messageId } = message
  const hasTime =
    deliverAt !== undefined ||
    delayMs !== undefined ||
    expiresAt !== undefined ||
    ttlMs !== undefined
  if (!hasTime && priority === 0 && messageId === undefined) return undefined
  const deliverAtMs = timeOf(['deliverAt', deliverAt], ['delayMs', delayMs], context)
  const expiresAtMs = timeOf(['expiresAt', expiresAt], ['ttlMs', ttlMs], context)
  checkPriority(priority, context)
  const id = messageId === undefined ? undefined : messageIdBytes(messageId, context)
  if (deliverAtMs === undefined && expiresAtMs === undefined && priority === 0 && id === undefined)
    return undefined
  return { deliverAtMs, expiresAtMs, priority, messageId: id }
}

/** The time that two fields mean, of which the first is the time and the second how long until then. */
function timeOf(
  [atName, at]: Field,
  [afterName, afterMs]: Field,
  context: Context,
): number | undefined {
  if (at === undefined && afterMs === undefined) return undefined
  if (at !== undefined && afterMs !== undefined) {
    const what = `${atName} and ${afterName} are the same: there can be one of them`
    throw invalid('INVALID_CONFIG', what, { context, name: atName, value: at })
  }
  if (at === undefined && !(Number.isSafeInteger(afterMs) && (afterMs as number) >= 0)) {
    const what = `${afterName} must be a whole number of ms, not ${describe(afterMs)}`
    throw invalid('INVALID_CONFIG', what, { context, name: afterName, value: afterMs })
  }
  const name = at === undefined ? afterName : atName
  const timeMs = at === undefined ? context.wallMs + (afterMs as number) : timeValue(at)
  if (isTimestampMs(timeMs) && Number.isSafeInteger(timeMs - context.timestampMs)) return timeMs
  const value = at === undefined ? afterMs : at
  const what = `${name} is no Date or time in ms: ${describe(value)}`
  throw invalid('INVALID_TIMESTAMP', what, { context, name, value })
}

type Field = readonly [name: string, value: unknown]

function timeValue(at: unknown): unknown {
  return at instanceof Date ? at.getTime() : at
}

function checkPriority(priority: unknown, context: Context): void {
  const isOne = Number.isInteger(priority) && (priority as number) >= 0
  if (isOne && (priority as number) <= PRIORITY_MAX) return
  const what = `priority must be a whole number from 0 to ${PRIORITY_MAX}, not ${describe(priority)}`
  throw invalid('INVALID_CONFIG', what, { context, name: 'priority', value: priority })
}

/** A lone surrogate has no UTF-8: two ids that differ in it would be one. */
function messageIdBytes(messageId: unknown, context: Context): Uint8Array {
  const isOne =
    typeof messageId === 'string' &&
    messageId.length > 0 &&
    messageId.length <= MESSAGE_ID_LENGTH_MAX &&
    isWellFormed(messageId)
  if (isOne) return encodeUtf8(messageId)
  const expected = `a well-formed string of 1 to ${MESSAGE_ID_LENGTH_MAX} characters`
  const what = `messageId must be ${expected}, not ${describe(messageId)}`
  throw invalid('INVALID_CONFIG', what, { context, name: 'messageId', value: messageId })
}

function invalid(
  code: 'INVALID_CONFIG' | 'INVALID_TIMESTAMP',
  what: string,
  { context: { position }, name, value }: { context: Context; name: string; value: unknown },
): TabmqError {
  return new TabmqError(code, `messages[${position}]: ${what}`, {
    position,
    [name]: detailOf(value),
  })
}
