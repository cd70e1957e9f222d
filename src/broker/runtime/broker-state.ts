/**
 * The whole state of the core, and the one place where records find the part they belong to. It is
 * made by replaying what is stored, and made anew when a write failed: a restart and a failure take
 * the same path.
 */
import { unreachable } from '../../std/assert.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import { GroupCoordinator } from '../group/group-coordinator.js'
import { TopicsView } from '../group/topics-view.js'
import { MessageIds } from '../log/message-ids.js'
import { ShareCoordinator } from '../share/share-coordinator.js'
import { PartitionLogs } from '../log/partition-logs.js'
import type { StoredState } from '../ports.js'
import type { StateRecord } from '../records.js'
import { StoreRegistry } from '../store/store-registry.js'
import { Exchanges } from '../routing/exchanges.js'
import { TopicRegistry } from '../topic/topic-registry.js'

export class BrokerState {
  readonly limits: BrokerLimits
  readonly topics = new TopicRegistry()
  readonly logs: PartitionLogs
  readonly messageIds: MessageIds
  readonly groups: GroupCoordinator
  readonly shares: ShareCoordinator
  readonly stores = new StoreRegistry()
  readonly exchanges = new Exchanges()
  readonly brokerEpoch: number
  readonly databaseId: string

  constructor(stored: StoredState, limits: BrokerLimits, nowMs: number) {
    this.limits = limits
    this.brokerEpoch = stored.brokerEpoch
    this.databaseId = stored.databaseId
    this.logs = new PartitionLogs(limits.tailBytes)
    this.messageIds = new MessageIds(limits)
    const view = new TopicsView(this.topics, this.logs)
    this.groups = new GroupCoordinator(view, limits)
    this.shares = new ShareCoordinator(view, limits)
    this.stores.restore(stored.stores)
    for (const record of storedRecords(stored)) this.replay(record)
    this.logs.allIsDurable()
    this.exchanges.allIsDurable()
    for (const edges of stored.edges) this.logs.find(edges.partitionId)?.restore(edges)
    this.groups.restoreStaticMembers(nowMs)
  }

  replay(record: StateRecord): void {
    switch (record.type) {
      case 'topic':
        this.messageIds.replayTopic(record.topicId, record.value?.config)
        return this.topics.replay(record)
      case 'nextPartitionId':
        return this.topics.replay(record)
      case 'batch':
        this.logs.replay(record)
        return this.#replayMessageIds(record)
      case 'partition':
      case 'batchesDeleted':
      case 'producer':
        return this.logs.replay(record)
      case 'group':
      case 'offset':
      case 'member':
      case 'target':
        return this.groups.replay(record)
      case 'shareGroup':
      case 'sharePartition':
      case 'shareMember':
      case 'shareRuns':
        return this.shares.replay(record)
      case 'storeEntry':
      case 'storeCleared':
        return this.stores.replay(record)
      case 'exchange':
      case 'binding':
      case 'publisher':
      case 'spread':
      case 'counted':
        return this.exchanges.replay(record)
      default:
        return unreachable(record)
    }
  }

  /** Back to what is durable: no batch that is not will be written. */
  rollBack(): void {
    this.logs.rollBack()
    this.messageIds.rollBack((partitionId) => this.logs.find(partitionId)?.highWatermark ?? 0)
    this.exchanges.rollBack()
  }

  checkInvariants(): void {
    this.topics.checkInvariants()
    this.logs.checkInvariants()
    this.messageIds.checkInvariants()
    this.groups.checkInvariants()
    this.shares.checkInvariants()
    this.exchanges.checkInvariants(this.topics)
  }

  #replayMessageIds({ partitionId, batch }: Extract<StateRecord, { type: 'batch' }>): void {
    const { topicId } = this.logs.findOrThrow(partitionId)
    this.messageIds.replayBatch(topicId, partitionId, batch)
  }
}

function* storedRecords(stored: StoredState): Iterable<StateRecord> {
  yield { type: 'nextPartitionId', value: stored.nextPartitionId }
  for (const [topicId, value] of stored.topics) yield { type: 'topic', topicId, value }
  for (const [partitionId, value] of stored.partitions) {
    yield { type: 'partition', partitionId, value }
  }
  for (const [partitionId, producerId, value] of stored.producers) {
    yield { type: 'producer', partitionId, producerId, value }
  }
  for (const [groupId, value] of stored.groups) yield { type: 'group', groupId, value }
  for (const [groupId, partitionId, value] of stored.offsets) {
    yield { type: 'offset', groupId, partitionId, value }
  }
  for (const [groupId, value] of stored.shareGroups) yield { type: 'shareGroup', groupId, value }
  for (const [groupId, partitionId, value] of stored.sharePartitions) {
    yield { type: 'sharePartition', groupId, partitionId, value }
  }
  for (const [exchangeId, value] of stored.exchanges) {
    yield { type: 'exchange', exchangeId, value }
  }
  for (const [exchangeId, bindingId, value] of stored.bindings) {
    yield { type: 'binding', exchangeId, bindingId, value }
  }
  for (const [exchangeId, producerId, value] of stored.publishers) {
    yield { type: 'publisher', exchangeId, producerId, value }
  }
}
