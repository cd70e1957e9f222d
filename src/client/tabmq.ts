/**
 * The way in: one `Tabmq` per broker and tab. It owns the connection that all of its producers,
 * consumers and admins share.
 */
// The `lib` of a user may be without Symbol.asyncDispose: the declarations bring it along.
/// <reference lib="esnext.disposable" preserve="true" />
import type { Codec } from '../codec/codec.js'
import { CodecRegistry } from '../codec/codec-registry.js'
import type { TabmqError } from '../protocol/errors.js'
import { parseBrokerName } from '../protocol/names.js'
import { Admin } from './admin/admin.js'
import { BrowserHost, type WorkerSource } from './browser-host.js'
import {
  checkFunction,
  checkNoOthers,
  checkObject,
  checkObjects,
  checkOneOf,
  invalidOption,
} from './check-options.js'
import { Connection } from './connection.js'
import { Consumer } from './consumer/consumer.js'
import type { ConsumerOptions } from './consumer/consumer-options.js'
import type { ClientHost } from './host.js'
import { Producer } from './producer/producer.js'
import type { ProducerOptions } from './producer/producer-options.js'
import { requestsPart } from './parts.js'
import { withValueNow } from './request/value-now.js'
import type { Requester, RequestOptions } from './request/requester.js'
import { ShareConsumer } from './share/share-consumer.js'
import type { ShareConsumerOptions } from './share/share-options.js'
import { Store } from './store/store.js'
import { TopicCache } from './topic-cache.js'

/** Options of {@link Tabmq}. */
export interface TabmqOptions {
  /** The broker's name: tabs of one origin that use the same one share it. Default `default`. */
  readonly name?: string
  /** A worker of one's own: its URL, or a function that makes it. */
  readonly worker?: WorkerSource
  /** How this tab is called in descriptions of groups and sessions. Default: the page's path. */
  readonly clientId?: string
  /** Codecs of one's own, besides `structured`, `json`, `text` and `bytes`. */
  readonly codecs?: readonly Codec[]
}

/** What {@link Tabmq.on} tells: how this tab stands with its broker. */
export interface TabmqEvents {
  /** There is a connection, for the first time or again. The broker may be another than before. */
  connected: { readonly incarnation: string; readonly brokerEpoch: number }
  /** The broker died, or this page was put to sleep. The tab connects to the next by itself. */
  disconnected: Record<never, never>
  /**
   * The broker of a newer deployment has taken over, and this page is too old for it: its consumers have
   * stopped, and every call rejects with this error. Asking the user to load the page again helps.
   */
  superseded: { readonly error: TabmqError }
  /**
   * The stored data are gone, and the broker has begun anew with none: the site's data were cleared, or
   * the database was deleted. Topics have to be made again; what was not handled is lost.
   */
  storageLost: { readonly error: TabmqError }
}

const EVENTS: readonly (keyof TabmqEvents)[] = [
  'connected',
  'disconnected',
  'superseded',
  'storageLost',
]
const NAMES = ['name', 'worker', 'clientId', 'codecs']

/**
 * A client of the broker of this origin. Nothing happens until something is sent, received or asked.
 *
 * @example
 * const mq = new Tabmq({ name: 'shop' })
 * await mq.admin().createTopics({ topics: [{ topic: 'orders', numPartitions: 6 }] })
 * await mq.producer().send({ topic: 'orders', messages: [{ key: 'user-7', value: { id: 1 } }] })
 */
