/**
 * The broker's side of a SharedWorker, for the default worker and for one of one's own:
 *
 * @example
 * // my-broker.ts, loaded by new Tabmq({ worker: () => new SharedWorker(…) })
 * import { startBroker } from 'tabmq/worker'
 * startBroker({ limits: { tailBytes: 4 * 1024 * 1024 } })
 */
import { ServedBroker } from '../src/broker/runtime/served-broker.js'
import { WorkerBrokers } from '../src/broker/runtime/worker-brokers.js'
import { parseBrokerLimits } from '../src/protocol/broker-limits.js'
import type { BrokerLimits } from '../src/protocol/limits.js'
import { PROTOCOL_VERSION } from '../src/protocol/protocol-version.js'
import { IndexedDbStorage } from './indexeddb-storage.js'
import { holdLock } from './locks.js'
import { origin, ownAddress } from './origin.js'
import { servePort } from './tab-port.js'
import { clock, logger, logUncaught, random, timer } from './worker-host.js'

export type { BrokerLimits }

/** Options of {@link startBroker}. */
export interface StartBrokerOptions {
  /** Limits that differ from the defaults. */
  readonly limits?: Partial<BrokerLimits>
}

declare const self: SharedWorkerGlobalScope

/**
 * Serves every tab that connects to this SharedWorker: each names the broker that it means, and the
 * first to name one starts it. Must be called while the worker's script is first run: a tab that
 * connects before is not heard.
 */
export function startBroker(options: StartBrokerOptions = {}): void {
  logUncaught()
  const lockName = `tabmq:worker:${random.freshId()}`
  const alive = holdLock(lockName).then(() => lockName)
  const brokers = new WorkerBrokers({
    timer,
    newBroker: (brokerName) => newServedBroker(brokerName, options),
    close: () => self.close(),
  })
  self.addEventListener('connect', (event) => {
    const [port] = event.ports
    if (port !== undefined) servePort(port, { alive, brokers })
  })
}

function newServedBroker(brokerName: string, { limits }: StartBrokerOptions): ServedBroker {
  return new ServedBroker({
    brokerName,
    protocolVersion: PROTOCOL_VERSION,
    address: ownAddress(),
    origin,
    // Bad limits are told to every tab that connects: a script that throws says nothing to anybody.
    limits: () => parseBrokerLimits(limits),
    clock,
    timer,
    random,
    logger,
    openStorage: (onLost) =>
      IndexedDbStorage.open({
        name: brokerName,
        firstPartitionId: randomFirstPartitionId(),
        onLost(error) {
          logger.error('the database was lost', error)
          if (!error.retriable) onLost(error)
        },
      }),
  })
}

/**
 * Partition ids are never used again, but a database that was deleted cannot know which were: a tab
 * that still has its ids must not meet another topic under them. So each begins somewhere else.
 */
function randomFirstPartitionId(): number {
  const [range = 0] = crypto.getRandomValues(new Uint32Array(1))
  return range * PARTITION_ID_RANGE + 1
}

const PARTITION_ID_RANGE = 2 ** 20
