/**
 * In a group that is ordered by key, a message is handed out only when all before it with the same key
 * in its partition are final: so one at a time, and in their order.
 */
import type { Checker, CheckerParts, SimEvent } from '../../history.js'
import type { Delivery, ShareLedger } from './share-ledger.js'
import type { ShareGroupTerms } from './share-loss-checker.js'
import { isFinal } from './share-row.js'

export class KeyOrderChecker implements Checker {
  readonly name = 'key-order'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  readonly #ordered: ReadonlySet<string>

  constructor(parts: CheckerParts, ledger: ShareLedger, groups: readonly ShareGroupTerms[]) {
    this.#parts = parts
    this.#ledger = ledger
    const ordered = groups.filter(({ orderingKey }) => orderingKey)
    this.#ordered = new Set(ordered.map(({ groupId }) => groupId))
  }

  on(event: SimEvent): void {
    if (event.type !== 'replied') return
    for (const delivery of this.#ledger.delivered) this.#delivered(delivery)
  }

  #delivered(delivery: Delivery): void {
    const { groupId, partitionId, offset } = delivery
    const row = this.#ledger.row(groupId, partitionId)
    const partition = this.#ledger.log.byId(partitionId)
    if (!this.#ordered.has(groupId) || row === undefined || partition === undefined) return
    const { records, logStartOffset } = partition
    const key = records[offset]?.key ?? null
    if (key === null) return
    for (let before = Math.max(row.startOffset, logStartOffset); before < offset; before++) {
      if (records[before]?.key !== key || isFinal(row, before)) continue
      const name = this.#ledger.nameOf(delivery)
      this.#parts.report(`${name}, key ${String(key)}, was delivered before ${before} is done`)
      return
    }
  }
}
