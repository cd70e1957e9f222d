/**
 * The two ends of a port. The tab calls the broker's, the broker calls the tab's; over Comlink in
 * the browser, directly in the in-memory broker. Replies are wire replies: neither end ever throws
 * across the port.
 */
import type { CallableMethods } from './port-filter.js'
import type { Elsewhere, Hello, Welcome } from './hello.js'
import type { Push } from './push.js'
import type { WireReply } from './requests/request.js'

/** What the broker offers to one tab. `Port` is the channel on which the broker calls back. */
export interface BrokerEndpoint<Port> {
  /**
   * Answered as soon as the worker runs, whatever its storage does: the name of the Web Lock that it
   * holds while it lives. A tab watches that before it asks anything that may take time.
   */
  attach(): Promise<string>
  /** Must come before any request. */
  hello(hello: Hello, pushPort: Port): Promise<WireReply<Welcome | Elsewhere>>
  request(request: unknown): Promise<WireReply>
  /**
   * The tab closes, or goes to sleep in the back/forward cache and may come back, on another port.
   * Nothing is answered any more, this call included.
   */
  goodbye(options: { isTabGone: boolean }): Promise<void>
}

/** What a tab offers to the broker. */
export interface TabEndpoint {
  /** Resolves when it is taken: with false where nobody waited for it any more, else with true. */
  push(message: Push): Promise<boolean>
}

/** All that a tab can call, with the number of arguments. */
export const BROKER_METHODS = {
  attach: 0,
  hello: 2,
  request: 1,
  goodbye: 1,
} as const satisfies Record<keyof BrokerEndpoint<never>, number> & CallableMethods

/** All that the broker can call. */
export const TAB_METHODS = {
  push: 1,
} as const satisfies Record<keyof TabEndpoint, number> & CallableMethods
