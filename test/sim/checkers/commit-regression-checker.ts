/**
 * Committed offsets, as they become durable, never fall unless somebody sought, and never are beyond
 * the end of the log.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'

export class CommitRegressionChecker implements Checker {
  readonly name = 'commit-regression'
  readonly #parts: CheckerParts
  readonly #committed = new Map<string, Map<PartitionId, number>>()
  readonly #sought = new Set<string>()

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const record of event.records) {
        if (record.type === 'offset') this.#commit(record)
      }
    } else if (event.type === 'sought') {
      this.#sought.add(`${event.groupId} ${nameOf(event.place)}`)
    } else if (event.type === 'powerCut') {
      this.#restore()
    }
  }

  #commit({ groupId, partitionId, value }: Extract<DurableRecord, { type: 'offset' }>): void {
    const { log, report } = this.#parts
    const ofGroup = this.#committed.get(groupId) ?? new Map<PartitionId, number>()
    this.#committed.set(groupId, ofGroup)
    const before = ofGroup.get(partitionId)
    if (value === null) {
      ofGroup.delete(partitionId)
      return
    }
    const { offset } = value
    ofGroup.set(partitionId, offset)
    const partition = log.byId(partitionId)
    if (partition === undefined) return
    const what = `${groupId} ${nameOf(partition.place)}`
    const logEnd = Math.max(partition.ids.length, partition.logStartOffset)
    if (offset > logEnd) report(`${what}: committed ${offset}, the log ends at ${logEnd}`)
    if (before === undefined || offset >= before || this.#sought.has(what)) return
    report(`${what}: the committed offset fell from ${before} to ${offset}`)
  }

  /** What is committed now is what was before the transactions that are gone. */
  #restore(): void {
    for (const [groupId, ofGroup] of this.#committed) {
      for (const partitionId of ofGroup.keys()) {
        const offset = this.#parts.log.committed(groupId, partitionId)
        if (offset === undefined) ofGroup.delete(partitionId)
        else ofGroup.set(partitionId, offset)
      }
    }
  }
}
