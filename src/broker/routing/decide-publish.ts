/**
 * The decision on a publish request. First a plan: of each publication, which topics it goes to, whether
 * all of them can take it, and what it takes in copies. Then the copies, each with its place. A publication
 * is stored in all its queues or in none (X3); what cannot be stored fails alone.
 *
 * A producer numbers its publications to an exchange and has one request at a time under way, so the last
 * request of which anything was stored is all that has to be remembered, with its answer: what comes
 * again under that number is answered again, and stored nowhere.
 */
import { parseBatchHeader, type ReadBatchHeader } from '../../protocol/batch-header.js'
import { TabmqError, toWireError, type WireError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId, TopicId } from '../../protocol/names.js'
import type {
  ExchangeCounters,
  Placement,
  Publication,
  PublishedBatch,
  PublishRequest,
  PublishResult,
} from '../../protocol/requests/exchanges.js'
import { definedOrThrow } from '../../std/assert.js'
import { AppendDraft } from '../log/append-draft.js'
import { checkBatchSize, checkEnd, checkMessageSize } from '../log/decide-produce.js'
import type { MessageIds } from '../log/message-ids.js'
import type { PartitionLog } from '../log/partition-log.js'
import type { PartitionLogs } from '../log/partition-logs.js'
import { readMessageIds } from '../log/read-message-ids.js'
import { makeVoid, RepeatSearch, type FoundRepeats } from '../log/repeat-search.js'
import type { Decision, DecisionContext, ExchangeRecord, LogRecord } from '../records.js'
import type { Topic, TopicRegistry } from '../topic/topic-registry.js'
import type { Exchange } from './exchange.js'
import type { Exchanges } from './exchanges.js'
import { RoutedMessage } from './match-bindings.js'
import { route } from './route.js'

export interface PublishState {
  readonly exchanges: Exchanges
  readonly topics: TopicRegistry
  readonly logs: PartitionLogs
  readonly messageIds: MessageIds
  readonly limits: BrokerLimits
}

/** What is to become of one request. */
export type PublishPlan =
  | {
      readonly outcome: 'repeat'
      readonly results: readonly PublishResult[]
    }
  | {
      readonly outcome: 'new'
      readonly exchange: Exchange
      readonly publications: readonly PlannedPublication[]
      /** What its copies take besides the batches that came with it. */
      readonly copiedBytes: number
      /** Batches without a key. */
      readonly unkeyed: number
      /** Topics whose message ids have to be known before it is decided. */
      readonly dedupTopicIds: ReadonlySet<TopicId>
    }

type PlannedPublication =
  | { readonly error: WireError }
  | { readonly error?: never; readonly batches: readonly PlannedBatch[] }

interface PlannedBatch {
  readonly batch: ArrayBuffer
  readonly header: ReadBatchHeader
  /** One of each topic that it goes to. */
  readonly logs: readonly PartitionLog[]
}

/**
 * @throws TabmqError UNKNOWN_EXCHANGE, OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID
 */
export function planPublish(state: PublishState, request: PublishRequest): PublishPlan {
  const exchange = state.exchanges.findOrThrow(request.exchange)
  const results = checkNumbers(exchange, request)
  if (results !== undefined) return { outcome: 'repeat', results }
  const planning = new Planning(state, exchange)
  const publications = request.publications.map((publication) => planning.plan(publication))
  const { copiedBytes, unkeyed, dedupTopicIds } = planning
  return { outcome: 'new', exchange, publications, copiedBytes, unkeyed, dedupTopicIds }
}

export interface Published {
  readonly results: readonly PublishResult[]
  /** How many messages were not stored since their ids were known, of each topic. */
  readonly repeats: ReadonlyMap<TopicId, number>
}

/** Nothing can fail any more. What a batch is copied from is the last copy itself. */
export function decidePublish(
  state: PublishState,
  request: PublishRequest,
  { exchange, publications, unkeyed }: Extract<PublishPlan, { outcome: 'new' }>,
  { nowMs }: DecisionContext,
): Decision<Published, LogRecord | ExchangeRecord> {
  const publishing = new Publishing(state, nowMs)
  const results = publications.map((planned): PublishResult => {
    if (planned.error !== undefined) return { error: planned.error }
    return { placements: publishing.append(planned.batches) }
  })
  const response = { results, repeats: publishing.repeats }
  if (results.every(({ placements = [] }) => placements.length === 0)) {
    return { records: [], response }
  }
  const { exchangeId } = exchange
  const { producerId, firstNumber } = request
  const value = { firstNumber, results, updatedAtMs: nowMs }
  return {
    records: [
      ...publishing.records,
      { type: 'publisher', exchangeId, producerId, value },
      { type: 'spread', exchangeId, batches: unkeyed },
    ],
    response,
  }
}

