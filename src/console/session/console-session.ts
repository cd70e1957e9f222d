/**
 * The console's connection: what it knows of the broker, and how it stands with it. One watch brings the
 * whole state, twice a second at the most, however much is going on; while the page is hidden there is none.
 */
import type { Admin, ClusterState, Tabmq } from '../../index.js'
import { errorCode } from '../format/error-text.js'
import type { Route } from '../route.js'
import { hasPlace } from './has-place.js'
import { isMoving, NO_RATES, RateMeter, type Rates } from './rates.js'

const WATCH_INTERVAL_MS = 500
const RETRY_MS = 2_000
/** So long what was made is waited for. While the page is hidden, or no broker is there, nothing is heard of it. */
const SEEN_WITHIN_MS = 5_000
/** So often rates are reckoned anew while the watch has nothing to show. */
const RATES_MS = 1_000

/**
 * `lost`: there was a connection, and the client looks for the next broker by itself. `closed`: the page has
 * closed its client, and no other connection can come of that one.
 */
export type Link =
  | { readonly status: 'connecting' | 'connected' | 'lost' | 'closed' }
  | { readonly status: 'failed'; readonly error: unknown }

/** Never changed: each state of it is an object of its own. */
export interface SessionState {
  readonly link: Link
  /** The last that was heard of; undefined before that. */
  readonly cluster: ClusterState | undefined
  readonly rates: Rates
  /** The stored data were deleted since the console was opened. */
  readonly isDataLost: boolean
}

export interface SessionOptions {
  readonly mq: Tabmq
  /** Whether to close the client with the session. */
  readonly ownsClient: boolean
}

export class ConsoleSession {
  readonly mq: Tabmq
  readonly #ownsClient: boolean
  readonly #closed = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #stops: (() => void)[]
  #meter = new RateMeter()
  #watching: AbortController | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #reckoning: ReturnType<typeof setTimeout> | undefined
  #state: SessionState = {
    link: { status: 'connecting' },
    cluster: undefined,
    rates: NO_RATES,
    isDataLost: false,
  }

  constructor({ mq, ownsClient }: SessionOptions) {
    this.mq = mq
    this.#ownsClient = ownsClient
    const onVisibility = () => this.#followPage()
    document.addEventListener('visibilitychange', onVisibility)
    this.#stops = [
      () => document.removeEventListener('visibilitychange', onVisibility),
      mq.on('disconnected', () => this.#lose()),
      mq.on('superseded', ({ error }) => this.#set({ link: { status: 'failed', error } })),
      mq.on('storageLost', () => this.#set({ isDataLost: true })),
    ]
    this.#followPage()
  }

  get admin(): Admin {
    return this.mq.admin()
  }

  get state(): SessionState {
    return this.#state
  }

  /** Returns a function that stops listening. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** After a failure, without waiting for the next try. */
  retryNow(): void {
    if (this.#state.link.status !== 'failed') return
    this.#set({ link: { status: 'connecting' } })
    this.#watch()
  }

  forgetLoss(): void {
    this.#set({ isDataLost: false })
  }

  /**
   * Whether a state has come, or comes in time, that has what `route` leads to: what was just made is in the
   * next one only. Not after an abort.
   */
  async sees(route: Route, signal: AbortSignal): Promise<boolean> {
    const isSeen = () => this.#state.cluster !== undefined && hasPlace(this.#state.cluster, route)
    if (isSeen()) return true
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        stop()
        resolve()
      }
      const timer = setTimeout(end, SEEN_WITHIN_MS)
      signal.addEventListener('abort', end)
      const stop = this.onChange(() => isSeen() && end())
      if (signal.aborted) end()
    })
    return isSeen()
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort()
    for (const stop of this.#stops) stop()
    this.#unwatch()
    this.#listeners.clear()
    if (this.#ownsClient) await this.mq.close()
  }

  /** A client that was closed disconnects, too. */
  #lose(): void {
    if (this.#state.link.status !== 'closed') this.#set({ link: { status: 'lost' } })
  }

  #followPage(): void {
    if (document.visibilityState === 'hidden') this.#unwatch()
    else if (this.#watching === undefined) this.#watch()
  }

  #unwatch(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#reckoning)
    this.#watching?.abort()
    this.#watching = undefined
  }

  #watch(): void {
    this.#unwatch()
    const watching = new AbortController()
    this.#watching = watching
    this.#meter = new RateMeter()
    void this.#follow(watching.signal)
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      // Gives up sooner than a call does, and says why.
      await this.mq.connect({ signal })
      for await (const cluster of this.admin.watch({ intervalMs: WATCH_INTERVAL_MS, signal })) {
        const rates = this.#meter.next(cluster)
        this.#set({ cluster, rates, link: { status: 'connected' } })
        this.#reckonLater({ rates, atMs: cluster.atMs, shownMs: performance.now() })
      }
      // Else a watch ends with the client only.
      if (!signal.aborted) this.#set({ link: { status: 'closed' } })
    } catch (error) {
      if (signal.aborted) return
      if (errorCode(error) === 'CLIENT_CLOSED') return this.#set({ link: { status: 'closed' } })
      this.#set({ link: { status: 'failed', error } })
      this.#retry = setTimeout(() => this.#watch(), RETRY_MS)
    }
  }

  /** Rates fall while nothing happens, of which the watch says nothing. */
  #reckonLater(shown: { rates: Rates; atMs: number; shownMs: number }): void {
    clearTimeout(this.#reckoning)
    if (!isMoving(shown.rates) || this.#watching === undefined) return
    this.#reckoning = setTimeout(() => {
      const rates = this.#meter.at(shown.atMs + performance.now() - shown.shownMs)
      this.#set({ rates })
      this.#reckonLater({ ...shown, rates })
    }, RATES_MS)
  }

  #set(change: Partial<SessionState>): void {
    if (this.#closed.signal.aborted) return
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }
}
