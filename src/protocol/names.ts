/**
 * Validated strings, branded so that the core cannot mix them up or take an unchecked one. The
 * public API takes plain strings; they are parsed where they enter: in the client before anything
 * is sent, and again in the broker, which trusts no port.
 */
import { TabmqError } from './errors.js'
import {
  BROKER_NAME_LENGTH_MAX,
  GROUP_ID_LENGTH_MAX,
  STORE_KEY_LENGTH_MAX,
  STORE_NAME_LENGTH_MAX,
  TOPIC_NAME_LENGTH_MAX,
} from './limits.js'

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

export type TopicName = Branded<string, 'TopicName'>
export type TopicId = Branded<string, 'TopicId'>
export type GroupId = Branded<string, 'GroupId'>
export type ExchangeName = Branded<string, 'ExchangeName'>
/** One life of an exchange: one of the same name that is declared later has another. */
export type ExchangeId = Branded<string, 'ExchangeId'>
export type MemberId = Branded<string, 'MemberId'>
export type InstanceId = Branded<string, 'InstanceId'>
export type SessionId = Branded<string, 'SessionId'>
/** One partition of one topic for as long as the topic lives; never used again after a deletion. */
export type PartitionId = Branded<number, 'PartitionId'>
/** Chosen at random by the producer: 48 bits, so that two tabs never share one. */
export type ProducerId = Branded<number, 'ProducerId'>
/** Of a store of keys and values beside the logs. */
export type StoreName = Branded<string, 'StoreName'>

const TOPIC_PATTERN = /^[a-zA-Z0-9._-]+$/

/**
 * A topic name by Kafka's rule: 1 to 249 of ASCII letters, digits, `.`, `_`, `-`; not `.` or `..`.
 * @throws TabmqError INVALID_TOPIC_EXCEPTION
 */
export function parseTopicName(value: unknown): TopicName {
  const valid =
    typeof value === 'string' &&
    value.length <= TOPIC_NAME_LENGTH_MAX &&
    TOPIC_PATTERN.test(value) &&
    value !== '.' &&
    value !== '..'
  if (valid) return value as TopicName
  throw new TabmqError(
    'INVALID_TOPIC_EXCEPTION',
    `${describe(value)} is not a topic name: 1 to ${TOPIC_NAME_LENGTH_MAX} letters, digits, ".", "_" or "-", and not "." or ".."`,
    { topic: detailOf(value) },
  )
}

/**
 * A group id: any string of 1 to 255 characters.
 * @throws TabmqError INVALID_GROUP_ID
 */
export function parseGroupId(value: unknown): GroupId {
  if (isName(value, GROUP_ID_LENGTH_MAX)) return value as GroupId
  throw new TabmqError(
    'INVALID_GROUP_ID',
    `${describe(value)} is not a group id: a string of 1 to ${GROUP_ID_LENGTH_MAX} characters`,
    { groupId: detailOf(value) },
  )
}

/**
 * The name of an exchange: any string of 1 to 255 characters.
 * @throws TabmqError INVALID_REQUEST
 */
export function parseExchangeName(value: unknown): ExchangeName {
  return parseName(value, 'exchange') as ExchangeName
}

/** @throws TabmqError INVALID_REQUEST */
export function parseMemberId(value: unknown): MemberId {
  return parseName(value, 'memberId') as MemberId
}

/** @throws TabmqError INVALID_REQUEST */
export function parseInstanceId(value: unknown): InstanceId {
  return parseName(value, 'groupInstanceId') as InstanceId
}

/** @throws TabmqError INVALID_REQUEST */
export function parseSessionId(value: unknown): SessionId {
  return parseName(value, 'sessionId') as SessionId
}

/**
 * A store's name: any string of 1 to 255 characters.
 * @throws TabmqError INVALID_REQUEST
 */
export function parseStoreName(value: unknown): StoreName {
  if (isName(value, STORE_NAME_LENGTH_MAX)) return value as StoreName
  throw new TabmqError(
    'INVALID_REQUEST',
    `${describe(value)} is not the name of a store: a string of 1 to ${STORE_NAME_LENGTH_MAX} characters`,
    { field: 'store', store: detailOf(value) },
  )
}

/**
 * A key of a store: any string of 1 to 1,024 characters.
 * @throws TabmqError INVALID_REQUEST
 */
export function parseStoreKey(value: unknown, field: string): string {
  if (isName(value, STORE_KEY_LENGTH_MAX)) return value
  throw new TabmqError(
    'INVALID_REQUEST',
    `${field} must be a string of 1 to ${STORE_KEY_LENGTH_MAX} characters, not ${describe(value)}`,
    { field, key: detailOf(value) },
  )
}

/**
 * A broker's name: it names the SharedWorker, the database and the locks.
 * @throws TabmqError INVALID_CONFIG
 */
export function parseBrokerName(value: unknown): string {
  if (isName(value, BROKER_NAME_LENGTH_MAX)) return value
  throw new TabmqError(
    'INVALID_CONFIG',
    `${describe(value)} is not a broker name: a string of 1 to ${BROKER_NAME_LENGTH_MAX} characters`,
    { name: detailOf(value) },
  )
}

/** A value as an error message shows it: short, and safe whatever it is. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  }
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : 'an object'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'bigint') return String(value)
  // The digits of one with millions of them would take the thread for minutes.
  return value > -BIGINT_SHOWN_MAX && value < BIGINT_SHOWN_MAX ? `${value}n` : 'a large bigint'
}

const BIGINT_SHOWN_MAX = 2n ** 64n

/** A value as an error's details carry it: as it is where it is simple, else in words. */
export function detailOf(value: unknown): string | number | boolean | null | undefined {
  if (typeof value === 'string') return value.slice(0, DETAIL_LENGTH_MAX)
  const isSimple = typeof value === 'number' || typeof value === 'boolean' || value === null
  return isSimple || value === undefined ? value : describe(value)
}

const DETAIL_LENGTH_MAX = 1_000

function parseName(value: unknown, field: string): string {
  if (isName(value, GROUP_ID_LENGTH_MAX)) return value
  throw new TabmqError(
    'INVALID_REQUEST',
    `${field} must be a string of 1 to ${GROUP_ID_LENGTH_MAX} characters, not ${describe(value)}`,
    { field },
  )
}

function isName(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax
}
