/**
 * Which messages a topic with a `dedupWindowMs` knows by their ids, and where the first of each is.
 * Soft state, made of the log: replay of a batch adds what is in it, and after a start the ids are read
 * from the batches of the window (runtime/message-id-loader.ts) before anything is appended to the topic.
 * So it holds more than the log where retention has dropped a message meanwhile, and never less.
 *
 * Memory is bounded twice: how many ids of a topic, and how many bytes of all topics. The oldest
 * are forgotten first, of the topic that has most.
 */
import { assert } from '../../std/assert.js'
import { parseBatchHeader } from '../../protocol/batch-header.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId, TopicId } from '../../protocol/names.js'
import type { TopicConfig } from '../../protocol/requests/topics.js'
import { readMessageIds } from './read-message-ids.js'

/** The first message with its id. */
export interface KnownMessage {
  readonly partitionId: PartitionId
  readonly offset: number
  /** Of its batch. */
  readonly appendedAtMs: number
}

/** What an id takes in memory besides its own bytes, about. */
const ENTRY_BYTES = 128
/** How much of the largest topic goes at once when there is too much of all: one in so many. */
const SHARE_FORGOTTEN = 8

/** Those of one topic. Keys are the ids' bytes as strings, oldest first. */
export class TopicMessageIds {
  readonly #known = new Map<string, KnownMessage>()
  #windowMs: number
  #bytes = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  get windowMs(): number {
    return this.#windowMs
  }

  get count(): number {
    return this.#known.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The message with this id, if it was appended within the window. */
  find(id: string, nowMs: number): KnownMessage | undefined {
    const known = this.#known.get(id)
    return known !== undefined && known.appendedAtMs > nowMs - this.#windowMs ? known : undefined
  }

  add(id: string, message: KnownMessage): void {
    this.#delete(id)
    this.#known.set(id, message)
    this.#bytes += id.length + ENTRY_BYTES
  }

  /** A shorter window. A longer one needs ids that may have been forgotten. */
  shorten(windowMs: number): void {
    this.#windowMs = windowMs
  }

  forgetOldest(count: number): void {
    let left = count
    for (const id of this.#known.keys()) {
      if (left-- <= 0) return
      this.#delete(id)
    }
  }

  /** Those that are of no use any more, up to the first that is. */
  forgetExpired(nowMs: number): void {
    for (const [id, { appendedAtMs }] of this.#known) {
      if (appendedAtMs > nowMs - this.#windowMs) return
      this.#delete(id)
    }
  }

  forgetWhere(isForgotten: (message: KnownMessage) => boolean): void {
    for (const [id, message] of this.#known) if (isForgotten(message)) this.#delete(id)
  }

  checkInvariants(): void {
    let bytes = 0
    for (const id of this.#known.keys()) bytes += id.length + ENTRY_BYTES
    assert(bytes === this.#bytes, () => `${bytes} bytes of message ids, counted as ${this.#bytes}`)
  }

  #delete(id: string): void {
    if (this.#known.delete(id)) this.#bytes -= id.length + ENTRY_BYTES
  }
}

type Limits = Pick<BrokerLimits, 'messageIdsPerTopicMax' | 'messageIdsBytesMax'>

/** Those of all topics that have a window and of which the ids were read. */
export class MessageIds {
  readonly #limits: Limits
  readonly #byTopic = new Map<TopicId, TopicMessageIds>()
  #bytes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Undefined for a topic without a window, and where the ids have yet to be read. */
  of(topicId: TopicId): TopicMessageIds | undefined {
    return this.#byTopic.get(topicId)
  }

  /** What was read of the log, oldest first. From now on they are kept up to date. */
  restore(
    topicId: TopicId,
    windowMs: number,
    known: Iterable<readonly [id: string, message: KnownMessage]>,
  ): void {
    this.#forget(topicId)
    const ids = new TopicMessageIds(windowMs)
    this.#byTopic.set(topicId, ids)
    this.#change(ids, () => {
      for (const [id, message] of known) this.#add(ids, id, message)
    })
  }

  /** The topic has changed, or is no more. A longer window is read again. */
  replayTopic(topicId: TopicId, config: TopicConfig | undefined): void {
    const ids = this.#byTopic.get(topicId)
    if (ids === undefined) return
    const windowMs = config?.dedupWindowMs ?? undefined
    if (windowMs === undefined || windowMs > ids.windowMs) this.#forget(topicId)
    else ids.shorten(windowMs)
  }

  replayBatch(topicId: TopicId, partitionId: PartitionId, batch: ArrayBuffer): void {
    const ids = this.#byTopic.get(topicId)
    if (ids === undefined) return
    const header = parseBatchHeader(batch)
    if (!header.hasProperties) return
    const { baseOffset, appendedAtMs } = header
    this.#change(ids, () => {
      readMessageIds(batch, header, (id, at) => {
        this.#add(ids, id, { partitionId, offset: baseOffset + at, appendedAtMs })
      })
    })
  }

  /** Back to what is durable: batches from the high watermark on are no more. */
  rollBack(highWatermark: (partitionId: PartitionId) => number): void {
    for (const ids of this.#byTopic.values()) {
      this.#change(ids, () => {
        ids.forgetWhere(({ partitionId, offset }) => offset >= highWatermark(partitionId))
      })
    }
  }

  forgetExpired(nowMs: number): void {
    for (const ids of this.#byTopic.values()) this.#change(ids, () => ids.forgetExpired(nowMs))
  }

  checkInvariants(): void {
    const { messageIdsPerTopicMax, messageIdsBytesMax } = this.#limits
    let bytes = 0
    for (const ids of this.#byTopic.values()) {
      ids.checkInvariants()
      assert(ids.count <= messageIdsPerTopicMax, () => `${ids.count} message ids of one topic`)
      bytes += ids.bytes
    }
    assert(bytes === this.#bytes, () => `${bytes} bytes of message ids, counted as ${this.#bytes}`)
    assert(bytes <= messageIdsBytesMax, () => `${bytes} bytes of message ids`)
  }

  #forget(topicId: TopicId): void {
    this.#bytes -= this.#byTopic.get(topicId)?.bytes ?? 0
    this.#byTopic.delete(topicId)
  }

  #add(ids: TopicMessageIds, id: string, message: KnownMessage): void {
    ids.add(id, message)
    if (ids.count > this.#limits.messageIdsPerTopicMax) ids.forgetOldest(1)
  }

  #change(ids: TopicMessageIds, change: () => void): void {
    this.#bytes -= ids.bytes
    change()
    this.#bytes += ids.bytes
    while (this.#bytes > this.#limits.messageIdsBytesMax) this.#shrinkLargest()
  }

  #shrinkLargest(): void {
    let largest: TopicMessageIds | undefined
    for (const ids of this.#byTopic.values()) {
      if (largest === undefined || ids.bytes > largest.bytes) largest = ids
    }
    if (largest === undefined) return
    this.#bytes -= largest.bytes
    largest.forgetOldest(Math.ceil(largest.count / SHARE_FORGOTTEN))
    this.#bytes += largest.bytes
  }
}
