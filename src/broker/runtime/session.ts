/**
 * A tab that is connected: who it is, the way back to it, and what it has under way here. Soft
 * state of the runtime; what it is a member of is the coordinator's.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { ProducerId, SessionId } from '../../protocol/names.js'
import type { SessionDescription } from '../../protocol/requests.js'
import type { PushPort } from '../ports.js'

/** What every tab is told, without anything more. */
export type News = 'rejoin' | 'topicsChanged' | 'closed'

export class Session {
  readonly sessionId: SessionId
  readonly clientId: string
  readonly port: PushPort
  readonly #connectedAtMs: number
  readonly #limits: BrokerLimits
  /** Producers that wrote through this session: with the tab gone, nothing of theirs is repeated. */
  readonly producers = new Set<ProducerId>()
  /** What the tab has yet to take, and whether it is to be told again after that. */
  readonly #announced = new Map<News, { readonly again: boolean }>()
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

  /**
   * Tells the tab something that is as true once as many times: while it has not taken the last one
   * (it may be frozen), the next waits and the others are left out.
   */
  announce(news: News): void {
    if (this.#announced.has(news)) {
      this.#announced.set(news, { again: true })
      return
    }
    this.#announced.set(news, { again: false })
    const taken = this.port.push({ push: news }).catch(() => {})
    void taken.then(() => {
      const again = this.#announced.get(news)?.again === true
      this.#announced.delete(news)
      if (again) this.announce(news)
    })
  }

  describe(): SessionDescription {
    const { sessionId, clientId } = this
    return { sessionId, clientId, connectedAtMs: this.#connectedAtMs }
  }
}
