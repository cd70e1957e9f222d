import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TabmqError } from '../../../src/protocol/errors.js'
import type { GroupId, PartitionId, TopicName } from '../../../src/protocol/names.js'
import { keysOf } from '../batches.js'
import { BrokerContext } from '../broker-context.js'
import { allDone } from '../fake-time.js'

const TOPICS = ['orders', 'refunds'] as const
const GROUPS = ['billing', 'mail'] as const

const topic = fc.constantFrom(...TOPICS)
const groupId = fc.constantFrom(...GROUPS)
const small = fc.nat({ max: 5 })

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('create' as const), topic, count: small }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), topic }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('grow' as const), topic, count: small }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('configure' as const),
      topic,
      retentionBytes: fc.option(fc.nat({ max: 800 })),
      retentionMs: fc.option(fc.integer({ min: 1, max: 200_000 })),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      topic,
      partition: small,
      records: fc.integer({ min: 1, max: 4 }),
      /** Which of two producers, or none; and whether it says the same again. */
      producer: fc.option(fc.constantFrom(1, 2)),
      repeats: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('trim' as const), topic, partition: small, to: small }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('commit' as const), groupId, topic, partition: small }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      groupId,
      topic,
      instance: fc.option(fc.constantFrom('left', 'right')),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), groupId }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(100_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Does things to a broker; what is refused is as good as what is done. */
class Operations {
  context: BrokerContext
  readonly partitionIdsSeen = new Set<PartitionId>()
  readonly #sequences = new Map<string, number>()
  #nextKey = 1

  constructor(context: BrokerContext) {
    this.context = context
  }

  async take(taken: Step): Promise<void> {
    try {
      await this.#do(taken)
    } catch (error) {
      if (!(error instanceof TabmqError)) throw error
      expect(error.code).not.toBe('UNKNOWN_SERVER_ERROR')
    }
    await allDone()
    this.context.broker.checkInvariants()
  }

  async #do(taken: Step): Promise<unknown> {
    const { context } = this
    const { tab } = context
    switch (taken.do) {
      case 'create': {
        const ids = await context.createTopic(taken.topic, taken.count)
        for (const id of ids) expect(this.partitionIdsSeen.has(id)).toBe(false)
        for (const id of ids) this.partitionIdsSeen.add(id)
        return undefined
      }
      case 'delete':
        return context.deleteTopic(taken.topic)
      case 'grow': {
        const request = { topic: taken.topic as TopicName, count: taken.count }
        await tab.call({ api: 'createPartitions', ...request })
        for (const id of await context.partitionIds(taken.topic)) this.partitionIdsSeen.add(id)
        return undefined
      }
      case 'configure': {
        const { retentionBytes, retentionMs } = taken
        const config = { retentionBytes, retentionMs }
        return tab.call({ api: 'alterConfigs', topic: taken.topic as TopicName, config })
      }
      case 'append':
        return this.#append(taken)
      case 'trim': {
        const partitionId = await this.#partition(taken.topic, taken.partition)
        const partitions = [{ partitionId, beforeOffset: taken.to }]
        return tab.call({ api: 'deleteRecords', partitions })
      }
      case 'commit': {
        const partitionId = await this.#partition(taken.topic, taken.partition)
        const offset = context.watermark(partitionId) ?? 0
        const offsets = [{ partitionId, offset, metadata: `at ${context.time.nowMs()}` }]
        return tab.call({ api: 'commitOffsets', groupId: taken.groupId as GroupId, offsets })
      }
      case 'join': {
        const memberId = `member-${this.#nextKey++}`
        const joining = { groupId: taken.groupId, memberId, instance: taken.instance ?? undefined }
        return context.openTab().heartbeat(joining, { topics: [taken.topic] })
      }
      case 'forget':
        return tab.call({ api: 'deleteGroups', groupIds: [taken.groupId as GroupId] })
      case 'fail':
        context.storage.failCommits(new TabmqError('STORAGE_FULL', 'full'))
        return undefined
      case 'pass':
        return context.time.advance(taken.ms)
      case 'restart':
        this.context = await context.restart()
        return undefined
    }
  }

  async #append(taken: Extract<Step, { do: 'append' }>): Promise<void> {
    const { context } = this
    const partitionId = await this.#partition(taken.topic, taken.partition)
    const { records } = taken
    const key = `${this.#nextKey++}`
    const timestamps = Array.from({ length: records }, () => context.time.nowMs())
    if (taken.producer === null) {
      await context.append(partitionId, { timestamps, key })
      return
    }
    const of = `${taken.producer} on ${partitionId}`
    const sequence = this.#sequences.get(of) ?? 0
    const batch = { timestamps, key, producer: { id: taken.producer, sequence } }
    const { baseOffset } = await context.append(partitionId, batch)
    this.#sequences.set(of, sequence + records)
    if (!taken.repeats) return
    expect(await context.append(partitionId, batch)).toMatchObject({ baseOffset, duplicate: true })
  }

  async #partition(of: string, index: number): Promise<PartitionId> {
    const ids = await this.context.partitionIds(of)
    return ids[index % ids.length] as PartitionId
  }
}

