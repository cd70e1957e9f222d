/**
 * One line per API: which part decides, and how durable the answer has to be. Requests come here
 * parsed; what they return becomes the response.
 */
import { definedOrThrow, unreachable } from '../../std/assert.js'
import { allEnded } from '../../std/promises.js'
import { hasCode, TabmqError } from '../../protocol/errors.js'
import type { GroupId, PartitionId, ProducerId, TopicId } from '../../protocol/names.js'
import type {
  ApiName,
  GroupListing,
  PartitionBatch,
  ProducedBatch,
  PartitionResult,
  RepeatedMessages,
  Request,
  RequestOf,
  ResponseOf,
} from '../../protocol/requests.js'
import { failedPartition, partitionResult } from '../log/partition-result.js'
import { decideProduce } from '../log/decide-produce.js'
import { decideDeleteRecords } from '../log/decide-retention.js'
import type { Durability } from '../ports.js'
import type { Decision, StateRecord } from '../records.js'
import { decideStoreClear, decideStoreWrites } from '../store/decide-store.js'
import { REDRIVE_GROUP } from '../share/decide-redrive.js'
import {
  decideBind,
  decideDeclareExchange,
  decideDeleteExchange,
  decideUnbind,
  unbindTopics,
} from '../routing/decide-exchanges.js'
import {
  decideAlterConfigs,
  decideCreatePartitions,
  decideCreateTopics,
  decideDeleteTopics,
} from '../topic/decide-topics.js'
import { topicMetadata } from '../topic/topic-registry.js'
import type { Broker } from './broker.js'
import type { Reservation } from './buffered-bytes.js'
import { publish } from './publish.js'
import type { Session } from './session.js'
import { commitOffsets, shareAcknowledge } from './store-changes.js'

export interface Asked<R> {
  readonly session: Session
  readonly request: R
  /** Its batches, let go of when it is answered unless this is handed over. */
  readonly reservation: Reservation
}

type ProduceResult = ResponseOf<'produce'>['results'][number]

/** A refusal may rest on decisions still on their way to the disk as well: it waits for them too. */
export async function dispatch(
  broker: Broker,
  { session, request, reservation }: Asked<Request>,
): Promise<ResponseOf<ApiName>> {
  try {
    return await answer(broker, { session, request, reservation })
  } catch (error) {
    if (error instanceof TabmqError) await settled(broker, undefined)
    throw error
  }
}

function answer(
  broker: Broker,
  { session, request, reservation }: Asked<Request>,
): Promise<ResponseOf<ApiName>> {
  const { state } = broker
  const { groups, shares } = state
  switch (request.api) {
    case 'metadata':
      return settled(broker, metadata(broker, request))
    case 'createTopics':
      return broker.apply(decideCreateTopics(state, request, broker.context()))
    case 'deleteTopics':
      return deleteTopics(broker, request)
    case 'createPartitions':
      return broker.apply(decideCreatePartitions(state, request))
    case 'alterConfigs':
      return alterConfigs(broker, request)
    case 'produce':
      return produce(broker, { session, request, reservation })
    case 'fetch':
      return fetch(broker, session, request)
    case 'listOffsets':
      return listOffsets(broker, session, request)
    case 'deleteRecords':
      return deleteRecords(broker, request)
    case 'groupHeartbeat':
      return groupHeartbeat(broker, session, request)
    case 'leaveGroup':
      return broker.apply(groups.leave(request, broker.context()))
    case 'commitOffsets':
      return commitOffsets(broker, request)
    case 'fetchOffsets':
      return settled(broker, groups.fetchOffsets(request))
    case 'startOffsets':
      return broker.apply(groups.startOffsets(request, broker.context()))
    case 'listGroups':
      return settled(broker, { groups: [...groups.list(), ...shares.list()].sort(byGroupId) })
    case 'describeGroups':
      return settled(broker, { groups: groups.describe(request.groupIds) })
    case 'deleteGroups':
      return deleteGroups(broker, request)
    case 'joinShareGroup':
      return joinShareGroup(broker, session, request)
    case 'leaveShareGroup':
      return broker.apply(shares.leave(request, broker.context()))
    case 'shareFetch':
      return broker.sharePurgatory.fetch(session.sessionId, request)
    case 'shareAcknowledge':
      return shareAcknowledge(broker, request)
    case 'redrive':
      return redrive(broker, request)
    case 'describeShareGroups':
      return settled(broker, { groups: shares.describeAll(request.groupIds, broker.context()) })
    case 'storeRead':
      return broker.readStore(session.sessionId, request)
    case 'storeWrite':
      return broker.apply({
        records: decideStoreWrites(state.stores, [request], broker.limits),
        response: {},
      })
    case 'storeClear':
      return broker.apply({ records: decideStoreClear(request.store), response: {} })
    case 'storeWatch':
      broker.storeWatches.open(session, request)
      return Promise.resolve({})
    case 'storeUnwatch':
      broker.storeWatches.close(session, request.watchId)
      return Promise.resolve({})
    case 'listStores':
      return settled(broker, { stores: state.stores.list() })
    case 'declareExchange':
      return broker.apply(decideDeclareExchange(state, request, broker.context()))
    case 'deleteExchange':
      return broker.apply(decideDeleteExchange(state, request))
    case 'listExchanges':
      return settled(broker, { exchanges: state.exchanges.describeAll(state.topics) })
    case 'bind':
      return broker.apply(decideBind(state, request))
    case 'unbind':
      return broker.apply(decideUnbind(state, request))
    case 'publish':
      return publish(broker, { session, request, reservation })
    case 'reply':
      return broker.replies.reply(request).then((isHeard) => ({ isHeard }))
    case 'describeCluster':
      return broker.describeCluster()
    case 'watch':
      return settled(broker, broker.watches.open(session, request.watchId, request.intervalMs))
    case 'unwatch':
      broker.watches.close(session, request.watchId)
      return Promise.resolve({})
    default:
      return unreachable(request)
  }
}

