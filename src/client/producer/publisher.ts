/** The part of a producer that publishes: a line for each exchange, within the producer's memory. */
import type { Codec } from '../../codec/codec.js'
import { TabmqError } from '../../protocol/errors.js'
import type { ExchangeName, ProducerId } from '../../protocol/names.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import type { ByteBudget } from './byte-budget.js'
import { OutgoingPublication, type PublishRecord } from './outgoing-publication.js'
import type { RecordMetadata } from './producer.js'
import type { CheckedProducerOptions } from './producer-options.js'
import { PublishLine } from './publish-line.js'

export interface PublisherParts {
  readonly host: ClientHost
  readonly connection: Connection
  readonly budget: ByteBudget
  readonly producerId: ProducerId
  readonly options: CheckedProducerOptions
}

export class Publisher {
  readonly #parts: PublisherParts
  readonly #lines = new Map<ExchangeName, PublishLine>()
  #waitingBytes = 0

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /** @throws TabmqError see `Producer.publish` */
  async publish(record: PublishRecord, codec: Codec): Promise<RecordMetadata[]> {
    const { host, budget, options } = this.#parts
    const { acks, compression, batchSize } = options
    const nowMs = host.nowMs()
    const times = { nowMs, wallMs: host.wallMs() }
    const publication = new OutgoingPublication(record, {
      codec,
      acks,
      compression,
      batchSize,
      ...times,
    })
    if (publication.batchCount === 0) return []
    const line = this.#lineOf(publication.exchange)
    publication.hasRoom = !line.isWaiting && budget.tryTake(publication.bytes)
    if (!publication.hasRoom) this.#checkWaiting(publication)
    line.add(publication)
    if (compression !== undefined) this.#compress(line, publication)
    return publication.done
  }

  /** The page is going away. */
  postAll(): void {
    for (const line of this.#lines.values()) line.post()
  }

  abandonAll(error: unknown): void {
    for (const line of this.#lines.values()) line.abandon(error)
  }

  #compress(line: PublishLine, publication: OutgoingPublication): void {
    publication.compress().then(
      () => line.run(),
      (error: unknown) => line.giveUp(publication, error),
    )
  }

  /** What waits may be as much as what is on its way; a single one of any size when nothing else does. */
  #checkWaiting({ bytes, done }: OutgoingPublication): void {
    const { bufferMemoryBytes } = this.#parts.options
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > bufferMemoryBytes) {
      throw new TabmqError(
        'THROTTLING_QUOTA_EXCEEDED',
        `more than ${bufferMemoryBytes} bytes (bufferMemoryBytes) would wait to be published`,
        { bytes, bufferMemoryBytes },
      )
    }
    this.#waitingBytes += bytes
    const leave = () => {
      this.#waitingBytes -= bytes
    }
    done.then(leave, leave)
  }

  #lineOf(exchange: ExchangeName): PublishLine {
    const { host, connection, budget, producerId, options } = this.#parts
    const line =
      this.#lines.get(exchange) ??
      new PublishLine({
        host,
        connection,
        budget,
        exchange,
        producerId,
        deliveryTimeoutMs: options.deliveryTimeoutMs,
        onSettled: ({ bytes, hasRoom }) => {
          if (hasRoom) budget.release(bytes)
        },
      })
    this.#lines.set(exchange, line)
    return line
  }
}
