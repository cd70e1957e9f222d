/**
 * What the client needs from the world around it: time, timers, randomness, a way to the broker, and
 * word of the page going to sleep. The browser's is in browser-host.ts; the in-memory broker and the
 * simulator bring their own, so that the same client code runs under virtual time.
 */
import type { Hello, Welcome } from '../protocol/hello.js'
import type { Push } from '../protocol/push.js'
import type { Request, WireReply } from '../protocol/requests/request.js'

export interface ClientHost {
  /** ms of a clock that nobody sets, for how long things take. Where it began means nothing. */
  nowMs(): number
  /** ms since 1970, as the machine has it: for what is stored and shown. It may jump. */
  wallMs(): number
  /** Calls back once after `delayMs`; returns a function that cancels. */
  setTimer(delayMs: number, callback: () => void): () => void
  /** Resolves in another turn of the event loop: whatever waits for the page's thread comes first. */
  nextTurn(): Promise<void>
  /** A float in [0, 1). */
  random(): number
  /** A string that nobody else has. */
  freshId(): string
  /**
   * Opens a way to the broker, starting it if need be.
   * @throws TabmqError when the page can never reach one: SHARED_WORKER_UNSUPPORTED,
   *   INSECURE_CONTEXT, STORAGE_BLOCKED
   */
  openTransport(listener: TransportListener): Promise<Transport>
  /** Tells when the page is hidden for good or put to sleep, and when it wakes. Returns a stop. */
  watchPage(listener: PageListener): () => void
  /** For errors that have no other way to the user: a listener of theirs that threw. */
  reportError(error: unknown): void
}

export interface TransportListener {
  /** Returns whether it was of use: of a reply, whether anybody waited for it. */
  onPush(message: Push): boolean
  /** The broker is gone; no call under way will be answered. Called once at the most. */
  onLost(): void
}

export interface Transport {
  hello(hello: Hello): Promise<WireReply<Welcome>>
  request(request: Request): Promise<WireReply>
  goodbye(options: { isTabGone: boolean }): void
  /** Lets go of the port. No reply comes after. */
  close(): void
}

export interface PageListener {
  /** The last moment at which something can be sent. `mayReturn`: into the back/forward cache. */
  onHide(options: { mayReturn: boolean }): void
  /** The page is shown: for the first time, or again, which also one that was not to return can be. */
  onReturn(): void
}
