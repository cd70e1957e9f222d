/**
 * No acknowledged message is lost: when a send resolves, each of its messages is in the log of its
 * topic, and at the end it still is, unless a power cut took it that it was not safe from.
 */
import type { Checker, CheckerParts, MessageId, Send, SimEvent } from '../history.js'
import type { SentMessages } from './sent-messages.js'

export class LostWriteChecker implements Checker {
  readonly name = 'lost-write'
  readonly #parts: CheckerParts
  readonly #sends: SentMessages
  /** Taken by power cuts: whether they may have been is the durability checker's. */
  readonly #taken = new Set<MessageId>()

  constructor(parts: CheckerParts, sends: SentMessages) {
    this.#parts = parts
    this.#sends = sends
  }

  on(event: SimEvent): void {
    if (event.type === 'sent') {
      if (event.send.acks !== 0) this.#check(event.send, 'was acknowledged, and is in no log')
    } else if (event.type === 'powerCut') {
      for (const [{ ids }] of this.#sends.acknowledged()) {
        for (const id of ids) if (!this.#isThere(id)) this.#taken.add(id)
      }
    } else if (event.type === 'rest') {
      for (const [send] of this.#sends.acknowledged()) {
        this.#check(send, 'was acknowledged, and is in the log no more')
      }
    }
  }

  #check({ ids, topic, producer }: Send, what: string): void {
    for (const id of ids) {
      if (this.#sends.isRepeat(id) || this.#taken.has(id) || this.#isThere(id)) continue
      this.#parts.report(`message ${id} of ${producer} to ${topic} ${what}`)
    }
  }

  /** Where it was written, something else may have been written since. */
  #isThere(id: MessageId): boolean {
    return this.#parts.log.find(id).some(({ partition, offset }) => partition.ids[offset] === id)
  }
}
