/**
 * At which offsets the messages of one `send` ended up. The broker's answer names the first offset
 * of each partition; the rest follows from the order of the messages and from their keys, of which
 * the partition is known in advance. Messages without a key all go to one partition per `send`.
 */
import { keyPartition, type RecordMetadata } from '../../src/index.js'
import type { SentShare } from '../ledger/ledger-row.js'

export interface PlacedMessage {
  /** The second half of its id. */
  readonly number: number
  readonly key: string | undefined
  /** Asked for by hand. */
  readonly partition?: number
}

export interface PlacedSend {
  readonly messages: readonly PlacedMessage[]
  readonly numPartitions: number
  readonly answer: readonly RecordMetadata[]
}

const encoder = new TextEncoder()

/** @throws Error when the answer does not fit what was sent: a bug in the broker */
export function placeMessages({ messages, numPartitions, answer }: PlacedSend): SentShare[] {
  const expected = new Map<number, number[]>()
  const anywhere: number[] = []
  for (const { key, partition, number } of messages) {
    const place =
      partition ??
      (key === undefined ? undefined : keyPartition(encoder.encode(key), numPartitions))
    const numbers = place === undefined ? anywhere : (expected.get(place) ?? [])
    numbers.push(number)
    if (place !== undefined) expected.set(place, numbers)
  }
  if (anywhere.length > 0) placeAnywhere(expected, anywhere, answer)
  if (answer.length !== expected.size) throw unexpected(answer)
  return answer.map(({ partition, baseOffset }) => {
    const numbers = expected.get(partition)
    if (numbers === undefined) throw unexpected(answer)
    return { partition, baseOffset, numbers }
  })
}

/** Only a send in which no message has a key tells where those without one went. */
function placeAnywhere(
  expected: Map<number, number[]>,
  numbers: number[],
  answer: readonly RecordMetadata[],
): void {
  const [only] = answer
  if (only === undefined || answer.length > 1 || expected.size > 0) throw unexpected(answer)
  expected.set(only.partition, numbers)
}

function unexpected(answer: readonly RecordMetadata[]): Error {
  const partitions = answer.map(({ partition }) => partition).join(', ')
  return new Error(
    `the messages were acknowledged in partitions that they do not belong to: ${partitions}`,
  )
}
