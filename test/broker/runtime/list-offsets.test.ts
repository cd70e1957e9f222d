import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import type { OffsetSpec } from '../../../src/protocol/requests/log.js'
import { BrokerContext, succeeded } from '../broker-context.js'
import { allDone } from '../fake-time.js'

async function started(): Promise<{ context: BrokerContext; id: PartitionId }> {
  const context = await BrokerContext.start({ limits: { transactionBytesMax: 1 } })
  const [id = 0 as PartitionId] = await context.createTopic('orders', 1, { retentionMs: null })
  return { context, id }
}

async function listOffset(context: BrokerContext, partitionId: PartitionId, at: OffsetSpec) {
  const partitions = [{ partitionId, at }]
  const { results } = await context.tab.call({ api: 'listOffsets', partitions })
  return succeeded(results[0])
}

const offsetAt = async (context: BrokerContext, id: PartitionId, timestampMs: number) => {
  const { offset } = await listOffset(context, id, { timestampMs })
  return offset
}

const deleteBefore = (context: BrokerContext, partitionId: PartitionId, beforeOffset: number) =>
  context.tab.call({ api: 'deleteRecords', partitions: [{ partitionId, beforeOffset }] })

describe('listing offsets', () => {
  it('tells where a partition starts and ends', async () => {
    const { context, id } = await started()
    await context.append(id, { records: 5 })
    await deleteBefore(context, id, 2)
    expect(await listOffset(context, id, 'earliest')).toMatchObject({ offset: 2 })
    expect(await listOffset(context, id, 'latest')).toMatchObject({ offset: 5 })
  })

  it('ends at what is durable', async () => {
    const { context, id } = await started()
    await context.append(id, { timestamps: [10] })
    context.storage.hold()
    void context.append(id, { timestamps: [20] })
    await allDone()
    expect(await listOffset(context, id, 'latest')).toMatchObject({ offset: 1 })
    expect(await offsetAt(context, id, 15)).toBeUndefined()
    context.storage.release()
    await allDone()
    expect(await offsetAt(context, id, 15)).toBe(1)
  })

  it('begins at what is durable: who skips what stays would lose it', async () => {
    const { context, id } = await started()
    await context.append(id, { records: 3 })
    context.storage.hold()
    const deleted = deleteBefore(context, id, 2)
    await allDone()
    let told: unknown
    const listed = listOffset(context, id, 'earliest').then((one) => (told = one))
    const outcomes = Promise.allSettled([deleted, listed])
    await allDone()
    expect(told).toBeUndefined()
    context.storage.failCommits(new TabmqError('STORAGE_ERROR', 'a test'))
    context.storage.release()
    expect(await outcomes).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
    expect(await listOffset(context, id, 'earliest')).toMatchObject({ offset: 0 })
  })

  it('by time tells the earliest offset that is as late, with its own time', async () => {
    const { context, id } = await started()
    await context.append(id, { timestamps: [100, 200] })
    await context.append(id, { timestamps: [300] })
    for (const [timestampMs, offset, found] of [
      [-5, 0, 100],
      [100, 0, 100],
      [101, 1, 200],
      [250, 2, 300],
      [300, 2, 300],
    ] as const) {
      expect(await listOffset(context, id, { timestampMs })).toEqual({
        partitionId: id,
        offset,
        timestampMs: found,
      })
    }
  })

  it('by time tells nothing when no message is as late, or there is none', async () => {
    const { context, id } = await started()
    expect(await offsetAt(context, id, 0)).toBeUndefined()
    await context.append(id, { timestamps: [100] })
    expect(await offsetAt(context, id, 101)).toBeUndefined()
  })

  it('by time finds times before 1970', async () => {
    const { context, id } = await started()
    for (const time of [-300, -200, -100]) await context.append(id, { timestamps: [time] })
    expect(await offsetAt(context, id, -400)).toBe(0)
    expect(await offsetAt(context, id, -200)).toBe(1)
    expect(await offsetAt(context, id, -150)).toBe(2)
    expect(await offsetAt(context, id, 0)).toBeUndefined()
  })

  it('fails for one partition alone', async () => {
    const { context, id } = await started()
    const at = { timestampMs: 5 }
    const partitions = [
      { partitionId: 99 as PartitionId, at },
      { partitionId: id, at: 'latest' as const },
    ]
    const { results } = await context.tab.call({ api: 'listOffsets', partitions })
    expect(results[0]?.error?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(results[1]).toMatchObject({ offset: 0 })
  })

  it.each([1, 2])('by time hears that the topic was deleted amid its read %i', async (read) => {
    const { context, id } = await started()
    await context.append(id, { timestamps: [100] })
    context.storage.holdReads()
    const listed = offsetAt(context, id, 50)
    await allDone()
    for (let done = 1; done < read; done++) {
      context.storage.releaseReads()
      context.storage.holdReads()
      await allDone()
    }
    await context.deleteTopic('orders')
    context.storage.releaseReads()
    await expect(listed).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    expect(context.storage.reads.filter(({ maxBatches }) => maxBatches === 1)).toHaveLength(read)
  })

  it('by time is asked again elsewhere when the broker closes amid its read', async () => {
    const { context, id } = await started()
    await context.append(id, { timestamps: [100] })
    context.storage.holdReads()
    const listed = listOffset(context, id, { timestampMs: 50 })
    await allDone()
    await context.broker.close()
    context.storage.releaseReads()
    await expect(listed).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  })

  it('by time tells no offset that was deleted while it read', async () => {
    const { context, id } = await started()
    await context.append(id, { timestamps: [100, 200, 300, 150] })
    context.storage.holdReads()
    const listed = offsetAt(context, id, 120)
    await allDone()
    await deleteBefore(context, id, 3)
    context.storage.releaseReads()
    expect(await listed).toBe(3)
  })

  it('by time reads few batches where times rise', async () => {
    const { context, id } = await started()
    for (let time = 0; time < 200; time++) await context.append(id, { timestamps: [time] })
    const before = context.storage.reads.length
    expect(await offsetAt(context, id, 137)).toBe(137)
    expect(context.storage.reads.length - before).toBeLessThan(12)
  })

  it('by time ends, though retention takes what it looks through', async () => {
    const { context, id } = await started()
    for (let time = 0; time < 100; time++) await context.append(id, { timestamps: [time] })
    const { storage } = context
    const read = storage.readBatches.bind(storage)
    vi.spyOn(storage, 'readBatches').mockImplementation(async (range) => {
      if (storage.reads.length > 100) throw new Error('it reads for ever')
      return read(range)
    })
    storage.holdReads()
    const listed = offsetAt(context, id, 50)
    await allDone()
    const deleted = { type: 'batchesDeleted', partitionId: id, beforeOffset: 80 } as const
    await context.broker.apply({ records: [deleted], response: {} })
    storage.releaseReads()
    expect(await listed).toBe(80)
  })

  it('by time reads many batches at a time where it has to go through them', async () => {
    const { context, id } = await started()
    await context.append(id, { timestamps: [1_000_000] })
    await deleteBefore(context, id, 1)
    for (let time = 0; time < 1_000; time++) await context.append(id, { timestamps: [time] })
    const before = context.storage.reads.length
    expect(await offsetAt(context, id, 990)).toBe(991)
    expect(context.storage.reads.length - before).toBeLessThan(25)
  })

  it('by time reads few partitions at once', async () => {
    const context = await BrokerContext.start()
    const ids = await context.createTopic('orders', 100)
    for (const id of ids) await context.append(id)
    context.storage.holdReads()
    const partitions = ids.map((partitionId) => ({ partitionId, at: { timestampMs: 1 } }))
    const listed = context.tab.call({ api: 'listOffsets', partitions })
    await allDone()
    expect(context.storage.reads).toHaveLength(16)
    context.storage.releaseReads()
    expect((await listed).results.map(({ partitionId }) => partitionId)).toEqual(ids)
  })

  it(
    'by time tells what a scan of all messages would, whatever their times',
    { timeout: 60_000 },
    async () => {
      const time = fc.integer({ min: -20, max: 60 })
      const batches = fc.array(fc.array(time, { minLength: 1, maxLength: 4 }), { maxLength: 15 })
      const plan = fc.record({
        batches,
        deleteBefore: fc.nat({ max: 30 }),
        more: batches,
        restarts: fc.boolean(),
        targets: fc.array(fc.integer({ min: -25, max: 65 }), { minLength: 4, maxLength: 8 }),
      })
      await fc.assert(
        fc.asyncProperty(plan, async ({ batches: first, more, targets, ...rest }) => {
          const { context, id } = await started()
          for (const timestamps of first) await context.append(id, { timestamps })
          const appended = first.flat().length
          const logStartOffset = Math.min(rest.deleteBefore, appended)
          await deleteBefore(context, id, logStartOffset)
          await allDone()
          for (const timestamps of more) await context.append(id, { timestamps })
          const last = rest.restarts ? await context.restart() : context
          const times = [...first.flat(), ...more.flat()]
          for (const target of targets) {
            const found = times.findIndex((each, at) => at >= logStartOffset && each >= target)
            expect(await offsetAt(last, id, target)).toBe(found < 0 ? undefined : found)
          }
          await last.broker.close()
        }),
        { numRuns: 120 },
      )
    },
  )
})
