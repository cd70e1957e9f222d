/**
 * The consumer as the user sees it: what it subscribes to, what is paused and sought, and its runs,
 * one after the other.
 */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { TabmqError } from '../../protocol/errors.js'
import { parseGroupId, parseTopicName, type GroupId } from '../../protocol/names.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import {
  checkFunction,
  checkInteger,
  checkNoOthers,
  checkObject,
  checkObjects,
  checkOneOf,
  checkWeight,
} from '../check-options.js'
import type { Connection } from '../connection.js'
import { Events } from '../events.js'
import type { ClientHost } from '../host.js'
import { storesPart } from '../parts.js'
import type { TopicCache } from '../topic-cache.js'
import {
  checkConsumerOptions,
  checkMessagesOptions,
  checkRunOptions,
  type CheckedConsumerOptions,
  type ConsumerOptions,
  type MessagesOptions,
  type RunOptions,
} from './consumer-options.js'
import { ConsumerRun } from './consumer-run.js'
import {
  CONSUMER_EVENTS,
  topicPartitionKey,
  type ConsumerEvents,
  type Delivery,
  type EachMessagePayload,
  type TopicPartition,
  type TopicPartitionOffset,
  type TopicPartitionOffsetAndMetadata,
} from './delivery.js'
import { iterateMessages, type MessageSource } from './message-iterator.js'
import { Pauses, type TopicPartitions } from './pauses.js'
import { Subscriptions, type SubscribeOptions } from './subscriptions.js'

export interface ConsumerParts {
  readonly host: ClientHost
  readonly connection: Connection
  readonly topics: TopicCache
  readonly codecs: CodecRegistry
}

/**
 * Receives messages. Made by `mq.consumer()`.
 *
 * @example
 * const consumer = mq.consumer({ groupId: 'billing' })
 * await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
 * await consumer.run({ eachMessage: async ({ message }) => bill(message.value) })
 */
export class Consumer {
  readonly #parts: ConsumerParts
  #options: CheckedConsumerOptions
  readonly #groupId: GroupId | undefined
  readonly #events: Events<ConsumerEvents>
  readonly #subscriptions = new Subscriptions()
  readonly #pauses = new Pauses()
  /** Where partitions go that are not held yet. */
  readonly #pendingSeeks = new Map<string, number>()
  readonly #stopListening: (() => void)[]
  readonly #onDisconnect: () => void
  #manual: readonly AssignedPartition[] | undefined
  #run: ConsumerRun | undefined
  /** Until handlers of the last run are done; the run itself may be over before. */
  #stopping: Promise<void> | undefined
  #disconnecting: Promise<void> | undefined
  #stops = 0

