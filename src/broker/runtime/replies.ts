/**
 * Answers of requests on their way from the tab that replied to the tab that waits. No log has them, and
 * they do not outlive this broker: whoever replied is told whether anybody heard, and says it again
 * to the next broker if this one died before it could tell.
 */
import { REPLY, type BrokerLimits } from '../../protocol/limits.js'
import type { SessionId } from '../../protocol/names.js'
import type { Answer, ReplyTo } from '../../protocol/requests/replies.js'
import type { Clock, Timer } from '../ports.js'
import type { Session } from './session.js'

export interface RepliesOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly limits: BrokerLimits
  readonly session: (sessionId: SessionId) => Session | undefined
}

/** One that nobody has taken yet. */
interface Untaken {
  readonly sessionId: SessionId
  readonly correlationId: string
  readonly answer: Answer
  readonly bytes: number
  readonly settle: (isHeard: boolean) => void
}

export class Replies {
  readonly #options: RepliesOptions
  readonly #untaken = new Map<SessionId, Set<Untaken>>()
  /** Of those whose tab was not connected when they came. */
  #waitingCount = 0
  #waitingBytes = 0
  readonly #reconnectsUntilMs: number

  constructor(options: RepliesOptions) {
    this.#options = options
    this.#reconnectsUntilMs = options.clock.nowMs() + REPLY.reconnectMs
  }

  get size(): number {
    return [...this.#untaken.values()].reduce((sum, those) => sum + those.size, 0)
  }

  /** Resolves when the tab has it, or when it is not to be expected any more that it will. */
  reply({ sessionId, correlationId, answer }: ReplyTo & { answer: Answer }): Promise<boolean> {
    const session = this.#options.session(sessionId)
    const bytes = bytesOf(answer)
    const waitMs = session === undefined ? this.#reconnectsWithinMs() : REPLY.takenWithinMs
    if (waitMs <= 0) return Promise.resolve(false)
    if (session === undefined && !this.#hasRoom(bytes)) return Promise.resolve(false)
    const isWaiting = session === undefined
    return new Promise((resolve) => {
      const settle = (isHeard: boolean) => {
        // Brought twice, since the tab came back on another port, it is taken twice.
        if (!this.#forget(untaken)) return
        cancelTimer()
        if (isWaiting) this.#countWaiting(-1, -bytes)
        resolve(isHeard)
      }
      const untaken: Untaken = { sessionId, correlationId, answer, bytes, settle }
      const cancelTimer = this.#options.timer.schedule(waitMs, () => settle(false))
      this.#remember(untaken)
      if (isWaiting) this.#countWaiting(1, bytes)
      else bring(session, untaken)
    })
  }

  /** A tab is there, for the first time or on another port: what it was sent on the old one may be lost. */
  connected(session: Session): void {
    for (const untaken of this.#untaken.get(session.sessionId) ?? []) bring(session, untaken)
  }

  /** The tab will not come back. */
  gone(sessionId: SessionId): void {
    for (const untaken of this.#untaken.get(sessionId) ?? []) untaken.settle(false)
  }

  close(): void {
    for (const sessionId of this.#untaken.keys()) this.gone(sessionId)
  }

  #reconnectsWithinMs(): number {
    // However the clock is set meanwhile.
    const leftMs = this.#reconnectsUntilMs - this.#options.clock.nowMs()
    return Math.min(leftMs, REPLY.reconnectMs)
  }

  #hasRoom(bytes: number): boolean {
    const { sessionReplyBytesMax, sessionPushesMax } = this.#options.limits
    const isByteRoom = this.#waitingBytes + bytes <= sessionReplyBytesMax
    return isByteRoom && this.#waitingCount < sessionPushesMax
  }

  #countWaiting(count: number, bytes: number): void {
    this.#waitingCount += count
    this.#waitingBytes += bytes
  }

  #remember(untaken: Untaken): void {
    const those = this.#untaken.get(untaken.sessionId) ?? new Set()
    this.#untaken.set(untaken.sessionId, those)
    those.add(untaken)
  }

  /** False when it was forgotten before. */
  #forget(untaken: Untaken): boolean {
    const those = this.#untaken.get(untaken.sessionId)
    if (those?.delete(untaken) !== true) return false
    if (those.size === 0) this.#untaken.delete(untaken.sessionId)
    return true
  }
}

function bring(session: Session, untaken: Untaken): void {
  const { correlationId, answer, bytes, settle } = untaken
  void session.bring({ push: 'reply', correlationId, answer }, bytes).then(settle)
}

/** Strings take two bytes a character at the most. */
function bytesOf(answer: Answer): number {
  if ('value' in answer) return answer.value.byteLength
  return 2 * (answer.error.name.length + answer.error.message.length)
}
