/**
 * The checker's arithmetic: takes the ledger's rows one after the other and says at any time what
 * was sent, handled, lost, handled twice or out of order. Pure: it knows neither the ledger's
 * storage nor the broker; the committed offsets are handed to it.
 */
import { Findings, type Finding } from './findings.js'
import { HandledIds } from './handled-ids.js'
import { LastHandlers, type EarlierHandling, type HandledSpan } from './last-handlers.js'
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
  /** Acknowledged, and still to be handled. `sent` is always `handled + waiting + lost + passed`. */
  readonly waiting: number
  /** Acknowledged, never handled, and the group has gone past it. */
  readonly lost: number
  /** Acknowledged, not handled, and the group was set past it by hand. */
  readonly passed: number
  readonly twice: number
  /** That part of `twice` which a crashed tab had handled before: it could not commit it. */
  readonly afterCrash: number
  /** That part of `twice` which was handled before the broker died, and again under the next one. */
  readonly afterBroker: number
  readonly outOfOrder: number
  /** Handled where another message had been acknowledged. */
  readonly mixedUp: number
  /** Handled, but the tab that sent it closed before it heard so. No fault of anybody's. */
  readonly unconfirmed: number
}

export interface ExplainedFinding extends Finding {
  /** The tab that had handled it and crashed before it could commit: no fault of anybody's. */
  readonly crashedTab: number | undefined
  /** The broker had died before it could be committed: no fault of anybody's either. */
  readonly brokerDied: boolean
}

interface Repeat {
  readonly run: string
  readonly firstAtMs: number
  readonly againAtMs: number
  count: number
}

/** A tab goes on for a moment before it has heard that its broker is another. */
const NOTICED_MS = 2_000

export class LedgerCount {
  readonly #partitions = new Map<number, PartitionCount>()
  readonly #handledIds = new HandledIds()
  /** By partition: the ids at offsets that are only sent or only handled so far. */
  readonly #oneSided = new Map<number, Map<number, string>>()
  readonly #handledByTab = new Map<number, number>()
  readonly #lastHandlers = new LastHandlers()
  readonly #findings = new Findings()
  /** The lives of tabs that ended without a goodbye, and those tabs' numbers. */
  readonly #crashed = new Map<string, number>()
  /** When brokers began that came after one that had died. */
  readonly #brokerStarts = new Set<number>()
  #repeats: Repeat[] = []
  #mixedUp = 0

  /** How much each tab has handled, by its number. */
  get handledByTab(): ReadonlyMap<number, number> {
    return this.#handledByTab
  }

  /** How many tabs have vanished without a goodbye. */
  get crashes(): number {
    return this.#crashed.size
  }

