/**
 * All partitions by id, and the dispatch of log records to them.
 */
import { definedOrThrow, unreachable } from '../../std/assert.js'
import { TabmqError } from '../../protocol/errors.js'
import type { PartitionId } from '../../protocol/names.js'
import type { LogRecord } from '../records.js'
import { PartitionLog } from './partition-log.js'
import { TailBudget } from './tail.js'

export class PartitionLogs {
  readonly #byId = new Map<PartitionId, PartitionLog>()
  readonly #tailBudget: TailBudget

  constructor(tailBytesMax: number) {
    this.#tailBudget = new TailBudget(tailBytesMax)
  }

  all(): IterableIterator<PartitionLog> {
    return this.#byId.values()
  }

  find(partitionId: PartitionId): PartitionLog | undefined {
    return this.#byId.get(partitionId)
  }

  /** @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION */
  findOrThrow(partitionId: PartitionId): PartitionLog {
    const log = this.#byId.get(partitionId)
    if (log !== undefined) return log
    throw new TabmqError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `there is no partition with id ${partitionId}; its topic may have been deleted`,
      { partitionId },
    )
  }

  replay(record: Exclude<LogRecord, { type: 'topic' | 'nextPartitionId' }>): void {
    switch (record.type) {
      case 'partition':
        return this.#replayPartition(record)
      case 'batch':
        return this.#known(record.partitionId).replayBatch(record.batch)
      case 'producer':
        return this.#known(record.partitionId).replayProducer(record.producerId, record.value)
      case 'batchesDeleted':
        return this.#byId.get(record.partitionId)?.replayBatchesDeleted(record.beforeOffset)
      default:
        return unreachable(record)
    }
  }

  /** What was replayed so far came from the disk. */
  allIsDurable(): void {
    for (const log of this.#byId.values()) log.allIsDurable()
  }

  /** Back to what is durable: no batch that is not will be written. */
  rollBack(): void {
    for (const log of this.#byId.values()) log.rollBack()
  }

  checkInvariants(): void {
    for (const log of this.#byId.values()) log.checkInvariants()
  }

  #replayPartition(record: Extract<LogRecord, { type: 'partition' }>): void {
    const { partitionId, value } = record
    const log = this.#byId.get(partitionId)
    if (value === null) this.#byId.delete(partitionId)
    else if (log !== undefined) log.replayLogStart(value.logStartOffset)
    else this.#byId.set(partitionId, new PartitionLog(partitionId, value, this.#tailBudget))
  }

  #known(partitionId: PartitionId): PartitionLog {
    return definedOrThrow(this.#byId.get(partitionId), () => `no partition ${partitionId}`)
  }
}
