/** Answers what asks about topics, and what changes more than their own rows. */
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import { unbindTopics } from '../routing/decide-exchanges.js'
import { decideAlterConfigs, decideDeleteTopics } from '../topic/decide-topics.js'
import { topicMetadata } from '../topic/topic-registry.js'
import type { Broker } from './broker.js'

export function metadata(
  { state }: Broker,
  request: RequestOf<'metadata'>,
): ResponseOf<'metadata'> {
  const topics =
    request.topics === 'all'
      ? state.topics.all()
      : request.topics.map((topic) => state.topics.findOrThrow(topic))
  return { topics: topics.map(topicMetadata) }
}

export async function deleteTopics(
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

export async function alterConfigs(
  broker: Broker,
  request: RequestOf<'alterConfigs'>,
): Promise<ResponseOf<'alterConfigs'>> {
  const response = await broker.apply(decideAlterConfigs(broker.state, request))
  broker.retention.request(broker.state.topics.find(request.topic)?.partitionIds ?? [])
  return response
}
