/** Who sent which message, and which were acknowledged: what the checkers of the log compare with. */
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import type { Listener, MessageId, Send, SentShare, SimEvent } from '../history.js'

export class SentMessages implements Listener {
  readonly #sends = new Map<MessageId, Send>()
  /** What became of them is the routing checker's. */
  readonly #published = new Set<MessageId>()
  readonly #acknowledged = new Map<Send, readonly SentShare[]>()
  /** Those of which their sends were told that they were there before, and were not stored. */
  readonly #repeats = new Set<MessageId>()

  /** The clock was once a day ahead, and brokers may have forgotten producers. */
  #mayForget = false

  on(event: SimEvent): void {
    if (event.type === 'clockJumped') {
      if (event.byMs >= BROKER_LIMITS.producerExpirationMs) this.#mayForget = true
    } else if (event.type === 'sending') {
      for (const id of event.send.ids) this.#sends.set(id, event.send)
    } else if (event.type === 'publishing') {
      for (const id of event.publish.ids) this.#published.add(id)
    } else if (event.type === 'sent') {
      this.#noteRepeats(event.send, event.results)
      if (event.send.acks !== 0) this.#acknowledged.set(event.send, event.results)
    }
  }

  of(id: MessageId): Send | undefined {
    return this.#sends.get(id)
  }

  /** To a topic, or to an exchange. */
  isSent(id: MessageId): boolean {
    return this.#sends.has(id) || this.#published.has(id)
  }

  /** Whether it was not stored, since its message id was known. */
  isRepeat(id: MessageId): boolean {
    return this.#repeats.has(id)
  }

  /**
   * Whether it is to be there once and in its order. A broker cannot tell a producer that it has
   * forgotten from one of which nothing was ever written; it refuses what it can see to be a repeat.
   */
  isIdempotent(id: MessageId): boolean {
    return this.#sends.get(id)?.isIdempotent === true && !this.#mayForget
  }

  /** With what each was told of its offsets. Those that nobody acknowledges are not among them. */
  acknowledged(): Iterable<readonly [Send, readonly SentShare[]]> {
    return this.#acknowledged
  }

  #noteRepeats({ messageIds = new Map() }: Send, results: readonly SentShare[]): void {
    const told = results.flatMap(({ duplicates = [] }) => duplicates.map((one) => one.messageId))
    for (const [id, messageId] of messageIds) if (told.includes(messageId)) this.#repeats.add(id)
  }
}
