/**
 * What administrators do while everybody works: they change topics under their readers, move the
 * offsets of a group that nobody is in, and ask about everything.
 */
import type { Admin } from '../../../src/client/admin/admin.js'
import type { Process } from '../scheduler.js'
import { between } from '../streams.js'
import type { Tab } from '../tab.js'
import type { FaultParts, FaultSource } from './fault-source.js'

const PARTITIONS_MAX = 8
/** After healing has begun, until nothing that was asked for before can still be done. */
const MAKING_TOPICS_MS = [0, 1_000, 5_000, 20_000, 40_000]

export class AdminFaults implements FaultSource {
  readonly acts: FaultSource['acts']
  readonly #parts: FaultParts
  readonly #healer: Process

  constructor(parts: FaultParts) {
    this.#parts = parts
    this.#healer = parts.world.scheduler.process('healer')
    this.acts = {
      addPartitions: () => this.#inTab((tab) => this.#addPartitions(tab)),
      deleteRecords: () => this.#inTab((tab) => this.#deleteRecords(tab)),
      remakeTopic: () => this.#inTab((tab) => this.#remakeTopic(tab)),
      moveOffsets: () => this.#inTab((tab) => this.#moveOffsets(tab)),
      askAround: () => this.#inTab((tab) => this.#askAround(tab)),
    }
  }

  /** Whoever deleted a topic may have died before making it again. */
  heal(): void {
    const { world } = this.#parts
    for (const afterMs of MAKING_TOPICS_MS) {
      this.#healer.schedule(afterMs, 'makes topics', () => {
        const tab = world.isAtRest ? undefined : world.awakeTabs()[0]
        tab?.process.schedule(0, 'makes topics', () => void tab.makeTopics())
      })
    }
  }

  #inTab(act: (tab: Tab) => boolean): boolean {
    const { world, prng } = this.#parts
    const awake = world.awakeTabs()
    return awake.length > 0 && act(prng.pick(awake))
  }

  #call(tab: Tab, name: string, ask: (admin: Admin) => Promise<unknown>): true {
    tab.process.schedule(0, name, () => void tab.call(name, () => ask(tab.mq.admin())))
    return true
  }

  #pickTopic(): string {
    return this.#parts.prng.pick(this.#parts.world.options.topics).topic
  }

  /** What of a topic is readable now, by partition. */
  #ends(topic: string): readonly { readonly low: number; readonly high: number }[] {
    const state = this.#parts.world.browser.broker?.state
    const { partitionIds = [] } = state?.topics.find(topic as never) ?? {}
    return partitionIds.map((id) => {
      const log = state?.logs.find(id)
      return { low: log?.logStartOffset ?? 0, high: log?.highWatermark ?? 0 }
    })
  }

  #addPartitions(tab: Tab): boolean {
    const topic = this.#pickTopic()
    const had = this.#ends(topic).length
    if (had === 0 || had >= PARTITIONS_MAX) return false
    const topicPartitions = [{ topic, count: had + between(this.#parts.prng, 1, 2) }]
    return this.#call(tab, 'createPartitions', (admin) =>
      admin.createPartitions({ topicPartitions }),
    )
  }

  #deleteRecords(tab: Tab): boolean {
    const { prng } = this.#parts
    const topic = this.#pickTopic()
    const partitions = this.#ends(topic).flatMap(({ low, high }, partition) =>
      high > low && prng.chance(0.7) ? [{ partition, offset: between(prng, low, high) }] : [],
    )
    if (partitions.length === 0) return false
    return this.#call(tab, 'deleteTopicRecords', (admin) =>
      admin.deleteTopicRecords({ topic, partitions }),
    )
  }

  /** Deleted, and after a while there is one of the same name, which begins at 0. */
  #remakeTopic(tab: Tab): boolean {
    const topic = this.#pickTopic()
    const pauseMs = between(this.#parts.prng, 0, 1_000)
    tab.process.schedule(0, 'deletes a topic', () => {
      void (async () => {
        await tab.call('deleteTopics', () => tab.mq.admin().deleteTopics({ topics: [topic] }))
        await tab.process.sleep(pauseMs)
        await tab.makeTopics()
      })()
    })
    return true
  }

  /** Only of a group without members, or it is refused. */
  #moveOffsets(tab: Tab): boolean {
    const { world, prng } = this.#parts
    const { groupId } = prng.pick(world.options.groups)
    const groups = world.browser.broker?.state.groups.describeAll() ?? []
    const members = groups.find((one) => one.groupId === groupId)?.members.length ?? 0
    const topic = this.#pickTopic()
    const ends = this.#ends(topic)
    if (members > 0 || ends.length === 0) return false
    const partitions = ends.map(({ low, high }, partition) => ({
      partition,
      offset: between(prng, low, high),
    }))
    for (const { partition, offset } of partitions) {
      const place = { topic, partition }
      world.history.tell({ type: 'sought', groupId, consumer: undefined, place, offset })
    }
    return this.#call(tab, 'setOffsets', (admin) =>
      admin.setOffsets({ groupId, topic, partitions }),
    )
  }

  #askAround(tab: Tab): boolean {
    const { world, prng } = this.#parts
    const topic = this.#pickTopic()
    const { groupId } = prng.pick(world.options.groups)
    const timestamp = world.clock.nowMs() - prng.below(10_000)
    const questions: readonly (readonly [string, (admin: Admin) => Promise<unknown>])[] = [
      ['listTopics', (admin) => admin.listTopics()],
      ['fetchTopicMetadata', (admin) => admin.fetchTopicMetadata({ topics: [topic] })],
      ['fetchTopicOffsets', (admin) => admin.fetchTopicOffsets(topic)],
      [
        'fetchTopicOffsetsByTimestamp',
        (admin) => admin.fetchTopicOffsetsByTimestamp(topic, timestamp),
      ],
      ['fetchOffsets', (admin) => admin.fetchOffsets({ groupId, topics: [topic] })],
      ['listGroups', (admin) => admin.listGroups()],
      ['describeGroups', (admin) => admin.describeGroups([groupId])],
      ['describeCluster', (admin) => admin.describeCluster()],
      ['watch', (admin) => lookTwice(admin)],
    ]
    return this.#call(tab, ...prng.pick(questions))
  }
}

async function lookTwice(admin: Admin): Promise<void> {
  let looks = 0
  for await (const _ of admin.watch({ intervalMs: 50 })) {
    looks += 1
    if (looks === 2) return
  }
}
