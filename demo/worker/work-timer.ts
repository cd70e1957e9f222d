/**
 * What a message's work is in the demo: waiting, also while the tab is hidden. Timers are late by a
 * millisecond or so each; the next one makes up for it, so that a message takes the time it is to
 * take on average.
 */
const DEBT_MS_MAX = 20

export class WorkTimer {
  readonly #worker = new Worker(new URL('./timer-worker.ts', import.meta.url), { type: 'module' })
  readonly #waiting = new Map<number, () => void>()
  #lastId = 0
  #dueMs = 0

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<number>) => {
      this.#waiting.get(data)?.()
      this.#waiting.delete(data)
    }
  }

  async work(ms: number): Promise<void> {
    const nowMs = performance.now()
    this.#dueMs = Math.max(this.#dueMs, nowMs - DEBT_MS_MAX) + ms
    if (this.#dueMs > nowMs) await this.wait(this.#dueMs - nowMs)
  }

  /** Exactly so long, whatever else is worked on. */
  wait(ms: number): Promise<void> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#worker.postMessage({ id, ms })
    })
  }
}
