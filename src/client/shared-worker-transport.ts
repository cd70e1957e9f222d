/**
 * A tab's way to the broker in a SharedWorker, over Comlink: this is the one file of the client that
 * knows it. It begins at the worker of this page's own deployment. Where the broker runs in another one's
 * of the same protocol, that worker says so, and the tab goes on to there.
 */
import * as Comlink from 'comlink'
import { TAB_METHODS, type BrokerEndpoint, type TabEndpoint } from '../protocol/endpoints.js'
import { TabmqError } from '../protocol/errors.js'
import type { Elsewhere, Hello, Welcome, WorkerAddress } from '../protocol/hello.js'
import { callsOnly } from '../protocol/port-filter.js'
import type { Request, WireReply } from '../protocol/requests/request.js'
import type { Transport, TransportListener } from './host.js'

/**
 * A worker may die before it has told by which lock its death is noticed. So a tab does not wait long for
 * that before it knocks again: a worker that only starts slowly answers the second knock as well, and in
 * the place of one that is dead there comes another. Where a script takes longer than all of this, the
 * connection begins anew, and so knocks again.
 */
const ATTACH_TIMEOUTS_MS = [250, 500, 1_000, 1_250]
/** The broker may move while a tab is on its way; then it begins again at its own worker. */
const LINES_MAX = 3

export class SharedWorkerTransport implements Transport {
  readonly #startWorker: () => SharedWorker
  readonly #brokerName: string
  readonly #listener: TransportListener
  readonly #abort = new AbortController()
  #line: Line
  #releaseLock: (() => void) | undefined

  constructor(startWorker: () => SharedWorker, brokerName: string, listener: TransportListener) {
    this.#startWorker = startWorker
    this.#brokerName = brokerName
    this.#listener = listener
    this.#line = new Line(startWorker(), listener)
  }

  async hello(hello: Hello): Promise<WireReply<Welcome>> {
    const brokerName = this.#brokerName
    const lockName = `tabmq:${brokerName}:tab:${hello.sessionId}`
    await this.#holdLock(lockName)
    let startWorker = this.#startWorker
    for (let lines = 1; lines <= LINES_MAX; lines++) {
      await this.#attach(startWorker)
      const reply = await this.#line.hello({ ...hello, lockName, brokerName })
      if (!reply.ok) return reply
      const { value } = reply
      if (!('elsewhere' in value)) return { ...reply, value }
      startWorker = () => workerAt(value.elsewhere)
      this.#beginLine(startWorker)
    }
    throw new TabmqError('BROKER_UNAVAILABLE', 'each worker says that the broker is elsewhere', {})
  }

  /** @throws TabmqError BROKER_UNAVAILABLE */
  async #attach(startWorker: () => SharedWorker): Promise<void> {
    for (const [knock, timeoutMs] of ATTACH_TIMEOUTS_MS.entries()) {
      if (knock > 0) this.#beginLine(startWorker)
      if (await this.#line.attach(timeoutMs)) return
    }
    throw notStarted()
  }

  #beginLine(startWorker: () => SharedWorker): void {
    this.#line.close()
    this.#abort.signal.throwIfAborted()
    this.#line = new Line(startWorker(), this.#listener)
  }

  request(request: Request): Promise<WireReply> {
    return this.#line.request(request)
  }

  goodbye(options: { isTabGone: boolean }): void {
    this.#line.goodbye(options)
  }

  close(): void {
    this.#abort.abort()
    this.#releaseLock?.()
    this.#line.close()
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
}

/**
 * A connection to one worker. It has two ports: the worker's, on which the tab calls the broker, and a
 * channel on which the broker calls the tab.
 */
class Line {
  readonly #worker: SharedWorker
  readonly #listener: TransportListener
  /** Comlink makes a proxy whenever one looks at a method: these are all that there are of this line. */
  readonly #broker: ReturnType<typeof proxiesOf>
  readonly #pushes = new MessageChannel()
  readonly #abort = new AbortController()

  constructor(worker: SharedWorker, listener: TransportListener) {
    this.#worker = worker
    this.#listener = listener
    const tab: TabEndpoint = {
      push: (message) => Promise.resolve(listener.onPush(message)),
    }
    Comlink.expose(tab, callsOnly(this.#pushes.port1, TAB_METHODS))
    this.#broker = proxiesOf(worker.port)
  }

  /**
   * Learns the name of the broker's lock: from then on its death is noticed by that. False when the worker
   * has said nothing for so long.
   * @throws TabmqError BROKER_UNAVAILABLE when its script cannot be loaded
   */
  attach(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(false), timeoutMs)
      const { signal } = this.#abort
      signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
      this.#worker.addEventListener('error', () => reject(notStarted()), { once: true, signal })
      this.#broker
        .attach()
        .then((lockName) => {
          this.#watchBroker(lockName)
          resolve(true)
        }, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  hello(hello: Hello): Promise<WireReply<Welcome | Elsewhere>> {
    const port = this.#pushes.port2
    return this.#broker.hello(hello, Comlink.transfer(port, [port]))
  }

  request(request: Request): Promise<WireReply> {
    return this.#broker.request(request)
  }

  goodbye(options: { isTabGone: boolean }): void {
    void this.#broker.goodbye(options)
  }

  /**
   * The ports are closed here and now rather than by Comlink, which would wait for an answer: one that
   * reached a page in the back/forward cache would put it out of there. And so would the callback of a
   * proxy that is garbage: released, they have none.
   */
  close(): void {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    this.#worker.port.close()
    this.#pushes.port1.close()
    for (const proxy of Object.values(this.#broker)) proxy[Comlink.releaseProxy]()
  }

  /** Granted means that the broker, which holds this lock while it lives, is gone. */
  #watchBroker(lockName: string): void {
    const { signal } = this.#abort
    navigator.locks
      .request(lockName, { mode: 'shared', signal }, () => this.#listener.onLost())
      .catch(() => {
        // Aborted: this line was closed.
      })
  }
}

function proxiesOf(port: MessagePort) {
  const whole = Comlink.wrap<BrokerEndpoint<MessagePort>>(port)
  const { attach, hello, request, goodbye } = whole
  return { whole, attach, hello, request, goodbye }
}

function workerAt({ url, name, type }: WorkerAddress): SharedWorker {
  return new SharedWorker(url, { name, type })
}

function notStarted(): TabmqError {
  return new TabmqError(
    'BROKER_UNAVAILABLE',
    'the worker did not start: its script could not be loaded, or was started with other options',
    {},
  )
}
