/** Records out of batches that come again and again, a few at a time. */
import { describe, expect, it } from 'vitest'
import { DeliveredBatches } from '../../src/client/share/delivered-batches.js'
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import type { PartitionId, TopicName } from '../../src/protocol/names.js'
import { inContext, type ClientContext } from './client-context.js'
import { produce, range } from './reader.js'

const deliver = (batch: ArrayBuffer, ...ranges: (readonly [number, number])[]) => ({
  partitionId: 1 as PartitionId,
  topic: 'orders' as TopicName,
  partition: 0,
  batches: [batch.slice(0)],
  acquired: ranges.map(([firstOffset, lastOffset]) => ({
    firstOffset,
    lastOffset,
    deliveryCount: 1,
  })),
})

async function storedBatch(context: ClientContext): Promise<ArrayBuffer> {
  await context.topic('orders')
  await produce(context, range(10), { inOneBatch: true })
  const [stored] = [...context.database.batches.values()].flat()
  if (stored === undefined) throw new Error('nothing is stored')
  return stored.batch
}

describe('delivered batches', () => {
  it(
    'give out what was acquired, in whatever pieces it comes, and come again',
    inContext(async (context) => {
      const batch = await storedBatch(context)
      const batches = new DeliveredBatches(new CodecRegistry())
      const take = async (...ranges: (readonly [number, number])[]) =>
        (await batches.decode(deliver(batch, ...ranges))).map(({ records, error }) => ({
          offsets: records.map(({ offset }) => offset),
          error,
        }))
      const offsets = (...lists: number[][]) =>
        lists.map((list) => ({ offsets: list, error: undefined }))
      expect(await take([0, 1], [4, 5])).toEqual(offsets([0, 1], [4, 5]))
      // The ends are new and the middle was there before.
      expect(await take([3, 6])).toEqual(offsets([3, 4, 5, 6]))
      expect(await take([0, 9])).toEqual(offsets(range(10)))
    }),
  )

  it(
    'that were named are there for the next answer, whatever comes with it',
    inContext(async (context) => {
      const batch = await storedBatch(context)
      const batches = new DeliveredBatches(new CodecRegistry())
      const from = (id: number, ...ranges: (readonly [number, number])[]) => ({
        ...deliver(batch, ...ranges),
        partitionId: id as PartitionId,
      })
      for (const id of range(9)) await batches.decode(from(id, [0, 0]))
      const named = batches.keptForNext().map(({ partitionId }) => partitionId)
      expect(named).toEqual(range(9).slice(1))
      await batches.decode(from(10, [0, 0]))
      for (const id of named) {
        const [delivered] = await batches.decode({ ...from(id, [1, 3]), batches: [] })
        expect(delivered?.records.map(({ offset }) => offset)).toEqual([1, 2, 3])
      }
      // What is all delivered, or of another broker, is not.
      for (const id of named.slice(1)) await batches.decode(from(id, [0, 9]))
      expect(batches.keptForNext()).toEqual([{ partitionId: named[0], baseOffset: 0 }])
      batches.forget()
      expect(batches.keptForNext()).toEqual([])
    }),
  )

  it(
    'never give the same object twice',
    inContext(async (context) => {
      const batch = await storedBatch(context)
      const batches = new DeliveredBatches(new CodecRegistry())
      const [first] = await batches.decode(deliver(batch, [0, 0]))
      const [again] = await batches.decode(deliver(batch, [0, 0]))
      expect(again?.records[0]).toEqual(first?.records[0])
      expect(again?.records[0]).not.toBe(first?.records[0])
    }),
  )
})
