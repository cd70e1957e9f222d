/** The options of a share consumer and of its `run`, checked and with their defaults. */
import { TabmqError } from '../../protocol/errors.js'
import {
  FETCH_BYTES_MAX,
  LOCK_DURATION_MS_MAX,
  LOCK_DURATION_MS_MIN,
  SHARE_FETCH_RECORDS_MAX,
  DELIVERY_COUNT_LIMIT_MAX,
  RELEASE_DELAY_MS_MAX,
  SHARE_CONSUMER_DEFAULTS,
} from '../../protocol/limits.js'
import {
  parseGroupId,
  parseTopicName,
  type GroupId,
  type StoreName,
  type TopicName,
} from '../../protocol/names.js'
import {
  checkFunction,
  checkInteger,
  checkNoOthers,
  checkObject,
  checkOneOf,
  checkWeight,
  given,
  invalidOption,
} from '../check-options.js'
import { checkStoreName } from '../store/store-keys.js'
import type { ShareMessageHandler } from './share-delivery.js'

/** How long a released message waits: longer with each delivery, and never quite the same. */
export interface RetryOptions {
  /** After the first delivery, in ms. Default 1,000. */
  readonly initialDelayMs?: number
  /** How much longer after each further one. Default 2. */
  readonly multiplier?: number
  /** The longest, in ms. Default 60,000. */
  readonly maxDelayMs?: number
}

/**
 * When a message is acknowledged. `onReturn`: accepted when its handler returned, released when it threw.
 * `explicit`: only by `acknowledge`, whatever the handler does; what is left unsaid comes again when its lock
 * runs out.
 * `onDelivery`: accepted before the handler has it, so that a crash loses it.
 */
export type AcknowledgementMode = 'onReturn' | 'explicit' | 'onDelivery'

/**
 * Options of `mq.shareConsumer()`. Locks, limits and the dead letter topic are the whole group's: those of
 * the member that joined last count.
 */
export interface ShareConsumerOptions {
  /** The group whose members share the messages. */
  readonly groupId: string
  /**
   * How many messages this member has at a time, those that wait for its handlers included. Default 100, or
   * as many as are handled at once.
   */
  readonly maxInFlight?: number
  /** How long a message stays this member's without a word from it, in ms. Default 30,000. */
  readonly lockDurationMs?: number
  /** How often a message is delivered at most. Default 5. */
  readonly deliveryCountLimit?: number
  /**
   * Where messages go that were rejected, delivered too often or came too late, with headers that say
   * why. Made with the first member that names it. Without one they are gone.
   */
  readonly deadLetterTopic?: string
  /** Default `onReturn`. */
  readonly acknowledgement?: AcknowledgementMode
  /** How long a message waits whose handler threw. */
  readonly retry?: RetryOptions
  /** Whether messages of one key come one at a time and in their order. Default false. */
  readonly orderingKey?: boolean
  /** Where the group begins in a topic that it has never read. Default `earliest`: a queue keeps its jobs. */
  readonly autoOffsetReset?: 'earliest' | 'latest'
  /** Its part of the messages, beside the weights of the other members: 1 to 1,000. Default 1. */
  readonly weight?: number
  /** How much one fetch brings at the most, in bytes. Default 8 MiB. */
  readonly maxBytes?: number
}

/** Options of `shareConsumer.run()`. */
export interface ShareRunOptions {
  readonly eachMessage: ShareMessageHandler
  /** How many messages are handled at once. Default 1. */
  readonly concurrency?: number
  /**
   * The name of a store that a handler changes by what it returns, a {@link StoreChanges}, or, with
   * `explicit`, by what it says to `acknowledge`: in the transaction that accepts the message. So a
   * message counts once, whatever dies.
   */
  readonly transactionalStore?: string
}

export interface CheckedShareOptions {
  readonly groupId: GroupId
  readonly maxInFlight: number | undefined
  readonly lockDurationMs: number
  readonly deliveryCountLimit: number
  readonly deadLetterTopic: TopicName | null
  readonly acknowledgement: AcknowledgementMode
  readonly retry: Required<RetryOptions>
  readonly orderingKey: boolean
  readonly autoOffsetReset: 'earliest' | 'latest'
  readonly weight: number
  readonly maxBytes: number
}

export interface CheckedShareRun {
  readonly eachMessage: ShareMessageHandler
  readonly concurrency: number
  readonly transactionalStore: StoreName | undefined
  readonly maxInFlight: number
}

const NAMES = [
  'groupId',
  'maxInFlight',
  'lockDurationMs',
  'deliveryCountLimit',
  'deadLetterTopic',
  'acknowledgement',
  'retry',
  'orderingKey',
  'autoOffsetReset',
  'weight',
  'maxBytes',
]
const MODES: readonly AcknowledgementMode[] = ['onReturn', 'explicit', 'onDelivery']
const CONCURRENCY_MAX = 1_024

