/**
 * What an app does with a store that is one with its progress: it counts the messages of each partition, and
 * how far it has counted. What it reads, it changes and returns; a message that was counted is committed,
 * and no other. Its weight changes while it runs, so that partitions move for no other reason.
 */
import { TabmqError, type Consumer, type Store } from '../../../src/index.js'
import { COUNTED_TOPIC, COUNTS_GROUP, COUNTS_STORE, type Counted } from '../plan.js'
import { recordedError } from './calls.js'
import { HandlerFailed } from './handler-failed.js'
import { between, sleep, type TabParts } from './tab.js'

const RESTART_MS = 200
const REQUEST_TIMEOUT_MS = 30_000
const SESSION_MS = 6_000
const REBALANCE_MS = 5_000
const FAIL_CHANCE = 0.01
const WEIGHT_MS_MAX = 8_000
const WEIGHTS = [1, 1, 2, 5]

export class CountApp {
  readonly #parts: TabParts
  readonly #consumer: Consumer
  readonly #store: Store
  #isRunning = false
  #isClosing = false

  constructor(parts: TabParts) {
    this.#parts = parts
    this.#store = parts.mq.store(COUNTS_STORE)
    this.#consumer = parts.mq.consumer({
      groupId: COUNTS_GROUP,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      weight: parts.prng.pick(WEIGHTS),
    })
    this.#consumer.on('stop', () => {
      this.#isRunning = false
    })
    this.#consumer.on('crash', ({ error }) => {
      if (error instanceof TabmqError || error instanceof HandlerFailed) return
      parts.recorder.note({ type: 'uncaught', error: recordedError(error) })
    })
  }

  async live(): Promise<void> {
    await this.#consumer.subscribe({ topics: [COUNTED_TOPIC], fromBeginning: true })
    void this.#changeWeight()
    while (!this.#isClosing) {
      if (!this.#isRunning) await this.#run()
      await sleep(RESTART_MS)
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const disconnect = () => this.#consumer.disconnect()
    await this.#parts.calls.make('disconnect', REBALANCE_MS + REQUEST_TIMEOUT_MS, disconnect)
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const outcome = await this.#parts.calls.make('run', REQUEST_TIMEOUT_MS, () =>
      this.#consumer.run({
        transactionalStore: COUNTS_STORE,
        eachMessage: ({ topic, partition, message }) =>
          this.#count(`${topic}/${partition}`, message.offset),
      }),
    )
    if (!outcome.ok) this.#isRunning = false
  }

  async #count(key: string, offset: number) {
    const { prng, traffic, orders } = this.#parts
    const before = (await this.#store.get(key)) as Counted | undefined
    if (traffic.isOn && prng.chance(FAIL_CHANCE)) throw new HandlerFailed('drawn')
    const isTwice = orders.plant === 'countedTwice' && prng.chance(0.2)
    const counted: Counted = { count: (before?.count ?? 0) + (isTwice ? 2 : 1), offset }
    return { puts: { [key]: counted } }
  }

  async #changeWeight(): Promise<void> {
    const { prng, traffic } = this.#parts
    while (traffic.isOn && !this.#isClosing) {
      await sleep(between(prng, 1, WEIGHT_MS_MAX))
      await this.#consumer.setWeight(prng.pick(WEIGHTS))
    }
  }
}
