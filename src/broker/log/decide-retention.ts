/**
 * Decisions that remove messages: retention by time and by bytes, and the deletion of records by an
 * administrator. Whole batches leave from the head, retention stops at the first that stays and never
 * passes the high watermark; the log start moves, offsets never change (rule 20).
 */
import { TabmqError } from '../../protocol/errors.js'
import type { TopicConfig } from '../../protocol/requests/topics.js'
import type { Decision, LogRecord } from '../records.js'
import type { LogHead, PartitionLog } from './partition-log.js'

export interface RetentionRule {
  readonly config: TopicConfig
  /** Undefined when age does not matter now: what is too old can wait for the next check. */
  readonly nowMs: number | undefined
}

/** Whether something at the head may have to go, so that reading it is worth while. */
export function isRetentionDue(log: PartitionLog, rule: RetentionRule): boolean {
  if (log.head === undefined) return log.hasBatches
  return log.head.nextOffset <= log.highWatermark && isExpired(log, log.head, rule)
}

/**
 * What to drop, given the oldest batches in offset order. `stays` is the first one that is to stay,
 * if it is among them: the log's new head.
 */
export function decideRetention(
  log: PartitionLog,
  oldest: readonly LogHead[],
  rule: RetentionRule,
): Decision<{ stays: LogHead | undefined }, LogRecord> {
  const firstToStay = oldest.findIndex(
    (head) => head.nextOffset > log.highWatermark || !isExpired(log, head, rule),
  )
  const dropped = firstToStay < 0 ? oldest : oldest.slice(0, firstToStay)
  const stays = firstToStay < 0 ? undefined : oldest[firstToStay]
  const beforeOffset = dropped.at(-1)?.nextOffset
  if (beforeOffset === undefined) return { records: [], response: { stays } }
  const { partitionId } = log
  const records: LogRecord[] = [{ type: 'batchesDeleted', partitionId, beforeOffset }]
  if (beforeOffset > log.logStartOffset) records.push(logStartRecord(log, beforeOffset))
  return { records, response: { stays } }
}

/**
 * Makes `beforeOffset` the first readable offset. The rows go at once when all of them do, so that
 * whoever makes room has it, else with the next retention. The batch that contains the offset stays and
 * is read as a whole: the client leaves out what lies before.
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
  if (logStartOffset === log.logStartOffset) return { records: [], response: { logStartOffset } }
  const records: LogRecord[] = [logStartRecord(log, logStartOffset)]
  if (logStartOffset === log.highWatermark) {
    const { partitionId } = log
    records.unshift({ type: 'batchesDeleted', partitionId, beforeOffset: logStartOffset })
  }
  return { records, response: { logStartOffset } }
}

function isExpired(log: PartitionLog, head: LogHead, { config, nowMs }: RetentionRule): boolean {
  const { retentionMs, retentionBytes } = config
  if (head.nextOffset <= log.logStartOffset) return true
  if (retentionBytes !== null && log.endPosition - head.position > retentionBytes) return true
  return retentionMs !== null && nowMs !== undefined && head.maxTimestampMs + retentionMs < nowMs
}

function logStartRecord(log: PartitionLog, logStartOffset: number): LogRecord {
  const { partitionId, topicId, partition } = log
  const value = { topicId, partition, logStartOffset }
  return { type: 'partition', partitionId, value }
}
