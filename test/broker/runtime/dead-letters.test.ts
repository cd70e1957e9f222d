/** What waits for dead letters, on a disk that is full while they are written. */
import { describe, expect, it } from 'vitest'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { GroupId, MemberId, PartitionId, TopicName } from '../../../src/protocol/names.js'
import type { AcknowledgementType } from '../../../src/protocol/requests/share-groups.js'
import { BrokerContext } from '../broker-context.js'
import { allDone } from '../fake-time.js'
import { watch } from '../outcome.js'
import { jobBatch } from '../share/job-batch.js'

const FULL = new TabmqError('STORAGE_FULL', 'the disk is full')
const groupId = 'jobs' as GroupId
const memberId = 'm' as MemberId
const OPTIONS = {
  lockDurationMs: 30_000,
  deliveryCountLimit: 2,
  deadLetterTopic: 'dead' as TopicName,
  isOrderedByKey: false,
  autoOffsetReset: 'earliest' as const,
}

async function delivered({ isOrderedByKey = false } = {}) {
  const context = await BrokerContext.start()
  const { tab } = context
  const [id = 0 as PartitionId] = await context.createTopic('orders')
  await context.createTopic('dead')
  const batch = jobBatch([{ key: 'a' }, { key: 'a' }, { key: 'b' }])
  await tab.call({ api: 'produce', acks: 1, batches: [{ partitionId: id, batch }] })
  const who = { groupId, memberId }
  const subscription = { topics: ['orders' as TopicName], patterns: [] }
  const options = { ...OPTIONS, isOrderedByKey }
  await tab.call({ api: 'joinShareGroup', ...who, subscription, options, weight: 1 })
  const fetch = async (maxRecords: number, maxWaitMs = 0) => {
    const { partitions } = await tab.call({
      api: 'shareFetch',
      ...who,
      maxRecords,
      maxBytes: 10_000,
      maxWaitMs,
    })
    return partitions.flatMap(({ acquired }) =>
      acquired.flatMap(({ firstOffset, lastOffset }) =>
        Array.from({ length: lastOffset - firstOffset + 1 }, (_, index) => firstOffset + index),
      ),
    )
  }
  const say = (...said: readonly (readonly [AcknowledgementType, number])[]) => {
    const acknowledgements = said.map(([type, offset]) => {
      const range = { firstOffset: offset, lastOffset: offset }
      return { partitionId: id, ...range, deliveryCount: 1, type }
    })
    return tab.call({ api: 'shareAcknowledge', ...who, acknowledgements })
  }
  return { context, id, fetch, say }
}

describe('the next message of a key', () => {
  it('waits, and those of other keys do not', async () => {
    const { context, fetch, say } = await delivered({ isOrderedByKey: true })
    expect(await fetch(1)).toEqual([0])
    context.storage.hold()
    const said = watch(say(['reject', 0]))
    await allDone()
    const next = watch(fetch(3, 60_000))
    await allDone()
    context.storage.release()
    await allDone()
    expect([said.outcome, next.value]).toEqual(['ok', [2]])
    expect(await fetch(3)).toEqual([1])
  })

  it('waits until the one before is among the dead letters, as long as it takes', async () => {
    const { context, fetch, say } = await delivered({ isOrderedByKey: true })
    expect(await fetch(3)).toEqual([0, 2])
    await say(['accept', 2])
    context.storage.hold()
    const said = watch(say(['reject', 0]))
    await allDone()
    const next = watch(fetch(3, 60_000))
    await allDone()
    context.storage.failCommits(FULL)
    context.storage.release()
    await allDone()
    expect(said.value?.results).toMatchObject([{ error: { code: 'STORAGE_FULL' } }])
    expect(next.outcome).toBeUndefined()
    await context.time.advance(30_000)
    await allDone()
    expect(next.value).toEqual([1])
  })
})
