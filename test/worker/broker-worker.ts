/** A worker as its ports see it, for tests with one broker that runs already. */
import type { Timer } from '../../src/broker/ports.js'
import type { Broker } from '../../src/broker/runtime/broker.js'
import { WorkerBrokers } from '../../src/broker/runtime/worker-brokers.js'
import { servePort } from '../../worker/tab-port.js'

export interface BrokerWorker {
  serve(port: MessagePort): void
  /** Whether it has ended itself. */
  readonly hasEnded: boolean
}

export function workerOf(broker: Broker, timer: Timer): BrokerWorker {
  let hasEnded = false
  const brokers = new WorkerBrokers({
    timer,
    newBroker: () => ({
      start: () => Promise.resolve({ type: 'here', broker }),
      end: () => broker.close(),
    }),
    close: () => {
      hasEnded = true
    },
  })
  return {
    serve: (port) => servePort(port, { alive: Promise.resolve('the lock'), brokers }),
    get hasEnded() {
      return hasEnded
    },
  }
}
