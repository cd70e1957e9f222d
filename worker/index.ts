/**
 * The broker's side of a SharedWorker, for the default worker and for one of one's own:
 *
 * @example
 * // my-broker.ts, loaded by new Tabmq({ worker: () => new SharedWorker(…) })
 * import { startBroker } from 'tabmq/worker'
 * startBroker({ limits: { tailBytes: 4 * 1024 * 1024 } })
 */
import { Broker } from '../src/broker/runtime/broker.js'
import { parseBrokerLimits } from '../src/protocol/broker-limits.js'
import type { BrokerLimits } from '../src/protocol/limits.js'
import { IndexedDbStorage } from './indexeddb-storage.js'
import { holdLock } from './locks.js'
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
  const brokers = new Map<string, Promise<Broker>>()
  const start = (name = 'default') => {
    const broker = brokers.get(name) ?? open(name, options)
    brokers.set(name, broker)
    // A start that failed (a full disk, blocked storage) is tried again by the next tab that asks.
    broker.catch(() => brokers.delete(name))
    return broker
  }
  self.addEventListener('connect', (event) => {
    const [port] = event.ports
    if (port !== undefined) servePort(port, { alive, start })
  })
}

/** Bad limits are told to every tab that connects: a script that throws says nothing to anybody. */
async function open(name: string, options: StartBrokerOptions): Promise<Broker> {
  const limits = parseBrokerLimits(options.limits)
  const release = await holdLock(`tabmq:${name}:storage`, STORAGE_WAIT_MS)
  let storage: IndexedDbStorage | undefined
  let broker: Broker | undefined
  try {
    storage = await IndexedDbStorage.open({
      name,
      firstPartitionId: randomFirstPartitionId(),
      onLost(error) {
        logger.error('the database was lost', error)
        if (!error.retriable) broker?.storageLost(error)
      },
    })
    broker = await Broker.start({
      storage,
      clock,
      timer,
      random,
      logger,
      // With its state gone for good, the worker ends: tabs notice by its lock and start the next.
      onEnded: () => self.close(),
      limits,
    })
    return broker
  } catch (error) {
    await storage?.close()
    release()
    throw error
  }
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

/** One broker at a time has the database. How long to wait for the one before to end. */
const STORAGE_WAIT_MS = 5_000
