/** The options of a producer, checked and with their defaults. */
import type { Codec } from '../../codec/codec.js'
import { PRODUCER_DEFAULTS } from '../../protocol/limits.js'
import type { Acks } from '../../protocol/requests/log.js'
import {
  checkFunction,
  checkInteger,
  checkNoOthers,
  checkObject,
  checkOneOf,
  given,
  invalidOption,
} from '../check-options.js'
import type { Partitioner } from '../partitioner.js'

/** Options of `mq.producer()`. Names are those of Kafka's configuration. */
export interface ProducerOptions {
  /**
   * When a send is acknowledged. 0: when the broker has it in memory. 1 (default): when a relaxed
   * transaction completed, which survives a killed browser but not a power cut. -1: when a strict
   * one did, which survives both.
   */
  readonly acks?: Acks
  /**
   * How long a batch waits for more messages, in ms. Default 0: for those of the same turn, and not even
   * so long when there is much of it; but while the broker is busy with what was sent before, longer.
   */
  readonly lingerMs?: number
  /** The size in bytes at which a batch is closed. Default 1 MiB. */
  readonly batchSize?: number
  /** Where messages without a `partition` go. Default: by key as Kafka does, else sticky. */
  readonly partitioner?: Partitioner
  /** Whether repeats are recognised, so that each message is appended once. Default true. */
  readonly enableIdempotence?: boolean
  /** Compresses the values of each batch with gzip. Default: none. */
  readonly compression?: 'gzip'
  /** How values become bytes: a built-in codec by name, or one that the client was given. */
  readonly codec?: string | Codec
  /** How long a send is tried, through any number of brokers, in ms. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /**
   * How many encoded bytes may be on their way to the broker. Sends beyond it wait for room, as they
   * do for a topic that is not known yet, and what waits may be as much again: a send beyond that is
   * rejected with THROTTLING_QUOTA_EXCEEDED. Either takes a single send of any size when nothing
   * else is there. Default 32 MiB.
   */
  readonly bufferMemoryBytes?: number
}

export type CheckedProducerOptions = Required<
  Omit<ProducerOptions, 'partitioner' | 'compression'>
> &
  Pick<ProducerOptions, 'partitioner' | 'compression'>

const NAMES = [
  'acks',
  'lingerMs',
  'batchSize',
  'partitioner',
  'enableIdempotence',
  'compression',
  'codec',
  'deliveryTimeoutMs',
  'bufferMemoryBytes',
]

export const ACKS_ALLOWED: readonly Acks[] = [-1, 0, 1]

/** @throws TabmqError INVALID_CONFIG */
export function checkProducerOptions(options: ProducerOptions): CheckedProducerOptions {
  checkObject('the options of a producer', options)
  checkNoOthers('a producer', options, NAMES)
  const { acks, lingerMs, batchSize, deliveryTimeoutMs, bufferMemoryBytes } = PRODUCER_DEFAULTS
  const checked = {
    acks,
    lingerMs,
    batchSize,
    deliveryTimeoutMs,
    bufferMemoryBytes,
    enableIdempotence: true,
    codec: 'structured',
    ...given(options),
  }
  checkOneOf('acks', checked.acks, ACKS_ALLOWED)
  checkInteger('lingerMs', checked.lingerMs, { min: 0, max: 60_000 })
  checkInteger('batchSize', checked.batchSize, { min: 1, max: 8 * 1024 * 1024 })
  checkInteger('deliveryTimeoutMs', checked.deliveryTimeoutMs, { min: 1 })
  checkInteger('bufferMemoryBytes', checked.bufferMemoryBytes, { min: 1 })
  checkOneOf('enableIdempotence', checked.enableIdempotence, [true, false])
  if (checked.partitioner !== undefined) checkFunction('partitioner', checked.partitioner)
  if (checked.compression !== undefined) checkOneOf('compression', checked.compression, ['gzip'])
  const isObject = typeof checked.codec === 'object' && checked.codec !== null
  if (typeof checked.codec !== 'string' && !isObject) {
    throw invalidOption('codec', checked.codec, 'the name of a codec, or one')
  }
  return checked
}
