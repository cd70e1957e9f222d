/** Sends one message, written by hand, and shows where it went. */
import { byId, create } from '../dom.js'
import { PARTITIONS } from '../names.js'
import type { Messages } from '../messages.js'
import type { MessageSender } from '../sending/message-sender.js'
import { parseValue } from './parse-value.js'

export interface ProduceFormOptions {
  readonly sender: MessageSender
  readonly messages: Messages
}

export class ProduceForm {
  readonly #options: ProduceFormOptions
  readonly #key = byId('produce-key', HTMLInputElement)
  readonly #value = byId('produce-value', HTMLTextAreaElement)
  readonly #partition = byId('produce-partition', HTMLSelectElement)
  readonly #result = byId('produce-result', HTMLOutputElement)

  constructor(options: ProduceFormOptions) {
    this.#options = options
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const text = String(partition)
      this.#partition.append(create('option', { text, attributes: { value: text } }))
    }
    byId('produce-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#send()
    })
  }

  async #send(): Promise<void> {
    const { messages, sender } = this.#options
    messages.forget('message')
    messages.forget('clear')
    const key = this.#key.value === '' ? undefined : this.#key.value
    const { value, wasText } = parseValue(this.#value.value)
    const partition =
      this.#partition.value === '' ? {} : { partition: Number(this.#partition.value) }
    try {
      const [where] = await sender.send([{ key, value, ...partition }])
      if (where === undefined) return
      const what = wasText ? 'Sent as text' : 'Sent as JSON'
      this.#result.value = `${what}: partition ${where.partition}, offset ${where.baseOffset}.`
    } catch (error) {
      this.#result.value = 'Not sent.'
      messages.fail('message', 'The message was not sent', error)
    }
  }
}
