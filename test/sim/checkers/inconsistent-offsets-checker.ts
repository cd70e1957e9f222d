/**
 * An offset means one message, for everybody: what is delivered there is what the log has there, and
 * so is what a producer was told; batches follow each other without gap or overlap (which the log
 * itself reports), and hold what somebody sent.
 */
import { nameOf, VOID, type Appended, type Found } from '../durable-log.js'
import type { Checker, CheckerParts, Handling, Send, SentShare, SimEvent } from '../history.js'
import type { SentMessages } from './sent-messages.js'

export class InconsistentOffsetsChecker implements Checker {
  readonly name = 'inconsistent-offsets'
  readonly #parts: CheckerParts
  readonly #sends: SentMessages

  constructor(parts: CheckerParts, sends: SentMessages) {
    this.#parts = parts
    this.#sends = sends
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const appended of event.appended) this.#appended(appended)
    } else if (event.type === 'handling') {
      this.#delivered(event)
    } else if (event.type === 'sent' && event.send.acks !== 0) {
      this.#acknowledged(event.send, event.results)
    }
  }

  #appended({ partition, from, to }: Appended): void {
    for (let offset = from; offset < to; offset++) {
      const id = partition.ids[offset] ?? VOID
      if (id === VOID || this.#sends.isSent(id)) continue
      this.#parts.report(`${nameOf(partition.place)}@${offset} is ${id}, which nobody sent`)
    }
  }

  #delivered({ reader, place, offset, id }: Handling): void {
    const stored = this.#parts.log.everAt(place).flatMap(({ ids }) => ids[offset] ?? [])
    // One that is not there at all was read before it was durable: another checker's business.
    if (stored.length === 0 || stored.includes(id)) return
    const what = `${reader.consumer} ${nameOf(place)}@${offset}`
    this.#parts.report(`${what}: message ${id} was delivered, ${stored.join()} is in the log`)
  }

  /**
   * The messages of a send stand in each partition in its order, from the offset that was told. Without
   * idempotence a batch that failed is stored behind those that did not: the offset is that of the first.
   */
  #acknowledged(send: Send, results: readonly SentShare[]): void {
    const stored = results.filter(({ duplicate }) => duplicate !== true)
    const told = new Map(stored.map((share) => [share.partition, share.baseOffset]))
    if (!send.isIdempotent) return this.#acknowledgedInAnyOrder(send, told, results)
    const next = new Map(told)
    for (const id of send.ids) {
      const found = this.#parts.log.find(id)
      if (found.length === 0 || this.#sends.isRepeat(id)) continue
      const here = found.find((one) => isExpected(one, send.topic, next))
      if (here === undefined) {
        const where = found.map((one) => `${nameOf(one.partition.place)}@${one.offset}`)
        this.#parts.report(`message ${id} to ${send.topic} is at ${where}: told ${textOf(results)}`)
        continue
      }
      const { partition } = here.partition.place
      if (next.get(partition) === told.get(partition) && here.offset !== told.get(partition)) {
        this.#parts.report(`message ${id} is at ${here.offset}: told ${textOf(results)}`)
      }
      next.set(partition, here.offset + 1)
    }
  }

  #acknowledgedInAnyOrder(
    send: Send,
    told: ReadonlyMap<number, number>,
    results: readonly SentShare[],
  ): void {
    const firsts = new Map(told)
    for (const id of send.ids) {
      const found = this.#parts.log.find(id)
      if (found.length === 0 || this.#sends.isRepeat(id)) continue
      const places = found.filter(({ partition: { place } }) => {
        return place.topic === send.topic && told.has(place.partition)
      })
      for (const { partition, offset } of places) {
        const { partition: index } = partition.place
        if (firsts.get(index) === offset) firsts.delete(index)
      }
      if (places.length > 0) continue
      this.#parts.report(`message ${id} is not in ${send.topic} as was told: ${textOf(results)}`)
    }
    for (const [partition, offset] of firsts) {
      const stored = this.#parts.log.everAt({ topic: send.topic, partition })
      // Of what is gone nobody can say.
      if (!stored.some(({ ids }) => (ids[offset] ?? VOID) !== VOID)) continue
      this.#parts.report(
        `${send.topic}/${partition}@${offset} is not of the send: ${textOf(results)}`,
      )
    }
  }
}

function isExpected(
  { partition, offset }: Found,
  topic: string,
  next: ReadonlyMap<number, number>,
): boolean {
  const { place } = partition
  return place.topic === topic && offset >= (next.get(place.partition) ?? Infinity)
}

function textOf(results: readonly SentShare[]): string {
  return results.map(({ partition, baseOffset }) => `${partition}@${baseOffset}`).join()
}
