/**
 * The checker's arithmetic: takes the ledger's rows one after the other and says at any time what
 * was sent, handled, lost, handled twice or out of order. Pure: it knows neither the ledger's
 * storage nor the broker; the committed offsets are handed to it.
 */
import { HandledIds } from './handled-ids.js'
import {
  formatMessageId,
  type HandledRow,
  type LedgerRow,
  type SentRow,
  type SentShare,
} from './ledger-row.js'
import { PartitionCount } from './partition-count.js'

export interface Counts {
  /** Acknowledged by the broker. */
  readonly sent: number
  /** Acknowledged and handled. */
  readonly handled: number
  /** Acknowledged, and still to be handled. `sent` is always `handled + waiting + lost`. */
  readonly waiting: number
  /** Acknowledged, never handled, and the group has gone past it. */
  readonly lost: number
  readonly twice: number
  readonly outOfOrder: number
  /** Handled where another message had been acknowledged. */
  readonly mixedUp: number
  /** Handled, but the tab that sent it closed before it heard so. No fault of anybody's. */
  readonly unconfirmed: number
}

export interface Finding {
  readonly what: 'lost' | 'twice' | 'out of order' | 'mixed up'
  readonly partition: number
  readonly offset: number
  /** Who handled it, the second time. */
  readonly tab: number | undefined
}

const FINDINGS_MAX = 5

export class LedgerCount {
  readonly #partitions = new Map<number, PartitionCount>()
  readonly #handledIds = new HandledIds()
  /** The ids at places that are only sent or only handled so far. */
  readonly #oneSided = new Map<string, string>()
  readonly #handledByTab = new Map<number, number>()
  #findings: Finding[] = []
  #mixedUp = 0

  /** How much each tab has handled, by its number. */
  get handledByTab(): ReadonlyMap<number, number> {
    return this.#handledByTab
  }

  apply(row: LedgerRow): void {
    switch (row.kind) {
      case 'sent':
        for (const share of row.shares) this.#applyShare(row, share)
        break
      case 'handled':
        row.offsets.forEach((offset, index) => {
          // Within a row the order is that of the list: a microsecond apart is enough to say so.
          const atMs = row.atMs + index / 1_000
          this.#applyHandled(row, { offset, atMs, id: row.ids[index] ?? '' })
        })
        break
      case 'replay':
        this.#startAgain()
        break
    }
  }

  /** @param committed the group's committed offset of each partition, where there is one */
  counts(committed: ReadonlyMap<number, number>): Counts {
    const sum = { sent: 0, handled: 0, lost: 0, twice: 0, outOfOrder: 0, unconfirmed: 0 }
    for (const [partition, count] of this.#partitions) {
      sum.sent += count.sent
      sum.handled += count.handled
      sum.lost += count.lost(committed.get(partition) ?? 0).count
      sum.twice += count.twice
      sum.outOfOrder += count.outOfOrder
      sum.unconfirmed += count.unconfirmed
    }
    return { ...sum, waiting: sum.sent - sum.handled - sum.lost, mixedUp: this.#mixedUp }
  }

  /** The first few things that are wrong, each with its place. */
  findings(committed: ReadonlyMap<number, number>): Finding[] {
    const lost = [...this.#partitions].flatMap(([partition, count]) =>
      count
        .lost(committed.get(partition) ?? 0)
        .first.map((offset): Finding => ({ what: 'lost', partition, offset, tab: undefined })),
    )
    return [...lost, ...this.#findings].slice(0, FINDINGS_MAX)
  }

  #applyShare(row: SentRow, { partition, baseOffset, numbers }: SentShare): void {
    const count = this.#partition(partition)
    numbers.forEach((number, index) => {
      const offset = baseOffset + index
      const id = formatMessageId({ run: row.run, number })
      this.#compare({ partition, offset, id, isOtherKnown: count.isHandled(offset) })
      count.noteSent(offset)
    })
  }

  #applyHandled(
    { partition, tab }: HandledRow,
    { offset, atMs, id }: { offset: number; atMs: number; id: string },
  ): void {
    const count = this.#partition(partition)
    const outOfOrderBefore = count.outOfOrder
    const wasHandled = count.noteHandled(offset, atMs)
    const idWasHandled = this.#handledIds.note(id)
    if (!wasHandled) {
      if (idWasHandled) count.noteHandledElsewhere()
      this.#compare({ partition, offset, id, isOtherKnown: count.isSent(offset) })
      this.#handledByTab.set(tab, (this.#handledByTab.get(tab) ?? 0) + 1)
    }
    if (wasHandled || idWasHandled) this.#find({ what: 'twice', partition, offset, tab })
    else if (count.outOfOrder > outOfOrderBefore) {
      this.#find({ what: 'out of order', partition, offset, tab })
    }
  }

  /** The message that was handled at an offset must be the one that was acknowledged there. */
  #compare(side: { partition: number; offset: number; id: string; isOtherKnown: boolean }): void {
    const { partition, offset, id, isOtherKnown } = side
    const place = `${partition} ${offset}`
    if (!isOtherKnown) {
      this.#oneSided.set(place, id)
      return
    }
    const other = this.#oneSided.get(place)
    this.#oneSided.delete(place)
    if (other === undefined || other === '' || id === '' || other === id) return
    this.#mixedUp += 1
    this.#find({ what: 'mixed up', partition, offset, tab: undefined })
  }

  #startAgain(): void {
    for (const count of this.#partitions.values()) count.startAgain()
    this.#handledIds.clear()
    this.#oneSided.clear()
    this.#handledByTab.clear()
    this.#findings = []
    this.#mixedUp = 0
  }

  #find(finding: Finding): void {
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(finding)
  }

  #partition(partition: number): PartitionCount {
    const count = this.#partitions.get(partition) ?? new PartitionCount()
    this.#partitions.set(partition, count)
    return count
  }
}
