/**
 * Nothing is lost: a message becomes final only for a reason. It was accepted, by a member whose handler
 * was done with it, or rejected; it was delivered as often as it may be; its time was over; or it is
 * deleted, or was never there to be delivered. At the end every message is final.
 */
import type { Checker, CheckerParts, SimEvent, ShareHandling } from '../../history.js'
import type { ShareGroupOptions } from '../../share/share-options.js'
import { keyOf, type RowChange, type SharedMessage, type ShareLedger } from './share-ledger.js'
import { deliveryCountAt, endOf, isFinal, type ShareRow } from './share-row.js'

export type ShareGroupTerms = Pick<
  ShareGroupOptions,
  | 'groupId'
  | 'deliveryCountLimit'
  | 'orderingKey'
  | 'deadLetterTopic'
  | 'entersIntoStore'
  | 'members'
>

export class ShareLossChecker implements Checker {
  readonly name = 'share-loss'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  readonly #groups: ReadonlyMap<string, ShareGroupTerms>
  /** Deliveries that handlers were done with, by tab. */
  readonly #handled = new Set<string>()

  constructor(parts: CheckerParts, ledger: ShareLedger, groups: readonly ShareGroupTerms[]) {
    this.#parts = parts
    this.#ledger = ledger
    this.#groups = new Map(groups.map((group) => [group.groupId, group]))
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const change of this.#ledger.changes) this.#changed(change)
    } else if (event.type === 'shareHandled') {
      this.#note({ ...event, type: 'shareHandling' })
    } else if (event.type === 'requested') {
      this.#requested(event)
    } else if (event.type === 'rest') {
      for (const groupId of this.#groups.keys()) this.#atRest(groupId)
    }
  }

  #changed(change: RowChange): void {
    const { groupId, partitionId, before, after } = change
    for (const offset of becameFinal(change)) {
      const message = { groupId, partitionId, offset }
      if (this.#hasReason(message, [before, ...change.between])) continue
      const count = deliveryCountAt(before, offset)
      const name = this.#ledger.nameOf(message)
      this.#parts.report(`${name}, delivered ${count} times, is final for no reason`)
    }
    const limit = this.#groups.get(groupId)?.deliveryCountLimit ?? 0
    if (after.runs.every(({ deliveryCount }) => deliveryCount <= limit)) return
    this.#parts.report(`${groupId}, partition ${partitionId}: delivered more than ${limit} times`)
  }

  #hasReason(message: SharedMessage, rows: readonly ShareRow[]): boolean {
    const { groupId, partitionId, offset } = message
    const partition = this.#ledger.log.byId(partitionId)
    if (partition === undefined || partition.isDeleted) return true
    const record = partition.records[offset]
    if (record === undefined || offset < partition.logStartOffset) return true
    const { expiresAt = Infinity } = record
    if (expiresAt <= this.#ledger.wallMsMax) return true
    const limit = this.#groups.get(groupId)?.deliveryCountLimit ?? 0
    if (rows.some((row) => deliveryCountAt(row, offset) >= limit)) return true
    return this.#ledger.saidOf(message).some(({ type }) => type === 'accept' || type === 'reject')
  }

  /** A member that accepts what it has is done with it, unless it accepts whatever it gets. */
  #requested({ exchange, request }: Extract<SimEvent, { type: 'requested' }>): void {
    if (request.api !== 'shareAcknowledge') return
    const { groupId } = request
    const slot = slotOf(exchange.tab)
    const member = this.#groups.get(groupId)?.members.find((one) => one.slot === slot)
    if (member === undefined || member.acknowledgement === 'onDelivery') return
    for (const said of request.acknowledgements) {
      if (said.type !== 'accept') continue
      for (let offset = said.firstOffset; offset <= said.lastOffset; offset++) {
        const message = { groupId, partitionId: said.partitionId, offset }
        const key = handledKey(exchange.tab, message, said.deliveryCount)
        if (this.#handled.has(key)) continue
        const what = `${exchange.tab} accepts ${this.#ledger.nameOf(message)}`
        this.#parts.report(`${what}, and no handler of it is done with that`)
      }
    }
  }

  #note({ reader, place, offset, id, deliveryCount }: ShareHandling): void {
    const partition = this.#ledger.log.lifeOf({ place, offset, id })
    if (partition === undefined) return
    const message = { groupId: reader.groupId, partitionId: partition.partitionId, offset }
    this.#handled.add(handledKey(reader.tab, message, deliveryCount))
  }

  #atRest(groupId: string): void {
    for (const [partition, row] of this.#ledger.rowsOf(groupId)) {
      const { records, logStartOffset, partitionId } = partition
      const from = Math.max(row.beganAt, logStartOffset)
      for (let offset = from; offset < records.length; offset++) {
        if (records[offset] === undefined || isFinal(row, offset)) continue
        const name = this.#ledger.nameOf({ groupId, partitionId, offset })
        this.#parts.report(`${name} is not final at the end`)
      }
    }
  }
}

/** What a transaction has made final. */
export function* becameFinal({ before, after }: RowChange): Iterable<number> {
  const end = Math.max(after.startOffset, endOf(after))
  for (let offset = before.startOffset; offset < end; offset++) {
    if (isFinal(after, offset) && !isFinal(before, offset)) yield offset
  }
}

function handledKey(tab: string, message: SharedMessage, deliveryCount: number): string {
  return `${tab} ${keyOf(message)} ${deliveryCount}`
}

/** As tabs are named: 'tab 2.7' is the seventh, in slot 2. */
function slotOf(tab: string): number {
  return Number(/^tab (\d+)\./.exec(tab)?.[1] ?? -1)
}
