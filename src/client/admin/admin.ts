/**
 * The administrator: topics, offsets, groups, the cluster. Names of topics and partitions are
 * resolved here; the broker knows partitions by id.
 */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { fromWireError, TabmqError } from '../../protocol/errors.js'
import { TOPIC_DEFAULTS } from '../../protocol/limits.js'
import {
  describe,
  detailOf,
  parseExchangeName,
  parseGroupId,
  parseTopicName,
  type TopicName,
} from '../../protocol/names.js'
import type {
  ApiName,
  ClusterDescription,
  ClusterState,
  ExchangeDescription,
  ExchangeType,
  GroupDescription,
  GroupListing,
  HeadersMatch,
  OffsetSpec,
  PartitionResult,
  RequestOf,
  ShareGroupDescription,
  StoreListing,
  ResponseOf,
  TopicConfig,
  TopicMetadata,
} from '../../protocol/requests.js'
import { EXCHANGE_TYPES } from '../../protocol/requests.js'
import { parseTopicConfig } from '../../protocol/topic-config.js'
import {
  checkArray,
  checkInteger,
  checkNoOthers,
  checkObject,
  checkObjects,
  checkOneOf,
} from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import {
  checkFetchMessagesOptions,
  fetchMessages,
  type FetchedMessages,
  type FetchMessagesOptions,
} from './fetch-messages.js'
import { checkRedriveOptions, redrive, type RedriveOptions } from './redrive.js'
import { toBinding } from './to-binding.js'
import { watchCluster, type WatchOptions } from './watch.js'

/** A topic to make. */
export interface TopicToCreate {
  /** 1 to 249 of letters, digits, `.`, `_` and `-`. */
  readonly topic: string
  /** 1 to 1,024. Default 1. */
  readonly numPartitions?: number
  /** What is left out has its default. */
  readonly config?: Partial<TopicConfig>
}

/** An offset of one partition, whose topic is named beside it. */
export interface PartitionOffset {
  /** From 0. */
  readonly partition: number
  readonly offset: number
}

/** An offset to commit for a group: the next one to read, with a note of the caller's. */
export interface PartitionOffsetAndMetadata extends PartitionOffset {
  /** At most 4,096 characters. */
  readonly metadata?: string
}

/** How far a partition reaches: `low` is its log start, `high` its high watermark. */
export interface PartitionOffsets extends PartitionOffset {
  readonly low: number
  readonly high: number
}

/** A topic with its partitions and its whole config. */
export interface TopicDescription {
  readonly topic: string
  /** A topic that is deleted and made again has another, and so have its partitions. */
  readonly topicId: string
  /** By partition number. */
  readonly partitions: readonly { readonly partition: number; readonly partitionId: number }[]
  readonly config: TopicConfig
  /** In ms since 1970. */
  readonly createdAtMs: number
}

/** What a group has committed of a topic; `offset` is undefined where it committed nothing. */
export interface TopicGroupOffsets {
  readonly topic: string
  readonly partitions: readonly {
    readonly partition: number
    readonly offset: number | undefined
    readonly metadata: string | undefined
  }[]
}

/** An exchange to declare. */
export interface ExchangeToDeclare {
  /** 1 to 255 characters. */
  readonly exchange: string
  readonly type: ExchangeType
  /** Where messages go that match none of its bindings. It need not exist yet. */
  readonly alternateExchange?: string
}

/** A way from an exchange to a topic or to another exchange. */
export interface BindingToMake {
  readonly exchange: string
  /** The queue that it leads to, for whatever groups read it. This, or `toExchange`. */
  readonly topic?: string
  readonly toExchange?: string
  /**
   * Of a direct exchange: the messages' own. Of a topic exchange: a pattern of words between dots, `*` for
   * one word and `#` for any number of them. Default: empty.
   */
  readonly routingKey?: string
  /** Of a headers exchange: what messages have. */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether they have all of the `headers` (default), or any. */
  readonly match?: HeadersMatch
  /** Of a consistent-hash exchange: its part of the routing keys, 1 (default) to 1,000. */
  readonly weight?: number
}

