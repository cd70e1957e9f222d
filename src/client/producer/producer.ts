/**
 * The producer: it finds each message's partition, encodes what one `send` has for a partition as
 * one chunk, and queues it. The sender does the rest. Values are encoded while `send` runs, so that
 * what cannot be encoded rejects that call alone and later changes of an object change nothing.
 */
import { encodeChunks, type EncodedChunk, type RecordToEncode } from '../../codec/chunk.js'
import type { Codec } from '../../codec/codec.js'
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { encodeUtf8 } from '../../codec/utf8.js'
import { isTimestampMs } from '../../protocol/batch-index.js'
import { TabmqError } from '../../protocol/errors.js'
import { CLIENT_DEFAULTS, PRODUCER_DEFAULTS } from '../../protocol/limits.js'
import {
  describe,
  parseTopicName,
  type PartitionId,
  type ProducerId,
  type TopicName,
} from '../../protocol/names.js'
import type { Acks, TopicMetadata } from '../../protocol/requests.js'
import { definedOrThrow } from '../../std/assert.js'
import { checkArray, checkObject, checkOneOf } from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import type { Message } from '../message.js'
import { keyPartition, StickyPartition } from '../partitioner.js'
import { partitionIdOf, type TopicCache } from '../topic-cache.js'
import { ByteBudget } from './byte-budget.js'
import { chunkBytes, type BatchTerms } from './outgoing-batch.js'
import { PartitionQueue } from './partition-queue.js'
import {
  ACKS_ALLOWED,
  checkProducerOptions,
  type CheckedProducerOptions,
  type ProducerOptions,
} from './producer-options.js'
import { Sender } from './sender.js'

/** Messages for one topic. */
export interface ProducerRecord {
  readonly topic: string
  readonly messages: readonly Message[]
  /** Overrides the producer's `acks`. */
  readonly acks?: Acks
  /** Overrides the producer's `compression`. */
  readonly compression?: 'gzip'
}

/** Messages for several topics. They are appended independently of each other. */
export interface ProducerBatch {
  readonly topicMessages: readonly Pick<ProducerRecord, 'topic' | 'messages'>[]
  readonly acks?: Acks
  readonly compression?: 'gzip'
}

/** Where the messages of one `send` for one partition went. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** The offset of the first of them. */
  readonly baseOffset: number
  /** The timestamp of the first of them, in ms since 1970. */
  readonly timestamp: number
}

export interface ProducerParts {
  readonly host: ClientHost
  readonly connection: Connection
  readonly topics: TopicCache
  readonly codecs: CodecRegistry
}

/** What one send has for one partition, encoded. */
interface Share {
  readonly partition: number
  readonly partitionId: PartitionId
  readonly timestamp: number
  readonly chunks: readonly EncodedChunk[]
}

/**
 * Sends messages. Made by `mq.producer()`.
 *
 * @example
 * const producer = mq.producer({ acks: -1 })
 * await producer.send({ topic: 'orders', messages: [{ key: 'user-7', value: { total: 9.5 } }] })
 */
export class Producer {
  readonly #parts: ProducerParts
  readonly #options: CheckedProducerOptions
  readonly #codec: Codec
  readonly #producerId: ProducerId | undefined
  readonly #queues = new Map<PartitionId, PartitionQueue>()
  readonly #sticky = new Map<TopicName, StickyPartition>()
  /** Sends that wait for a topic's metadata; later ones of the topic wait behind them. */
  readonly #admission = new Map<TopicName, Promise<unknown>>()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #budget: ByteBudget
  readonly #sender: Sender
  readonly #stopListening: () => void
  #isClosed = false

