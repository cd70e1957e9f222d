/**
 * An acknowledged durability level is kept. With `acks: -1` a message survives a power cut from the
 * moment its send resolves: its transaction, or a later one, was strict. With `acks: 1` it survives
 * whatever dies of the browser, which is looked at whenever a broker is gone.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { Checker, CheckerParts, Send, SimEvent } from '../history.js'
import type { SentMessages } from './sent-messages.js'

export class DurabilityChecker implements Checker {
  readonly name = 'durability'
  readonly #parts: CheckerParts
  readonly #sends: SentMessages
  /** Acknowledged since a broker was last seen to end. */
  #recent: Send[] = []

  constructor(parts: CheckerParts, sends: SentMessages) {
    this.#parts = parts
    this.#sends = sends
  }

  on(event: SimEvent): void {
    if (event.type === 'sent') {
      if (event.send.acks === -1) this.#checkSafe(event.send)
      if (event.send.acks !== 0) this.#recent.push(event.send)
    } else if (event.type === 'brokerDied' || event.type === 'rest') {
      for (const send of this.#recent.splice(0)) this.#checkSurvived(send, 'the broker')
    } else if (event.type === 'powerCut') {
      this.#recent = []
      this.#checkPowerCut(event.lost)
    }
  }

  #checkSafe({ ids, producer }: Send): void {
    const { log, report } = this.#parts
    for (const id of ids) {
      const found = log.find(id)
      if (found.length === 0 || found.some(({ transaction }) => log.isSafe(transaction))) continue
      report(`message ${id} of ${producer} was acknowledged with acks -1, and is not safe`)
    }
  }

  #checkSurvived({ ids, producer, acks }: Send, what: string): void {
    for (const id of ids) {
      if (this.#sends.isRepeat(id) || this.#parts.log.find(id).length > 0) continue
      this.#parts.report(`message ${id} of ${producer}, acks ${acks}, did not survive ${what}`)
    }
  }

  #checkPowerCut(lost: readonly (readonly DurableRecord[])[]): void {
    if (!lost.flat().some(({ type }) => type === 'batch')) return
    for (const [send] of this.#sends.acknowledged()) {
      if (send.acks === -1) this.#checkSurvived(send, 'a power cut')
    }
  }
}
