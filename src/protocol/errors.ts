/**
 * The one error class and the one table of codes. Codes carry Kafka's names where Kafka has the
 * error (https://kafka.apache.org/protocol#protocol_error_codes), names of our own where the
 * browser is the cause. Comlink keeps only name, message and stack of a thrown error, so errors
 * cross the port as {@link WireError} and become a {@link TabmqError} again in the tab.
 */

interface ErrorKind {
  /** Whether the same call may succeed when it is repeated later, unchanged. */
  readonly retriable: boolean
}

const RETRIABLE: ErrorKind = { retriable: true }
const FINAL: ErrorKind = { retriable: false }

/** Every error code there is, and whether a repetition of the same call can succeed. */
export const ERROR_TABLE = {
  // Requests and arguments
  INVALID_REQUEST: FINAL,
  INVALID_CONFIG: FINAL,
  INVALID_TOPIC_EXCEPTION: FINAL,
  INVALID_GROUP_ID: FINAL,
  INVALID_PARTITIONS: FINAL,
  INVALID_TIMESTAMP: FINAL,
  INVALID_REGULAR_EXPRESSION: FINAL,
  UNSUPPORTED_VERSION: FINAL,
  UNSUPPORTED_COMPRESSION_TYPE: FINAL,
  UNSUPPORTED_CODEC: FINAL,
  ILLEGAL_STATE: FINAL,
  REQUEST_TIMED_OUT: RETRIABLE,
  REQUEST_FAILED: FINAL,
  THROTTLING_QUOTA_EXCEEDED: RETRIABLE,
  // Topics and the log
  TOPIC_ALREADY_EXISTS: FINAL,
  UNKNOWN_TOPIC_OR_PARTITION: FINAL,
  OFFSET_OUT_OF_RANGE: FINAL,
  MESSAGE_TOO_LARGE: FINAL,
  CORRUPT_MESSAGE: FINAL,
  POLICY_VIOLATION: FINAL,
  // Producing
  SERIALIZATION_FAILED: FINAL,
  OUT_OF_ORDER_SEQUENCE_NUMBER: FINAL,
  UNKNOWN_PRODUCER_ID: FINAL,
  INVALID_PRODUCER_EPOCH: FINAL,
  DELIVERY_TIMED_OUT: RETRIABLE,
  // Exchanges
  EXCHANGE_ALREADY_EXISTS: FINAL,
  UNKNOWN_EXCHANGE: FINAL,
  EXCHANGE_IN_USE: FINAL,
  UNROUTABLE_MESSAGE: FINAL,
  // Groups
  UNKNOWN_MEMBER_ID: FINAL,
  FENCED_MEMBER_EPOCH: FINAL,
  STALE_MEMBER_EPOCH: RETRIABLE,
  FENCED_INSTANCE_ID: FINAL,
  GROUP_ID_NOT_FOUND: FINAL,
  NON_EMPTY_GROUP: FINAL,
  GROUP_MAX_SIZE_REACHED: FINAL,
  INCONSISTENT_GROUP_PROTOCOL: FINAL,
  INVALID_RECORD_STATE: FINAL,
  NO_OFFSET_FOR_PARTITION: FINAL,
  OFFSET_METADATA_TOO_LARGE: FINAL,
  INVALID_TXN_STATE: FINAL,
  // The browser
  BROKER_UNAVAILABLE: RETRIABLE,
  CODE_NOT_LOADED: RETRIABLE,
  BROKER_SUPERSEDED: FINAL,
  CLIENT_CLOSED: FINAL,
  ABORTED: FINAL,
  SHARED_WORKER_UNSUPPORTED: FINAL,
  INSECURE_CONTEXT: FINAL,
  STORAGE_BLOCKED: FINAL,
  STORAGE_FULL: FINAL,
  STORAGE_ERROR: RETRIABLE,
  STORAGE_LOST: FINAL,
  STORAGE_VERSION_TOO_NEW: FINAL,
  UNKNOWN_SERVER_ERROR: FINAL,
} as const satisfies Record<string, ErrorKind>

/** The code of a {@link TabmqError}. */
export type ErrorCode = keyof typeof ERROR_TABLE

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
  /** What went wrong, from the one table. Branch on this, never on the message. */
  readonly code: ErrorCode
  /** Whether the same call may succeed when it is repeated later. */
  readonly retriable: boolean
  /** The offending values by name, e.g. `{ topic, partition }`. */
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retriable = ERROR_TABLE[code].retriable
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
