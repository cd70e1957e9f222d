/**
 * Decisions that remove messages: retention by time and by bytes, and the deletion of records by an
 * administrator. Whole batches leave from the head, retention stops at the first that stays and never
 * passes the high watermark; the log start moves, offsets never change (rule 20).
 */
import { nextOffsetOf, type ReadBatchHeader } from '../../protocol/batch-header.js'
import { TabmqError } from '../../protocol/errors.js'
import type { TopicConfig } from '../../protocol/requests.js'
import type { Decision, LogRecord } from '../records.js'
import type { LogHead, PartitionLog } from './partition-log.js'

/** Whether something at the head may have to go, so that reading it is worth while. */
export function isRetentionDue(log: PartitionLog, config: TopicConfig, nowMs: number): boolean {
  if (log.head === undefined) return log.hasBatches
  return log.head.nextOffset <= log.highWatermark && isExpired(log, log.head, { config, nowMs })
}

/**
 * What to drop, given the headers of the oldest batches in offset order. `stays` is the first one
 * that is to stay, if it is among them: the log's new head.
 */
export function decideRetention(
  log: PartitionLog,
  headers: readonly ReadBatchHeader[],
  rule: { config: TopicConfig; nowMs: number },
): Decision<{ stays: ReadBatchHeader | undefined }, LogRecord> {
  const heads = headers.map((header) => ({ header, nextOffset: nextOffsetOf(header) }))
  const firstToStay = heads.findIndex(
    ({ header, nextOffset }) =>
      nextOffset > log.highWatermark || !isExpired(log, { ...header, nextOffset }, rule),
  )
  const dropped = firstToStay < 0 ? heads : heads.slice(0, firstToStay)
  const stays = firstToStay < 0 ? undefined : heads[firstToStay]?.header
  const beforeOffset = dropped.at(-1)?.nextOffset
  if (beforeOffset === undefined) return { records: [], response: { stays } }
  const { partitionId } = log
  const records: LogRecord[] = [{ type: 'batchesDeleted', partitionId, beforeOffset }]
  if (beforeOffset > log.logStartOffset) records.push(logStartRecord(log, beforeOffset))
  return { records, response: { stays } }
}

/**
 * Makes `beforeOffset` the first readable offset. The rows go with the next retention: the batch
 * that contains the offset stays, and no fetch returns its records below the log start.
 * @throws TabmqError OFFSET_OUT_OF_RANGE when it lies beyond the high watermark
 */
export function decideDeleteRecords(
  log: PartitionLog,
  beforeOffset: number,
): Decision<{ logStartOffset: number }, LogRecord> {
  if (beforeOffset > log.highWatermark) {
    throw new TabmqError(
      'OFFSET_OUT_OF_RANGE',
      `cannot delete before ${beforeOffset}: the partition is durable up to ${log.highWatermark}`,
      { partition: log.partition, offset: beforeOffset, highWatermark: log.highWatermark },
    )
  }
  const logStartOffset = Math.max(beforeOffset, log.logStartOffset)
  const records = logStartOffset > log.logStartOffset ? [logStartRecord(log, logStartOffset)] : []
  return { records, response: { logStartOffset } }
}

function isExpired(
  log: PartitionLog,
  head: LogHead,
  { config, nowMs }: { config: TopicConfig; nowMs: number },
): boolean {
  if (head.nextOffset <= log.logStartOffset) return true
  if (config.retentionMs !== null && head.maxTimestampMs + config.retentionMs < nowMs) return true
  return config.retentionBytes !== null && log.endPosition - head.position > config.retentionBytes
}

function logStartRecord(log: PartitionLog, logStartOffset: number): LogRecord {
  const { partitionId, topicId, partition } = log
  const value = { topicId, partition, logStartOffset }
  return { type: 'partition', partitionId, value }
}
