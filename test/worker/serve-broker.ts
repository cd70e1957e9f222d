/** A port as the worker serves it, for tests with one broker that runs already. */
import type { Broker } from '../../src/broker/runtime/broker.js'
import { servePort } from '../../worker/tab-port.js'

export function serveBroker(port: MessagePort, broker: Broker): void {
  servePort(port, {
    alive: Promise.resolve('the lock'),
    start: () => Promise.resolve({ type: 'here', broker }),
    makeRoom: () => Promise.resolve(),
  })
}
