/**
 * At which offsets the messages of one `send` ended up. The partition of each is chosen by the demo's own
 * partitioner, which remembers it; the broker's answer names the first offset of each partition, and the
 * rest follows from the order of the messages.
 */
import {
  keyPartition,
  type Partitioner,
  type PartitionerInput,
  type RecordMetadata,
} from '../../src/index.js'
import type { SentShare } from '../ledger/ledger-row.js'
import { ID_HEADER } from '../names.js'

export interface PlacedMessage {
  readonly id: string
  /** The second half of its id. */
  readonly number: number
  /** Asked for by hand. */
  readonly partition?: number
}

export class Placement {
  readonly #chosen = new Map<string, number>()
  #anywhere = 0

  /** For the producer: by key as ever, and of those without one each `send`'s to another partition. */
  readonly partitioner: Partitioner = ({ key, numPartitions, message }: PartitionerInput) => {
    const partition =
      key === undefined ? this.#anywhere % numPartitions : keyPartition(key, numPartitions)
    const id = message.headers?.[ID_HEADER]
    if (typeof id === 'string') this.#chosen.set(id, partition)
    return partition
  }

  /** The next messages without a key go elsewhere. */
  turn(): void {
    this.#anywhere += 1
  }

  /** @throws Error when the answer does not fit what was sent: a bug in the broker */
  place(messages: readonly PlacedMessage[], answer: readonly RecordMetadata[]): SentShare[] {
    const expected = new Map<number, number[]>()
    for (const { id, number, partition } of messages) {
      const place = partition ?? this.#chosen.get(id)
      this.#chosen.delete(id)
      if (place === undefined) throw unexpected(answer)
      const numbers = expected.get(place) ?? []
      numbers.push(number)
      expected.set(place, numbers)
    }
    if (answer.length !== expected.size) throw unexpected(answer)
    return answer.map(({ partition, baseOffset }) => {
      const numbers = expected.get(partition)
      if (numbers === undefined) throw unexpected(answer)
      return { partition, baseOffset, numbers }
    })
  }

  /** They were not sent. */
  forget(messages: readonly PlacedMessage[]): void {
    for (const { id } of messages) this.#chosen.delete(id)
  }
}

function unexpected(answer: readonly RecordMetadata[]): Error {
  const partitions = answer.map(({ partition }) => partition).join(', ')
  return new Error(
    `the messages were acknowledged in partitions that they do not belong to: ${partitions}`,
  )
}
