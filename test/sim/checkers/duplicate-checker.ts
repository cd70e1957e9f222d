/** No message of an idempotent producer is in the logs twice, however often it was sent again. */
import { nameOf, type Appended } from '../durable-log.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'
import type { SentMessages } from './sent-messages.js'

export class DuplicateChecker implements Checker {
  readonly name = 'duplicate'
  readonly #parts: CheckerParts
  readonly #sends: SentMessages

  constructor(parts: CheckerParts, sends: SentMessages) {
    this.#parts = parts
    this.#sends = sends
  }

  on(event: SimEvent): void {
    if (event.type !== 'durable') return
    for (const appended of event.appended) this.#check(appended)
  }

  #check({ partition, from, to }: Appended): void {
    for (const id of partition.ids.slice(from, to)) {
      if (!this.#sends.isIdempotent(id)) continue
      const found = this.#parts.log.find(id)
      if (found.length < 2) continue
      const where = found.map((one) => `${nameOf(one.partition.place)}@${one.offset}`)
      this.#parts.report(`message ${id} was appended at ${where.join(' and ')}`)
    }
  }
}
