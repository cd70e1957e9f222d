/**
 * What an app does with a share group: it works on jobs, several at a time, and says of each what became of
 * it. A job counts as done when the runner has heard so, and only then it is accepted. Poison ones
 * fail, and are rejected when they come again. With its acceptance a job makes an entry in a store. A tab
 * that is visible takes more.
 */
import type { ShareConsumer, ShareDelivery } from '../../../src/index.js'
import {
  isPoison,
  jobKey,
  JOBS_GROUP,
  JOBS_STORE,
  JOBS_TOPIC,
  JOBS_TOPIC_OF_DEAD,
} from '../plan.js'
import type { JobEvent, RecordedJob } from '../record.js'
import { recordedError } from './calls.js'
import { HandlerFailed } from './handler-failed.js'
import { sleep, type TabParts } from './tab.js'

const RESTART_MS = 200
const REQUEST_TIMEOUT_MS = 30_000
const STOP_MS = 61_000
const LOCK_MS = 3_000
/** Faults take many deliveries; only rejections are to end a job. */
const DELIVERY_COUNT_LIMIT = 1_000
const CONCURRENCY = 4

export class JobApp {
  readonly #parts: TabParts
  readonly #name: string
  readonly #consumer: ShareConsumer
  #isRunning = false
  #isClosing = false

  constructor(parts: TabParts) {
    this.#parts = parts
    this.#name = `${parts.orders.tab}-${JOBS_GROUP}`
    this.#consumer = parts.mq.shareConsumer({
      groupId: JOBS_GROUP,
      lockDurationMs: LOCK_MS,
      deliveryCountLimit: DELIVERY_COUNT_LIMIT,
      deadLetterTopic: JOBS_TOPIC_OF_DEAD,
      acknowledgement: 'explicit',
      retry: { initialDelayMs: 50, maxDelayMs: 1_000 },
      weight: weightNow(),
    })
    document.addEventListener('visibilitychange', () => {
      void this.#consumer.setWeight(weightNow())
    })
    this.#consumer.on('stop', () => {
      this.#isRunning = false
    })
    this.#consumer.on('crash', ({ error, willRetry }) => {
      if (willRetry) return
      parts.recorder.note({ type: 'uncaught', error: recordedError(error) })
    })
  }

  async live(): Promise<void> {
    await this.#consumer.subscribe({ topics: [JOBS_TOPIC] })
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

  async #run(): Promise<void> {
    this.#isRunning = true
    const eachMessage = (delivery: ShareDelivery) => this.#handle(delivery)
    const outcome = await this.#parts.calls.make('shareRun', REQUEST_TIMEOUT_MS, () =>
      this.#consumer.run({
        eachMessage,
        concurrency: CONCURRENCY,
        transactionalStore: JOBS_STORE,
      }),
    )
    if (!outcome.ok) this.#isRunning = false
  }

  async #handle(delivery: ShareDelivery): Promise<void> {
    const { recorder, orders, prng } = this.#parts
    const { topic, partition, message, deliveryCount } = delivery
    const { id } = message.value as { id: number }
    const job: RecordedJob = {
      consumer: this.#name,
      place: { topic, partition },
      offset: message.offset,
      id,
      deliveryCount,
    }
    if (orders.plant === 'skippedJob' && prng.chance(0.3)) return this.#say(delivery, job, 'accept')
    try {
      if (!document.hidden) await sleep(prng.below(20))
      if (isPoison(id)) throw new HandlerFailed('poison')
    } catch {
      return this.#say(delivery, job, deliveryCount > 1 ? 'reject' : 'release')
    }
    await recorder.tell({ type: 'jobDone', ...job })
    await this.#say(delivery, job, 'accept')
  }

  async #say(
    delivery: ShareDelivery,
    job: RecordedJob,
    what: 'accept' | 'reject' | 'release',
  ): Promise<void> {
    const told: Readonly<Record<typeof what, JobEvent['type'] | undefined>> = {
      accept: 'jobAccepted',
      reject: 'jobRejected',
      release: undefined,
    }
    const outcome = await this.#parts.calls.make('acknowledge', REQUEST_TIMEOUT_MS, () =>
      delivery.acknowledge(what, what === 'accept' ? { store: entryOf(job) } : {}),
    )
    const type = told[what]
    if (outcome.ok && type !== undefined) this.#parts.recorder.note({ type, ...job })
  }
}

function weightNow(): number {
  return document.hidden ? 1 : 4
}

function entryOf({ place, offset, consumer, deliveryCount }: RecordedJob) {
  return { puts: { [jobKey(place.partition, offset)]: { consumer, deliveryCount } } }
}
