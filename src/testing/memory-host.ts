/**
 * A client's world without a browser: the transport calls the broker directly. Values still cross as
 * the structured clones they would be over a port, so that nothing works here that fails there.
 */
import type { PushPort } from '../broker/ports.js'
import type { Broker } from '../broker/runtime/broker.js'
import type { ClientHost, Transport, TransportListener } from '../client/host.js'
import { toWireError } from '../protocol/errors.js'
import type { Hello, Welcome } from '../protocol/hello.js'
import { TIMER_MS_MAX } from '../protocol/limits.js'
import type { SessionId } from '../protocol/names.js'
import type { Push } from '../protocol/push.js'
import type { Request, WireReply } from '../protocol/requests/request.js'

/** Where a client finds the broker, and hears that it is gone. */
export interface MemoryBrokerPort {
  /** The running broker. Rejects while there is none. */
  current(): Promise<Broker>
  onGone(listener: () => void): () => void
}

export class MemoryHost implements ClientHost {
  readonly #port: MemoryBrokerPort

  constructor(port: MemoryBrokerPort) {
    this.#port = port
  }

  /** Fake timers always have a `Date`, not always a `performance`; and nobody sets a test's clock. */
  nowMs(): number {
    return Date.now()
  }

  wallMs(): number {
    return Date.now()
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.min(delayMs, TIMER_MS_MAX))
    return () => clearTimeout(timer)
  }

  random(): number {
    return Math.random()
  }

  freshId(): string {
    return crypto.randomUUID()
  }

  nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.setTimer(0, resolve)
    })
  }

  async openTransport(listener: TransportListener): Promise<Transport> {
    return new MemoryTransport(this.#port, await this.#port.current(), listener)
  }

  watchPage(): () => void {
    return () => {}
  }

  /** As an uncaught error: loud in every test runner. */
  reportError(error: unknown): void {
    queueMicrotask(() => {
      throw error
    })
  }
}

class MemoryTransport implements Transport {
  readonly #broker: Broker
  readonly #listener: TransportListener
  readonly #stopListening: () => void
  #sessionId: SessionId | undefined
  #isClosed = false

  constructor(port: MemoryBrokerPort, broker: Broker, listener: TransportListener) {
    this.#broker = broker
    this.#listener = listener
    this.#stopListening = port.onGone(() => listener.onLost())
  }

  async hello(hello: Hello): Promise<WireReply<Welcome>> {
    const { incarnation } = this.#broker
    const port: PushPort = { push: (message) => this.#push(message) }
    try {
      const value = this.#broker.connect(hello, port)
      this.#sessionId = hello.sessionId
      return { incarnation, ok: true, value }
    } catch (error) {
      return { incarnation, ok: false, error: toWireError(error) }
    }
  }

  async request(request: Request): Promise<WireReply> {
    const sessionId = this.#sessionId ?? ('none' as SessionId)
    return structuredClone(await this.#broker.handle(sessionId, structuredClone(request)))
  }

  goodbye(options: { isTabGone: boolean }): void {
    if (this.#sessionId !== undefined) void this.#broker.endSession(this.#sessionId, options)
  }

  close(): void {
    this.#isClosed = true
    this.#stopListening()
  }

  async #push(message: Push): Promise<boolean> {
    const copy = structuredClone(message)
    await Promise.resolve()
    return !this.#isClosed && this.#listener.onPush(copy)
  }
}
