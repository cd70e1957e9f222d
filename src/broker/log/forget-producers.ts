/**
 * Which producers a partition need not remember any more: those of a tab that is gone, and those that
 * have been silent for so long that nothing of theirs can come again (rule 25).
 */
import type { ProducerId } from '../../protocol/names.js'
import type { LogRecord } from '../records.js'
import type { ProducerRow } from '../rows.js'
import type { PartitionLogs } from './partition-logs.js'

export function forgetProducers(
  logs: PartitionLogs,
  producerIds: ReadonlySet<ProducerId>,
): LogRecord[] {
  return forget(logs, (producerId) => producerIds.has(producerId))
}

export function forgetSilentProducers(logs: PartitionLogs, silentSinceMs: number): LogRecord[] {
  return forget(logs, (_, row) => row.updatedAtMs <= silentSinceMs)
}

function forget(
  logs: PartitionLogs,
  isForgotten: (producerId: ProducerId, row: ProducerRow) => boolean,
): LogRecord[] {
  return [...logs.all()].flatMap((log) =>
    [...log.producers()]
      .filter(([producerId, row]) => isForgotten(producerId, row))
      .map(([producerId]) => ({
        type: 'producer',
        partitionId: log.partitionId,
        producerId,
        value: null,
      })),
  )
}
