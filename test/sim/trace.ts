/**
 * What happened, line by line, and a hash of all of it: two runs of one seed must have the same. The
 * last lines are kept for the report of a failure, or all of them when asked for.
 */
import { hashText } from './streams.js'

const KEPT_LINES = 300

export class Trace {
  readonly #startMs: number
  readonly #keepsAll: boolean
  #lines: string[] = []
  #hash = hashText('')
  #count = 0

  constructor(startMs: number, keepsAll: boolean) {
    this.#startMs = startMs
    this.#keepsAll = keepsAll
  }

  get lines(): readonly string[] {
    return this.#keepsAll ? this.#lines : this.#lines.slice(-KEPT_LINES)
  }

  get hash(): string {
    return `${this.#count}:${this.#hash.toString(16).padStart(8, '0')}`
  }

  add(nowMs: number, who: string, what: string): void {
    const line = `${nowMs - this.#startMs} ${who}: ${what}`
    this.#hash = hashText(line, this.#hash)
    this.#count += 1
    this.#lines.push(line)
    if (!this.#keepsAll && this.#lines.length > 2 * KEPT_LINES) {
      this.#lines = this.#lines.slice(-KEPT_LINES)
    }
  }
}