  constructor(parts: ProducerParts, options: ProducerOptions) {
    const { host, connection, codecs } = parts
    this.#parts = parts
    this.#options = checkProducerOptions(options)
    this.#codec = codecs.resolve(this.#options.codec)
    this.#producerId = this.#options.enableIdempotence ? freshProducerId(host) : undefined
    this.#budget = new ByteBudget(this.#options.bufferMemoryBytes)
    this.#sender = new Sender({
      host,
      connection,
      queues: () => this.#queues.values(),
      lingerMs: this.#options.lingerMs,
      deliveryTimeoutMs: this.#options.deliveryTimeoutMs,
      onSettled: (batch) => this.#budget.release(batch.bytes),
    })
    this.#stopListening = connection.events.on('pageHide', () => this.#sender.postAll())
  }

  /** Connects now; without it, the first `send` does. */
  async connect(): Promise<void> {
    await this.#parts.connection.connect()
  }

  /**
   * Sends messages to a topic and resolves when all of them are acknowledged, with one entry per
   * partition they went to. Messages of one producer to one partition keep the order of the calls.
   * When it rejects, messages for other partitions may have been delivered all the same.
   *
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, SERIALIZATION_FAILED,
   *   MESSAGE_TOO_LARGE, INVALID_TIMESTAMP, INVALID_PARTITIONS, STORAGE_FULL, DELIVERY_TIMED_OUT,
   *   CLIENT_CLOSED, INVALID_CONFIG
   */
  async send(record: ProducerRecord): Promise<RecordMetadata[]> {
    return this.#track(this.#send(record))
  }

  /** Several topics at once: see {@link Producer.send}. */
  async sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]> {
    checkObject('sendBatch', batch)
    const { topicMessages, ...terms } = batch
    checkArray('topicMessages', topicMessages)
    const sent = await Promise.all(topicMessages.map((one) => this.send({ ...terms, ...one })))
    return sent.flat()
  }

  /** Sends what lingers, and resolves when every send made before has settled, in whatever way. */
  async flush(): Promise<void> {
    this.#sender.sendAll()
    await Promise.allSettled(this.#underWay)
  }

  /** Flushes, then takes no more. */
  async disconnect(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.flush()
    this.#stopListening()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect()
  }

  async #track<T>(send: Promise<T>): Promise<T> {
    this.#underWay.add(send)
    try {
      return await send
    } finally {
      this.#underWay.delete(send)
    }
  }

  async #send(record: ProducerRecord): Promise<RecordMetadata[]> {
    if (this.#isClosed) throw new TabmqError('CLIENT_CLOSED', 'this producer has disconnected', {})
    checkObject('send', record)
    const topic = parseTopicName(record.topic)
    const { messages, acks = this.#options.acks } = record
    checkArray('messages', messages)
    checkOneOf('acks', acks, ACKS_ALLOWED)
    const compression = record.compression ?? this.#options.compression
    if (compression !== undefined) checkOneOf('compression', compression, ['gzip'])
    if (messages.length === 0) return []

    const known = this.#admission.has(topic) ? undefined : this.#parts.topics.peek(topic)
    const metadata = known ?? (await this.#admit(topic))
    const shares = this.#encode(metadata, messages)
    const bytes = shares.flatMap((share) => share.chunks).reduce((sum, c) => sum + chunkBytes(c), 0)
    if (!this.#budget.tryTake(bytes)) await this.#waitForRoom(bytes)
    const terms = { acks, compression, codecId: this.#codec.id }
    return this.#enqueue(topic, shares, terms)
  }

  /** Sends of one topic leave here in the order in which they came. */
  async #admit(topic: TopicName): Promise<TopicMetadata> {
    const before = this.#admission.get(topic) ?? Promise.resolve()
    const timeoutMs = Math.min(this.#options.deliveryTimeoutMs, CLIENT_DEFAULTS.requestTimeoutMs)
    const admitted = before.then(
      () => this.#parts.topics.get(topic, { timeoutMs }),
      () => this.#parts.topics.get(topic, { timeoutMs }),
    )
    this.#admission.set(topic, admitted)
    try {
      return await admitted
    } finally {
      if (this.#admission.get(topic) === admitted) this.#admission.delete(topic)
    }
  }

  #encode(metadata: TopicMetadata, messages: readonly Message[]): Share[] {
    const nowMs = this.#parts.host.nowMs()
    const byPartition = new Map<number, RecordToEncode[]>()
    messages.forEach((message, index) => {
      const record = toChunkRecord(message, { index, nowMs })
      const partition = this.#partitionFor(metadata, message, record.keyBytes)
      const records = byPartition.get(partition)
      if (records === undefined) byPartition.set(partition, [record])
      else records.push(record)
    })
    return [...byPartition].map(([partition, records]) => ({
      partition,
      partitionId: definedOrThrow(partitionIdOf(metadata, partition), () => `no ${partition}`),
      timestamp: records[0]?.timestampMs ?? nowMs,
      chunks: encodeChunks({
        codec: this.#codec,
        records,
        maxMessageBytes: metadata.config.maxMessageBytes,
        chunkBytesMax: this.#options.batchSize,
      }),
    }))
  }

  #partitionFor(
    { topic, partitionIds }: TopicMetadata,
    message: Message,
    key: Uint8Array | undefined,
  ): number {
    const numPartitions = partitionIds.length
    const { partitioner } = this.#options
    if (message.partition !== undefined) {
      return checkPartition(message.partition, { topic, numPartitions, isPartitioner: false })
    }
    if (partitioner !== undefined) {
      const partition = partitioner({ topic, numPartitions, key, message })
      return checkPartition(partition, { topic, numPartitions, isPartitioner: true })
    }
    if (key !== undefined) return keyPartition(key, numPartitions)
    return this.#stickyOf(topic).current(numPartitions)
  }

  async #enqueue(
    topic: TopicName,
    shares: readonly Share[],
    terms: BatchTerms,
  ): Promise<RecordMetadata[]> {
    const nowMs = this.#parts.host.nowMs()
    const offsets = shares.map(({ partitionId, chunks }) => {
      const queue = this.#queueOf(partitionId)
      return Promise.all(
        chunks.map((chunk) => {
          const { offset, sealed } = queue.add(chunk, terms, nowMs)
          if (sealed !== undefined) {
            this.#sender.prepare(queue, sealed)
            this.#stickyOf(topic).next()
          }
          return offset
        }),
      )
    })
    this.#stickyMovesOn(topic)
    this.#sender.wake()
    const settled = await Promise.all(offsets)
    return shares.map(({ partition, timestamp }, index) => {
      const baseOffset = definedOrThrow(settled[index]?.[0], () => 'a share without a chunk')
      return { topic, partition, baseOffset, timestamp }
    })
  }

  async #waitForRoom(bytes: number): Promise<void> {
    const { deliveryTimeoutMs, bufferMemoryBytes } = this.#options
    let cancelTimer = () => {}
    const late = new Promise<never>((_, reject) => {
      cancelTimer = this.#parts.host.setTimer(deliveryTimeoutMs, () => {
        const message = `no room in ${bufferMemoryBytes} bytes within ${deliveryTimeoutMs} ms`
        reject(new TabmqError('DELIVERY_TIMED_OUT', message, { bytes, bufferMemoryBytes }))
      })
    })
    const room = this.#budget.take(bytes)
    try {
      await Promise.race([room.taken, late])
    } catch (error) {
      room.cancel()
      throw error
    } finally {
      cancelTimer()
    }
  }

  #queueOf(partitionId: PartitionId): PartitionQueue {
    const { batchSize } = this.#options
    const queue =
      this.#queues.get(partitionId) ??
      new PartitionQueue({
        partitionId,
        producerId: this.#producerId,
        batchSize,
        inFlightMax: PRODUCER_DEFAULTS.inFlightBatchesPerPartitionMax,
      })
    this.#queues.set(partitionId, queue)
    return queue
  }

  #stickyOf(topic: TopicName): StickyPartition {
    const sticky = this.#sticky.get(topic) ?? new StickyPartition(() => this.#parts.host.random())
    this.#sticky.set(topic, sticky)
    return sticky
  }

  /** Without lingering, a batch ends with the turn: what is sent next starts one elsewhere. */
  #stickyMovesOn(topic: TopicName): void {
    if (this.#options.lingerMs > 0) return
    queueMicrotask(() => this.#stickyOf(topic).next())
  }
}

