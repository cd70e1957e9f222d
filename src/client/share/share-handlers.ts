/**
 * The handlers of a share consumer: hands out what is at hand, as many messages at once as may be, and says
 * what became of them. What a message is told to be by `acknowledge` counts before what its handler
 * returns or throws.
 */
import { REJECT_REASON_LENGTH_MAX } from '../../protocol/limits.js'
import { TabmqError } from '../../protocol/errors.js'
import { deferred } from '../../std/deferred.js'
import { checkOneOf, invalidOption } from '../check-options.js'
import { LoopLeft } from '../consumer/message-iterator.js'
import type { Connection } from '../connection.js'
import type { Events } from '../events.js'
import type { CodecRegistry } from '../../codec/codec-registry.js'
import type { ClientHost } from '../host.js'
import { encodeChanges } from '../store/store-changes.js'
import { NOBODY_ASKED, PendingAnswer } from '../request/reply.js'
import { lockLost, type Acknowledger, type Said } from './acknowledger.js'
import { tellCrash } from './crash.js'
import type { HeldMessage } from './held-message.js'
import { MOMENT_MS } from './prefetch-estimate.js'
import type {
  Acknowledgement,
  AcknowledgeOptions,
  ShareConsumerEvents,
  ShareDelivery,
} from './share-delivery.js'
import { checkDelay, type CheckedShareOptions, type CheckedShareRun } from './share-options.js'

/** Handlers that wait for nothing follow one another for so long, then the page has its turn. */
const STRETCH_MS_MAX = 10
/** What is at hand and gets no handler for so long is given back. */
const PATIENCE_MS = 4 * MOMENT_MS

export interface ShareHandlersOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly options: CheckedShareOptions
  readonly run: CheckedShareRun
  readonly acknowledger: Acknowledger
  readonly codecs: CodecRegistry
  readonly events: Events<ShareConsumerEvents>
  /** So long the handler of a message took. */
  readonly onHandled: (tookMs: number) => void
  /** Sees to it that what is given back does not come back to this member. */
  readonly beforeGivingBack: () => Promise<void>
  /** There may be room for more messages. */
  readonly onRoom: () => void
}

interface Failure {
  readonly error: unknown
}

export class ShareHandlers {
  readonly #options: ShareHandlersOptions
  /** At hand and not handled yet, in the order in which they are to be. */
  readonly #buffered: HeldMessage[] = []
  /** With the moment at which its handler began; in that order. */
  readonly #handled = new Map<HeldMessage, number>()
  /** Their handlers have returned and left it to `acknowledge`. */
  readonly #unsettled = new Set<HeldMessage>()
  #isStopped = false
  #isPumping = false
  #idle = deferred<void>()
  /** Runs while something waits here for a handler. */
  #cancelPatience: (() => void) | undefined
  #lockTimer: { readonly atMs: number; readonly cancel: () => void } | undefined

  constructor(options: ShareHandlersOptions) {
    this.#options = options
  }

  /** How many messages this member has. */
  get count(): number {
    return this.#buffered.length + this.#handled.size + this.#unsettled.size
  }

  /** How many of them no handler has begun with. */
  get bufferedCount(): number {
    return this.#buffered.length
  }

