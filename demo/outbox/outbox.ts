/**
 * An offline outbox: what is saved goes into a topic at once, online or not; whichever tab is there sends
 * it on over the network, in order per key, as soon as there is one. Here the network is this page's own
 * address: a small request for each message, which no cache answers.
 */
import type { Admin, Producer, ShareConsumer, Tabmq } from '../../src/index.js'
import { Cell } from '../app/cell.js'
import type { Messages } from '../app/messages.js'
import { oneOf, SharedSetting } from '../app/shared-setting.js'
import type { UnderWay } from '../app/under-way.js'
import { OUTBOX, UPLINK_GROUP } from '../names.js'

export interface OutboxOptions {
  readonly mq: Tabmq
  readonly admin: Admin
  readonly producer: Producer
  readonly messages: Messages
  readonly underWay: UnderWay
}

const CUSTOMERS = 5

export class Outbox {
  /** The page's own switch, for all tabs: a page cannot pull the cable. */
  readonly line = new SharedSetting('line', oneOf(['connected', 'cut']))
  /** Whether there is a network, as far as the browser and the switch know. */
  readonly isOnline = new Cell(false)
  readonly #options: OutboxOptions
  #drain: ShareConsumer | undefined
  #change: Promise<void> = Promise.resolve()
  #number = 0

  constructor(options: OutboxOptions) {
    this.#options = options
    const follow = () => this.#follow()
    addEventListener('online', follow)
    addEventListener('offline', follow)
    this.line.cell.listen(follow)
    this.#look()
  }

  /** Begins to send on what is there. */
  begin(): void {
    this.#follow()
  }

  /** Saves some orders: they are safe when this resolves, whatever the network does. */
  save(count: number): Promise<void> {
    const { messages, producer, underWay } = this.#options
    return underWay.once('save orders', () =>
      messages.attempt('network', 'The orders were not saved', async () => {
        await this.#ensureTopic()
        const orders = Array.from({ length: count }, () => {
          const number = ++this.#number
          return { key: `customer-${number % CUSTOMERS}`, value: { order: number, at: new Date() } }
        })
        await producer.send({ topic: OUTBOX, messages: orders, acks: -1 })
        this.#follow()
      }),
    )
  }

  #ensureTopic(): Promise<unknown> {
    const topics = [{ topic: OUTBOX, numPartitions: 2, config: { retentionMs: null } }]
    return this.#options.admin.createTopics({ topics, ifNotExists: true })
  }

  #look(): void {
    this.isOnline.set(navigator.onLine && this.line.value === 'connected')
  }

  /** One change after the other: each looks at how things are by then. */
  #follow(): void {
    this.#look()
    this.#change = this.#change
      .then(() => this.#startOrStop())
      .catch((error: unknown) => {
        this.#options.messages.fail('network', 'The outbox is not emptied', error)
      })
  }

  async #startOrStop(): Promise<void> {
    const drain = this.#drain
    if (this.isOnline.value === (drain !== undefined)) return
    if (drain === undefined) await this.#start()
    else {
      this.#drain = undefined
      await drain.disconnect()
    }
  }

  async #start(): Promise<void> {
    const drain = this.#options.mq.shareConsumer({
      groupId: UPLINK_GROUP,
      orderingKey: true,
      deliveryCountLimit: 1_000_000,
      retry: { initialDelayMs: 500, multiplier: 2, maxDelayMs: 5_000 },
    })
    this.#drain = drain
    await drain.subscribe({ topics: [OUTBOX] })
    await drain.run({
      concurrency: 2,
      eachMessage: ({ message, signal }) => uplink(message.value, signal),
    })
  }
}

/** What is thrown makes the message come again, a little later. */
async function uplink(value: unknown, signal: AbortSignal): Promise<void> {
  const address = new URL(location.href)
  address.hash = ''
  address.searchParams.set('order', String((value as { order?: unknown } | null)?.order))
  const response = await fetch(address, { method: 'HEAD', cache: 'no-store', signal })
  if (!response.ok) throw new Error(`the server said ${response.status}`)
}
