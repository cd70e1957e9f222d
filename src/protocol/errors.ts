/**
 * The one error class and the one list of codes, in two parts. Codes carry Kafka's names where Kafka has the
 * error (https://kafka.apache.org/protocol#protocol_error_codes), names of our own where the
 * browser is the cause. Comlink keeps only name, message and stack of a thrown error, so errors
 * cross the port as {@link WireError} and become a {@link TabmqError} again in the tab.
 */

/** Errors after which the same call may succeed when it is repeated later, unchanged. */
export const RETRIABLE_CODES = [
  'REQUEST_TIMED_OUT',
  'THROTTLING_QUOTA_EXCEEDED',
  'DELIVERY_TIMED_OUT',
  'STALE_MEMBER_EPOCH',
  'BROKER_UNAVAILABLE',
  'CODE_NOT_LOADED',
  'STORAGE_ERROR',
] as const

/** All others: the same call fails again. */
export const FINAL_CODES = [
  // Requests and arguments
  'INVALID_REQUEST',
  'INVALID_CONFIG',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_GROUP_ID',
  'INVALID_PARTITIONS',
  'INVALID_TIMESTAMP',
  'INVALID_REGULAR_EXPRESSION',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_CODEC',
  'ILLEGAL_STATE',
  'REQUEST_FAILED',
  // Topics and the log
  'TOPIC_ALREADY_EXISTS',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'OFFSET_OUT_OF_RANGE',
  'MESSAGE_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'POLICY_VIOLATION',
  // Producing
  'SERIALIZATION_FAILED',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  // Exchanges
  'EXCHANGE_ALREADY_EXISTS',
  'UNKNOWN_EXCHANGE',
  'EXCHANGE_IN_USE',
  'UNROUTABLE_MESSAGE',
  // Groups
  'UNKNOWN_MEMBER_ID',
  'FENCED_MEMBER_EPOCH',
  'FENCED_INSTANCE_ID',
  'GROUP_ID_NOT_FOUND',
  'NON_EMPTY_GROUP',
  'GROUP_MAX_SIZE_REACHED',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_RECORD_STATE',
  'NO_OFFSET_FOR_PARTITION',
  'OFFSET_METADATA_TOO_LARGE',
  'INVALID_TXN_STATE',
  // The browser
  'BROKER_SUPERSEDED',
  'CLIENT_CLOSED',
  'ABORTED',
  'SHARED_WORKER_UNSUPPORTED',
  'INSECURE_CONTEXT',
  'STORAGE_BLOCKED',
  'STORAGE_FULL',
  'STORAGE_LOST',
  'STORAGE_VERSION_TOO_NEW',
  'UNKNOWN_SERVER_ERROR',
] as const

/** The code of a {@link TabmqError}. */
export type ErrorCode = (typeof RETRIABLE_CODES)[number] | (typeof FINAL_CODES)[number]

/** What names the offending value: topic, partition, offset, limit and the like. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/**
 * Every error that tabmq raises.
 *
 * @example
 * try {
 *   await producer.send({ topic: 'ordres', messages: [{ value: 1 }] })
 * } catch (error) {
 *   if (error instanceof TabmqError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') …
 * }
 */
export class TabmqError extends Error {
  override readonly name = 'TabmqError'
  /** What went wrong. Branch on this, never on the message. */
  readonly code: ErrorCode
  /** Whether the same call may succeed when it is repeated later. */
  readonly retriable: boolean
  /** The offending values by name, e.g. `{ topic, partition }`. */
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retriable = (RETRIABLE_CODES as readonly ErrorCode[]).includes(code)
    this.details = details
  }
}

/** An error as it crosses the port: structured clone would drop the class and its fields. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
}

/** Anything thrown as a wire error; what is not a {@link TabmqError} is a bug and says so. */
export function toWireError(error: unknown): WireError {
  if (error instanceof TabmqError) {
    return { code: error.code, message: error.message, details: error.details }
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { code: 'UNKNOWN_SERVER_ERROR', message, details: {} }
}

export function fromWireError(error: WireError): TabmqError {
  return new TabmqError(error.code, error.message, error.details)
}

/** Whether `error` is a {@link TabmqError} with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is TabmqError {
  return error instanceof TabmqError && codes.includes(error.code)
}
