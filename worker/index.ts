/**
 * The broker's side of a SharedWorker, for the default worker and for one of one's own:
 *
 * @example
 * // my-broker.ts, loaded by new Tabmq({ worker: () => new SharedWorker(…) })
 * import { startBroker } from 'tabmq/worker'
 * startBroker({ limits: { tailBytes: 4 * 1024 * 1024 } })
 */
import { Broker } from '../src/broker/runtime/broker.js'
import { parseBrokerName } from '../src/protocol/names.js'
import type { BrokerLimits } from '../src/protocol/limits.js'
import { IndexedDbStorage } from './indexeddb-storage.js'
import { holdLock } from './locks.js'
import { servePort } from './tab-port.js'
import { clock, logger, random, timer } from './worker-host.js'

export type { BrokerLimits }

/** Options of {@link startBroker}. */
export interface StartBrokerOptions {
  /** The broker's name. Default: that of the SharedWorker, without its `tabmq:`, or `default`. */
  readonly name?: string
  /** Limits that differ from the defaults. */
  readonly limits?: Partial<BrokerLimits>
}

declare const self: SharedWorkerGlobalScope

/**
 * Serves every tab that connects to this SharedWorker. Must be called while the worker's script is
 * first run: a tab that connects before is not heard.
 */
export function startBroker(options: StartBrokerOptions = {}): void {
  const name = parseBrokerName(options.name ?? brokerNameOf(self.name))
  const lockName = `tabmq:${name}:broker:${random.freshId()}`
  const alive = holdLock(lockName).then(() => lockName)
  let starting: Promise<Broker> | undefined
  // A start that failed (a full disk, blocked storage) is tried again by the next tab that asks.
  const start = () => {
    starting ??= open(name, options).catch((error: unknown) => {
      starting = undefined
      throw error
    })
    return starting
  }
  self.addEventListener('connect', (event) => {
    const [port] = event.ports
    if (port !== undefined) servePort(port, { alive, start })
  })
}

/** One broker at a time has the database: it waits here for the one before it to end. */
async function open(name: string, { limits }: StartBrokerOptions): Promise<Broker> {
  const release = await holdLock(`tabmq:${name}:storage`)
  try {
    const storage = await IndexedDbStorage.open({
      name,
      onLost: (error) => logger.error('the database was lost', error),
    })
    return await Broker.start({
      storage,
      clock,
      timer,
      random,
      logger,
      // With its state gone for good, the worker ends: tabs notice by its lock and start the next.
      onEnded: () => self.close(),
      ...(limits === undefined ? {} : { limits }),
    })
  } catch (error) {
    release()
    throw error
  }
}

function brokerNameOf(workerName: string): string {
  const name = workerName.startsWith('tabmq:') ? workerName.slice('tabmq:'.length) : workerName
  return name === '' ? 'default' : name
}
