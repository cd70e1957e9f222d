import { describe, expect, it, vi } from 'vitest'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { PartitionId, TopicName } from '../../../src/protocol/names.js'
import type { TopicConfig } from '../../../src/protocol/requests/topics.js'
import { batchOf, offsetsOf } from '../batches.js'
import { BrokerContext } from '../broker-context.js'
import { allDone } from '../fake-time.js'

const MINUTE_MS = 60_000
const BATCH_BYTES = batchOf({ bytes: 100 }).byteLength

async function started(
  config: Partial<TopicConfig> = {},
): Promise<{ context: BrokerContext; id: PartitionId }> {
  const context = await BrokerContext.start()
  const [id = 0 as PartitionId] = await context.createTopic('orders', 1, config)
  return { context, id }
}

/** One batch of one record, of now. */
const append = (context: BrokerContext, id: PartitionId, bytes = 100) =>
  context.append(id, { bytes, timestamps: [context.time.nowMs()] })

/** The batches on the disk. */
const stored = ({ database }: BrokerContext, id: PartitionId) =>
  offsetsOf((database.batches.get(id) ?? []).map(({ batch }) => batch))

const describeLog = ({ broker }: BrokerContext, id: PartitionId) =>
  broker.state.logs.findOrThrow(id).describe()

/** How many batches the storage handed over meanwhile. */
async function rowsRead({ storage }: BrokerContext, run: () => Promise<void>): Promise<number> {
  const read = vi.spyOn(storage, 'readBatches')
  await run()
  const found = await Promise.all(read.mock.results.map(({ value }) => value as Promise<unknown[]>))
  read.mockRestore()
  return found.reduce((sum, batches) => sum + batches.length, 0)
}

const deleteBefore = (context: BrokerContext, partitionId: PartitionId, beforeOffset: number) =>
  context.tab.call({ api: 'deleteRecords', partitions: [{ partitionId, beforeOffset }] })

