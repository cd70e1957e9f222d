/**
 * The producer: it finds each message's partition, encodes what one `send` has for a partition as
 * one chunk, and queues it. The sender does the rest. Values are encoded while `send` runs, so that
 * what cannot be encoded rejects that call alone and later changes of an object change nothing.
 * Where that takes what only the broker knows, a copy waits for the answer.
 */
import { encodeChunks, type EncodedChunk } from '../../codec/chunk.js'
import type { Codec } from '../../codec/codec.js'
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { TabmqError } from '../../protocol/errors.js'
import {
  CHUNK_BYTES_MAX,
  PRODUCER_DEFAULTS,
  PRODUCER_EXPIRATION_MS,
} from '../../protocol/limits.js'
import {
  describe,
  detailOf,
  parseTopicName,
  type PartitionId,
  type ProducerId,
  type TopicName,
} from '../../protocol/names.js'
import type { Acks } from '../../protocol/requests/log.js'
import type { TopicMetadata } from '../../protocol/requests/topics.js'
import { definedOrThrow } from '../../std/assert.js'
import { allEnded } from '../../std/promises.js'
import {
  checkArray,
  checkNoOthers,
  checkObject,
  checkObjects,
  checkOneOf,
} from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import type { Message } from '../message.js'
import { exchangesPart } from '../parts.js'
import { keyPartition, StickyPartition } from '../partitioner.js'
import { partitionIdOf, type TopicCache } from '../topic-cache.js'
import { ByteBudget } from './byte-budget.js'
import {
  shareResult,
  type ChunkResult,
  type DuplicateMessage,
  type MessageIdsOfShare,
} from './chunk-result.js'
import { chunkBytes, type BatchTerms } from './outgoing-batch.js'
import type { PublishRecord } from './outgoing-publication.js'
import { RecordCopier, toOutgoingRecord, type OutgoingRecord } from './outgoing-record.js'
import { PartitionQueue } from './partition-queue.js'
import {
  ACKS_ALLOWED,
  checkProducerOptions,
  type CheckedProducerOptions,
  type ProducerOptions,
} from './producer-options.js'
import type { Publisher } from './publisher.js'
import { SendLine } from './send-line.js'
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
  /** The offset of the first of them that was stored. */
  readonly baseOffset: number
  /** The timestamp of the first of them, in ms since 1970. */
  readonly timestamp: number
  /**
   * All of them were there already, under their `messageId`, and none was stored: `partition` and
   * `baseOffset` say where the first is.
   */
  readonly duplicate?: true
  /** Those that were there already; absent where none was. The others were stored. */
  readonly duplicates?: readonly DuplicateMessage[]
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
  readonly messageIds: MessageIdsOfShare
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
  readonly #copier: RecordCopier
  readonly #producerId: ProducerId | undefined
  readonly #queues = new Map<PartitionId, PartitionQueue>()
  readonly #sticky = new Map<TopicName, StickyPartition>()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #budget: ByteBudget
  readonly #line: SendLine<RecordMetadata[]>
  readonly #sender: Sender
  #publisher: Publisher | undefined
  /** Of exchanges: until it is loaded, publications wait, in their order. */
  #loading: Promise<{ readonly Publisher: typeof Publisher }> | undefined
  #publicationsWaiting = 0
  readonly #stopListening: (() => void)[]
  readonly #onDisconnect: () => void
  #flushes = 0
  #disconnecting: Promise<void> | undefined

  constructor(parts: ProducerParts, options: ProducerOptions, onDisconnect: () => void) {
    const { host, connection, topics, codecs } = parts
    this.#parts = parts
    this.#onDisconnect = onDisconnect
    this.#options = checkProducerOptions(options)
    this.#codec = codecs.resolve(this.#options.codec)
    this.#copier = new RecordCopier(this.#codec, codecs)
    this.#producerId = this.#options.enableIdempotence ? freshProducerId(host) : undefined
    const { bufferMemoryBytes, deliveryTimeoutMs, lingerMs } = this.#options
    const budget = new ByteBudget(bufferMemoryBytes)
    this.#budget = budget
    this.#line = new SendLine({
      host,
      topics,
      budget,
      deliveryTimeoutMs,
      bytesMax: bufferMemoryBytes,
    })
    this.#sender = new Sender({
      host,
      connection,
      queues: () => this.#queues.values(),
      lingerMs: () => (this.#flushes > 0 ? 0 : lingerMs),
      deliveryTimeoutMs,
      onSealed: ({ topic }) => this.#stickyOf(topic).next(),
      onSettled: (batch) => this.#budget.release(batch.bytes),
    })
    this.#stopListening = [
      connection.events.on('pageHide', () => {
        this.#sender.postAll()
        this.#publisher?.postAll()
      }),
      connection.events.on('forget', ({ error }) => this.#onStorageLost(error)),
    ]
  }

  /** Connects now; without it, the first `send` does. */
  async connect(): Promise<void> {
    await this.#parts.connection.connect()
  }

  /**
   * Sends messages to a topic and resolves when all of them are acknowledged, with one entry per
   * partition they went to. Messages of one producer to one partition keep the order of the calls.
   * When it rejects, nothing of it is under way any more, but messages for other partitions may have
   * been delivered all the same.
   *
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, SERIALIZATION_FAILED,
   *   MESSAGE_TOO_LARGE, INVALID_TIMESTAMP, INVALID_PARTITIONS, STORAGE_FULL, STORAGE_LOST,
   *   DELIVERY_TIMED_OUT, UNKNOWN_PRODUCER_ID, THROTTLING_QUOTA_EXCEEDED (as much waits for room as
   *   `bufferMemoryBytes` allows: await some of the sends before this one), CLIENT_CLOSED,
   *   INVALID_CONFIG
   */
  async send(record: ProducerRecord): Promise<RecordMetadata[]> {
    return this.#track(this.#send(record))
  }

  /** Several topics at once: see {@link Producer.send}. */
  async sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]> {
    checkObject('sendBatch', batch)
    checkNoOthers('sendBatch', batch, ['topicMessages', 'acks', 'compression'])
    const { topicMessages, ...terms } = batch
    checkObjects('topicMessages', topicMessages)
    const sent = await allEnded(topicMessages.map((one) => this.send({ ...terms, ...one })))
    return sent.flat()
  }

  /**
   * Publishes messages to an exchange, which leads them to topics: see `admin.bind`. Resolves when they are
   * in all of these, with an entry for each partition they went to; with none when there was no topic
   * for them. They are in all of the topics or in none, and in each once, whatever becomes of the broker
   * meanwhile. What one producer publishes to one exchange keeps its order.
   *
   * Each topic has its own partition for a key, the one that `send` would choose; a `partitioner` is
   * not asked.
   *
   * @throws TabmqError UNKNOWN_EXCHANGE, UNROUTABLE_MESSAGE (`mandatory`, and there is no topic),
   *   MESSAGE_TOO_LARGE (for one of the topics, or in all of them together), POLICY_VIOLATION (it goes
   *   through too many exchanges), SERIALIZATION_FAILED, INVALID_TIMESTAMP, STORAGE_FULL, STORAGE_LOST,
   *   DELIVERY_TIMED_OUT, UNKNOWN_PRODUCER_ID, THROTTLING_QUOTA_EXCEEDED, CLIENT_CLOSED, INVALID_CONFIG
   *
   * @example
   * await producer.publish({
   *   exchange: 'events',
   *   routingKey: 'order.eu.created',
   *   messages: [{ key: 'order-17', value: { total: 9.5 } }],
   * })
   */
  async publish(record: PublishRecord): Promise<RecordMetadata[]> {
    if (this.#disconnecting !== undefined) throw disconnectedError()
    return this.#track(this.#publish(record))
  }

  /** Sends what lingers, and resolves when every send made before has settled, in whatever way. */
  async flush(): Promise<void> {
    this.#flushes += 1
    this.#sender.sendAll()
    await Promise.allSettled(this.#underWay)
    this.#flushes -= 1
  }

  /** Flushes, then takes no more. */
  disconnect(): Promise<void> {
    this.#disconnecting ??= this.flush().then(() => {
      for (const stop of this.#stopListening) stop()
      this.#onDisconnect()
    })
    return this.#disconnecting
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect()
  }

  /**
   * The partitions that it has queues for are gone, with their numbers and whatever waits in them. What
   * is sent from now on looks its topic up again.
   */
  #onStorageLost(error: unknown): void {
    this.#line.rejectAll(error)
    this.#publisher?.abandonAll(error)
    const queues = [...this.#queues.values()]
    this.#queues.clear()
    for (const queue of queues) this.#sender.abandon(queue, error)
  }

  async #track<T>(send: Promise<T>): Promise<T> {
    this.#underWay.add(send)
    try {
      return await send
    } finally {
      this.#underWay.delete(send)
    }
  }

  #publish(record: PublishRecord): Promise<RecordMetadata[]> {
    const { loaded } = exchangesPart
    if (loaded === undefined || this.#publicationsWaiting > 0) return this.#publishLater(record)
    return this.#publisherOf(loaded).publish(record, this.#codec)
  }

  async #publishLater(record: PublishRecord): Promise<RecordMetadata[]> {
    const copy = this.#copyOf(record)
    let published: Promise<RecordMetadata[]>
    this.#publicationsWaiting += 1
    try {
      // The same promise for all, so that they go on in their order.
      this.#loading ??= exchangesPart.load()
      const loaded = await this.#loading
      published = this.#publisherOf(loaded).publish(copy, this.#copier.codec)
    } catch (error) {
      this.#loading = undefined
      throw error
    } finally {
      this.#publicationsWaiting -= 1
    }
    return published
  }

  #publisherOf(loaded: { readonly Publisher: typeof Publisher }): Publisher {
    const { host, connection } = this.#parts
    this.#publisher ??= new loaded.Publisher({
      host,
      connection,
      budget: this.#budget,
      producerId: this.#producerId ?? freshProducerId(host),
      options: this.#options,
    })
    return this.#publisher
  }

  #copyOf(record: PublishRecord): PublishRecord {
    checkObject('publish', record)
    checkArray('messages', record.messages)
    if (record.messages.length === 0) return record
    const wallMs = this.#parts.host.wallMs()
    const records = record.messages.map((message, position) =>
      toOutgoingRecord(message, { position, wallMs }),
    )
    const messages = this.#copier.copy(records).records.map(({ message, value, headers }) => {
      return { ...message, value, ...(headers === undefined ? {} : { headers }) }
    })
    return { ...record, ...(record.headers && { headers: { ...record.headers } }), messages }
  }

  async #send(record: ProducerRecord): Promise<RecordMetadata[]> {
    if (this.#disconnecting !== undefined) throw disconnectedError()
    checkObject('send', record)
    checkNoOthers('send', record, ['topic', 'messages', 'acks', 'compression'])
    const topic = parseTopicName(record.topic)
    const { messages, acks = this.#options.acks } = record
    checkArray('messages', messages)
    checkOneOf('acks', acks, ACKS_ALLOWED)
    const compression = record.compression ?? this.#options.compression
    if (compression !== undefined) checkOneOf('compression', compression, ['gzip'])
    if (messages.length === 0) return []

    const { host } = this.#parts
    const nowMs = host.nowMs()
    const wallMs = host.wallMs()
    const terms = { acks, compression, codecId: this.#codec.id }
    const records = messages.map((message, position) =>
      toOutgoingRecord(message, { position, wallMs }),
    )
    const encode = (metadata: TopicMetadata, those: readonly OutgoingRecord[], codec: Codec) => {
      const shares = this.#encode(metadata, those, codec)
      const bytes = shares.flatMap((one) => one.chunks).reduce((sum, c) => sum + chunkBytes(c), 0)
      return { bytes, enqueue: () => this.#enqueue(topic, shares, { terms, nowMs }) }
    }
    const known = this.#line.isWaiting(topic) ? undefined : this.#parts.topics.peek(topic)
    const place = { topic, sentAtMs: nowMs }
    if (known === undefined) {
      const copies = this.#copier.copy(records)
      return this.#line.add({
        ...place,
        bytes: copies.bytes,
        encode: (metadata) => encode(metadata, copies.records, this.#copier.codec),
      })
    }
    const encoded = encode(known, records, this.#codec)
    if (this.#budget.tryTake(encoded.bytes)) return encoded.enqueue()
    return this.#line.add({ ...place, bytes: encoded.bytes, encode: () => encoded })
  }

  #encode(metadata: TopicMetadata, records: readonly OutgoingRecord[], codec: Codec): Share[] {
    const byPartition = new Map<number, [OutgoingRecord, ...OutgoingRecord[]]>()
    for (const record of records) {
      const partition = this.#partitionFor(metadata, record)
      const there = byPartition.get(partition)
      if (there === undefined) byPartition.set(partition, [record])
      else there.push(record)
    }
    return [...byPartition].map(([partition, records]) => ({
      partition,
      partitionId: definedOrThrow(partitionIdOf(metadata, partition), () => `no ${partition}`),
      timestamp: records[0].timestampMs,
      chunks: encodeChunks({
        codec,
        records,
        maxMessageBytes: metadata.config.maxMessageBytes,
        chunkBytesMax: Math.min(this.#options.batchSize, CHUNK_BYTES_MAX),
      }),
      messageIds: messageIdsOf(records),
    }))
  }

  #partitionFor(
    { topic, partitionIds }: TopicMetadata,
    { partition, keyBytes: key, message }: OutgoingRecord,
  ): number {
    const numPartitions = partitionIds.length
    const { partitioner } = this.#options
    if (partition !== undefined) {
      return checkPartition(partition, { topic, numPartitions, isPartitioner: false })
    }
    if (partitioner !== undefined) {
      const chosen = partitioner({ topic, numPartitions, key, message })
      return checkPartition(chosen, { topic, numPartitions, isPartitioner: true })
    }
    if (key !== undefined) return keyPartition(key, numPartitions)
    return this.#stickyOf(topic).current(numPartitions)
  }

  async #enqueue(
    topic: TopicName,
    shares: readonly Share[],
    { terms, nowMs }: { terms: BatchTerms; nowMs: number },
  ): Promise<RecordMetadata[]> {
    let bytes = 0
    const results: Promise<ChunkResult>[] = []
    /** Of each share, which of the results is its first. */
    const firsts: number[] = []
    for (const { partitionId, chunks } of shares) {
      const queue = this.#queueOf(topic, partitionId)
      firsts.push(results.length)
      for (const chunk of chunks) {
        bytes += chunkBytes(chunk)
        const { done, sealed } = queue.add(chunk, terms, nowMs)
        if (sealed !== undefined) this.#sender.sealed(queue, sealed)
        results.push(done)
      }
    }
    this.#sender.wake({ bytes, batches: results.length })
    const settled = await allEnded(results)
    return shares.map(({ timestamp, ...share }, index) => {
      const result = shareResult(settled.slice(firsts[index], firsts[index + 1]), share)
      return { topic, timestamp, ...result }
    })
  }

  #queueOf(topic: TopicName, partitionId: PartitionId): PartitionQueue {
    const { batchSize } = this.#options
    const queue =
      this.#queues.get(partitionId) ??
      new PartitionQueue({
        topic,
        partitionId,
        producerId: this.#producerId,
        batchSize,
        inFlightMax: PRODUCER_DEFAULTS.inFlightBatchesPerPartitionMax,
        // Half, since what is sent now is written a while later.
        rememberedMs: PRODUCER_EXPIRATION_MS / 2,
      })
    this.#queues.set(partitionId, queue)
    return queue
  }

  #stickyOf(topic: TopicName): StickyPartition {
    const sticky = this.#sticky.get(topic) ?? new StickyPartition(() => this.#parts.host.random())
    this.#sticky.set(topic, sticky)
    return sticky
  }
}

function disconnectedError(): TabmqError {
  return new TabmqError('CLIENT_CLOSED', 'this producer has disconnected', {})
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
    { topic, partition: detailOf(partition), numPartitions },
  )
}

function messageIdsOf(records: readonly OutgoingRecord[]): MessageIdsOfShare {
  if (records.every(({ message }) => message.messageId === undefined)) return undefined
  return records.map(({ message }) => message.messageId)
}

/** 48 random bits. */
function freshProducerId(host: ClientHost): ProducerId {
  return Math.floor(host.random() * 2 ** 48) as ProducerId
}
