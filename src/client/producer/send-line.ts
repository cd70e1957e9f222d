/**
 * Sends that cannot be queued at once, because their topic is not known yet or because there is no
 * room. Those of one topic leave in the order in which they came, and none that comes later leaves
 * before them. All that waits for an answer leaves in one go when it comes, and so shares batches.
 * A caller that does not await its sends is not held up by any of this, so what waits has a limit.
 */
import { TabmqError } from '../../protocol/errors.js'
import { PRODUCER_DEFAULTS } from '../../protocol/limits.js'
import type { TopicName } from '../../protocol/names.js'
import type { TopicMetadata } from '../../protocol/requests/topics.js'
import type { ClientHost } from '../host.js'
import { backoffMs } from '../retry-backoff.js'
import type { TopicCache } from '../topic-cache.js'
import type { ByteBudget } from './byte-budget.js'
import { Fifo } from './fifo.js'

/** A send once it is encoded: how much room it takes, and how it is queued. */
export interface EncodedSend<R> {
  readonly bytes: number
  readonly enqueue: () => Promise<R>
}

export interface WaitingSend<R> {
  readonly topic: TopicName
  /** How much memory it takes while it waits. */
  readonly bytes: number
  readonly sentAtMs: number
  /** Called once, when the topic is known; what it throws rejects this send alone. */
  readonly encode: (metadata: TopicMetadata) => EncodedSend<R>
}

export interface SendLineOptions {
  readonly host: ClientHost
  readonly topics: TopicCache
  readonly budget: ByteBudget
  readonly deliveryTimeoutMs: number
  /** How many bytes may wait; a send that is larger may when nothing else does. */
  readonly bytesMax: number
}

interface Place<R> {
  readonly send: WaitingSend<R>
  readonly resolve: (queued: Promise<R>) => void
  readonly reject: (error: unknown) => void
  /** How many came before it. */
  readonly order: number
  /** It was rejected where it stands, and leaves when its turn comes. */
  isOver: boolean
}

export class SendLine<R> {
  readonly #options: SendLineOptions
  readonly #lines = new Map<TopicName, Fifo<Place<R>>>()
  readonly #places = new Set<Place<R>>()
  #bytes = 0
  #count = 0

  constructor(options: SendLineOptions) {
    this.#options = options
  }

  /** Whether sends to this topic wait, so that another has to wait behind them. */
  isWaiting(topic: TopicName): boolean {
    return this.#lines.has(topic)
  }

  /**
   * @throws TabmqError THROTTLING_QUOTA_EXCEEDED, DELIVERY_TIMED_OUT, UNKNOWN_TOPIC_OR_PARTITION, or
   *   what `encode` throws
   */
  async add(send: WaitingSend<R>): Promise<R> {
    const { bytesMax } = this.#options
    if (this.#bytes > 0 && this.#bytes + send.bytes > bytesMax) throw fullError(send, bytesMax)
    this.#bytes += send.bytes
    return new Promise((resolve, reject) => {
      const place = { send, resolve, reject, order: this.#count++, isOver: false }
      this.#places.add(place)
      const line = this.#lines.get(send.topic)
      if (line !== undefined) {
        line.push(place)
        return
      }
      const newLine = new Fifo<Place<R>>()
      newLine.push(place)
      this.#lines.set(send.topic, newLine)
      void this.#serve(send.topic, newLine)
    })
  }

  /** Rejects all that waits now. What it was encoded for is not there any more. */
  rejectAll(error: unknown): void {
    for (const place of this.#places) {
      place.isOver = true
      place.reject(error)
    }
  }

  async #serve(topic: TopicName, line: Fifo<Place<R>>): Promise<void> {
    for (let { first } = line; first !== undefined; { first } = line) {
      const metadata = this.#options.topics.peek(topic) ?? (await this.#ask(first, line))
      if (metadata === undefined) continue
      // Without waiting where that can be: what leaves in one go shares batches.
      const encoded = this.#encode(first, metadata)
      if (encoded !== undefined) {
        const isIn =
          this.#options.budget.tryTake(encoded.bytes) || (await this.#room(first, encoded))
        if (isIn) this.#enqueue(first, encoded)
      }
      this.#leave(line)
    }
    this.#lines.delete(topic)
  }

  #encode(place: Place<R>, metadata: TopicMetadata): EncodedSend<R> | undefined {
    if (place.isOver) return undefined
    try {
      return place.send.encode(metadata)
    } catch (error) {
      place.reject(error)
      return undefined
    }
  }

