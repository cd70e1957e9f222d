/**
 * Live views of the cluster. A watch gets a new state when something changed, no oftener than its
 * interval, and none before it has taken the last: a slow or frozen tab holds up nobody and piles up
 * nothing. What a change led to is put together once, when the first watch needs it.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { ClusterState } from '../../protocol/requests/cluster.js'
import type { Clock, Logger, Timer } from '../ports.js'
import type { Session } from './session.js'

interface Watch {
  readonly session: Session
  readonly watchId: string
  readonly intervalMs: number
  isStale: boolean
  isPushing: boolean
  lastPushMs: number
  cancelTimer: (() => void) | undefined
}

export interface WatchesOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly logger: Logger
  readonly limits: BrokerLimits
  readonly clusterState: () => ClusterState
}

export class Watches {
  readonly #options: WatchesOptions
  readonly #bySession = new Map<Session, Map<string, Watch>>()
  /** The cluster as it is, as long as nothing changes. */
  #state: ClusterState | undefined

  constructor(options: WatchesOptions) {
    this.#options = options
  }

  /** How many there are, of all tabs. */
  get size(): number {
    let size = 0
    for (const watches of this.#bySession.values()) size += watches.size
    return size
  }

  /** @throws TabmqError THROTTLING_QUOTA_EXCEEDED */
  open(session: Session, watchId: string, intervalMs: number): ClusterState {
    const watches = this.#bySession.get(session) ?? new Map<string, Watch>()
    this.#bySession.set(session, watches)
    const { sessionWatchesMax } = this.#options.limits
    if (!watches.has(watchId) && watches.size >= sessionWatchesMax) {
      throw new TabmqError(
        'THROTTLING_QUOTA_EXCEEDED',
        `this tab has ${sessionWatchesMax} watches, the most there may be`,
        { sessionWatchesMax },
      )
    }
    this.close(session, watchId)
    const lastPushMs = this.#options.clock.nowMs()
    const flags = { isStale: false, isPushing: false, cancelTimer: undefined }
    watches.set(watchId, { session, watchId, intervalMs, lastPushMs, ...flags })
    return this.#current()
  }

  close(session: Session, watchId: string): void {
    const watches = this.#bySession.get(session)
    watches?.get(watchId)?.cancelTimer?.()
    watches?.delete(watchId)
  }

  sessionEnded(session: Session): void {
    for (const watch of this.#bySession.get(session)?.values() ?? []) watch.cancelTimer?.()
    this.#bySession.delete(session)
  }

  /** Something that a cluster state shows has changed. */
  changed(): void {
    this.#state = undefined
    for (const watches of this.#bySession.values()) {
      for (const watch of watches.values()) {
        watch.isStale = true
        this.#schedule(watch)
      }
    }
  }

  #schedule(watch: Watch): void {
    if (watch.isPushing || watch.cancelTimer !== undefined) return
    const { clock, timer } = this.#options
    const dueInMs = watch.lastPushMs + watch.intervalMs - clock.nowMs()
    // Within the interval also when the clock was set back.
    const delayMs = Math.max(0, Math.min(dueInMs, watch.intervalMs))
    watch.cancelTimer = timer.schedule(delayMs, () => {
      watch.cancelTimer = undefined
      void this.#push(watch)
    })
  }

  async #push(watch: Watch): Promise<void> {
    const { clock, logger } = this.#options
    const { session, watchId } = watch
    watch.isStale = false
    watch.lastPushMs = clock.nowMs()
    let state: ClusterState
    try {
      state = this.#current()
    } catch (error) {
      logger.error('the state of the cluster cannot be shown', error)
      return
    }
    watch.isPushing = true
    await session.port.push({ push: 'clusterState', watchId, state }).catch(() => {
      // The tab could not take it; that it is gone comes by its lock.
    })
    watch.isPushing = false
    const isOpen = this.#bySession.get(session)?.get(watchId) === watch
    if (isOpen && watch.isStale) this.#schedule(watch)
  }

  #current(): ClusterState {
    this.#state ??= this.#options.clusterState()
    return this.#state
  }
}
