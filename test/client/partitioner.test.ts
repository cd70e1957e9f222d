import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StickyPartition, keyPartition } from '../../src/client/partitioner.js'
import { Prng } from '../../src/std/prng.js'

const utf8 = new TextEncoder()

describe('keyPartition', () => {
  it.each([
    // toPositive(-790332482) is 1357151166, toPositive(-973932308) is 1173551340.
    ['foobar', 10, 6],
    ['foobar', 1, 0],
    ['21', 7, 1173551340 % 7],
    ['0', 6, 971027396 % 6],
  ])('puts %j of %i partitions where Kafka does', (key, numPartitions, partition) => {
    expect(keyPartition(utf8.encode(key), numPartitions)).toBe(partition)
  })

  it('is a partition number for any key', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1024 }), (key, numPartitions) => {
        const partition = keyPartition(key, numPartitions)
        expect(Number.isInteger(partition)).toBe(true)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(numPartitions)
      }),
    )
  })

  it('spreads many keys over all partitions', () => {
    const counts = new Array<number>(8).fill(0)
    for (let index = 0; index < 8_000; index++) {
      const partition = keyPartition(utf8.encode(`user-${index}`), 8)
      counts[partition] = (counts[partition] ?? 0) + 1
    }
    for (const count of counts) {
      expect(count).toBeGreaterThan(850)
      expect(count).toBeLessThan(1_150)
    }
  })
})

describe('StickyPartition', () => {
  it('stays with one partition until the batch is closed', () => {
    const sticky = makeSticky(1)
    const first = sticky.current(5)
    for (let message = 0; message < 20; message++) expect(sticky.current(5)).toBe(first)
    sticky.next()
    expect(sticky.current(5)).not.toBe(first)
  })

  it('is evenly spread after any number of batches', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 20 }), (seed, numPartitions) => {
        const counts = new Array<number>(numPartitions).fill(0)
        for (const partition of batches(makeSticky(seed), numPartitions, 5 * numPartitions)) {
          counts[partition] = (counts[partition] ?? 0) + 1
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('never starts the next batch where the last one went', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 5 }), (seed, numPartitions) => {
        let last: number | undefined
        for (const partition of batches(makeSticky(seed), numPartitions, 40)) {
          expect(partition).not.toBe(last)
          last = partition
        }
      }),
      { numRuns: 30 },
    )
  })

  it('starts anywhere, evenly over many producers', () => {
    const counts = new Array<number>(4).fill(0)
    for (let seed = 0; seed < 4_000; seed++) {
      const first = makeSticky(seed).current(4)
      counts[first] = (counts[first] ?? 0) + 1
    }
    for (const count of counts) {
      expect(count).toBeGreaterThan(850)
      expect(count).toBeLessThan(1_150)
    }
  })

  it('takes its turns in another order for another producer', () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed++) orders.add(batches(makeSticky(seed), 8, 8).join())
    expect(orders.size).toBeGreaterThan(15)
  })

  it('is always 0 with one partition', () => {
    expect(new Set(batches(makeSticky(1), 1, 50))).toEqual(new Set([0]))
  })

  it('reaches partitions that were added, without leaving the batch that is open', () => {
    const sticky = makeSticky(3)
    const first = sticky.current(2)
    expect(sticky.current(6)).toBe(first)
    sticky.next()
    expect(new Set(batches(sticky, 6, 6))).toEqual(new Set([0, 1, 2, 3, 4, 5]))
  })

  it('leaves a partition that is there no more', () => {
    const sticky = new StickyPartition(() => 0.99)
    expect(sticky.current(4)).toBe(3)
    expect(sticky.current(2)).toBe(1)
  })
})

function makeSticky(seed: number): StickyPartition {
  const prng = new Prng(seed)
  return new StickyPartition(() => prng.float())
}

/** The partitions of the next `count` batches. */
function batches(sticky: StickyPartition, numPartitions: number, count: number): number[] {
  return Array.from({ length: count }, () => {
    const partition = sticky.current(numPartitions)
    sticky.next()
    return partition
  })
}
