/**
 * What an app does with a producer: it sends messages with ids of their own, some with keys, without
 * waiting for one send before the next, for as long as there is traffic.
 */
import type { Message } from '../../src/client/message.js'
import type { Producer } from '../../src/client/producer/producer.js'
import type { Prng } from '../../src/std/prng.js'
import { hasCode } from '../../src/protocol/errors.js'
import { ROUTING_KEYS, type ExchangeBinding } from './exchange-options.js'
import type { MessageId, Publish, Send } from './history.js'
import type { ProducerSlot } from './options.js'
import { between } from './streams.js'
import type { Tab } from './tab.js'
import type { World } from './world.js'

const KEYS = 5
const PUBLISH_CHANCE = 0.5
const REBIND_CHANCE = 0.1
/** How many messages of a topic with a window have an id, and of those, how many one that was there. */
const WITH_ID_CHANCE = 0.8
const REPEAT_CHANCE = 0.3
/** So many of the last are repeated, by whichever producer. */
const MESSAGE_IDS_USED = 20

export class ProducerApp {
  readonly name: string
  readonly #world: World
  readonly #tab: Tab
  readonly #slot: ProducerSlot
  readonly #prng: Prng
  /** Of its own, so that what else is drawn does not depend on it. */
  readonly #idsPrng: Prng
  /** The same. */
  readonly #publishPrng: Prng
  readonly #propertiesPrng: Prng
  readonly #producer: Producer

  constructor(world: World, tab: Tab, name: string, slot: ProducerSlot) {
    this.name = name
    this.#world = world
    this.#tab = tab
    this.#slot = slot
    this.#prng = world.streams.of(name)
    this.#propertiesPrng = world.streams.of(`${name} properties`)
    this.#idsPrng = world.streams.of(`${name} message ids`)
    this.#publishPrng = world.streams.of(`${name} publishes`)
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
      void (this.#publishes ? this.#publish() : this.#send())
      // Now and then several in one turn, which go into one batch.
      if (!this.#prng.chance(0.2)) await this.#pause()
    }
  }

  get #publishes(): boolean {
    return this.#world.options.exchanges.length > 0 && this.#publishPrng.chance(PUBLISH_CHANCE)
  }

  async #publish(): Promise<void> {
    const { acks, messagesMax, keyedChance } = this.#slot
    const { history, options } = this.#world
    const prng = this.#publishPrng
    const { exchange, bindings } = prng.pick(options.exchanges)
    const ids = Array.from({ length: between(prng, 1, messagesMax) }, () => this.#world.nextId())
    const messages = ids.map((id) => ({
      value: { id },
      ...(prng.chance(keyedChance) ? { key: `key-${prng.below(KEYS)}` } : {}),
    }))
    const routingKey = prng.pick(ROUTING_KEYS)
    const mandatory = prng.chance(0.3)
    const publish: Publish = { producer: this.name, exchange, routingKey, ids, acks }
    history.tell({ type: 'publishing', publish })
    if (prng.chance(REBIND_CHANCE)) void this.#rebind(exchange, prng.pick(bindings))
    const outcome = await this.#tab.call('publish', () =>
      this.#producer.publish({ exchange, routingKey, messages, mandatory }),
    )
    if (outcome.ok) history.tell({ type: 'published', publish, results: outcome.value })
    else if (hasCode(outcome.error, 'UNROUTABLE_MESSAGE')) {
      history.tell({ type: 'unpublished', publish })
    }
  }

  /** Takes a binding away, and makes it again after a while. */
  async #rebind(exchange: string, binding: ExchangeBinding): Promise<void> {
    const admin = this.#tab.mq.admin()
    await this.#tab.call('unbind', () => admin.unbind({ exchange, ...binding }))
    await this.#pause()
    await this.#tab.call('bind', () => admin.bind({ exchange, ...binding }))
  }

  #pause(): Promise<void> {
    return this.#tab.process.sleep(between(this.#prng, 1, 2 * this.#slot.everyMs))
  }

  async #send(): Promise<void> {
    const { acks, enableIdempotence, messagesMax, keyedChance } = this.#slot
    const { history } = this.#world
    const prng = this.#prng
    const { topic, config } = prng.pick(this.#world.options.topics)
    const ids = Array.from({ length: between(prng, 1, messagesMax) }, () => this.#world.nextId())
    const messageIds =
      config.dedupWindowMs === null ? new Map<MessageId, string>() : this.#messageIds(topic, ids)
    const messages = ids.map((id) => {
      const messageId = messageIds.get(id)
      return {
        value: { id },
        ...(prng.chance(keyedChance) ? { key: `key-${prng.below(KEYS)}` } : {}),
        ...(messageId === undefined ? {} : { messageId }),
        ...this.#propertiesOf(id),
      }
    })
    const send: Send = {
      tab: this.#tab.name,
      producer: this.name,
      topic,
      ids,
      acks,
      isIdempotent: enableIdempotence,
      messageIds,
    }
    history.tell({ type: 'sending', send })
    const outcome = await this.#tab.call('send', () => this.#producer.send({ topic, messages }))
    if (!outcome.ok) return
    const results = outcome.value
    history.tell({ type: 'sent', send, results })
  }

  /** Drawn apart, so that seeds without properties are what they were. */
  #propertiesOf(id: MessageId): Partial<Message> {
    const { delayChance, delayMsMax, ttlChance, ttlMsMax, priorityChance, headersChance } =
      this.#world.options.properties
    const prng = this.#propertiesPrng
    return {
      ...(prng.chance(delayChance) ? { delayMs: prng.below(delayMsMax) } : {}),
      ...(prng.chance(ttlChance) ? { ttlMs: 1 + prng.below(ttlMsMax) } : {}),
      ...(prng.chance(priorityChance) ? { priority: prng.below(10) } : {}),
      ...(prng.chance(headersChance) ? { headers: { id: `${id}`, also: ['a', 'b'] } } : {}),
    }
  }

  /** By the messages that have one; in one send each is another. */
  #messageIds(topic: string, ids: readonly MessageId[]): Map<MessageId, string> {
    const prng = this.#idsPrng
    const used = this.#world.messageIdsOf(topic)
    const drawn = new Set<string>()
    const messageIds = new Map<MessageId, string>()
    for (const id of ids) {
      if (!prng.chance(WITH_ID_CHANCE)) continue
      const isRepeat = used.length > 0 && prng.chance(REPEAT_CHANCE)
      const messageId = isRepeat ? prng.pick(used) : `message ${id}`
      if (drawn.has(messageId)) continue
      drawn.add(messageId)
      messageIds.set(id, messageId)
    }
    used.push(...drawn)
    used.splice(0, Math.max(0, used.length - MESSAGE_IDS_USED))
    return messageIds
  }
}
