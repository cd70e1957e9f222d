/**
 * What an app does with a producer: it sends messages with ids of their own, some with keys, without
 * waiting for one send before the next, for as long as there is traffic.
 */
import type { Producer } from '../../src/client/producer/producer.js'
import type { Prng } from '../../src/std/prng.js'
import type { Send } from './history.js'
import type { ProducerSlot } from './options.js'
import { between } from './streams.js'
import type { Tab } from './tab.js'
import type { World } from './world.js'

const KEYS = 5

export class ProducerApp {
  readonly name: string
  readonly #world: World
  readonly #tab: Tab
  readonly #slot: ProducerSlot
  readonly #prng: Prng
  readonly #producer: Producer

  constructor(world: World, tab: Tab, name: string, slot: ProducerSlot) {
    this.name = name
    this.#world = world
    this.#tab = tab
    this.#slot = slot
    this.#prng = world.streams.of(name)
    const { acks, lingerMs, batchSize, enableIdempotence, deliveryTimeoutMs } = slot
    this.#producer = tab.mq.producer({
      acks,
      lingerMs,
      batchSize,
      enableIdempotence,
      deliveryTimeoutMs,
    })
  }

  start(): void {
    void this.#loop()
  }

  async #loop(): Promise<void> {
    while (this.#world.hasTraffic && !this.#tab.isClosing) {
      if (this.#world.messageCount >= this.#world.options.messagesMax) return
      void this.#send()
      // Now and then several in one turn, which go into one batch.
      if (!this.#prng.chance(0.2)) await this.#pause()
    }
  }

  #pause(): Promise<void> {
    return this.#tab.process.sleep(between(this.#prng, 1, 2 * this.#slot.everyMs))
  }

  async #send(): Promise<void> {
    const { acks, enableIdempotence, messagesMax, keyedChance } = this.#slot
    const { history } = this.#world
    const prng = this.#prng
    const { topic } = prng.pick(this.#world.options.topics)
    const ids = Array.from({ length: between(prng, 1, messagesMax) }, () => this.#world.nextId())
    const messages = ids.map((id) =>
      prng.chance(keyedChance)
        ? { key: `key-${prng.below(KEYS)}`, value: { id } }
        : { value: { id } },
    )
    const send: Send = {
      tab: this.#tab.name,
      producer: this.name,
      topic,
      ids,
      acks,
      isIdempotent: enableIdempotence,
    }
    history.tell({ type: 'sending', send })
    const outcome = await this.#tab.call('send', () => this.#producer.send({ topic, messages }))
    if (!outcome.ok) return
    const results = outcome.value.map(({ partition, baseOffset }) => ({ partition, baseOffset }))
    history.tell({ type: 'sent', send, results })
  }
}