/** @throws TabmqError INVALID_CONFIG, INVALID_GROUP_ID, INVALID_TOPIC_EXCEPTION */
export function checkShareOptions(options: ShareConsumerOptions): CheckedShareOptions {
  checkObject('the options of a share consumer', options)
  checkNoOthers('a share consumer', options, NAMES)
  const { deadLetterTopic, retry = {}, groupId, ...others } = given(options)
  checkObject('retry', retry)
  checkNoOthers('retry', retry, ['initialDelayMs', 'multiplier', 'maxDelayMs'])
  const { lockDurationMs, deliveryCountLimit, weight, maxBytes } = SHARE_CONSUMER_DEFAULTS
  const checked: CheckedShareOptions = {
    maxInFlight: undefined,
    lockDurationMs,
    deliveryCountLimit,
    weight,
    maxBytes,
    acknowledgement: 'onReturn',
    orderingKey: false,
    autoOffsetReset: 'earliest',
    ...others,
    groupId: parseGroupId(groupId),
    retry: { ...SHARE_CONSUMER_DEFAULTS.retry, ...given(retry) },
    deadLetterTopic: deadLetterTopic === undefined ? null : parseTopicName(deadLetterTopic),
  }
  if (checked.maxInFlight !== undefined) {
    checkInteger('maxInFlight', checked.maxInFlight, { min: 1, max: SHARE_FETCH_RECORDS_MAX })
  }
  checkInteger('lockDurationMs', checked.lockDurationMs, {
    min: LOCK_DURATION_MS_MIN,
    max: LOCK_DURATION_MS_MAX,
  })
  checkInteger('deliveryCountLimit', checked.deliveryCountLimit, {
    min: 1,
    max: DELIVERY_COUNT_LIMIT_MAX,
  })
  checkOneOf('acknowledgement', checked.acknowledgement, MODES)
  checkOneOf('orderingKey', checked.orderingKey, [true, false])
  checkOneOf('autoOffsetReset', checked.autoOffsetReset, ['earliest', 'latest'])
  checkWeight(checked.weight)
  checkInteger('maxBytes', checked.maxBytes, { min: 1, max: FETCH_BYTES_MAX })
  checkRetry(checked.retry)
  return checked
}

/** @throws TabmqError INVALID_CONFIG */
export function checkShareRun(
  options: ShareRunOptions,
  { acknowledgement, maxInFlight }: Pick<CheckedShareOptions, 'acknowledgement' | 'maxInFlight'>,
): CheckedShareRun {
  checkObject('the options of run', options)
  checkNoOthers('run', options, ['eachMessage', 'concurrency', 'transactionalStore'])
  const { eachMessage, concurrency = SHARE_CONSUMER_DEFAULTS.concurrency } = options
  checkFunction('eachMessage', eachMessage)
  checkInteger('concurrency', concurrency, { min: 1, max: CONCURRENCY_MAX })
  const transactionalStore =
    options.transactionalStore === undefined
      ? undefined
      : checkStoreName('transactionalStore', options.transactionalStore)
  if (transactionalStore !== undefined && acknowledgement === 'onDelivery') {
    const message = 'what is accepted on delivery is done before its handler changes any store'
    throw new TabmqError('INVALID_CONFIG', message, { option: 'transactionalStore' })
  }
  if (maxInFlight !== undefined && maxInFlight < concurrency) {
    throw invalidOption('concurrency', concurrency, `at most maxInFlight, which is ${maxInFlight}`)
  }
  const least = SHARE_CONSUMER_DEFAULTS.maxInFlight
  return {
    eachMessage,
    concurrency,
    transactionalStore,
    maxInFlight: maxInFlight ?? Math.max(least, concurrency),
  }
}

/** @throws TabmqError INVALID_CONFIG */
export function checkDelay(delayMs: number): void {
  checkInteger('delayMs', delayMs, { min: 0, max: RELEASE_DELAY_MS_MAX })
}

function checkRetry({ initialDelayMs, multiplier, maxDelayMs }: Required<RetryOptions>): void {
  checkInteger('retry.initialDelayMs', initialDelayMs, { min: 0, max: RELEASE_DELAY_MS_MAX })
  checkInteger('retry.maxDelayMs', maxDelayMs, { min: initialDelayMs, max: RELEASE_DELAY_MS_MAX })
  if (!(typeof multiplier === 'number' && multiplier >= 1 && multiplier <= 100)) {
    throw invalidOption('retry.multiplier', multiplier, 'a number from 1 to 100')
  }
}
