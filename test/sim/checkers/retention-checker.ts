/**
 * The log start only rises, and never past what was readable: the end of the log on the disk before
 * the transaction that moved it. No batch is deleted that reaches beyond the log start.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'

interface Bounds {
  logStartOffset: number
  logEndOffset: number
}

export class RetentionChecker implements Checker {
  readonly name = 'retention'
  readonly #parts: CheckerParts
  /** As they were after the transaction before. */
  readonly #bounds = new Map<PartitionId, Bounds>()

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') this.#committed(event.records)
    else if (event.type === 'powerCut') this.#restore()
  }

  #committed(records: readonly DurableRecord[]): void {
    const touched = new Set<PartitionId>()
    for (const record of records) {
      if (record.type === 'partition' && record.value !== null) this.#moved(record)
      if (record.type === 'batchesDeleted') this.#deleted(record, records)
      if (record.type === 'partition' || record.type === 'batch') touched.add(record.partitionId)
    }
    for (const partitionId of touched) this.#note(partitionId)
  }

  #moved({ partitionId, value }: Extract<DurableRecord, { type: 'partition' }>): void {
    const before = this.#bounds.get(partitionId)
    const logStartOffset = value?.logStartOffset ?? 0
    if (before === undefined) return
    if (logStartOffset < before.logStartOffset) {
      this.#report(partitionId, `fell from ${before.logStartOffset} to ${logStartOffset}`)
    }
    if (logStartOffset > before.logEndOffset) {
      this.#report(partitionId, `is ${logStartOffset}, and the log ended at ${before.logEndOffset}`)
    }
  }

  #deleted(
    { partitionId, beforeOffset }: Extract<DurableRecord, { type: 'batchesDeleted' }>,
    records: readonly DurableRecord[],
  ): void {
    const row = records.findLast(
      (record) => record.type === 'partition' && record.partitionId === partitionId,
    )
    // With its topic all of it goes.
    if (row?.type === 'partition' && row.value === null) return
    const logStartOffset = this.#parts.log.byId(partitionId)?.logStartOffset ?? 0
    if (beforeOffset <= logStartOffset) return
    this.#report(partitionId, `is ${logStartOffset}, batches are deleted up to ${beforeOffset}`)
  }

  #note(partitionId: PartitionId): void {
    const partition = this.#parts.log.byId(partitionId)
    if (partition === undefined || partition.isDeleted) {
      this.#bounds.delete(partitionId)
      return
    }
    const { logStartOffset, ids } = partition
    const logEndOffset = Math.max(logStartOffset, ids.length)
    this.#bounds.set(partitionId, { logStartOffset, logEndOffset })
  }

  #restore(): void {
    this.#bounds.clear()
    for (const { partitionId } of this.#parts.log.all()) this.#note(partitionId)
  }

  #report(partitionId: PartitionId, what: string): void {
    const place = this.#parts.log.byId(partitionId)?.place
    const name = place === undefined ? `partition ${partitionId}` : nameOf(place)
    this.#parts.report(`${name}: the log start ${what}`)
  }
}