  #enqueue(place: Place<R>, encoded: EncodedSend<R>): void {
    if (place.isOver) this.#options.budget.release(encoded.bytes)
    else place.resolve(encoded.enqueue())
  }

  #leave(line: Fifo<Place<R>>): Place<R> | undefined {
    const place = line.shift()
    if (place !== undefined) this.#places.delete(place)
    this.#bytes -= place?.send.bytes ?? 0
    return place
  }

  /** What the topic is like; undefined when that cannot be known and whoever asked was told. */
  async #ask(first: Place<R>, line: Fifo<Place<R>>): Promise<TopicMetadata | undefined> {
    const { host, topics } = this.#options
    const { topic } = first.send
    for (let attempt = 1; ; attempt++) {
      const askedFor = this.#count
      try {
        return await this.#inTime(first.send, topics.get(topic))
      } catch (error) {
        if (first.isOver) {
          this.#leave(line)
          return undefined
        }
        if (error instanceof LateError) {
          this.#leave(line)
          first.reject(error.reason)
          return undefined
        }
        if (!(error instanceof TabmqError && error.retriable)) {
          // The answer is the same for all who waited when it was asked for. Since then the topic may
          // have been made, and whoever came after that has to find it.
          while (line.first !== undefined && line.first.order < askedFor) {
            this.#leave(line)?.reject(error)
          }
          return undefined
        }
      }
      const { retryBackoffMs: firstMs, retryBackoffMsMax: maxMs } = PRODUCER_DEFAULTS
      const waitMs = backoffMs(attempt, { firstMs, maxMs, random: () => host.random() })
      await new Promise<void>((resolve) => {
        host.setTimer(waitMs, resolve)
      })
    }
  }

  /** Waits for room; false when the send was rejected because there was none in time. */
  async #room({ send, reject }: Place<R>, { bytes }: EncodedSend<R>): Promise<boolean> {
    const room = this.#options.budget.take(bytes)
    try {
      await this.#inTime(send, room.taken)
      return true
    } catch (error) {
      room.cancel()
      reject(error instanceof LateError ? error.reason : error)
      return false
    }
  }

  /** @throws LateError when the send's time is over first */
  async #inTime<T>(send: WaitingSend<R>, work: Promise<T>): Promise<T> {
    const { host, deliveryTimeoutMs } = this.#options
    const leftMs = send.sentAtMs + deliveryTimeoutMs - host.nowMs()
    let cancelTimer = () => {}
    const late = new Promise<never>((_, reject) => {
      cancelTimer = host.setTimer(Math.max(1, leftMs), () => {
        reject(new LateError(send.topic, deliveryTimeoutMs))
      })
    })
    try {
      return await Promise.race([work, late])
    } finally {
      cancelTimer()
    }
  }
}

function fullError({ topic, bytes }: WaitingSend<unknown>, bufferMemoryBytes: number): TabmqError {
  return new TabmqError(
    'THROTTLING_QUOTA_EXCEEDED',
    `more than ${bufferMemoryBytes} bytes (bufferMemoryBytes) would wait to be sent`,
    { topic, bytes, bufferMemoryBytes },
  )
}

/** The send's own time is over, which says nothing about the sends behind it. */
class LateError extends Error {
  readonly reason: TabmqError

  constructor(topic: TopicName, deliveryTimeoutMs: number) {
    super()
    this.reason = new TabmqError(
      'DELIVERY_TIMED_OUT',
      `not delivered within ${deliveryTimeoutMs} ms: no broker answered, or there was no room`,
      { topic, deliveryTimeoutMs },
    )
  }
}
