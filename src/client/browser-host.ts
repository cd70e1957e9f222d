/**
 * The client's world in a page: real time, the page's lifecycle, and the SharedWorker, reached
 * through Comlink. This is the one file of the client that knows Comlink. A transport holds two
 * ports: the worker's, on which the tab calls the broker, and a channel on which the broker calls
 * the tab.
 */
import * as Comlink from 'comlink'
import { TAB_METHODS, type BrokerEndpoint, type TabEndpoint } from '../protocol/endpoints.js'
import { TabmqError } from '../protocol/errors.js'
import { TIMER_MS_MAX } from '../protocol/limits.js'
import { callsOnly } from '../protocol/port-filter.js'
import type { Hello, Request, Welcome, WireReply } from '../protocol/requests.js'
import type { ClientHost, PageListener, Transport, TransportListener } from './host.js'

/** Where the broker's worker comes from; the default needs nothing. */
export type WorkerSource = URL | string | (() => SharedWorker)

/** A worker's script is loaded in far less; a tab that waits in vain tries again. */
const ATTACH_TIMEOUT_MS = 3_000

export class BrowserHost implements ClientHost {
  readonly #name: string
  readonly #worker: WorkerSource | undefined

  constructor(name: string, worker: WorkerSource | undefined) {
    this.#name = name
    this.#worker = worker
  }

  nowMs(): number {
    return Date.now()
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.min(delayMs, TIMER_MS_MAX))
    return () => clearTimeout(timer)
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
    return new SharedWorkerTransport(this.#startWorker(), this.#name, listener)
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

class SharedWorkerTransport implements Transport {
  readonly #worker: SharedWorker
  readonly #name: string
  readonly #listener: TransportListener
  readonly #broker: Comlink.Remote<BrokerEndpoint<MessagePort>>
  readonly #pushes = new MessageChannel()
  readonly #abort = new AbortController()
  #releaseLock: (() => void) | undefined

  constructor(worker: SharedWorker, name: string, listener: TransportListener) {
    this.#worker = worker
    this.#name = name
    this.#listener = listener
    const tab: TabEndpoint = {
      push: (message) => {
        listener.onPush(message)
        return Promise.resolve()
      },
    }
    Comlink.expose(tab, callsOnly(this.#pushes.port1, TAB_METHODS))
    this.#broker = Comlink.wrap<BrokerEndpoint<MessagePort>>(worker.port)
  }

  async hello(hello: Hello): Promise<WireReply<Welcome>> {
    const lockName = `tabmq:${this.#name}:tab:${hello.sessionId}`
    await this.#holdLock(lockName)
    this.#watchBroker(await this.#attach())
    const port = this.#pushes.port2
    const named = { ...hello, lockName, brokerName: this.#name }
    return this.#broker.hello(named, Comlink.transfer(port, [port]))
  }

  /**
   * The name of the broker's lock. A worker that dies before it has told it, or whose script does not
   * load, is noticed by time: everything after this is noticed by the lock.
   */
  #attach(): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(notStarted()), ATTACH_TIMEOUT_MS)
      const { signal } = this.#abort
      signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
      this.#worker.addEventListener('error', () => reject(notStarted()), { once: true, signal })
      this.#broker
        .attach()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  request(request: Request): Promise<WireReply> {
    return this.#broker.request(request)
  }

  goodbye(options: { isTabGone: boolean }): void {
    void this.#broker.goodbye(options)
  }

  /**
   * The ports are closed here and now rather than released through Comlink, which would wait for an
   * answer: one that reached a page in the back/forward cache would put it out of there.
   */
  close(): void {
    this.#abort.abort()
    this.#releaseLock?.()
    this.#worker.port.close()
    this.#pushes.port1.close()
  }

  /** The lock that tells the broker that this tab lives; it frees itself when the tab is gone. */
  #holdLock(lockName: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const held = new Promise<void>((release) => {
        this.#releaseLock = release
      })
      const { signal } = this.#abort
      navigator.locks
        .request(lockName, { signal }, () => {
          resolve()
          return held
        })
        .catch(reject)
    })
  }

  /** Granted means that the broker, which holds this lock while it lives, is gone. */
  #watchBroker(lockName: string): void {
    const { signal } = this.#abort
    navigator.locks
      .request(lockName, { mode: 'shared', signal }, () => this.#listener.onLost())
      .catch(() => {
        // Aborted: this transport was closed.
      })
  }
}

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

function notStarted(): TabmqError {
  return new TabmqError(
    'BROKER_UNAVAILABLE',
    'the worker did not start: its script could not be loaded, or was started with other options',
    {},
  )
}
