/** The messages of one idempotent producer stand in each partition in the order of their sends. */
import { isDeadLetter, nameOf, type Appended, type DurablePartition } from '../durable-log.js'
import type { Checker, CheckerParts, MessageId, SimEvent } from '../history.js'
import type { SentMessages } from './sent-messages.js'

export class ProducerOrderChecker implements Checker {
  readonly name = 'producer-order'
  readonly #parts: CheckerParts
  readonly #sends: SentMessages
  /** The last message of each producer in each partition. */
  readonly #last = new Map<DurablePartition, Map<string, MessageId>>()

  constructor(parts: CheckerParts, sends: SentMessages) {
    this.#parts = parts
    this.#sends = sends
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const appended of event.appended) this.#check(appended)
    } else if (event.type === 'powerCut') {
      // Every producer died with it: what comes now is of others.
      this.#last.clear()
    }
  }

  #check({ partition, from, to }: Appended): void {
    const lastOf = this.#last.get(partition) ?? new Map<string, MessageId>()
    this.#last.set(partition, lastOf)
    for (const record of partition.records.slice(from, to)) {
      if (record === undefined || isDeadLetter(record)) continue
      const { id } = record.value as { id: MessageId }
      const send = this.#sends.of(id)
      if (send === undefined || !this.#sends.isIdempotent(id)) continue
      const { producer } = send
      const last = lastOf.get(producer) ?? 0
      if (last > id) {
        const where = nameOf(partition.place)
        this.#parts.report(`${where}: message ${id} of ${producer} comes after ${last}, sent later`)
      }
      lastOf.set(producer, id)
    }
  }
}
