/** A consumer that writes down what happens to it, for the tests of consumers. */
import type { Consumer } from '../../src/client/consumer/consumer.js'
import type { ConsumerOptions, RunOptions } from '../../src/client/consumer/consumer-options.js'
import {
  CONSUMER_EVENTS,
  type ConsumerEvents,
  type EachBatchPayload,
  type EachMessagePayload,
  type TopicPartition,
} from '../../src/client/consumer/delivery.js'
import { Held, type ClientContext, type Tab } from './client-context.js'

export interface Seen {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: unknown
}

type RunWithoutHandler = Omit<RunOptions, 'eachMessage' | 'eachBatch'>

export interface ReaderOptions extends ConsumerOptions {
  /** What to subscribe to. Default: `orders`. */
  readonly topics?: readonly (string | RegExp)[]
  /** Reads these instead of subscribing. */
  readonly assign?: readonly TopicPartition[]
  /** Default true, unless `autoOffsetReset` is given. */
  readonly fromBeginning?: boolean
  readonly run?: RunWithoutHandler
  /** Handlers wait here until they are let go. */
  readonly gate?: Held
  /** Called for each message before it counts as handled; may throw. */
  readonly onMessage?: (payload: EachMessagePayload, reader: Reader) => unknown
  /** Handles batches instead of messages. */
  readonly onBatch?: (payload: EachBatchPayload, reader: Reader) => unknown
}

const NOT_OF_CONSUMER: ReadonlySet<string> = new Set([
  'topics',
  'assign',
  'fromBeginning',
  'run',
  'gate',
  'onMessage',
  'onBatch',
])

export class Reader {
  readonly consumer: Consumer
  /** Messages whose handler was called. */
  readonly started: Seen[] = []
  /** Messages whose handler has returned. */
  readonly handled: Seen[] = []
  readonly events: { readonly type: keyof ConsumerEvents; readonly event: unknown }[] = []
  /** How many handlers of a partition ran at once, at the most. */
  mostAtOncePerPartition = 0
  mostAtOnce = 0
  readonly #options: ReaderOptions
  readonly #running = new Map<string, number>()
  #gate: Held | undefined

  constructor(tab: Tab, options: ReaderOptions = {}) {
    this.#options = options
    this.#gate = options.gate
    const consumerOptions = Object.entries(options).filter(([name]) => !NOT_OF_CONSUMER.has(name))
    const groupId = options.assign === undefined ? { groupId: 'g' } : {}
    this.consumer = tab.mq.consumer({ ...groupId, ...Object.fromEntries(consumerOptions) })
    for (const type of CONSUMER_EVENTS) {
      this.consumer.on(type, (event) => void this.events.push({ type, event }))
    }
  }

  async subscribe(): Promise<void> {
    const { topics = ['orders'], assign, fromBeginning, autoOffsetReset } = this.#options
    if (assign !== undefined) return this.consumer.assign(assign)
    const start = fromBeginning ?? (autoOffsetReset === undefined ? true : undefined)
    return this.consumer.subscribe({
      topics,
      ...(start === undefined ? {} : { fromBeginning: start }),
    })
  }

  run(options: RunWithoutHandler = this.#options.run ?? {}): Promise<void> {
    const { onBatch } = this.#options
    if (onBatch !== undefined) {
      return this.consumer.run({ ...options, eachBatch: (payload) => onBatch(payload, this) })
    }
    return this.consumer.run({ ...options, eachMessage: (payload) => this.#handle(payload) })
  }

  /** From now on handlers wait until they are let go. */
  hold(): Held {
    this.#gate = new Held()
    return this.#gate
  }

  get values(): unknown[] {
    return this.handled.map(({ value }) => value)
  }

  get assignment(): string[] {
    return namesOf(this.consumer.assignment())
  }

  /** What happened, by name; heartbeats and commits are left out unless asked for. */
  happened(types: readonly (keyof ConsumerEvents)[] = CONSUMER_EVENTS): string[] {
    const quiet = types === CONSUMER_EVENTS ? ['heartbeat', 'commitOffsets'] : []
    return this.events
      .map(({ type }) => type)
      .filter((type) => types.includes(type) && !quiet.includes(type))
  }

  eventsOf<K extends keyof ConsumerEvents>(wanted: K): ConsumerEvents[K][] {
    return this.events
      .filter(({ type }) => type === wanted)
      .map(({ event }) => event as ConsumerEvents[K])
  }

  /** The names of all partitions in events of this type, in order. */
  partitionsOf(type: 'partitionsAssigned' | 'partitionsRevoked' | 'partitionsLost'): string[] {
    return this.eventsOf(type).flatMap(({ partitions }) => namesOf(partitions))
  }

  async #handle(payload: EachMessagePayload): Promise<unknown> {
    const { topic, partition, message } = payload
    const seen = { topic, partition, offset: message.offset, value: message.value }
    const key = `${topic} ${partition}`
    this.started.push(seen)
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1)
    const running = [...this.#running.values()]
    this.mostAtOncePerPartition = Math.max(this.mostAtOncePerPartition, ...running)
    this.mostAtOnce = Math.max(
      this.mostAtOnce,
      running.reduce((sum, count) => sum + count, 0),
    )
    try {
      const gate = this.#gate
      if (gate?.isOn === true) {
        await new Promise<void>((resolve) => {
          gate.add(resolve)
        })
      }
      const returned: unknown = await this.#options.onMessage?.(payload, this)
      this.handled.push(seen)
      return returned
    } finally {
      this.#running.set(key, (this.#running.get(key) ?? 1) - 1)
    }
  }
}

/** A consumer that is subscribed and runs. */
export async function read(
  context: ClientContext,
  tab: Tab,
  options: ReaderOptions = {},
): Promise<Reader> {
  const reader = new Reader(tab, options)
  await context.done(reader.subscribe())
  await context.done(reader.run())
  return reader
}

export function namesOf(partitions: readonly TopicPartition[]): string[] {
  return partitions
    .map(({ topic, partition }) => `${topic} ${partition}`)
    .sort((a, b) => (a < b ? -1 : 1))
}

export function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

/** Sends values, each in a batch of its own unless told otherwise. */
export async function produce(
  context: ClientContext,
  values: readonly unknown[],
  options: { topic?: string; partition?: number; inOneBatch?: boolean; tab?: Tab } = {},
): Promise<void> {
  const { topic = 'orders', partition = 0, inOneBatch = false, tab = context.producerTab } = options
  const producer = tab.mq.producer()
  const messages = values.map((value) => ({ value, partition }))
  if (inOneBatch) await context.done(producer.send({ topic, messages }))
  else {
    for (const message of messages) {
      await context.done(producer.send({ topic, messages: [message] }))
    }
  }
}

/** What the group has committed, as `topic partition` to offset; what it has not is left out. */
export async function committed(
  context: ClientContext,
  groupId = 'g',
): Promise<Record<string, number>> {
  const topics = await context.done(context.admin.fetchOffsets({ groupId }))
  return Object.fromEntries(
    topics.flatMap(({ topic, partitions }) =>
      partitions.flatMap(({ partition, offset }) =>
        offset === undefined ? [] : [[`${topic} ${partition}`, offset] as const],
      ),
    ),
  )
}
