/**
 * The cluster's state as an async iteration. The broker pushes; only the newest state is kept for a
 * loop that is busy. When the broker is replaced by another, the watch is opened there again.
 */
import { WATCH_INTERVAL_MS_DEFAULT, WATCH_INTERVAL_MS_MIN } from '../../protocol/limits.js'
import type { ClusterState } from '../../protocol/requests.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import { checkInteger, checkNoOthers, checkObject } from '../check-options.js'
import type { AdminParts } from './admin.js'

export interface WatchOptions {
  /** States come no oftener than this, in ms. Default 100. */
  readonly intervalMs?: number
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

export async function* watchCluster(
  { host, connection }: AdminParts,
  options: WatchOptions,
): AsyncGenerator<ClusterState, void, undefined> {
  checkObject('watch', options)
  checkNoOthers('watch', options, ['intervalMs', 'signal'])
  const { signal, intervalMs = WATCH_INTERVAL_MS_DEFAULT } = options
  checkInteger('intervalMs', intervalMs, { min: WATCH_INTERVAL_MS_MIN, max: 3_600_000 })
  const watchId = host.freshId()
  const latest = new Latest()
  let pushes = 0
  const open = async () => {
    const request = { api: 'watch', watchId, intervalMs } as const
    const pushesBefore = pushes
    const state = await connection.call(request, { isRepeatable: true, signal })
    // The answer waits for the disk, a push does not: it may be the older of the two.
    if (pushes === pushesBefore) latest.put(state)
  }
  const reopen = () => {
    open().catch((error: unknown) => latest.fail(error))
  }
  const stops = [
    connection.events.on('push', (message) => {
      if (message.push !== 'clusterState' || message.watchId !== watchId) return
      pushes += 1
      latest.put(message.state)
    }),
    connection.events.on('closed', () => latest.end()),
  ]
  const onAbort = () => latest.end()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal?.aborted === true) return
    try {
      await open()
    } catch (error) {
      if (latest.isOver) return
      throw error
    }
    stops.push(connection.events.on('connected', reopen))
    for (;;) {
      const state = await latest.next()
      if (state === undefined) return
      yield state
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    for (const stop of stops) stop()
    if (!connection.isClosed) {
      connection.call({ api: 'unwatch', watchId }, { isRepeatable: false }).catch(() => {
        // Without a broker there is no watch either.
      })
    }
  }
}

/** A place for one value, in which a newer one replaces the older. */
class Latest {
  #state: ClusterState | undefined
  #waiting: Deferred<void> | undefined
  #error: { readonly error: unknown } | undefined
  #isOver = false

  get isOver(): boolean {
    return this.#isOver
  }

  put(state: ClusterState): void {
    this.#state = state
    this.#wake()
  }

  fail(error: unknown): void {
    this.#error = { error }
    this.#wake()
  }

  end(): void {
    this.#isOver = true
    this.#wake()
  }

  async next(): Promise<ClusterState | undefined> {
    while (this.#state === undefined && this.#error === undefined && !this.#isOver) {
      this.#waiting = deferred()
      await this.#waiting.promise
    }
    if (this.#isOver) return undefined
    if (this.#error !== undefined) throw this.#error.error
    const state = this.#state
    this.#state = undefined
    return state
  }

  #wake(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }
}
