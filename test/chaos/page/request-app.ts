/**
 * What an app does with requests: it asks, whoever is there, and answers what others ask. Each request has an
 * id, which the answer has to be for.
 */
import { TabmqError, type ShareConsumer, type ShareDelivery } from '../../../src/index.js'
import { ANSWERS_GROUP, answerTo, REQUESTS_TOPIC } from '../plan.js'
import { recordedError, type Outcome } from './calls.js'
import { HandlerFailed } from './handler-failed.js'
import { between, sleep, type TabParts } from './tab.js'

const RESTART_MS = 200
const REQUEST_TIMEOUT_MS = 30_000
const STOP_MS = 61_000
const LOCK_MS = 3_000
const ASKED_EVERY_MS = 1_500
const ANSWERED_WITHIN_MS = 10_000
const FAIL_CHANCE = 0.02

export class RequestApp {
  readonly #parts: TabParts
  readonly #consumer: ShareConsumer
  #nextId: number
  #isRunning = false
  #isClosing = false

  constructor(parts: TabParts, { firstId }: { readonly firstId: number }) {
    this.#parts = parts
    this.#nextId = firstId
    this.#consumer = parts.mq.shareConsumer({
      groupId: ANSWERS_GROUP,
      lockDurationMs: LOCK_MS,
      retry: { initialDelayMs: 20, maxDelayMs: 200 },
      weight: parts.prng.pick([1, 3]),
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
    await this.#consumer.subscribe({ topics: [REQUESTS_TOPIC] })
    void this.#askOn()
    while (!this.#isClosing) {
      if (!this.#isRunning) await this.#run()
      await sleep(RESTART_MS)
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const disconnect = () => this.#consumer.disconnect()
    await this.#parts.calls.make('disconnect', STOP_MS + REQUEST_TIMEOUT_MS, disconnect)
  }

  async ask(): Promise<Outcome<unknown>> {
    const { mq, calls, recorder } = this.#parts
    const id = this.#nextId++
    const outcome = await calls.make('request', ANSWERED_WITHIN_MS, () =>
      mq.request({ topic: REQUESTS_TOPIC, value: { id }, timeoutMs: ANSWERED_WITHIN_MS }),
    )
    if (outcome.ok) recorder.note({ type: 'answered', id, answer: Number(outcome.value) })
    return outcome
  }

  async #askOn(): Promise<void> {
    const { prng, traffic } = this.#parts
    while (traffic.isOn) {
      await sleep(between(prng, 1, 2 * ASKED_EVERY_MS))
      if (traffic.isOn) await this.ask()
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const outcome = await this.#parts.calls.make('shareRun', REQUEST_TIMEOUT_MS, () =>
      this.#consumer.run({ eachMessage: (delivery) => this.#answer(delivery), concurrency: 2 }),
    )
    if (!outcome.ok) this.#isRunning = false
  }

  async #answer({ message, reply }: ShareDelivery): Promise<void> {
    const { prng, traffic, orders } = this.#parts
    const { id } = message.value as { id: number }
    if (traffic.isOn && prng.chance(FAIL_CHANCE)) throw new HandlerFailed('drawn')
    const isWrong = orders.plant === 'wrongAnswer' && prng.chance(0.1)
    await reply(answerTo(isWrong ? id + 1 : id))
  }
}
