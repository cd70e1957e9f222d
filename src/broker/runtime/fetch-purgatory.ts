/**
 * Fetches that wait for messages (Kafka calls the place purgatory). A fetch that finds less than
 * `minBytes` stays here until an append, an error, a newer fetch of the same fetcher, the end of its
 * session or its `maxWaitMs` answers it: by an event each time, never by looking again on a timer. Of
 * what a look found only the size is kept, and appends are added to it: what lies on the disk is not
 * read again before it can be enough.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId, SessionId } from '../../protocol/names.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
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
  readonly #limits: BrokerLimits
  readonly #bySession = new Map<SessionId, Map<string, WaitingFetch>>()
  readonly #byPartition = new Map<PartitionId, Set<WaitingFetch>>()

  constructor(reader: LogReader, timer: Timer, limits: BrokerLimits) {
    this.#reader = reader
    this.#timer = timer
    this.#limits = limits
  }

  get size(): number {
    let size = 0
    for (const own of this.#bySession.values()) size += own.size
    return size
  }

  /** @throws TabmqError THROTTLING_QUOTA_EXCEEDED */
  fetch(sessionId: SessionId, wanted: FetchRequest): Promise<FetchResponse> {
    const older = this.#bySession.get(sessionId)?.get(wanted.fetcherId)
    if (older !== undefined) this.#answer(older, [])
    const request = { ...wanted, maxBytes: this.#grant(sessionId, wanted.maxBytes) }
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
    const own = this.#bySession.get(sessionId) ?? new Map<string, WaitingFetch>()
    this.#bySession.set(sessionId, own.set(request.fetcherId, waiting))
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
    for (const waiting of this.#all()) void this.#look(waiting)
  }

  sessionEnded(sessionId: SessionId): void {
    for (const waiting of this.#bySession.get(sessionId)?.values() ?? []) {
      this.#answer(waiting, [])
    }
  }

  close(): void {
    for (const waiting of this.#all()) this.#answer(waiting, [])
  }

  #all(): WaitingFetch[] {
    return [...this.#bySession.values()].flatMap((own) => [...own.values()])
  }

  /**
   * What a fetch may bring: as much as it asks for, as long as the tab's fetches together stay below
   * their limit, and a part that is always there else. How many bytes come is the broker's to say, so
   * that a tab with many consumers is served in smaller pieces and not refused.
   */
  #grant(sessionId: SessionId, maxBytes: number): number {
    const { sessionFetchesMax, sessionFetchBytesMax } = this.#limits
    const own = this.#bySession.get(sessionId)
    if (own === undefined) return maxBytes
    if (own.size >= sessionFetchesMax) {
      throw new TabmqError(
        'THROTTLING_QUOTA_EXCEEDED',
        `this tab has ${sessionFetchesMax} fetches waiting, the most there may be`,
        { sessionFetchesMax },
      )
    }
    let granted = 0
    for (const { request } of own.values()) granted += request.maxBytes
    const share = Math.ceil(sessionFetchBytesMax / sessionFetchesMax)
    return Math.min(maxBytes, Math.max(share, sessionFetchBytesMax - granted))
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
        // What is in memory answers in the turn in which it became readable.
        const results =
          this.#reader.fetchAtOnce(partitions, maxBytes) ??
          (await this.#reader.fetch(partitions, {
            maxBytes,
            whose: waiting.sessionId,
            isMoot: () => waiting.isOver,
          }))
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
    const { sessionId, request } = waiting
    const own = this.#bySession.get(sessionId)
    if (own?.get(request.fetcherId) === waiting) own.delete(request.fetcherId)
    if (own?.size === 0) this.#bySession.delete(sessionId)
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
