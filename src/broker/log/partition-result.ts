/**
 * The answer for one partition of a request that names several: a typed error fails that partition
 * alone, anything else is a bug and goes on up.
 */
import { TabmqError, toWireError, type WireError } from '../../protocol/errors.js'
import type { PartitionId } from '../../protocol/names.js'
import type { PartitionResult } from '../../protocol/requests/partitions.js'

export function partitionResult<T extends object>(
  partitionId: PartitionId,
  answer: () => T,
): PartitionResult<T> {
  try {
    return { partitionId, ...answer() }
  } catch (error) {
    return failedPartition(partitionId, error)
  }
}

export function failedPartition(
  partitionId: PartitionId,
  error: unknown,
): { partitionId: PartitionId; error: WireError } {
  if (!(error instanceof TabmqError)) throw error
  return { partitionId, error: toWireError(error) }
}
