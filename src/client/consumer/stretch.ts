/** For how long handlers have followed one another without the page having had a turn. */
import type { ClientHost } from '../host.js'

/**
 * How long handlers that do not wait for anything may follow one another before the page gets a turn:
 * for input and drawing, and for what it has to hear of the broker (that it died, who owns what).
 */
const STRETCH_MS_MAX = 10

export class Stretch {
  readonly #host: ClientHost
  #sinceMs = 0
  #nowMs = 0

  constructor(host: ClientHost) {
    this.#host = host
  }

  /** When the clock was last looked at for a handler. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** The page has just had a turn. */
  begin(): void {
    this.#sinceMs = this.#host.nowMs()
  }

  /** Asked for every message, which is to cost neither a promise nor a second look at the clock. */
  isOver(): boolean {
    this.#nowMs = this.#host.nowMs()
    return this.#nowMs - this.#sinceMs >= STRETCH_MS_MAX
  }

  /** Gives the page a turn. */
  async breathe(): Promise<void> {
    await this.#host.nextTurn()
    this.#nowMs = this.#host.nowMs()
    this.#sinceMs = this.#nowMs
  }
}