/** What an administrator works with. */
export interface AdminParts {
  readonly host: ClientHost
  readonly connection: Connection
  readonly codecs: CodecRegistry
}

/**
 * Made by `mq.admin()`. Every method may also throw BROKER_UNAVAILABLE, REQUEST_TIMED_OUT and
 * CLIENT_CLOSED; those that write also STORAGE_FULL and STORAGE_ERROR, and have changed nothing then.
 */
export class Admin {
  readonly #parts: AdminParts

  constructor(parts: AdminParts) {
    this.#parts = parts
  }

  /** The names of all topics. */
  async listTopics(): Promise<string[]> {
    const { topics } = await this.#ask({ api: 'metadata', topics: 'all' })
    return topics.map(({ topic }) => topic)
  }

  /** All stores, in the order of their names. */
  async listStores(): Promise<StoreListing[]> {
    const { stores } = await this.#ask({ api: 'listStores' })
    return [...stores]
  }

  /**
   * Makes topics, all or none. Returns the names of those that were made.
   * @param options.ifNotExists leaves topics that exist as they are instead of failing
   * @throws TabmqError TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS,
   *   INVALID_CONFIG, POLICY_VIOLATION
   */
  async createTopics(options: {
    readonly topics: readonly TopicToCreate[]
    readonly ifNotExists?: boolean
    readonly validateOnly?: boolean
  }): Promise<string[]> {
    checkObject('createTopics', options)
    checkNoOthers('createTopics', options, ['topics', 'ifNotExists', 'validateOnly'])
    checkObjects('topics', options.topics)
    const topics = options.topics.map((wish) => {
      checkNoOthers('a topic', wish, ['topic', 'numPartitions', 'config'])
      const numPartitions = wish.numPartitions ?? TOPIC_DEFAULTS.numPartitions
      checkInteger('numPartitions', numPartitions, { min: 0 })
      return {
        topic: parseTopicName(wish.topic),
        numPartitions,
        config: parseTopicConfig(wish.config ?? {}),
      }
    })
    const { ifNotExists = false, validateOnly = false } = options
    checkOneOf('ifNotExists', ifNotExists, [true, false])
    checkOneOf('validateOnly', validateOnly, [true, false])
    const { created } = await this.#tell({ api: 'createTopics', topics, ifNotExists, validateOnly })
    return [...created]
  }

  /**
   * Deletes topics with their messages and every group's offsets of them, all or none.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION
   */
  async deleteTopics(options: { readonly topics: readonly string[] }): Promise<void> {
    checkObject('deleteTopics', options)
    checkNoOthers('deleteTopics', options, ['topics'])
    checkArray('topics', options.topics)
    await this.#tell({ api: 'deleteTopics', topics: options.topics.map(parseTopicName) })
  }

  /**
   * Gives topics more partitions: `count` is how many there are to be. Keys may go to other partitions
   * from then on. Topics are changed one after the other: when one of several is refused, those
   * before it are changed already.
   * @throws TabmqError INVALID_PARTITIONS, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION
   */
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

  /**
   * Topics with their partitions and config; all of them when none are named.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION
   */
  async fetchTopicMetadata(
    options: { readonly topics?: readonly string[] } = {},
  ): Promise<{ topics: TopicDescription[] }> {
    checkObject('fetchTopicMetadata', options)
    checkNoOthers('fetchTopicMetadata', options, ['topics'])
    if (options.topics !== undefined) checkArray('topics', options.topics)
    const names = options.topics?.map(parseTopicName) ?? 'all'
    const { topics } = await this.#ask({ api: 'metadata', topics: names })
    return { topics: topics.map(describeTopic) }
  }

  /**
   * How far each partition of a topic reaches, by partition number.
   * @throws TabmqError INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION
   */
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

  /**
   * Of each partition, the earliest offset whose timestamp is `timestamp` or later; where there is
   * none, the end of the log. `timestamp` is in ms since 1970.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG
   */
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

