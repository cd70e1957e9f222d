/** Which batches a read finds, and where it stops. */
import type { StorageCase, StorageContext } from './storage-context.js'
import { checkEqual } from './check.js'
import { batchBytes, batchRecord, batchesDeleted, commit, read } from './storage-rows.js'
import type { Storage } from '../../src/broker/ports.js'

export const READ_CASES: readonly StorageCase[] = [
  {
    name: 'finds nothing in a partition without batches',
    async run(context) {
      const storage = await withBatches(context, { id: 2, offsets: [0, 5] })
      checkEqual(await read(storage, 1, 0), [], 'the partition before')
      checkEqual(await read(storage, 3, 5), [], 'the partition after')
      await commit(storage, [batchesDeleted(2, 10)])
      checkEqual(await read(storage, 2, 0), [], 'one that had some')
    },
  },
  {
    name: 'begins with the batch that contains the offset',
    async run(context) {
      const storage = await withBatches(context, { id: 2, offsets: [10, 15, 30, 31] })
      const expected = [
        [10, [10, 15, 30, 31]],
        [11, [10, 15, 30, 31]],
        [14, [10, 15, 30, 31]],
        [15, [15, 30, 31]],
        [29, [15, 30, 31]],
        [30, [30, 31]],
        [31, [31]],
      ] as const
      for (const [fromOffset, bases] of expected) {
        const batches = bases.map((baseOffset) => batchBytes(2, baseOffset))
        checkEqual(await read(storage, 2, fromOffset), batches, `from ${fromOffset}`)
      }
    },
  },
  {
    name: 'begins with the first batch when the offset is below all',
    async run(context) {
      const storage = await withBatches(context, { id: 2, offsets: [10, 15] })
      const batches = [batchBytes(2, 10), batchBytes(2, 15)]
      checkEqual(await read(storage, 2, 0), batches, 'from 0')
      checkEqual(await read(storage, 2, 9), batches, 'from 9')
    },
  },
  {
    name: 'gives the last batch when the offset is past all',
    async run(context) {
      const storage = await withBatches(context, { id: 2, offsets: [10, 15] })
      checkEqual(await read(storage, 2, 16), [batchBytes(2, 15)], 'from 16')
      checkEqual(await read(storage, 2, 1e12), [batchBytes(2, 15)], 'from far beyond')
    },
  },
  {
    name: 'never reads a neighbouring partition',
    async run(context) {
      const storage = await withBatches(context, { id: 2, offsets: [3] })
      await commit(storage, [batchRecord(1, 100), batchRecord(3, 0), batchRecord(20, 0)])
      checkEqual(await read(storage, 2, 0), [batchBytes(2, 3)], 'from below')
      checkEqual(await read(storage, 2, 50), [batchBytes(2, 3)], 'from above')
      checkEqual(await read(storage, 3, 50), [batchBytes(3, 0)], 'the next one')
    },
  },
  {
    name: 'stops at maxBatches',
    async run(context) {
      const offsets = Array.from({ length: 100 }, (_, index) => index * 2)
      const storage = await withBatches(context, { id: 1, offsets })
      for (const maxBatches of [1, 2, 3, 7, 64, 65, 99, 100, 101]) {
        for (const fromOffset of [0, 1]) {
          const batches = await read(storage, 1, fromOffset, { maxBatches })
          const expected = offsets.slice(0, maxBatches).map((base) => batchBytes(1, base))
          checkEqual(batches, expected, `${maxBatches} from ${fromOffset}`)
        }
      }
    },
  },
  {
    name: 'stays within maxBytes',
    async run(context) {
      const offsets = Array.from({ length: 80 }, (_, index) => index)
      const storage = await withBatches(context, { id: 1, offsets, bytesOf: () => 100 })
      for (const maxBytes of [100, 199, 200, 201, 1_000, 6_399, 6_400, 7_999, 8_000, 8_001]) {
        const count = Math.floor(maxBytes / 100)
        checkEqual(
          (await read(storage, 1, 0, { maxBytes })).length,
          Math.min(count, 80),
          `${maxBytes}`,
        )
      }
    },
  },
  {
    name: 'reads at least one batch, however large',
    async run(context) {
      const storage = await withBatches(context, { id: 1, offsets: [0, 5], bytesOf: () => 1_000 })
      for (const fromOffset of [0, 3]) {
        for (const limits of [
          { maxBytes: 0 },
          { maxBytes: 1 },
          { maxBytes: 999 },
          { maxBatches: 0 },
        ]) {
          const batches = await read(storage, 1, fromOffset, limits)
          checkEqual(batches, [batchBytes(1, 0, 1_000)], JSON.stringify(limits))
        }
      }
    },
  },
  {
    name: 'reads tiny and large batches as they come',
    async run(context) {
      const bytesOf = (baseOffset: number): number => (baseOffset % 40 < 37 ? 10 : 300_000)
      const offsets = Array.from({ length: 120 }, (_, index) => index)
      const storage = await withBatches(context, { id: 1, offsets, bytesOf })
      for (const maxBytes of [370, 300_369, 300_370, 700_000, 1e9]) {
        for (const fromOffset of [0, 36, 37, 60]) {
          let bytes = 0
          const expected = offsets.slice(fromOffset).filter((base, index) => {
            bytes += bytesOf(base)
            return index === 0 || bytes <= maxBytes
          })
          const lengths = (await read(storage, 1, fromOffset, { maxBytes })).map(
            ({ byteLength }) => byteLength,
          )
          checkEqual(lengths, expected.map(bytesOf), `${maxBytes} from ${fromOffset}`)
        }
      }
    },
  },
]

interface Batches {
  readonly id: number
  readonly offsets: readonly number[]
  readonly bytesOf?: (baseOffset: number) => number
}

async function withBatches(context: StorageContext, batches: Batches): Promise<Storage> {
  const storage = await context.openLoaded()
  const { id, offsets, bytesOf = () => 24 } = batches
  await commit(
    storage,
    offsets.map((baseOffset) => batchRecord(id, baseOffset, bytesOf(baseOffset))),
  )
  return storage
}
