/** The demo's topic: made when it is missing, cleared, replayed. */
import type { Admin } from '../../src/index.js'
import type { LedgerStore } from '../ledger/ledger-store.js'
import { GROUP, PARTITIONS, TOPIC } from '../names.js'

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
   * Sets the group back to the beginning, and tells the ledger that all is to be handled again.
   * @throws TabmqError NON_EMPTY_GROUP while a worker runs
   */
  async replay(epoch: string): Promise<void> {
    const { admin, store, tab } = this.#options
    await admin.resetOffsets({ groupId: GROUP, topic: TOPIC, earliest: true })
    await store.append({ kind: 'replay', epoch, tab, atMs: Date.now() })
  }
}
