/** Publishes to the page's exchange, which is made with its queues when it is first needed. */
import type { Admin, Producer } from '../../src/index.js'
import { Cell } from '../app/cell.js'
import type { Messages } from '../app/messages.js'
import { EXCHANGE, EXCHANGE_QUEUES } from '../names.js'

export interface PublisherOptions {
  readonly admin: Admin
  readonly producer: Producer
  readonly messages: Messages
}

export class Publisher {
  /** What became of the last message, in words. */
  readonly result = new Cell('')
  readonly #options: PublisherOptions

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  async publish(routingKey: string): Promise<void> {
    const { messages, producer } = this.#options
    this.result.set('')
    await messages.attempt('exchange', 'The message was not published', async () => {
      await this.#declare()
      const sent = await producer.publish({
        exchange: EXCHANGE,
        routingKey,
        messages: [{ value: { routingKey, at: new Date() } }],
      })
      const topics = sent.map(({ topic }) => topic)
      const stored = `Stored in ${topics.join(' and ')}.`
      this.result.set(topics.length === 0 ? 'No queue wants it: dropped.' : stored)
    })
    if (this.result.value === '') this.result.set('Not published.')
  }

  /** The same again changes nothing. */
  async #declare(): Promise<void> {
    const { admin } = this.#options
    const topics = Object.keys(EXCHANGE_QUEUES).map((topic) => ({ topic }))
    await admin.createTopics({ topics, ifNotExists: true })
    await admin.declareExchange({ exchange: EXCHANGE, type: 'topic' })
    for (const [topic, routingKey] of Object.entries(EXCHANGE_QUEUES)) {
      await admin.bind({ exchange: EXCHANGE, topic, routingKey })
    }
  }
}
