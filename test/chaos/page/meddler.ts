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
      else if (draw === 1) this.#seekBack()
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

  #seekBack(): void {
    const { consumer, group } = this.#app
    const held = consumer.assignment()
    if (held.length === 0) return
    const place = this.#parts.prng.pick(held)
    const handled = this.#app.handledUpTo(place)
    if (handled === undefined) return
    const offset = Math.max(0, handled - between(this.#parts.prng, 0, BACK_MAX))
    // Heard before anything that is handled after it, and so before all that is committed.
    this.#parts.recorder.note({ type: 'sought', groupId: group.groupId, place, offset })
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
