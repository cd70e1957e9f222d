/**
 * The administrator as the user sees it: topics, offsets, groups, the cluster. Most of what it does is
 * loaded when it is first asked for (admin-calls.ts); making topics, with which many pages begin, is here.
 */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { TOPIC_DEFAULTS } from '../../protocol/limits.js'
import { parseTopicName } from '../../protocol/names.js'
import type { ClusterDescription, ClusterState } from '../../protocol/requests/cluster.js'
import type {
  ExchangeDescription,
  ExchangeType,
  HeadersMatch,
} from '../../protocol/requests/exchanges.js'
import type { GroupDescription, GroupListing } from '../../protocol/requests/groups.js'
import type { ShareGroupDescription } from '../../protocol/requests/share-groups.js'
import type { StoreListing } from '../../protocol/requests/stores.js'
import type { TopicConfig } from '../../protocol/requests/topics.js'
import { parseTopicConfig } from '../../protocol/topic-config.js'
import {
  checkInteger,
  checkNoOthers,
  checkObject,
  checkObjects,
  checkOneOf,
} from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { adminPart } from '../parts.js'
import type { AdminCalls } from './admin-calls.js'
import type { FetchedMessages, FetchMessagesOptions } from './fetch-messages.js'
import type { RedriveOptions } from './redrive.js'
import type { WatchOptions } from './watch.js'

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
  #calls: AdminCalls | undefined

  constructor(parts: AdminParts) {
    this.#parts = parts
  }

  /** The names of all topics. */
  listTopics(): Promise<string[]> {
    return this.#use((calls) => calls.listTopics())
  }

  /** All stores, in the order of their names. */
  listStores(): Promise<StoreListing[]> {
    return this.#use((calls) => calls.listStores())
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
    const { created } = await this.#parts.connection.call(
      { api: 'createTopics', topics, ifNotExists, validateOnly },
      { isRepeatable: false },
    )
    return [...created]
  }

  /**
   * Deletes topics with their messages and every group's offsets of them, all or none.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION
   */
  deleteTopics(options: { readonly topics: readonly string[] }): Promise<void> {
    return this.#use((calls) => calls.deleteTopics(options))
  }

  /**
   * Gives topics more partitions: `count` is how many there are to be. Keys may go to other partitions
   * from then on. Topics are changed one after the other: when one of several is refused, those
   * before it are changed already.
   * @throws TabmqError INVALID_PARTITIONS, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION
   */
  createPartitions(options: {
    readonly topicPartitions: readonly { readonly topic: string; readonly count: number }[]
  }): Promise<void> {
    return this.#use((calls) => calls.createPartitions(options))
  }

  /**
   * Topics with their partitions and config; all of them when none are named.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION
   */
  fetchTopicMetadata(
    options: { readonly topics?: readonly string[] } = {},
  ): Promise<{ topics: TopicDescription[] }> {
    return this.#use((calls) => calls.fetchTopicMetadata(options))
  }

  /**
   * How far each partition of a topic reaches, by partition number.
   * @throws TabmqError INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION
   */
  fetchTopicOffsets(topic: string): Promise<PartitionOffsets[]> {
    return this.#use((calls) => calls.fetchTopicOffsets(topic))
  }

  /**
   * Of each partition, the earliest offset whose timestamp is `timestamp` or later; where there is
   * none, the end of the log. `timestamp` is in ms since 1970.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG
   */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp: number): Promise<PartitionOffset[]> {
    return this.#use((calls) => calls.fetchTopicOffsetsByTimestamp(topic, timestamp))
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
  fetchMessages(options: FetchMessagesOptions): Promise<FetchedMessages> {
    return this.#use((calls) => calls.fetchMessages(options))
  }

  /**
   * What a group has committed; of all topics it committed for when none are named. A group that
   * does not exist has committed nothing.
   * @throws TabmqError INVALID_GROUP_ID, UNKNOWN_TOPIC_OR_PARTITION
   */
  fetchOffsets(options: {
    readonly groupId: string
    readonly topics?: readonly string[]
  }): Promise<TopicGroupOffsets[]> {
    return this.#use((calls) => calls.fetchOffsets(options))
  }

  /**
   * Sets a group's offsets; the group must have no members.
   * @throws TabmqError NON_EMPTY_GROUP, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION
   */
  setOffsets(options: {
    readonly groupId: string
    readonly topic: string
    readonly partitions: readonly PartitionOffsetAndMetadata[]
  }): Promise<void> {
    return this.#use((calls) => calls.setOffsets(options))
  }

  /**
   * Sets a group's offsets of a topic to its beginning, its end (default) or a time.
   * @throws TabmqError NON_EMPTY_GROUP, UNKNOWN_TOPIC_OR_PARTITION
   */
  resetOffsets(options: {
    readonly groupId: string
    readonly topic: string
    readonly earliest?: boolean
    /** In ms since 1970; wins over `earliest`. */
    readonly timestamp?: number
  }): Promise<void> {
    return this.#use((calls) => calls.resetOffsets(options))
  }

  /** All groups: one is there while it has members or has committed offsets. */
  listGroups(): Promise<GroupListing[]> {
    return this.#use((calls) => calls.listGroups())
  }

  /**
   * State, members, assignment and lag.
   * @throws TabmqError GROUP_ID_NOT_FOUND
   */
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    return this.#use((calls) => calls.describeGroups(groupIds))
  }

  /**
   * What share groups have to deliver, and who has what: of these, or of all.
   * @throws TabmqError GROUP_ID_NOT_FOUND
   */
  describeShareGroups(groupIds?: readonly string[]): Promise<ShareGroupDescription[]> {
    return this.#use((calls) => calls.describeShareGroups(groupIds))
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
  redrive(options: RedriveOptions): Promise<number> {
    return this.#use((calls) => calls.redrive(options))
  }

  /**
   * Deletes groups with their offsets, all or none.
   * @throws TabmqError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP
   */
  deleteGroups(groupIds: readonly string[]): Promise<void> {
    return this.#use((calls) => calls.deleteGroups(groupIds))
  }

  /**
   * Deletes the messages before the given offsets; an offset of the log's end deletes all.
   * @throws TabmqError OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION
   */
  deleteTopicRecords(options: {
    readonly topic: string
    readonly partitions: readonly PartitionOffset[]
  }): Promise<void> {
    return this.#use((calls) => calls.deleteTopicRecords(options))
  }

  /**
   * The whole config of each topic, defaults included.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION
   */
  describeConfigs(options: {
    readonly topics: readonly string[]
  }): Promise<{ topic: string; config: TopicConfig }[]> {
    return this.#use((calls) => calls.describeConfigs(options))
  }

  /**
   * Changes some of a topic's config; the rest stays. Topics are changed one after the other: when
   * one of several is refused, those before it are changed already.
   * @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION
   */
  alterConfigs(options: {
    readonly topics: readonly { readonly topic: string; readonly config: Partial<TopicConfig> }[]
  }): Promise<void> {
    return this.#use((calls) => calls.alterConfigs(options))
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
  declareExchange(options: ExchangeToDeclare): Promise<void> {
    return this.#use((calls) => calls.declareExchange(options))
  }

  /**
   * Deletes an exchange with its bindings and those to it.
   * @param options.ifUnused leaves one that has bindings, with EXCHANGE_IN_USE
   * @throws TabmqError UNKNOWN_EXCHANGE, EXCHANGE_IN_USE
   */
  deleteExchange(exchange: string, options: { readonly ifUnused?: boolean } = {}): Promise<void> {
    return this.#use((calls) => calls.deleteExchange(exchange, options))
  }

  /** All exchanges by name, with their bindings and what has become of what was published to them. */
  listExchanges(): Promise<ExchangeDescription[]> {
    return this.#use((calls) => calls.listExchanges())
  }

  /**
   * Leads messages from an exchange to a topic or to another exchange. The same again changes nothing,
   * but for another `weight`. A binding goes with whatever it leads from or to.
   * @throws TabmqError UNKNOWN_EXCHANGE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION,
   *   INVALID_CONFIG (also for what this type of exchange does not look at), POLICY_VIOLATION
   */
  bind(options: BindingToMake): Promise<void> {
    return this.#use((calls) => calls.bind(options))
  }

  /**
   * Takes back a `bind` with the same options; where there is none like it, nothing.
   * @throws TabmqError UNKNOWN_EXCHANGE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG
   */
  unbind(options: BindingToMake): Promise<void> {
    return this.#use((calls) => calls.unbind(options))
  }

  /** The broker itself: incarnation, epoch, connected tabs, storage used and allowed. */
  describeCluster(): Promise<ClusterDescription> {
    return this.#use((calls) => calls.describeCluster())
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
  async *watch(options: WatchOptions = {}): AsyncGenerator<ClusterState, void, undefined> {
    const { watchCluster } = adminPart.loaded ?? (await adminPart.load())
    yield* watchCluster(this.#parts, options)
  }

  #use<T>(call: (calls: AdminCalls) => Promise<T>): Promise<T> {
    const { loaded } = adminPart
    if (loaded === undefined) return adminPart.load().then(() => this.#use(call))
    this.#calls ??= new loaded.AdminCalls(this.#parts)
    return call(this.#calls)
  }
}
