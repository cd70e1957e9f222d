/** What the parts of the auditor have in common: an exchange under way, and what errors may say. */
import type { ErrorCode, WireError } from '../../../src/protocol/errors.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import type { ApiName, RequestOf, ResponseOf } from '../../../src/protocol/requests/request.js'
import type { Exchange } from '../history.js'
import type { DurableHistory } from './durable-history.js'

/** The request of one of these APIs, told apart by its `api`. */
export type OneOf<A extends ApiName> = A extends ApiName ? RequestOf<A> : never

/** A request, and when it was made. */
export interface Asked<A extends ApiName = ApiName> {
  readonly exchange: Exchange
  readonly request: OneOf<A>
  /** Of the durable history. */
  readonly version: number
  /** Requests are numbered as they come. */
  readonly order: number
  readonly atMs: number
}

export interface Answered<A extends ApiName> extends Asked<A> {
  readonly response: ResponseOf<A>
  /** Another broker has taken over: what this one says may be old, but must not be wrong. */
  readonly isSuperseded: boolean
  /** What it says was so at some moment since: the request, or the start of a superseded broker. */
  readonly trueSince: number
}

export interface AuditParts {
  readonly durable: DurableHistory
  readonly nowMs: () => number
  readonly report: (exchange: Exchange, message: string) => void
}

/** What faults of the simulator cause, whatever is asked. */
const OF_FAULTS: readonly ErrorCode[] = [
  'BROKER_UNAVAILABLE',
  'BROKER_SUPERSEDED',
  'STORAGE_BLOCKED',
  'STORAGE_ERROR',
  'STORAGE_FULL',
  'STORAGE_LOST',
  'THROTTLING_QUOTA_EXCEEDED',
]

export function isOfFaults({ code }: WireError): boolean {
  return OF_FAULTS.includes(code)
}

/** Whether the partition was missing at some moment since the request. */
export function wasMissing(
  { durable }: AuditParts,
  asked: Asked,
  partitionId: PartitionId,
): boolean {
  return durable.partitions.of(partitionId).wasSince(asked.version, (row) => row === undefined)
}

/** Results name the partitions that were asked for, in their order. */
export function areSamePartitions(
  asked: readonly { readonly partitionId: PartitionId }[],
  answered: readonly { readonly partitionId: PartitionId }[],
): boolean {
  return (
    asked.length === answered.length &&
    asked.every(({ partitionId }, index) => answered[index]?.partitionId === partitionId)
  )
}
