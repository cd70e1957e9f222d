import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionFacts } from '../../../src/broker/share/partition-facts.js'
import { readFacts, type RecordFacts } from '../../../src/broker/share/record-facts.js'
import { BATCH_HEADER_BYTES, writeBatchPlacement } from '../../../src/protocol/batch-header.js'
import { batchOf } from '../batches.js'
import { jobBatch, type Job } from './job-batch.js'

const job: fc.Arbitrary<Job> = fc.record({
  key: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  deliverAtMs: fc.option(fc.constantFrom(5_000, 9_000), { nil: undefined, freq: 2 }),
  expiresAtMs: fc.option(fc.constantFrom(-3, 0, 8_000), { nil: undefined, freq: 2 }),
  priority: fc.option(fc.constantFrom(1, 9), { nil: undefined, freq: 2 }),
  isVoid: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
})

const log = fc.array(fc.array(job, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 })

function placed(batch: ArrayBuffer, baseOffset: number): ArrayBuffer {
  writeBatchPlacement(batch, { baseOffset, position: 0, maxTimestampSoFarMs: 0, appendedAtMs: 0 })
  return batch
}

function isPlain({ deliverAtMs, expiresAtMs, priority, isVoid }: Job): boolean {
  return deliverAtMs === undefined && expiresAtMs === undefined && priority === undefined && !isVoid
}

describe('facts of a partition', () => {
  it('are those of its records, in whatever order batches are seen', () => {
    const order = fc.array(fc.tuple(fc.nat({ max: 11 }), fc.boolean()), { maxLength: 30 })
    fc.assert(
      fc.property(log, order, (batches, seen) => {
        const facts = new PartitionFacts()
        const bases = batches.map((_, index) => batches.slice(0, index).flat().length)
        const jobs = batches.flat()
        const known: (undefined | 'plain' | 'keys')[] = jobs.map(() => undefined)
        for (const [wanted, withKeys] of seen) {
          const index = wanted % batches.length
          const base = bases[index] ?? 0
          const batch = placed(jobBatch(batches[index] ?? []), base)
          const isNews = facts.see(readFacts(batch, { withKeys }))
          const better = withKeys ? known[base] !== 'keys' : known[base] === undefined
          expect(isNews).toBe(better)
          const length = batches[index]?.length ?? 0
          if (better) known.fill(withKeys ? 'keys' : 'plain', base, base + length)
        }
        for (const withKeys of [false, true]) {
          for (const from of bases) {
            const end = known.findIndex(
              (how, at) => at >= from && (withKeys ? how !== 'keys' : how === undefined),
            )
            expect(facts.seenTo(from, { withKeys })).toBe(end < 0 ? jobs.length : end)
          }
        }
        const cursor = facts.cursor()
        for (const [offset, each] of jobs.entries()) {
          const { key, deliverAtMs = 0, expiresAtMs = Infinity, priority = 0, isVoid } = each
          const found = cursor.facts(offset)
          const hash = cursor.keyHash(offset)
          expect(hash === 0).toBe(key === undefined || known[offset] !== 'keys')
          if (known[offset] === undefined || isPlain(each)) expect(found).toBeUndefined()
          else expect(found).toMatchObject({ deliverAtMs, expiresAtMs, priority, isVoid })
        }
        const special = [...facts.special(0, jobs.length)]
        const offsets = special.flatMap((each) => offsetsOf(each))
        expect(offsets).toEqual(
          [...jobs.keys()].filter((at) => known[at] !== undefined && !isPlain(jobs[at] ?? {})),
        )
        const urgent = [...facts.special(0, jobs.length, 9)].flatMap((each) => offsetsOf(each))
        expect(urgent).toEqual(offsets.filter((at) => jobs[at]?.priority === 9))
        const times = jobs.flatMap(({ deliverAtMs, expiresAtMs }, at) => [
          ...(known[at] === undefined || deliverAtMs === undefined ? [] : [deliverAtMs]),
          ...(known[at] !== 'keys' || expiresAtMs === undefined ? [] : [expiresAtMs]),
        ])
        expect(facts.nextChangeMs()).toBe(times.length === 0 ? undefined : Math.min(...times))
      }),
    )
  })

  it('of plain batches are one stretch, and their index is not read', () => {
    const facts = new PartitionFacts()
    for (let base = 0; base < 100; base += 10) {
      const batch = placed(batchOf({ records: 10 }), base)
      // Whoever looked would find it broken.
      new Uint8Array(batch, BATCH_HEADER_BYTES).fill(0xff)
      facts.see(readFacts(batch, { withKeys: false }))
    }
    expect(facts.seenTo(0, { withKeys: false })).toBe(100)
    expect(facts.seenTo(0, { withKeys: true })).toBe(0)
  })

  it('of an index that cannot be read are none, so that somebody gets its records', () => {
    const batch = placed(jobBatch([{ key: 'a', priority: 3 }, {}]), 0)
    new Uint8Array(batch, BATCH_HEADER_BYTES).fill(0xff)
    expect(readFacts(batch, { withKeys: true })).toEqual({
      firstOffset: 0,
      nextOffset: 2,
      keyHashes: [],
      special: [],
    })
  })

  it('are one range for neighbours that are alike', () => {
    const jobs = [{ isVoid: true }, { isVoid: true }, {}, { priority: 2 }, { priority: 2 }]
    const { special } = readFacts(placed(jobBatch(jobs), 7), { withKeys: false })
    const offsets = special.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])
    expect(offsets).toEqual([
      [7, 8],
      [10, 11],
    ])
  })

  it('that no group is near to are forgotten, with their times', () => {
    const facts = new PartitionFacts()
    const first = placed(jobBatch([{ deliverAtMs: 5_000, expiresAtMs: 6_000, key: 'a' }]), 0)
    facts.see(readFacts(first, { withKeys: true }))
    facts.see(readFacts(placed(jobBatch([{ deliverAtMs: 9_000 }]), 10), { withKeys: false }))
    facts.forgetOutside([{ fromOffset: 5, endOffset: 50 }])
    expect(facts.nextChangeMs()).toBe(9_000)
    expect(facts.seenTo(0, { withKeys: true })).toBe(0)
    expect(facts.seenTo(10, { withKeys: false })).toBe(11)
  })
  it('that all groups are past are forgotten in the middle of a long plain stretch', () => {
    const facts = new PartitionFacts()
    facts.see(readFacts(placed(jobBatch([{ priority: 3, deliverAtMs: 5_000 }]), 0), NO_KEYS))
    facts.see(readFacts(placed(batchOf({ records: 50 }), 1), NO_KEYS))
    facts.forgetOutside([{ fromOffset: 0, endOffset: 100 }])
    expect(facts.hasPriorities).toBe(true)
    facts.forgetOutside([{ fromOffset: 20, endOffset: 120 }])
    expect(facts.hasPriorities).toBe(false)
    expect(facts.nextChangeMs()).toBeUndefined()
    expect(facts.seenTo(20, NO_KEYS)).toBe(51)
  })
})

const NO_KEYS = { withKeys: false }

function offsetsOf({ firstOffset, lastOffset }: RecordFacts): number[] {
  return Array.from({ length: lastOffset - firstOffset + 1 }, (_, index) => firstOffset + index)
}
