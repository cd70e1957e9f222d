/**
 * The decision to append: each batch is checked, recognised when it is a repeat, and given its base
 * offset. A batch that cannot be appended fails alone; the others of the request go on. In a topic with
 * a window, messages whose ids are known are made void, and a batch of nothing else is not appended:
 * its producer's number moves on all the same.
 */
import { AssertionError } from '../../std/assert.js'
import {
  parseBatchHeader,
  writeBatchPlacement,
  type ReadBatchHeader,
} from '../../protocol/batch-header.js'
import { TabmqError } from '../../protocol/errors.js'
import { REPEATS_REMEMBERED_MAX, type BrokerLimits } from '../../protocol/limits.js'
import type { TopicId } from '../../protocol/names.js'
import type {
  PartitionBatch,
  ProducedBatch,
  RepeatedMessages,
} from '../../protocol/requests/log.js'
import type { ResponseOf } from '../../protocol/requests/request.js'
import type { Decision, DecisionContext, LogRecord } from '../records.js'
import type { ProducerBatch } from '../rows.js'
import type { Topic, TopicRegistry } from '../topic/topic-registry.js'
import type { MessageIds } from './message-ids.js'
import type { PartitionLog } from './partition-log.js'
import type { PartitionLogs } from './partition-logs.js'
import { partitionResult } from './partition-result.js'
import { checkSequence, withBatch } from './producer-state.js'
import { readMessageIds } from './read-message-ids.js'
import { makeVoid, repeatedMessages, RepeatSearch, type FoundRepeats } from './repeat-search.js'

export interface ProduceState {
  readonly topics: TopicRegistry
  readonly logs: PartitionLogs
  readonly messageIds: MessageIds
  readonly limits: BrokerLimits
}

const NOT_APPENDED = { isAppended: false } as const

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

  const found = newRepeats(production, candidate)
  const repeats = found === undefined ? undefined : toldOf(found, production)
  const isAppended = found?.areAll !== true
  const baseOffset = isAppended ? log.logEndOffset : (repeats?.offsets[0] ?? 0)
  const records: LogRecord[] = []
  if (isAppended) {
    if (found !== undefined) makeVoid(batch, header, found.indexes)
    place(candidate, nowMs)
    records.push({ type: 'batch', partitionId, baseOffset, batch })
  }
  if (producer !== undefined) {
    const sent = { recordCount, baseOffset, nowMs, repeats, isAppended }
    const value = withBatch(known, producer, sent)
    records.push({ type: 'producer', partitionId, producerId: producer.producerId, value })
  }
  return {
    records,
    response: {
      baseOffset,
      duplicate: false,
      ...(repeats === undefined ? {} : { repeats }),
      ...(isAppended ? {} : NOT_APPENDED),
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

/** What was answered when the producer sent the batch for the first time. */
function answerAgain(
  production: Production,
  candidate: Candidate,
  sent: ProducerBatch,
): ProducedBatch {
  const { baseOffset, repeats, isAppended } = sent
  const isAll = repeats === undefined || repeats.indexes.length < REPEATS_REMEMBERED_MAX
  const found = isAll ? undefined : knownRepeats(production, candidate, sent)
  const isMore = found !== undefined && found.indexes.length > REPEATS_REMEMBERED_MAX
  const told = isMore ? toldOf(found, production) : repeats
  return {
    baseOffset,
    duplicate: true,
    ...(told === undefined ? {} : { repeats: told }),
    ...(isAppended === undefined ? {} : { isAppended }),
  }
}

/** Of so many repeats that the producer's row does not have them all, as far as their ids are known. */
function knownRepeats(
  production: Production,
  candidate: Candidate,
  { baseOffset, isAppended }: Pick<ProducerBatch, 'baseOffset' | 'isAppended'>,
): FoundRepeats | undefined {
  const { batch, header, log } = candidate
  const { partitionId } = log
  const place = { partitionId, baseOffset: isAppended === undefined ? baseOffset : undefined }
  return searchOf(production, candidate)?.ofKnown(batch, header, place)
}

/** The messages that are known already, if there are any. */
function newRepeats(production: Production, candidate: Candidate): FoundRepeats | undefined {
  const { batch, header, log } = candidate
  const place = { partitionId: log.partitionId, offset: log.logEndOffset }
  const found = searchOf(production, candidate)?.ofNew(batch, header, place)
  return found === undefined || found.indexes.length === 0 ? undefined : found
}

/** Undefined where there is nothing to look for. */
function searchOf(
  { state, context, searches }: Production,
  { batch, header, topic }: Candidate,
): RepeatSearch | undefined {
  const { topicId, config } = topic
  if (config.dedupWindowMs === null || !header.hasProperties) return undefined
  const known = searches.get(topicId)
  if (known !== undefined) return known
  const ids = state.messageIds.of(topicId)
  if (ids === undefined) {
    // Whoever sends waits for them. What the broker itself appends has none.
    readMessageIds(batch, header, (id) => {
      throw new AssertionError(`message id ${id} in "${topic.topic}", of which none was read`)
    })
    return undefined
  }
  const search = new RepeatSearch(ids, context.nowMs)
  searches.set(topicId, search)
  return search
}

function toldOf(found: FoundRepeats, { state }: Production): RepeatedMessages {
  return repeatedMessages(found, (partitionId) => state.logs.findOrThrow(partitionId).partition)
}

/** Nobody knows which offset comes next; offsets that somebody may have read must not come again. */
export function checkEnd({ damage, partition, partitionId }: PartitionLog): void {
  if (damage === undefined) return
  throw new TabmqError(
    'CORRUPT_MESSAGE',
    `the last batch of the partition, at ${damage.offset}, cannot be read: delete its records first`,
    { partition, partitionId, ...damage },
  )
}

export function checkBatchSize(batch: ArrayBuffer, limits: BrokerLimits): void {
  if (batch.byteLength <= limits.batchBytesMax) return
  throw new TabmqError(
    'MESSAGE_TOO_LARGE',
    `a batch of ${batch.byteLength} bytes is over the limit of ${limits.batchBytesMax}`,
    { batchBytes: batch.byteLength, batchBytesMax: limits.batchBytesMax },
  )
}

export function checkMessageSize(header: ReadBatchHeader, limit: number, log: PartitionLog): void {
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