/** All that is meant to outlive a broker. */
async function snapshot(context: BrokerContext) {
  const { tab, broker } = context
  const { topics } = await tab.call({ api: 'metadata', topics: 'all' })
  const partitions = []
  for (const partitionId of topics.flatMap((each) => each.partitionIds)) {
    const log = broker.state.logs.findOrThrow(partitionId)
    const read = await tab.read(partitionId, log.logStartOffset)
    const producers = Object.fromEntries(log.producers())
    partitions.push({ ...log.describe(), keys: keysOf(read?.batches ?? []), producers })
  }
  const { groups } = await tab.call({ api: 'listGroups' })
  const described = []
  for (const { groupId: id } of groups) {
    const [group] = broker.state.groups.describe([id])
    const { offsets } = await tab.call({ api: 'fetchOffsets', groupId: id, partitions: 'all' })
    // Members are soft state, but for the static ones. (What these hold may be on its way.)
    const statics = group?.members
      .filter(({ groupInstanceId }) => groupInstanceId !== undefined)
      .map(({ groupInstanceId, memberId }) => ({ groupInstanceId, memberId }))
    described.push({ id, epoch: group?.groupEpoch, assignor: group?.assignor, offsets, statics })
  }
  return { topics, nextPartitionId: broker.state.topics.nextPartitionId, partitions, described }
}

describe('a restart', () => {
  it('changes nothing that is meant to last', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps) => {
        const operations = new Operations(
          await BrokerContext.start({ limits: { tailBytes: 2_000 } }),
        )
        for (const taken of steps) await operations.take(taken)
        const { context } = operations
        context.storage.heal()
        // A broker that starts looks for what is to go; this one does it now and then.
        context.broker.retention.request()
        await allDone()
        const before = await snapshot(context)
        const restarted = await context.restart()
        await allDone()
        restarted.broker.checkInvariants()
        expect(await snapshot(restarted)).toEqual(before)
        await restarted.broker.close()
      }),
      { numRuns: 60 },
    )
  })

  it('lets the first broker’s tabs know: nobody is connected', async () => {
    const context = await BrokerContext.start()
    const { tab } = context
    const restarted = await context.restart()
    expect(restarted.broker.incarnation).not.toBe(context.broker.incarnation)
    expect(restarted.broker.state.brokerEpoch).toBe(context.broker.state.brokerEpoch + 1)
    await expect(tab.call({ api: 'listGroups' })).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
    })
  })

  it('finds a topic with idempotent batches deleted as if it had never been', async () => {
    const context = await BrokerContext.start()
    const [id = 0 as PartitionId] = await context.createTopic('orders')
    await context.append(id, { producer: { id: 1, sequence: 0 } })
    await context.deleteTopic('orders')
    const restarted = await context.restart()
    expect(restarted.database.batches.size).toBe(0)
    expect(restarted.database.producers.size).toBe(0)
    expect(await restarted.createTopic('orders')).toEqual([id + 1])
  })
})
