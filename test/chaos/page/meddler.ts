/** A user at the controls of a consumer: pauses, goes back, reads less for a while. */
import type { ConsumerApp } from './consumer-app.js'
import { between, sleep, type TabParts } from './tab.js'

const EVERY_MS = 2_000
const PAUSED_MS_MAX = 1_500
const BACK_MAX = 20

export class Meddler {
  readonly #parts: TabParts
  readonly #app: ConsumerApp

  constructor(parts: TabParts, app: ConsumerApp) {
    this.#parts = parts
    this.#app = app
  }

  async run(): Promise<void> {
    const { prng, traffic } = this.#parts
    for (;;) {
      await sleep(between(prng, 1, 2 * EVERY_MS))
      if (!traffic.isOn) return
      const draw = prng.below(3)
      if (draw === 0) await this.#pauseAwhile()
      else if (draw === 1) await this.#seekBack()
      else await this.#readLessAwhile()
    }
  }

  async #pauseAwhile(): Promise<void> {
    const { consumer } = this.#app
    const held = consumer.assignment()
    if (held.length === 0) return
    const { topic, partition } = this.#parts.prng.pick(held)
    const one = [{ topic, partitions: [partition] }]
    consumer.pause(one)
    await sleep(between(this.#parts.prng, 1, PAUSED_MS_MAX))
    consumer.resume(one)
  }

  async #seekBack(): Promise<void> {
    const { name, consumer, group } = this.#app
    const held = consumer.assignment()
    if (held.length === 0) return
    const place = this.#parts.prng.pick(held)
    const handled = this.#app.handledUpTo(place)
    if (handled === undefined) return
    const offset = Math.max(0, handled - between(this.#parts.prng, 0, BACK_MAX))
    const { groupId } = group
    const sought = { type: 'sought', groupId, consumer: name, place, offset } as const
    // Where it goes is committed without a handler being called: that must be heard before. And again
    // when it is done: until then its handlers go on where they were.
    await this.#parts.recorder.tell(sought)
    this.#parts.recorder.note(sought)
    consumer.seek({ ...place, offset })
  }

  async #readLessAwhile(): Promise<void> {
    const { orders, prng, calls } = this.#parts
    const { topic } = prng.pick(orders.plan.topics)
    const { consumer } = this.#app
    await calls.make('unsubscribe', 0, () => consumer.unsubscribe({ topics: [topic] }))
    await sleep(between(prng, 1, PAUSED_MS_MAX))
    await this.#app.subscribe()
  }
}
