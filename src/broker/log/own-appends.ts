/**
 * What the broker itself appends, in one transaction: any number of batches, several of one partition too.
 * What they hold was accepted once, so no topic's limit of a message's size applies, and they have no producer
 * and no message ids.
 */
import { parseBatchHeader, writeBatchPlacement, nextOffsetOf } from '../../protocol/batch-header.js'
import type { PartitionId } from '../../protocol/names.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { LogRecord } from '../records.js'
import { checkBatchSize, checkEnd } from './decide-produce.js'
import type { PartitionLogs } from './partition-logs.js'

/** Where a log will end. */
interface End {
  readonly offset: number
  readonly position: number
  readonly maxTimestampMs: number
}

export interface OwnAppendsTerms {
  readonly logs: PartitionLogs
  readonly limits: BrokerLimits
  readonly nowMs: number
}

export class OwnAppends {
  readonly records: LogRecord[] = []
  readonly #terms: OwnAppendsTerms
  readonly #ends = new Map<PartitionId, End>()

  /** Of logs that are as they are now until the records are replayed. */
  constructor(terms: OwnAppendsTerms) {
    this.#terms = terms
  }

  /**
   * Gives the batch its place.
   * @throws TabmqError CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, UNKNOWN_TOPIC_OR_PARTITION; then nothing is added
   */
  add(partitionId: PartitionId, batch: ArrayBuffer): void {
    const { logs, limits, nowMs } = this.#terms
    const log = logs.findOrThrow(partitionId)
    checkEnd(log)
    checkBatchSize(batch, limits)
    const header = parseBatchHeader(batch)
    const end = this.#ends.get(partitionId) ?? {
      offset: log.logEndOffset,
      position: log.endPosition,
      maxTimestampMs: log.maxTimestampMs,
    }
    const maxTimestampMs = Math.max(end.maxTimestampMs, header.maxTimestampMs)
    writeBatchPlacement(batch, {
      baseOffset: end.offset,
      position: end.position,
      maxTimestampSoFarMs: maxTimestampMs,
      appendedAtMs: Math.max(log.appendedAtMs, nowMs),
    })
    this.#ends.set(partitionId, {
      offset: nextOffsetOf({ ...header, baseOffset: end.offset }),
      position: end.position + batch.byteLength,
      maxTimestampMs,
    })
    this.records.push({ type: 'batch', partitionId, baseOffset: end.offset, batch })
  }
}