/** What became of the messages of a request, for the exchange's counters. */
export function countsOf(
  { publications }: PublishRequest,
  results: readonly PublishResult[],
): ExchangeCounters {
  const counts = { published: 0, routed: 0, unroutable: 0, dropped: 0 }
  for (const [index, { batches }] of publications.entries()) {
    const result = results[index]
    const isUnroutable = result?.error?.code === 'UNROUTABLE_MESSAGE'
    if (result === undefined || (result.error !== undefined && !isUnroutable)) continue
    const messages = batches.reduce((sum, { batch }) => sum + recordCountOf(batch), 0)
    counts.published += messages
    if (isUnroutable) counts.unroutable += messages
    else if (result.placements?.length === 0) counts.dropped += messages
    else counts.routed += messages
  }
  return counts
}

/**
 * The results of before when it is a repeat of the producer's last request, undefined when it is new.
 * Numbers may be left out: whatever had them was given up, or nothing of it was stored.
 * @throws TabmqError OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID
 */
function checkNumbers(
  { exchange, publishers }: Exchange,
  { producerId, firstNumber, publications, isRepeat = false }: PublishRequest,
): readonly PublishResult[] | undefined {
  const known = publishers.get(producerId)
  if (known === undefined) {
    if (!isRepeat) return undefined
    throw new TabmqError(
      'UNKNOWN_PRODUCER_ID',
      `producer ${producerId} was forgotten: whether this was published is not known`,
      { exchange, producerId, firstNumber },
    )
  }
  const { results } = known
  const isSame = firstNumber === known.firstNumber && publications.length === results.length
  if (isSame) return results
  const expected = known.firstNumber + results.length
  if (firstNumber >= expected) return undefined
  throw new TabmqError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `publication ${firstNumber} does not follow: ${expected} was expected, or a later one`,
    { exchange, producerId, firstNumber, expectedNumber: expected },
  )
}

/** Goes through the publications of one request, which have room for so many copies together. */
class Planning {
  readonly #state: PublishState
  readonly #exchange: Exchange
  #unkeyed = 0
  readonly dedupTopicIds = new Set<TopicId>()
  #appends = 0
  #bytes = 0
  #arrivedBytes = 0
  /** There was no room for one: those after it must not come before it. */
  #isFull = false

  constructor(state: PublishState, exchange: Exchange) {
    this.#state = state
    this.#exchange = exchange
  }

  get copiedBytes(): number {
    return this.#bytes - this.#arrivedBytes
  }

  get unkeyed(): number {
    return this.#unkeyed
  }

  plan(publication: Publication): PlannedPublication {
    try {
      return { batches: this.#planOrThrow(publication) }
    } catch (error) {
      if (!(error instanceof TabmqError)) throw error
      return { error: toWireError(error) }
    } finally {
      this.#unkeyed += publication.batches.filter(({ keyHash }) => keyHash === null).length
    }
  }

  #planOrThrow(publication: Publication): PlannedBatch[] {
    const { batches } = publication
    if (batches.length === 0) return []
    const headers = batches.map(({ batch }) => parseBatchHeader(batch))
    const topics = this.#route(publication)
    if (topics.length === 0) return []
    const size = sizeOf(batches, topics.length)
    this.#checkSize(size)
    let spread = this.#exchange.spread + this.#unkeyed
    const planned = batches.map(({ batch, keyHash }, index) => {
      checkBatchSize(batch, this.#state.limits)
      const header = definedOrThrow(headers[index], () => 'a batch without a header')
      const number = keyHash ?? spread++
      const logs = topics.map((topic) => {
        const log = this.#logOf(topic, number)
        checkEnd(log)
        checkMessageSize(header, topic.config.maxMessageBytes, log)
        if (looksForRepeats(topic, header)) {
          this.dedupTopicIds.add(topic.topicId)
          // Nothing of it may fail once something of it is decided.
          readMessageIds(batch, header, () => {})
        }
        return log
      })
      return { batch, header, logs }
    })
    this.#takeRoom(size)
    return planned
  }

  #route({ routingKey, headers, mandatory }: Publication): Topic[] {
    const { exchanges, topics, limits } = this.#state
    const message = new RoutedMessage(routingKey, headers)
    const found = route(exchanges, this.#exchange, message, limits)
    if (found.size === 0 && mandatory) {
      const { exchange } = this.#exchange
      throw new TabmqError(
        'UNROUTABLE_MESSAGE',
        `from exchange "${exchange}" no binding leads to a queue for this message`,
        { exchange, routingKey },
      )
    }
    return [...found].map((topicId: TopicId) => topics.byIdOrThrow(topicId))
  }

  #logOf({ partitionIds, topic }: Topic, number: number): PartitionLog {
    const partitionId = partitionIds[number % partitionIds.length]
    return this.#state.logs.findOrThrow(
      definedOrThrow(partitionId, () => `topic ${topic} has no partitions`),
    )
  }

  /** @throws TabmqError MESSAGE_TOO_LARGE for what there is never room for */
  #checkSize(size: CopiesSize): void {
    const { publishAppendsMax, publishBytesMax } = this.#state.limits
    if (size.bytes <= publishBytesMax && size.appends <= publishAppendsMax) return
    const message = `${size.arrivedBytes} bytes are too much for ${size.queues} queues`
    throw new TabmqError('MESSAGE_TOO_LARGE', message, {
      ...size,
      publishBytesMax,
      publishAppendsMax,
    })
  }

  /** @throws TabmqError THROTTLING_QUOTA_EXCEEDED when others of the same request leave no room */
  #takeRoom(size: CopiesSize): void {
    const { publishAppendsMax, publishBytesMax } = this.#state.limits
    const bytes = this.#bytes + size.bytes
    const appends = this.#appends + size.appends
    this.#isFull ||= bytes > publishBytesMax || appends > publishAppendsMax
    if (this.#isFull) {
      const message = 'what is published before it in the same request leaves no room for it'
      throw new TabmqError('THROTTLING_QUOTA_EXCEEDED', message, { ...size })
    }
    this.#bytes = bytes
    this.#appends = appends
    this.#arrivedBytes += size.arrivedBytes
  }
}

