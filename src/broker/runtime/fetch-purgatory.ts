/**
 * Fetches that wait for messages (Kafka calls the place purgatory). A fetch that finds less than
 * `minBytes` stays here until an append, an error, a newer fetch of the same fetcher, the end of its
 * session or its `maxWaitMs` answers it: by an event each time, never by looking again on a timer. Of
 * what a look found only the size is kept, and appends are added to it: what lies on the disk is not
 * read again before it can be enough.
 */
import type { PartitionId, SessionId } from '../../protocol/names.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import type { Timer } from '../ports.js'
import { bytesOf, type FetchResult, type LogReader } from './log-reader.js'

type FetchRequest = RequestOf<'fetch'>
type FetchResponse = ResponseOf<'fetch'>

interface WaitingFetch {
  readonly sessionId: SessionId
  readonly request: FetchRequest
  readonly answer: Deferred<FetchResponse>
  /** Its time is up: the next look answers, whatever it finds. */
  isDue: boolean
  /** What the last look found. */
  foundBytes: number
  /** What became readable since the last look began: it may have found some of it. */
  appendedBytes: number
  /** Set while it is looking, so that what happens meanwhile makes it look again. */
  isLooking: boolean
  lookAgain: boolean
  isOver: boolean
  cancelTimer: () => void
}

export class FetchPurgatory {
  readonly #reader: LogReader
  readonly #timer: Timer
  readonly #byFetcher = new Map<string, WaitingFetch>()
  readonly #byPartition = new Map<PartitionId, Set<WaitingFetch>>()

  constructor(reader: LogReader, timer: Timer) {
    this.#reader = reader
    this.#timer = timer
  }

  get size(): number {
    return this.#byFetcher.size
  }

  fetch(sessionId: SessionId, request: FetchRequest): Promise<FetchResponse> {
    const key = fetcherKey(sessionId, request.fetcherId)
    const older = this.#byFetcher.get(key)
    if (older !== undefined) this.#answer(older, [])
    const waiting: WaitingFetch = {
      sessionId,
      request,
      answer: deferred(),
      isDue: request.maxWaitMs === 0,
      foundBytes: 0,
      appendedBytes: 0,
      isLooking: false,
      lookAgain: false,
      isOver: false,
      cancelTimer: () => {},
    }
    if (!waiting.isDue) {
      waiting.cancelTimer = this.#timer.schedule(request.maxWaitMs, () => {
        waiting.isDue = true
        void this.#look(waiting)
      })
    }
    this.#byFetcher.set(key, waiting)
    for (const { partitionId } of request.partitions) this.#waitersOf(partitionId).add(waiting)
    void this.#look(waiting)
    return waiting.answer.promise
  }

  /** Messages became readable: so many bytes of each partition. */
  partitionsAppended(appended: ReadonlyMap<PartitionId, number>): void {
    for (const [partitionId, bytes] of appended) {
      for (const waiting of this.#byPartition.get(partitionId) ?? []) {
        waiting.appendedBytes += bytes
        if (!waiting.isLooking && mayBeEnough(waiting)) void this.#look(waiting)
      }
    }
  }

  /** Something else happened that a waiting fetch must hear of. */
  partitionsChanged(partitionIds: Iterable<PartitionId>): void {
    for (const partitionId of partitionIds) {
      for (const waiting of this.#byPartition.get(partitionId) ?? []) void this.#look(waiting)
    }
  }

  everythingChanged(): void {
    for (const waiting of this.#byFetcher.values()) void this.#look(waiting)
  }

  sessionEnded(sessionId: SessionId): void {
    for (const waiting of this.#byFetcher.values()) {
      if (waiting.sessionId === sessionId) this.#answer(waiting, [])
    }
  }

  close(): void {
    for (const waiting of this.#byFetcher.values()) this.#answer(waiting, [])
  }

  async #look(waiting: WaitingFetch): Promise<void> {
    if (waiting.isLooking) {
      waiting.lookAgain = true
      return
    }
    waiting.isLooking = true
    const { partitions, maxBytes } = waiting.request
    try {
      do {
        waiting.lookAgain = false
        waiting.appendedBytes = 0
        const results = await this.#reader.fetch(partitions, maxBytes)
        if (waiting.isOver) return
        waiting.foundBytes = results.reduce((sum, result) => sum + bytesOf(result), 0)
        const failed = results.some((result) => result.error !== undefined)
        const isEnough = waiting.foundBytes >= minBytesOf(waiting)
        if (failed || isEnough || waiting.isDue) return this.#answer(waiting, results)
      } while (waiting.lookAgain || mayBeEnough(waiting))
    } catch (error) {
      this.#remove(waiting)
      waiting.answer.reject(error)
    } finally {
      waiting.isLooking = false
    }
  }

  #answer(waiting: WaitingFetch, partitions: readonly FetchResult[]): void {
    if (waiting.isOver) return
    this.#remove(waiting)
    waiting.answer.resolve({ partitions })
  }

  #remove(waiting: WaitingFetch): void {
    waiting.isOver = true
    waiting.cancelTimer()
    const key = fetcherKey(waiting.sessionId, waiting.request.fetcherId)
    if (this.#byFetcher.get(key) === waiting) this.#byFetcher.delete(key)
    for (const { partitionId } of waiting.request.partitions) {
      const waiters = this.#byPartition.get(partitionId)
      waiters?.delete(waiting)
      if (waiters?.size === 0) this.#byPartition.delete(partitionId)
    }
  }

  #waitersOf(partitionId: PartitionId): Set<WaitingFetch> {
    const waiters = this.#byPartition.get(partitionId) ?? new Set()
    this.#byPartition.set(partitionId, waiters)
    return waiters
  }
}

/** Not more than it may get, which would never be reached. */
function minBytesOf({ request }: WaitingFetch): number {
  return Math.min(request.minBytes, request.maxBytes)
}

function mayBeEnough(waiting: WaitingFetch): boolean {
  return waiting.foundBytes + waiting.appendedBytes >= minBytesOf(waiting)
}

function fetcherKey(sessionId: SessionId, fetcherId: string): string {
  return `${sessionId} ${fetcherId}`
}
