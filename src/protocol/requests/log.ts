/** The partitions' logs: batches in and out, offsets looked up, the oldest messages dropped. */
import type { PartitionId } from '../names.js'
import type { Api } from './api.js'
import type { PartitionResult } from './partitions.js'

export interface LogApis {
  produce: Api<
    { acks: Acks; batches: readonly PartitionBatch[] },
    { results: readonly PartitionResult<ProducedBatch>[] }
  >
  fetch: Api<
    {
      /** One fetch per fetcher waits at a time: a newer one answers the older at once. */
      fetcherId: string
      partitions: readonly FetchPartition[]
      maxBytes: number
      minBytes: number
      maxWaitMs: number
    },
    { partitions: readonly PartitionResult<FetchedPartition>[] }
  >
  listOffsets: Api<
    { partitions: readonly { partitionId: PartitionId; at: OffsetSpec }[] },
    { results: readonly PartitionResult<ListedOffset>[] }
  >
  deleteRecords: Api<
    { partitions: readonly { partitionId: PartitionId; beforeOffset: number }[] },
    { results: readonly PartitionResult<{ logStartOffset: number }>[] }
  >
}

/** 0: answered at once. 1: a relaxed transaction completed. -1: a strict one did. */
export type Acks = -1 | 0 | 1

export interface PartitionBatch {
  readonly partitionId: PartitionId
  readonly batch: ArrayBuffer
  /** It was sent before under this number, and nobody has said whether it was appended. */
  readonly isRepeat?: boolean
}

/** What became of one batch. */
export interface ProducedBatch {
  /** Where it is. If nothing of it was appended: where its first message was already. */
  readonly baseOffset: number
  /** Its producer has sent it before, and it is answered as it was then. */
  readonly duplicate: boolean
  /** Those of its messages that were there under their ids; absent where none were. */
  readonly repeats?: RepeatedMessages
  /** Absent if it was appended, with the repeats void; false if all of it was there. */
  readonly isAppended?: false
}

/** Messages of a batch that were there already, in order; lists of one length. */
export interface RepeatedMessages {
  /** Which of the batch's messages each is, from 0. */
  readonly indexes: Uint32Array
  /** Where it is: the number of the partition, and the offset in it. */
  readonly partitions: Uint32Array
  readonly offsets: Float64Array
}

export interface FetchPartition {
  readonly partitionId: PartitionId
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchedPartition {
  readonly highWatermark: number
  readonly logStartOffset: number
  /** Whole batches; the first may begin before the offset asked for. */
  readonly batches: readonly ArrayBuffer[]
}

export type OffsetSpec = 'earliest' | 'latest' | { readonly timestampMs: number }

/** `offset` is undefined when no message has a timestamp as late as the one asked for. */
export interface ListedOffset {
  readonly offset: number | undefined
  readonly timestampMs: number | undefined
}
