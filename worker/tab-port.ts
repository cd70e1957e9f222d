/**
 * One tab's port: what arrives on it goes to the broker as one session. This is the one file of the
 * worker that knows Comlink.
 */
import * as Comlink from 'comlink'
import type { PushPort } from '../src/broker/ports.js'
import type { Broker } from '../src/broker/runtime/broker.js'
import type { WorkerBrokers } from '../src/broker/runtime/worker-brokers.js'
import { BROKER_METHODS, type BrokerEndpoint, type TabEndpoint } from '../src/protocol/endpoints.js'
import { hasCode, TabmqError, toWireError } from '../src/protocol/errors.js'
import type { Elsewhere, Hello, Welcome } from '../src/protocol/hello.js'
import { describe, type SessionId } from '../src/protocol/names.js'
import { parseHello } from '../src/protocol/parse-hello.js'
import { acknowledgementsOnly, callsOnly } from '../src/protocol/port-filter.js'
import type { WireReply } from '../src/protocol/requests/request.js'
import { watchLock } from './locks.js'

/** Sent long before by then, and only waiting for their turn in this thread. */
const LAST_WORDS_MS = 25

export interface ServingWorker {
  /** The lock that the worker holds while it lives, once it does. */
  readonly alive: Promise<string>
  readonly brokers: WorkerBrokers
}

export function servePort(port: MessagePort, worker: ServingWorker): void {
  Comlink.expose(new TabPort(port, worker), callsOnly(port, BROKER_METHODS))
}

interface TabSession {
  readonly broker: Broker
  readonly sessionId: SessionId
  readonly port: TabPush
}

class TabPort implements BrokerEndpoint<MessagePort> {
  readonly #port: MessagePort
  readonly #worker: ServingWorker
  #session: TabSession | undefined
  #stopWatching: (() => void) | undefined

  constructor(port: MessagePort, worker: ServingWorker) {
    this.#port = port
    this.#worker = worker
  }

  attach(): Promise<string> {
    return this.#worker.alive
  }

  async hello(hello: Hello, pushPort: MessagePort): Promise<WireReply<Welcome | Elsewhere>> {
    try {
      const { sessionId, lockName, brokerName } = parseHello(hello)
      checkPushPort(pushPort)
      const served = await this.#worker.brokers.start(brokerName)
      if (served.type === 'elsewhere') {
        pushPort.close()
        return { incarnation: 'none', ok: true, value: { elsewhere: served.address } }
      }
      const { broker } = served
      const port = new TabPush(pushPort)
      const value = broker.connect(hello, port)
      // Of the same tab under the same name this ends the old port alone.
      if (this.#session !== undefined) endSession(this.#session, { isTabGone: false })
      this.#session = { broker, sessionId, port }
      this.#stopWatching?.()
      if (lockName !== undefined) {
        this.#stopWatching = watchLock(lockName, () => this.#endAfterLastWords())
      }
      return { incarnation: broker.incarnation, ok: true, value }
    } catch (error) {
      return { incarnation: 'none', ok: false, error: toWireError(this.#toTell(error)) }
    }
  }

  async request(request: unknown): Promise<WireReply> {
    if (this.#session !== undefined) {
      const { broker, sessionId } = this.#session
      const reply = await broker.handle(sessionId, request)
      return Comlink.transfer(reply, broker.transferable(reply))
    }
    const error = new TabmqError('BROKER_UNAVAILABLE', 'hello comes before the first request', {})
    return { incarnation: 'none', ok: false, error: toWireError(error) }
  }

  /** Whatever it brings, it ends the session; only a plain `true` says that the tab is gone. */
  async goodbye(options?: { isTabGone?: unknown } | null): Promise<void> {
    this.#end({ isTabGone: options?.isTabGone === true })
  }

  /** A tab that is newer than this worker is to try again, until it finds a newer worker here. */
  #toTell(error: unknown): unknown {
    if (!hasCode(error, 'UNSUPPORTED_VERSION')) return error
    const what = this.#worker.brokers.makeRoom() ? 'ends' : 'has only just started'
    const message = `the worker is of an older deployment and ${what}: ${error.message}`
    return new TabmqError('BROKER_UNAVAILABLE', message, error.details, error)
  }

  /**
   * That the lock is free may be heard before what the tab sent last: its commits, its goodbye. Only
   * a goodbye says for good that the tab is gone; until then it may be on its way into the
   * back/forward cache, and its producers must not be forgotten.
   */
  #endAfterLastWords(): void {
    setTimeout(() => this.#end({ isTabGone: false }), LAST_WORDS_MS)
  }

  /** Nothing is posted after this: a page in the back/forward cache would be put out of it. */
  #end(options: { isTabGone: boolean }): void {
    this.#port.close()
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    this.#stopWatching?.()
    endSession(session, options)
  }
}

/** @throws TabmqError INVALID_REQUEST */
function checkPushPort(pushPort: unknown): void {
  if (pushPort instanceof MessagePort) return
  const message = `hello brings a MessagePort to push to, not ${describe(pushPort)}`
  throw new TabmqError('INVALID_REQUEST', message, { field: 'hello.pushPort' })
}

function endSession(
  { broker, sessionId, port }: TabSession,
  options: { isTabGone: boolean },
): void {
  port.close()
  broker.endSession(sessionId, { ...options, port }).catch(() => {
    // The broker itself has ended, and said so.
  })
}

/** The broker's way back: the tab exposes its end on a channel of its own. */
class TabPush implements PushPort {
  readonly #port: MessagePort
  readonly #tab: Comlink.Remote<TabEndpoint>

  constructor(port: MessagePort) {
    this.#port = port
    this.#tab = Comlink.wrap<TabEndpoint>(acknowledgementsOnly(port))
  }

  close(): void {
    this.#port.close()
  }

  push(message: Parameters<TabEndpoint['push']>[0]): Promise<boolean> {
    return this.#tab.push(message)
  }
}
