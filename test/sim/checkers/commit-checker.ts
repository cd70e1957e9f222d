/**
 * Committed offsets, as they become durable: never beyond what is durable in the log, never past a
 * message that no handler of the group has finished, and never back, unless somebody sought.
 */
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'

export class CommitChecker implements Checker {
  readonly name = 'commits'
  readonly #parts: CheckerParts
  readonly #committed = new Map<string, number>()
  readonly #sought = new Set<string>()
  readonly #handled = new Map<string, Set<number>>()
  /** All below is handled, or was there before the group came. */
  readonly #handledUpTo = new Map<string, number>()
  readonly #fromLatest: ReadonlySet<string>

  constructor(parts: CheckerParts, options: { fromLatest: readonly string[] }) {
    this.#parts = parts
    this.#fromLatest = new Set(options.fromLatest)
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const record of event.records) {
        if (record.type !== 'offset' || record.value === null) continue
        const partition = this.#parts.log.byId(record.partitionId)
        if (partition === undefined) continue
        const key = `${record.groupId} ${nameOf(partition.place)}`
        this.#commit(key, record.value.offset, {
          logEnd: partition.ids.length,
          isFromLatest: this.#fromLatest.has(record.groupId),
        })
      }
    } else if (event.type === 'handled') {
      const key = `${event.reader.groupId} ${nameOf(event.place)}`
      const handled = this.#handled.get(key) ?? new Set()
      this.#handled.set(key, handled.add(event.offset))
    } else if (event.type === 'sought') {
      this.#sought.add(`${event.groupId} ${nameOf(event.place)}`)
    }
  }

  #commit(key: string, offset: number, log: { logEnd: number; isFromLatest: boolean }): void {
    const { report } = this.#parts
    const before = this.#committed.get(key)
    this.#committed.set(key, offset)
    if (offset > log.logEnd) report(`${key}: committed ${offset}, durable up to ${log.logEnd}`)
    if (before !== undefined && offset < before && !this.#sought.has(key)) {
      report(`${key}: the committed offset fell from ${before} to ${offset}`)
    }
    if (before === undefined && log.isFromLatest) this.#handledUpTo.set(key, offset)
    let handledUpTo = this.#handledUpTo.get(key) ?? 0
    while (handledUpTo < offset && this.#handled.get(key)?.has(handledUpTo) === true) handledUpTo++
    this.#handledUpTo.set(key, handledUpTo)
    if (handledUpTo < offset) {
      report(`${key}: committed ${offset}, but nobody has handled ${handledUpTo}`)
    }
  }
}
