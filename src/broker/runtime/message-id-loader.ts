/**
 * Sees to it that the message ids of a topic with a `dedupWindowMs` are known before anything is appended to
 * it: after a start, or when the window was set or made longer, they are read from the batches that
 * were appended within it. Whoever produces to that topic waits meanwhile, in order; nobody else does.
 */
import { definedOrThrow } from '../../std/assert.js'
import { mapInGroups } from '../../std/promises.js'
import { hasCode } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId, TopicId } from '../../protocol/names.js'
import type { KnownMessage } from '../log/message-ids.js'
import { readMessageIds } from '../log/read-message-ids.js'
import type { BrokerState } from './broker-state.js'
import { FairTurns } from './fair-turns.js'
import type { LogReader } from './log-reader.js'

/** Of how many topics the ids are read at once, and of how many of their partitions. */
const TOPICS_AT_ONCE = 2
const PARTITIONS_AT_ONCE = 4

type Known = readonly [id: string, message: KnownMessage]

export interface MessageIdLoaderOptions {
  readonly state: () => BrokerState
  readonly reader: LogReader
  readonly nowMs: () => number
  /** Resolves when there is a state to decide on; rejects when there will be none. */
  readonly ready: () => Promise<void>
  readonly isReady: () => boolean
  readonly batchesDurable: (partitionId: PartitionId, upToOffset: number) => Promise<void>
  readonly limits: BrokerLimits
}

export class MessageIdLoader {
  readonly #options: MessageIdLoaderOptions
  /** Of each topic that somebody waits for: resolves when the last of them has begun. */
  readonly #lines = new Map<TopicId, Promise<void>>()
  readonly #turns = new FairTurns(TOPICS_AT_ONCE)

  constructor(options: MessageIdLoaderOptions) {
    this.#options = options
  }

  /** Whether a produce to this topic may begin at once. */
  isKnown(topicId: TopicId): boolean {
    return !this.#lines.has(topicId) && this.isLoaded(topicId)
  }

  /** Whether anybody waits for the ids of any topic. */
  get hasWaiting(): boolean {
    return this.#lines.size > 0
  }

  /** Resolves when all who wait now have begun, or were told that they cannot. */
  async allBegun(): Promise<void> {
    await Promise.allSettled(this.#lines.values())
  }

  /**
   * Begins when the topic's ids are known, after all that came before it. When they cannot be read, all who
   * wait are told: one tab's batches would be stored in another order if the next tried again.
   */
  async inTurn<T>(topicId: TopicId, begin: () => Promise<T>): Promise<T> {
    let begun: Promise<T> | undefined
    const turn = this.#after(this.#lines.get(topicId), topicId, () => {
      begun = begin()
    })
    this.#lines.set(topicId, turn)
    try {
      await turn
    } finally {
      if (this.#lines.get(topicId) === turn) this.#lines.delete(topicId)
    }
    return definedOrThrow(begun, () => 'a turn that did not begin')
  }

  async #after(
    before: Promise<void> | undefined,
    topicId: TopicId,
    begin: () => void,
  ): Promise<void> {
    await before
    for (;;) {
      while (!this.#options.isReady()) await this.#options.ready()
      if (this.isLoaded(topicId)) return begin()
      try {
        await this.#turns.run(topicId, () => this.#load(topicId))
      } catch (error) {
        // What a storage says that was closed meanwhile says nothing: whether there is a state does.
        if (this.#options.isReady()) throw error
      }
    }
  }

  /** Whether its ids are there, or there are none to be known; somebody else may come first all the same. */
  isLoaded(topicId: TopicId): boolean {
    const { topics, messageIds } = this.#options.state()
    const topic = topics.byId(topicId)
    return (
      topic === undefined ||
      topic.config.dedupWindowMs === null ||
      messageIds.of(topicId) !== undefined
    )
  }

  async #load(topicId: TopicId): Promise<void> {
    const { state: stateOf, nowMs, limits } = this.#options
    const state = stateOf()
    const topic = state.topics.byId(topicId)
    const windowMs = topic?.config.dedupWindowMs
    if (topic === undefined || windowMs === undefined || windowMs === null) return
    const sinceMs = nowMs() - windowMs
    const known: Known[] = []
    await mapInGroups(topic.partitionIds, PARTITIONS_AT_ONCE, async (partitionId) => {
      for (const one of await this.#loadPartition(partitionId, sinceMs)) known.push(one)
      forgetOldest(known, limits.messageIdsPerTopicMax)
    })
    // Another state knows nothing of it, and a window that has changed meanwhile may be longer.
    const now = stateOf()
    if (now !== state || now.topics.byId(topicId)?.config.dedupWindowMs !== windowMs) return
    known.sort(byAge)
    state.messageIds.restore(topicId, windowMs, known)
  }

  async #loadPartition(partitionId: PartitionId, sinceMs: number): Promise<Known[]> {
    const { reader, limits } = this.#options
    await this.#written(partitionId)
    const known: Known[] = []
    await reader.eachBatchSince(partitionId, sinceMs, (batch, header) => {
      if (!header.hasProperties) return
      const { baseOffset, appendedAtMs } = header
      try {
        readMessageIds(batch, header, (id, at) => {
          known.push([id, { partitionId, offset: baseOffset + at, appendedAtMs }])
        })
      } catch (error) {
        // Nobody can read its messages either.
        if (!hasCode(error, 'CORRUPT_MESSAGE')) throw error
      }
      if (known.length > 2 * limits.messageIdsPerTopicMax) {
        known.splice(0, known.length - limits.messageIdsPerTopicMax)
      }
    })
    return known
  }

  /** What was decided before is on the disk, or is no more; nothing is decided meanwhile. */
  async #written(partitionId: PartitionId): Promise<void> {
    await this.#options.batchesDurable(partitionId, Infinity).catch(() => {
      // Whoever sent it is told.
    })
  }
}

/** Of many, the newest stay. */
function forgetOldest(known: Known[], countMax: number): void {
  if (known.length <= 2 * countMax) return
  known.sort(byAge)
  known.splice(0, known.length - countMax)
}

function byAge([, a]: Known, [, b]: Known): number {
  return a.appendedAtMs - b.appendedAtMs || a.partitionId - b.partitionId || a.offset - b.offset
}
