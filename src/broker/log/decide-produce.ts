/**
 * The decision to append: each batch is checked, recognised when it is a repeat, and given its base
 * offset. A batch that cannot be appended fails alone; the others of the request go on. In a topic with
 * a window, messages whose ids are known are made void, and a batch of nothing else is not appended:
 * its producer's number moves on all the same.
 */
import { definedOrThrow } from '../../std/assert.js'
import {
  parseBatchHeader,
  writeBatchPlacement,
  type ReadBatchHeader,
} from '../../protocol/batch-header.js'
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId, TopicId } from '../../protocol/names.js'
import type { PartitionBatch, ProducedBatch, ResponseOf } from '../../protocol/requests.js'
import type { Decision, DecisionContext, LogRecord } from '../records.js'
import type { ProducerBatch } from '../rows.js'
import type { Topic, TopicRegistry } from '../topic/topic-registry.js'
import type { MessageIds } from './message-ids.js'
import type { PartitionLog } from './partition-log.js'
import type { PartitionLogs } from './partition-logs.js'
import { partitionResult } from './partition-result.js'
import { checkSequence, withBatch } from './producer-state.js'
import { makeVoid, repeatedMessages, RepeatSearch, type FoundRepeats } from './repeat-search.js'

export interface ProduceState {
  readonly topics: TopicRegistry
  readonly logs: PartitionLogs
  readonly messageIds: MessageIds
  readonly limits: BrokerLimits
}

/** What a request's batches have in common. */
interface Production {
  readonly state: ProduceState
  readonly context: DecisionContext
  readonly searches: Map<TopicId, RepeatSearch>
}

/** A batch that may be appended. */
interface Candidate {
  readonly batch: ArrayBuffer
  readonly header: ReadBatchHeader
  readonly log: PartitionLog
  readonly topic: Topic
}

/** `batches` name each partition once at most: the request parser sees to it. */
export function decideProduce(
  state: ProduceState,
  batches: readonly PartitionBatch[],
  context: DecisionContext,
): Decision<ResponseOf<'produce'>, LogRecord> {
  const records: LogRecord[] = []
  const production = { state, context, searches: new Map<TopicId, RepeatSearch>() }
  const results = batches.map((wanted) =>
    partitionResult(wanted.partitionId, () => {
      const decision = decideAppend(production, wanted)
      records.push(...decision.records)
      return decision.response
    }),
  )
  return { records, response: { results } }
}

function decideAppend(
  production: Production,
  { partitionId, batch, isRepeat = false }: PartitionBatch,
): Decision<ProducedBatch, LogRecord> {
  const { topics, logs, limits } = production.state
  const { nowMs } = production.context
  const log = logs.findOrThrow(partitionId)
  checkEnd(log)
  checkBatchSize(batch, limits)
  const header = parseBatchHeader(batch)
  const topic = topics.byIdOrThrow(log.topicId)
  checkMessageSize(header, topic.config.maxMessageBytes, log)

  const candidate = { batch, header, log, topic }
  const { producer, recordCount } = header
  const known = producer === undefined ? undefined : log.producer(producer.producerId)
  if (producer !== undefined) {
    const check = checkSequence(known, producer, { recordCount, isRepeat })
    if (check.outcome === 'duplicate') {
      return { records: [], response: answerAgain(production, candidate, check.batch) }
    }
  }

  const repeats = newRepeats(production, candidate)
  const isAppended = repeats?.areAll !== true
  const { baseOffset, originalPartition } = isAppended
    ? { baseOffset: log.logEndOffset, originalPartition: undefined }
    : firstOriginal(repeats, production)
  const records: LogRecord[] = []
  if (isAppended) {
    if (repeats !== undefined) makeVoid(batch, header, repeats.indexes)
    place(candidate, nowMs)
    records.push({ type: 'batch', partitionId, baseOffset, batch })
  }
  if (producer !== undefined) {
    const sent = { recordCount, baseOffset, nowMs, originalPartition }
    const value = withBatch(known, producer, sent)
    records.push({ type: 'producer', partitionId, producerId: producer.producerId, value })
  }
  return {
    records,
    response: {
      baseOffset,
      duplicate: false,
      ...told(repeats, production),
      ...(isAppended ? {} : { isAppended }),
    },
  }
}

function place({ batch, header, log }: Candidate, nowMs: number): void {
  writeBatchPlacement(batch, {
    baseOffset: log.logEndOffset,
    position: log.endPosition,
    maxTimestampSoFarMs: Math.max(log.maxTimestampMs, header.maxTimestampMs),
    appendedAtMs: Math.max(log.appendedAtMs, nowMs),
  })
}

/** What was answered when the producer sent the batch for the first time, as far as that is known. */
function answerAgain(
  production: Production,
  { batch, header, log, topic }: Candidate,
  { baseOffset, originalPartition }: ProducerBatch,
): ProducedBatch {
  const isAppended = originalPartition === undefined
  const place = { partitionId: log.partitionId, baseOffset: isAppended ? baseOffset : undefined }
  const found = searchOf(production, { header, topic })?.ofKnown(batch, header, place)
  if (isAppended) return { baseOffset, duplicate: true, ...told(found, production) }
  const isFirstKnown = found?.indexes[0] === 0
  const repeats = isFirstKnown
    ? told(found, production).repeats
    : {
        indexes: Uint32Array.of(0),
        partitions: Uint32Array.of(originalPartition),
        offsets: Float64Array.of(baseOffset),
      }
  return { baseOffset, duplicate: true, ...(repeats && { repeats }), isAppended }
}

/** The messages that are known already, if there are any. */
function newRepeats(
  production: Production,
  { batch, header, log, topic }: Candidate,
): FoundRepeats | undefined {
  const place = { partitionId: log.partitionId, offset: log.logEndOffset }
  const found = searchOf(production, { header, topic })?.ofNew(batch, header, place)
  return found === undefined || found.indexes.length === 0 ? undefined : found
}

/** Undefined where there is nothing to look for. */
function searchOf(
  { state, context, searches }: Production,
  { header, topic }: Pick<Candidate, 'header' | 'topic'>,
): RepeatSearch | undefined {
  const { topicId, config } = topic
  if (config.dedupWindowMs === null || !header.hasProperties) return undefined
  const known = searches.get(topicId)
  if (known !== undefined) return known
  const ids = definedOrThrow(
    state.messageIds.of(topicId),
    () => `the message ids of topic ${topic.topic} have not been read`,
  )
  const search = new RepeatSearch(ids, context.nowMs)
  searches.set(topicId, search)
  return search
}

function firstOriginal(
  { originals }: FoundRepeats,
  { state }: Production,
): { baseOffset: number; originalPartition: number } {
  const first = definedOrThrow(originals[0], () => 'repeats of nothing')
  const { partition } = state.logs.findOrThrow(first.partitionId)
  return { baseOffset: first.offset, originalPartition: partition }
}

function told(
  found: FoundRepeats | undefined,
  { state }: Production,
): Pick<ProducedBatch, 'repeats'> {
  if (found === undefined || found.indexes.length === 0) return {}
  const partitionOf = (partitionId: PartitionId) => state.logs.findOrThrow(partitionId).partition
  return { repeats: repeatedMessages(found, partitionOf) }
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
