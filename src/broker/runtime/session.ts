/**
 * A tab that is connected: who it is, the way back to it, and what it has under way here. Soft
 * state of the runtime; what it is a member of is the coordinator's.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { ProducerId, SessionId } from '../../protocol/names.js'
import type { SessionDescription } from '../../protocol/requests.js'
import type { PushPort } from '../ports.js'

export class Session {
  readonly sessionId: SessionId
  readonly clientId: string
  readonly port: PushPort
  readonly #connectedAtMs: number
  readonly #limits: BrokerLimits
  /** Producers that wrote through this session: with the tab gone, nothing of theirs is repeated. */
  readonly producers = new Set<ProducerId>()
  #requestsInFlight = 0

  constructor(options: {
    sessionId: SessionId
    clientId: string
    port: PushPort
    nowMs: number
    limits: BrokerLimits
  }) {
    this.sessionId = options.sessionId
    this.clientId = options.clientId
    this.port = options.port
    this.#connectedAtMs = options.nowMs
    this.#limits = options.limits
  }

  /**
   * Runs one request within the limit of requests in flight.
   * @throws TabmqError THROTTLING_QUOTA_EXCEEDED
   */
  async run<T>(request: () => Promise<T>): Promise<T> {
    const { sessionRequestsInFlightMax } = this.#limits
    if (this.#requestsInFlight >= sessionRequestsInFlightMax) {
      throw new TabmqError(
        'THROTTLING_QUOTA_EXCEEDED',
        `this tab has ${sessionRequestsInFlightMax} requests in flight, the most there may be`,
        { sessionRequestsInFlightMax },
      )
    }
    this.#requestsInFlight += 1
    try {
      return await request()
    } finally {
      this.#requestsInFlight -= 1
    }
  }

  describe(): SessionDescription {
    const { sessionId, clientId } = this
    return { sessionId, clientId, connectedAtMs: this.#connectedAtMs }
  }
}
