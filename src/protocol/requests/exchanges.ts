/** Exchanges: what leads from them to topics, and what is published to them. */
import type { WireError } from '../errors.js'
import type { ExchangeName, ProducerId, TopicName } from '../names.js'
import type { Api, Empty } from './api.js'
import type { Acks } from './log.js'
import type { AssignedPartition } from './partitions.js'

export interface ExchangeApis {
  /** Makes an exchange; the same again changes nothing. */
  declareExchange: Api<
    { exchange: ExchangeName; type: ExchangeType; alternateExchange: ExchangeName | null },
    Empty
  >
  deleteExchange: Api<{ exchange: ExchangeName; ifUnused: boolean }, Empty>
  listExchanges: Api<Empty, { exchanges: readonly ExchangeDescription[] }>
  /** The same again changes nothing, but for the weight. */
  bind: Api<{ exchange: ExchangeName; binding: Binding }, Empty>
  /** Whatever its weight. One that is not there is none to take away. */
  unbind: Api<{ exchange: ExchangeName; binding: Binding }, Empty>
  publish: Api<PublishRequest, { results: readonly PublishResult[] }>
}

/**
 * Which bindings of an exchange a message goes by. `direct`: whose routing key is its own. `fanout`: all.
 * `topic`: whose routing key is a pattern of its words, split at dots, where `*` is one word and `#` any
 * number of them. `headers`: whose headers it has. `consistent-hash`: one, always the same for a
 * routing key.
 */
export type ExchangeType = 'direct' | 'topic' | 'fanout' | 'headers' | 'consistent-hash'

export const EXCHANGE_TYPES: readonly ExchangeType[] = [
  'direct',
  'topic',
  'fanout',
  'headers',
  'consistent-hash',
]

/** Whether a message must have all headers that a binding names, or any of them. */
export type HeadersMatch = 'all' | 'any'

/** Where a binding leads: to a topic, the queue of whoever reads it, or to another exchange. */
export type BindingTarget =
  | { readonly topic: TopicName; readonly toExchange?: never }
  | { readonly toExchange: ExchangeName; readonly topic?: never }

/** A way from an exchange. Two that differ in nothing but the weight are the same. */
export type Binding = BindingTarget & {
  readonly routingKey: string
  /** Of a headers exchange. */
  readonly headers: Readonly<Record<string, string>>
  readonly match: HeadersMatch
  /** Of a consistent-hash exchange: its part of the routing keys, beside the others' weights. */
  readonly weight: number
}

/** An exchange with its bindings, and what has become of what was published to it. */
export interface ExchangeDescription {
  readonly exchange: ExchangeName
  readonly type: ExchangeType
  /** Where messages go on that match none of its bindings; null drops them. It need not exist. */
  readonly alternateExchange: ExchangeName | null
  readonly bindings: readonly Binding[]
  readonly counters: ExchangeCounters
}

/** Messages that were published to an exchange, since the broker started. */
export interface ExchangeCounters {
  /** All of them, but for those that a queue could not take. */
  readonly published: number
  /** That went to one queue at least. */
  readonly routed: number
  /** That went to none, and were refused since they were `mandatory`. */
  readonly unroutable: number
  /** That went to none. */
  readonly dropped: number
}

export interface PublishRequest {
  readonly exchange: ExchangeName
  readonly producerId: ProducerId
  /** Of the first publication; those after it follow. A producer counts up for each exchange. */
  readonly firstNumber: number
  readonly acks: Acks
  readonly publications: readonly Publication[]
  /**
   * It was sent before, nobody has said what became of it, and the broker has stored something of this
   * producer: if it does not know that any more, it cannot know what became of this either.
   */
  readonly isRepeat?: boolean
}

/** What goes to all its queues or to none. */
export interface Publication {
  readonly routingKey: string
  /** Values by name, of those that can be matched. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** Whether it is refused when there is no queue for it. */
  readonly mandatory: boolean
  /** None: one that was given up and only keeps its number. */
  readonly batches: readonly PublishedBatch[]
}

/** Messages of which each queue has one partition. */
export interface PublishedBatch {
  /** Of the messages' key, a murmur2 without its sign; null for messages without. */
  readonly keyHash: number | null
  readonly batch: ArrayBuffer
}

export type PublishResult =
  | { readonly error: WireError; readonly placements?: never }
  | { readonly placements: readonly Placement[]; readonly error?: never }

/** Where a publication's batches for one partition begin. */
export interface Placement extends AssignedPartition {
  /** Which of the publication's batches is the first there. */
  readonly batch: number
  /** Of the first message that was stored. */
  readonly baseOffset: number
  /** None was stored, since their ids are known: the first message is there already. */
  readonly duplicate?: true
}
