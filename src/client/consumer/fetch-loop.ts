/**
 * Keeps the partitions' buffers filled: one fetch for all partitions that have room, answered by the
 * broker as soon as there is something. When a partition becomes fetchable that the fetch under way
 * does not ask for (new, resumed, drained), another fetch replaces it at once: the broker answers
 * the older one, and what it brings is still taken if it is still wanted.
 */
import { fromWireError, hasCode, TabmqError } from '../../protocol/errors.js'
import { CONSUMER_DEFAULTS, REQUEST_PARTITIONS_MAX } from '../../protocol/limits.js'
import type { FetchPartition } from '../../protocol/requests/log.js'
import type { ResponseOf } from '../../protocol/requests/request.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { backoffMs } from '../retry-backoff.js'
import type { CheckedConsumerOptions } from './consumer-options.js'
import type { OwnedPartition } from './owned-partition.js'

const REQUEST_SLACK_MS = 15_000
const FETCH_BACKOFF = { firstMs: 50, maxMs: 2_000 }
/** Less than this is handled before more is asked for: what its handlers send is not to wait for that. */
const AHEAD_BYTES = 16 * 1024

export interface FetchLoopOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly options: CheckedConsumerOptions
  readonly partitions: () => Iterable<OwnedPartition>
  readonly onFetched: () => void
  /** Whether one of its handlers is running. */
  readonly isHandled: (partition: OwnedPartition) => boolean
  /** Whether a deleted topic's partition is an error: where no group takes it away. */
  readonly isFixed: boolean
  /** The position is no longer, or not yet, in the log. */
  readonly onOutOfRange: (partition: OwnedPartition) => Promise<void>
  readonly onError: (error: unknown, partition?: OwnedPartition) => void
}

export class FetchLoop {
  readonly #options: FetchLoopOptions
  readonly #fetcherId: string
  #newest: readonly FetchPartition[] | undefined
  #isRunning = false
  #isWoken = false
  #failures = 0
  /** When what the fetch that failed has asked for is asked for again. */
  #retryAtMs = Infinity
  /** When a partition may be fetched of that may not yet. */
  #fetchableAtMs = Infinity
  #firstPartition = 0
  #cancelTimer: (() => void) | undefined

  constructor(options: FetchLoopOptions) {
    this.#options = options
    this.#fetcherId = options.host.freshId()
  }

  start(): void {
    this.#isRunning = true
    this.wake()
  }

  stop(): void {
    this.#isRunning = false
    this.#cancelTimer?.()
  }

