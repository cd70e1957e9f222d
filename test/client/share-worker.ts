/** A share consumer that writes down what happens to it, for the tests of queues. */
import type { ShareConsumer } from '../../src/client/share/share-consumer.js'
import {
  SHARE_CONSUMER_EVENTS,
  type ShareConsumerEvents,
  type ShareDelivery,
} from '../../src/client/share/share-delivery.js'
import type { ShareConsumerOptions } from '../../src/client/share/share-options.js'
import type { Held, ClientContext, Tab } from './client-context.js'

export interface WorkerOptions extends Partial<ShareConsumerOptions> {
  /** What to subscribe to. Default: `orders`. */
  readonly topics?: readonly (string | RegExp)[]
  readonly concurrency?: number
  readonly transactionalStore?: string
  /** Handlers wait here until they are let go. */
  readonly gate?: Held
  /** Called for each message; may throw. */
  readonly onMessage?: (delivery: ShareDelivery, worker: Worker) => unknown
}

export class Worker {
  readonly consumer: ShareConsumer
  /** Deliveries whose handler was called, and those whose handler has returned. */
  readonly started: ShareDelivery[] = []
  readonly handled: ShareDelivery[] = []
  readonly events: { readonly type: keyof ShareConsumerEvents; readonly event: unknown }[] = []
  mostAtOnce = 0
  readonly #options: WorkerOptions
  #running = 0

  constructor(tab: Tab, options: WorkerOptions = {}) {
    const { topics: _, concurrency: __, gate: ___, onMessage: ____, ...rest } = options
    const { transactionalStore: _____, ...consumer } = rest
    this.#options = options
    this.consumer = tab.mq.shareConsumer({ groupId: 'q', ...consumer })
    for (const type of SHARE_CONSUMER_EVENTS) {
      this.consumer.on(type, (event) => void this.events.push({ type, event }))
    }
  }

  run(): Promise<void> {
    const { concurrency, transactionalStore } = this.#options
    return this.consumer.run({
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(transactionalStore === undefined ? {} : { transactionalStore }),
      eachMessage: (delivery) => this.#handle(delivery),
    })
  }

  get values(): unknown[] {
    return this.handled.map(({ message }) => message.value)
  }

  get startedValues(): unknown[] {
    return this.started.map(({ message }) => message.value)
  }

  eventsOf<K extends keyof ShareConsumerEvents>(wanted: K): ShareConsumerEvents[K][] {
    return this.events
      .filter(({ type }) => type === wanted)
      .map(({ event }) => event as ShareConsumerEvents[K])
  }

  async #handle(delivery: ShareDelivery): Promise<unknown> {
    this.started.push(delivery)
    this.#running += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running)
    try {
      const { gate, onMessage } = this.#options
      if (gate?.isOn === true) {
        await new Promise<void>((resolve) => {
          gate.add(resolve)
        })
      }
      const returned: unknown = await onMessage?.(delivery, this)
      this.handled.push(delivery)
      return returned
    } finally {
      this.#running -= 1
    }
  }
}

/** A share consumer that is subscribed and runs. */
export async function work(
  context: ClientContext,
  tab: Tab,
  options: WorkerOptions = {},
): Promise<Worker> {
  const worker = new Worker(tab, options)
  await context.done(worker.consumer.subscribe({ topics: options.topics ?? ['orders'] }))
  await context.done(worker.run())
  return worker
}
