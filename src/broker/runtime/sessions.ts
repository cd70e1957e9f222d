/** The tabs that are connected, by their sessions. */
import { TabmqError } from '../../protocol/errors.js'
import type { SessionId } from '../../protocol/names.js'
import type { SessionDescription } from '../../protocol/requests/cluster.js'
import type { News, Session } from './session.js'

export class Sessions {
  readonly #sessions = new Map<SessionId, Session>()
  readonly #sessionsMax: number

  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax
  }

  find(sessionId: SessionId): Session | undefined {
    return this.#sessions.get(sessionId)
  }

  /** @throws TabmqError BROKER_UNAVAILABLE */
  findOrThrow(sessionId: SessionId): Session {
    const session = this.#sessions.get(sessionId)
    if (session !== undefined) return session
    throw new TabmqError('BROKER_UNAVAILABLE', 'this tab is not connected: it has to say hello', {
      sessionId,
    })
  }

  /** @throws TabmqError THROTTLING_QUOTA_EXCEEDED when there is no room for one more */
  checkCount(): void {
    const sessionsMax = this.#sessionsMax
    if (this.#sessions.size < sessionsMax) return
    throw new TabmqError(
      'THROTTLING_QUOTA_EXCEEDED',
      `${sessionsMax} tabs are connected, the most there may be`,
      { sessionsMax },
    )
  }

  set(session: Session): void {
    this.#sessions.set(session.sessionId, session)
  }

  delete(sessionId: SessionId): void {
    this.#sessions.delete(sessionId)
  }

  all(): Iterable<Session> {
    return this.#sessions.values()
  }

  announce(news: News): void {
    for (const session of this.#sessions.values()) session.announce(news)
  }

  describe(): SessionDescription[] {
    return [...this.#sessions.values()].map((session) => session.describe())
  }
}
