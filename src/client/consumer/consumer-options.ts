/** The options of a consumer and of its `run`, checked and with their defaults. */
import { TabmqError } from '../../protocol/errors.js'
import { CONSUMER_DEFAULTS, GROUP_ID_LENGTH_MAX } from '../../protocol/limits.js'
import { parseGroupId } from '../../protocol/names.js'
import {
  ASSIGNOR_NAMES,
  type AssignorName,
  type AutoOffsetReset,
} from '../../protocol/requests/groups.js'
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
import type { StoreName } from '../../protocol/names.js'
import { checkStoreName } from '../store/store-keys.js'
import type { EachBatchHandler, EachMessageHandler } from './delivery.js'

/** Options of `mq.consumer()`. Names are those of Kafka's configuration, units at the end. */
export interface ConsumerOptions {
  /** The group whose members share the partitions. Only `assign` works without one. */
  readonly groupId?: string
  /**
   * Makes the member static: a consumer that comes back under the same id within its session timeout
   * (a reloaded tab) gets its partitions back without a rebalance.
   */
  readonly groupInstanceId?: string
  /** How long the tab may be silent before its partitions move, in ms. Default 10,000. */
  readonly sessionTimeoutMs?: number
  /** How long letting go of partitions may take before the member is fenced. Default 60,000. */
  readonly rebalanceTimeoutMs?: number
  /** How long one handler may run before the member gives its partitions up. Default 300,000. */
  readonly maxPollIntervalMs?: number
  /** How partitions are shared. The group uses what most members ask for. Default `uniform`. */
  readonly assignor?: AssignorName
  /**
   * Its part of the partitions, beside the weights of the other members: 1 (default) to 1,000. `uniform`
   * heeds it. See {@link Consumer.setWeight}.
   */
  readonly weight?: number
  /** Where to start without a committed offset, or when it is out of range. Default `latest`. */
  readonly autoOffsetReset?: AutoOffsetReset
  /** How much one fetch brings at the most, in bytes. Default 8 MiB. */
  readonly maxBytes?: number
  /** The same for one partition. Default 1 MiB. */
  readonly maxBytesPerPartition?: number
  /** How much a fetch waits for, in bytes. Default 1: any message. */
  readonly minBytes?: number
  /** How long a fetch waits when there is less, in ms. Default 5,000. */
  readonly maxWaitMs?: number
}

/** Options of `consumer.run()`: one of the two handlers, and how offsets are committed. */
export type RunOptions = CommonRunOptions &
  (
    | { readonly eachMessage: EachMessageHandler; readonly eachBatch?: never }
    | { readonly eachBatch: EachBatchHandler; readonly eachMessage?: never }
  )

export interface CommonRunOptions {
  /** Whether what was handled is committed without asking. Default true. */
  readonly autoCommit?: boolean
  /** Commits at the most every so many ms. Default: after each batch. */
  readonly autoCommitInterval?: number
  /** Commits after so many messages. */
  readonly autoCommitThreshold?: number
  /** Whether a batch counts as handled when `eachBatch` returns. Default true. */
  readonly eachBatchAutoResolve?: boolean
  /**
   * The name of a store that `eachMessage` changes by what it returns, a {@link StoreChanges}: that and the
   * message's offset are committed in one transaction, before the next message of the partition. So a
   * message counts once, whatever dies.
   */
  readonly transactionalStore?: string
  /** How many partitions are handled at once; within one it is always in order. Default 1. */
  readonly partitionsConsumedConcurrently?: number
}

/** Options of `consumer.messages()`. */
export interface MessagesOptions extends Pick<
  CommonRunOptions,
  'autoCommit' | 'autoCommitInterval' | 'autoCommitThreshold'
> {
  /** Ends the loop, after the message at hand. */
  readonly signal?: AbortSignal
}

export type CheckedConsumerOptions = Required<
  Omit<ConsumerOptions, 'groupId' | 'groupInstanceId'>
> &
  Pick<ConsumerOptions, 'groupId' | 'groupInstanceId'>

export interface CheckedRunOptions {
  readonly eachMessage: EachMessageHandler | undefined
  readonly eachBatch: EachBatchHandler | undefined
  readonly autoCommit: boolean
  readonly autoCommitInterval: number | undefined
  readonly autoCommitThreshold: number | undefined
  readonly eachBatchAutoResolve: boolean
  readonly transactionalStore: StoreName | undefined
  readonly partitionsConsumedConcurrently: number
}

const CONSUMER_NAMES = [
  'groupId',
  'groupInstanceId',
  'sessionTimeoutMs',
  'rebalanceTimeoutMs',
  'maxPollIntervalMs',
  'assignor',
  'weight',
  'autoOffsetReset',
  'maxBytes',
  'maxBytesPerPartition',
  'minBytes',
  'maxWaitMs',
]

const RUN_NAMES = [
  'eachMessage',
  'eachBatch',
  'autoCommit',
  'autoCommitInterval',
  'autoCommitThreshold',
  'eachBatchAutoResolve',
  'transactionalStore',
  'partitionsConsumedConcurrently',
]

export const OFFSET_RESETS: readonly AutoOffsetReset[] = ['earliest', 'latest', 'none']

