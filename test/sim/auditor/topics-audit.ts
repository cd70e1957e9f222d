/** What may be said of topics: what the rows on the disk were at some moment since it was asked. */
import type { WireError } from '../../../src/protocol/errors.js'
import type { TopicName } from '../../../src/protocol/names.js'
import type { TopicMetadata } from '../../../src/protocol/requests/topics.js'
import { isOfFaults, type Answered, type Asked, type AuditParts, type OneOf } from './audit.js'
import type { DurableTopic } from './durable-history.js'

export type TopicApi =
  | 'metadata'
  | 'createTopics'
  | 'createPartitions'
  | 'deleteTopics'
  | 'alterConfigs'

export class TopicsAudit {
  readonly #parts: AuditParts

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  metadata(answered: Answered<'metadata'>): void {
    const { request, response, exchange, isSuperseded } = answered
    if (isSuperseded) return
    for (const topic of response.topics) {
      if (this.#was(answered, topic.topic, (row) => row !== undefined && isSame(row, topic))) {
        continue
      }
      this.#parts.report(exchange, `topic ${topic.topic} was never so`)
    }
    const said = new Set(response.topics.map(({ topic }) => topic))
    for (const topic of request.topics === 'all' ? this.#all() : request.topics) {
      if (said.has(topic) || this.#was(answered, topic, isMissing)) continue
      this.#parts.report(exchange, `topic ${topic} is left out`)
    }
  }

  created(answered: Answered<'createTopics'>): void {
    const { request, response, exchange } = answered
    for (const topic of response.created) {
      const isThere = this.#was(answered, topic, (row) => row !== undefined)
      const wasThere = !this.#was(answered, topic, isMissing)
      if (!wasThere && (isThere || request.validateOnly)) continue
      this.#parts.report(exchange, `topic ${topic} is said to be made`)
    }
  }

  partitionsCreated({ request, exchange, ...answered }: Answered<'createPartitions'>): void {
    const { topic, count } = request
    const asked = { ...answered, request, exchange }
    if (this.#was(asked, topic, (row) => row?.partitionIds.length === count)) return
    this.#parts.report(exchange, `topic ${topic} never had ${count} partitions`)
  }

  deleted(answered: Answered<'deleteTopics'>): void {
    for (const topic of answered.request.topics) {
      if (this.#was(answered, topic, isMissing)) continue
      this.#parts.report(answered.exchange, `topic ${topic} was there all the time`)
    }
  }

  altered(answered: Answered<'alterConfigs'>): void {
    const { topic, config } = answered.request
    const isSo = (row: DurableTopic | undefined) =>
      row !== undefined && isSameJson({ ...row.config, ...config }, row.config)
    if (this.#was(answered, topic, isSo)) return
    this.#parts.report(answered.exchange, `topic ${topic} never had that config`)
  }

  /** Whether the error could be true. */
  isJustified(asked: Asked<TopicApi>, error: WireError): boolean {
    const { request } = asked
    const names = namesIn(request)
    switch (error.code) {
      case 'UNKNOWN_TOPIC_OR_PARTITION':
        return names.some((topic) => this.#was(asked, topic, isMissing))
      case 'TOPIC_ALREADY_EXISTS':
        return names.some((topic) => this.#was(asked, topic, (row) => row !== undefined))
      case 'INVALID_PARTITIONS': {
        if (request.api !== 'createPartitions') return false
        const { topic, count } = request
        return this.#was(asked, topic, (row) => (row?.partitionIds.length ?? 0) >= count)
      }
      default:
        return isOfFaults(error)
    }
  }

  #all(): TopicName[] {
    return [...this.#parts.durable.topics.entries()].map(([topic]) => topic)
  }

  #was(asked: Asked, topic: TopicName, test: (row: DurableTopic | undefined) => boolean): boolean {
    return this.#parts.durable.topics.of(topic).wasSince(asked.version, test)
  }
}

function namesIn(request: OneOf<TopicApi>): readonly TopicName[] {
  switch (request.api) {
    case 'createTopics':
      return request.topics.map(({ topic }) => topic)
    case 'createPartitions':
    case 'alterConfigs':
      return [request.topic]
    default:
      return request.topics === 'all' ? [] : request.topics
  }
}

function isMissing(row: DurableTopic | undefined): boolean {
  return row === undefined
}

function isSame(row: DurableTopic, said: TopicMetadata): boolean {
  const { topicId, partitionIds, config, createdAtMs } = said
  return (
    row.topicId === topicId &&
    row.createdAtMs === createdAtMs &&
    isSameJson(row.partitionIds, partitionIds) &&
    isSameJson(row.config, config)
  )
}

function isSameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
