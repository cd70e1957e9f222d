/**
 * The pure core without its runtime: decisions are replayed on the spot, and what was appended is
 * durable when the test says so.
 */
import { decideProduce } from '../../src/broker/log/decide-produce.js'
import type { PartitionLog } from '../../src/broker/log/partition-log.js'
import type { StoredState } from '../../src/broker/ports.js'
import type { Decision, DecisionContext, StateRecord } from '../../src/broker/records.js'
import { BrokerState } from '../../src/broker/runtime/broker-state.js'
import { unbindTopics } from '../../src/broker/routing/decide-exchanges.js'
import {
  decideCreatePartitions,
  decideCreateTopics,
  decideDeleteTopics,
} from '../../src/broker/topic/decide-topics.js'
import { BROKER_LIMITS, type BrokerLimits } from '../../src/protocol/limits.js'
import type { PartitionId, TopicName } from '../../src/protocol/names.js'
import type { PartitionBatch } from '../../src/protocol/requests/log.js'
import type { TopicConfig } from '../../src/protocol/requests/topics.js'
import { batchOf, type BatchParts } from './batches.js'
import { succeeded } from './broker-context.js'

const NOTHING_STORED: StoredState = {
  databaseId: 'database',
  brokerEpoch: 1,
  nextPartitionId: 1,
  topics: [],
  partitions: [],
  producers: [],
  groups: [],
  offsets: [],
  shareGroups: [],
  sharePartitions: [],
  stores: [],
  exchanges: [],
  bindings: [],
  publishers: [],
  edges: [],
}

export class StateContext implements DecisionContext {
  readonly #undurable: StateRecord[] = []
  state: BrokerState
  nowMs = 1_000_000
  #nextId = 1

  constructor(limits: Partial<BrokerLimits> = {}) {
    this.state = new BrokerState(NOTHING_STORED, { ...BROKER_LIMITS, ...limits }, this.nowMs)
  }

  freshId(): string {
    return `id-${this.#nextId++}`
  }

  /** Replays what was decided and gives back the response. */
  apply<R>({ records, response }: Decision<R>): R {
    this.replay(records)
    return response
  }

  replay(records: readonly StateRecord[]): void {
    for (const record of records) this.state.replay(record)
    this.#undurable.push(...records)
    this.state.checkInvariants()
  }

  createTopic(topic: string, numPartitions = 1, config: Partial<TopicConfig> = {}) {
    const topics = [{ topic: topic as TopicName, numPartitions, config }]
    const request = { topics, ifNotExists: false, validateOnly: false }
    this.apply(decideCreateTopics(this.state, request, this))
    return this.partitionIds(topic)
  }

  addPartitions(topic: string, count: number): readonly PartitionId[] {
    const request = { topic: topic as TopicName, count }
    this.apply(decideCreatePartitions(this.state, request))
    return this.partitionIds(topic)
  }

  deleteTopic(topic: string): void {
    const { exchanges } = this.state
    const { records, response } = decideDeleteTopics(this.state, { topics: [topic as TopicName] })
    const topicIds = response.map(({ topicId }) => topicId)
    this.replay([...unbindTopics(exchanges, topicIds), ...records])
  }

  partitionIds(topic: string): readonly PartitionId[] {
    return this.state.topics.findOrThrow(topic as TopicName).partitionIds
  }

  /** A topic of one partition. */
  createLog(topic: string, config?: Partial<TopicConfig>): PartitionLog {
    return this.log(this.createTopic(topic, 1, config)[0])
  }

  log(partitionId: PartitionId | undefined): PartitionLog {
    if (partitionId === undefined) throw new Error('there is no such partition')
    return this.state.logs.findOrThrow(partitionId)
  }

  produce(batches: readonly PartitionBatch[]) {
    return this.apply(decideProduce(this.state, batches, this)).results
  }

  /** Appends one batch; it is not durable yet. */
  append({ partitionId }: PartitionLog, parts: BatchParts = {}) {
    return succeeded(this.produce([{ partitionId, batch: batchOf(parts) }])[0])
  }

  /** The batches that are not durable yet. */
  get appended(): ArrayBuffer[] {
    return this.#undurable.flatMap((record) => (record.type === 'batch' ? [record.batch] : []))
  }

  /** Everything appended is durable now. */
  commit(): void {
    for (const record of this.#undurable.splice(0)) {
      if (record.type === 'publisher') {
        const { exchangeId, producerId, value } = record
        this.state.exchanges.publisherIsDurable(exchangeId, producerId, value)
      }
      if (!('partitionId' in record)) continue
      const log = this.state.logs.find(record.partitionId)
      if (record.type === 'batch') log?.batchIsDurable(record.batch)
      if (record.type === 'producer') log?.producerIsDurable(record.producerId, record.value)
    }
  }

  /** There is no space for what is not durable yet. */
  rollBack(): void {
    this.#undurable.splice(0)
    this.state.rollBack()
    this.state.checkInvariants()
  }
}
