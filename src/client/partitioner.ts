/**
 * Which partition a message goes to. Keyed messages go where every Kafka client would put them;
 * the others stay with one partition for a whole batch, since few full batches cost less than many
 * small ones (KIP-480), and move on when it is closed. The producer calls this once per message.
 */
import { assert, definedOrThrow } from '../std/assert.js'
import type { Message } from './message.js'
import { murmur2 } from '../protocol/murmur2.js'

/** What a partitioner goes by. */
export interface PartitionerInput {
  readonly topic: string
  /** How many partitions the topic has now. */
  readonly numPartitions: number
  /** The key's bytes: those of a string are its UTF-8. Undefined for a message without a key. */
  readonly key: Uint8Array | undefined
  /**
   * The message as it was handed to `send`. Where its topic was not known yet it is a copy, made by
   * the codec; a codec that may give back something else (`json`, one's own) leaves the value itself.
   */
  readonly message: Message
}

/** A partitioner of one's own: returns a partition number from 0 to below `numPartitions`. */
export type Partitioner = (input: PartitionerInput) => number

/**
 * The partition of a keyed message, as in Kafka's Java client and KafkaJS: the same key goes to the
 * same partition for as long as the topic has as many.
 *
 * @example
 * keyPartition(new TextEncoder().encode('foobar'), 10) // 6
 */
export function keyPartition(keyBytes: Uint8Array, numPartitions: number): number {
  return (murmur2(keyBytes) & 0x7fffffff) % numPartitions
}

/**
 * Where one topic's messages without a key go at present. Soft state of one producer.
 *
 * Partitions are drawn from a bag without putting them back, so after any number of batches no
 * partition has had two more than another; drawing with putting back would leave that to chance. The
 * order is random, so that producers which start together do not move in step.
 */
export class StickyPartition {
  readonly #random: () => number
  #current: number | undefined
  #lastDrawn: number | undefined
  #bag: number[] = []
  #numPartitions = 0

  /** @param random returns a float in [0, 1), as `Math.random` does. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** The partition for the next message: the same until `next()`, unless it is there no more. */
  current(numPartitions: number): number {
    assert(numPartitions >= 1, () => `a topic of ${numPartitions} partitions`)
    if (this.#current === undefined || this.#current >= numPartitions) {
      this.#current = this.#draw(numPartitions)
    }
    return this.#current
  }

  /** A batch of the current partition was closed: the next message starts one elsewhere. */
  next(): void {
    this.#current = undefined
  }

  #draw(numPartitions: number): number {
    if (this.#bag.length === 0 || this.#numPartitions !== numPartitions) this.#refill(numPartitions)
    // The last one drawn is in the bag only right after a refill, and then at the end: left out
    // once, so that a batch is never followed by one of the same partition.
    const leftOut = this.#bag.length > 1 && this.#bag.at(-1) === this.#lastDrawn ? 1 : 0
    const at = Math.floor(this.#random() * (this.#bag.length - leftOut))
    const drawn = definedOrThrow(this.#bag[at], () => 'random() is not in [0, 1)')
    const end = this.#bag.pop()
    if (at < this.#bag.length) this.#bag[at] = definedOrThrow(end, () => 'the bag is empty')
    this.#lastDrawn = drawn
    return drawn
  }

  #refill(numPartitions: number): void {
    this.#numPartitions = numPartitions
    this.#bag = []
    for (let partition = 0; partition < numPartitions; partition++) {
      if (partition !== this.#lastDrawn) this.#bag.push(partition)
    }
    if (this.#lastDrawn !== undefined && this.#lastDrawn < numPartitions) {
      this.#bag.push(this.#lastDrawn)
    }
  }
}
