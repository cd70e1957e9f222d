/**
 * Takes batches from the partitions' queues, puts those that can go together into one request, and
 * sees each through: answered, sent again, or given up when its delivery time is over. It runs when
 * something was added, answered or is due; between these it does nothing.
 *
 * Much at once goes off at once, so that the broker writes it while the next is encoded; not so what is
 * spread over many partitions, where each row costs more than what is in it. With enough
 * on its way for the broker to have work until an answer comes, what is added meanwhile stays
 * together, in fewer and larger batches.
 */
import { fromWireError, hasCode, TabmqError } from '../../protocol/errors.js'
import {
  CLIENT_DEFAULTS,
  PRODUCER_DEFAULTS,
  PRODUCER_EXPIRATION_MS,
  PRODUCE_REQUEST_BYTES_MAX,
  REQUEST_PARTITIONS_MAX,
} from '../../protocol/limits.js'
import type { Acks, PartitionBatch } from '../../protocol/requests/log.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { backoffMs } from '../retry-backoff.js'
import type { OutgoingBatch } from './outgoing-batch.js'
import type { PartitionQueue } from './partition-queue.js'

const ACKS: readonly Acks[] = [1, -1, 0]

/** From so many bytes on, in as large batches, a send waits for no others to go along. */
const AT_ONCE_BYTES = 16 * 1024
const AT_ONCE_BATCH_BYTES = 1024
/** One that is being written, and one that is written next. */
const IN_FLIGHT_REQUESTS = 2
const IN_FLIGHT_BYTES = 64 * 1024

export interface SenderOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly queues: () => Iterable<PartitionQueue>
  /** How long a batch waits for more at this moment. */
  readonly lingerMs: () => number
  readonly deliveryTimeoutMs: number
  /** Called for each batch that takes no more messages. */
  readonly onSealed: (queue: PartitionQueue) => void
  /** Called for each batch that was answered or given up, with its size. */
  readonly onSettled: (batch: OutgoingBatch) => void
}

interface Taken {
  readonly queue: PartitionQueue
  readonly batch: OutgoingBatch
}

