/**
 * The two ends of a port. The tab calls the broker's, the broker calls the tab's; over Comlink in
 * the browser, directly in the in-memory broker. Replies are wire replies: neither end ever throws
 * across the port.
 */
import type { Hello, Push, Welcome, WireReply } from './requests.js'

/** What the broker offers to one tab. `Port` is the channel on which the broker calls back. */
export interface BrokerEndpoint<Port> {
  /** Must come first, and again after a goodbye. */
  hello(hello: Hello, pushPort: Port): Promise<WireReply<Welcome>>
  request(request: unknown): Promise<WireReply>
  /** The tab closes, or goes to sleep in the back/forward cache and may come back. */
  goodbye(options: { isTabGone: boolean }): Promise<void>
}

/** What a tab offers to the broker. */
export interface TabEndpoint {
  push(message: Push): Promise<void>
}
