/**
 * Nothing is delivered before its time: when it is due by its own word, or, released with a delay, when
 * that is over. And nothing after it: what has expired is delivered to nobody.
 */
import type { Checker, CheckerParts, SimEvent } from '../../history.js'
import { keyOf, type Delivery, type ShareLedger } from './share-ledger.js'

export class DueChecker implements Checker {
  readonly name = 'due'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  /** By the wall clock, before which nobody is to get what was released. */
  readonly #releasedUntil = new Map<string, number>()

  constructor(parts: CheckerParts, ledger: ShareLedger) {
    this.#parts = parts
    this.#ledger = ledger
  }

  on(event: SimEvent): void {
    if (event.type === 'replied') {
      for (const delivery of this.#ledger.delivered) this.#delivered(delivery)
      for (const said of this.#ledger.acknowledged) {
        // Of what was on its way when the clock was set nobody knows by which clock it counts.
        if (said.type !== 'release' || said.clockSet !== this.#ledger.clockSet) continue
        this.#releasedUntil.set(keyOf(said), said.atWallMs + said.delayMs)
      }
    } else if (event.type === 'clockJumped' || event.type === 'powerCut') {
      this.#releasedUntil.clear()
    }
  }

  #delivered(delivery: Delivery): void {
    const { acquiredAtMs, partitionId, offset } = delivery
    const name = this.#ledger.nameOf(delivery)
    const record = this.#ledger.log.byId(partitionId)?.records[offset]
    const { deliverAt = 0, expiresAt = Infinity } = record ?? {}
    if (acquiredAtMs < deliverAt) {
      this.#parts.report(`${name} was delivered ${deliverAt - acquiredAtMs} ms too early`)
    }
    if (acquiredAtMs >= expiresAt) {
      this.#parts.report(`${name} was delivered ${acquiredAtMs - expiresAt} ms too late`)
    }
    const untilMs = this.#releasedUntil.get(keyOf(delivery)) ?? 0
    if (acquiredAtMs >= untilMs) return
    this.#parts.report(`${name} was put off, and delivered ${untilMs - acquiredAtMs} ms too early`)
  }
}
