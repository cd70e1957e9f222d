/**
 * A broker with a fake clock over memory storage, and tabs that talk to it as over a port: what
 * crosses is cloned, replies are wire replies, pushes are collected.
 */
import type { PushPort } from '../../src/broker/ports.js'
import { Broker } from '../../src/broker/runtime/broker.js'
import { MemoryDatabase } from '../../src/broker/runtime/memory-storage.js'
import { fromWireError, type WireError } from '../../src/protocol/errors.js'
import type { Welcome } from '../../src/protocol/hello.js'
import type { BrokerLimits } from '../../src/protocol/limits.js'
import type {
  GroupId,
  InstanceId,
  MemberId,
  PartitionId,
  SessionId,
  TopicName,
} from '../../src/protocol/names.js'
import { PROTOCOL_VERSION } from '../../src/protocol/protocol-version.js'
import type { Push } from '../../src/protocol/push.js'
import type { GroupHeartbeatRequest } from '../../src/protocol/requests/groups.js'
import type { Acks, FetchedPartition } from '../../src/protocol/requests/log.js'
import type { AssignedPartition, PartitionResult } from '../../src/protocol/requests/partitions.js'
import type { ApiName, RequestOf, ResponseOf } from '../../src/protocol/requests/request.js'
import type { TopicConfig } from '../../src/protocol/requests/topics.js'
import { batchOf, type BatchParts } from './batches.js'
import { ControlledStorage } from './controlled-storage.js'
import { FakeTime } from './fake-time.js'

export interface BrokerContextOptions {
  readonly limits?: Partial<BrokerLimits>
  /** Of a broker before this one. */
  readonly database?: MemoryDatabase
  readonly time?: FakeTime
}

export class BrokerContext {
  readonly broker: Broker
  readonly database: MemoryDatabase
  readonly storage: ControlledStorage
  readonly time: FakeTime
  /** What the broker said: warnings and errors. */
  readonly logged: string[]
  /** How often the broker gave up by itself. */
  readonly ended: { count: number }
  /** A tab that is always there. */
  readonly tab: Tab
  readonly #options: BrokerContextOptions
  #nextTab = 1

  private constructor(parts: {
    broker: Broker
    database: MemoryDatabase
    storage: ControlledStorage
    time: FakeTime
    logged: string[]
    ended: { count: number }
    options: BrokerContextOptions
  }) {
    this.broker = parts.broker
    this.database = parts.database
    this.storage = parts.storage
    this.time = parts.time
    this.logged = parts.logged
    this.ended = parts.ended
    this.#options = parts.options
    this.tab = this.openTab()
  }

  static async start(options: BrokerContextOptions = {}): Promise<BrokerContext> {
    const database = options.database ?? new MemoryDatabase()
    const time = options.time ?? new FakeTime()
    const storage = new ControlledStorage(database)
    const logged: string[] = []
    const ended = { count: 0 }
    const log = (message: string, details?: unknown) =>
      logged.push(`${message}: ${String(details)}`)
    const broker = await Broker.start({
      storage,
      clock: time,
      timer: time,
      random: { freshId: () => `id-${nextId++}` },
      logger: { warn: log, error: log },
      limits: options.limits ?? {},
      onEnded: () => {
        ended.count += 1
      },
    })
    return new BrokerContext({ broker, database, storage, time, logged, ended, options })
  }

  /** This broker is gone, and another starts on what it left. Its tabs are gone too. */
  async restart(): Promise<BrokerContext> {
    await this.broker.close()
    const { database, time } = this
    return BrokerContext.start({ ...this.#options, database, time })
  }

  openTab(port?: Partial<PushPort>): Tab {
    const tab = new Tab(this.broker, `tab-${this.#nextTab++}` as SessionId)
    tab.hello(port)
    return tab
  }

  /** Creates a topic and returns the ids of its partitions. */
  async createTopic(
    topic: string,
    numPartitions = 1,
    config: Partial<TopicConfig> = {},
  ): Promise<readonly PartitionId[]> {
    const topics = [{ topic: topic as TopicName, numPartitions, config }]
    await this.tab.call({ api: 'createTopics', topics, ifNotExists: false, validateOnly: false })
    return this.partitionIds(topic)
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.tab.call({ api: 'deleteTopics', topics: [topic as TopicName] })
  }

  async partitionIds(topic: string): Promise<readonly PartitionId[]> {
    const { topics } = await this.tab.call({ api: 'metadata', topics: [topic as TopicName] })
    return topics[0]?.partitionIds ?? []
  }

  /** Appends one batch from the tab that is always there. */
  append(partitionId: PartitionId, parts: BatchParts & { readonly acks?: Acks } = {}) {
    return this.tab.append(partitionId, parts)
  }

  watermark(partitionId: PartitionId): number | undefined {
    return this.broker.state.logs.find(partitionId)?.highWatermark
  }
}

/** Ids differ between all brokers of a test run, as real ones do. */
let nextId = 1

export class Tab {
  readonly sessionId: SessionId
  readonly pushes: Push[] = []
  readonly #broker: Broker

  constructor(broker: Broker, sessionId: SessionId) {
    this.#broker = broker
    this.sessionId = sessionId
  }

  hello({ push }: Partial<PushPort> = {}): Welcome {
    const { sessionId } = this
    const hello = {
      protocolVersion: PROTOCOL_VERSION,
      sessionId,
      clientId: `client of ${sessionId}`,
    }
    return this.#broker.connect(hello, {
      push: async (message) => {
        this.pushes.push(structuredClone(message))
        return push?.(message)
      },
    })
  }

