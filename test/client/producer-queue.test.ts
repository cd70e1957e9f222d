/** What a partition's queue does that takes more messages, or more bad luck, than a test can have. */
import { expect, test } from 'vitest'
import type { OutgoingBatch } from '../../src/client/producer/outgoing-batch.js'
import { PartitionQueue } from '../../src/client/producer/partition-queue.js'
import type { EncodedChunk } from '../../src/codec/chunk.js'
import { SEQUENCE_MAX } from '../../src/protocol/batch-header.js'
import type { PartitionId, ProducerId, TopicName } from '../../src/protocol/names.js'

const NOW = { nowMs: 0, wallMs: 0 }
const TERMS = { acks: 1, compression: undefined, codecId: 0 } as const

function newQueue(): PartitionQueue {
  return new PartitionQueue({
    topic: 'orders' as TopicName,
    partitionId: 1 as PartitionId,
    producerId: 7 as ProducerId,
    batchSize: 1,
    inFlightMax: 5,
    rememberedMs: 1,
  })
}

function chunkOf(recordCount: number): EncodedChunk {
  const none = new Uint8Array()
  return {
    hasProperties: false,
    recordCount,
    index: none,
    values: none,
    firstTimestampMs: 0,
    maxTimestampMs: 0,
    largestMessageBytes: 0,
  }
}

function take(queue: PartitionQueue): OutgoingBatch {
  return queue.take(NOW, TERMS.acks) ?? expect.fail('nothing may be sent')
}

/** Queues a batch of as many records and takes it as if to send it. */
function takeBatchOf(queue: PartitionQueue, recordCount: number): OutgoingBatch {
  queueBatchOf(queue, recordCount)
  return take(queue)
}

function queueBatchOf(queue: PartitionQueue, recordCount: number): void {
  void queue.add(chunkOf(recordCount), TERMS, 0)
  queue.seal()
}

function numberOf({ producer }: OutgoingBatch): string {
  return `${producer?.producerEpoch}:${producer?.baseSequence}`
}

test('numbers that are used up start over under the next epoch (rule 23)', () => {
  const queue = newQueue()
  const numbers = [SEQUENCE_MAX - 5, 5, 1, 2].map((recordCount) => {
    const batch = takeBatchOf(queue, recordCount)
    queue.succeeded(batch, NOW.wallMs)
    return numberOf(batch)
  })
  expect(numbers).toEqual(['0:0', `0:${SEQUENCE_MAX - 5}`, '1:0', '1:1'])
})

test('what starts over under the next epoch does so in its order, in doubt or not', () => {
  const queue = newQueue()
  queue.succeeded(takeBatchOf(queue, 1), NOW.wallMs)
  const first = takeBatchOf(queue, 1)
  const second = takeBatchOf(queue, 1)
  for (const batch of [first, second]) queue.retry(batch, 0)
  // The next broker has none of it; of the second, that is not known before it was asked.
  expect(take(queue)).toBe(first)
  queue.outOfOrder(first, 0)
  expect(take(queue)).toBe(second)
  expect(numberOf(second)).toBe('0:2')
  queue.outOfOrder(second, 0)
  expect([take(queue), take(queue)]).toEqual([first, second])
  expect([first, second].map(numberOf)).toEqual(['1:0', '1:1'])
})

test('no more follow a batch in doubt than the broker remembers, however often it is sent again', () => {
  const queue = newQueue()
  queue.succeeded(takeBatchOf(queue, 1), NOW.wallMs)
  const batches = [1, 1, 1, 1, 1].map((recordCount) => takeBatchOf(queue, recordCount))
  const [first, ...others] = batches as [OutgoingBatch, ...OutgoingBatch[]]
  queue.retry(first, 0)
  for (const batch of others) queue.succeeded(batch, NOW.wallMs)
  queueBatchOf(queue, 1)
  for (const attempt of [2, 3]) {
    expect(take(queue)).toBe(first)
    expect(first.attempts).toBe(attempt)
    expect(queue.take(NOW, TERMS.acks)).toBeUndefined()
    queue.retry(first, 0)
  }
  expect(take(queue)).toBe(first)
  queue.succeeded(first, NOW.wallMs)
  expect(numberOf(take(queue))).toBe('0:6')
})

test('with acks 0 a batch waits for the one before it, which may never have been written', () => {
  const queue = newQueue()
  const [first, second] = [1, 2].map((recordCount) => {
    void queue.add(chunkOf(recordCount), { ...TERMS, acks: 0 }, 0)
    queue.seal()
    return queue.take(NOW, 0)
  })
  expect(second).toBeUndefined()
  queue.succeeded(first ?? expect.fail('nothing was sent'), NOW.wallMs)
  expect(numberOf(queue.take(NOW, 0) ?? expect.fail('nothing may be sent'))).toBe('0:1')
  void queue.add(chunkOf(1), { ...TERMS, acks: 0 }, 0)
  queue.seal()
  expect(queue.take(NOW, 0)).toBeUndefined()
})

test('numbers that are used up start over once nothing under them is in doubt', () => {
  const queue = newQueue()
  queue.succeeded(takeBatchOf(queue, SEQUENCE_MAX - 5), NOW.wallMs)
  const last = takeBatchOf(queue, 5)
  queueBatchOf(queue, 1)
  expect(queue.take(NOW, TERMS.acks)).toBeUndefined()
  queue.retry(last, 0)
  expect(numberOf(take(queue))).toBe(`0:${SEQUENCE_MAX - 5}`)
  queue.succeeded(last, NOW.wallMs)
  expect(numberOf(take(queue))).toBe('1:0')
})

test('a batch in flight that is given up frees its place, and the rest starts over', () => {
  const queue = newQueue()
  queue.succeeded(takeBatchOf(queue, 1), NOW.wallMs)
  const late = takeBatchOf(queue, 1)
  queueBatchOf(queue, 1)
  expect(queue.takeLate((batch) => batch === late)).toEqual([late])
  expect(numberOf(take(queue))).toBe('1:0')
})
