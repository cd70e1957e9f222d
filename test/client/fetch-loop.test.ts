/** When the fetch loop asks again, by a clock that is set by hand. */
import { expect, test } from 'vitest'
import { FetchLoop, type FetchLoopOptions } from '../../src/client/consumer/fetch-loop.js'
import { OwnedPartition } from '../../src/client/consumer/owned-partition.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { PartitionId, TopicName } from '../../src/protocol/names.js'
import type { RequestOf } from '../../src/protocol/requests/request.js'
import { placedBatch } from '../broker/batches.js'
import { FakeTime } from '../broker/fake-time.js'

test('a failed fetch is tried again after its backoff, however long a partition waits for its own', async () => {
  const time = new FakeTime()
  const startMs = time.nowMs()
  const asked: (readonly number[])[] = []
  const fine = partition(1)
  const failing = partition(2)
  failing.deliverNotBeforeMs = startMs + 25_000
  const loop = new FetchLoop({
    host: {
      nowMs: () => time.nowMs(),
      setTimer: (delayMs: number, callback: () => void) => time.schedule(delayMs, callback),
      random: () => 0.5,
      freshId: () => 'fetcher',
    },
    connection: {
      call(request: RequestOf<'fetch'>) {
        asked.push(request.partitions.map(({ partitionId }) => partitionId))
        if (asked.length > 1) return new Promise(() => {})
        return Promise.reject(new TabmqError('REQUEST_TIMED_OUT', 'no answer', {}))
      },
    },
    options: { maxBytes: 1e6, minBytes: 1, maxWaitMs: 5_000, maxBytesPerPartition: 1e6 },
    partitions: () => [fine, failing],
    isHandled: () => false,
    isFixed: false,
    onFetched: () => {},
    onOutOfRange: () => Promise.resolve(),
    onError: (error: unknown) => expect.fail(String(error)),
  } as unknown as FetchLoopOptions)
  loop.start()
  await time.advance(0)
  // Something else happens meanwhile, after which the loop looks around again.
  loop.wake()
  await time.advance(2_000)
  expect(asked).toEqual([[1], [1]])
  await time.advance(25_000)
  expect(asked.map((ids) => ids.toSorted((a, b) => a - b))).toEqual([[1], [1], [1, 2]])
  loop.stop()
})

test('what little came is handled before more is asked for, as far as handlers wait for nothing', async () => {
  const few = answered(placedBatch({}, { baseOffset: 0 }))
  await few.time.advance(0)
  expect(few.told).toEqual(['asked from 0', 'came'])
  // Its handlers are done, and their partition is free again.
  few.loop.wake()
  await few.time.advance(0)
  expect(few.told).toEqual(['asked from 0', 'came', 'asked from 1'])
  few.nextTurn()
  await few.time.advance(0)
  expect(few.told).toEqual(['asked from 0', 'came', 'asked from 1'])
  few.loop.stop()
})

test('handlers that wait for something do not keep more from being asked for', async () => {
  const few = answered(placedBatch({}, { baseOffset: 0 }))
  await few.time.advance(0)
  expect(few.told).toEqual(['asked from 0', 'came'])
  few.nextTurn()
  await few.time.advance(0)
  expect(few.told).toEqual(['asked from 0', 'came', 'asked from 1'])
  few.loop.stop()
})

test('when much came, more is asked for while it is handled', async () => {
  const much = answered(placedBatch({ bytes: 20_000 }, { baseOffset: 0 }))
  await much.time.advance(0)
  expect(much.told).toEqual(['asked from 0', 'came', 'asked from 1'])
  much.loop.stop()
})

/** A loop for one partition whose first fetch brings this batch, and whose page's turn a test ends. */
function answered(batch: ArrayBuffer) {
  const time = new FakeTime()
  const told: string[] = []
  const turns: (() => void)[] = []
  const fetched = partition(1)
  const loop = new FetchLoop({
    host: {
      nowMs: () => time.nowMs(),
      setTimer: (delayMs: number, callback: () => void) => time.schedule(delayMs, callback),
      nextTurn: () => new Promise<void>((resolve) => turns.push(resolve)),
      freshId: () => 'fetcher',
    },
    connection: {
      call({ partitions }: RequestOf<'fetch'>) {
        told.push(`asked from ${partitions[0]?.offset}`)
        if (told.length > 1) return new Promise(() => {})
        const found = { partitionId: 1, highWatermark: 1, logStartOffset: 0, batches: [batch] }
        return Promise.resolve({ partitions: [found] })
      },
    },
    options: { maxBytes: 1e6, minBytes: 1, maxWaitMs: 5_000, maxBytesPerPartition: 1e6 },
    partitions: () => [fetched],
    isHandled: () => false,
    isFixed: false,
    onFetched: () => told.push('came'),
    onOutOfRange: () => Promise.resolve(),
    onError: (error: unknown) => expect.fail(String(error)),
  } as unknown as FetchLoopOptions)
  loop.start()
  return { loop, time, told, nextTurn: () => turns.shift()?.() }
}

function partition(partitionId: number): OwnedPartition {
  const owned = new OwnedPartition({
    partitionId: partitionId as PartitionId,
    topic: 'orders' as TopicName,
    partition: 0,
  })
  owned.startAt(0)
  return owned
}
