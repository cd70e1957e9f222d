import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkSequence, withBatch } from '../../../src/broker/log/producer-state.js'
import type { ProducerRow } from '../../../src/broker/rows.js'
import { hasCode, type ErrorCode } from '../../../src/protocol/errors.js'
import { PRODUCER_BATCHES_REMEMBERED } from '../../../src/protocol/limits.js'
import type { ProducerId } from '../../../src/protocol/names.js'

/** One producer on one partition: what it sends and what the partition remembers of it. */
class ProducerContext {
  row: ProducerRow | undefined
  nextOffset = 0

  /** The base offset of what was appended, `duplicate of …`, or the code of the error. */
  send(baseSequence: number, recordCount = 1, producerEpoch = 0): number | string {
    const producer = { producerId: 7 as ProducerId, producerEpoch, baseSequence }
    try {
      const check = checkSequence(this.row, producer, { recordCount, isRepeat: false })
      if (check.outcome === 'duplicate') return `duplicate of ${check.batch.baseOffset}`
    } catch (error) {
      const codes: ErrorCode[] = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'INVALID_PRODUCER_EPOCH']
      if (hasCode(error, ...codes)) return error.code
      throw error
    }
    const baseOffset = this.nextOffset
    this.row = withBatch(this.row, producer, { recordCount, baseOffset, nowMs: 5 })
    this.nextOffset += recordCount
    return baseOffset
  }
}

describe('producer state', () => {
  it('takes batches whose sequences follow each other', () => {
    const producer = new ProducerContext()
    expect([producer.send(0, 3), producer.send(3, 2), producer.send(5)]).toEqual([0, 3, 5])
  })

  it('refuses a batch that does not follow the last, and takes the one that does', () => {
    const producer = new ProducerContext()
    producer.send(0, 3)
    for (const wrong of [1, 2, 4, 100]) {
      expect(producer.send(wrong, 3)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    }
    expect(producer.send(3)).toBe(3)
  })

  it.each([
    ['the first batch', 0, false, 'is appended'],
    ['the first batch, sent again', 0, true, 'is appended'],
    ['a later one', 3, false, 'is appended'],
    ['a later one, sent again', 3, true, 'UNKNOWN_PRODUCER_ID'],
  ])('of a producer that is not known, %s (%i)', (_, baseSequence, isRepeat, expected) => {
    const producer = { producerId: 7 as ProducerId, producerEpoch: 0, baseSequence }
    const check = () => checkSequence(undefined, producer, { recordCount: 1, isRepeat })
    if (expected === 'is appended') expect(check()).toEqual({ outcome: 'append' })
    else expect(check).toThrow(expect.objectContaining({ code: expected }))
  })

  it('names the sequence that it expects', () => {
    const producer = new ProducerContext()
    producer.send(0, 3)
    const gap = { producerId: 7 as ProducerId, producerEpoch: 0, baseSequence: 9 }
    expect(() => checkSequence(producer.row, gap, { recordCount: 1, isRepeat: false })).toThrow(
      '9 does not follow: 3 was expected',
    )
  })

  it('recognises a repeat of each of the last five batches, with its first offset', () => {
    const producer = new ProducerContext()
    for (let batch = 0; batch < 6; batch++) producer.send(2 * batch, 2)
    const repeats = [2, 4, 6, 8, 10].map((sequence) => producer.send(sequence, 2))
    expect(repeats).toEqual([2, 4, 6, 8, 10].map((offset) => `duplicate of ${offset}`))
    expect(producer.nextOffset).toBe(12)
    expect(producer.row?.batches).toHaveLength(PRODUCER_BATCHES_REMEMBERED)
  })

  it('no longer knows the sixth last batch', () => {
    const producer = new ProducerContext()
    for (let batch = 0; batch < 6; batch++) producer.send(batch)
    expect(producer.send(0)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  it('takes no batch for a repeat that begins alike and is longer or shorter', () => {
    const producer = new ProducerContext()
    producer.send(0, 4)
    expect(producer.send(0, 3)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(producer.send(0, 5)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  it('begins again at 0 under a new epoch, and only there', () => {
    const producer = new ProducerContext()
    producer.send(0, 3)
    expect(producer.send(3, 1, 1)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(producer.send(0, 3, 1)).toBe(3)
    expect(producer.send(3, 1, 1)).toBe(6)
  })

  it('does not take a batch of a new epoch for a repeat of one of the old epoch', () => {
    const producer = new ProducerContext()
    producer.send(0)
    expect([producer.send(0, 1, 1), producer.send(0, 1, 1)]).toEqual([1, 'duplicate of 1'])
  })

  it('refuses a lower epoch, also a repeat under it', () => {
    const producer = new ProducerContext()
    producer.send(0, 1, 4)
    producer.send(0, 1, 5)
    expect(producer.send(0, 1, 4)).toBe('INVALID_PRODUCER_EPOCH')
    expect(producer.send(1, 1, 4)).toBe('INVALID_PRODUCER_EPOCH')
  })

  it('takes any first sequence and epoch of a producer that it does not know', () => {
    const producer = new ProducerContext()
    expect(producer.send(1_000, 2, 3)).toBe(0)
    expect(producer.send(1_002, 1, 3)).toBe(2)
  })

  it('stores each batch once, however often and in whatever order repeats arrive', () => {
    const steps = fc.array(fc.record({ size: fc.integer({ min: 1, max: 5 }), repeats: fc.nat(5) }))
    fc.assert(
      fc.property(steps, (batches) => {
        const producer = new ProducerContext()
        const sent: { sequence: number; size: number; offset: number }[] = []
        let sequence = 0
        for (const { size, repeats } of batches) {
          const offset = producer.send(sequence, size)
          expect(offset).toBe(sequence)
          sent.push({ sequence, size, offset: sequence })
          sequence += size
          for (const again of sent.slice(-Math.min(repeats, PRODUCER_BATCHES_REMEMBERED))) {
            if (repeats === 0) continue
            expect(producer.send(again.sequence, again.size)).toBe(`duplicate of ${again.offset}`)
          }
        }
        expect(producer.nextOffset).toBe(sequence)
      }),
    )
  })
})
