/**
 * The decision to append: each batch is checked, recognised when it is a repeat, and given its base
 * offset. A batch that cannot be appended fails alone; the others of the request go on.
 */
import {
  parseBatchHeader,
  writeBatchPlacement,
  type ReadBatchHeader,
} from '../../protocol/batch-header.js'
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionBatch, ResponseOf } from '../../protocol/requests.js'
import type { Decision, DecisionContext, LogRecord } from '../records.js'
import type { TopicRegistry } from '../topic/topic-registry.js'
import type { PartitionLog } from './partition-log.js'
import type { PartitionLogs } from './partition-logs.js'
import { partitionResult } from './partition-result.js'
import { checkSequence, withBatch } from './producer-state.js'

export interface ProduceState {
  readonly topics: TopicRegistry
  readonly logs: PartitionLogs
  readonly limits: BrokerLimits
}

/** `batches` name each partition once at most: the request parser sees to it. */
export function decideProduce(
  state: ProduceState,
  batches: readonly PartitionBatch[],
  context: DecisionContext,
): Decision<ResponseOf<'produce'>, LogRecord> {
  const records: LogRecord[] = []
  const results = batches.map((wanted) =>
    partitionResult(wanted.partitionId, () => {
      const decision = decideAppend(state, wanted, context)
      records.push(...decision.records)
      return decision.response
    }),
  )
  return { records, response: { results } }
}

function decideAppend(
  { topics, logs, limits }: ProduceState,
  { partitionId, batch, isRepeat = false }: PartitionBatch,
  { nowMs }: DecisionContext,
): Decision<{ baseOffset: number; duplicate: boolean }, LogRecord> {
  const log = logs.findOrThrow(partitionId)
  checkEnd(log)
  checkBatchSize(batch, limits)
  const header = parseBatchHeader(batch)
  checkMessageSize(header, topics.byIdOrThrow(log.topicId).config.maxMessageBytes, log)

  const { producer, recordCount } = header
  const known = producer === undefined ? undefined : log.producer(producer.producerId)
  if (producer !== undefined) {
    const check = checkSequence(known, producer, { recordCount, isRepeat })
    if (check.outcome === 'duplicate') {
      return { records: [], response: { baseOffset: check.baseOffset, duplicate: true } }
    }
  }

  const baseOffset = log.logEndOffset
  writeBatchPlacement(batch, {
    baseOffset,
    position: log.endPosition,
    maxTimestampSoFarMs: Math.max(log.maxTimestampMs, header.maxTimestampMs),
    appendedAtMs: Math.max(log.appendedAtMs, nowMs),
  })
  const records: LogRecord[] = [{ type: 'batch', partitionId, baseOffset, batch }]
  if (producer !== undefined) {
    const value = withBatch(known, producer, { recordCount, baseOffset, nowMs })
    records.push({ type: 'producer', partitionId, producerId: producer.producerId, value })
  }
  return { records, response: { baseOffset, duplicate: false } }
}

/** Nobody knows which offset comes next; offsets that somebody may have read must not come again. */
function checkEnd({ damage, partition, partitionId }: PartitionLog): void {
  if (damage === undefined) return
  throw new TabmqError(
    'CORRUPT_MESSAGE',
    `the last batch of the partition, at ${damage.offset}, cannot be read: delete its records first`,
    { partition, partitionId, ...damage },
  )
}

function checkBatchSize(batch: ArrayBuffer, limits: BrokerLimits): void {
  if (batch.byteLength <= limits.batchBytesMax) return
  throw new TabmqError(
    'MESSAGE_TOO_LARGE',
    `a batch of ${batch.byteLength} bytes is over the limit of ${limits.batchBytesMax}`,
    { batchBytes: batch.byteLength, batchBytesMax: limits.batchBytesMax },
  )
}

function checkMessageSize(header: ReadBatchHeader, limit: number, log: PartitionLog): void {
  if (header.largestMessageBytes <= limit) return
  throw new TabmqError(
    'MESSAGE_TOO_LARGE',
    `a message of ${header.largestMessageBytes} bytes is over the topic's limit of ${limit}`,
    {
      partition: log.partition,
      messageBytes: header.largestMessageBytes,
      maxMessageBytes: limit,
    },
  )
}
