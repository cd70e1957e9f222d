/**
 * Publishing: the decision, the room for the copies that it makes, and the answer once all of it is on the
 * disk. What was published before and comes again is answered when what was decided then is there.
 */
import type { PublishResult } from '../../protocol/requests/exchanges.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import {
  countsOf,
  decidePublish,
  planPublish,
  type PublishPlan,
} from '../routing/decide-publish.js'
import type { Broker } from './broker.js'
import type { Asked } from './asked.js'
import type { Session } from './session.js'

type Response = ResponseOf<'publish'>

/** @throws TabmqError those of `planPublish`, THROTTLING_QUOTA_EXCEEDED, STORAGE_FULL */
export async function publish(
  broker: Broker,
  asked: Asked<RequestOf<'publish'>>,
): Promise<Response> {
  const plan = planPublish(broker.state, asked.request)
  if (plan.outcome === 'repeat') return answerAgain(broker, plan.results)
  const { messageIdLoader } = broker
  const unknown = [...plan.dedupTopicIds].find((topicId) => !messageIdLoader.isLoaded(topicId))
  if (unknown === undefined) return publishNow(broker, asked, plan)
  // By then all may be otherwise, and it is planned anew.
  return messageIdLoader.inTurn(unknown, () => publish(broker, asked))
}

async function publishNow(
  broker: Broker,
  { session, request, reservation }: Asked<RequestOf<'publish'>>,
  plan: Extract<PublishPlan, { outcome: 'new' }>,
): Promise<Response> {
  reservation.extend(plan.copiedBytes)
  const { records, response } = decidePublish(broker.state, request, plan, broker.context())
  const { results, repeats } = response
  const { exchangeId } = plan.exchange
  const counted = { type: 'counted', exchangeId, counts: countsOf(request, results) } as const
  const all = records.length === 0 ? [] : [...forgotten(broker, session, request), ...records]
  // What a refusal says has to be so, whoever asks, and where a message is: then the answer waits.
  if (request.acks === 0 && results.every(isNew)) {
    const decision = { records: [...all, counted], response: { results } }
    for (const [topicId, count] of repeats) broker.countRepeats(topicId, count)
    return broker.applyUnacknowledged(decision, reservation.handOver())
  }
  await broker.apply({ records: all, response }, request.acks === -1 ? 'strict' : 'relaxed')
  broker.applyQuietly([counted])
  for (const [topicId, count] of repeats) broker.countRepeats(topicId, count)
  return { results }
}

/** Producers beyond what is remembered of a tab. First: what is written now may be among them. */
function forgotten(broker: Broker, session: Session, { producerId }: RequestOf<'publish'>) {
  const surplus = session.noteProducer(producerId)
  return surplus.length === 0 ? [] : broker.forgetProducers(new Set(surplus))
}

function isNew({ error, placements = [] }: PublishResult): boolean {
  return error === undefined && placements.every(({ duplicate }) => duplicate !== true)
}

async function answerAgain(broker: Broker, results: readonly PublishResult[]): Promise<Response> {
  const placements = results.flatMap((result) => result.placements ?? [])
  await Promise.all([
    ...placements.map(({ partitionId, baseOffset }) =>
      broker.batchesDurable(partitionId, baseOffset),
    ),
    broker.apply({ records: [], response: undefined }),
  ])
  return { results }
}
