/** The client's world in a page: real time, the page's lifecycle, and the SharedWorker. */
import { TabmqError } from '../protocol/errors.js'
import { TIMER_MS_MAX } from '../protocol/limits.js'
import type { ClientHost, PageListener, Transport, TransportListener } from './host.js'
import { SharedWorkerTransport } from './shared-worker-transport.js'

/** Where the broker's worker comes from; the default needs nothing. */
export type WorkerSource = URL | string | (() => SharedWorker)

export class BrowserHost implements ClientHost {
  readonly #name: string
  readonly #worker: WorkerSource | undefined

  constructor(name: string, worker: WorkerSource | undefined) {
    this.#name = name
    this.#worker = worker
  }

  nowMs(): number {
    return Math.floor(performance.now())
  }

  wallMs(): number {
    return Date.now()
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.min(delayMs, TIMER_MS_MAX))
    return () => clearTimeout(timer)
  }

  /** By a message, since the timers of a hidden page are slow. */
  nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      turns.next(resolve)
    })
  }

  random(): number {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2))
    return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53
  }

  freshId(): string {
    return crypto.randomUUID()
  }

  async openTransport(listener: TransportListener): Promise<Transport> {
    checkPlatform()
    return new SharedWorkerTransport(() => this.#startWorker(), this.#name, listener)
  }

  watchPage(listener: PageListener): () => void {
    const onHide = (event: PageTransitionEvent) => listener.onHide({ mayReturn: event.persisted })
    const onShow = () => listener.onReturn()
    // A page that is rendered on a server: a client may be made there, and fails when it is used.
    if (typeof document === 'undefined') return () => {}
    globalThis.addEventListener('pagehide', onHide)
    globalThis.addEventListener('pageshow', onShow)
    return () => {
      globalThis.removeEventListener('pagehide', onHide)
      globalThis.removeEventListener('pageshow', onShow)
    }
  }

  reportError(error: unknown): void {
    globalThis.reportError(error)
  }

  #startWorker(): SharedWorker {
    const worker = this.#worker
    const name = `tabmq:${this.#name}`
    try {
      if (typeof worker === 'function') return worker()
      if (worker !== undefined) {
        checkSameOrigin(worker)
        return new SharedWorker(worker, { type: 'module', name })
      }
      return new SharedWorker(new URL('../../worker/shared-worker.js', import.meta.url), {
        type: 'module',
        name,
      })
    } catch (cause) {
      if (cause instanceof TabmqError) throw cause
      const isBlocked = cause instanceof DOMException && cause.name === 'SecurityError'
      throw isBlocked
        ? new TabmqError('STORAGE_BLOCKED', 'this page may not use workers or storage', {}, cause)
        : new TabmqError(
            'INVALID_CONFIG',
            `the worker cannot be started: ${String(cause)}`,
            {},
            cause,
          )
    }
  }
}

/** Turns of the page's event loop, by messages to itself. */
class Turns {
  readonly #waiting: (() => void)[] = []
  #channel: MessageChannel | undefined

  next(callback: () => void): void {
    this.#waiting.push(callback)
    this.#channel ??= this.#open()
    this.#channel.port2.postMessage(undefined)
  }

  #open(): MessageChannel {
    const channel = new MessageChannel()
    channel.port1.addEventListener('message', () => this.#waiting.shift()?.())
    channel.port1.start()
    return channel
  }
}

/** Those of the page, whoever waits: a channel is never garbage while it listens. */
const turns = new Turns()

/** @throws TabmqError INSECURE_CONTEXT, SHARED_WORKER_UNSUPPORTED */
function checkPlatform(): void {
  if (typeof document === 'undefined') {
    throw new TabmqError(
      'SHARED_WORKER_UNSUPPORTED',
      'tabmq runs in pages only: neither in Node, where tabmq/testing does, nor in a worker',
      {},
    )
  }
  if (!globalThis.isSecureContext) {
    throw new TabmqError(
      'INSECURE_CONTEXT',
      'tabmq needs a secure context: serve the page over https, or from localhost',
      {},
    )
  }
  if (typeof SharedWorker === 'undefined') {
    throw new TabmqError('SHARED_WORKER_UNSUPPORTED', 'this browser has no SharedWorker', {})
  }
}

/**
 * A browser would call it a security error, as it does when storage is blocked.
 * @throws TabmqError INVALID_CONFIG
 */
function checkSameOrigin(worker: URL | string): void {
  const { origin, protocol, href } = new URL(worker, document.baseURI)
  if (origin === location.origin || protocol === 'data:') return
  throw new TabmqError('INVALID_CONFIG', `the worker must be of this origin, not ${href}`, {
    worker: href,
  })
}
