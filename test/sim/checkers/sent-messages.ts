/** Who sent which message, and which were acknowledged: what the checkers of the log compare with. */
import type { Listener, MessageId, Send, SentShare, SimEvent } from '../history.js'

export class SentMessages implements Listener {
  readonly #sends = new Map<MessageId, Send>()
  readonly #acknowledged = new Map<Send, readonly SentShare[]>()

  on(event: SimEvent): void {
    if (event.type === 'sending') {
      for (const id of event.send.ids) this.#sends.set(id, event.send)
    } else if (event.type === 'sent' && event.send.acks !== 0) {
      this.#acknowledged.set(event.send, event.results)
    }
  }

  of(id: MessageId): Send | undefined {
    return this.#sends.get(id)
  }

  /** With what each was told of its offsets. Those that nobody acknowledges are not among them. */
  acknowledged(): Iterable<readonly [Send, readonly SentShare[]]> {
    return this.#acknowledged
  }
}
