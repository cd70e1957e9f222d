/**
 * The in-memory broker, for unit tests of producers and consumers: the same core as in the
 * SharedWorker, over memory, in Node or a page.
 */
import type { Clock, Timer } from '../broker/ports.js'
import { Broker } from '../broker/runtime/broker.js'
import { MemoryDatabase, MemoryStorage } from '../broker/runtime/memory-storage.js'
import { checkNoOthers, checkObject } from '../client/check-options.js'
import '../client/every-part.js'
import { optionsWithHost, Tabmq, type TabmqOptions } from '../client/tabmq.js'
import { parseBrokerLimits } from '../protocol/broker-limits.js'
import { TabmqError } from '../protocol/errors.js'
import { TIMER_MS_MAX, type BrokerLimits } from '../protocol/limits.js'
import { MemoryHost, type MemoryBrokerPort } from './memory-host.js'

/** Options of {@link memoryBroker}. */
export interface MemoryBrokerOptions {
  /** Limits that differ from the defaults: whole numbers of at least 1, in the unit they are named. */
  readonly limits?: Partial<BrokerLimits>
}

/** A broker in memory. Made by {@link memoryBroker}. */
export interface MemoryBroker {
  /** A client of this broker: one for each "tab" of a test. */
  client(options?: Omit<TabmqOptions, 'name' | 'worker'>): Tabmq
  /** The broker dies and another starts on the same data, as when a browser is killed. */
  restart(): Promise<void>
  /** Closes the clients and the broker. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a broker in memory.
 *
 * @throws TabmqError INVALID_CONFIG
 *
 * @example
 * const broker = memoryBroker()
 * const mq = broker.client()
 * await mq.admin().createTopics({ topics: [{ topic: 'orders' }] })
 * await mq.producer().send({ topic: 'orders', messages: [{ value: 1 }] })
 * await broker.close()
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  checkObject('the options', options)
  checkNoOthers('memoryBroker', options, ['limits'])
  const home = new BrokerHome(parseBrokerLimits(options.limits))
  const clients: Tabmq[] = []
  let closing: Promise<void> | undefined
  const closeAll = async () => {
    await Promise.all(clients.map((client) => client.close()))
    await home.close()
  }
  const close = () => {
    closing ??= closeAll()
    return closing
  }
  return {
    client(clientOptions = {}) {
      const client = new Tabmq(optionsWithHost(clientOptions, new MemoryHost(home)))
      clients.push(client)
      return client
    },
    restart: () => home.restart(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

const clock: Clock = { nowMs: () => Date.now() }

const timer: Timer = {
  schedule(delayMs, callback) {
    const id = setTimeout(callback, Math.min(delayMs, TIMER_MS_MAX))
    return () => clearTimeout(id)
  },
}

/** Keeps the data while brokers come and go. */
class BrokerHome implements MemoryBrokerPort {
  readonly #database = new MemoryDatabase()
  readonly #limits: BrokerLimits
  readonly #listeners = new Set<() => void>()
  #broker: Promise<Broker>
  #isClosed = false

  constructor(limits: BrokerLimits) {
    this.#limits = limits
    this.#broker = this.#start()
  }

  async current(): Promise<Broker> {
    this.#assertOpen()
    return this.#broker
  }

  onGone(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async restart(): Promise<void> {
    this.#assertOpen()
    const before = this.#broker
    this.#broker = before.then(async (broker) => {
      await broker.close()
      return this.#start()
    })
    await before
    for (const listener of this.#listeners) listener()
    await this.#broker
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const broker = await this.#broker
    await broker.close()
  }

  /** Not BROKER_UNAVAILABLE, after which a client would wait for the next one. */
  #assertOpen(): void {
    if (this.#isClosed) throw new TabmqError('ILLEGAL_STATE', 'the broker was closed', {})
  }

  #start(): Promise<Broker> {
    return Broker.start({
      storage: new MemoryStorage(this.#database),
      clock,
      timer,
      random: { freshId: () => crypto.randomUUID() },
      logger: { warn: () => {}, error: (message, details) => console.error(message, details) },
      limits: this.#limits,
    })
  }
}
