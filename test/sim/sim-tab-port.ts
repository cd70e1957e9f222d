/** The worker's end of the ways between a tab and a worker: what TabPort is in worker/tab-port.ts. */
import type { PushPort } from '../../src/broker/ports.js'
import type { Broker } from '../../src/broker/runtime/broker.js'
import { hasCode, TabmqError, toWireError } from '../../src/protocol/errors.js'
import type { Elsewhere, Hello, Welcome } from '../../src/protocol/hello.js'
import type { SessionId } from '../../src/protocol/names.js'
import { parseHello } from '../../src/protocol/parse-hello.js'
import { PROTOCOL_VERSION } from '../../src/protocol/protocol-version.js'
import type { Request, WireReply } from '../../src/protocol/requests/request.js'
import type { Greeting } from './history.js'
import type { SimWorker } from './sim-worker.js'

export class SimTabPort {
  readonly #worker: SimWorker
  readonly #tab: string
  readonly #pushPort: PushPort
  #session:
    | { readonly broker: Broker; readonly sessionId: SessionId; readonly greeting: Greeting }
    | undefined
  #isTabGone = false
  /** Nothing is posted any more. */
  #isClosed = false

  constructor({ worker, tab, pushPort }: { worker: SimWorker; tab: string; pushPort: PushPort }) {
    this.#worker = worker
    this.#tab = tab
    this.#pushPort = pushPort
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The broker that this tab has greeted. */
  get broker(): Broker | undefined {
    return this.#session?.broker
  }

  async hello(hello: Hello): Promise<WireReply<Welcome | Elsewhere>> {
    try {
      const ours = this.#asOurs(hello)
      const { sessionId } = parseHello(ours)
      const served = await this.#worker.start()
      if (served.type === 'elsewhere') {
        return { incarnation: 'none', ok: true, value: { elsewhere: served.address } }
      }
      const { broker } = served
      const value = broker.connect(ours, this.#pushPort)
      const greeting = { sessionId, incarnation: broker.incarnation }
      this.#session = { broker, sessionId, greeting }
      this.#worker.tell({ type: 'greeted', greeting })
      if (this.#isTabGone) this.#end({ isTabGone: false })
      return { incarnation: broker.incarnation, ok: true, value }
    } catch (error) {
      return { incarnation: 'none', ok: false, error: toWireError(this.#toTell(error)) }
    }
  }

  async request(request: Request): Promise<WireReply> {
    if (this.#session !== undefined) {
      return this.#worker.answer({ ...this.#session, tab: this.#tab }, request)
    }
    const error = new TabmqError('BROKER_UNAVAILABLE', 'hello comes before the first request', {})
    return { incarnation: 'none', ok: false, error: toWireError(error) }
  }

  goodbye(options: { isTabGone: boolean }): void {
    this.#end(options)
  }

  /** The tab's lock is free. */
  tabGone(): void {
    this.#isTabGone = true
    this.#end({ isTabGone: false })
  }

  /** The code of all deployments here is of one version: what tells them apart is the difference. */
  #asOurs(hello: Hello): Hello {
    const newerBy = Math.sign(hello.protocolVersion - this.#worker.script.protocolVersion)
    return { ...hello, protocolVersion: PROTOCOL_VERSION + newerBy }
  }

  /** A tab that is newer than this worker is to try again, and to find a newer worker here. */
  #toTell(error: unknown): unknown {
    if (!hasCode(error, 'UNSUPPORTED_VERSION')) return error
    const what = this.#worker.makeRoom() ? 'ends' : 'has only just started'
    const message = `the worker is of an older deployment and ${what}: ${error.message}`
    return new TabmqError('BROKER_UNAVAILABLE', message, error.details, error)
  }

  #end(options: { isTabGone: boolean }): void {
    this.#isClosed = true
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    const { broker, sessionId, greeting } = session
    this.#worker.tell({ type: 'sessionEnded', greeting })
    void broker.endSession(sessionId, { ...options, port: this.#pushPort })
  }
}
