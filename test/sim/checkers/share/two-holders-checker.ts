/**
 * No message is two members' at once: by what the broker hands out, a message that a member has is
 * nobody else's before that member lets go of it, its lock has run out, its tab is gone, or the broker
 * that knew of the lock. And no handler begins with what its tab was not given.
 */
import type { Checker, CheckerParts, ShareHandling, SimEvent } from '../../history.js'
import { keyOf, type Delivery, type Said, type ShareLedger } from './share-ledger.js'

interface Holder {
  readonly delivery: Delivery
  /** By the wall clock. */
  lockedUntilMs: number
}

export class TwoHoldersChecker implements Checker {
  readonly name = 'two-holders'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  readonly #holders = new Map<string, Holder>()
  /** What each tab was given and has not begun with: how often. */
  readonly #given = new Map<string, number>()

  constructor(parts: CheckerParts, ledger: ShareLedger) {
    this.#parts = parts
    this.#ledger = ledger
  }

  on(event: SimEvent): void {
    switch (event.type) {
      case 'replied':
        for (const delivery of this.#ledger.delivered) this.#take(delivery)
        for (const said of this.#ledger.acknowledged) if (said.type === 'renew') this.#renew(said)
        return
      case 'requested':
        this.#requested(event)
        return
      case 'sessionEnded':
        return this.#drop(({ exchange }) => exchange.sessionId === event.greeting.sessionId)
      case 'brokerStarted':
      case 'brokerDied':
      case 'powerCut':
      case 'commitFailed':
        // Locks are not on the disk: whoever loads the state knows of none.
        return this.#drop(() => true)
      case 'clockJumped':
        for (const holder of this.#holders.values()) {
          holder.lockedUntilMs += Math.min(0, event.byMs)
        }
        return
      case 'shareHandling':
        return this.#handling(event)
      default:
    }
  }

  #take(delivery: Delivery): void {
    const { exchange, memberId, acquiredAtMs, lockDurationMs } = delivery
    const { wallMs } = this.#ledger
    const tabKey = this.#tabKey(exchange.tab, delivery)
    this.#given.set(tabKey, (this.#given.get(tabKey) ?? 0) + 1)
    const lockedUntilMs = acquiredAtMs + lockDurationMs
    // It was on its way for too long: others may have had it meanwhile.
    if (lockedUntilMs <= wallMs) return
    const key = keyOf(delivery)
    const holder = this.#holders.get(key)
    // Of what was on its way when the clock was set back nobody knows for how long it is its own.
    if (acquiredAtMs > wallMs) this.#holders.delete(key)
    else this.#holders.set(key, { delivery, lockedUntilMs })
    if (holder === undefined || holder.lockedUntilMs <= wallMs) return
    const { delivery: other } = holder
    const leftMs = holder.lockedUntilMs - wallMs
    const what = `${this.#ledger.nameOf(delivery)} was given to ${memberId} of ${exchange.tab}`
    this.#parts.report(
      `${what}, and is ${other.memberId}'s of ${other.exchange.tab} for ${leftMs} ms more`,
    )
  }

  #requested({ exchange, request }: Extract<SimEvent, { type: 'requested' }>): void {
    if (request.api === 'leaveShareGroup') {
      this.#drop(({ memberId }) => memberId === request.memberId)
    } else if (request.api === 'shareAcknowledge') {
      // Whether it was its own to let go of is answered later; then it is not this one's anyway.
      for (const { type, partitionId, firstOffset, lastOffset } of request.acknowledgements) {
        if (type === 'renew') continue
        for (let offset = firstOffset; offset <= lastOffset; offset++) {
          const key = keyOf({ groupId: request.groupId, partitionId, offset })
          const holder = this.#holders.get(key)?.delivery
          if (holder?.memberId !== request.memberId) continue
          if (holder.exchange.sessionId === exchange.sessionId) this.#holders.delete(key)
        }
      }
    }
  }

  /** From when it was asked for on, at least. */
  #renew(said: Said): void {
    const holder = this.#holders.get(keyOf(said))
    if (holder?.delivery.memberId !== said.memberId) return
    if (said.clockSet !== this.#ledger.clockSet) return
    const untilMs = said.atWallMs + holder.delivery.lockDurationMs
    holder.lockedUntilMs = Math.max(holder.lockedUntilMs, untilMs)
  }

  #handling({ reader, place, offset, id, deliveryCount }: ShareHandling): void {
    const partition = this.#ledger.log.lifeOf({ place, offset, id })
    if (partition === undefined) return
    const { partitionId } = partition
    const message = { groupId: reader.groupId, partitionId, offset, deliveryCount }
    const tabKey = this.#tabKey(reader.tab, message)
    const count = this.#given.get(tabKey) ?? 0
    this.#given.set(tabKey, count - 1)
    if (count > 0) return
    const what = `${reader.consumer} began with ${this.#ledger.nameOf(message)}`
    this.#parts.report(`${what}, delivery ${deliveryCount}, which it was not given`)
  }

  #tabKey(
    tab: string,
    message: Pick<Delivery, 'groupId' | 'partitionId' | 'offset' | 'deliveryCount'>,
  ) {
    return `${tab} ${keyOf(message)} ${message.deliveryCount}`
  }

  #drop(isGone: (delivery: Delivery) => boolean): void {
    for (const [key, { delivery }] of this.#holders) {
      if (isGone(delivery)) this.#holders.delete(key)
    }
  }
}