function toChunkRecord(
  message: Message,
  { index, nowMs }: { index: number; nowMs: number },
): RecordToEncode {
  checkObject(`messages[${index}]`, message)
  const { key, value, headers, timestamp = nowMs } = message
  if (!isTimestampMs(timestamp)) {
    throw new TabmqError(
      'INVALID_TIMESTAMP',
      `messages[${index}].timestamp is no time in ms: ${describe(timestamp)}`,
      { index, timestamp: describe(timestamp) },
    )
  }
  return {
    keyBytes: keyBytesOf(key, index),
    keyIsString: typeof key === 'string',
    value,
    headers,
    timestampMs: timestamp,
  }
}

function keyBytesOf(key: unknown, index: number): Uint8Array | undefined {
  if (key === undefined || key === null) return undefined
  if (typeof key === 'string') return encodeUtf8(key)
  if (key instanceof Uint8Array) return key
  throw new TabmqError(
    'SERIALIZATION_FAILED',
    `messages[${index}].key must be a string or a Uint8Array, not ${describe(key)}`,
    { index, key: describe(key) },
  )
}

function checkPartition(
  partition: number,
  limits: { topic: TopicName; numPartitions: number; isPartitioner: boolean },
): number {
  const { topic, numPartitions, isPartitioner } = limits
  if (Number.isInteger(partition) && partition >= 0 && partition < numPartitions) return partition
  const what = isPartitioner ? 'the partitioner returned' : 'there is no partition'
  throw new TabmqError(
    isPartitioner ? 'INVALID_PARTITIONS' : 'UNKNOWN_TOPIC_OR_PARTITION',
    `${what} ${describe(partition)}: topic "${topic}" has partitions 0 to ${numPartitions - 1}`,
    { topic, partition: describe(partition), numPartitions },
  )
}

/** 48 random bits. */
function freshProducerId(host: ClientHost): ProducerId {
  return Math.floor(host.random() * 2 ** 48) as ProducerId
}
