/**
 * In which partition each message goes, and at which offset it ended up. The demo chooses the partition by
 * itself, as the producer would: a message says where it belongs, whatever becomes of the topic meanwhile.
 * The broker's answer names the first offset of each partition; the rest follows from the order. Pure.
 */
import { keyPartition, type RecordMetadata } from '../../src/index.js'
import type { SentShare } from '../ledger/ledger-row.js'

export interface PlacedMessage {
  readonly partition: number
  /** The second half of its id. */
  readonly number: number
}

const encoder = new TextEncoder()

/** By its key, as every Kafka client does it; without one, wherever this `send`'s go. */
export function partitionFor(
  key: string | undefined,
  { numPartitions, anywhere }: { readonly numPartitions: number; readonly anywhere: number },
): number {
  if (key === undefined) return anywhere % numPartitions
  return keyPartition(encoder.encode(key), numPartitions)
}

/** @throws Error when the answer does not fit what was sent: a bug in the broker */
export function placeMessages(
  messages: readonly PlacedMessage[],
  answer: readonly RecordMetadata[],
): SentShare[] {
  const expected = new Map<number, number[]>()
  for (const { number, partition } of messages) {
    const numbers = expected.get(partition)
    if (numbers === undefined) expected.set(partition, [number])
    else numbers.push(number)
  }
  if (answer.length !== expected.size) throw unexpected(answer)
  return answer.map(({ partition, baseOffset }) => {
    const numbers = expected.get(partition)
    if (numbers === undefined) throw unexpected(answer)
    return { partition, baseOffset, numbers }
  })
}

function unexpected(answer: readonly RecordMetadata[]): Error {
  const partitions = answer.map(({ partition }) => partition).join(', ')
  return new Error(
    `the messages were acknowledged in partitions that they do not belong to: ${partitions}`,
  )
}