  /** The response; a typed error is thrown. */
  async call<A extends ApiName>(request: RequestOf<A>): Promise<ResponseOf<A>> {
    const reply = await this.#broker.handle(this.sessionId, structuredClone(request))
    if (!reply.ok) throw fromWireError(structuredClone(reply.error))
    return structuredClone(reply.value) as ResponseOf<A>
  }

  async append(
    partitionId: PartitionId,
    { acks = 1, ...parts }: BatchParts & { readonly acks?: Acks } = {},
  ): Promise<{ baseOffset: number; duplicate: boolean }> {
    const batches = [{ partitionId, batch: batchOf(parts) }]
    const { results } = await this.call({ api: 'produce', acks, batches })
    return succeeded(results[0])
  }

  /** A fetch that does not wait, of one partition from `offset`. */
  async read(
    partitionId: PartitionId,
    offset: number,
    options: Partial<RequestOf<'fetch'>> = {},
  ): Promise<FetchedPartition | undefined> {
    const response = await this.fetch([{ partitionId, offset }], { maxWaitMs: 0, ...options })
    return response.partitions[0] === undefined ? undefined : succeeded(response.partitions[0])
  }

  /** A fetch that waits for a second by default. */
  fetch(
    partitions: readonly { partitionId: PartitionId; offset: number; maxBytes?: number }[],
    options: Partial<Omit<RequestOf<'fetch'>, 'partitions'>> = {},
  ): Promise<ResponseOf<'fetch'>> {
    return this.call({
      api: 'fetch',
      fetcherId: 'fetcher',
      partitions: partitions.map((wanted) => ({ maxBytes: 1_000_000, ...wanted })),
      maxBytes: 1_000_000,
      minBytes: 1,
      maxWaitMs: 1_000,
      ...options,
    })
  }

  /** Joins a group, or heartbeats in it. */
  heartbeat(
    member: TabMember,
    more: Partial<Omit<GroupHeartbeatRequest, 'groupId' | 'member'>> & { topics?: string[] } = {},
  ): Promise<ResponseOf<'groupHeartbeat'>> {
    const { topics = ['orders'], ...fields } = more
    const { memberEpoch = 0, instance } = member
    const joining = {
      options: JOIN_OPTIONS,
      subscription: { topics: topics as TopicName[], patterns: [] },
      owned: [],
    }
    return this.call({
      api: 'groupHeartbeat',
      groupId: member.groupId as GroupId,
      member: {
        memberId: member.memberId as MemberId,
        memberEpoch,
        ...(instance === undefined ? {} : { groupInstanceId: instance as InstanceId }),
      },
      ...(memberEpoch === 0 ? joining : {}),
      ...fields,
    })
  }

  leave({ isTabGone = true } = {}): Promise<void> {
    return this.#broker.endSession(this.sessionId, { isTabGone })
  }

  /** Pushes of one kind that came since the last time. */
  takePushes<P extends Push['push']>(kind: P): Extract<Push, { push: P }>[] {
    const taken = this.pushes.filter(
      (each): each is Extract<Push, { push: P }> => each.push === kind,
    )
    this.pushes.splice(0, this.pushes.length, ...this.pushes.filter((each) => each.push !== kind))
    return taken
  }
}

export interface TabMember {
  readonly groupId: string
  readonly memberId: string
  /** Joins at 0, which is the default. */
  readonly memberEpoch?: number
  readonly instance?: string | undefined
}

export const JOIN_OPTIONS = {
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  assignor: 'uniform',
} as const

/** The result for one partition; the error that it carries is thrown. */
export function succeeded<T>(result: PartitionResult<T> | undefined): T {
  if (result === undefined) throw new Error('there is no result')
  const { error } = result as { error?: WireError }
  if (error !== undefined) throw fromWireError(error)
  return result as T
}

export function idsOf(partitions: readonly AssignedPartition[]): PartitionId[] {
  return partitions.map(({ partitionId }) => partitionId)
}
