/**
 * Handlers are given only what is durable: nothing that is on its way to the disk, or was in a
 * transaction that came to nothing.
 */
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'

export class AbortedReadChecker implements Checker {
  readonly name = 'aborted-read'
  readonly #parts: CheckerParts

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  on(event: SimEvent): void {
    if (event.type !== 'handling' || this.#parts.log.find(event.id).length > 0) return
    const { reader, place, offset, id } = event
    const what = `${reader.consumer} ${nameOf(place)}@${offset}`
    this.#parts.report(`${what}: message ${id} was delivered, and is not on the disk`)
  }
}
