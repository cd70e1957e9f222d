/**
 * Everything that can happen to the broker's state, as data. A handler decides records; `replay` of
 * the part they belong to is the only code that changes state. The durable ones are rows of the
 * database, so that loading is the replay of what is stored. The soft ones die with the broker: who
 * is a member, and on the way to which assignment. A null value deletes.
 */
import type {
  ExchangeId,
  GroupId,
  MemberId,
  PartitionId,
  ProducerId,
  StoreName,
  TopicId,
} from '../protocol/names.js'
import type { ExchangeCounters } from '../protocol/requests/exchanges.js'
import type { Member, TargetAssignment } from './group/member.js'
import type {
  BindingRow,
  ExchangeRow,
  GroupRow,
  OffsetRow,
  PartitionRow,
  ProducerRow,
  PublisherRow,
  ShareGroupRow,
  SharePartitionRow,
  TopicRow,
} from './rows.js'
import type { ShareMember } from './share/share-member.js'
import type { NewPartitionState } from './share/share-partition.js'

export type DurableRecord =
  | LogRecord
  | DurableGroupRecord
  | DurableShareRecord
  | DurableExchangeRecord
  | StoreRecord
export type StateRecord = LogRecord | GroupRecord | ShareRecord | ExchangeRecord | StoreRecord

/** Replayed by the topic registry and the partition logs. */
export type LogRecord =
  | { readonly type: 'topic'; readonly topicId: TopicId; readonly value: TopicRow | null }
  | {
      readonly type: 'partition'
      readonly partitionId: PartitionId
      readonly value: PartitionRow | null
    }
  | { readonly type: 'nextPartitionId'; readonly value: number }
  | {
      readonly type: 'batch'
      readonly partitionId: PartitionId
      readonly baseOffset: number
      readonly batch: ArrayBuffer
    }
  | {
      /** Deletes the batches whose base offset is below `beforeOffset`. */
      readonly type: 'batchesDeleted'
      readonly partitionId: PartitionId
      readonly beforeOffset: number
    }
  | {
      readonly type: 'producer'
      readonly partitionId: PartitionId
      readonly producerId: ProducerId
      readonly value: ProducerRow | null
    }

/** Replayed by the store registry, which keeps names alone: what is in a store is on the disk. */
export type StoreRecord =
  | {
      readonly type: 'storeEntry'
      readonly store: StoreName
      readonly key: string
      readonly value: ArrayBuffer | null
    }
  /** Deletes all that is in the store. */
  | { readonly type: 'storeCleared'; readonly store: StoreName }

/** Replayed by the group coordinator. */
export type GroupRecord = DurableGroupRecord | SoftGroupRecord

export type DurableGroupRecord =
  | { readonly type: 'group'; readonly groupId: GroupId; readonly value: GroupRow | null }
  | {
      readonly type: 'offset'
      readonly groupId: GroupId
      readonly partitionId: PartitionId
      readonly value: OffsetRow | null
    }

export type SoftGroupRecord =
  | {
      readonly type: 'member'
      readonly groupId: GroupId
      readonly memberId: MemberId
      readonly value: Member | null
    }
  | { readonly type: 'target'; readonly groupId: GroupId; readonly value: TargetAssignment }

/** Replayed by the share-group coordinator. */
export type ShareRecord = DurableShareRecord | SoftShareRecord

export type DurableShareRecord =
  | { readonly type: 'shareGroup'; readonly groupId: GroupId; readonly value: ShareGroupRow | null }
  | {
      readonly type: 'sharePartition'
      readonly groupId: GroupId
      readonly partitionId: PartitionId
      readonly value: SharePartitionRow | null
    }

export type SoftShareRecord =
  | {
      readonly type: 'shareMember'
      readonly groupId: GroupId
      readonly memberId: MemberId
      readonly value: ShareMember | null
    }
  /** All that is known of a partition, with who has what: comes behind the row of the same moment. */
  | {
      readonly type: 'shareRuns'
      readonly groupId: GroupId
      readonly partitionId: PartitionId
      readonly value: NewPartitionState & {
        /** Whether something may be delivered now that could not before. */
        readonly opensMore: boolean
        /** When messages were handed out: how often the group has done so. */
        readonly turn: number | undefined
      }
    }

/** Replayed by the exchanges. */
export type ExchangeRecord = DurableExchangeRecord | SoftExchangeRecord

export type DurableExchangeRecord =
  | {
      readonly type: 'exchange'
      readonly exchangeId: ExchangeId
      readonly value: ExchangeRow | null
    }
  | {
      readonly type: 'binding'
      readonly exchangeId: ExchangeId
      /** Of the exchange's bindings that there are, no other has it. */
      readonly bindingId: number
      readonly value: BindingRow | null
    }
  | {
      readonly type: 'publisher'
      readonly exchangeId: ExchangeId
      readonly producerId: ProducerId
      readonly value: PublisherRow | null
    }

export type SoftExchangeRecord =
  /** So many batches without a key were dealt out to partitions. */
  | { readonly type: 'spread'; readonly exchangeId: ExchangeId; readonly batches: number }
  /** What became of messages; by then the exchange may be gone. */
  | { readonly type: 'counted'; readonly exchangeId: ExchangeId; readonly counts: ExchangeCounters }

const SOFT_TYPES: ReadonlySet<StateRecord['type']> = new Set([
  'member',
  'target',
  'shareMember',
  'shareRuns',
  'spread',
  'counted',
])

export function isDurable(record: StateRecord): record is DurableRecord {
  return !SOFT_TYPES.has(record.type)
}

/** Whether it takes space that may not be there: other records have to go on on a full disk as well. */
export function needsSpace(record: DurableRecord): boolean {
  return record.type === 'batch' || (record.type === 'storeEntry' && record.value !== null)
}

/** What a handler returns: the changes it decided on, and what to answer once they are durable. */
export interface Decision<Response, R extends StateRecord = StateRecord> {
  readonly records: readonly R[]
  readonly response: Response
}

/** What a handler may know of the world besides the state and the request. */
export interface DecisionContext {
  readonly nowMs: number
  freshId(): string
}
