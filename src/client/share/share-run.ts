/**
 * What a share consumer is from `run` to `stop`: it joins the group, and keeps as many messages at hand as
 * its handlers (share-handlers.ts) get through in a moment. Locks live in the broker: when that dies,
 * what was at hand is somebody's again, and the member joins the next broker.
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { SHARE_CONSUMER_DEFAULTS } from '../../protocol/limits.js'
import { parseMemberId, type MemberId } from '../../protocol/names.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import type { ShareFetchResponse } from '../../protocol/requests/share-groups.js'
import { deferred } from '../../std/deferred.js'
import type { ConsumerParts } from '../consumer/consumer.js'
import type { Subscriptions } from '../consumer/subscriptions.js'
import type { Events } from '../events.js'
import { backoffMs } from '../retry-backoff.js'
import { Acknowledger } from './acknowledger.js'
import { tellCrash } from './crash.js'
import { DeliveredBatches } from './delivered-batches.js'
import { HeldMessage } from './held-message.js'
import { PrefetchEstimate } from './prefetch-estimate.js'
import type { ShareConsumerEvents } from './share-delivery.js'
import { ShareHandlers } from './share-handlers.js'
import type { CheckedShareOptions, CheckedShareRun } from './share-options.js'

export interface ShareRunParts extends ConsumerParts {
  readonly options: CheckedShareOptions
  readonly run: CheckedShareRun
  readonly subscriptions: Subscriptions
  readonly events: Events<ShareConsumerEvents>
  /** Whether a loop gets the messages, which then throws the error that ends the run. */
  readonly isLoop: boolean
  readonly onEnd: () => void
}

const RETRY_BACKOFF = { firstMs: 50, maxMs: 2_000 }
const REQUEST_SLACK_MS = 15_000
/** So long a stop waits for handlers, and then, their signals aborted, a moment more. */
const STOP_MS_MAX = 60_000
const STOP_ABORTED_MS = 1_000
/** And so long for the broker to hear what became of their messages. */
const FLUSH_MS_MAX = 10_000

type Phase = 'running' | 'stopping' | 'over'

export class ShareRun {
  readonly #parts: ShareRunParts
  readonly #memberId: MemberId
  readonly #acknowledger: Acknowledger
  readonly #handlers: ShareHandlers
  readonly #batches: DeliveredBatches
  readonly #prefetch: PrefetchEstimate
  readonly #ended = deferred<{ readonly error: unknown } | undefined>()
  /** Ends what waits: a join, a pause before the next attempt. */
  readonly #end = new AbortController()
  #phase: Phase = 'running'
  #isJoined = false
  /** Of the broker that is there now. */
  #mayBeMember = false
  /** Rises whenever all locks are gone. */
  #lockEpoch = 0
  #isJoining = false
  /** Something changed while it joined: it joins once more. */
  #joinsOnceMore = false
  #fetching: Promise<void> | undefined
  #failures = 0
  #weight: number

