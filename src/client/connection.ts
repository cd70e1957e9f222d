/**
 * One tab's connection to the broker, shared by all of its producers, consumers and admins. It opens
 * the transport when first needed, says hello, and keeps at it: when the broker dies it connects to
 * the next one. Every call settles: with the reply, with the error of its deadline, with ABORTED,
 * CLIENT_CLOSED, or, when the broker died and repeating would not be safe, BROKER_UNAVAILABLE.
 */
import { fromWireError, hasCode, TabmqError } from '../protocol/errors.js'
import type { Welcome } from '../protocol/hello.js'
import { CLIENT_DEFAULTS } from '../protocol/limits.js'
import { parseSessionId, type SessionId } from '../protocol/names.js'
import { PROTOCOL_VERSION } from '../protocol/protocol-version.js'
import type { Push } from '../protocol/push.js'
import type {
  ApiName,
  Request,
  RequestOf,
  ResponseOf,
  WireReply,
} from '../protocol/requests/request.js'
import { deferred, type Deferred } from '../std/deferred.js'
import { Events } from './events.js'
import type { ClientHost, Transport } from './host.js'

export interface CallOptions {
  /** Whether the broker may be asked again when it died before it answered. */
  readonly isRepeatable: boolean
  /** Default 30 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  /** Asked right before it is sent, which may be long after the call: then it is not sent. */
  readonly isMoot?: () => boolean
}

export interface ConnectionEvents {
  /** Connected; `isNewBroker` when this broker does not know this tab and its members yet. */
  connected: Welcome & { readonly isNewBroker: boolean }
  /** The broker died, or the page was hidden. */
  disconnected: Record<never, never>
  /**
   * The data that this client knew are gone and others are there: what was learnt of them must not reach
   * the broker that has the others. Told before its `connected`, and before users are.
   */
  forget: { readonly error: TabmqError }
  /** The same, for users: what they send on hearing of it is of the new data. */
  storageLost: { readonly error: TabmqError }
  push: Push
  /** The page is about to be hidden for good or put to sleep: the last moment to send. */
  pageHide: Record<never, never>
  /** No broker can be had, and trying again would not help. */
  failed: { readonly error: TabmqError }
  /** That, because a newer deployment's broker has taken over: this page is too old for it. */
  superseded: { readonly error: TabmqError }
  /** Closed, for good. */
  closed: Record<never, never>
}

export type PushedReply = Extract<Push, { readonly push: 'reply' }>

interface Link {
  readonly transport: Transport
  /** What waits for a reply on this link: rejected together when it is lost. */
  readonly waiting: Set<Deferred<never>>
}

export class Connection {
  readonly sessionId: SessionId
  readonly events: Events<ConnectionEvents>
  readonly #host: ClientHost
  readonly #clientId: string
  readonly #stopWatchingPage: () => void
  #link: Link | undefined
  #connecting: Promise<Link> | undefined
  #lastIncarnation: string | undefined
  /** Which data the last broker had. */
  #databaseId: string | undefined
  /** Why there is no link, as far as the last attempt could tell. */
  #lastConnectError: TabmqError | undefined
  /** The page is hidden, for good or until it returns: what still runs in it must not connect. */
  #isHidden = false
  /** That it is was told; until there is a connection again, it is not told once more. */
  #isSuperseded = false
  /** Ends the wait for the next attempt to connect. */
  #wake = () => {}
  /** Every call under way, for `close` to end. */
  readonly #underWay = new Set<Deferred<never>>()
  #isClosed = false
  #takeReply: (reply: PushedReply) => boolean = () => false

