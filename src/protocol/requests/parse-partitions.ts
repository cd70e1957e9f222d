/** Partitions in requests of several areas. */
import { TabmqError } from '../errors.js'
import { ANY_COUNT, Fields, withoutNegativeZero } from '../fields.js'
import type { BrokerLimits } from '../limits.js'
import { describe, type PartitionId } from '../names.js'
import { checkNamedOnce, distinct } from './distinct.js'

/** A list that says something of each of some partitions, and of none twice. */
export function perPartition<T>(
  parent: Fields,
  field: string,
  { lengthMax, parse }: { lengthMax: number; parse: (fields: Fields) => T },
): ({ partitionId: PartitionId } & T)[] {
  const items = parent.list(field, lengthMax, (item, what) => {
    const fields = new Fields(what, item)
    return { partitionId: partitionIdOf(fields), ...parse(fields) }
  })
  const ids = items.map(({ partitionId }) => partitionId)
  checkNamedOnce(ids, 'partition', 'partitionId')
  return items
}

/** How many partitions a request may name where it brings or asks for no messages of each. */
export function partitionIdsMax({ requestPartitionsMax }: BrokerLimits): number {
  return requestPartitionsMax * 16
}

export function partitionIdOf(fields: Fields): PartitionId {
  return fields.integer('partitionId', ANY_COUNT) as PartitionId
}

export function partitionIdsOf(fields: Fields, limits: BrokerLimits): PartitionId[] {
  return distinct(fields.list('partitions', partitionIdsMax(limits), parsePartitionId))
}

export function parsePartitionId(item: unknown, what: string): PartitionId {
  if (Number.isSafeInteger(item) && (item as number) >= 0) {
    return withoutNegativeZero(item as number) as PartitionId
  }
  throw new TabmqError('INVALID_REQUEST', `${what} must be a partition id, not ${describe(item)}`, {
    field: what,
  })
}
