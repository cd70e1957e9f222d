/** The share consumer as the user sees it: what it subscribes to, and its runs, one after the other. */
import { TabmqError } from '../../protocol/errors.js'
import {
  checkFunction,
  checkNoOthers,
  checkObject,
  checkOneOf,
  checkWeight,
} from '../check-options.js'
import type { ConsumerParts } from '../consumer/consumer.js'
import { iterateMessages, type MessageSource } from '../consumer/message-iterator.js'
import { Subscriptions } from '../consumer/subscriptions.js'
import { Events } from '../events.js'
import { sharesPart } from '../parts.js'
import {
  SHARE_CONSUMER_EVENTS,
  type ShareConsumerEvents,
  type ShareDelivery,
} from './share-delivery.js'
import {
  checkShareOptions,
  checkShareRun,
  type CheckedShareOptions,
  type ShareConsumerOptions,
  type ShareRunOptions,
} from './share-options.js'
import type { ShareRun } from './share-run.js'

/** What `shareConsumer.subscribe` takes. */
export interface ShareSubscribeOptions {
  /** Topic names, and patterns that also match topics made later. */
  readonly topics: readonly (string | RegExp)[]
}

/** Options of `shareConsumer.messages()`. */
export interface ShareMessagesOptions {
  /** Ends the loop, after the message at hand. */
  readonly signal?: AbortSignal
}

/**
 * Receives messages one by one, each for itself acknowledged: any number of members work on the same
 * partitions. Made by `mq.shareConsumer()`.
 *
 * @example
 * const worker = mq.shareConsumer({ groupId: 'thumbnails', deadLetterTopic: 'thumbnails.dead' })
 * await worker.subscribe({ topics: ['uploads'] })
 * await worker.run({ eachMessage: async ({ message, signal }) => shrink(message.value, signal) })
 */
export class ShareConsumer {
  readonly #parts: ConsumerParts
  #options: CheckedShareOptions
  readonly #events: Events<ShareConsumerEvents>
  readonly #subscriptions = new Subscriptions()
  readonly #stopListening: (() => void)[]
  readonly #onDisconnect: () => void
  #run: ShareRun | undefined
  #stopping: Promise<void> | undefined
  #disconnecting: Promise<void> | undefined
  #stops = 0

  constructor(parts: ConsumerParts, options: ShareConsumerOptions, onDisconnect: () => void) {
    this.#parts = parts
    this.#onDisconnect = onDisconnect
    this.#options = checkShareOptions(options)
    this.#events = new Events((error) => parts.host.reportError(error))
    const { events } = parts.connection
    this.#stopListening = [
      events.on('disconnected', () => this.#run?.disconnected()),
      events.on('connected', () => this.#run?.connected()),
      events.on('push', (message) => {
        if (message.push === 'rejoin') this.#run?.rejoin()
      }),
      events.on('failed', ({ error }) => this.#run?.failed(error)),
      events.on('pageHide', () => this.#run?.pageHidden()),
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
  on<K extends keyof ShareConsumerEvents>(
    type: K,
    listener: (event: ShareConsumerEvents[K]) => unknown,
  ): () => void {
    checkOneOf('event', type, SHARE_CONSUMER_EVENTS)
    checkFunction('listener', listener)
    return this.#events.on(type, listener)
  }

  /**
   * Adds topics to the subscription, before or while running. A topic that does not exist yet is
   * read as soon as it does.
   * @throws TabmqError INVALID_TOPIC_EXCEPTION, CLIENT_CLOSED
   */
  async subscribe(options: ShareSubscribeOptions): Promise<void> {
    this.#assertOpen()
    checkObject('subscribe', options)
    checkNoOthers('subscribe', options, ['topics'])
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
   * Its weight from now on, 1 to 1,000, beside those of the members that wait for messages as well.
   * @throws TabmqError INVALID_CONFIG, CLIENT_CLOSED
   */
  async setWeight(weight: number): Promise<void> {
    this.#assertOpen()
    checkWeight(weight)
    this.#options = { ...this.#options, weight }
    this.#run?.setWeight(weight)
  }

  /**
   * Starts to receive. Resolves when the member is in the group; messages come from then on.
   * @throws TabmqError ILLEGAL_STATE without a subscription or when it runs already, INVALID_CONFIG,
   *   INCONSISTENT_GROUP_PROTOCOL, GROUP_MAX_SIZE_REACHED, CLIENT_CLOSED, BROKER_UNAVAILABLE
   */
  run(options: ShareRunOptions): Promise<void> {
    return this.#startRun(options, { isLoop: false, onStart: () => {} })
  }

  /**
   * Messages one by one, instead of `run`. With `onReturn`, a message is accepted when the loop asks for
   * the next; leaving the loop gives the one at hand back and stops the consumer. An error that ends
   * the consumer is thrown.
   * @throws TabmqError INVALID_CONFIG
   *
   * @example
   * for await (const { message } of worker.messages({ signal })) await handle(message.value)
   */
  messages(options: ShareMessagesOptions = {}): AsyncGenerator<ShareDelivery, void, undefined> {
    checkObject('the options of messages', options)
    checkNoOthers('messages', options, ['signal'])
    let run: ShareRun | undefined
    const source: MessageSource<ShareDelivery> = {
      start: (eachMessage) =>
        this.#startRun(
          { eachMessage },
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
    return iterateMessages({ source, toItem: (delivery) => delivery, signal: options.signal })
  }

  /**
   * Waits for running handlers, gives back what none has begun with, leaves the group. `run` starts again.
   * Handlers have 60 s; then their `signal` aborts, and they are left behind, their messages released.
   * So a handler or a loop over `messages()` calls it without awaiting.
   */
  async stop(): Promise<void> {
    this.#stops += 1
    const run = this.#run
    if (run !== undefined) {
      this.#stopping ??= run.stop().finally(() => {
        this.#stopping = undefined
      })
    }
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

  async #startRun(
    options: ShareRunOptions,
    { isLoop, onStart }: { isLoop: boolean; onStart: (run: ShareRun) => void },
  ): Promise<void> {
    this.#assertOpen()
    while (this.#stopping !== undefined) await this.#stopping
    this.#assertOpen()
    if (this.#run !== undefined) throw new TabmqError('ILLEGAL_STATE', 'it runs already', {})
    if (this.#subscriptions.isEmpty) {
      throw new TabmqError('ILLEGAL_STATE', 'subscribe comes before run', {})
    }
    const checked = checkShareRun(options, this.#options)
    const { loaded } = sharesPart
    if (loaded === undefined) {
      const stops = this.#stops
      await sharesPart.load()
      return stops === this.#stops ? this.#startRun(options, { isLoop, onStart }) : undefined
    }
    const run = new loaded.ShareRun({
      ...this.#parts,
      options: this.#options,
      run: checked,
      subscriptions: this.#subscriptions,
      events: this.#events,
      isLoop,
      onEnd: () => {
        this.#run = undefined
      },
    })
    this.#run = run
    onStart(run)
    await run.start()
  }

  #assertOpen(): void {
    if (this.#disconnecting !== undefined) {
      throw new TabmqError('CLIENT_CLOSED', 'this consumer has disconnected', {})
    }
  }
}
