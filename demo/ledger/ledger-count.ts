/**
 * The checker's arithmetic: takes the ledger's rows one after the other and says at any time what
 * was sent, handled, lost, handled twice or out of order. Pure: it knows neither the ledger's
 * storage nor the broker; the committed offsets are handed to it.
 */
import { Findings, type Finding, type FindingsState } from './findings.js'
import type { ByteRuns } from './growing-bytes.js'
import { HandledIds } from './handled-ids.js'
import { KeyOrder, type KeyOrderState } from './key-order.js'
import { LastHandlers, type HandledSpan, type LastHandlersState } from './last-handlers.js'
import {
  formatMessageId,
  parseMessageId,
  type HandledRow,
  type LedgerRow,
  type ReplayRow,
  type SentRow,
  type SentShare,
} from './ledger-row.js'
import { PartitionCount, type PartitionState } from './partition-count.js'
import { Repeats, type RepeatsState } from './repeats.js'

export interface Counts {
  /** Acknowledged by the broker. */
  readonly sent: number
  /** Acknowledged and handled. */
  readonly handled: number
  /** Acknowledged, and still to be handled: what of `sent` is none of the others below. */
  readonly waiting: number
  /** Acknowledged, never handled, and the group has gone past it. */
  readonly lost: number
  /** Acknowledged, not handled, and the group was set past it by hand. */
  readonly passed: number
  /** Acknowledged, not handled, and deleted. */
  readonly expired: number
  readonly twice: number
  /** That part of `twice` which a crashed tab had handled before: it could not commit it. */
  readonly afterCrash: number
  /** That part of `twice` which was handled before the broker died, and again under the next one. */
  readonly afterBroker: number
  /** That part of `twice` which came again because the group was set back from elsewhere. */
  readonly afterSetBack: number
  readonly outOfOrder: number
  /** That part of `outOfOrder` which came of added partitions: a key's younger messages overtook. */
  readonly afterGrowth: number
  /** Handled where another message had been acknowledged. */
  readonly mixedUp: number
  /** Handled, but the tab that sent it closed before it heard so. No fault of anybody's. */
  readonly unconfirmed: number
  /** Handled, and sent by something else than a tab of this page. */
  readonly foreign: number
}

export interface ExplainedFinding extends Finding {
  /** The tab that had handled it and crashed before it could commit: no fault of anybody's. */
  readonly crashedTab: number | undefined
  /** The broker had died before it could be committed: no fault of anybody's either. */
  readonly brokerDied: boolean
  /** The group was set back from elsewhere. */
  readonly wasSetBack: boolean
}

/** All that a count has to know to go on: what the rows that led to it said, in short. */
export interface LedgerCountState {
  readonly partitions: ReadonlyMap<number, PartitionState>
  readonly handledIds: ReadonlyMap<string, ByteRuns>
  readonly oneSided: ReadonlyMap<number, ReadonlyMap<number, string>>
  readonly handledByTab: ReadonlyMap<number, number>
  readonly lastHandlers: LastHandlersState
  readonly findings: FindingsState
  readonly keyOrder: KeyOrderState
  readonly crashed: ReadonlyMap<string, number>
  readonly repeats: RepeatsState
  readonly mixedUp: number
  readonly overtaken: number
}

export class LedgerCount {
  #partitions = new Map<number, PartitionCount>()
  #handledIds = new HandledIds()
  /** By partition: the ids at offsets that are only sent or only handled so far. */
  #oneSided = new Map<number, Map<number, string>>()
  #handledByTab = new Map<number, number>()
  #lastHandlers = new LastHandlers()
  #findings = new Findings()
  #keyOrder = new KeyOrder()
  /** The lives of tabs that ended without a goodbye, and those tabs' numbers. */
  #crashed = new Map<string, number>()
  #repeats = new Repeats()
  #mixedUp = 0
  #overtaken = 0

  static from(state: LedgerCountState): LedgerCount {
    const count = new LedgerCount()
    count.#partitions = mapValues(state.partitions, (one) => PartitionCount.from(one))
    count.#handledIds = HandledIds.from(state.handledIds)
    count.#oneSided = mapValues(state.oneSided, (places) => new Map(places))
    count.#handledByTab = new Map(state.handledByTab)
    count.#lastHandlers = LastHandlers.from(state.lastHandlers)
    count.#findings = Findings.from(state.findings)
    count.#keyOrder = new KeyOrder(state.keyOrder)
    count.#crashed = new Map(state.crashed)
    count.#repeats = Repeats.from(state.repeats)
    count.#mixedUp = state.mixedUp
    count.#overtaken = state.overtaken
    return count
  }