  /** Something changed that may make another partition fetchable. */
  wake(): void {
    if (this.#isWoken || !this.#isRunning) return
    this.#isWoken = true
    queueMicrotask(() => {
      this.#isWoken = false
      if (this.#isRunning) this.#fetchIfNeeded()
    })
  }

  #fetchIfNeeded(): void {
    const nowMs = this.#options.host.nowMs()
    if (this.#retryAtMs <= nowMs) {
      this.#retryAtMs = Infinity
      this.#newest = undefined
    }
    const wanted = this.#wanted(nowMs)
    this.#schedule(nowMs)
    if (wanted.length === 0) return
    const isAskedFor = ({ partitionId, offset }: FetchPartition) =>
      this.#newest?.some((asked) => asked.partitionId === partitionId && asked.offset === offset)
    if (wanted.every(isAskedFor)) return
    this.#newest = wanted
    this.#retryAtMs = Infinity
    void this.#fetch(wanted)
  }

  #wanted(nowMs: number): FetchPartition[] {
    const { options, partitions, isHandled } = this.#options
    const wanted: FetchPartition[] = []
    let bufferedBytes = 0
    this.#fetchableAtMs = Infinity
    for (const partition of partitions()) {
      // What is stuck behind a handler does not count: it would keep all others from being fetched.
      if (!isHandled(partition)) bufferedBytes += partition.bufferedBytes
      const { fetchOffset: offset, partitionId } = partition
      // Nor is anything fetched of what has failed before it may be tried again.
      const notBeforeMs = Math.max(partition.fetchNotBeforeMs, partition.deliverNotBeforeMs)
      // What is being let go takes nothing in any more: asking for it would go on without end.
      if (offset === undefined || partition.isPaused || !partition.isHeld) continue
      if (partition.isStopped) continue
      if (partition.bufferedBytes >= CONSUMER_DEFAULTS.bufferedBytesPerPartitionMax) continue
      if (notBeforeMs > nowMs) this.#fetchableAtMs = Math.min(this.#fetchableAtMs, notBeforeMs)
      else wanted.push({ partitionId, offset, maxBytes: options.maxBytesPerPartition })
    }
    if (bufferedBytes >= 2 * options.maxBytes) return []
    // Each fetch begins with another partition, so that none starves behind the others' bytes.
    this.#firstPartition = (this.#firstPartition + 1) % Math.max(1, wanted.length)
    const inTurn = [...wanted.slice(this.#firstPartition), ...wanted.slice(0, this.#firstPartition)]
    return inTurn.slice(0, REQUEST_PARTITIONS_MAX)
  }

  async #fetch(wanted: readonly FetchPartition[]): Promise<void> {
    const { connection, options, host, onError } = this.#options
    const { maxBytes, minBytes, maxWaitMs } = options
    let newBytes: number
    try {
      const request = {
        api: 'fetch',
        fetcherId: this.#fetcherId,
        partitions: wanted,
        maxBytes,
        minBytes,
        maxWaitMs,
      } as const
      const timeoutMs = maxWaitMs + REQUEST_SLACK_MS
      const reply = await connection.call(request, { isRepeatable: true, timeoutMs })
      // What it brings belongs to a run that is over; the next one fetches for itself.
      if (!this.#isRunning) return
      this.#failures = 0
      newBytes = this.#takeIn(wanted, reply)
    } catch (error) {
      if (!this.#isRunning || hasCode(error, 'CLIENT_CLOSED')) return
      this.#failures += 1
      if (!(error instanceof TabmqError && error.retriable)) onError(error)
      if (this.#newest === wanted) {
        const nowMs = host.nowMs()
        const random = () => host.random()
        this.#retryAtMs = nowMs + backoffMs(this.#failures, { ...FETCH_BACKOFF, random })
        this.#schedule(nowMs)
      }
      return
    }
    if (this.#newest === wanted) this.#newest = undefined
    if (!this.#isRunning) return
    // In another turn at the latest, if handlers wait for something; they have been called by then.
    if (newBytes > 0 && newBytes < AHEAD_BYTES) void host.nextTurn().then(() => this.wake())
    else this.#fetchIfNeeded()
  }

  /** Returns how many bytes of it are new. */
  #takeIn(wanted: readonly FetchPartition[], reply: ResponseOf<'fetch'>): number {
    const offsets = new Map(wanted.map(({ partitionId, offset }) => [partitionId, offset]))
    const byId = new Map([...this.#options.partitions()].map((one) => [one.partitionId, one]))
    let newBytes = 0
    for (const result of reply.partitions) {
      const partition = byId.get(result.partitionId)
      const offset = offsets.get(result.partitionId)
      if (partition === undefined || offset === undefined) continue
      if (result.error === undefined) {
        const bufferedBefore = partition.bufferedBytes
        if (partition.addFetched(offset, result)) {
          newBytes += partition.bufferedBytes - bufferedBefore
        }
      } else if (partition.fetchOffset === offset) {
        // An error for an offset that is no longer wanted says nothing (rule 15).
        this.#onPartitionError(partition, fromWireError(result.error))
      }
    }
    if (newBytes > 0) this.#options.onFetched()
    return newBytes
  }

  #onPartitionError(partition: OwnedPartition, error: TabmqError): void {
    const { host, isFixed, onOutOfRange, onError } = this.#options
    partition.fetchNotBeforeMs = host.nowMs() + FETCH_BACKOFF.maxMs
    if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) {
      void onOutOfRange(partition).then(
        () => this.wake(),
        (reason: unknown) => onError(reason, partition),
      )
    } else if (hasCode(error, 'CORRUPT_MESSAGE')) {
      // It is so on the disk, and stays so: asked again, the broker would say it again.
      partition.stopAt(partition.fetchOffset)
      onError(error, partition)
    } else if (isFixed || !hasCode(error, 'UNKNOWN_TOPIC_OR_PARTITION')) {
      onError(error, partition)
    }
  }

  #schedule(nowMs: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const atMs = Math.min(this.#retryAtMs, this.#fetchableAtMs)
    if (atMs === Infinity) return
    const { host } = this.#options
    this.#cancelTimer = host.setTimer(Math.max(1, atMs - nowMs), () => this.wake())
  }
}