  constructor(parts: ShareRunParts) {
    const { host, connection, codecs, options, run, events } = parts
    this.#parts = parts
    this.#memberId = parseMemberId(host.freshId())
    this.#weight = options.weight
    this.#batches = new DeliveredBatches(codecs)
    const { concurrency, maxInFlight } = run
    this.#prefetch = new PrefetchEstimate({ concurrency, maxInFlight })
    this.#acknowledger = new Acknowledger({
      host,
      connection,
      groupId: options.groupId,
      memberId: this.#memberId,
      onLost: (held, error) => this.#handlers.lose(held, error),
      onFailed: (held, error) => tellCrash(parts, error, { willRetry: true, held }),
    })
    this.#handlers = new ShareHandlers({
      host,
      connection,
      options,
      run,
      events,
      acknowledger: this.#acknowledger,
      codecs,
      onHandled: (tookMs) => this.#prefetch.note(tookMs),
      onRoom: () => this.#fetchIfNeeded(),
      beforeGivingBack: () => this.#callOff(),
    })
  }

  /** Resolves when it is over, with the error that ended it if one did. */
  get ended(): Promise<{ readonly error: unknown } | undefined> {
    return this.#ended.promise
  }

  /** Resolves when it is in the group, or when it is stopped meanwhile. */
  async start(): Promise<void> {
    this.#isJoining = true
    try {
      await this.#join()
    } catch (error) {
      // Whoever stopped it meanwhile does not want to hear what became of it.
      if (this.#phase !== 'running') return
      this.#finish(undefined)
      throw error
    } finally {
      this.#isJoining = false
    }
    this.#fetchIfNeeded()
  }

  /** Waits for running handlers, tells what became of their messages, gives back the others, leaves. */
  async stop(): Promise<void> {
    if (this.#phase === 'over') return
    this.#phase = 'stopping'
    this.#end.abort(stopped())
    await this.#callOff()
    await this.#handlersDone()
    this.#handlers.releaseRest()
    await this.#isWithin(this.#acknowledger.flush(), FLUSH_MS_MAX)
    await this.#leave()
    if (this.#isOver()) return
    this.#finish(undefined)
    await this.#parts.events.emit('stop', {})
  }

  resubscribe(): void {
    if (this.#isJoined || this.#isJoining) void this.#joinAgain()
  }

  /** It joins once more: that is how the broker hears of it. */
  setWeight(weight: number): void {
    this.#weight = weight
    this.resubscribe()
  }

  /** The broker is gone, and with it all locks. */
  disconnected(): void {
    const error = new TabmqError('BROKER_UNAVAILABLE', 'the broker went away', {})
    this.#isJoined = false
    this.#mayBeMember = false
    this.#lockEpoch += 1
    this.#batches.forget()
    this.#acknowledger.rejectWaiting(error)
    this.#handlers.loseAll(error)
  }

  connected(): void {
    if (!this.#isJoined) void this.#joinAgain()
  }

  /** The broker has loaded its state again, and knows of no member and no lock. */
  rejoin(): void {
    this.disconnected()
    this.connected()
  }

  /** There is no broker any more, nor will there be one for this page. */
  failed(error: unknown): void {
    if (!this.#isJoining) this.#onFailed(error)
  }

  pageHidden(): void {
    this.#handlers.giveBackBuffered()
    this.#acknowledger.post()
  }

  async #join(): Promise<void> {
    const { connection, events, options } = this.#parts
    const { signal } = this.#end
    this.#mayBeMember = true
    await connection.call(this.#joinRequest(), { isRepeatable: true, signal })
    if (this.#phase !== 'running') return
    this.#isJoined = true
    this.#failures = 0
    void events.emit('groupJoin', { groupId: options.groupId, memberId: this.#memberId })
  }

  #joinRequest(): RequestOf<'joinShareGroup'> {
    const { subscriptions, options } = this.#parts
    const { groupId, lockDurationMs, deliveryCountLimit, deadLetterTopic } = options
    const { orderingKey: isOrderedByKey, autoOffsetReset } = options
    return {
      api: 'joinShareGroup',
      groupId,
      memberId: this.#memberId,
      subscription: subscriptions.toSubscription(),
      options: {
        lockDurationMs,
        deliveryCountLimit,
        deadLetterTopic,
        isOrderedByKey,
        autoOffsetReset,
      },
      weight: this.#weight,
    }
  }

  async #joinAgain(): Promise<void> {
    if (this.#phase !== 'running') return
    if (this.#isJoining) {
      this.#joinsOnceMore = true
      return
    }
    this.#isJoining = true
    let failure: { readonly error: unknown } | undefined
    try {
      do {
        this.#joinsOnceMore = false
        await this.#join()
      } while (this.#joinsOnceMore && this.#phase === 'running')
    } catch (error) {
      failure = { error }
    } finally {
      this.#isJoining = false
    }
    if (failure !== undefined) return this.#onJoinFailed(failure.error)
    this.#fetchIfNeeded()
  }

  async #onJoinFailed(error: unknown): Promise<void> {
    if (this.#phase !== 'running' || hasCode(error, 'CLIENT_CLOSED')) return
    if (!(error instanceof TabmqError && error.retriable)) return this.#onFailed(error)
    tellCrash(this.#parts, error, { willRetry: true })
    await this.#backoff()
    await this.#joinAgain()
  }

  async #leave(): Promise<void> {
    const { connection, options } = this.#parts
    // Also when nobody has heard whether it has joined.
    if (!this.#mayBeMember) return
    this.#isJoined = false
    const { groupId } = options
    try {
      const request = { api: 'leaveShareGroup', groupId, memberId: this.#memberId } as const
      await connection.call(request, { isRepeatable: false })
    } catch {
      // Gone with the broker, or with the session when the tab closes.
    }
  }

  /**
   * Ends the fetch that waits, so that what is given back does not come here again. What was already taken for
   * it still comes.
   */
  async #callOff(): Promise<void> {
    const { connection, options } = this.#parts
    const fetching = this.#fetching
    if (fetching === undefined || !this.#isJoined) return
    const { groupId, maxBytes } = options
    const none = { groupId, memberId: this.#memberId, maxRecords: 0, maxBytes, maxWaitMs: 0 }
    try {
      await connection.call({ api: 'shareFetch', ...none }, { isRepeatable: false })
      await fetching
    } catch {
      // With the broker gone, or the member, nothing comes any more.
    }
  }

  #fetchIfNeeded(): void {
    if (this.#phase !== 'running' || !this.#isJoined || this.#fetching !== undefined) return
    const wanted = this.#prefetch.wanted(this.#handlers.runningForMs)
    const room = wanted - this.#handlers.count
    // Not one by one while there is something to do: half of what there may be.
    if (room <= 0 || (this.#handlers.bufferedCount > 0 && room < wanted / 2)) return
    this.#fetching = this.#fetch(room)
  }

  async #fetch(maxRecords: number): Promise<void> {
    const { connection, options } = this.#parts
    const { groupId, maxBytes } = options
    const { maxWaitMs } = SHARE_CONSUMER_DEFAULTS
    const memberId = this.#memberId
    const kept = this.#batches.keptForNext()
    const epoch = this.#lockEpoch
    try {
      const reply = await connection.call(
        { api: 'shareFetch', groupId, memberId, maxRecords, maxBytes, maxWaitMs, kept },
        { isRepeatable: false, timeoutMs: maxWaitMs + REQUEST_SLACK_MS },
      )
      this.#failures = 0
      // What was delivered by a broker that is gone is somebody else's.
      const delivered = epoch === this.#lockEpoch ? await this.#delivered(reply) : []
      if (epoch === this.#lockEpoch) this.#handlers.take(delivered)
    } catch (error) {
      await this.#onFetchFailed(error)
    } finally {
      this.#fetching = undefined
    }
    this.#fetchIfNeeded()
  }

  async #onFetchFailed(error: unknown): Promise<void> {
    if (this.#phase !== 'running' || hasCode(error, 'CLIENT_CLOSED')) return
    if (hasCode(error, 'UNKNOWN_MEMBER_ID')) {
      this.disconnected()
      return this.#joinAgain()
    }
    // It joins the next broker when there is one.
    if (hasCode(error, 'BROKER_UNAVAILABLE')) return
    if (!(error instanceof TabmqError && error.retriable)) {
      tellCrash(this.#parts, error, { willRetry: true })
    }
    await this.#backoff()
  }

  async #delivered(reply: ShareFetchResponse): Promise<HeldMessage[]> {
    const { host } = this.#parts
    const { acquiredAtMs, lockDurationMs, partitions } = reply
    // The clock may have been set meanwhile: the lock is no longer than it was, nor over before.
    const sinceMs = Math.max(0, Math.min(host.wallMs() - acquiredAtMs, lockDurationMs))
    const lockedUntilMs = host.nowMs() + lockDurationMs - sinceMs
    const delivered: HeldMessage[] = []
    for (const partition of partitions) {
      for (const { range, records, error } of await this.#batches.decode(partition)) {
        const { deliveryCount } = range
        for (const record of records) {
          const lock = { deliveryCount, lockDurationMs, lockedUntilMs }
          const held = new HeldMessage(partition, record, lock)
          if (error === undefined) delivered.push(held)
          else this.#passOn(held, error)
        }
      }
    }
    return delivered.sort(byPriority)
  }

  /** This tab cannot read it, for want of a codec perhaps. Another may; else it dies of its deliveries. */
  #passOn(held: HeldMessage, error: unknown): void {
    const { maxDelayMs } = this.#parts.options.retry
    this.#acknowledger.sayQuietly(held, { type: 'release', delayMs: maxDelayMs })
    tellCrash(this.#parts, error, { willRetry: true, held })
  }

  async #handlersDone(): Promise<void> {
    const done = this.#handlers.stop()
    if (await this.#isWithin(done, STOP_MS_MAX)) return
    this.#handlers.abort(stopped())
    await this.#isWithin(done, STOP_ABORTED_MS)
  }

  #isWithin(done: Promise<void>, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#parts.host.setTimer(ms, () => resolve(false))
      void done.then(() => {
        cancel()
        resolve(true)
      })
    })
  }

  #backoff(): Promise<void> {
    const { host } = this.#parts
    this.#failures += 1
    const random = () => host.random()
    const delayMs = backoffMs(this.#failures, { ...RETRY_BACKOFF, random })
    return new Promise((resolve) => {
      const { signal } = this.#end
      const end = () => {
        cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const cancel = host.setTimer(delayMs, end)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  #onFailed(error: unknown): void {
    if (this.#isOver()) return
    this.#end.abort(error)
    this.#handlers.loseAll(new TabmqError('ABORTED', 'the consumer has failed', {}, error))
    this.#finish({ error })
    // A loop throws it.
    if (this.#parts.isLoop) return
    tellCrash(this.#parts, error, { willRetry: false })
    void this.#parts.events.emit('stop', {})
  }

  #finish(failure: { readonly error: unknown } | undefined): void {
    this.#phase = 'over'
    this.#isJoined = false
    this.#handlers.close()
    this.#acknowledger.close()
    this.#ended.resolve(failure)
    this.#parts.onEnd()
  }

  #isOver(): boolean {
    return this.#phase === 'over'
  }
}

/** They come in the order of offsets; the sort keeps it among equals. */
function byPriority(a: HeldMessage, b: HeldMessage): number {
  return (b.record.priority ?? 0) - (a.record.priority ?? 0)
}

function stopped(): TabmqError {
  return new TabmqError('ABORTED', 'the consumer stops', {})
}
