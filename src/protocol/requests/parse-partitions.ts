/** Partition ids in requests of several areas. */
import { TabmqError } from '../errors.js'
import { ANY_COUNT, withoutNegativeZero, type Fields } from '../fields.js'
import type { BrokerLimits } from '../limits.js'
import { describe, type PartitionId } from '../names.js'
import { distinct } from './distinct.js'

export function partitionIdOf(fields: Fields): PartitionId {
  return fields.integer('partitionId', ANY_COUNT) as PartitionId
}

export function partitionIdsOf(fields: Fields, limits: BrokerLimits): PartitionId[] {
  return distinct(fields.list('partitions', limits.requestPartitionsMax * 16, parsePartitionId))
}

export function parsePartitionId(item: unknown, what: string): PartitionId {
  if (Number.isSafeInteger(item) && (item as number) >= 0) {
    return withoutNegativeZero(item as number) as PartitionId
  }
  throw new TabmqError('INVALID_REQUEST', `${what} must be a partition id, not ${describe(item)}`, {
    field: what,
  })
}

export function distinctPartitions<T extends { partitionId: PartitionId }>(items: T[]): T[] {
  const seen = new Set<PartitionId>()
  for (const { partitionId } of items) {
    if (seen.has(partitionId)) {
      throw new TabmqError('INVALID_REQUEST', `partition ${partitionId} is named twice`, {
        partitionId,
      })
    }
    seen.add(partitionId)
  }
  return items
}
