/**
 * The cluster's state as an async iteration. The broker pushes; only the newest state is kept for a
 * loop that is busy. When the broker is replaced by another, the watch is opened there again, for as
 * long as that takes.
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import {
  CLIENT_DEFAULTS,
  WATCH_INTERVAL_MS_DEFAULT,
  WATCH_INTERVAL_MS_MIN,
} from '../../protocol/limits.js'
import type { ClusterState } from '../../protocol/requests/cluster.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import { checkInteger, checkNoOthers, checkObject } from '../check-options.js'
import { backoffMs } from '../retry-backoff.js'
import type { AdminParts } from './admin.js'

/** Options of {@link Admin.watch}. */
export interface WatchOptions {
  /** States come no oftener than this, in ms: 20 to 3,600,000. Default 100. */
  readonly intervalMs?: number
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal
}

export async function* watchCluster(
  parts: AdminParts,
  options: WatchOptions,
): AsyncGenerator<ClusterState, void, undefined> {
  checkObject('watch', options)
  checkNoOthers('watch', options, ['intervalMs', 'signal'])
  const { signal, intervalMs = WATCH_INTERVAL_MS_DEFAULT } = options
  checkInteger('intervalMs', intervalMs, { min: WATCH_INTERVAL_MS_MIN, max: 3_600_000 })
  if (signal?.aborted === true) return
  const watch = new Watch(parts, intervalMs)
  const onAbort = () => watch.end()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await watch.begin()
    for (;;) {
      const state = await watch.next()
      if (state === undefined) return
      yield state
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    watch.end()
  }
}

/** One loop's watch. It has a place for one state, in which a newer one replaces the older. */
class Watch {
  readonly #parts: AdminParts
  readonly #watchId: string
  readonly #intervalMs: number
  readonly #ended = new AbortController()
  readonly #stops: (() => void)[]
  #pushes = 0
  #cancelRetry = () => {}
  #state: ClusterState | undefined
  #failure: { readonly error: unknown } | undefined
  #waiting: Deferred<void> | undefined

  constructor(parts: AdminParts, intervalMs: number) {
    const { host, connection } = parts
    this.#parts = parts
    this.#watchId = host.freshId()
    this.#intervalMs = intervalMs
    this.#stops = [
      connection.events.on('push', (message) => {
        if (message.push !== 'clusterState' || message.watchId !== this.#watchId) return
        this.#pushes += 1
        this.#put(message.state)
      }),
      connection.events.on('failed', ({ error }) => this.#fail(error)),
      connection.events.on('closed', () => this.end()),
    ]
  }

  /** Opens it for the first time; what keeps it from that is thrown. */
  async begin(): Promise<void> {
    try {
      await this.#open()
    } catch (error) {
      if (!this.#ended.signal.aborted) throw error
      return
    }
    this.#stops.push(this.#parts.connection.events.on('connected', () => void this.#reopen(1)))
  }

  /** The newest state that was not returned yet; undefined at the end. */
  async next(): Promise<ClusterState | undefined> {
    const { signal } = this.#ended
    while (this.#state === undefined && this.#failure === undefined && !signal.aborted) {
      this.#waiting = deferred()
      await this.#waiting.promise
    }
    if (signal.aborted) return undefined
    if (this.#failure !== undefined) throw this.#failure.error
    const state = this.#state
    this.#state = undefined
    return state
  }

  end(): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    for (const stop of this.#stops) stop()
    this.#cancelRetry()
    this.#wake()
    const { connection } = this.#parts
    if (connection.isClosed) return
    const request = { api: 'unwatch', watchId: this.#watchId } as const
    connection.call(request, { isRepeatable: false }).catch(() => {
      // Without a broker there is no watch either.
    })
  }

  async #open(): Promise<void> {
    const request = {
      api: 'watch',
      watchId: this.#watchId,
      intervalMs: this.#intervalMs,
    } as const
    const pushesBefore = this.#pushes
    const { signal } = this.#ended
    const state = await this.#parts.connection.call(request, { isRepeatable: true, signal })
    // The answer waits for the disk, a push does not: it may be the older of the two.
    if (pushesBefore === this.#pushes) this.#put(state)
  }

  /** Another broker, which knows nothing of this watch. It may die or be slow in its turn. */
  async #reopen(attempt: number): Promise<void> {
    this.#cancelRetry()
    try {
      await this.#open()
    } catch (error) {
      if (this.#ended.signal.aborted) return
      // Without a broker there is nobody to ask; the next connection opens the watch.
      if (hasCode(error, 'BROKER_UNAVAILABLE', 'STORAGE_LOST')) return
      if (error instanceof TabmqError && error.retriable) this.#retryLater(attempt)
      else this.#fail(error)
    }
  }

  #retryLater(attempt: number): void {
    const { host } = this.#parts
    const { reconnectBackoffMs: firstMs, reconnectBackoffMsMax: maxMs } = CLIENT_DEFAULTS
    const waitMs = backoffMs(attempt, { firstMs, maxMs, random: () => host.random() })
    this.#cancelRetry()
    this.#cancelRetry = host.setTimer(waitMs, () => void this.#reopen(attempt + 1))
  }

  #put(state: ClusterState): void {
    this.#state = state
    this.#wake()
  }

  #fail(error: unknown): void {
    this.#failure = { error }
    this.#wake()
  }

  #wake(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }
}
