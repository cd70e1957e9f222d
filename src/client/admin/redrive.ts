/** Sends dead letters back to the topics where they died. */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { decodeCompressedBatch, type DecodedRecord } from '../../codec/decode-batch.js'
import { nextOffsetOf, parseBatchHeader } from '../../protocol/batch-header.js'
import { fromWireError } from '../../protocol/errors.js'
import { CONSUMER_DEFAULTS, FETCH_BYTES_MAX } from '../../protocol/limits.js'
import { parseTopicName, type PartitionId } from '../../protocol/names.js'
import type { RecordToRedrive } from '../../protocol/requests/share-groups.js'
import type { TopicMetadata } from '../../protocol/requests/topics.js'
import { checkFunction, checkInteger, checkNoOthers, checkObject } from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ReceivedMessage } from '../consumer/delivery.js'
import type { ClientHost } from '../host.js'

/** Options of `admin.redrive()`. */
export interface RedriveOptions {
  /** A topic with dead letters. */
  readonly from: string
  /** How many at the most. Default: all there are. */
  readonly max?: number
  /** Which of them. Default: all. Values are decoded for it in this tab. */
  readonly filter?: (message: ReceivedMessage) => boolean
}

export interface RedriveParts {
  readonly connection: Connection
  readonly host: ClientHost
  readonly codecs: CodecRegistry
}

const RECORDS_AT_ONCE = 100

/** @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION */
export function checkRedriveOptions(options: RedriveOptions): void {
  checkObject('redrive', options)
  checkNoOthers('redrive', options, ['from', 'max', 'filter'])
  parseTopicName(options.from)
  if (options.max !== undefined) checkInteger('max', options.max, { min: 1 })
  if (options.filter !== undefined) checkFunction('filter', options.filter)
}

/** Returns how many were sent back: those whose topic is gone stay. */
export async function redrive(
  parts: RedriveParts,
  { partitionIds }: TopicMetadata,
  { max = Infinity, filter = () => true }: RedriveOptions,
): Promise<number> {
  let moved = 0
  for (const partitionId of partitionIds) {
    for await (const letters of deadLetters(parts, partitionId)) {
      const wanted = letters.filter(({ message }) => filter(message))
      for (let start = 0; start < wanted.length;) {
        const count = Math.min(RECORDS_AT_ONCE, max - moved)
        moved += await sendBack(parts, wanted.slice(start, start + count))
        if (moved >= max) return moved
        start += count
      }
    }
  }
  return moved
}

interface Letter {
  readonly message: ReceivedMessage
  readonly record: RecordToRedrive
}

/** How many of them were not sent back before, and could be. */
async function sendBack({ connection }: RedriveParts, letters: readonly Letter[]): Promise<number> {
  const records = letters.map(({ record }) => record)
  // Each goes once, however often it is asked for.
  const { moved } = await connection.call({ api: 'redrive', records }, { isRepeatable: true })
  return moved.filter(Boolean).length
}

/** What is in one partition now, batch by batch. */
async function* deadLetters(
  { connection, host, codecs }: RedriveParts,
  partitionId: PartitionId,
): AsyncGenerator<Letter[], void, undefined> {
  const ask = { isRepeatable: true }
  const partitions = [
    { partitionId, at: 'earliest' as const },
    { partitionId, at: 'latest' as const },
  ]
  const ends = await Promise.all(
    partitions.map((one) => connection.call({ api: 'listOffsets', partitions: [one] }, ask)),
  )
  const [start = 0, end = 0] = ends.map(({ results: [result] }) => {
    if (result?.error !== undefined) throw fromWireError(result.error)
    return result?.offset
  })
  const fetcherId = host.freshId()
  const { maxBytes, maxBytesPerPartition } = CONSUMER_DEFAULTS
  for (let offset = start; offset < end;) {
    const wanted = [{ partitionId, offset, maxBytes: maxBytesPerPartition }]
    const terms = { fetcherId, partitions: wanted, maxBytes, minBytes: 1, maxWaitMs: 0 }
    const reply = await connection.call({ api: 'fetch', ...terms }, ask)
    const [fetched] = reply.partitions
    if (fetched?.error !== undefined) throw fromWireError(fetched.error)
    const batches = fetched?.batches ?? []
    if (batches.length === 0) return
    for (const batch of batches) {
      const valuesBytesMax = FETCH_BYTES_MAX
      const options = { codecs, fromOffset: offset, untilOffset: end, valuesBytesMax }
      const messages = await decodeCompressedBatch(batch, options)
      yield messages.flatMap((message) => letterOf(partitionId, message))
      offset = nextOffsetOf(parseBatchHeader(batch))
    }
  }
}

/** What did not die anywhere is no dead letter; of what could not be read there is nothing to send. */
function letterOf(partitionId: PartitionId, message: DecodedRecord): Letter[] {
  if ('dead-letter-unreadable' in message.headers) return []
  const topics = [message.headers['dead-letter-topic']].flat()
  const topic = topics.at(-1)
  if (typeof topic !== 'string') return []
  const record = { partitionId, offset: message.offset, topic: parseTopicName(topic) }
  return [{ message, record }]
}
