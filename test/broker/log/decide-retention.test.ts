import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decideDeleteRecords,
  decideRetention,
  isRetentionDue,
} from '../../../src/broker/log/decide-retention.js'
import { logHead, type PartitionLog } from '../../../src/broker/log/partition-log.js'
import { parseBatchHeader } from '../../../src/protocol/batch-header.js'
import type { TopicConfig } from '../../../src/protocol/requests/topics.js'
import { batchOf, offsetsOf } from '../batches.js'
import { StateContext } from '../state-context.js'

const KEEP_ALL = {
  retentionMs: null,
  retentionBytes: null,
  maxMessageBytes: 1_000_000,
  dedupWindowMs: null,
}

/** One partition with its batches at hand, as retention would read them. */
class RetentionContext {
  readonly state = new StateContext()
  readonly log: PartitionLog
  stored: ArrayBuffer[] = []

  constructor() {
    this.log = this.state.createLog('orders')
  }

  /** Appends one batch of a record each, durably. */
  append(timestamps: readonly number[], bytes = 0): this {
    for (const timestampMs of timestamps) this.appendBatch([timestampMs], bytes)
    return this
  }

  appendBatch(timestamps: readonly number[], bytes = 0): void {
    const batch = batchOf({ timestamps, bytes })
    this.state.produce([{ partitionId: this.log.partitionId, batch }])
    this.stored.push(batch)
    this.state.commit()
  }

  /** What one run of retention leaves. */
  run(config: Partial<TopicConfig>, nowMs = 0, batchesReadMax = Infinity): this {
    const rule = { config: { ...KEEP_ALL, ...config }, nowMs }
    const oldest = headsOf(this.stored.slice(0, batchesReadMax))
    const { records, response } = decideRetention(this.log, oldest, rule)
    this.state.replay(records)
    for (const record of records) {
      if (record.type !== 'batchesDeleted') continue
      this.stored = this.stored.filter(
        (batch) => parseBatchHeader(batch).baseOffset >= record.beforeOffset,
      )
    }
    if (response.stays !== undefined) this.log.setHead(response.stays)
    return this
  }

  isDue(config: Partial<TopicConfig>, nowMs?: number): boolean {
    return isRetentionDue(this.log, { config: { ...KEEP_ALL, ...config }, nowMs })
  }

  get left(): number[] {
    return offsetsOf(this.stored)
  }
}

const LIMIT_MS = { retentionMs: 100 }

describe('retention by time', () => {
  it('drops the batches whose newest message is older than the limit', () => {
    const context = new RetentionContext().append([100, 200, 300]).run(LIMIT_MS, 301)
    expect(context.left).toEqual([2])
    expect(context.log.logStartOffset).toBe(2)
  })

  it('keeps a batch that is just as old as the limit', () => {
    const context = new RetentionContext().append([100])
    expect(context.isDue(LIMIT_MS, 200)).toBe(false)
    expect(context.run(LIMIT_MS, 200).left).toEqual([0])
    expect(context.isDue(LIMIT_MS, 201)).toBe(true)
    expect(context.run(LIMIT_MS, 201).left).toEqual([])
  })

  it('goes by the newest message of a batch', () => {
    const context = new RetentionContext()
    context.appendBatch([1, 250])
    expect(context.run(LIMIT_MS, 300).left).toEqual([0])
  })

  it('stops at the first batch that stays, though a later one is old', () => {
    const context = new RetentionContext().append([100, 300, 100]).run(LIMIT_MS, 350)
    expect(context.left).toEqual([1, 2])
    expect(context.isDue(LIMIT_MS, 350)).toBe(false)
  })

  it('does not matter when nobody asks for age', () => {
    const context = new RetentionContext().append([100])
    expect(context.isDue({ ...LIMIT_MS, retentionBytes: 0 })).toBe(true)
    expect(context.isDue(LIMIT_MS)).toBe(false)
  })

  it('keeps everything without a limit', () => {
    const context = new RetentionContext().append([1, 2, 3])
    expect(context.isDue({}, 1e15)).toBe(false)
    expect(context.run({}, 1e15).left).toEqual([0, 1, 2])
  })
})

