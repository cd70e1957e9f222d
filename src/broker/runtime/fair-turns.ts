/**
 * Work of which only so much may be done at once, shared out by tab: whoever has waited for a turn
 * while others had theirs is next, however much one of them has asked for.
 */
import { deferred } from '../../std/deferred.js'

type Start = () => void

export class FairTurns {
  readonly #atOnce: number
  /** By whose work it is, in the order of their next turns. */
  readonly #waiting = new Map<string, Start[]>()
  #running = 0

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  async run<T>(whose: string, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) await this.#turn(whose)
    else this.#running += 1
    try {
      return await work()
    } finally {
      this.#running -= 1
      this.#startNext()
    }
  }

  #turn(whose: string): Promise<void> {
    const turn = deferred<void>()
    const queue = this.#waiting.get(whose) ?? []
    queue.push(() => turn.resolve())
    this.#waiting.set(whose, queue)
    return turn.promise
  }

  #startNext(): void {
    const [first] = this.#waiting
    if (first === undefined) return
    const [whose, queue] = first
    const start = queue.shift()
    // To the end of the line, with what else it has.
    this.#waiting.delete(whose)
    if (queue.length > 0) this.#waiting.set(whose, queue)
    this.#running += 1
    start?.()
  }
}
