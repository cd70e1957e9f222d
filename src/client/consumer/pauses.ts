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

/** Of one topic: all partitions but some, or only some. */
interface PausedTopic {
  readonly isAll: boolean
  readonly exceptions: ReadonlySet<number>
}

const NOTHING: PausedTopic = { isAll: false, exceptions: new Set() }

export class Pauses {
  readonly #paused = new Map<string, PausedTopic>()

  has({ topic, partition }: TopicPartition): boolean {
    const { isAll, exceptions } = this.#paused.get(topic) ?? NOTHING
    return isAll !== exceptions.has(partition)
  }

  /** @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION */
  add(topics: readonly TopicPartitions[]): void {
    checkTopicPartitions(topics)
    for (const one of topics) this.#set(one, true)
  }

  /** @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION */
  remove(topics: readonly TopicPartitions[]): void {
    checkTopicPartitions(topics)
    for (const one of topics) this.#set(one, false)
  }

  #set({ topic, partitions }: TopicPartitions, isPaused: boolean): void {
    const { isAll, exceptions } = this.#paused.get(topic) ?? NOTHING
    if (partitions === undefined) {
      if (isPaused) this.#paused.set(topic, { isAll: true, exceptions: new Set() })
      else this.#paused.delete(topic)
      return
    }
    const changed = new Set(exceptions)
    for (const partition of partitions) {
      if (isAll === isPaused) changed.delete(partition)
      else changed.add(partition)
    }
    this.#paused.set(topic, { isAll, exceptions: changed })
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
