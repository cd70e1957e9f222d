/**
 * Keeps the count up to date: reads the rows that are new in the ledger whenever a tab wrote some or
 * the broker's state changed. Committed offsets are taken in before the rows are read: a tab commits
 * only what it has written down, so a row that a commit covers is always among those read.
 */
import { faultsIn, LedgerCount, type Counts, type ExplainedFinding } from './ledger-count.js'
import type { HandledSpan } from './last-handlers.js'
import type { StoredRow } from './ledger-row.js'
import type { LedgerStore } from './ledger-store.js'

export interface Verdict {
  readonly counts: Counts
  readonly findings: readonly ExplainedFinding[]
  readonly handledByTab: ReadonlyMap<number, number>
  /** How many tabs have vanished without a goodbye. */
  readonly crashes: number
  /** Who has handled what of a partition, as it is now. */
  readonly spansOf: (partition: number) => readonly HandledSpan[]
}

const ROWS_PER_READ = 2_000
const READ_INTERVAL_MS = 60
const ROWS_UNTIL_SUMMARY = 20_000
/** What waits is in it one by one. */
const WAITING_IN_SUMMARY_MAX = 20_000
const SUMMARY_LOCK = 'tabmq-demo-ledger-summary'
const LEFT_BEHIND_MS = 3_000
/**
 * A tab that closes commits at once, and its last rows come a little later; that a tab has crashed
 * is known a little later than what it did is handled again.
 */
const PATIENCE_MS = 500

export class Checker {
  readonly #store: LedgerStore
  readonly #onVerdict: (verdict: Verdict) => void
  readonly #onError: (error: unknown) => void
  #count = new LedgerCount()
  /** Rows since there was a summary, or since this tab began to write one. */
  #rowsSinceSummary = 0
  #epoch: string | undefined
  #committed: ReadonlyMap<number, number> = new Map()
  #position = 0
  #isReading = false
  #isStale = false
  #faultsForSure = 0
  #newFaultsSinceMs: number | undefined

  constructor(options: {
    store: LedgerStore
    onVerdict: (verdict: Verdict) => void
    onError: (error: unknown) => void
  }) {
    this.#store = options.store
    this.#onVerdict = options.onVerdict
    this.#onError = options.onError
    this.#store.onAppended(() => this.#readSoon())
    document.addEventListener('visibilitychange', () => this.#readSoon())
  }

  /** What the broker says now. */
  update(epoch: string, committed: ReadonlyMap<number, number>): void {
    if (this.#epoch !== epoch) {
      this.#epoch = epoch
      this.#count = new LedgerCount()
      this.#position = 0
      this.#rowsSinceSummary = 0
    }
    this.#committed = committed
    this.#readSoon()
  }

  #readSoon(): void {
    this.#isStale = true
    if (this.#isReading || this.#epoch === undefined || document.hidden) return
    this.#isReading = true
    this.#readUntilFresh()
      .catch((error: unknown) => this.#onError(error))
      .finally(() => {
        this.#isReading = false
      })
  }

  async #readUntilFresh(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false
      const committed = this.#committed
      await this.#store.adopt()
      if (!(await this.#readAll())) continue
      const count = this.#count
      const counts = count.counts(committed)
      const isLong = this.#rowsSinceSummary > ROWS_UNTIL_SUMMARY
      if (isLong && counts.waiting < WAITING_IN_SUMMARY_MAX) void this.#summarize()
      if (this.#isCertain(counts)) {
        const findings = count.findings(committed)
        const { handledByTab, crashes } = count
        const spansOf = (partition: number) => count.spansOf(partition)
        this.#onVerdict({ counts, findings, handledByTab, crashes, spansOf })
      }
      await new Promise((resolve) => setTimeout(resolve, READ_INTERVAL_MS))
    }
  }

  /** Whether what looks wrong has looked so for long enough. */
  #isCertain(counts: Counts): boolean {
    const nowMs = performance.now()
    const faults = faultsIn(counts)
    const isNew = faults > this.#faultsForSure
    if (isNew) {
      this.#newFaultsSinceMs ??= nowMs
      if (nowMs - this.#newFaultsSinceMs < PATIENCE_MS) {
        setTimeout(() => this.#readSoon(), PATIENCE_MS)
        return false
      }
    }
    this.#faultsForSure = faults
    this.#newFaultsSinceMs = undefined
    return true
  }

  /** False when the epoch changed meanwhile. */
  async #readAll(): Promise<boolean> {
    const epoch = this.#epoch
    for (;;) {
      const rows = await this.#store.readAfter(this.#position, ROWS_PER_READ)
      if (epoch !== this.#epoch) return false
      for (const row of rows) this.#take(row)
      if (rows.length < ROWS_PER_READ) return true
    }
  }

  #take(row: StoredRow): void {
    this.#position = row.position
    if (row.epoch !== this.#epoch) return
    if (row.kind === 'summary') {
      this.#count = LedgerCount.from(row.state)
      this.#rowsSinceSummary = 0
    } else {
      this.#count.apply(row)
      this.#rowsSinceSummary += 1
    }
  }

  /** One tab does it. It waits until what a closing tab left behind is where it belongs. */
  async #summarize(): Promise<void> {
    this.#rowsSinceSummary = 0
    const [epoch, position] = [this.#epoch, this.#position]
    const state = structuredClone(this.#count.state)
    try {
      await navigator.locks.request(SUMMARY_LOCK, { ifAvailable: true }, async (lock) => {
        if (lock === null) return
        await new Promise((resolve) => setTimeout(resolve, LEFT_BEHIND_MS))
        await this.#store.adopt()
        if (epoch === undefined || epoch !== this.#epoch) return
        await this.#store.summarize(position, epoch, state)
      })
    } catch (error) {
      this.#onError(error)
    }
  }
}