describe('retention by bytes', () => {
  it('drops the oldest batches while the partition holds more than the limit', () => {
    const context = new RetentionContext().append([1, 1, 1, 1], 50)
    const bytes = context.log.sizeBytes / 4
    expect(context.isDue({ retentionBytes: 4 * bytes })).toBe(false)
    expect(context.run({ retentionBytes: 4 * bytes }).left).toEqual([0, 1, 2, 3])
    expect(context.isDue({ retentionBytes: 4 * bytes - 1 })).toBe(true)
    expect(context.run({ retentionBytes: 2 * bytes }).left).toEqual([2, 3])
    expect(context.log.sizeBytes).toBe(2 * bytes)
  })

  it('drops everything when nothing may be held', () => {
    const context = new RetentionContext().append([1, 1]).run({ retentionBytes: 0 })
    expect(context.left).toEqual([])
    expect(context.log.describe()).toMatchObject({
      logStartOffset: 2,
      logEndOffset: 2,
      sizeBytes: 0,
    })
  })
})

describe('retention', () => {
  it('never passes the high watermark', () => {
    const context = new RetentionContext().append([1, 1])
    const undurable = batchOf({ timestamps: [1] })
    context.state.produce([{ partitionId: context.log.partitionId, batch: undurable }])
    context.stored.push(undurable)
    expect(context.run(LIMIT_MS, 1_000).left).toEqual([2])
    expect(context.log.describe()).toMatchObject({ logStartOffset: 2, highWatermark: 2 })
    expect(context.isDue(LIMIT_MS, 1_000)).toBe(false)
  })

  it('changes no offset: the next message follows the last', () => {
    const context = new RetentionContext().append([1, 1, 1]).run({ retentionBytes: 0 })
    expect(context.state.append(context.log).baseOffset).toBe(3)
  })

  it('looks further when all that it read had to go', () => {
    const context = new RetentionContext().append([1, 1, 1, 500])
    context.run(LIMIT_MS, 550, 2)
    expect(context.left).toEqual([2, 3])
    expect(context.isDue(LIMIT_MS, 550)).toBe(true)
    context.run(LIMIT_MS, 550, 2)
    expect(context.left).toEqual([3])
    expect(context.isDue(LIMIT_MS, 550)).toBe(false)
  })

  it('decides nothing when nothing has to go', () => {
    const { state, log, stored } = new RetentionContext().append([500])
    const oldest = headsOf(stored)
    const rule = { config: { ...KEEP_ALL, ...LIMIT_MS }, nowMs: 550 }
    expect(decideRetention(log, oldest, rule)).toEqual({
      records: [],
      response: { stays: oldest[0] },
    })
    expect(decideRetention(state.createLog('empty'), [], rule)).toEqual({
      records: [],
      response: { stays: undefined },
    })
  })

  it('leaves just what a scan from the head would leave', () => {
    const batches = fc.array(
      fc.record({ timestampMs: fc.nat({ max: 100 }), bytes: fc.nat({ max: 300 }) }),
      { maxLength: 12 },
    )
    const limit = fc.option(fc.nat({ max: 2_000 }))
    fc.assert(
      fc.property(batches, limit, fc.option(fc.nat({ max: 100 })), (appended, bytesMax, ageMax) => {
        const config = { retentionBytes: bytesMax, retentionMs: ageMax }
        const context = new RetentionContext()
        for (const { timestampMs, bytes } of appended) context.append([timestampMs], bytes)
        const expected = scan([...context.stored], { bytesMax, ageMax, nowMs: 110 })
        while (context.isDue(config, 110)) context.run(config, 110, 3)
        expect(context.left).toEqual(offsetsOf(expected))
        const first = expected[0]
        expect(context.log.logStartOffset).toBe(
          first === undefined ? appended.length : parseBatchHeader(first).baseOffset,
        )
        expect(context.log.sizeBytes).toBe(bytesOf(expected))
      }),
      { numRuns: 200 },
    )
  })
})

