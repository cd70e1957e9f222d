/**
 * The ways between a tab and one worker, as shared-worker-transport.ts has them over Comlink: requests
 * and replies on one port, pushes on another, locks as signs of life. Either side learns of the
 * other's death by its lock, after a while. What that file and tab-port.ts do about order and timeouts
 * is done here and in sim-tab-port.ts again, and has to be kept in step with them.
 */
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { TransportListener } from '../../src/client/host.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { Elsewhere, Hello, Welcome } from '../../src/protocol/hello.js'
import type { Push } from '../../src/protocol/push.js'
import type { Request, WireReply } from '../../src/protocol/requests/request.js'
import { describeReply, describeRequest } from './describe-message.js'
import type { Lane } from './lane.js'
import type { Process } from './scheduler.js'
import type { SimBrowser } from './sim-browser.js'
import { SimTabPort } from './sim-tab-port.js'
import type { SimWorker } from './sim-worker.js'

const ATTACH_TIMEOUT_MS = 3_000

/** The tab's end. */
export class SimLine {
  readonly worker: SimWorker
  readonly #browser: SimBrowser
  readonly #tab: Process
  readonly #listener: TransportListener
  readonly #port: SimTabPort
  readonly #up: Lane
  readonly #down: Lane
  readonly #pushes: Lane
  #isClosed = false
  #watchesBroker = false

  constructor(
    browser: SimBrowser,
    { tab, worker, listener }: { tab: Process; worker: SimWorker; listener: TransportListener },
  ) {
    this.#browser = browser
    this.worker = worker
    this.#tab = tab
    this.#listener = listener
    this.#up = browser.lane(worker.process)
    this.#down = browser.lane(tab)
    this.#pushes = browser.lane(tab)
    this.#port = new SimTabPort({
      worker,
      tab: tab.name,
      pushPort: { push: (message) => this.#push(message) },
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether the tab has a connection to that broker by this, and believes in it. */
  isUpTo(broker: Broker | undefined): boolean {
    return this.#watchesBroker && !this.#isClosed && this.#port.broker === broker
  }

  async hello(hello: Hello): Promise<WireReply<Welcome | Elsewhere>> {
    const waitMs = this.#browser.lockWaitMs(this.#tab)
    if (waitMs > 0) await this.#tab.sleep(waitMs)
    await this.#attach()
    this.#watchesBroker = true
    if (this.worker.process.isDead) this.brokerDied()
    return this.#call('hello', hello, {
      answer: (copy) => this.#port.hello(copy),
      describe: describeGreeting,
    })
  }

  request(request: Request): Promise<WireReply> {
    return this.#call(describeRequest(request), request, {
      answer: (copy) => this.#port.request(copy),
      describe: (reply) => describeReply(request, reply),
    })
  }

  goodbye(options: { isTabGone: boolean }): void {
    this.#post('goodbye', options, (copy) => this.#port.goodbye(copy))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#releaseLock()
  }

  /** The worker's lock is free: the tab hears of it in a while. */
  brokerDied(): void {
    this.#down.senderDied()
    this.#pushes.senderDied()
    if (!this.#watchesBroker) return
    this.#tab.schedule(this.#browser.lockDelayMs(), 'hears that the broker is gone', () => {
      if (!this.#isClosed) this.#listener.onLost()
    })
  }

  tabDied(): void {
    this.#up.senderDied()
    this.#isClosed = true
    this.#releaseLock()
  }

  /** A worker that is dead already is noticed by time; one that dies later by its lock. */
  #attach(): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#tab.schedule(ATTACH_TIMEOUT_MS, 'attached to nothing', () => {
        reject(new TabmqError('BROKER_UNAVAILABLE', 'the worker did not start', {}))
      })
      this.#post('attach', undefined, () => {
        this.#down.post(this.#browser.nowMs, 'attached', undefined, () => {
          cancel()
          resolve()
        })
      })
    })
  }

  #releaseLock(): void {
    const delayMs = this.#browser.lockDelayMs()
    this.#browser.lockReleased(this.#tab, delayMs)
    this.worker.process.schedule(delayMs, `gets the lock of ${this.#tab.name}`, () => {
      this.#port.tabGone()
    })
  }

  #push(message: Push): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#port.isClosed) return
      this.#pushes.post(this.#browser.nowMs, `push ${message.push}`, message, (copy) => {
        if (this.#isClosed) return
        const isOfUse = this.#listener.onPush(copy)
        this.#up.post(this.#browser.nowMs, 'pushed', isOfUse, resolve)
      })
    })
  }

  #post<T>(label: string, message: T, deliver: (copy: T) => void): void {
    if (this.#isClosed) return
    this.#up.post(this.#browser.nowMs, `${this.#tab.name} ${label}`, message, deliver)
  }

  #call<T, R extends WireReply>(
    label: string,
    message: T,
    { answer, describe }: { answer: (copy: T) => Promise<R>; describe: (reply: R) => string },
  ): Promise<R> {
    return new Promise((resolve) => {
      this.#post(label, message, (copy) => {
        void answer(copy).then((reply) => {
          if (this.#port.isClosed) return
          this.#down.post(this.#browser.nowMs, describe(reply), reply, (copied) => {
            if (!this.#isClosed) resolve(copied)
          })
        })
      })
    })
  }
}

function describeGreeting(reply: WireReply<Welcome | Elsewhere>): string {
  if (!reply.ok) return `hello: ${reply.error.code}`
  return 'elsewhere' in reply.value ? `hello: it is at ${reply.value.elsewhere.url}` : 'hello: ok'
}
