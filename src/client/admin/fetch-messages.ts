/**
 * Reads a partition from an offset on, without a group: as much as was asked for, once. For whoever wants
 * to look; a value that cannot be decoded is no error here, but comes as its bytes.
 */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { decodeCompressedBatch } from '../../codec/decode-batch.js'
import { nextOffsetOf, parseBatchHeader } from '../../protocol/batch-header.js'
import { fromWireError, TabmqError } from '../../protocol/errors.js'
import { FETCH_BYTES_MAX, FETCH_MESSAGES_DEFAULTS } from '../../protocol/limits.js'
import { parseTopicName, type PartitionId } from '../../protocol/names.js'
import { checkInteger, checkNoOthers, checkObject } from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ReceivedMessage } from '../consumer/delivery.js'
import type { ClientHost } from '../host.js'

/** Options of `admin.fetchMessages()`. */
export interface FetchMessagesOptions {
  readonly topic: string
  /** From 0. */
  readonly partition: number
  /** Where to begin. Default, and at the least: the first message that is there. */
  readonly offset?: number
  /** How many offsets to look at: 1 to 10,000. Default 100. */
  readonly maxMessages?: number
  /** About how many bytes to read, 1 to 64 MiB. Default 1 MiB. One batch is always read. */
  readonly maxBytes?: number
}

/** A message as it is stored. */
export interface FetchedMessage extends ReceivedMessage {
  /** The name of the codec of its value; `codec 17` where this client has none of that id. */
  readonly codec: string
  /**
   * Why `value` is not the value but bytes as they are stored: of a message that was sent with others by
   * the structured codec, those of all of them.
   */
  readonly undecoded?: TabmqError
}

/** A part of a partition. */
export interface FetchedMessages {
  /** In order; there may be none though more are to come. */
  readonly messages: readonly FetchedMessage[]
  /** Where to go on, as long as it is below `high`. */
  readonly nextOffset: number
  /** The first offset that is there. */
  readonly low: number
  /** The offset below which all can be read. */
  readonly high: number
}

export interface FetchMessagesParts {
  readonly connection: Connection
  readonly host: ClientHost
  readonly codecs: CodecRegistry
}

/** @throws TabmqError INVALID_CONFIG, INVALID_TOPIC_EXCEPTION */
export function checkFetchMessagesOptions(options: FetchMessagesOptions): void {
  checkObject('fetchMessages', options)
  const names = ['topic', 'partition', 'offset', 'maxMessages', 'maxBytes']
  checkNoOthers('fetchMessages', options, names)
  const { topic, partition, offset, maxMessages, maxBytes } = options
  parseTopicName(topic)
  checkInteger('partition', partition, { min: 0 })
  if (offset !== undefined) checkInteger('offset', offset, { min: 0 })
  const { maxMessagesMax } = FETCH_MESSAGES_DEFAULTS
  if (maxMessages !== undefined) {
    checkInteger('maxMessages', maxMessages, { min: 1, max: maxMessagesMax })
  }
  const fetchBytesMax = FETCH_BYTES_MAX
  if (maxBytes !== undefined) checkInteger('maxBytes', maxBytes, { min: 1, max: fetchBytesMax })
}

/** @throws TabmqError CORRUPT_MESSAGE with `offset`, and `nextOffset` where that is known */
export async function fetchMessages(
  parts: FetchMessagesParts,
  partitionId: PartitionId,
  options: FetchMessagesOptions,
): Promise<FetchedMessages> {
  const {
    offset: wanted = 0,
    maxMessages = FETCH_MESSAGES_DEFAULTS.maxMessages,
    maxBytes = FETCH_MESSAGES_DEFAULTS.maxBytes,
  } = options
  const { low, high } = await endsOf(parts, partitionId)
  const from = Math.max(wanted, low)
  if (from >= high) return { messages: [], nextOffset: high, low, high }

  const { host, connection } = parts
  const partitions = [{ partitionId, offset: from, maxBytes }]
  const terms = { fetcherId: host.freshId(), partitions, maxBytes, minBytes: 1, maxWaitMs: 0 }
  const reply = await connection.call({ api: 'fetch', ...terms }, { isRepeatable: true })
  const [fetched] = reply.partitions
  if (fetched?.error !== undefined) throw fromWireError(fetched.error)
  const until = from + maxMessages
  const messages: FetchedMessage[] = []
  let nextOffset = from
  for (const batch of fetched?.batches ?? []) {
    if (nextOffset >= until) break
    const header = parseBatchHeader(batch)
    try {
      messages.push(...(await messagesOf(parts, batch, { from: nextOffset, until })))
    } catch (error) {
      // What is in front of it is given first; whoever goes on meets it again.
      if (messages.length > 0) break
      throw located(error, { offset: nextOffset, nextOffset: nextOffsetOf(header) })
    }
    nextOffset = Math.min(nextOffsetOf(header), until)
  }
  return { messages, nextOffset, low, high }
}

async function endsOf({ connection }: FetchMessagesParts, partitionId: PartitionId) {
  const partitions = [
    { partitionId, at: 'earliest' as const },
    { partitionId, at: 'latest' as const },
  ]
  const [low = 0, high = 0] = await Promise.all(
    partitions.map(async (one) => {
      const request = { api: 'listOffsets', partitions: [one] } as const
      const { results } = await connection.call(request, { isRepeatable: true })
      const [result] = results
      if (result?.error !== undefined) throw fromWireError(result.error)
      return result?.offset ?? 0
    }),
  )
  return { low, high }
}

/** Stands for a value until it is known where it is to be. */
class Undecoded {
  readonly bytes: Uint8Array
  readonly error: TabmqError

  constructor(bytes: Uint8Array, error: TabmqError) {
    this.bytes = bytes
    this.error = error
  }
}

async function messagesOf(
  { codecs }: FetchMessagesParts,
  batch: ArrayBuffer,
  { from, until }: { from: number; until: number },
): Promise<FetchedMessage[]> {
  const records = await decodeCompressedBatch(batch, {
    codecs,
    fromOffset: from,
    untilOffset: until,
    valuesBytesMax: FETCH_BYTES_MAX,
    standIn: (bytes, error) => new Undecoded(bytes.slice(), error),
  })
  const codec = codecs.byIdOrNone(parseBatchHeader(batch).codecId).name
  return records.map((record) => {
    const { value } = record
    return value instanceof Undecoded
      ? { ...record, codec, value: value.bytes, undecoded: value.error }
      : { ...record, codec }
  })
}

function located(error: unknown, where: { offset: number; nextOffset: number }): unknown {
  if (!(error instanceof TabmqError)) return error
  return new TabmqError(error.code, error.message, { ...error.details, ...where }, error.cause)
}
