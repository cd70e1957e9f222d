/**
 * Tells the runner what this tab does. One request at a time, each with everything that nobody has
 * heard yet, so that the order is kept and a busy tab does not ask for more than one can bear. A page
 * that goes away sends the rest behind itself; what arrives twice is known by its number.
 */
import type { TabEvent } from '../record.js'

const RETRY_MS = 100

/** What one request carries. */
export interface Told {
  readonly tab: string
  /** How many events came before these. */
  readonly from: number
  readonly events: readonly TabEvent[]
}

export class TabRecorder {
  readonly #tab: string
  readonly #unheard: TabEvent[] = []
  #heard = 0
  #waiting: { readonly upTo: number; readonly resolve: () => void }[] = []
  #isPosting = false

  constructor(tab: string) {
    this.#tab = tab
    addEventListener('pagehide', () => navigator.sendBeacon('/chaos/told', this.#body()))
  }

  /** Tells it some time soon. */
  note(event: TabEvent): void {
    this.#unheard.push(event)
    if (!this.#isPosting) void this.#post()
  }

  /** Resolves when the runner has heard of it. */
  tell(event: TabEvent): Promise<void> {
    this.note(event)
    return this.#untilHeard()
  }

  /** Resolves when the runner has heard of everything so far. */
  flush(): Promise<void> {
    return this.#unheard.length === 0 ? Promise.resolve() : this.#untilHeard()
  }

  #untilHeard(): Promise<void> {
    const upTo = this.#heard + this.#unheard.length
    return new Promise((resolve) => {
      this.#waiting.push({ upTo, resolve })
    })
  }

  async #post(): Promise<void> {
    this.#isPosting = true
    // With what else this turn tells.
    await Promise.resolve()
    while (this.#unheard.length > 0) {
      const count = this.#unheard.length
      if (await isHeard(this.#body())) this.#hear(count)
      else await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
    this.#isPosting = false
  }

  #hear(count: number): void {
    this.#unheard.splice(0, count)
    this.#heard += count
    const done = this.#waiting.filter(({ upTo }) => upTo <= this.#heard)
    this.#waiting = this.#waiting.filter(({ upTo }) => upTo > this.#heard)
    for (const { resolve } of done) resolve()
  }

  #body(): string {
    const told: Told = { tab: this.#tab, from: this.#heard, events: this.#unheard }
    return JSON.stringify(told)
  }
}

async function isHeard(body: string): Promise<boolean> {
  try {
    return (await fetch('/chaos/told', { method: 'POST', body })).ok
  } catch {
    return false
  }
}
