/**
 * What an administrator asks the broker; admin.ts has what is to be said of each call. Names of topics and
 * partitions are resolved here; the broker knows partitions by id.
 */
import { fromWireError, TabmqError } from '../../protocol/errors.js'
import {
  describe,
  detailOf,
  parseExchangeName,
  parseGroupId,
  parseTopicName,
  type TopicName,
} from '../../protocol/names.js'
import type { ClusterDescription } from '../../protocol/requests/cluster.js'
import type { ExchangeDescription } from '../../protocol/requests/exchanges.js'
import { EXCHANGE_TYPES } from '../../protocol/requests/exchanges.js'
import type { GroupDescription, GroupListing } from '../../protocol/requests/groups.js'
import type { OffsetSpec } from '../../protocol/requests/log.js'
import type { PartitionResult } from '../../protocol/requests/partitions.js'
import type { ApiName, RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type { ShareGroupDescription } from '../../protocol/requests/share-groups.js'
import type { StoreListing } from '../../protocol/requests/stores.js'
import type { TopicConfig, TopicMetadata } from '../../protocol/requests/topics.js'
import { parseTopicConfig } from '../../protocol/topic-config.js'
import {
  checkArray,
  checkInteger,
  checkNoOthers,
  checkObject,
  checkObjects,
  checkOneOf,
} from '../check-options.js'
import type {
  AdminParts,
  BindingToMake,
  ExchangeToDeclare,
  PartitionOffset,
  PartitionOffsetAndMetadata,
  PartitionOffsets,
  TopicDescription,
  TopicGroupOffsets,
} from './admin.js'
import {
  checkFetchMessagesOptions,
  fetchMessages,
  type FetchedMessages,
  type FetchMessagesOptions,
} from './fetch-messages.js'
import { checkRedriveOptions, redrive, type RedriveOptions } from './redrive.js'
import { toBinding } from './to-binding.js'

export { watchCluster } from './watch.js'

export class AdminCalls {
  readonly #parts: AdminParts

  constructor(parts: AdminParts) {
    this.#parts = parts
  }

  async listTopics(): Promise<string[]> {
    const { topics } = await this.#ask({ api: 'metadata', topics: 'all' })
    return topics.map(({ topic }) => topic)
  }

  async listStores(): Promise<StoreListing[]> {
    const { stores } = await this.#ask({ api: 'listStores' })
    return [...stores]
  }

  async deleteTopics(options: { readonly topics: readonly string[] }): Promise<void> {
    checkObject('deleteTopics', options)
    checkNoOthers('deleteTopics', options, ['topics'])
    checkArray('topics', options.topics)
    await this.#tell({ api: 'deleteTopics', topics: options.topics.map(parseTopicName) })
  }

  async createPartitions(options: {
    readonly topicPartitions: readonly { readonly topic: string; readonly count: number }[]
  }): Promise<void> {
    checkObject('createPartitions', options)
    checkNoOthers('createPartitions', options, ['topicPartitions'])
    checkObjects('topicPartitions', options.topicPartitions)
    const requests = options.topicPartitions.map((wish) => {
      checkNoOthers('a topic', wish, ['topic', 'count'])
      checkInteger('count', wish.count, { min: 0 })
      const topic = parseTopicName(wish.topic)
      return { api: 'createPartitions', topic, count: wish.count } as const
    })
    for (const request of requests) await this.#tell(request)
  }

  async fetchTopicMetadata(options: {
    readonly topics?: readonly string[]
  }): Promise<{ topics: TopicDescription[] }> {
    checkObject('fetchTopicMetadata', options)
    checkNoOthers('fetchTopicMetadata', options, ['topics'])
    if (options.topics !== undefined) checkArray('topics', options.topics)
    const names = options.topics?.map(parseTopicName) ?? 'all'
    const { topics } = await this.#ask({ api: 'metadata', topics: names })
    return { topics: topics.map(describeTopic) }
  }

  async fetchTopicOffsets(topic: string): Promise<PartitionOffsets[]> {
    const metadata = await this.#metadata(topic)
    const [low, high] = await Promise.all([
      this.#listOffsets(metadata, 'earliest'),
      this.#listOffsets(metadata, 'latest'),
    ])
    return high.map(({ partition, offset = 0 }, index) => ({
      partition,
      offset,
      high: offset,
      low: low[index]?.offset ?? 0,
    }))
  }

  async fetchTopicOffsetsByTimestamp(topic: string, timestamp: number): Promise<PartitionOffset[]> {
    checkInteger('timestamp', timestamp, { min: Number.MIN_SAFE_INTEGER })
    const metadata = await this.#metadata(topic)
    const [found, ends] = await Promise.all([
      this.#listOffsets(metadata, { timestampMs: timestamp }),
      this.#listOffsets(metadata, 'latest'),
    ])
    return found.map(({ partition, offset }, index) => ({
      partition,
      offset: offset ?? ends[index]?.offset ?? 0,
    }))
  }

  async fetchMessages(options: FetchMessagesOptions): Promise<FetchedMessages> {
    checkFetchMessagesOptions(options)
    const metadata = await this.#metadata(options.topic)
    const partitionId = partitionIdOrThrow(metadata, options.partition)
    return fetchMessages(this.#parts, partitionId, options)
  }

  async fetchOffsets(options: {
    readonly groupId: string
    readonly topics?: readonly string[]
  }): Promise<TopicGroupOffsets[]> {
    checkObject('fetchOffsets', options)
    checkNoOthers('fetchOffsets', options, ['groupId', 'topics'])
    if (options.topics !== undefined) checkArray('topics', options.topics)
    const groupId = parseGroupId(options.groupId)
    const { offsets } = await this.#ask({ api: 'fetchOffsets', groupId, partitions: 'all' })
    const known = (topic: string, partition: number) =>
      offsets.find((one) => one.topic === topic && one.partition === partition)
    const names = options.topics?.map(parseTopicName) ?? [
      ...new Set(offsets.map(({ topic }) => topic)),
    ]
    const { topics } = await this.#ask({ api: 'metadata', topics: names })
    return topics.map(({ topic, partitionIds }) => ({
      topic,
      partitions: partitionIds.map((_, partition) => {
        const committed = known(topic, partition)
        return { partition, offset: committed?.offset, metadata: committed?.metadata }
      }),
    }))
  }

  async setOffsets(options: {
    readonly groupId: string
    readonly topic: string
    readonly partitions: readonly PartitionOffsetAndMetadata[]
  }): Promise<void> {
    checkObject('setOffsets', options)
    checkNoOthers('setOffsets', options, ['groupId', 'topic', 'partitions'])
    const groupId = parseGroupId(options.groupId)
    checkObjects('partitions', options.partitions)
    const metadata = await this.#metadata(options.topic)
    const offsets = options.partitions.map(({ partition, offset, metadata: note }) => {
      checkInteger('offset', offset, { min: 0 })
      const partitionId = partitionIdOrThrow(metadata, partition)
      return note === undefined ? { partitionId, offset } : { partitionId, offset, metadata: note }
    })
    await this.#ask({ api: 'commitOffsets', groupId, offsets })
  }

  async resetOffsets(options: {
    readonly groupId: string
    readonly topic: string
    readonly earliest?: boolean
    /** In ms since 1970; wins over `earliest`. */
    readonly timestamp?: number
  }): Promise<void> {
    checkObject('resetOffsets', options)
    checkNoOthers('resetOffsets', options, ['groupId', 'topic', 'earliest', 'timestamp'])
    const { groupId, topic, earliest = false, timestamp } = options
    checkOneOf('earliest', earliest, [true, false])
    const partitions =
      timestamp === undefined
        ? (await this.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({
            partition,
            offset: earliest ? low : high,
          }))
        : await this.fetchTopicOffsetsByTimestamp(topic, timestamp)
    await this.setOffsets({ groupId, topic, partitions })
  }

  async listGroups(): Promise<GroupListing[]> {
    const { groups } = await this.#ask({ api: 'listGroups' })
    return [...groups]
  }

  async describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    checkArray('groupIds', groupIds)
    const request = { api: 'describeGroups', groupIds: groupIds.map(parseGroupId) } as const
    const { groups } = await this.#ask(request)
    return [...groups]
  }

  async describeShareGroups(groupIds?: readonly string[]): Promise<ShareGroupDescription[]> {
    if (groupIds !== undefined) checkArray('groupIds', groupIds)
    const ids = groupIds?.map(parseGroupId) ?? 'all'
    const { groups } = await this.#ask({ api: 'describeShareGroups', groupIds: ids })
    return [...groups]
  }

  async redrive(options: RedriveOptions): Promise<number> {
    checkRedriveOptions(options)
    return redrive(this.#parts, await this.#metadata(options.from), options)
  }

  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    checkArray('groupIds', groupIds)
    await this.#tell({ api: 'deleteGroups', groupIds: groupIds.map(parseGroupId) })
  }

  async deleteTopicRecords(options: {
    readonly topic: string
    readonly partitions: readonly PartitionOffset[]
  }): Promise<void> {
    checkObject('deleteTopicRecords', options)
    checkNoOthers('deleteTopicRecords', options, ['topic', 'partitions'])
    checkObjects('partitions', options.partitions)
    const metadata = await this.#metadata(options.topic)
    const partitions = options.partitions.map(({ partition, offset }) => {
      checkInteger('offset', offset, { min: 0 })
      return { partitionId: partitionIdOrThrow(metadata, partition), beforeOffset: offset }
    })
    const { results } = await this.#ask({ api: 'deleteRecords', partitions })
    for (const result of results) valueOrThrow(result, metadata)
  }

  async describeConfigs(options: {
    readonly topics: readonly string[]
  }): Promise<{ topic: string; config: TopicConfig }[]> {
    checkObject('describeConfigs', options)
    const { topics } = await this.fetchTopicMetadata(options)
    return topics.map(({ topic, config }) => ({ topic, config }))
  }

  async alterConfigs(options: {
    readonly topics: readonly { readonly topic: string; readonly config: Partial<TopicConfig> }[]
  }): Promise<void> {
    checkObject('alterConfigs', options)
    checkNoOthers('alterConfigs', options, ['topics'])
    checkObjects('topics', options.topics)
    const requests = options.topics.map((wish) => {
      checkNoOthers('a topic', wish, ['topic', 'config'])
      const topic = parseTopicName(wish.topic)
      return { api: 'alterConfigs', topic, config: parseTopicConfig(wish.config) } as const
    })
    for (const request of requests) await this.#ask(request)
  }

  async declareExchange(options: ExchangeToDeclare): Promise<void> {
    checkObject('declareExchange', options)
    checkNoOthers('declareExchange', options, ['exchange', 'type', 'alternateExchange'])
    const { type, alternateExchange } = options
    const exchange = parseExchangeName(options.exchange)
    checkOneOf('type', type, EXCHANGE_TYPES)
    const alternate = alternateExchange === undefined ? null : parseExchangeName(alternateExchange)
    await this.#ask({ api: 'declareExchange', exchange, type, alternateExchange: alternate })
  }

  async deleteExchange(exchange: string, options: { readonly ifUnused?: boolean }): Promise<void> {
    checkObject('deleteExchange', options)
    checkNoOthers('deleteExchange', options, ['ifUnused'])
    const { ifUnused = false } = options
    checkOneOf('ifUnused', ifUnused, [true, false])
    const name = parseExchangeName(exchange)
    await this.#tell({ api: 'deleteExchange', exchange: name, ifUnused })
  }

  async listExchanges(): Promise<ExchangeDescription[]> {
    const { exchanges } = await this.#ask({ api: 'listExchanges' })
    return [...exchanges]
  }

  async bind(options: BindingToMake): Promise<void> {
    await this.#ask({ api: 'bind', ...toBinding('bind', options) })
  }

  async unbind(options: BindingToMake): Promise<void> {
    await this.#ask({ api: 'unbind', ...toBinding('unbind', options) })
  }

  async describeCluster(): Promise<ClusterDescription> {
    return this.#ask({ api: 'describeCluster' })
  }

  /** Asks for something that may be asked twice. */
  #ask<A extends ApiName>(request: RequestOf<A>): Promise<ResponseOf<A>> {
    return this.#parts.connection.call(request, { isRepeatable: true })
  }

  /** Asks for a change that must not be made twice. */
  #tell<A extends ApiName>(request: RequestOf<A>): Promise<ResponseOf<A>> {
    return this.#parts.connection.call(request, { isRepeatable: false })
  }

  async #metadata(topic: string): Promise<TopicMetadata> {
    const { topics } = await this.#ask({ api: 'metadata', topics: [parseTopicName(topic)] })
    return topics[0] as TopicMetadata
  }

  async #listOffsets(metadata: TopicMetadata, at: OffsetSpec) {
    const partitions = metadata.partitionIds.map((partitionId) => ({ partitionId, at }))
    const { results } = await this.#ask({ api: 'listOffsets', partitions })
    return results.map((result, partition) => ({
      partition,
      offset: valueOrThrow(result, metadata).offset,
    }))
  }
}

function describeTopic({ partitionIds, ...metadata }: TopicMetadata): TopicDescription {
  const partitions = partitionIds.map((partitionId, partition) => ({ partition, partitionId }))
  return { ...metadata, partitions }
}

function partitionIdOrThrow(metadata: TopicMetadata, partition: number) {
  const partitionId = metadata.partitionIds[partition]
  if (partitionId !== undefined) return partitionId
  throw unknownPartition(metadata.topic, partition)
}

function valueOrThrow<T>(result: PartitionResult<T>, metadata: TopicMetadata): T {
  if (result.error === undefined) return result
  const { code, message, details } = fromWireError(result.error)
  const { topic } = metadata
  const partition = metadata.partitionIds.indexOf(result.partitionId)
  throw new TabmqError(code, `"${topic}" ${partition}: ${message}`, {
    ...details,
    topic,
    partition,
  })
}

function unknownPartition(topic: TopicName, partition: unknown): TabmqError {
  return new TabmqError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `topic "${topic}" has no partition ${describe(partition)}`,
    { topic, partition: detailOf(partition) },
  )
}