/** What was read may rest on decisions still on their way to the disk: it waits for them. */
function settled<T>(broker: Broker, response: T): Promise<T> {
  return broker.apply({ records: [], response })
}

function metadata({ state }: Broker, request: RequestOf<'metadata'>): ResponseOf<'metadata'> {
  const topics =
    request.topics === 'all'
      ? state.topics.all()
      : request.topics.map((topic) => state.topics.findOrThrow(topic))
  return { topics: topics.map(topicMetadata) }
}

function produce(
  broker: Broker,
  asked: Asked<RequestOf<'produce'>>,
): Promise<ResponseOf<'produce'>> {
  const { logs } = broker.state
  const waitsFor = ({ partitionId }: PartitionBatch): TopicId | undefined => {
    const topicId = logs.find(partitionId)?.topicId
    return topicId === undefined || broker.messageIdLoader.isKnown(topicId) ? undefined : topicId
  }
  const { batches } = asked.request
  if (batches.every((batch) => waitsFor(batch) === undefined)) return produceNow(broker, asked)
  const byTopic = new Map<TopicId | undefined, PartitionBatch[]>()
  for (const batch of batches) {
    const those = byTopic.get(waitsFor(batch)) ?? []
    those.push(batch)
    byTopic.set(waitsFor(batch), those)
  }
  return produceInTurn(broker, asked, byTopic)
}

/**
 * A topic whose message ids are not known yet has to wait; the others of the request need not, so each is
 * decided by itself. Nothing of it is answered before it is written, whatever `acks` says.
 */
async function produceInTurn(
  broker: Broker,
  asked: Asked<RequestOf<'produce'>>,
  byTopic: ReadonlyMap<TopicId | undefined, readonly PartitionBatch[]>,
): Promise<ResponseOf<'produce'>> {
  const { batches, acks: wanted } = asked.request
  const acks = wanted === 0 ? 1 : wanted
  const answers = await allEnded(
    [...byTopic].map(([topicId, those]) => {
      const request = { api: 'produce', acks, batches: those } as const
      const begin = async () => produceNow(broker, { ...asked, request })
      return topicId === undefined ? begin() : broker.messageIdLoader.inTurn(topicId, begin)
    }),
  )
  const results = answers.flatMap((answer) => answer.results)
  const byPartition = new Map(results.map((result) => [result.partitionId, result]))
  return {
    results: batches.map(({ partitionId }) =>
      definedOrThrow(byPartition.get(partitionId), () => `no answer of partition ${partitionId}`),
    ),
  }
}

function produceNow(
  broker: Broker,
  { session, request, reservation }: Asked<RequestOf<'produce'>>,
): Promise<ResponseOf<'produce'>> {
  const decision = rememberingProducers(broker, session, request)
  // What a refusal says has to be so, whoever asks, and where a message is: then all of the answer waits.
  const { results } = decision.response
  const isUnacknowledged =
    request.acks === 0 && !results.some((result) => isRefused(result) || hasRepeats(result))
  if (isUnacknowledged) return broker.applyUnacknowledged(decision, reservation.handOver())
  const durability = request.acks === -1 ? 'strict' : 'relaxed'
  return produced(broker, decision, durability)
}

