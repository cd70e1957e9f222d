import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionTail, TailBudget } from '../../../src/broker/log/tail.js'
import { allDone } from '../fake-time.js'

/** The next batch of a partition that ends at `baseOffset`. */
const entry = (baseOffset: number, records = 1, bytes = 10) => ({
  baseOffset,
  nextOffset: baseOffset + records,
  batch: new ArrayBuffer(bytes),
})

describe('tail', () => {
  it('holds nothing at first', () => {
    const tail = new PartitionTail()
    expect(tail.startOffset).toBeUndefined()
    expect(tail.read(0, 100, 100)).toEqual([])
    expect(tail.dropFirst()).toBe(0)
  })

  it('reads from the batch that contains the offset', () => {
    const tail = new PartitionTail()
    const entries = [entry(10, 5), entry(15, 5), entry(20, 5)]
    for (const each of entries) tail.append(each)
    const batches = entries.map((each) => each.batch)
    expect(tail.startOffset).toBe(10)
    expect(tail.read(10, 25, 1_000)).toEqual(batches)
    expect(tail.read(14, 25, 1_000)).toEqual(batches)
    expect(tail.read(15, 25, 1_000)).toEqual(batches.slice(1))
    expect(tail.read(25, 25, 1_000)).toEqual([])
  })

  it('reads nothing that reaches beyond the end offset', () => {
    const tail = new PartitionTail()
    for (const each of [entry(0, 5), entry(5, 5)]) tail.append(each)
    expect(tail.read(0, 9, 1_000)).toHaveLength(1)
    expect(tail.read(0, 4, 1_000)).toHaveLength(0)
  })

  it('reads at least one batch, and more only within the bytes asked for', () => {
    const tail = new PartitionTail()
    for (const each of [entry(0, 1, 50), entry(1, 1, 30), entry(2, 1, 30)]) tail.append(each)
    expect(tail.read(0, 3, 1)).toHaveLength(1)
    expect(tail.read(0, 3, 79)).toHaveLength(1)
    expect(tail.read(0, 3, 80)).toHaveLength(2)
    expect(tail.read(0, 3, 110)).toHaveLength(3)
  })

  it('takes no batch that leaves a gap', () => {
    const tail = new PartitionTail()
    tail.append(entry(0, 5))
    expect(() => tail.append(entry(6))).toThrow('tail ends at 5, next batch starts at 6')
  })

  it('drops the oldest batch of any partition first', () => {
    const budget = new TailBudget(30)
    const [a, b] = [new PartitionTail(), new PartitionTail()]
    budget.append(a, entry(0))
    budget.append(b, entry(0))
    budget.append(b, entry(1))
    budget.append(b, entry(2))
    expect([a.startOffset, b.startOffset, budget.bytes]).toEqual([undefined, 0, 30])
    budget.append(a, entry(1))
    expect([a.startOffset, b.startOffset, budget.bytes]).toEqual([1, 1, 30])
  })

  it('keeps nothing of a batch that is larger than all it may hold', () => {
    const budget = new TailBudget(30)
    const tail = new PartitionTail()
    budget.append(tail, entry(0, 1, 31))
    expect([tail.startOffset, budget.bytes]).toEqual([undefined, 0])
    budget.append(tail, entry(1))
    expect(tail.read(1, 2, 100)).toHaveLength(1)
  })

  it('lets go of the bytes of the batches that it dropped', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const budget = new TailBudget(100)
    const tail = new PartitionTail()
    const appended = Array.from({ length: 10 }, (_, offset) => {
      const next = entry(offset, 1, 100)
      budget.append(tail, next)
      return new WeakRef(next.batch)
    })
    await allDone()
    collectGarbage()
    expect(appended.map((reference) => reference.deref() !== undefined).indexOf(true)).toBe(9)
  })

  it('is for each partition a run of its newest batches, all of them within the bytes', () => {
    const step = fc.record({
      partition: fc.nat({ max: 2 }),
      records: fc.integer({ min: 1, max: 4 }),
      bytes: fc.integer({ min: 1, max: 60 }),
    })
    const read = fc.record({
      partition: fc.nat({ max: 2 }),
      back: fc.nat({ max: 30 }),
      short: fc.nat({ max: 10 }),
      maxBytes: fc.integer({ min: 1, max: 200 }),
    })
    const steps = fc.array(fc.tuple(step, read), { maxLength: 250, size: 'max' })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), steps, (bytesMax, appendsAndReads) => {
        const budget = new TailBudget(bytesMax)
        const model = new ModelTails(bytesMax)
        const tails = [0, 1, 2].map(() => new PartitionTail())
        for (const [{ partition, records, bytes }, wanted] of appendsAndReads) {
          const next = entry(model.endOf(partition), records, bytes)
          budget.append(tails[partition] as PartitionTail, next)
          model.append(partition, next)
          expect(budget.bytes).toBe(model.bytes)
          expect(budget.bytes).toBeLessThanOrEqual(bytesMax)
          for (const [index, tail] of tails.entries()) {
            expect(tail.startOffset).toBe(model.of(index)[0]?.baseOffset)
          }
          const endOffset = Math.max(0, model.endOf(wanted.partition) - wanted.short)
          const offset = Math.max(0, model.endOf(wanted.partition) - wanted.back)
          const tail = tails[wanted.partition] as PartitionTail
          if (offset < (tail.startOffset ?? Infinity)) continue
          expect(tail.read(offset, endOffset, wanted.maxBytes)).toEqual(
            model.read(wanted.partition, { offset, endOffset, maxBytes: wanted.maxBytes }),
          )
        }
      }),
      { numRuns: 50 },
    )
  })
})

type Entry = ReturnType<typeof entry>

/** One list of everything in the order of appending. */
class ModelTails {
  readonly #bytesMax: number
  readonly #ends = new Map<number, number>()
  readonly #held: { partition: number; entry: Entry }[] = []

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#held.reduce((sum, held) => sum + held.entry.batch.byteLength, 0)
  }

  endOf(partition: number): number {
    return this.#ends.get(partition) ?? 0
  }

  of(partition: number): Entry[] {
    return this.#held.filter((held) => held.partition === partition).map((held) => held.entry)
  }

  append(partition: number, next: Entry): void {
    this.#ends.set(partition, next.nextOffset)
    this.#held.push({ partition, entry: next })
    while (this.bytes > this.#bytesMax) this.#held.shift()
  }

  read(
    partition: number,
    { offset, endOffset, maxBytes }: { offset: number; endOffset: number; maxBytes: number },
  ): ArrayBuffer[] {
    const wanted = this.of(partition).filter(
      (each) => each.nextOffset > offset && each.nextOffset <= endOffset,
    )
    let bytes = 0
    return wanted
      .filter((each, index) => {
        bytes += each.batch.byteLength
        return index === 0 || bytes <= maxBytes
      })
      .map((each) => each.batch)
  }
}