  constructor(parts: ConsumerParts, options: ConsumerOptions, onDisconnect: () => void) {
    this.#parts = parts
    this.#onDisconnect = onDisconnect
    this.#options = checkConsumerOptions(options)
    const { groupId } = this.#options
    this.#groupId = groupId === undefined ? undefined : parseGroupId(groupId)
    this.#events = new Events((error) => parts.host.reportError(error))
    const { events } = parts.connection
    this.#stopListening = [
      events.on('disconnected', () => this.#run?.disconnected()),
      events.on('forget', ({ error }) => this.#onStorageLost(error)),
      events.on('connected', ({ isNewBroker }) => this.#run?.connected({ isNewBroker })),
      events.on('failed', ({ error }) => this.#run?.failed(error)),
      events.on('pageHide', () => this.#run?.postCommits()),
    ]
  }

  /** Connects now; without it, `run` does. */
  async connect(): Promise<void> {
    await this.#parts.connection.connect()
  }

  /**
   * Listens to what happens to this consumer; returns a function that stops listening.
   * @throws TabmqError INVALID_CONFIG
   */
  on<K extends keyof ConsumerEvents>(
    type: K,
    listener: (event: ConsumerEvents[K]) => unknown,
  ): () => void {
    checkOneOf('event', type, CONSUMER_EVENTS)
    checkFunction('listener', listener)
    return this.#events.on(type, listener)
  }

  /**
   * Adds topics to the subscription, before or while running. A topic that does not exist yet is
   * read as soon as it does.
   * @throws TabmqError INVALID_TOPIC_EXCEPTION, ILLEGAL_STATE after `assign`, CLIENT_CLOSED
   */
  async subscribe(options: SubscribeOptions): Promise<void> {
    this.#assertOpen()
    if (this.#manual !== undefined) throw mixedUp()
    if (this.#groupId === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'a consumer without a groupId can only assign', {})
    }
    this.#subscriptions.add(options)
    this.#run?.resubscribe()
  }

  /** Takes topics out of the subscription, or all of them. */
  async unsubscribe(
    options: { readonly topics?: readonly (string | RegExp)[] } = {},
  ): Promise<void> {
    this.#assertOpen()
    checkObject('unsubscribe', options)
    checkNoOthers('unsubscribe', options, ['topics'])
    this.#subscriptions.remove(options.topics)
    this.#run?.resubscribe()
  }

  /**
   * Its weight from now on, 1 to 1,000: partitions move, as few as may be, until each member has its part.
   * @throws TabmqError INVALID_CONFIG, CLIENT_CLOSED
   *
   * @example
   * document.addEventListener('visibilitychange', () => {
   *   void consumer.setWeight(document.visibilityState === 'visible' ? 4 : 1)
   * })
   */
  async setWeight(weight: number): Promise<void> {
    this.#assertOpen()
    checkWeight(weight)
    this.#options = { ...this.#options, weight }
    this.#run?.setWeight(weight)
  }

  /**
   * Reads exactly these partitions, without group management: nothing is shared, nothing moves. With
   * a `groupId`, offsets are kept for that group, which must have no members.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, ILLEGAL_STATE after `subscribe` or `run`
   */
  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    this.#assertOpen()
    if (!this.#subscriptions.isEmpty) throw mixedUp()
    if (this.#run !== undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'assign comes before run', {})
    }
    checkObjects('partitions', partitions)
    this.#manual = await Promise.all(partitions.map((one) => this.#parts.topics.locate(one)))
  }

  /**
   * Starts to receive. Resolves when the first assignment is there; messages come from then on. A
   * `stop` meanwhile makes it resolve as well.
   * @throws TabmqError ILLEGAL_STATE without a subscription or when it runs already, INVALID_CONFIG,
   *   GROUP_MAX_SIZE_REACHED, INVALID_REGULAR_EXPRESSION, CLIENT_CLOSED, BROKER_UNAVAILABLE
   */
  run(options: RunOptions): Promise<void> {
    return this.#startRun(options, { isLoop: false, onStart: () => {} })
  }

  /**
   * Messages one by one, instead of `run`. A message counts as handled when the loop asks for the
   * next; leaving the loop stops the consumer. An error that ends the consumer is thrown.
   * @throws TabmqError INVALID_CONFIG
   *
   * @example
   * for await (const { message } of consumer.messages({ signal })) await handle(message)
   */
  messages(options: MessagesOptions = {}): AsyncGenerator<Delivery, void, undefined> {
    checkMessagesOptions(options)
    const { signal, ...runOptions } = options
    let run: ConsumerRun | undefined
    const source: MessageSource<EachMessagePayload> = {
      start: (eachMessage) =>
        this.#startRun(
          { ...runOptions, partitionsConsumedConcurrently: 1, eachMessage },
          {
            isLoop: true,
            onStart: (started) => {
              run = started
            },
          },
        ),
      stop: async () => {
        if (run !== undefined && this.#run === run) await this.stop()
      },
      ended: () => run?.ended ?? Promise.resolve(undefined),
    }
    const toItem = ({ topic, partition, message, signal: own, reply }: EachMessagePayload) => ({
      topic,
      partition,
      message,
      signal: own,
      reply,
    })
    return iterateMessages({ source, toItem, signal })
  }

  /**
   * Waits for running handlers, commits what they handled, leaves the group. `run` starts again.
   * Handlers have `rebalanceTimeoutMs`; then their `signal` aborts, and they are left behind. So a
   * handler, a loop over `messages()` or a listener of `partitionsRevoked` calls it without awaiting.
   */
  async stop(): Promise<void> {
    this.#stops += 1
    const run = this.#run
    if (run !== undefined) this.#stopping ??= this.#untilStopped(run.stop())
    await this.#stopping
  }

  /** Stops, for good. */
  disconnect(): Promise<void> {
    this.#disconnecting ??= this.stop().then(() => {
      for (const stop of this.#stopListening) stop()
      this.#onDisconnect()
    })
    return this.#disconnecting
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect()
  }

  /**
   * Goes on at this offset. Messages fetched before are not delivered any more; of several seeks the
   * last counts. A partition that is not held is sought when it is.
   * @throws TabmqError INVALID_CONFIG
   */
  seek(where: TopicPartitionOffset): void {
    checkObject('seek', where)
    const { topic, partition, offset } = where
    parseTopicName(topic)
    checkInteger('partition', partition, { min: 0 })
    checkInteger('offset', offset, { min: 0 })
    if (this.#run?.seek(where) !== true) {
      this.#pendingSeeks.set(topicPartitionKey({ topic, partition }), offset)
    }
  }

  /**
   * Delivers nothing of these until `resume`. They stay this consumer's.
   * @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION
   */
  pause(topics: readonly TopicPartitions[]): void {
    this.#pauses.add(topics)
    this.#run?.pausesChanged()
  }

  /** @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION */
  resume(topics: readonly TopicPartitions[]): void {
    this.#pauses.remove(topics)
    this.#run?.pausesChanged()
  }

  /** What is paused, of what this consumer holds. */
  paused(): TopicPartitions[] {
    const paused = new Map<string, number[]>()
    for (const { topic, partition, isPaused } of this.#run?.partitions ?? []) {
      if (isPaused) paused.set(topic, [...(paused.get(topic) ?? []), partition])
    }
    return [...paused].map(([topic, partitions]) => ({ topic, partitions }))
  }

  /** The partitions that this consumer holds now. */
  assignment(): TopicPartition[] {
    const held = this.#run?.partitions.filter(({ isHeld }) => isHeld) ?? []
    return held.map(({ topic, partition }) => ({ topic, partition }))
  }

  /**
   * Commits offsets, the next to read each; without any, everything that is handled.
   * @throws TabmqError UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, OFFSET_OUT_OF_RANGE,
   *   UNKNOWN_TOPIC_OR_PARTITION, ILLEGAL_STATE without a group or when not running
   */
  async commitOffsets(offsets?: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    if (this.#run === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'only a running consumer can commit', {})
    }
    await this.#run.commitOffsets(offsets)
  }

  async #startRun(
    options: RunOptions,
    { isLoop, onStart }: { isLoop: boolean; onStart: (run: ConsumerRun) => void },
  ): Promise<void> {
    this.#assertOpen()
    while (this.#stopping !== undefined) await this.#stopping
    this.#assertOpen()
    if (this.#run !== undefined) throw new TabmqError('ILLEGAL_STATE', 'it runs already', {})
    if (this.#subscriptions.isEmpty && this.#manual === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'subscribe or assign comes before run', {})
    }
    const checked = checkRunOptions(options)
    if (checked.transactionalStore !== undefined && storesPart.loaded === undefined) {
      const stops = this.#stops
      await storesPart.load()
      return stops === this.#stops ? this.#startRun(options, { isLoop, onStart }) : undefined
    }
    const run = new ConsumerRun({
      ...this.#parts,
      consumerOptions: this.#options,
      options: checked,
      groupId: this.#groupId,
      manual: this.#manual,
      subscriptions: this.#subscriptions,
      pauses: this.#pauses,
      pendingSeeks: this.#pendingSeeks,
      events: this.#events,
      isLoop,
      pause: (one) => this.#pauseOne(one),
      onEnd: (idle) => {
        this.#run = undefined
        // Another run must not handle what a handler of this one still has at hand.
        this.#stopping ??= this.#untilStopped(idle)
      },
    })
    this.#run = run
    onStart(run)
    await run.start()
  }

  /** What is assigned by hand are partitions of the data that are gone: it has to be done again. */
  #onStorageLost(error: TabmqError): void {
    this.#pendingSeeks.clear()
    this.#manual = undefined
    this.#run?.storageLost(error)
  }

  #pauseOne({ topic, partition }: TopicPartition): () => void {
    const one = [{ topic, partitions: [partition] }]
    this.pause(one)
    return () => this.resume(one)
  }

  async #untilStopped(stopped: Promise<void>): Promise<void> {
    try {
      await stopped
    } finally {
      this.#stopping = undefined
    }
  }

  #assertOpen(): void {
    if (this.#disconnecting !== undefined) {
      throw new TabmqError('CLIENT_CLOSED', 'this consumer has disconnected', {})
    }
  }
}

function mixedUp(): TabmqError {
  return new TabmqError('ILLEGAL_STATE', 'a consumer either subscribes or assigns', {})
}