  /** For how long the handler has been at it that began first. */
  get runningForMs(): number {
    for (const sinceMs of this.#handled.values()) return this.#options.host.nowMs() - sinceMs
    return 0
  }

  /** Takes what was delivered; once stopped, it is given back. */
  take(delivered: readonly HeldMessage[]): void {
    this.#buffered.push(...delivered)
    if (this.#isStopped) this.giveBackBuffered()
    else void this.#pump()
  }

  /** For others at once, and as if this member had never had it. */
  giveBackBuffered(): void {
    for (const held of this.#buffered.splice(0)) {
      if (!held.isSettled) this.#say(held, { type: 'return' })
    }
  }

  /** Starts no more handlers; resolves when none runs. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.giveBackBuffered()
    if (this.#handled.size > 0) await this.#idle.promise
  }

  /** Tells the handlers that still run to end. */
  abort(reason: TabmqError): void {
    for (const held of this.#handled.keys()) held.abort(reason)
  }

  /** Those that nobody has acknowledged, and nobody will any more, are for others. */
  releaseRest(): void {
    for (const held of [...this.#handled.keys(), ...this.#unsettled]) {
      if (!held.isSettled) this.#say(held, { type: 'release', delayMs: 0 })
    }
    this.#unsettled.clear()
  }

  /** All locks are gone: with the broker, or because there will be none any more. */
  loseAll(error: TabmqError): void {
    for (const held of this.#buffered.splice(0)) held.lose(error)
    // Of those of which something was said, the acknowledger knows.
    for (const held of [...this.#handled.keys(), ...this.#unsettled]) {
      if (!held.isSettled) this.lose(held, lockLost(held, error))
    }
  }

  /** Somebody else may have the message: also when it was handled, and nobody had heard of that. */
  lose(held: HeldMessage, error: TabmqError): void {
    this.#unsettled.delete(held)
    if (held.isLost) return
    held.lose(error)
    const { topic, partition } = held.partition
    const { deliveryCount, record } = held
    const { offset } = record
    void this.#options.events.emit('lockLost', { topic, partition, offset, deliveryCount })
  }

  close(): void {
    this.#isStopped = true
    this.#cancelPatience?.()
    this.#lockTimer?.cancel()
    this.#lockTimer = undefined
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    const { host, run, onRoom } = this.#options
    let stretchSinceMs = host.nowMs()
    while (!this.#isStopped && this.#handled.size < run.concurrency) {
      const held = this.#buffered.shift()
      if (held === undefined) break
      if (!this.#begin(held)) continue
      // What it has to say goes out, and what is to come is asked for, while others are handled.
      onRoom()
      if (host.nowMs() - stretchSinceMs < STRETCH_MS_MAX) continue
      await host.nextTurn()
      stretchSinceMs = host.nowMs()
    }
    this.#isPumping = false
    this.#watchBuffered()
    onRoom()
  }

  /**
   * What waits here was meant to wait for a moment. When its handlers take longer than the last ones did, it
   * is for others: they may have nothing to do.
   */
  #watchBuffered(): void {
    this.#cancelPatience?.()
    this.#cancelPatience = undefined
    if (this.#buffered.length === 0 || this.#isStopped) return
    this.#cancelPatience = this.#options.host.setTimer(PATIENCE_MS, () => {
      void this.#options.beforeGivingBack().then(() => this.giveBackBuffered())
    })
  }

  /** Calls the handler; returns whether there was anything to call it with. */
  #begin(held: HeldMessage): boolean {
    const { host, run, options } = this.#options
    if (held.isLost) return false
    const nowMs = host.nowMs()
    if (!held.isSettled) {
      const leftMs = held.lockedUntilMs - nowMs
      if (leftMs <= 0) {
        held.lose(lockLost(held, undefined))
        return false
      }
      // It has waited here for so long that its handler might not be done in time.
      if (options.acknowledgement === 'onDelivery') this.#say(held, { type: 'accept' })
      else if (leftMs < held.lockDurationMs / 2) this.#renewQuietly(held)
    }
    this.#handled.set(held, nowMs)
    try {
      const returned = run.eachMessage(this.#deliveryOf(held))
      if (isThenable(returned) || run.transactionalStore !== undefined) {
        this.#watchLock(held)
        void this.#untilDone(held, nowMs, returned)
      } else {
        this.#done(held, nowMs, undefined)
      }
    } catch (error) {
      this.#done(held, nowMs, { error })
    }
    return true
  }

  async #untilDone(held: HeldMessage, sinceMs: number, returned: unknown) {
    let failure: Failure | undefined
    try {
      await this.#acceptWithChanges(held, await returned)
    } catch (error) {
      failure = { error }
    }
    this.#done(held, sinceMs, failure)
    void this.#pump()
  }

  /**
   * Its handler is at it until that is durable: the next one may read what it has changed. What changes
   * nothing need not be waited for.
   */
  async #acceptWithChanges(held: HeldMessage, returned: unknown): Promise<void> {
    const { run, options, codecs, acknowledger } = this.#options
    const { transactionalStore } = run
    if (transactionalStore === undefined || options.acknowledgement !== 'onReturn') return
    if (held.isSettled) return
    const store = encodeChanges(codecs, transactionalStore, returned)
    if (store === undefined) return
    held.isSettled = true
    try {
      await acknowledger.say(held, { type: 'accept', store })
    } catch (error) {
      // Somebody else may have the message: that was told.
      if (held.isLost) return
      held.isSettled = false
      throw error
    }
  }

  #done(held: HeldMessage, sinceMs: number, failure: Failure | undefined): void {
    const { host, options, onHandled } = this.#options
    this.#handled.delete(held)
    onHandled(host.nowMs() - sinceMs)
    if (failure !== undefined) this.#onHandlerFailed(held, failure.error)
    else if (!held.isSettled && options.acknowledgement === 'explicit') this.#leave(held)
    else if (!held.isSettled) this.#say(held, { type: 'accept' })
    if (this.#handled.size > 0) return
    this.#idle.resolve()
    this.#idle = deferred()
  }

  /** To `acknowledge`, until its lock is over. */
  #leave(held: HeldMessage): void {
    this.#unsettled.add(held)
    this.#watchLock(held)
  }

  #onHandlerFailed(held: HeldMessage, error: unknown): void {
    const willRetry = !held.isSettled
    if (error instanceof LoopLeft) {
      if (willRetry) this.#say(held, { type: 'release', delayMs: 0 })
      return
    }
    if (willRetry && this.#options.options.acknowledgement === 'explicit') this.#leave(held)
    else if (willRetry) this.#say(held, { type: 'release', delayMs: this.#retryDelayMs(held) })
    const comesAgain = held.comesAgain || (willRetry && !this.#isLastDelivery(held))
    // What is lost is another's, and it may still answer.
    if (!comesAgain && !held.isLost) held.answer?.fail(error)
    tellCrash(this.#options, error, { willRetry, held })
  }

  #say(held: HeldMessage, said: Said): void {
    held.isSettled = true
    this.#options.acknowledger.sayQuietly(held, said)
  }

  #isLastDelivery({ deliveryCount }: HeldMessage): boolean {
    return deliveryCount >= this.#options.options.deliveryCountLimit
  }

  #deliveryOf(held: HeldMessage): ShareDelivery {
    const { topic, partition } = held.partition
    const { replyTo } = held.record
    if (replyTo !== undefined) held.answer = new PendingAnswer(this.#options.connection, replyTo)
    return {
      topic,
      partition,
      message: held.record,
      deliveryCount: held.deliveryCount,
      get signal() {
        return held.signal
      },
      acknowledge: (type, options) => this.#acknowledge(held, type, options),
      renew: () => this.#renew(held),
      reply: held.answer?.reply ?? NOBODY_ASKED,
    }
  }

  async #acknowledge(
    held: HeldMessage,
    type: Acknowledgement,
    options: AcknowledgeOptions = {},
  ): Promise<void> {
    const said = this.#checked(held, type, options)
    if (held.isLost) throw lockLost(held, undefined)
    if (held.isSettled) {
      const { offset } = held.record
      throw new TabmqError('ILLEGAL_STATE', 'this message was acknowledged before', { offset })
    }
    held.isSettled = true
    held.comesAgain = type === 'release' && !this.#isLastDelivery(held)
    this.#unsettled.delete(held)
    this.#options.onRoom()
    await this.#options.acknowledger.say(held, said)
    if (type !== 'accept' && !held.comesAgain) held.answer?.fail(rejected(said))
  }

  #checked(
    held: HeldMessage,
    type: Acknowledgement,
    { delayMs, reason, store }: AcknowledgeOptions,
  ): Said {
    checkOneOf('acknowledge', type, ['accept', 'release', 'reject'])
    if (delayMs !== undefined) checkDelay(delayMs)
    if (store !== undefined && type !== 'accept') {
      throw invalidOption('store', store, `absent for a ${type}`)
    }
    if (type === 'release') return { type, delayMs: delayMs ?? this.#retryDelayMs(held) }
    if (type === 'accept') return { type, ...this.#changes(store) }
    if (reason === undefined) return { type }
    if (typeof reason !== 'string' || reason.length > REJECT_REASON_LENGTH_MAX) {
      const expected = `a string of at most ${REJECT_REASON_LENGTH_MAX} characters`
      throw invalidOption('reason', reason, expected)
    }
    return { type, reason }
  }

  #changes(changes: AcknowledgeOptions['store']): Pick<Said, 'store'> {
    if (changes === undefined) return {}
    const { codecs, run } = this.#options
    if (run.transactionalStore === undefined) {
      throw new TabmqError('INVALID_CONFIG', 'run was told of no transactionalStore', {
        option: 'store',
      })
    }
    const store = encodeChanges(codecs, run.transactionalStore, changes)
    return store === undefined ? {} : { store }
  }

  async #renew(held: HeldMessage): Promise<void> {
    const { host, acknowledger } = this.#options
    if (held.isLost || held.isSettled) throw lockLost(held, undefined)
    const fromMs = host.nowMs()
    await acknowledger.say(held, { type: 'renew' })
    held.lockedUntilMs = fromMs + held.lockDurationMs
  }

