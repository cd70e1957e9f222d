/**
 * One tab's port: what arrives on it goes to the broker as one session. This is the one file of the
 * worker that knows Comlink.
 */
import * as Comlink from 'comlink'
import type { PushPort } from '../src/broker/ports.js'
import type { Broker } from '../src/broker/runtime/broker.js'
import type { BrokerEndpoint, TabEndpoint } from '../src/protocol/endpoints.js'
import { TabmqError, toWireError } from '../src/protocol/errors.js'
import type { SessionId } from '../src/protocol/names.js'
import type { Hello, Welcome, WireReply } from '../src/protocol/requests.js'
import { parseHello } from '../src/protocol/parse-request.js'
import { watchLock } from './locks.js'

/** Serves a port. `start` gives the broker, started or being so; it may fail and be tried again. */
export function servePort(port: MessagePort, start: () => Promise<Broker>): void {
  Comlink.expose(new TabPort(start), port)
}

class TabPort implements BrokerEndpoint<MessagePort> {
  readonly #start: () => Promise<Broker>
  #session: { readonly broker: Broker; readonly sessionId: SessionId } | undefined
  #stopWatching: (() => void) | undefined

  constructor(start: () => Promise<Broker>) {
    this.#start = start
  }

  async hello(hello: Hello, pushPort: MessagePort): Promise<WireReply<Welcome>> {
    try {
      const { sessionId, lockName } = parseHello(hello)
      const broker = await this.#start()
      const value = broker.connect(hello, new TabPush(pushPort))
      this.#session = { broker, sessionId }
      this.#stopWatching?.()
      if (lockName !== undefined) {
        this.#stopWatching = watchLock(lockName, () => this.#end({ isTabGone: true }))
      }
      return { incarnation: broker.incarnation, ok: true, value }
    } catch (error) {
      return { incarnation: 'none', ok: false, error: toWireError(error) }
    }
  }

  async request(request: unknown): Promise<WireReply> {
    if (this.#session !== undefined) {
      const { broker, sessionId } = this.#session
      return broker.handle(sessionId, request)
    }
    const error = new TabmqError('BROKER_UNAVAILABLE', 'hello comes before the first request', {})
    return { incarnation: 'none', ok: false, error: toWireError(error) }
  }

  async goodbye(options: { isTabGone: boolean }): Promise<void> {
    this.#end({ isTabGone: options.isTabGone })
  }

  #end(options: { isTabGone: boolean }): void {
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    this.#stopWatching?.()
    void session.broker.endSession(session.sessionId, options)
  }
}

/** The broker's way back: the tab exposes its end on a channel of its own. */
class TabPush implements PushPort {
  readonly #tab: Comlink.Remote<TabEndpoint>

  constructor(port: MessagePort) {
    this.#tab = Comlink.wrap<TabEndpoint>(port)
  }

  push(message: Parameters<TabEndpoint['push']>[0]): Promise<void> {
    return this.#tab.push(message)
  }
}
