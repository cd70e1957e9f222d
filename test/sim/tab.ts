/**
 * A tab: a page with a client of the library and an app that uses it, which is what its slot says:
 * consumers that run, producers that send. It dies with its process.
 */
import '../../src/client/every-part.js'
import { optionsWithHost, Tabmq } from '../../src/client/tabmq.js'
import { ConsumerApp } from './consumer-app.js'
import type { Call } from './history.js'
import type { SlotOptions } from './options.js'
import { ProducerApp } from './producer-app.js'
import type { Process } from './scheduler.js'
import { ShareConsumerApp } from './share/share-consumer-app.js'
import { SimHost } from './sim-host.js'
import type { World } from './world.js'

/** After what failed. */
const AGAIN_MS = 200

/** What a call of the library came to. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown }

export class Tab {
  readonly name: string
  readonly slot: number
  readonly process: Process
  readonly host: SimHost
  readonly mq: Tabmq
  readonly consumers: readonly ConsumerApp[]
  readonly shareConsumers: readonly ShareConsumerApp[]
  readonly producers: readonly ProducerApp[]
  readonly #world: World
  /** In the back/forward cache. */
  isCached = false
  isClosing = false

  constructor(
    world: World,
    name: string,
    { slot, options }: { slot: number; options: SlotOptions },
  ) {
    this.#world = world
    this.name = name
    this.slot = slot
    this.process = world.scheduler.process(name)
    this.host = new SimHost({
      process: this.process,
      browser: world.browser,
      page: world.deployments.current,
      prng: world.streams.of(`host of ${name}`),
      onError: (error) => world.history.tell({ type: 'uncaught', where: name, error }),
    })
    this.mq = new Tabmq(optionsWithHost({ clientId: name }, this.host))
    this.mq.on('superseded', () => this.#world.reloadLater(this))
    this.consumers = options.consumers.map(
      (consumer, index) =>
        new ConsumerApp(world, this, {
          name: `${name}.consumer-${index}`,
          group: world.groupOptions(consumer.group),
          groupInstanceId: consumer.isStatic ? `slot-${slot}-${index}` : undefined,
        }),
    )
    this.shareConsumers = world.options.shareGroups.flatMap((group) =>
      group.members
        .filter((member) => member.slot === slot)
        .map((member) => {
          return new ShareConsumerApp(world, this, {
            name: `${name}.${group.groupId}`,
            group,
            member,
          })
        }),
    )
    this.producers = options.producers.map(
      (producer, index) => new ProducerApp(world, this, `${name}.producer-${index}`, producer),
    )
  }

  get isAlive(): boolean {
    return !this.process.isDead
  }

  /** Whether it could hear and say something right now, through the broker that runs. */
  get isConnected(): boolean {
    const { broker } = this.#world.browser
    return broker !== undefined && this.host.transport?.isUpTo(broker) === true
  }

  open(): void {
    this.process.schedule(0, 'opens', () => {
      for (const consumer of this.consumers) consumer.start()
      for (const consumer of this.shareConsumers) consumer.start()
      void this.makeTopics().then(() => {
        for (const producer of this.producers) producer.start()
      })
    })
  }

  /** As every app does when it starts: a power cut may have taken the topics as well. */
  async makeTopics(): Promise<void> {
    const topics = this.#world.options.topics.map((topic) => ({ ...topic }))
    const make = () => this.mq.admin().createTopics({ topics, ifNotExists: true })
    while (!this.isClosing) {
      const outcome = await this.call('createTopics', make)
      if (outcome.ok) return this.#makeExchanges()
      await this.process.sleep(AGAIN_MS)
    }
  }

  /** What fails is made by the next tab, or not. */
  async #makeExchanges(): Promise<void> {
    const admin = this.mq.admin()
    for (const { exchange, type, bindings } of this.#world.options.exchanges) {
      await this.call('declareExchange', () => admin.declareExchange({ exchange, type }))
      for (const binding of bindings) {
        await this.call('bind', () => admin.bind({ exchange, ...binding }))
      }
    }
  }

  /** Calls the library; the call is watched until it settles. */
  async call<T>(name: string, make: () => Promise<T>): Promise<Outcome<T>> {
    const { history } = this.#world
    const call: Call = { tab: this.name, name }
    history.tell({ type: 'called', call })
    try {
      const value = await make()
      history.tell({ type: 'settled', call, error: undefined })
      return { ok: true, value }
    } catch (error) {
      history.tell({ type: 'settled', call, error })
      return { ok: false, error }
    }
  }

  /** The app ends in an orderly way: everything is flushed, committed and left. */
  async quit(): Promise<void> {
    this.isClosing = true
    await this.call('close', () => this.mq.close())
  }
}