describe('deleting records', () => {
  it('makes the offset the first that can be read, also amid a batch', () => {
    const context = new RetentionContext()
    context.appendBatch([1, 1, 1, 1])
    const { records, response } = decideDeleteRecords(context.log, 2)
    context.state.replay(records)
    expect(response).toEqual({ logStartOffset: 2 })
    expect(context.log.logStartOffset).toBe(2)
    expect(context.isDue({})).toBe(false)
  })

  it('lets retention take the batches that lie before the offset', () => {
    const context = new RetentionContext().append([1, 1, 1])
    context.state.replay(decideDeleteRecords(context.log, 2).records)
    expect(context.isDue({})).toBe(true)
    expect(context.run({}).left).toEqual([2])
    expect(context.log.logStartOffset).toBe(2)
  })

  it('lets all of them go, however many reads that takes', () => {
    const context = new RetentionContext().append([1, 1, 1, 1, 1, 1])
    context.state.replay(decideDeleteRecords(context.log, 5).records)
    let runs = 0
    for (; context.isDue({}) && runs < 10; runs++) context.run({}, 0, 2)
    expect(context.left).toEqual([5])
    expect(runs).toBe(3)
  })

  it('takes the batches along when it deletes all of them', () => {
    const context = new RetentionContext().append([1, 1, 1])
    const { partitionId } = context.log
    const { records } = decideDeleteRecords(context.log, 3)
    expect(records).toMatchObject([
      { type: 'batchesDeleted', partitionId, beforeOffset: 3 },
      { type: 'partition', partitionId, value: { logStartOffset: 3 } },
    ])
    context.state.replay(records)
    expect(context.isDue({})).toBe(false)
  })

  it('takes those that are durable, with others on their way to the disk', () => {
    const context = new RetentionContext().append([1, 1])
    context.state.append(context.log)
    const { records } = decideDeleteRecords(context.log, 2)
    expect(records[0]).toMatchObject({ type: 'batchesDeleted', beforeOffset: 2 })
    context.state.replay(records)
    expect(context.log.logEndOffset).toBe(3)
    expect(context.log.logStartOffset).toBe(2)
  })

  it('lets the old batches go though others were appended before retention came by', () => {
    const context = new RetentionContext().append([1, 1, 1])
    context.state.replay(decideDeleteRecords(context.log, 2).records)
    context.append([1])
    expect(context.isDue({})).toBe(true)
    expect(context.run({}).left).toEqual([2, 3])
    expect(context.isDue({})).toBe(false)
  })

  it('changes nothing when the log starts there already', () => {
    const context = new RetentionContext().append([1, 1])
    context.state.replay(decideDeleteRecords(context.log, 1).records)
    for (const offset of [0, 1]) {
      expect(decideDeleteRecords(context.log, offset)).toEqual({
        records: [],
        response: { logStartOffset: 1 },
      })
    }
  })

  it('never passes the high watermark', () => {
    const context = new RetentionContext().append([1])
    context.state.append(context.log)
    expect(decideDeleteRecords(context.log, 1).response).toEqual({ logStartOffset: 1 })
    expect(() => decideDeleteRecords(context.log, 2)).toThrow('the partition is durable up to 1')
  })
})

function headsOf(batches: readonly ArrayBuffer[]) {
  return batches.map((batch) => logHead(parseBatchHeader(batch)))
}

function bytesOf(batches: readonly ArrayBuffer[]): number {
  return batches.reduce((sum, batch) => sum + batch.byteLength, 0)
}

function scan(
  batches: ArrayBuffer[],
  rule: { bytesMax: number | null; ageMax: number | null; nowMs: number },
): ArrayBuffer[] {
  for (let first = batches[0]; first !== undefined; first = batches[0]) {
    const tooMuch = rule.bytesMax !== null && bytesOf(batches) > rule.bytesMax
    const ageMs = rule.nowMs - parseBatchHeader(first).maxTimestampMs
    const tooOld = rule.ageMax !== null && ageMs > rule.ageMax
    if (!tooMuch && !tooOld) break
    batches.shift()
  }
  return batches
}