export class Sender {
  readonly #options: SenderOptions
  #isWoken = false
  /** Those with which something was sent last are last. */
  readonly #acksInTurn = [...ACKS]
  /** With the next request the queues after this one are first: it had no room for them. */
  #cutOffAfter: PartitionQueue | undefined
  /** Requests that are not answered yet, and the bytes in them. */
  #inFlight = 0
  #inFlightBytes = 0
  #wakeup: { readonly atMs: number; readonly cancel: () => void } | undefined

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Something was added: sends in a moment, so that what little is added in the same turn goes along. */
  wake(added: { readonly bytes: number; readonly batches: number }): void {
    const { bytes, batches } = added
    if (bytes >= AT_ONCE_BYTES && bytes >= batches * AT_ONCE_BATCH_BYTES) return this.run()
    if (this.#isWoken) return
    this.#isWoken = true
    queueMicrotask(() => {
      this.#isWoken = false
      this.run()
    })
  }

  /** The queue's partition is not there any more: everything in it fails. */
  abandon(queue: PartitionQueue, error: unknown): void {
    for (const batch of queue.abandon()) this.#fail(batch, error)
  }

  /** A batch takes no more messages; a compressed one is sent when its compression is done. */
  sealed(queue: PartitionQueue, batch: OutgoingBatch): void {
    this.#options.onSealed(queue)
    if (batch.terms.compression === undefined) return
    batch.compress().then(
      () => this.run(),
      (error: unknown) => {
        queue.discard(batch)
        this.#fail(batch, error)
      },
    )
  }

  run(): void {
    const nowMs = this.#options.host.nowMs()
    const lingerMs = this.#options.lingerMs()
    for (const queue of this.#options.queues()) {
      this.#expire(queue, nowMs)
      const openSinceMs = queue.openSinceMs
      const isDue = openSinceMs !== undefined && openSinceMs + lingerMs <= nowMs
      if (isDue && !this.#isBusy) this.#seal(queue)
    }
    while (!this.#isBusy && this.#sendNext(nowMs));
    this.#schedule(nowMs)
  }

  /** Sends whatever is there, without lingering. */
  sendAll(): void {
    for (const queue of this.#options.queues()) this.#seal(queue)
    this.run()
  }

  /**
   * The page is going away: posts what is there without waiting for answers. Should the page come
   * back, all of it is sent again, and the broker recognises what it has.
   */
  postAll(): void {
    const nowMs = this.#options.host.nowMs()
    for (const queue of this.#options.queues()) this.#seal(queue)
    const posted: Taken[] = []
    let postedBefore: number
    do {
      postedBefore = posted.length
      for (const acks of ACKS) {
        const taken = this.#take(acks, nowMs)
        if (taken.length > 0) this.#options.connection.post(produceRequest(acks, taken))
        posted.push(...taken)
      }
      // Again from the first: behind what was taken may be what has other acks.
    } while (posted.length > postedBefore)
    // Not before all of it is posted: what is to be tried again could be taken again at once.
    for (const { queue, batch } of posted) queue.retry(batch, nowMs)
    this.#schedule(nowMs)
  }

  /** Whether the broker has enough to do for this producer until the next answer comes. */
  get #isBusy(): boolean {
    return this.#inFlight >= IN_FLIGHT_REQUESTS && this.#inFlightBytes >= IN_FLIGHT_BYTES
  }

  /** Of those whose turn it is: what is sent with other acks does not hold them up for good. */
  #sendNext(nowMs: number): boolean {
    for (const [index, acks] of this.#acksInTurn.entries()) {
      if (!this.#sendOne(acks, nowMs)) continue
      this.#acksInTurn.push(...this.#acksInTurn.splice(index, 1))
      return true
    }
    return false
  }

  #sendOne(acks: Acks, nowMs: number): boolean {
    const taken = this.#take(acks, nowMs)
    if (taken.length === 0) return false
    const bytes = taken.reduce((sum, { batch }) => sum + batch.bytes, 0)
    this.#inFlight += 1
    this.#inFlightBytes += bytes
    void this.#send(acks, taken).finally(() => {
      this.#inFlight -= 1
      this.#inFlightBytes -= bytes
      this.run()
    })
    return true
  }

  #take(acks: Acks, nowMs: number): Taken[] {
    const taken: Taken[] = []
    const wallMs = this.#options.host.wallMs()
    let bytes = 0
    const queues = [...this.#options.queues()]
    const first = this.#cutOffAfter === undefined ? 0 : queues.indexOf(this.#cutOffAfter) + 1
    let cutOffAfter: PartitionQueue | undefined
    for (const queue of [...queues.slice(first), ...queues.slice(0, first)]) {
      const batch = queue.take({ nowMs, wallMs }, acks)
      if (batch === undefined) continue
      batch.triedSinceMs ??= wallMs
      taken.push({ queue, batch })
      bytes += batch.bytes
      const isFull = bytes >= PRODUCE_REQUEST_BYTES_MAX
      if (!isFull && taken.length < REQUEST_PARTITIONS_MAX) continue
      cutOffAfter = queue
      break
    }
    if (taken.length > 0) this.#cutOffAfter = cutOffAfter
    return taken
  }

  async #send(acks: Acks, taken: readonly Taken[]): Promise<void> {
    const { connection, host, deliveryTimeoutMs } = this.#options
    // As long as any of them may wait: one that may not is given up by itself.
    const createdAtMs = Math.max(...taken.map(({ batch }) => batch.createdAtMs))
    const leftMs = createdAtMs + deliveryTimeoutMs - host.nowMs()
    try {
      // Not repeatable as a call: the queues repeat it in order, under the same numbers.
      const reply = await connection.call(produceRequest(acks, taken), {
        isRepeatable: false,
        timeoutMs: Math.max(1, Math.min(leftMs, CLIENT_DEFAULTS.requestTimeoutMs)),
        isMoot: () => taken.some(({ batch }) => this.#isForgotten(batch)),
      })
      const results = new Map(reply.results.map((result) => [result.partitionId, result]))
      for (const { queue, batch } of taken) {
        if (batch.isSettled) continue
        const result = results.get(queue.partitionId)
        if (result === undefined) {
          this.#failed({ queue, batch }, new TabmqError('REQUEST_TIMED_OUT', 'no answer', {}))
        } else if (result.error !== undefined) {
          this.#failed({ queue, batch }, fromWireError(result.error))
        } else {
          queue.succeeded(batch, host.wallMs())
          batch.succeed(result)
          this.#options.onSettled(batch)
        }
      }
    } catch (error) {
      for (const one of taken) this.#failed(one, error)
    }
  }

  #failed({ queue, batch }: Taken, error: unknown): void {
    if (batch.isSettled) return
    const { host } = this.#options
    batch.lastError = error
    if (hasCode(error, 'OUT_OF_ORDER_SEQUENCE_NUMBER') && isBehind(error)) {
      queue.outOfOrder(batch, host.nowMs())
    } else if (error instanceof TabmqError && error.retriable) {
      const waitMs = backoffMs(batch.attempts, {
        firstMs: PRODUCER_DEFAULTS.retryBackoffMs,
        maxMs: PRODUCER_DEFAULTS.retryBackoffMsMax,
        random: () => host.random(),
      })
      queue.retry(batch, host.nowMs() + waitMs)
    } else {
      queue.giveUp(batch)
      this.#fail(batch, error)
    }
  }

