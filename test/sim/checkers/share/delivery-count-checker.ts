/**
 * Each delivery is counted on the disk before it goes out, and none is above the group's limit. A count
 * falls by one, and only when a delivery is given back: one that nobody ever got, or that its member
 * returned without having begun with it.
 */
import type { Checker, CheckerParts, SimEvent } from '../../history.js'
import type { Delivery, RowChange, ShareLedger } from './share-ledger.js'
import type { ShareGroupTerms } from './share-loss-checker.js'
import { deliveryCountAt, isFinal } from './share-row.js'

export class DeliveryCountChecker implements Checker {
  readonly name = 'delivery-counts'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  readonly #limits: ReadonlyMap<string, number>

  constructor(parts: CheckerParts, ledger: ShareLedger, groups: readonly ShareGroupTerms[]) {
    this.#parts = parts
    this.#ledger = ledger
    this.#limits = new Map(groups.map((group) => [group.groupId, group.deliveryCountLimit]))
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const change of this.#ledger.changes) this.#changed(change)
    } else if (event.type === 'replied') {
      for (const delivery of this.#ledger.delivered) this.#delivered(delivery)
    }
  }

  #delivered(delivery: Delivery): void {
    const { groupId, partitionId, offset, deliveryCount } = delivery
    const name = this.#ledger.nameOf(delivery)
    const limit = this.#limits.get(groupId) ?? 0
    if (deliveryCount > limit) this.#parts.report(`${name}: delivery ${deliveryCount} of ${limit}`)
    const row = this.#ledger.row(groupId, partitionId)
    if (row === undefined || isFinal(row, offset)) return
    const counted = deliveryCountAt(row, offset)
    if (counted >= deliveryCount) return
    this.#parts.report(`${name}: delivery ${deliveryCount} goes out, on the disk are ${counted}`)
  }

  #changed({ groupId, partitionId, before, after }: RowChange): void {
    for (const { fromOffset, endOffset, deliveryCount: count } of before.runs) {
      if (count === 0) continue
      for (let offset = fromOffset; offset < endOffset; offset++) {
        const now = deliveryCountAt(after, offset)
        if (now >= count || isFinal(after, offset)) continue
        const message = { groupId, partitionId, offset }
        const isReturned =
          !this.#ledger.wasHandedOut(message, count) ||
          this.#ledger
            .saidOf(message)
            .some(({ type, deliveryCount }) => type === 'return' && deliveryCount === count)
        if (now === count - 1 && isReturned) continue
        const name = this.#ledger.nameOf(message)
        this.#parts.report(`${name}: delivered ${count} times, and now only ${now}`)
      }
    }
  }
}