  #renewQuietly(held: HeldMessage): void {
    this.#renew(held).catch(() => {
      // That the lock is lost the handler hears by its signal.
    })
  }

  #retryDelayMs({ deliveryCount }: HeldMessage): number {
    const { host, options } = this.#options
    const { initialDelayMs, multiplier, maxDelayMs } = options.retry
    const fullMs = Math.min(maxDelayMs, initialDelayMs * multiplier ** (deliveryCount - 1))
    return Math.round(fullMs / 2 + (fullMs / 2) * host.random())
  }

  /** A handler that is still at it when the lock of its message is over is told so. */
  #watchLock(held: HeldMessage): void {
    if (held.isSettled) return
    const { host } = this.#options
    const atMs = held.lockedUntilMs
    if (this.#lockTimer !== undefined) {
      if (this.#lockTimer.atMs <= atMs) return
      this.#lockTimer.cancel()
    }
    const cancel = host.setTimer(Math.max(1, atMs - host.nowMs()), () => this.#onLocksDue())
    this.#lockTimer = { atMs, cancel }
  }

  #onLocksDue(): void {
    this.#lockTimer = undefined
    const nowMs = this.#options.host.nowMs()
    for (const held of [...this.#handled.keys(), ...this.#unsettled]) {
      if (held.isSettled) continue
      if (held.lockedUntilMs <= nowMs) this.lose(held, lockLost(held, undefined))
      else this.#watchLock(held)
    }
    this.#options.onRoom()
  }
}

/** For whoever waits for an answer that there will not be. */
function rejected({ reason }: Said): Error {
  return new Error(reason ?? 'the message was given up')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