describe('retention at work', () => {
  it('drops old batches at its next check, and nothing before', async () => {
    const { context, id } = await started({ retentionMs: 90_000 })
    await append(context, id)
    await context.time.advance(MINUTE_MS)
    await append(context, id)
    await context.time.advance(MINUTE_MS - 1)
    expect(stored(context, id)).toEqual([0, 1])
    await context.time.advance(1)
    expect(stored(context, id)).toEqual([1])
    expect(describeLog(context, id)).toMatchObject({ logStartOffset: 1, sizeBytes: BATCH_BYTES })
    await context.time.advance(MINUTE_MS)
    expect(stored(context, id)).toEqual([])
    expect((await append(context, id)).baseOffset).toBe(2)
  })

  it('drops batches beyond the limit of bytes as soon as they are durable', async () => {
    const { context, id } = await started({ retentionBytes: 2 * BATCH_BYTES })
    for (let batch = 0; batch < 5; batch++) {
      await append(context, id)
      await allDone()
    }
    expect(stored(context, id)).toEqual([3, 4])
    expect(describeLog(context, id)).toMatchObject({
      logStartOffset: 3,
      logEndOffset: 5,
      sizeBytes: 2 * BATCH_BYTES,
    })
  })

  it('reads about as much as it drops, however long the log is', async () => {
    const { context, id } = await started({ retentionBytes: 100 * BATCH_BYTES })
    for (let batch = 0; batch < 100; batch++) await append(context, id)
    const rows = await rowsRead(context, async () => {
      for (let batch = 0; batch < 50; batch++) {
        await append(context, id)
        await allDone()
      }
    })
    expect(stored(context, id)).toHaveLength(100)
    expect(rows).toBeLessThanOrEqual(50)
  })

  it('reads little more than it drops when much is to go at once', async () => {
    const { context, id } = await started({ retentionMs: 90_000 })
    for (let batch = 0; batch < 100; batch++) await append(context, id)
    await context.time.advance(MINUTE_MS)
    for (let batch = 0; batch < 400; batch++) await append(context, id)
    const before = context.storage.reads.length
    const rows = await rowsRead(context, () => context.time.advance(MINUTE_MS))
    expect(stored(context, id)).toHaveLength(400)
    expect(rows).toBeLessThan(200)
    expect(context.storage.reads.length - before).toBeLessThan(10)
  })

  it('looks for what is too old at its checks, not at each append', async () => {
    const { context, id } = await started({ retentionMs: 1_000 })
    await append(context, id)
    await context.time.advance(30_000)
    await append(context, id)
    await allDone()
    expect([stored(context, id), context.storage.reads]).toEqual([[0, 1], []])
  })

  it('goes on when the state is loaded again amid a read', async () => {
    const { context, id } = await started({ retentionMs: 90_000 })
    for (let batch = 0; batch < 3; batch++) await append(context, id)
    await context.time.advance(MINUTE_MS)
    await append(context, id)
    context.storage.holdReads()
    await context.time.advance(MINUTE_MS)
    context.storage.failCommits(new TabmqError('STORAGE_ERROR', 'a hiccup'))
    await append(context, id).catch(() => {})
    context.storage.releaseReads()
    await allDone()
    expect(stored(context, id)).toEqual([3])
    expect(describeLog(context, id)).toMatchObject({ logStartOffset: 3, sizeBytes: BATCH_BYTES })
    context.broker.checkInvariants()
  })

  it('follows a config that changes', async () => {
    const { context, id } = await started()
    for (let batch = 0; batch < 5; batch++) await append(context, id)
    const topic = 'orders' as TopicName
    const config = { retentionBytes: BATCH_BYTES }
    await context.tab.call({ api: 'alterConfigs', topic, config })
    await allDone()
    expect(stored(context, id)).toEqual([4])
  })

  it('begins when the broker does', async () => {
    const { context, id } = await started({ retentionMs: 1_000 })
    await append(context, id)
    await context.broker.close()
    context.time.pass(2_000)
    const { database, time } = context
    const next = await BrokerContext.start({ database, time })
    await allDone()
    expect(stored(next, id)).toEqual([])
    expect(describeLog(next, id)).toMatchObject({ logStartOffset: 1, logEndOffset: 1 })
  })

  it('takes what an administrator deleted off the disk, however much it is', async () => {
    const { context, id } = await started({ maxMessageBytes: 4_000_000 })
    for (let batch = 0; batch < 7; batch++) await append(context, id, 1_500_000)
    await deleteBefore(context, id, 7)
    await allDone()
    expect(stored(context, id)).toEqual([])
    expect(describeLog(context, id)).toMatchObject({ logStartOffset: 7, sizeBytes: 0 })
  })

  it('leaves the batch that contains the first offset left', async () => {
    const { context, id } = await started()
    for (let batch = 0; batch < 3; batch++) await context.append(id, { records: 10 })
    await deleteBefore(context, id, 15)
    await allDone()
    expect(stored(context, id)).toEqual([10, 20])
    const restarted = await context.restart()
    await allDone()
    expect(stored(restarted, id)).toEqual([10, 20])
    expect(describeLog(restarted, id)).toMatchObject({ logStartOffset: 15, logEndOffset: 30 })
  })

  it('drops nothing that is not durable', async () => {
    const { context, id } = await started({ retentionBytes: 0 })
    context.storage.hold()
    const first = append(context, id)
    const second = append(context, id)
    await allDone()
    context.broker.retention.request()
    context.storage.releaseOne()
    await first
    await allDone()
    expect(describeLog(context, id)).toMatchObject({ logStartOffset: 1, highWatermark: 1 })
    context.storage.release()
    await second
    await allDone()
    expect(describeLog(context, id)).toMatchObject({ logStartOffset: 2, highWatermark: 2 })
    expect(stored(context, id)).toEqual([])
  })

  it('tries again at the next check when the storage failed', async () => {
    const { context, id } = await started({ retentionMs: 1_000 })
    await append(context, id)
    await context.time.advance(30_000)
    context.storage.failCommits(new TabmqError('STORAGE_ERROR', 'a hiccup'))
    await context.time.advance(30_000)
    expect(stored(context, id)).toEqual([0])
    await context.time.advance(MINUTE_MS)
    expect(stored(context, id)).toEqual([])
    expect(context.ended.count).toBe(0)
  })

  it('is done with a topic that is deleted meanwhile', async () => {
    const { context, id } = await started({ retentionBytes: 0 })
    context.storage.holdReads()
    await append(context, id)
    await context.deleteTopic('orders')
    context.storage.releaseReads()
    await allDone()
    expect(context.logged).toEqual([])
    expect(stored(context, id)).toEqual([])
  })

  it('looks after every partition', async () => {
    const context = await BrokerContext.start()
    const ids = await context.createTopic('orders', 5, { retentionMs: 1_000 })
    for (const id of ids) await append(context, id)
    await context.time.advance(MINUTE_MS)
    expect(ids.map((id) => stored(context, id))).toEqual(ids.map(() => []))
  })
})
