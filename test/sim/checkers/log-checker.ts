/**
 * The log: batches follow each other without gap or overlap; what was acknowledged is there, at the
 * offset that was told, in the order of the send, and once; the messages of one idempotent producer
 * stand in each partition in the order in which they were sent, none twice.
 */
import { nameOf, type Appended, type DurablePartition } from '../durable-log.js'
import type { Checker, CheckerParts, MessageId, Send, SentShare, SimEvent } from '../history.js'

export class LogChecker implements Checker {
  readonly name = 'log'
  readonly #parts: CheckerParts
  readonly #sends = new Map<MessageId, Send>()
  /** The last message of each producer in each partition. */
  readonly #last = new Map<string, MessageId>()
  readonly #found = new Map<MessageId, { partition: DurablePartition; offset: number }>()

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  on(event: SimEvent): void {
    if (event.type === 'sending') {
      for (const id of event.send.ids) this.#sends.set(id, event.send)
    } else if (event.type === 'durable') {
      for (const appended of event.appended) this.#appended(appended)
    } else if (event.type === 'sent' && event.send.acks !== 0) {
      this.#acknowledged(event.send, event.results)
    }
  }

  #appended({ partition, from, to }: Appended): void {
    const { report } = this.#parts
    for (let offset = from; offset < to; offset++) {
      const id = partition.ids[offset] ?? 0
      const send = this.#sends.get(id)
      if (send === undefined) {
        report(`${nameOf(partition.place)} has message ${id}, which nobody sent`)
        continue
      }
      const before = this.#found.get(id)
      this.#found.set(id, { partition, offset })
      if (!send.isIdempotent) continue
      if (before !== undefined) {
        const first = `${nameOf(before.partition.place)}@${before.offset}`
        report(`message ${id} is appended again at ${nameOf(partition.place)}@${offset}: ${first}`)
      }
      const key = `${send.producer} ${nameOf(partition.place)}`
      const last = this.#last.get(key) ?? 0
      if (last > id) {
        report(`${key}: message ${id} of ${send.producer} comes after ${last}, sent later`)
      }
      this.#last.set(key, id)
    }
  }

  #acknowledged(send: Send, results: readonly SentShare[]): void {
    const { report } = this.#parts
    const byPartition = new Map(results.map((share) => [share.partition, share.baseOffset]))
    const next = new Map(byPartition)
    for (const id of send.ids) {
      const found = this.#found.get(id)
      if (found === undefined) {
        report(`message ${id} to ${send.topic} was acknowledged, and is in no log`)
        continue
      }
      const { place } = found.partition
      const expected = next.get(place.partition)
      if (place.topic !== send.topic || expected === undefined) {
        report(`message ${id} to ${send.topic} is in ${nameOf(place)}`)
      } else if (found.offset < expected) {
        report(`message ${id} is at ${nameOf(place)}@${found.offset}, before ${expected}`)
      } else if (byPartition.get(place.partition) === expected && found.offset !== expected) {
        report(`message ${id} was acknowledged at ${expected}, and is at ${found.offset}`)
      }
      next.set(place.partition, found.offset + 1)
    }
  }
}