  /**
   * Messages of a partition from an offset on, for looking at them: without a group, and whatever became of
   * them. Reads once, and at most what was asked for. Values are decoded in this tab; one that cannot be
   * decoded comes as its bytes, with the reason beside it.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_CONFIG; CORRUPT_MESSAGE
   *   where a stored batch cannot be read, with `details.offset` and, if known, `details.nextOffset`
   *
   * @example
   * let offset = 0
   * for (;;) {
   *   const { messages, nextOffset, high } = await admin.fetchMessages({ topic, partition: 0, offset })
   *   for (const { key, value } of messages) console.log(key, value)
   *   offset = nextOffset
   *   if (offset >= high) break
   * }
   */
  async fetchMessages(options: FetchMessagesOptions): Promise<FetchedMessages> {
    checkFetchMessagesOptions(options)
    const metadata = await this.#metadata(options.topic)
    const partitionId = partitionIdOrThrow(metadata, options.partition)
    return fetchMessages(this.#parts, partitionId, options)
  }

  /**
   * What a group has committed; of all topics it committed for when none are named. A group that
   * does not exist has committed nothing.
   * @throws TabmqError INVALID_GROUP_ID, UNKNOWN_TOPIC_OR_PARTITION
   */
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

  /**
   * Sets a group's offsets; the group must have no members.
   * @throws TabmqError NON_EMPTY_GROUP, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION
   */
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

  /**
   * Sets a group's offsets of a topic to its beginning, its end (default) or a time.
   * @throws TabmqError NON_EMPTY_GROUP, UNKNOWN_TOPIC_OR_PARTITION
   */
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

  /** All groups: one is there while it has members or has committed offsets. */
  async listGroups(): Promise<GroupListing[]> {
    const { groups } = await this.#ask({ api: 'listGroups' })
    return [...groups]
  }

  /**
   * State, members, assignment and lag.
   * @throws TabmqError GROUP_ID_NOT_FOUND
   */
  async describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    checkArray('groupIds', groupIds)
    const request = { api: 'describeGroups', groupIds: groupIds.map(parseGroupId) } as const
    const { groups } = await this.#ask(request)
    return [...groups]
  }

  /**
   * What share groups have to deliver, and who has what: of these, or of all.
   * @throws TabmqError GROUP_ID_NOT_FOUND
   */
  async describeShareGroups(groupIds?: readonly string[]): Promise<ShareGroupDescription[]> {
    if (groupIds !== undefined) checkArray('groupIds', groupIds)
    const ids = groupIds?.map(parseGroupId) ?? 'all'
    const { groups } = await this.#ask({ api: 'describeShareGroups', groupIds: ids })
    return [...groups]
  }

  /**
   * Sends dead letters back to where they died, to be tried again: as they were sent, without the headers
   * that say how they died. Each is sent back once, whoever asks for it how often; it stays in the topic of
   * dead letters until that one's retention takes it. Returns how many were sent back.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, also when a topic is gone where one is to go back to;
   *   STORAGE_FULL, INVALID_CONFIG, INVALID_TOPIC_EXCEPTION
   *
   * @example
   * await admin.redrive({ from: 'uploads.failed', filter: ({ timestamp }) => timestamp > yesterday })
   */
  async redrive(options: RedriveOptions): Promise<number> {
    checkRedriveOptions(options)
    return redrive(this.#parts, await this.#metadata(options.from), options)
  }

  /**
   * Deletes groups with their offsets, all or none.
   * @throws TabmqError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP
   */
  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    checkArray('groupIds', groupIds)
    await this.#tell({ api: 'deleteGroups', groupIds: groupIds.map(parseGroupId) })
  }

  /**
   * Deletes the messages before the given offsets; an offset of the log's end deletes all.
   * @throws TabmqError OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION
   */
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

  /**
   * The whole config of each topic, defaults included.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION
   */
  async describeConfigs(options: {
    readonly topics: readonly string[]
  }): Promise<{ topic: string; config: TopicConfig }[]> {
    checkObject('describeConfigs', options)
    const { topics } = await this.fetchTopicMetadata(options)
    return topics.map(({ topic, config }) => ({ topic, config }))
  }

