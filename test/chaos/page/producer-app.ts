/**
 * What an app does with a producer: it sends messages with ids of their own, some with keys, without
 * waiting for one send before the next. Before a send is made, the runner has heard of it.
 */
import type { Message, Producer } from '../../../src/index.js'
import { OUTBOX_TOPIC, REFUSED_TOPIC, type ProducerPlan } from '../plan.js'
import type { RecordedSend } from '../record.js'
import { between, sleep, type TabParts } from './tab.js'

const KEYS = 7
const ANNOUNCED_MAX = 4
/** An app that is told nothing for so long would stop asking, too. */
const UNDER_WAY_MAX = 60

export class ProducerApp {
  readonly name: string
  readonly #parts: TabParts
  readonly #plan: ProducerPlan
  readonly #producer: Producer
  #nextId: number
  #underWay = 0

  constructor(parts: TabParts, options: { name: string; plan: ProducerPlan; firstId: number }) {
    const { name, plan, firstId } = options
    this.name = name
    this.#parts = parts
    this.#plan = plan
    this.#nextId = firstId
    const { acks, isIdempotent, lingerMs, deliveryTimeoutMs } = plan
    this.#producer = parts.mq.producer({
      acks,
      lingerMs,
      deliveryTimeoutMs,
      enableIdempotence: isIdempotent,
    })
  }

  async run(): Promise<void> {
    const { prng, traffic, orders } = this.#parts
    const topics = orders.plan.topics.filter(({ topic }) => topic !== REFUSED_TOPIC)
    while (traffic.isOn) {
      const sends = Array.from({ length: between(prng, 1, ANNOUNCED_MAX) }, () =>
        this.#drawSend(this.#plan.acks === -1 ? OUTBOX_TOPIC : prng.pick(topics).topic),
      )
      await this.#parts.recorder.tell({ type: 'sending', sends })
      for (const send of sends) {
        // In a hidden tab the next may be long after the last.
        if (!traffic.isOn) return
        void this.#send(send)
        // Now and then several in one turn, which go into one batch.
        if (!prng.chance(0.2)) await sleep(between(prng, 1, 2 * this.#plan.everyMs))
      }
      while (this.#underWay > UNDER_WAY_MAX) await sleep(this.#plan.everyMs)
    }
  }

  /** One message to a topic, as a handler passes something on. Resolves when it is stored. */
  async pass(topic: string): Promise<boolean> {
    const send = { ...this.#drawSend(topic), ids: [this.#nextId++] }
    await this.#parts.recorder.tell({ type: 'sending', sends: [send] })
    return this.#send(send)
  }

  #drawSend(topic: string): RecordedSend {
    const { acks, isIdempotent, messagesMax } = this.#plan
    const count = between(this.#parts.prng, 1, messagesMax)
    const ids = Array.from({ length: count }, () => this.#nextId++)
    return { producer: this.name, topic, ids, acks, isIdempotent }
  }

  async #send({ topic, ids }: RecordedSend): Promise<boolean> {
    const { calls, prng, recorder, orders } = this.#parts
    const messages = ids.map((id): Message => {
      const value = { id }
      return prng.chance(this.#plan.keyedChance)
        ? { key: `key-${prng.below(KEYS)}`, value }
        : { value }
    })
    if (orders.plant === 'doubleSend' && prng.chance(0.02)) {
      void this.#producer.send({ topic, messages }).catch(() => {})
    }
    this.#underWay += 1
    const outcome = await calls.make('send', this.#plan.deliveryTimeoutMs, () =>
      this.#producer.send({ topic, messages }),
    )
    this.#underWay -= 1
    if (!outcome.ok) return false
    const results = outcome.value.map(({ partition, baseOffset }) => ({ partition, baseOffset }))
    const [id = 0] = ids
    recorder.note({ type: 'sent', id, results })
    return true
  }
}
