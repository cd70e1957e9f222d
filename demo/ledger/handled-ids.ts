/** Which message ids were handled: a message that is in the log twice is handled twice, too. */
import { GrowingBytes, type ByteRuns } from './growing-bytes.js'
import { parseMessageId } from './ledger-row.js'

export class HandledIds {
  readonly #runs = new Map<string, GrowingBytes>()

  static from(state: ReadonlyMap<string, ByteRuns>): HandledIds {
    const ids = new HandledIds()
    for (const [run, runs] of state) ids.#runs.set(run, GrowingBytes.from(runs))
    return ids
  }

  /** By the life of the tab that sent them. */
  get state(): ReadonlyMap<string, ByteRuns> {
    return new Map([...this.#runs].map(([run, numbers]) => [run, numbers.toRuns()]))
  }

  /** Notes an id; returns whether it was noted before. What is no id of the demo's never was. */
  note(text: string): boolean {
    const id = parseMessageId(text)
    if (id === undefined) return false
    const numbers = this.#runs.get(id.run) ?? new GrowingBytes()
    this.#runs.set(id.run, numbers)
    const wasHandled = numbers.get(id.number) === 1
    numbers.set(id.number, 1)
    return wasHandled
  }

  clear(): void {
    this.#runs.clear()
  }
}