  /**
   * Changes some of a topic's config; the rest stays. Topics are changed one after the other: when
   * one of several is refused, those before it are changed already.
   * @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION
   */
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

  /**
   * Makes an exchange, to which producers `publish`. One that is there already as it is asked for stays.
   * @throws TabmqError EXCHANGE_ALREADY_EXISTS (of another type, or with another alternate),
   *   INVALID_CONFIG, INVALID_REQUEST (its name), POLICY_VIOLATION
   *
   * @example
   * await admin.declareExchange({ exchange: 'events', type: 'topic' })
   * await admin.bind({ exchange: 'events', topic: 'mails', routingKey: 'order.*.created' })
   * await admin.bind({ exchange: 'events', topic: 'audit', routingKey: '#' })
   */
  async declareExchange(options: ExchangeToDeclare): Promise<void> {
    checkObject('declareExchange', options)
    checkNoOthers('declareExchange', options, ['exchange', 'type', 'alternateExchange'])
    const { type, alternateExchange } = options
    const exchange = parseExchangeName(options.exchange)
    checkOneOf('type', type, EXCHANGE_TYPES)
    const alternate = alternateExchange === undefined ? null : parseExchangeName(alternateExchange)
    await this.#ask({ api: 'declareExchange', exchange, type, alternateExchange: alternate })
  }

  /**
   * Deletes an exchange with its bindings and those to it.
   * @param options.ifUnused leaves one that has bindings, with EXCHANGE_IN_USE
   * @throws TabmqError UNKNOWN_EXCHANGE, EXCHANGE_IN_USE
   */
  async deleteExchange(
    exchange: string,
    options: { readonly ifUnused?: boolean } = {},
  ): Promise<void> {
    checkObject('deleteExchange', options)
    checkNoOthers('deleteExchange', options, ['ifUnused'])
    const { ifUnused = false } = options
    checkOneOf('ifUnused', ifUnused, [true, false])
    const name = parseExchangeName(exchange)
    await this.#tell({ api: 'deleteExchange', exchange: name, ifUnused })
  }

  /** All exchanges by name, with their bindings and what has become of what was published to them. */
  async listExchanges(): Promise<ExchangeDescription[]> {
    const { exchanges } = await this.#ask({ api: 'listExchanges' })
    return [...exchanges]
  }

  /**
   * Leads messages from an exchange to a topic or to another exchange. The same again changes nothing,
   * but for another `weight`. A binding goes with whatever it leads from or to.
   * @throws TabmqError UNKNOWN_EXCHANGE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION,
   *   INVALID_CONFIG (also for what this type of exchange does not look at), POLICY_VIOLATION
   */
  async bind(options: BindingToMake): Promise<void> {
    await this.#ask({ api: 'bind', ...toBinding('bind', options) })
  }

  /**
   * Takes back a `bind` with the same options; where there is none like it, nothing.
   * @throws TabmqError UNKNOWN_EXCHANGE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG
   */
  async unbind(options: BindingToMake): Promise<void> {
    await this.#ask({ api: 'unbind', ...toBinding('unbind', options) })
  }

  /** The broker itself: incarnation, epoch, connected tabs, storage used and allowed. */
  async describeCluster(): Promise<ClusterDescription> {
    return this.#ask({ api: 'describeCluster' })
  }

  /**
   * The state of the whole cluster, now and whenever it changed: topics with their log ends, groups
   * with members, assignment and lag. A loop that is slow skips states, and never sees an old one
   * after a newer. Goes on over a change of brokers, however long none is to be had: only what goes
   * wrong before the first state, and what no repetition can help, ends it with an error.
   * @throws TabmqError INVALID_CONFIG, THROTTLING_QUOTA_EXCEEDED (too many watches in this tab)
   *
   * @example
   * for await (const { topics, groups } of admin.watch({ signal })) draw(topics, groups)
   */
  watch(options: WatchOptions = {}): AsyncGenerator<ClusterState, void, undefined> {
    return watchCluster(this.#parts, options)
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
