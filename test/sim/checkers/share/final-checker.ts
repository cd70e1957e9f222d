/**
 * What is final stays so: on the disk no message that was final is so no more, and none is below the
 * start offset that was not final. What was accepted or rejected is final on the disk by the time that
 * it is said to be, is accepted or rejected by nobody else, and is delivered to nobody again.
 */
import type { Checker, CheckerParts, SimEvent } from '../../history.js'
import {
  keyOf,
  type Delivery,
  type RowChange,
  type Said,
  type ShareLedger,
} from './share-ledger.js'
import { isFinal } from './share-row.js'

export class FinalChecker implements Checker {
  readonly name = 'final'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  /** Who was told that it is accepted, or rejected. */
  readonly #told = new Map<string, Said>()

  constructor(parts: CheckerParts, ledger: ShareLedger) {
    this.#parts = parts
    this.#ledger = ledger
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const change of this.#ledger.changes) this.#changed(change)
    } else if (event.type === 'replied') {
      for (const said of this.#ledger.acknowledged) this.#acknowledged(said)
      for (const delivery of this.#ledger.delivered) this.#delivered(delivery)
    } else if (event.type === 'powerCut') {
      this.#told.clear()
    }
  }

  #changed({ groupId, partitionId, before, after }: RowChange): void {
    if (after.startOffset < before.startOffset) {
      const what = `${groupId}, partition ${partitionId}: the start offset fell`
      this.#parts.report(`${what} from ${before.startOffset} to ${after.startOffset}`)
    }
    for (const { fromOffset, endOffset, isFinal: wasFinal } of before.runs) {
      if (!wasFinal) continue
      for (let offset = fromOffset; offset < endOffset; offset++) {
        if (isFinal(after, offset)) continue
        const name = this.#ledger.nameOf({ groupId, partitionId, offset })
        this.#parts.report(`${name} was final, and is so no more`)
      }
    }
  }

  #acknowledged(said: Said): void {
    const { type, memberId, groupId, partitionId, offset } = said
    if (type !== 'accept' && type !== 'reject') return
    const key = keyOf(said)
    const name = this.#ledger.nameOf(said)
    const other = this.#told.get(key)
    this.#told.set(key, said)
    if (other !== undefined) {
      this.#parts.report(`${name}: ${type} of ${memberId} after ${other.type} of ${other.memberId}`)
    }
    const row = this.#ledger.row(groupId, partitionId)
    if (row === undefined || isFinal(row, offset)) return
    this.#parts.report(`${name}: ${type} of ${memberId} is said to be done, and not on the disk`)
  }

  #delivered(delivery: Delivery): void {
    const { acquiredAtMs, lockDurationMs } = delivery
    // It was on its way for too long: others may have had it meanwhile.
    if (acquiredAtMs + lockDurationMs <= this.#ledger.wallMs) return
    const said = this.#told.get(keyOf(delivery))
    if (said === undefined) return
    const name = this.#ledger.nameOf(delivery)
    this.#parts.report(`${name} was delivered to ${delivery.memberId} after ${said.type}`)
  }
}