  constructor(host: ClientHost, clientId: string) {
    this.#host = host
    this.#clientId = clientId
    this.sessionId = parseSessionId(host.freshId())
    this.events = new Events((error) => host.reportError(error))
    this.#stopWatchingPage = host.watchPage({
      onHide: ({ mayReturn }) => this.#onPageHide(mayReturn),
      onReturn: () => this.#onPageReturn(),
    })
  }

  get isConnected(): boolean {
    return this.#link !== undefined
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** `take` gets every answer of a request, and says whether anybody waits for that one. */
  onReply(take: (reply: PushedReply) => boolean): void {
    this.#takeReply = take
  }

  /** Connects now, rather than at the first call. */
  async connect(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const timeoutMs = CLIENT_DEFAULTS.connectTimeoutMs
    await this.#within({ timeoutMs, signal: options.signal }, 'connect', () => this.#linked())
  }

  /** Calls an API of the broker. */
  async call<A extends ApiName>(
    request: RequestOf<A>,
    options: CallOptions,
  ): Promise<ResponseOf<A>> {
    const timeoutMs = options.timeoutMs ?? CLIENT_DEFAULTS.requestTimeoutMs
    const limits = { timeoutMs, signal: options.signal }
    const databaseId = this.#databaseId
    return this.#within(limits, request.api, async (isOver) => {
      for (;;) {
        const link = await this.#linked()
        // What it names by an id, an offset or a number is of data that are gone.
        if (databaseId !== undefined && databaseId !== this.#databaseId) throw storageLost()
        // Whoever was told that there is no answer must not find later that it was done all the same.
        if (isOver() || options.signal?.aborted === true) throw lostError()
        if (options.isMoot?.() === true) throw lostError()
        // Lost in the moment between: nothing was sent, and no reply would ever come.
        if (this.#link !== link) continue
        try {
          return await this.#callOnce(link, request as Request)
        } catch (error) {
          const wasLost = hasCode(error, 'BROKER_UNAVAILABLE')
          if (wasLost) this.#relink(link)
          if (!wasLost || !options.isRepeatable || isOver()) throw error
        }
      }
    }) as Promise<ResponseOf<A>>
  }

  /** Sends without waiting for an answer: for the moment in which a page goes away. */
  post(request: Request): void {
    void this.#link?.transport.request(request).catch(() => {
      // The page is leaving; there is nobody to tell.
    })
  }

  /** Says goodbye. Calls under way reject with CLIENT_CLOSED. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopWatchingPage()
    void this.events.emit('closed', {})
    this.#wake()
    for (const end of this.#underWay) end.reject(closedError())
    this.#drop({ goodbye: { isTabGone: true } })
  }

  async #callOnce(link: Link, request: Request): Promise<unknown> {
    return unwrap(await unlessLost(link.waiting, link.transport.request(request)))
  }

  #linked(): Promise<Link> {
    if (this.#isClosed) return Promise.reject(closedError())
    if (this.#link !== undefined) return Promise.resolve(this.#link)
    this.#connecting ??= this.#connectUntilDone().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** A link whose broker no longer knows this tab, nor its members: say hello again. */
  #relink(link: Link): void {
    if (this.#link !== link) return
    this.#lastIncarnation = undefined
    this.#onLost()
  }

  async #connectUntilDone(): Promise<Link> {
    let backoffMs: number = CLIENT_DEFAULTS.reconnectBackoffMs
    for (;;) {
      if (this.#isClosed) throw closedError()
      try {
        if (!this.#isHidden) return await this.#connectOnce()
      } catch (error) {
        if (!(error instanceof TabmqError)) throw error
        if (!this.#isPassing(error)) {
          this.#onFailed(error)
          throw error
        }
        this.#lastConnectError = error
      }
      await this.#sleep(backoffMs)
      backoffMs = Math.min(backoffMs * 2, CLIENT_DEFAULTS.reconnectBackoffMsMax)
    }
  }

  /** Whether connecting may succeed later, without anybody doing anything about it in this page. */
  #isPassing(error: TabmqError): boolean {
    // A broker whose data went away under it makes room for one that begins anew.
    if (error.retriable || error.code === 'STORAGE_LOST') return true
    // A broker cannot start while the disk is full. Who asks for the first time is told so; consumers
    // that run go on when there is space again.
    return error.code === 'STORAGE_FULL' && this.#databaseId !== undefined
  }

  async #connectOnce(): Promise<Link> {
    const waiting = new Set<Deferred<never>>()
    let link: Link | undefined
    let isLost = false
    const onLost = () => {
      isLost = true
      rejectAll(waiting)
      if (link !== undefined && this.#link === link) this.#onLost()
    }
    const transport = await this.#host.openTransport({
      onPush: (message) => {
        if (message.push === 'reply') return this.#takeReply(message)
        if (message.push === 'closed') onLost()
        else void this.events.emit('push', message)
        return true
      },
      onLost,
    })
    try {
      if (isLost) throw lostError()
      const { sessionId } = this
      const clientId = this.#clientId
      const hello = { protocolVersion: PROTOCOL_VERSION, sessionId, clientId }
      const limits = { timeoutMs: CLIENT_DEFAULTS.connectTimeoutMs, signal: undefined }
      const reply = await this.#within(limits, 'hello', () =>
        unlessLost(waiting, transport.hello(hello)),
      )
      const welcome = unwrap(reply) as Welcome
      // Between the answer and this line it may have gone already, and will not go again.
      if (isLost || this.#isClosed || this.#isHidden) throw lostError()
      link = { transport, waiting }
      this.#link = link
      this.#lastConnectError = undefined
      this.#noteDatabase(welcome)
      this.#isSuperseded = false
      const isNewBroker = this.#lastIncarnation !== welcome.incarnation
      this.#lastIncarnation = welcome.incarnation
      void this.events.emit('connected', { ...welcome, isNewBroker })
      return link
    } catch (error) {
      transport.close()
      throw error
    }
  }

  #noteDatabase({ databaseId }: Welcome): void {
    const before = this.#databaseId
    this.#databaseId = databaseId
    if (before === undefined || before === databaseId) return
    const event = { error: storageLost() }
    void this.events.emit('forget', event)
    void this.events.emit('storageLost', event)
  }

  #onLost(): void {
    this.#drop({})
    if (this.#isClosed || this.#isHidden) return
    // Consumers have to join the next broker even when nothing is called meanwhile.
    this.#linked().catch((error: unknown) => {
      const isTold = hasCode(error, 'BROKER_SUPERSEDED') && this.events.has('superseded')
      if (!this.#isClosed && !isTold) this.#host.reportError(error)
    })
  }

  #onFailed(error: TabmqError): void {
    if (this.#isClosed) return
    void this.events.emit('failed', { error })
    if (error.code !== 'BROKER_SUPERSEDED' || this.#isSuperseded) return
    this.#isSuperseded = true
    void this.events.emit('superseded', { error })
  }

  #drop({ goodbye }: { goodbye?: { isTabGone: boolean } }): void {
    const link = this.#link
    if (link === undefined) return
    this.#link = undefined
    if (goodbye !== undefined) link.transport.goodbye(goodbye)
    link.transport.close()
    rejectAll(link.waiting)
    void this.events.emit('disconnected', {})
  }

  #onPageHide(mayReturn: boolean): void {
    void this.events.emit('pageHide', {})
    this.#isHidden = true
    // After a goodbye the same broker knows no more of this tab than another would.
    this.#lastIncarnation = undefined
    this.#drop({ goodbye: { isTabGone: !mayReturn } })
  }

  #onPageReturn(): void {
    if (!this.#isHidden) return
    this.#isHidden = false
    this.#wake()
    this.#onLost()
  }

  /** Between two attempts to connect. */
  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancelTimer = this.#host.setTimer(delayMs, resolve)
      this.#wake = () => {
        cancelTimer()
        resolve()
      }
    })
  }

  /** Runs `work` within a deadline, an abort signal and the life of the client. */
  async #within<T>(
    limits: { timeoutMs: number; signal: AbortSignal | undefined },
    what: string,
    work: (isOver: () => boolean) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs, signal } = limits
    if (signal?.aborted === true) throw abortedError(what)
    const end = deferred<never>()
    let isOver = false
    const cancelTimer = this.#host.setTimer(timeoutMs, () =>
      end.reject(this.#late(what, timeoutMs)),
    )
    const onAbort = () => end.reject(abortedError(what))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#underWay.add(end)
    try {
      return await Promise.race([work(() => isOver), end.promise])
    } finally {
      isOver = true
      this.#underWay.delete(end)
      cancelTimer()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #late(what: string, timeoutMs: number): TabmqError {
    const details = { what, timeoutMs }
    if (this.#link !== undefined) {
      const message = `${what} was not answered within ${timeoutMs} ms`
      return new TabmqError('REQUEST_TIMED_OUT', message, details)
    }
    const cause = this.#lastConnectError
    const why = cause === undefined ? '' : `: ${cause.message}`
    const message = `no broker could be reached within ${timeoutMs} ms${why}`
    return new TabmqError('BROKER_UNAVAILABLE', message, details, cause)
  }
}

/**
 * The reply, or a rejection when the link is lost. A race against one promise of the whole link would
 * keep every reply alive as long as the link lives.
 */
async function unlessLost<T>(waiting: Set<Deferred<never>>, reply: Promise<T>): Promise<T> {
  const lost = deferred<never>()
  waiting.add(lost)
  try {
    return await Promise.race([reply, lost.promise])
  } finally {
    waiting.delete(lost)
  }
}

function rejectAll(waiting: ReadonlySet<Deferred<never>>): void {
  for (const lost of waiting) lost.reject(lostError())
}

function unwrap(reply: WireReply): unknown {
  if (reply.ok) return reply.value
  throw fromWireError(reply.error)
}

function lostError(): TabmqError {
  return new TabmqError('BROKER_UNAVAILABLE', 'the broker went away before it answered', {})
}

function storageLost(): TabmqError {
  return new TabmqError(
    'STORAGE_LOST',
    'the stored data were deleted, by the user, the browser or a script; the broker has begun anew',
    {},
  )
}

function closedError(): TabmqError {
  return new TabmqError('CLIENT_CLOSED', 'this client has been closed', {})
}

function abortedError(what: string): TabmqError {
  return new TabmqError('ABORTED', `${what} was aborted`, { what })
}
