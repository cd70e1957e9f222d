/**
 * Which publishers an exchange need not remember any more: those of a tab that is gone, and those that
 * have been silent for so long that nothing of theirs can come again.
 */
import type { ProducerId } from '../../protocol/names.js'
import type { DurableExchangeRecord } from '../records.js'
import type { PublisherRow } from '../rows.js'
import type { Exchanges } from './exchanges.js'

export function forgetPublishers(
  exchanges: Exchanges,
  producerIds: ReadonlySet<ProducerId>,
): DurableExchangeRecord[] {
  return forget(exchanges, (producerId) => producerIds.has(producerId))
}

export function forgetSilentPublishers(
  exchanges: Exchanges,
  silentSinceMs: number,
): DurableExchangeRecord[] {
  return forget(exchanges, (_, row) => row.updatedAtMs <= silentSinceMs)
}

function forget(
  exchanges: Exchanges,
  isForgotten: (producerId: ProducerId, row: PublisherRow) => boolean,
): DurableExchangeRecord[] {
  return [...exchanges.all()].flatMap(({ exchangeId, publishers }) =>
    [...publishers].flatMap(([producerId, row]) =>
      isForgotten(producerId, row)
        ? [{ type: 'publisher' as const, exchangeId, producerId, value: null }]
        : [],
    ),
  )
}
