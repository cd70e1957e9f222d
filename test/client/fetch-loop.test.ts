/** When the fetch loop asks again, by a clock that is set by hand. */
import { expect, test } from 'vitest'
import { FetchLoop, type FetchLoopOptions } from '../../src/client/consumer/fetch-loop.js'
import { OwnedPartition } from '../../src/client/consumer/owned-partition.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { PartitionId, TopicName } from '../../src/protocol/names.js'
import type { RequestOf } from '../../src/protocol/requests.js'
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

function partition(partitionId: number): OwnedPartition {
  const owned = new OwnedPartition({
    partitionId: partitionId as PartitionId,
    topic: 'orders' as TopicName,
    partition: 0,
  })
  owned.startAt(0)
  return owned
}