  /** To be written down at once: parts of it go on changing. */
  get state(): LedgerCountState {
    return {
      partitions: mapValues(this.#partitions, (one) => one.state),
      handledIds: this.#handledIds.state,
      oneSided: this.#oneSided,
      handledByTab: this.#handledByTab,
      lastHandlers: this.#lastHandlers.state,
      findings: this.#findings.state,
      keyOrder: this.#keyOrder.state,
      crashed: this.#crashed,
      repeats: this.#repeats.state,
      mixedUp: this.#mixedUp,
      overtaken: this.#overtaken,
    }
  }

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
          this.#applyHandled(row, { index, offset, atMs, id: row.ids[index] ?? '' })
        })
        break
      case 'replay':
        this.#startAgain(row)
        break
      case 'crash':
        this.#crashed.set(row.run, row.tab)
        break
      case 'broker':
        this.#repeats.noteBroker(row.startedAtMs)
        break
      case 'setBack':
        this.#repeats.noteSetBack(row)
        break
      case 'setOn':
        this.#partition(row.partition).notePassed(row.from, row.until)
        break
      case 'deleted':
        this.#partition(row.partition).noteDeleted(row.from, row.until)
        break
    }
  }

  /** @param committed the group's committed offset of each partition, where there is one */
  counts(committed: ReadonlyMap<number, number>): Counts {
    const sum = {
      sent: 0,
      handled: 0,
      lost: 0,
      passed: 0,
      expired: 0,
      twice: 0,
      outOfOrder: 0,
      unconfirmed: 0,
      foreign: 0,
    }
    for (const [partition, count] of this.#partitions) {
      sum.sent += count.sent
      sum.handled += count.handled
      sum.lost += count.lost(committed.get(partition) ?? 0).count
      sum.passed += count.passed
      sum.expired += count.expired
      sum.twice += count.twice
      sum.outOfOrder += count.outOfOrder
      sum.unconfirmed += count.unconfirmed
      sum.foreign += count.foreign
    }
    const waiting = sum.sent - sum.handled - sum.lost - sum.passed - sum.expired
    const repeats = [...this.#crashed.keys()].map((run) => this.#lastHandlers.repeatedOf(run))
    const afterCrash = repeats.reduce((total, count) => total + count, 0)
    return {
      ...sum,
      waiting,
      afterCrash,
      ...this.#repeats.explained((run) => this.#crashed.has(run)),
      outOfOrder: sum.outOfOrder + this.#overtaken,
      afterGrowth: this.#overtaken,
      mixedUp: this.#mixedUp,
    }
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
      const { partition, firstOffset: offset } = finding
      const reason =
        crashedTab === undefined && times !== undefined
          ? this.#repeats.reasonOf({ ...times, partition, offset })
          : { brokerDied: false, wasSetBack: false }
      return { ...finding, crashedTab, ...reason }
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
    row: HandledRow,
    { index, offset, atMs, id }: { index: number; offset: number; atMs: number; id: string },
  ): void {
    const { partition, tab, run } = row
    const count = this.#partition(partition)
    const outOfOrderBefore = count.outOfOrder
    const wasHandled = count.noteHandled(offset, atMs)
    const idWasHandled = this.#handledIds.note(id)
    const earlier = this.#lastHandlers.note(partition, offset, { run, tab, atMs })
    const before = earlier?.run === run ? undefined : earlier?.run
    if (!wasHandled) {
      if (idWasHandled) count.noteHandledElsewhere()
      if (id === '') count.noteForeign(offset)
      this.#compare({ partition, offset, id, isOtherKnown: count.isSent(offset) })
      this.#handledByTab.set(tab, (this.#handledByTab.get(tab) ?? 0) + 1)
    }
    const fault = { partition, offset, tab, before }
    if (wasHandled || idWasHandled) {
      const times = earlier && { firstAtMs: earlier.atMs, againAtMs: atMs }
      if (wasHandled && earlier !== undefined) {
        const times = { firstAtMs: earlier.atMs, againAtMs: atMs }
        this.#repeats.note(earlier.run, { partition, offset, ...times })
      }
      this.#findings.add({ ...fault, what: 'twice', ...(times && { times }) })
    } else if (count.outOfOrder > outOfOrderBefore) {
      this.#findings.add({ ...fault, what: 'out of order' })
    } else if (this.#isOvertaken(row, { index, atMs, id })) {
      this.#overtaken += 1
      this.#findings.add({ ...fault, what: 'overtaken' })
    }
  }

  #isOvertaken(
    { keys, partition, sinceMs = 0 }: HandledRow,
    { index, atMs, id }: { index: number; atMs: number; id: string },
  ): boolean {
    const key = keys?.[index]
    const sent = parseMessageId(id)
    if (typeof key !== 'string' || sent === undefined) return false
    return this.#keyOrder.note({ ...sent, key, partition, fromMs: atMs - sinceMs, atMs })
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

  #startAgain({ from = [], isWhole = from.length === 0 }: ReplayRow): void {
    for (const [partition, count] of this.#partitions) {
      const offset = from[partition] ?? 0
      count.startAgain(offset)
      this.#lastHandlers.forgetFrom(partition, offset)
    }
    this.#handledIds.clear()
    this.#oneSided.clear()
    this.#findings.clear()
    this.#keyOrder.clear()
    this.#repeats.startAgain()
    this.#mixedUp = 0
    this.#overtaken = 0
    if (isWhole) this.#handledByTab.clear()
  }

  #partition(partition: number): PartitionCount {
    const count = this.#partitions.get(partition) ?? new PartitionCount()
    this.#partitions.set(partition, count)
    return count
  }
}

function mapValues<K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> {
  return new Map([...map].map(([key, value]) => [key, change(value)]))
}

/** How much is wrong that should never be. */
export function faultsIn(counts: Counts): number {
  const { lost, twice, outOfOrder, mixedUp } = counts
  return lost + twice - repeatsExplained(counts) + outOfOrder - counts.afterGrowth + mixedUp
}

/** How much was handled twice for a reason that is none of the broker's. */
export function repeatsExplained(
  counts: Pick<Counts, 'afterCrash' | 'afterBroker' | 'afterSetBack'>,
): number {
  return counts.afterCrash + counts.afterBroker + counts.afterSetBack
}
