/** The demo's topic: made when it is missing, cleared, changed, handled again. */
import type { Admin } from '../../src/index.js'
import type { LedgerStore } from '../ledger/ledger-store.js'
import { GROUP, PARTITIONS, TOPIC } from '../names.js'

/** The beginning, the end, or the first message of a time. */
export type ResetTo = 'earliest' | 'latest' | { readonly timestampMs: number }

export interface TopicOptions {
  readonly admin: Admin
  readonly store: LedgerStore
  readonly tab: number
}

export class Topic {
  readonly #options: TopicOptions
  readonly #cleared = new BroadcastChannel('tabmq-demo-cleared')

  constructor(options: TopicOptions) {
    this.#options = options
  }

  /** @throws TabmqError */
  async ensure(): Promise<void> {
    const topics = [{ topic: TOPIC, numPartitions: PARTITIONS }]
    await this.#options.admin.createTopics({ topics, ifNotExists: true })
  }

  /** Deletes the topic with its messages and offsets, and makes it anew. @throws TabmqError */
  async clear(): Promise<void> {
    const { admin, store } = this.#options
    await admin.deleteTopics({ topics: [TOPIC] })
    await this.ensure()
    const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] })
    const [topic] = topics
    if (topic !== undefined) await store.keepOnly(topic.topicId)
    this.#cleared.postMessage(this.#options.tab)
  }

  /** Calls back with the number of another tab when that has cleared the topic. */
  onClearedElsewhere(listener: (tab: number) => void): void {
    this.#cleared.onmessage = ({ data }: MessageEvent<number>) => listener(data)
  }

  /**
   * Sets the group to another place, and tells the ledger what is to be handled from now on.
   * @throws TabmqError NON_EMPTY_GROUP while a worker runs
   */
  async reset(epoch: string, to: ResetTo): Promise<void> {
    const { admin, store, tab } = this.#options
    const offsets = await this.#offsetsOf(to)
    const partitions = offsets.map((offset, partition) => ({ partition, offset }))
    await admin.setOffsets({ groupId: GROUP, topic: TOPIC, partitions })
    const isWhole = to === 'earliest'
    await store.append({ kind: 'replay', epoch, tab, atMs: Date.now(), from: offsets, isWhole })
  }

  /** @param more than there are, whatever the page shows by now @throws TabmqError */
  async addPartitions(more: number): Promise<void> {
    const { admin } = this.#options
    const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] })
    const count = (topics[0]?.partitions.length ?? 0) + more
    await admin.createPartitions({ topicPartitions: [{ topic: TOPIC, count }] })
  }

  /** Deletes the oldest batches of a partition that is larger; null lets all stay. @throws TabmqError */
  async keepBytes(retentionBytes: number | null): Promise<void> {
    await this.#options.admin.alterConfigs({
      topics: [{ topic: TOPIC, config: { retentionBytes } }],
    })
  }

  async #offsetsOf(to: ResetTo): Promise<number[]> {
    const { admin } = this.#options
    if (typeof to === 'object') {
      const found = await admin.fetchTopicOffsetsByTimestamp(TOPIC, to.timestampMs)
      return found.map(({ offset }) => offset)
    }
    const ends = await admin.fetchTopicOffsets(TOPIC)
    return ends.map(({ low, high }) => (to === 'earliest' ? low : high))
  }
}