/** @throws TabmqError INVALID_CONFIG, INVALID_GROUP_ID */
export function checkConsumerOptions(options: ConsumerOptions): CheckedConsumerOptions {
  checkObject('the options of a consumer', options)
  checkNoOthers('a consumer', options, CONSUMER_NAMES)
  const { sessionTimeoutMs, rebalanceTimeoutMs, maxPollIntervalMs, weight } = CONSUMER_DEFAULTS
  const { maxBytes, maxBytesPerPartition, minBytes, maxWaitMs } = CONSUMER_DEFAULTS
  const checked: CheckedConsumerOptions = {
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    maxPollIntervalMs,
    maxBytes,
    maxBytesPerPartition,
    minBytes,
    maxWaitMs,
    assignor: 'uniform',
    weight,
    autoOffsetReset: 'latest',
    ...given(options),
  }
  if (checked.groupId !== undefined) parseGroupId(checked.groupId)
  const { groupInstanceId } = checked
  if (groupInstanceId !== undefined && !isInstanceId(groupInstanceId)) {
    const expected = `a string of 1 to ${GROUP_ID_LENGTH_MAX} characters`
    throw invalidOption('groupInstanceId', groupInstanceId, expected)
  }
  checkInteger('sessionTimeoutMs', checked.sessionTimeoutMs, { min: 1_000, max: 1_800_000 })
  checkInteger('rebalanceTimeoutMs', checked.rebalanceTimeoutMs, { min: 1, max: 1_800_000 })
  checkInteger('maxPollIntervalMs', checked.maxPollIntervalMs, { min: 1 })
  checkOneOf('assignor', checked.assignor, ASSIGNOR_NAMES)
  checkWeight(checked.weight)
  checkOneOf('autoOffsetReset', checked.autoOffsetReset, OFFSET_RESETS)
  checkInteger('maxBytes', checked.maxBytes, { min: 1, max: 64 * 1024 * 1024 })
  checkInteger('maxBytesPerPartition', checked.maxBytesPerPartition, {
    min: 1,
    max: checked.maxBytes,
  })
  checkInteger('minBytes', checked.minBytes, { min: 1, max: checked.maxBytes })
  // Zero would ask again and again without a pause.
  checkInteger('maxWaitMs', checked.maxWaitMs, { min: 1, max: 60_000 })
  return checked
}

/** @throws TabmqError INVALID_CONFIG */
export function checkMessagesOptions(options: MessagesOptions): void {
  checkObject('the options of messages', options)
  const names = ['signal', 'autoCommit', 'autoCommitInterval', 'autoCommitThreshold']
  checkNoOthers('messages', options, names)
}

/** @throws TabmqError INVALID_CONFIG */
export function checkRunOptions(options: RunOptions): CheckedRunOptions {
  checkObject('the options of run', options)
  checkNoOthers('run', options, RUN_NAMES)
  const { eachMessage, eachBatch, autoCommitInterval, autoCommitThreshold } = options
  if ((eachMessage === undefined) === (eachBatch === undefined)) {
    const got = eachMessage === undefined ? 'neither' : 'both'
    throw new TabmqError('INVALID_CONFIG', `run takes eachMessage or eachBatch, not ${got}`, {})
  }
  if (eachMessage !== undefined) checkFunction('eachMessage', eachMessage)
  if (eachBatch !== undefined) checkFunction('eachBatch', eachBatch)
  const checked = {
    eachMessage,
    eachBatch,
    autoCommitInterval,
    autoCommitThreshold,
    autoCommit: options.autoCommit ?? true,
    eachBatchAutoResolve: options.eachBatchAutoResolve ?? true,
    transactionalStore: checkTransactional(options),
    partitionsConsumedConcurrently:
      options.partitionsConsumedConcurrently ?? CONSUMER_DEFAULTS.partitionsConsumedConcurrently,
  }
  checkOneOf('autoCommit', checked.autoCommit, [true, false])
  checkOneOf('eachBatchAutoResolve', checked.eachBatchAutoResolve, [true, false])
  if (autoCommitInterval !== undefined) {
    checkInteger('autoCommitInterval', autoCommitInterval, { min: 1 })
  }
  if (autoCommitThreshold !== undefined) {
    checkInteger('autoCommitThreshold', autoCommitThreshold, { min: 1 })
  }
  checkInteger('partitionsConsumedConcurrently', checked.partitionsConsumedConcurrently, {
    min: 1,
    max: 1_024,
  })
  return checked
}

/** Its commits are made for each message: nothing else says when. */
function checkTransactional(options: RunOptions): StoreName | undefined {
  const { transactionalStore, autoCommit, autoCommitInterval, autoCommitThreshold } = options
  if (transactionalStore === undefined) return undefined
  const others = { autoCommitInterval, autoCommitThreshold, eachBatch: options.eachBatch }
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  const clash = autoCommit === false ? 'autoCommit: false' : other
  if (clash !== undefined) {
    const message = `transactionalStore commits with each message: it does not go with ${clash}`
    throw new TabmqError('INVALID_CONFIG', message, { option: 'transactionalStore' })
  }
  return checkStoreName('transactionalStore', transactionalStore)
}

function isInstanceId(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= GROUP_ID_LENGTH_MAX
}