/**
 * The answer once it is true, for each partition by itself: of a request of which one batch repeats what
 * is being written, that one may be there though there is no space for the others.
 */
async function produced(
  broker: Broker,
  { records, response: { results } }: Decision<ResponseOf<'produce'>>,
  durability: Durability,
): Promise<ResponseOf<'produce'>> {
  const written =
    records.length === 0
      ? Promise.resolve()
      : broker.apply({ records, response: undefined }, durability)
  const restsOn = (result: ProduceResult): Promise<unknown> => {
    const { partitionId } = result
    if (result.error === undefined) {
      const isItThere = result.duplicate ? takenDurable(broker, partitionId, result) : written
      return result.repeats === undefined
        ? isItThere
        : Promise.all([isItThere, originalsDurable(broker, partitionId, result.repeats)])
    }
    // A refusal may be due to any batch of the partition, or to what became of the topic.
    const batches = broker.batchesDurable(partitionId, Infinity)
    return Promise.all([batches, settled(broker, undefined)])
  }
  const answers = results.map(async (result): Promise<ProduceResult> => {
    try {
      await restsOn(result)
      broker.noteRepeats(result)
      return result
    } catch (error) {
      if (!hasCode(error, 'STORAGE_FULL')) throw error
      return failedPartition(result.partitionId, error)
    }
  })
  return { results: await Promise.all(answers) }
}

/**
 * What was taken before may still be on its way to the disk. Of a batch of which nothing was appended that
 * is the producer's row, and it goes with the partition's batches.
 */
function takenDurable(
  broker: Broker,
  partitionId: PartitionId,
  { baseOffset, isAppended }: ProducedBatch,
): Promise<void> {
  return broker.batchesDurable(partitionId, isAppended === false ? Infinity : baseOffset)
}

/** The messages of which these are repeats may themselves be on their way to the disk. */
async function originalsDurable(
  broker: Broker,
  partitionId: PartitionId,
  { partitions, offsets }: RepeatedMessages,
): Promise<void> {
  const { topics, logs } = broker.state
  const topicId = logs.find(partitionId)?.topicId
  const partitionIds = topicId === undefined ? [] : (topics.byId(topicId)?.partitionIds ?? [])
  const lastOffsets = new Map<number, number>()
  for (const [index, partition] of partitions.entries()) {
    const offset = Math.max(offsets[index] ?? 0, lastOffsets.get(partition) ?? 0)
    lastOffsets.set(partition, offset)
  }
  await Promise.all(
    [...lastOffsets].map(async ([partition, offset]) => {
      const original = partitionIds[partition]
      if (original !== undefined) await broker.batchesDurable(original, offset)
    }),
  )
}

/** What is decided about the batches; producers beyond what is remembered of a tab are forgotten. */
function rememberingProducers(
  broker: Broker,
  session: Session,
  request: RequestOf<'produce'>,
): Decision<ResponseOf<'produce'>> {
  const { records, response } = decideProduce(broker.state, request.batches, broker.context())
  const surplus = new Set<ProducerId>()
  for (const record of records) {
    if (record.type !== 'producer') continue
    for (const producerId of session.noteProducer(record.producerId)) surplus.add(producerId)
  }
  if (surplus.size === 0) return { records, response }
  const forgotten = broker.forgetProducers(surplus)
  // First: what is written now may be among them.
  return { records: [...forgotten, ...records], response }
}

function groupHeartbeat(
  broker: Broker,
  session: Session,
  request: RequestOf<'groupHeartbeat'>,
): Promise<ResponseOf<'groupHeartbeat'>> {
  const { groups, shares } = broker.state
  if (shares.has(request.groupId)) throw wrongKind(request.groupId, 'a share group')
  return broker.apply(groups.heartbeat(request, session, broker.context()))
}

function joinShareGroup(
  broker: Broker,
  session: Session,
  request: RequestOf<'joinShareGroup'>,
): Promise<ResponseOf<'joinShareGroup'>> {
  const { groups, shares } = broker.state
  if (groups.has(request.groupId)) throw wrongKind(request.groupId, 'a consumer group')
  return broker.apply(shares.join(request, session, broker.context()))
}

function wrongKind(groupId: GroupId, kind: string): TabmqError {
  const message = `"${groupId}" is ${kind}: the other kind needs a name of its own`
  return new TabmqError('INCONSISTENT_GROUP_PROTOCOL', message, { groupId })
}

