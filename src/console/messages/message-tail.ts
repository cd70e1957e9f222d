/**
 * Follows a topic: what is appended from the moment on at which it is made. It is told how far the logs have
 * come and reads up to there; of more than it can show at a time it reads the newest, and counts the others.
 */
import type { TopicState } from '../../index.js'
import type { Filterable } from '../filter/filter.js'
import { fetchRows, inOrder, type ReadingAdmin, type Row } from './message-row.js'

/** Of all partitions together, at a time. */
const LOOKED_MAX = 1_000

export interface TailOptions {
  readonly admin: Pick<ReadingAdmin, 'fetchMessages'>
  /** As it is now. */
  readonly topic: TopicState
  /** Undefined for all, those that are added later among them. */
  readonly partition?: number | undefined
  readonly accepts: (message: Filterable) => boolean
}

export interface TailStep {
  /** From the oldest to the newest. */
  readonly rows: readonly Row[]
  readonly looked: number
  /** How many arrived and were not looked at, since they were too many. */
  readonly missed: number
}

export class MessageTail {
  readonly #options: TailOptions
  #topicId: string
  /** The next offset to look at, by partition. */
  #positions: Map<number, number>

  constructor(options: TailOptions) {
    this.#options = options
    this.#topicId = options.topic.topicId
    this.#positions = new Map(
      options.topic.partitions.map(({ partition, highWatermark }) => [partition, highWatermark]),
    )
  }

  /**
   * What arrived since the last step. A step follows the one before; two at a time would read the same.
   * @throws TabmqError whatever keeps it from reading; the next step tries again
   */
  async next(topic: TopicState): Promise<TailStep> {
    const { admin, accepts } = this.#options
    // Deleted and made again: all of it is new.
    if (topic.topicId !== this.#topicId) this.#positions = new Map()
    this.#topicId = topic.topicId
    const rows: Row[] = []
    let looked = 0
    let missed = 0
    const reached: [partition: number, offset: number][] = []
    const grown = topic.partitions.filter((one) => this.#hasGrown(one))
    // What lies behind the high watermark cannot be read yet.
    for (const { partition, logStartOffset, highWatermark: until } of grown) {
      const begun = Math.max(this.#positions.get(partition) ?? 0, logStartOffset)
      const from = Math.max(begun, until - Math.ceil(LOOKED_MAX / grown.length))
      const stretch = { admin, topic: topic.topic, partition, from, until, accepts }
      const found = await fetchRows(stretch)
      reached.push([partition, until])
      rows.push(...found.rows)
      looked += until - from
      missed += from - begun
    }
    // Only now: of a step that fails, nothing was shown.
    for (const [partition, offset] of reached) this.#positions.set(partition, offset)
    return { rows: inOrder(rows), looked, missed }
  }

  #hasGrown({ partition, highWatermark }: TopicState['partitions'][number]): boolean {
    const wanted = this.#options.partition ?? partition
    return partition === wanted && highWatermark > (this.#positions.get(partition) ?? 0)
  }
}
