/**
 * Answers `produce`: decides, and answers each batch when what it says is true. Topics whose message ids are
 * not known yet wait for them by themselves.
 */
import { definedOrThrow } from '../../std/assert.js'
import { allEnded } from '../../std/promises.js'
import { hasCode } from '../../protocol/errors.js'
import type { PartitionId, ProducerId, TopicId } from '../../protocol/names.js'
import type {
  PartitionBatch,
  ProducedBatch,
  RepeatedMessages,
} from '../../protocol/requests/log.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import { decideProduce } from '../log/decide-produce.js'
import { failedPartition } from '../log/partition-result.js'
import type { Durability } from '../ports.js'
import type { Decision } from '../records.js'
import { isRefused, settled, type Asked } from './asked.js'
import type { Broker } from './broker.js'
import type { Session } from './session.js'

type ProduceResult = ResponseOf<'produce'>['results'][number]

export function produce(
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

function hasRepeats(result: ProduceResult): boolean {
  return result.error === undefined && result.repeats !== undefined
}
