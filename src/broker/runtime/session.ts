/**
 * A tab that is connected: who it is, the way back to it, and what it has under way here. Soft
 * state of the runtime; what it is a member of is the coordinator's.
 */
import type { BrokerLimits } from '../../protocol/limits.js'
import type { ProducerId, SessionId } from '../../protocol/names.js'
import type { Push } from '../../protocol/push.js'
import type { SessionDescription } from '../../protocol/requests/cluster.js'
import type { PushPort } from '../ports.js'
import type { SessionShare } from './session-share.js'

/** What every tab is told, without anything more. */
export type News = 'rejoin' | 'topicsChanged' | 'closed'

export class Session {
  readonly sessionId: SessionId
  readonly clientId: string
  readonly port: PushPort
  readonly share: SessionShare
  readonly #connectedAtMs: number
  readonly #limits: BrokerLimits
  /** Producers that wrote through this session: with the tab gone, nothing of theirs is repeated. */
  readonly producers = new Set<ProducerId>()
  /** What the tab has yet to take, and whether it is to be told again after that. */
  readonly #announced = new Map<News, { readonly again: boolean }>()
  #unanswered = 0
  /** Bytes of what was brought and not taken. */
  #untakenBytes = 0

  constructor(options: {
    sessionId: SessionId
    clientId: string
    port: PushPort
    share: SessionShare
    nowMs: number
    limits: BrokerLimits
  }) {
    this.sessionId = options.sessionId
    this.clientId = options.clientId
    this.port = options.port
    this.share = options.share
    this.#connectedAtMs = options.nowMs
    this.#limits = options.limits
  }

  /**
   * Asks for something that a tab does when it can, and whose answer nobody waits for. A tab that has
   * left too much unanswered is asked for nothing more: it does not listen, and each that is
   * unanswered is kept.
   */
  ask(message: Push): void {
    if (this.#unanswered >= this.#limits.sessionPushesMax) return
    this.#unanswered += 1
    const answered = () => {
      this.#unanswered -= 1
    }
    this.port.push(message).then(answered, answered)
  }

  /**
   * Brings something that somebody there may be waiting for, and tells whether it was of use. A tab that has
   * left too much untaken gets no more.
   */
  async bring(message: Push, bytes: number): Promise<boolean> {
    const { sessionPushesMax, sessionReplyBytesMax } = this.#limits
    if (this.#unanswered >= sessionPushesMax) return false
    if (this.#untakenBytes + bytes > sessionReplyBytesMax) return false
    this.#unanswered += 1
    this.#untakenBytes += bytes
    try {
      return (await this.port.push(message)) === true
    } catch {
      return false
    } finally {
      this.#unanswered -= 1
      this.#untakenBytes -= bytes
    }
  }

  /**
   * Notes a producer that has just written, and returns those that the tab has used too many others
   * since.
   */
  noteProducer(producerId: ProducerId): ProducerId[] {
    this.producers.delete(producerId)
    this.producers.add(producerId)
    const surplus: ProducerId[] = []
    for (const oldest of this.producers) {
      if (this.producers.size <= this.#limits.sessionProducersMax) break
      this.producers.delete(oldest)
      surplus.push(oldest)
    }
    return surplus
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
