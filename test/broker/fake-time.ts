/** A clock and a timer that go on only when a test says so. */
import type { Clock, Timer } from '../../src/broker/ports.js'

interface Scheduled {
  readonly dueMs: number
  readonly callback: () => void
}

export class FakeTime implements Clock, Timer {
  #nowMs = 1_000_000
  readonly #scheduled = new Set<Scheduled>()

  nowMs(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const scheduled = { dueMs: this.#nowMs + delayMs, callback }
    this.#scheduled.add(scheduled)
    return () => {
      this.#scheduled.delete(scheduled)
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#scheduled.size
  }

  /** Goes on by `ms`; every timer fires when it is due. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      await allDone()
      const next = this.#next()
      if (next === undefined || next.dueMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#scheduled.delete(next)
      next.callback()
    }
    this.#nowMs = endMs
  }

  /** The machine sleeps for `ms`: what became due meanwhile fires late, when it wakes up. */
  async sleep(ms: number): Promise<void> {
    this.#nowMs += ms
    await this.advance(0)
  }

  /** Time passes, and no timer has come to its turn yet. */
  pass(ms: number): void {
    this.#nowMs += ms
  }

  #next(): Scheduled | undefined {
    let next: Scheduled | undefined
    for (const each of this.#scheduled) {
      if (next === undefined || each.dueMs < next.dueMs) next = each
    }
    return next
  }
}

/** Resolves when everything that could go on without a timer, or something held back, has. */
export function allDone(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
