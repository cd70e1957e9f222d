/**
 * A tab's way to the broker: through the worker of its deployment, or through the one where that says
 * that the broker is. As SharedWorkerTransport does it, with which it has to be kept in step.
 */
import type { Transport, TransportListener } from '../../src/client/host.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { Hello, Welcome } from '../../src/protocol/hello.js'
import type { Request, WireReply } from '../../src/protocol/requests/request.js'
import type { Deployment } from './deployments.js'
import type { Process } from './scheduler.js'
import type { SimBrowser } from './sim-browser.js'
import { SimLine } from './sim-line.js'

const LINES_MAX = 3

export class SimTransport implements Transport {
  readonly #parts: SimTransportParts
  #line: SimLine
  #isClosed = false

  constructor(parts: SimTransportParts) {
    this.#parts = parts
    this.#line = this.#open(parts.page.url)
  }

  isUpTo(broker: Broker | undefined): boolean {
    return this.#line.isUpTo(broker)
  }

  async hello(hello: Hello): Promise<WireReply<Welcome>> {
    const { protocolVersion } = this.#parts.page
    for (let lines = 1; lines <= LINES_MAX; lines++) {
      const reply = await this.#line.hello({ ...hello, protocolVersion })
      if (!reply.ok) return reply
      const { value } = reply
      if (!('elsewhere' in value)) return { ...reply, value }
      this.#line.close()
      if (this.#isClosed) break
      this.#line = this.#open(value.elsewhere.url)
    }
    throw new TabmqError('BROKER_UNAVAILABLE', 'each worker says that the broker is elsewhere', {})
  }

  request(request: Request): Promise<WireReply> {
    return this.#line.request(request)
  }

  goodbye(options: { isTabGone: boolean }): void {
    this.#line.goodbye(options)
  }

  close(): void {
    this.#isClosed = true
    this.#line.close()
  }

  tabDied(): void {
    this.#line.tabDied()
  }

  #open(url: string): SimLine {
    const { browser, tab, listener } = this.#parts
    const line = new SimLine(browser, { tab, listener, worker: browser.workerAt(url, tab) })
    browser.lineOpened(line)
    return line
  }
}

export interface SimTransportParts {
  readonly browser: SimBrowser
  readonly tab: Process
  /** What the tab was loaded with. */
  readonly page: Deployment
  readonly listener: TransportListener
}
