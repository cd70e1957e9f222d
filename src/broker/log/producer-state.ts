/**
 * What one partition remembers of its producers, so that a batch sent again is recognised (rules 23
 * to 25; KIP-98). Hard state: a `producer` row per producer and partition, kept as long as the
 * producer can still retry.
 */
import { TabmqError } from '../../protocol/errors.js'
import { PRODUCER_BATCHES_REMEMBERED, REPEATS_REMEMBERED_MAX } from '../../protocol/limits.js'
import type { BatchProducer } from '../../protocol/batch-header.js'
import type { RepeatedMessages } from '../../protocol/requests/log.js'
import type { ProducerBatch, ProducerRow } from '../rows.js'

export type SequenceCheck =
  | { readonly outcome: 'append' }
  | { readonly outcome: 'duplicate'; readonly batch: ProducerBatch }

/**
 * Whether a batch is new, or a repeat of one of the last five. A repeat that is not its producer's first
 * follows one that was acknowledged, so where the producer is not known it was forgotten: whether the
 * batch is there nobody can say any more.
 * @throws TabmqError OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, UNKNOWN_PRODUCER_ID
 */
export function checkSequence(
  row: ProducerRow | undefined,
  producer: BatchProducer,
  { recordCount, isRepeat }: { recordCount: number; isRepeat: boolean },
): SequenceCheck {
  if (row === undefined) {
    if (isRepeat && producer.baseSequence > 0) throw unknownProducer(producer)
    return { outcome: 'append' }
  }
  const { producerEpoch, baseSequence } = producer
  if (producerEpoch < row.producerEpoch) {
    throw new TabmqError(
      'INVALID_PRODUCER_EPOCH',
      `producer epoch ${producerEpoch} is behind ${row.producerEpoch}`,
      { ...producer, knownEpoch: row.producerEpoch },
    )
  }
  if (producerEpoch > row.producerEpoch) {
    if (baseSequence === 0) return { outcome: 'append' }
    throw outOfOrder(producer, 0)
  }
  const lastSequence = baseSequence + recordCount - 1
  const repeated = row.batches.find(
    (batch) => batch.firstSequence === baseSequence && batch.lastSequence === lastSequence,
  )
  if (repeated !== undefined) return { outcome: 'duplicate', batch: repeated }
  const expected = (row.batches.at(-1)?.lastSequence ?? -1) + 1
  if (baseSequence !== expected) throw outOfOrder(producer, expected)
  return { outcome: 'append' }
}

/** The row after `producer` appended a batch at `baseOffset`, or has sent one that was not. */
export function withBatch(
  row: ProducerRow | undefined,
  producer: BatchProducer,
  appended: {
    recordCount: number
    baseOffset: number
    nowMs: number
    repeats?: RepeatedMessages | undefined
    isAppended?: boolean
  },
): ProducerRow {
  const sameEpoch = row !== undefined && row.producerEpoch === producer.producerEpoch
  const earlier = sameEpoch ? row.batches.slice(1 - PRODUCER_BATCHES_REMEMBERED) : []
  const { repeats, isAppended = true } = appended
  const batch: ProducerBatch = {
    firstSequence: producer.baseSequence,
    lastSequence: producer.baseSequence + appended.recordCount - 1,
    baseOffset: appended.baseOffset,
    ...(repeats === undefined ? {} : { repeats: firstOf(repeats) }),
    ...(isAppended ? {} : { isAppended }),
  }
  return {
    producerEpoch: producer.producerEpoch,
    batches: [...earlier, batch],
    updatedAtMs: appended.nowMs,
  }
}

/** A row is written with each batch of its producer: it is not to grow without end. */
function firstOf({ indexes, partitions, offsets }: RepeatedMessages): RepeatedMessages {
  return {
    indexes: indexes.slice(0, REPEATS_REMEMBERED_MAX),
    partitions: partitions.slice(0, REPEATS_REMEMBERED_MAX),
    offsets: offsets.slice(0, REPEATS_REMEMBERED_MAX),
  }
}

function unknownProducer(producer: BatchProducer): TabmqError {
  return new TabmqError(
    'UNKNOWN_PRODUCER_ID',
    `producer ${producer.producerId} was forgotten: whether this batch was appended is not known`,
    { ...producer },
  )
}

function outOfOrder(producer: BatchProducer, expected: number): TabmqError {
  return new TabmqError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `sequence ${producer.baseSequence} does not follow: ${expected} was expected`,
    { ...producer, expectedSequence: expected },
  )
}
