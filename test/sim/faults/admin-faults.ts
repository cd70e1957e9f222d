/** What an administrator does while everybody works. */
import { between } from '../streams.js'
import type { FaultParts, FaultSource } from './fault-source.js'

const PARTITIONS_MAX = 8

export class AdminFaults implements FaultSource {
  readonly acts: FaultSource['acts']
  readonly #parts: FaultParts

  constructor(parts: FaultParts) {
    this.#parts = parts
    this.acts = { addPartitions: () => this.#addPartitions() }
  }

  heal(): void {}

  #addPartitions(): boolean {
    const { world, prng } = this.#parts
    const awake = world.awakeTabs()
    const { topic } = prng.pick(world.options.topics)
    const had = world.browser.broker?.state.topics.find(topic as never)?.partitionIds.length
    if (awake.length === 0 || had === undefined || had >= PARTITIONS_MAX) return false
    const tab = prng.pick(awake)
    const topicPartitions = [{ topic, count: had + between(prng, 1, 2) }]
    tab.process.schedule(0, 'adds partitions', () => {
      void tab.call('createPartitions', () => tab.mq.admin().createPartitions({ topicPartitions }))
    })
    return true
  }
}