/** Answered when all of it is where it was to go, or stays. */
async function redrive(
  broker: Broker,
  request: RequestOf<'redrive'>,
): Promise<ResponseOf<'redrive'>> {
  const { logs, shares } = broker.state
  for (const { partitionId } of request.records) logs.findOrThrow(partitionId)
  const partitionIds = new Set(request.records.map(({ partitionId }) => partitionId))
  await broker.apply({ records: shares.redriveStart(partitionIds), response: undefined })
  const decision = broker.state.shares.redrive(request, broker.context())
  const applied = broker.apply(decision)
  const moving = request.records.map(({ partitionId, offset }, index) => {
    if (decision.response.moved[index] !== true) return Promise.resolve([])
    const range = { partitionId, firstOffset: offset, lastOffset: offset }
    return broker.deadLetters.outcomes(REDRIVE_GROUP, range)
  })
  await applied
  const outcomes = await allEnded(moving)
  return { moved: outcomes.map(([outcome]) => outcome === 'written') }
}

function deleteGroups(
  broker: Broker,
  { groupIds, api }: RequestOf<'deleteGroups'>,
): Promise<ResponseOf<'deleteGroups'>> {
  const { groups, shares } = broker.state
  const ofShares = groupIds.filter((groupId) => shares.has(groupId))
  const others = groupIds.filter((groupId) => !shares.has(groupId))
  const { records } = groups.deleteGroups({ api, groupIds: others })
  const shareRecords = ofShares.flatMap((groupId) => shares.deleteGroup(groupId))
  return broker.apply({ records: [...records, ...shareRecords], response: {} })
}

function byGroupId(a: GroupListing, b: GroupListing): number {
  return a.groupId < b.groupId ? -1 : 1
}

async function deleteTopics(
  broker: Broker,
  request: RequestOf<'deleteTopics'>,
): Promise<ResponseOf<'deleteTopics'>> {
  const { records, response: topics } = decideDeleteTopics(broker.state, request)
  const partitionIds = topics.flatMap((topic) => topic.partitionIds)
  const { groups, shares, exchanges } = broker.state
  const topicIds = topics.map(({ topicId }) => topicId)
  const forgotten = [
    ...groups.partitionsDeleted(partitionIds),
    ...shares.partitionsDeleted(partitionIds),
    ...unbindTopics(exchanges, topicIds),
  ]
  await broker.apply({ records: [...forgotten, ...records], response: undefined })
  return {}
}

async function alterConfigs(
  broker: Broker,
  request: RequestOf<'alterConfigs'>,
): Promise<ResponseOf<'alterConfigs'>> {
  const response = await broker.apply(decideAlterConfigs(broker.state, request))
  broker.retention.request(broker.state.topics.find(request.topic)?.partitionIds ?? [])
  return response
}

async function fetch(
  broker: Broker,
  session: Session,
  request: RequestOf<'fetch'>,
): Promise<ResponseOf<'fetch'>> {
  const response = await broker.purgatory.fetch(session.sessionId, request)
  // A log start, or a deletion, that is not on the disk yet may never be: nobody is to go on from
  // elsewhere for it, or to stop.
  return response.partitions.some(isRefused) ? settled(broker, response) : response
}

async function listOffsets(
  broker: Broker,
  session: Session,
  request: RequestOf<'listOffsets'>,
): Promise<ResponseOf<'listOffsets'>> {
  const results = await broker.reader.listOffsets(request.partitions, session.sessionId)
  // Nor to skip what stays. By time nothing below the log start is found; the end is durable anyway.
  const asksForStart = request.partitions.some(({ at }) => at !== 'latest')
  return asksForStart || results.some(isRefused) ? settled(broker, { results }) : { results }
}

/** Whether it says of the state that something is not there; other errors say nothing of it. */
function isRefused({ error }: PartitionResult<unknown>): boolean {
  return error?.code === 'OFFSET_OUT_OF_RANGE' || error?.code === 'UNKNOWN_TOPIC_OR_PARTITION'
}

function hasRepeats(result: ProduceResult): boolean {
  return result.error === undefined && result.repeats !== undefined
}

function deleteRecords(
  broker: Broker,
  request: RequestOf<'deleteRecords'>,
): Promise<ResponseOf<'deleteRecords'>> {
  const records: StateRecord[] = []
  const results = request.partitions.map(({ partitionId, beforeOffset }) =>
    partitionResult(partitionId, () => {
      const log = broker.state.logs.findOrThrow(partitionId)
      const decision = decideDeleteRecords(log, beforeOffset)
      records.push(...decision.records)
      return decision.response
    }),
  )
  return broker.apply({ records, response: { results } })
}
