/**
 * Where batches come to be that are decided on one after the other, before any is replayed: the ends of
 * the logs as they will be then. For decisions that append several batches to one partition.
 */
import { writeBatchPlacement, type ReadBatchHeader } from '../../protocol/batch-header.js'
import type { PartitionId } from '../../protocol/names.js'
import type { LogRecord } from '../records.js'
import type { PartitionLog } from './partition-log.js'

interface LogEnd {
  offset: number
  position: number
  maxTimestampMs: number
  appendedAtMs: number
}

export class AppendDraft {
  readonly records: Extract<LogRecord, { type: 'batch' }>[] = []
  readonly #ends = new Map<PartitionId, LogEnd>()
  readonly #nowMs: number

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  /** The offset that the next batch for this partition gets. */
  endOffset(log: PartitionLog): number {
    return this.#endOf(log).offset
  }

  /** Writes its place into the batch, which is this partition's alone from now on. */
  append(log: PartitionLog, batch: ArrayBuffer, header: ReadBatchHeader): void {
    const { partitionId } = log
    const end = this.#endOf(log)
    const baseOffset = end.offset
    end.maxTimestampMs = Math.max(end.maxTimestampMs, header.maxTimestampMs)
    end.appendedAtMs = Math.max(end.appendedAtMs, this.#nowMs)
    writeBatchPlacement(batch, {
      baseOffset,
      position: end.position,
      maxTimestampSoFarMs: end.maxTimestampMs,
      appendedAtMs: end.appendedAtMs,
    })
    end.offset += header.recordCount
    end.position += batch.byteLength
    this.records.push({ type: 'batch', partitionId, baseOffset, batch })
  }

  #endOf(log: PartitionLog): LogEnd {
    const end = this.#ends.get(log.partitionId) ?? {
      offset: log.logEndOffset,
      position: log.endPosition,
      maxTimestampMs: log.maxTimestampMs,
      appendedAtMs: log.appendedAtMs,
    }
    this.#ends.set(log.partitionId, end)
    return end
  }
}
