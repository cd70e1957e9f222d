/** How the requests and answers of several areas name a partition. */
import type { WireError } from '../errors.js'
import type { PartitionId, TopicName } from '../names.js'

/** A partition by its name, and by the id that is its own for as long as its topic exists. */
export interface AssignedPartition {
  /** A topic that is deleted and made again has other ids. */
  readonly partitionId: PartitionId
  readonly topic: TopicName
  readonly partition: number
}

/** Per partition, so that one that fails does not fail the others of the same request. */
export type PartitionResult<T> = { readonly partitionId: PartitionId } & (
  | { readonly error: WireError }
  | (T & { readonly error?: never })
)
