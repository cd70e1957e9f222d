import { describe, expect, it } from 'vitest'
import { PartitionLog } from '../../../src/broker/log/partition-log.js'
import { TailBudget } from '../../../src/broker/log/tail.js'
import { headerOf } from '../../../src/protocol/batch-header.js'
import type { PartitionId, ProducerId, TopicId } from '../../../src/protocol/names.js'
import { offsetsOf, placedBatch } from '../batches.js'
import { StateContext } from '../state-context.js'

function emptyLog(logStartOffset = 0): PartitionLog {
  const row = { topicId: 't' as TopicId, partition: 0, logStartOffset }
  return new PartitionLog(1 as PartitionId, row, new TailBudget(1_000_000))
}

describe('partition log', () => {
  it('is empty at first, at offset 0', () => {
    const log = new StateContext().createLog('orders')
    expect(log.describe()).toEqual({
      partitionId: log.partitionId,
      partition: 0,
      logStartOffset: 0,
      logEndOffset: 0,
      highWatermark: 0,
      sizeBytes: 0,
    })
    expect(log.isEmpty).toBe(true)
  })

  it('gives every record the next offset', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    const baseOffsets = [3, 1, 2].map((records) => context.append(log, { records }).baseOffset)
    expect(baseOffsets).toEqual([0, 3, 4])
    expect(log.logEndOffset).toBe(6)
  })

  it('is readable up to its high watermark, which follows what is durable', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    context.append(log, { records: 3 })
    context.append(log, { records: 3 })
    const [first, second] = context.appended as [ArrayBuffer, ArrayBuffer]
    expect(log.readFromTail(0, 1_000)).toEqual([])
    expect(log.batchIsDurable(first)).toBe(true)
    expect(offsetsOf(log.readFromTail(0, 1_000) ?? [])).toEqual([0])
    expect(log.batchIsDurable(first)).toBe(false)
    expect(log.batchIsDurable(second)).toBe(true)
    expect(offsetsOf(log.readFromTail(0, 1_000) ?? [])).toEqual([0, 3])
    const beyond = placedBatch({ records: 1 }, { baseOffset: 6 })
    expect(() => log.batchIsDurable(beyond)).toThrow('7 is beyond 6')
  })

  it('goes back to what is durable, producers included', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    const send = (id: number, sequence: number) =>
      context.append(log, { timestamps: [100 * sequence + 1], producer: { id, sequence } })
    send(1, 0)
    context.commit()
    const before = { ...log.describe(), endPosition: log.endPosition, head: log.head }
    const maxTimestampMs = log.maxTimestampMs
    const row = log.producer(1 as ProducerId)
    send(1, 1)
    send(2, 0)
    send(1, 2)
    log.rollBack()
    expect({ ...log.describe(), endPosition: log.endPosition, head: log.head }).toEqual(before)
    expect(log.maxTimestampMs).toBe(maxTimestampMs)
    expect(log.producer(1 as ProducerId)).toEqual(row)
    expect(log.producer(2 as ProducerId)).toBeUndefined()
    expect(offsetsOf(log.readFromTail(0, 10_000) ?? [])).toEqual([0])
    expect(send(1, 1)).toMatchObject({ baseOffset: 1, duplicate: false })
    log.checkInvariants()
  })

  it('goes back to nothing when nothing was durable', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    context.append(log, { records: 3 })
    log.rollBack()
    expect([log.logEndOffset, log.endPosition, log.head, log.hasBatches]).toEqual([
      0,
      0,
      undefined,
      false,
    ])
    expect(context.append(log).baseOffset).toBe(0)
  })

  it('says when it has to be read from the disk', () => {
    const context = new StateContext({ tailBytes: 500 })
    const log = context.createLog('orders')
    for (let batch = 0; batch < 4; batch++) context.append(log, { bytes: 100 })
    context.commit()
    expect(log.readFromTail(0, 1_000)).toBeUndefined()
    expect(offsetsOf(log.readFromTail(3, 1_000) ?? [])).toEqual([3])
    expect(log.readFromTail(4, 1_000)).toEqual([])
  })

  it('knows its size in bytes, also while the oldest batches leave', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    const sizes = [10, 20].map((bytes) => {
      const before = log.endPosition
      context.append(log, { bytes })
      return log.endPosition - before
    })
    expect(log.sizeBytes).toBe((sizes[0] ?? 0) + (sizes[1] ?? 0))
    const second = { baseOffset: 1, position: sizes[0] ?? 0 }
    log.replayBatchesDeleted(1)
    log.replayLogStart(1)
    log.restore({
      partitionId: log.partitionId,
      firstOffset: 1,
      lastOffset: 1,
      first: headerOf(placedBatch({ bytes: 20 }, second)),
      last: headerOf(placedBatch({ bytes: 20 }, second)),
    })
    expect(log.sizeBytes).toBe(sizes[1])
  })

  it('takes up what is stored: the first and the last batch tell all', () => {
    const log = emptyLog(12)
    const first = placedBatch({ records: 10 }, { baseOffset: 10, position: 500 })
    const last = placedBatch(
      { records: 5, bytes: 40 },
      { baseOffset: 90, position: 9_000, maxTimestampSoFarMs: 77_000 },
    )
    log.restore({
      partitionId: log.partitionId,
      firstOffset: 10,
      lastOffset: 90,
      first: headerOf(first),
      last: headerOf(last),
    })
    log.checkInvariants()
    expect(log.describe()).toEqual({
      partitionId: log.partitionId,
      partition: 0,
      logStartOffset: 12,
      logEndOffset: 95,
      highWatermark: 95,
      sizeBytes: 9_000 + last.byteLength - 500,
    })
    expect(log.maxTimestampMs).toBe(77_000)
    expect(log.endPosition).toBe(9_000 + last.byteLength)
    expect(log.readFromTail(12, 1_000)).toBeUndefined()
  })

  it('ends where it starts when all that is stored lies before its start', () => {
    const log = emptyLog(95)
    const only = placedBatch({ records: 5 }, { baseOffset: 85 })
    log.restore({
      partitionId: log.partitionId,
      firstOffset: 85,
      lastOffset: 85,
      first: headerOf(only),
      last: headerOf(only),
    })
    expect([log.logEndOffset, log.highWatermark, log.isEmpty]).toEqual([95, 95, true])
  })

  it('takes no batch that is placed elsewhere than at its end', () => {
    const log = emptyLog()
    const wrong = [placedBatch({}, { baseOffset: 1 }), placedBatch({}, { position: 1 })]
    for (const batch of wrong) expect(() => log.replayBatch(batch)).toThrow('ends at 0')
  })

  it('finds its invariants broken when it starts beyond its end', () => {
    const log = emptyLog()
    log.replayLogStart(5)
    expect(() => log.checkInvariants()).toThrow('start, watermark, end are 5,0,0')
  })
})