  #expire(queue: PartitionQueue, nowMs: number): void {
    const { deliveryTimeoutMs } = this.#options
    const isOld = (batch: OutgoingBatch) => batch.createdAtMs < nowMs - deliveryTimeoutMs
    for (const batch of queue.takeLate((one) => isOld(one) || this.#isForgotten(one))) {
      const message = isOld(batch)
        ? `not delivered within ${deliveryTimeoutMs} ms`
        : 'not known to be delivered, and too long ago to find out by sending it again'
      const details = { deliveryTimeoutMs, attempts: batch.attempts }
      this.#fail(batch, new TabmqError('DELIVERY_TIMED_OUT', message, details, batch.lastError))
    }
  }

  /**
   * It is so long, by the clock that may have been set or have gone on while everybody slept, since it
   * was first sent that the broker may have forgotten the producer, and would append it once more.
   */
  #isForgotten({ producer, triedSinceMs }: OutgoingBatch): boolean {
    if (producer === undefined || triedSinceMs === undefined) return false
    return this.#options.host.wallMs() - triedSinceMs >= PRODUCER_EXPIRATION_MS
  }

  #fail(batch: OutgoingBatch, error: unknown): void {
    if (batch.isSettled) return
    batch.fail(error)
    this.#options.onSettled(batch)
  }

  #seal(queue: PartitionQueue): void {
    const sealed = queue.seal()
    if (sealed !== undefined) this.sealed(queue, sealed)
  }

  /** Wakes for the first batch that has lingered enough, may be tried again, or is too old. */
  #schedule(nowMs: number): void {
    const { host, deliveryTimeoutMs } = this.#options
    const lingerMs = this.#options.lingerMs()
    let atMs = Infinity
    for (const queue of this.#options.queues()) {
      // An answer comes first, and runs it anyway.
      if (!this.#isBusy) {
        atMs = Math.min(
          atMs,
          (queue.openSinceMs ?? Infinity) + lingerMs,
          queue.retryAtMs ?? Infinity,
        )
      }
      if (queue.oldestMs !== undefined) {
        atMs = Math.min(atMs, queue.oldestMs + deliveryTimeoutMs + 1)
      }
    }
    if (this.#wakeup?.atMs === atMs) return
    this.#wakeup?.cancel()
    this.#wakeup = undefined
    if (atMs === Infinity) return
    const cancel = host.setTimer(Math.max(1, atMs - nowMs), () => {
      this.#wakeup = undefined
      this.run()
    })
    this.#wakeup = { atMs, cancel }
  }
}

function produceRequest(acks: Acks, taken: readonly Taken[]): RequestOf<'produce'> {
  const batches = taken.map(({ queue, batch }): PartitionBatch => ({
    partitionId: queue.partitionId,
    batch: batch.toBuffer(),
    ...(batch.isRepeat ? { isRepeat: true } : {}),
  }))
  return { api: 'produce', acks, batches }
}

/** Whether the broker expects an earlier number: it lost batches that had been acknowledged. */
function isBehind(error: TabmqError): boolean {
  const { expectedSequence, baseSequence } = error.details
  return Number(expectedSequence) < Number(baseSequence)
}
