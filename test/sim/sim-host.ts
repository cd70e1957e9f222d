/**
 * A tab's world: the ClientHost over a process of the scheduler. The page can be hidden (its timers
 * become slow), put into the back/forward cache and taken out again.
 */
import type {
  ClientHost,
  PageListener,
  Transport,
  TransportListener,
} from '../../src/client/host.js'
import type { Prng } from '../../src/std/prng.js'
import type { Deployment } from './deployments.js'
import type { Process } from './scheduler.js'
import type { SimBrowser } from './sim-browser.js'
import { SimTransport } from './sim-transport.js'

/** Chained timers of a hidden page: one a second. */
const HIDDEN_TIMER_MS = 1_000

export interface SimHostParts {
  readonly process: Process
  readonly browser: SimBrowser
  readonly page: Deployment
  readonly prng: Prng
  readonly onError: (error: unknown) => void
}

export class SimHost implements ClientHost {
  readonly #parts: SimHostParts
  readonly #pageListeners = new Set<PageListener>()
  #transport: SimTransport | undefined
  #idCount = 0
  isHidden = false

  constructor(parts: SimHostParts) {
    this.#parts = parts
  }

  get transport(): SimTransport | undefined {
    return this.#transport
  }

  nowMs(): number {
    return this.#parts.browser.nowMs
  }

  wallMs(): number {
    return this.#parts.browser.wallMs
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const slowedMs = this.isHidden ? Math.max(HIDDEN_TIMER_MS, delayMs) : delayMs
    return this.#parts.process.schedule(slowedMs, 'timer', callback)
  }

  nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.process.schedule(0, 'next turn', resolve)
    })
  }

  random(): number {
    return this.#parts.prng.float()
  }

  /** In no order that means anything, as random ids are. */
  freshId(): string {
    const { process, prng } = this.#parts
    return `${prng.below(0x1_0000).toString(16).padStart(4, '0')}-${process.name}-${this.#idCount++}`
  }

  openTransport(listener: TransportListener): Promise<Transport> {
    const { browser, process: tab, page } = this.#parts
    this.#transport = new SimTransport({ browser, tab, page, listener })
    return Promise.resolve(this.#transport)
  }

  watchPage(listener: PageListener): () => void {
    this.#pageListeners.add(listener)
    return () => {
      this.#pageListeners.delete(listener)
    }
  }

  reportError(error: unknown): void {
    this.#parts.onError(error)
  }

  hidePage(options: { mayReturn: boolean }): void {
    for (const listener of this.#pageListeners) listener.onHide(options)
  }

  showPage(): void {
    for (const listener of this.#pageListeners) listener.onReturn()
  }
}
