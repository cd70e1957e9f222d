/** Which partitions the user has paused: also of topics that this consumer does not hold yet. */
import { parseTopicName } from '../../protocol/names.js'
import { checkArray, checkInteger, checkObjects } from '../check-options.js'
import type { TopicPartition } from './delivery.js'

/** Topics with some or all of their partitions, as `pause`, `resume` and `paused` use them. */
export interface TopicPartitions {
  readonly topic: string
  /** All of the topic's when absent. */
  readonly partitions?: readonly number[]
}

export class Pauses {
  readonly #paused = new Map<string, ReadonlySet<number> | 'all'>()

  has({ topic, partition }: TopicPartition): boolean {
    const paused = this.#paused.get(topic)
    return paused === 'all' || paused?.has(partition) === true
  }

  /** @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION */
  add(topics: readonly TopicPartitions[]): void {
    checkTopicPartitions(topics)
    for (const { topic, partitions } of topics) {
      const before = this.#paused.get(topic)
      const isAll = partitions === undefined || before === 'all'
      this.#paused.set(topic, isAll ? 'all' : new Set([...(before ?? []), ...partitions]))
    }
  }

  /**
   * What is left of a topic that was paused as a whole is the rest of what this consumer holds.
   * @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION
   */
  remove(topics: readonly TopicPartitions[], held: readonly TopicPartition[]): void {
    checkTopicPartitions(topics)
    for (const { topic, partitions } of topics) {
      const before = this.#paused.get(topic)
      if (before === undefined) continue
      if (partitions === undefined) {
        this.#paused.delete(topic)
        continue
      }
      const heldOfTopic = held.filter((one) => one.topic === topic)
      const paused = before === 'all' ? heldOfTopic.map(({ partition }) => partition) : [...before]
      this.#paused.set(topic, new Set(paused.filter((one) => !partitions.includes(one))))
    }
  }
}

function checkTopicPartitions(topics: readonly TopicPartitions[]): void {
  checkObjects('topics', topics)
  for (const { topic, partitions } of topics) {
    parseTopicName(topic)
    if (partitions === undefined) continue
    checkArray('partitions', partitions)
    for (const partition of partitions) checkInteger('partitions', partition, { min: 0 })
  }
}