export class Tabmq {
  /** The broker's. */
  readonly name: string
  readonly #parts: {
    readonly host: ClientHost
    readonly connection: Connection
    readonly topics: TopicCache
    readonly codecs: CodecRegistry
  }
  readonly #open = new Set<Producer | Consumer | ShareConsumer>()
  #requester: Requester | undefined
  #admin: Admin | undefined

  /** @throws TabmqError INVALID_CONFIG */
  constructor(options: TabmqOptions = {}) {
    checkObject('the options', options)
    checkNoOthers('Tabmq', options, NAMES)
    const name = parseBrokerName(options.name ?? 'default')
    this.name = name
    const host = hostOf(options) ?? new BrowserHost(name, options.worker)
    const clientId = options.clientId ?? defaultClientId()
    if (typeof clientId !== 'string' || clientId.length > 255) {
      throw invalidOption('clientId', clientId, 'a string of at most 255 characters')
    }
    const codecs = options.codecs ?? []
    checkObjects('codecs', codecs)
    const connection = new Connection(host, clientId)
    const topics = new TopicCache(connection)
    this.#parts = { host, connection, topics, codecs: new CodecRegistry(codecs) }
  }

  /**
   * Listens to how this tab stands with its broker; returns a function that stops listening.
   * @throws TabmqError INVALID_CONFIG
   *
   * @example
   * mq.on('superseded', () => showBanner('There is a new version. Please reload this page.'))
   */
  on<K extends keyof TabmqEvents>(
    type: K,
    listener: (event: TabmqEvents[K]) => unknown,
  ): () => void {
    checkOneOf('event', type, EVENTS)
    checkFunction('listener', listener)
    return this.#parts.connection.events.on(type, listener)
  }

  /**
   * Connects now, rather than with the first call, and so tells early if that is impossible.
   * @throws TabmqError BROKER_UNAVAILABLE after 15 s, ABORTED, CLIENT_CLOSED, and what no repetition
   *   can help: INSECURE_CONTEXT, SHARED_WORKER_UNSUPPORTED, STORAGE_BLOCKED,
   *   STORAGE_VERSION_TOO_NEW, BROKER_SUPERSEDED, INVALID_CONFIG (the worker)
   */
  async connect(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#parts.connection.connect(options)
  }

  /**
   * Something to send with. One for the whole tab will do; several do not disturb each other.
   * @throws TabmqError INVALID_CONFIG, UNSUPPORTED_CODEC
   */
  producer(options: ProducerOptions = {}): Producer {
    const forget = () => this.#open.delete(producer)
    const producer: Producer = new Producer(this.#parts, options, forget)
    this.#open.add(producer)
    return producer
  }

  /**
   * Something to receive with: a member of a group, or, without a `groupId`, on its own.
   * @throws TabmqError INVALID_CONFIG, INVALID_GROUP_ID
   */
  consumer(options: ConsumerOptions = {}): Consumer {
    const forget = () => this.#open.delete(consumer)
    const consumer: Consumer = new Consumer(this.#parts, options, forget)
    this.#open.add(consumer)
    return consumer
  }

  /**
   * Something to receive with as from a queue: each message is acknowledged for itself, and whoever
   * in the group has nothing to do gets the next, whatever the partitions.
   * @throws TabmqError INVALID_CONFIG, INVALID_GROUP_ID, INVALID_TOPIC_EXCEPTION
   */
  shareConsumer(options: ShareConsumerOptions): ShareConsumer {
    const forget = () => this.#open.delete(consumer)
    const consumer: ShareConsumer = new ShareConsumer(this.#parts, options, forget)
    this.#open.add(consumer)
    return consumer
  }

  /**
   * Keys and values that the broker keeps, beside the logs: the same for all tabs.
   * @throws TabmqError INVALID_CONFIG
   */
  store(name: string): Store {
    return new Store(this.#parts, name)
  }

  /**
   * Sends a message and waits for what its handler gives to `reply`, in this tab or another. The message goes
   * through its topic as any other, the answer comes straight here.
   * @throws TabmqError REQUEST_TIMED_OUT when there was no answer within `timeoutMs`; REQUEST_FAILED when
   *   the handler failed, with its error as `cause`; ABORTED, CLIENT_CLOSED, STORAGE_LOST, INVALID_CONFIG,
   *   CORRUPT_MESSAGE, THROTTLING_QUOTA_EXCEEDED with 10,000 that wait, and what {@link Producer.send} throws
   *
   * @example
   * const found = await mq.request({ topic: 'search', value: { words: 'blue' }, timeoutMs: 5_000 })
   */
  request(options: RequestOptions): Promise<unknown> {
    const { loaded } = requestsPart
    if (loaded === undefined) return this.#requestLater(withValueNow(options))
    const { host, connection } = this.#parts
    this.#requester ??= new loaded.Requester({ host, connection, producer: () => this.producer() })
    return this.#requester.request(options)
  }

  async #requestLater(options: RequestOptions): Promise<unknown> {
    await requestsPart.load()
    return this.request(options)
  }

  /** The administrator of topics, offsets and groups: the same one each time. It needs no closing. */
  admin(): Admin {
    this.#admin ??= new Admin(this.#parts)
    return this.#admin
  }

  /** Disconnects everything that was made here: what was sent is flushed, what was handled is kept. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((one) => one.disconnect()))
    this.#parts.connection.close()
  }

  /** {@link Tabmq.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const hosts = new WeakMap<TabmqOptions, ClientHost>()

/** Options for a client that lives elsewhere than in a page: with the in-memory broker. */
export function optionsWithHost(options: TabmqOptions, host: ClientHost): TabmqOptions {
  const withHost = { ...options }
  hosts.set(withHost, host)
  return withHost
}

function hostOf(options: TabmqOptions): ClientHost | undefined {
  return hosts.get(options)
}

function defaultClientId(): string {
  return typeof location === 'undefined' ? 'tabmq' : location.pathname.slice(0, 255)
}