  /** Who has handled what of a partition: each repeat is in another span. */
  spansOf(partition: number): readonly HandledSpan[] {
    return this.#lastHandlers.spansOf(partition)
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
        this.#startAgain(row.from)
        break
      case 'crash':
        this.#crashed.set(row.run, row.tab)
        break
      case 'broker':
        this.#brokerStarts.add(row.startedAtMs)
        break
    }
  }

  /** @param committed the group's committed offset of each partition, where there is one */
  counts(committed: ReadonlyMap<number, number>): Counts {
    const sum = { sent: 0, handled: 0, lost: 0, passed: 0, twice: 0, outOfOrder: 0, unconfirmed: 0 }
    for (const [partition, count] of this.#partitions) {
      sum.sent += count.sent
      sum.handled += count.handled
      sum.lost += count.lost(committed.get(partition) ?? 0).count
      sum.passed += count.passed
      sum.twice += count.twice
      sum.outOfOrder += count.outOfOrder
      sum.unconfirmed += count.unconfirmed
    }
    const waiting = sum.sent - sum.handled - sum.lost - sum.passed
    const repeats = [...this.#crashed.keys()].map((run) => this.#lastHandlers.repeatedOf(run))
    const afterCrash = repeats.reduce((total, count) => total + count, 0)
    const afterBroker = this.#repeats
      .filter((repeat) => !this.#crashed.has(repeat.run) && this.#isBrokers(repeat))
      .reduce((total, { count }) => total + count, 0)
    return { ...sum, waiting, afterCrash, afterBroker, mixedUp: this.#mixedUp }
  }

  /** What is wrong, each with its place. */
  findings(committed: ReadonlyMap<number, number>): ExplainedFinding[] {
    const lost = new Findings()
    for (const [partition, count] of this.#partitions) {
      for (const offset of count.lost(committed.get(partition) ?? 0).first) {
        lost.add({ what: 'lost', partition, offset, tab: undefined, before: undefined })
      }
    }
    return [...lost.all, ...this.#findings.all].map((finding) => {
      const { before, times } = finding
      const crashedTab = before === undefined ? undefined : this.#crashed.get(before)
      const brokerDied = crashedTab === undefined && times !== undefined && this.#isBrokers(times)
      return { ...finding, crashedTab, brokerDied }
    })
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
    { partition, tab, run }: HandledRow,
    { offset, atMs, id }: { offset: number; atMs: number; id: string },
  ): void {
    const count = this.#partition(partition)
    const outOfOrderBefore = count.outOfOrder
    const wasHandled = count.noteHandled(offset, atMs)
    const idWasHandled = this.#handledIds.note(id)
    const earlier = this.#lastHandlers.note(partition, offset, { run, tab, atMs })
    const before = earlier?.run === run ? undefined : earlier?.run
    if (!wasHandled) {
      if (idWasHandled) count.noteHandledElsewhere()
      this.#compare({ partition, offset, id, isOtherKnown: count.isSent(offset) })
      this.#handledByTab.set(tab, (this.#handledByTab.get(tab) ?? 0) + 1)
    }
    const fault = { partition, offset, tab, before }
    if (wasHandled || idWasHandled) {
      const times = earlier && { firstAtMs: earlier.atMs, againAtMs: atMs }
      if (wasHandled && earlier !== undefined) this.#noteRepeat(earlier, atMs)
      this.#findings.add({ ...fault, what: 'twice', ...(times && { times }) })
    } else if (count.outOfOrder > outOfOrderBefore) {
      this.#findings.add({ ...fault, what: 'out of order' })
    }
  }

  #noteRepeat({ run, atMs: firstAtMs }: EarlierHandling, againAtMs: number): void {
    const latest = this.#repeats.at(-1)
    const isSame = latest?.run === run && latest.firstAtMs === firstAtMs
    // Those of one row are a microsecond apart.
    if (isSame && againAtMs - latest.againAtMs < 1) latest.count += 1
    else this.#repeats.push({ run, firstAtMs, againAtMs, count: 1 })
  }

  /** Whether a broker began between the two times. */
  #isBrokers({ firstAtMs, againAtMs }: { firstAtMs: number; againAtMs: number }): boolean {
    return [...this.#brokerStarts].some(
      (startMs) => firstAtMs < startMs + NOTICED_MS && startMs <= againAtMs,
    )
  }

  /** The message that was handled at an offset must be the one that was acknowledged there. */
  #compare(side: { partition: number; offset: number; id: string; isOtherKnown: boolean }): void {
    const { partition, offset, id, isOtherKnown } = side
    const places = this.#oneSided.get(partition) ?? new Map<number, string>()
    this.#oneSided.set(partition, places)
    if (!isOtherKnown) {
      places.set(offset, id)
      return
    }
    const other = places.get(offset)
    places.delete(offset)
    if (other === undefined || other === '' || id === '' || other === id) return
    this.#mixedUp += 1
    const fault = { partition, offset, tab: undefined, before: undefined }
    this.#findings.add({ ...fault, what: 'mixed up' })
  }

  /** @param from by partition; everything when it is not given */
  #startAgain(from: readonly number[] | undefined): void {
    for (const [partition, count] of this.#partitions) {
      const offset = from?.[partition] ?? 0
      count.startAgain(offset)
      this.#lastHandlers.forgetFrom(partition, offset)
    }
    this.#handledIds.clear()
    this.#oneSided.clear()
    this.#findings.clear()
    this.#repeats = []
    this.#mixedUp = 0
    if (from === undefined) this.#handledByTab.clear()
  }

  #partition(partition: number): PartitionCount {
    const count = this.#partitions.get(partition) ?? new PartitionCount()
    this.#partitions.set(partition, count)
    return count
  }
}

/** How much is wrong that should never be. */
export function faultsIn(counts: Counts): number {
  const { lost, twice, afterCrash, afterBroker, outOfOrder, mixedUp } = counts
  return lost + twice - afterCrash - afterBroker + outOfOrder + mixedUp
}