/** What one publication takes in all its queues together. */
interface CopiesSize {
  readonly queues: number
  readonly arrivedBytes: number
  readonly bytes: number
  readonly appends: number
}

function sizeOf(batches: readonly PublishedBatch[], queues: number): CopiesSize {
  const arrivedBytes = batches.reduce((sum, { batch }) => sum + batch.byteLength, 0)
  const appends = queues * batches.length
  return { queues, arrivedBytes, bytes: queues * arrivedBytes, appends }
}

/** Puts the publications of one request into their queues, one after the other. */
class Publishing {
  readonly #state: PublishState
  readonly #nowMs: number
  readonly #draft: AppendDraft
  readonly #searches = new Map<TopicId, RepeatSearch>()
  readonly repeats = new Map<TopicId, number>()

  constructor(state: PublishState, nowMs: number) {
    this.#state = state
    this.#nowMs = nowMs
    this.#draft = new AppendDraft(nowMs)
  }

  get records(): readonly LogRecord[] {
    return this.#draft.records
  }

  append(batches: readonly PlannedBatch[]): Placement[] {
    const stored = new Map<PartitionId, Placement>()
    const known = new Map<PartitionId, Placement>()
    for (const [index, { batch, header, logs }] of batches.entries()) {
      for (const [at, log] of logs.entries()) {
        const topic = this.#state.topics.byIdOrThrow(log.topicId)
        const found = this.#repeatsIn(batch, header, log, topic)
        const isAppended = found?.areAll !== true
        const places = isAppended ? stored : known
        if (!places.has(log.partitionId)) {
          const place = found?.areAll === true ? this.#original(found) : this.#next(log, found)
          places.set(log.partitionId, { topic: topic.topic, batch: index, ...place })
        }
        if (!isAppended) continue
        const own = at === logs.length - 1 ? batch : batch.slice(0)
        if (found !== undefined) makeVoid(own, header, found.indexes)
        this.#draft.append(log, own, header)
      }
    }
    const onlyKnown = [...known].filter(([partitionId]) => !stored.has(partitionId))
    return [...stored.values(), ...onlyKnown.map(([, placement]) => placement)]
  }

  /** Where the first message is that is stored. */
  #next(log: PartitionLog, found: FoundRepeats | undefined) {
    const { partitionId, partition } = log
    let first = 0
    while (found?.indexes[first] === first) first++
    return { partitionId, partition, baseOffset: this.#draft.endOffset(log) + first }
  }

  #original({ originals }: FoundRepeats) {
    const { partitionId, offset } = definedOrThrow(originals[0], () => 'repeats of nothing')
    const { partition } = this.#state.logs.findOrThrow(partitionId)
    return { partitionId, partition, baseOffset: offset, duplicate: true as const }
  }

  #repeatsIn(
    batch: ArrayBuffer,
    header: ReadBatchHeader,
    log: PartitionLog,
    topic: Topic,
  ): FoundRepeats | undefined {
    if (!looksForRepeats(topic, header)) return undefined
    const { partitionId, topicId } = log
    const place = { partitionId, offset: this.#draft.endOffset(log) }
    const found = this.#searchOf(topic).ofNew(batch, header, place)
    if (found.indexes.length === 0) return undefined
    this.repeats.set(topicId, (this.repeats.get(topicId) ?? 0) + found.indexes.length)
    return found
  }

  #searchOf({ topicId, topic }: Topic): RepeatSearch {
    const ids = this.#state.messageIds.of(topicId)
    const search =
      this.#searches.get(topicId) ??
      new RepeatSearch(
        definedOrThrow(ids, () => `the message ids of "${topic}" were not read`),
        this.#nowMs,
      )
    this.#searches.set(topicId, search)
    return search
  }
}

function looksForRepeats({ config }: Topic, { hasProperties }: ReadBatchHeader): boolean {
  return config.dedupWindowMs !== null && hasProperties
}

function recordCountOf(batch: ArrayBuffer): number {
  return parseBatchHeader(batch).recordCount
}
