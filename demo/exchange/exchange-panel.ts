/** The exchange's panel: publishes under a routing key, and shows which queues got it. */
import type { Admin, ClusterState, Producer } from '../../src/index.js'
import { byId, create, KeyedList, setText } from '../dom.js'
import { formatCount, formatQuantity } from '../format.js'
import type { Messages } from '../messages.js'
import { EXCHANGE, EXCHANGE_QUEUES } from '../names.js'
import { exchangeStateOf, type QueueOfExchange } from './exchange-state.js'

export interface ExchangePanelOptions {
  readonly admin: Admin
  readonly producer: Producer
  readonly messages: Messages
}

export class ExchangePanel {
  readonly #options: ExchangePanelOptions
  readonly #key = byId('exchange-key', HTMLInputElement)
  readonly #result = byId('exchange-result', HTMLOutputElement)
  readonly #counts = byId('exchange-counts', HTMLElement)
  readonly #queues = new KeyedList<string, QueueItem>(
    byId('exchange-queues', HTMLUListElement),
    (topic) => new QueueItem(topic),
  )

  constructor(options: ExchangePanelOptions) {
    this.#options = options
    byId('exchange-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#publish()
    })
  }

  update(state: ClusterState): void {
    const exchange = exchangeStateOf(state)
    if (exchange === undefined) return
    const { published, dropped, queues } = exchange
    const lost = dropped === 0 ? '' : `, ${formatCount(dropped)} of them to nobody`
    setText(this.#counts, `${formatQuantity(published, 'message')} published${lost}.`)
    const items = this.#queues.update(queues.map(({ topic }) => topic))
    items.forEach((item, index) => {
      const queue = queues[index]
      if (queue !== undefined) item.update(queue)
    })
  }

  async #publish(): Promise<void> {
    const { messages, producer } = this.#options
    messages.forget('exchange')
    const routingKey = this.#key.value
    try {
      await this.#declare()
      const sent = await producer.publish({
        exchange: EXCHANGE,
        routingKey,
        messages: [{ value: { routingKey, at: new Date() } }],
      })
      const topics = sent.map(({ topic }) => topic)
      this.#result.value =
        topics.length === 0 ? 'No queue wants it: dropped.' : `Stored in ${topics.join(' and ')}.`
    } catch (error) {
      this.#result.value = 'Not published.'
      messages.fail('exchange', 'The message was not published', error)
    }
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

class QueueItem {
  readonly root: HTMLLIElement
  readonly #patterns = create('code')
  readonly #count = create('p', { class: 'hint' })

  constructor(topic: string) {
    this.root = create('li', { class: 'tab' }, create('h4', { text: topic }))
    this.root.append(this.#patterns, this.#count)
  }

  update({ patterns, messages }: QueueOfExchange): void {
    setText(this.#patterns, patterns.join(' or '))
    setText(this.#count, formatQuantity(messages, 'message'))
  }
}
