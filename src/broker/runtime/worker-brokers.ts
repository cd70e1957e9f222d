/**
 * The brokers of one worker by name, and when the worker ends: for a tab of a newer deployment that
 * finds it at its own address, so that the browser loads the script again. It may get the old script
 * once more, out of its cache, and then that tab asks for the same again; or the tab, whoever wrote
 * it, only says that it is newer. So a worker ends for nobody before it has lived for a while: what its
 * tabs lose by that is bounded.
 */
import { TabmqError } from '../../protocol/errors.js'
import { WORKER_BROKERS_MAX, WORKER_LIFE_MS_MIN } from '../../protocol/limits.js'
import type { Timer } from '../ports.js'
import type { Served, ServedBroker } from './served-broker.js'

export interface WorkerBrokersOptions {
  readonly timer: Timer
  readonly newBroker: (brokerName: string) => Pick<ServedBroker, 'start' | 'end'>
  /** Ends the worker, when its brokers have. */
  readonly close: () => void
}

export class WorkerBrokers {
  readonly #options: WorkerBrokersOptions
  readonly #brokers = new Map<string, Pick<ServedBroker, 'start' | 'end'>>()
  #mayEnd = false
  #isMakingRoom = false

  constructor(options: WorkerBrokersOptions) {
    this.#options = options
    options.timer.schedule(WORKER_LIFE_MS_MIN, () => {
      this.#mayEnd = true
    })
  }

  /**
   * The broker of that name, started if need be; it may fail and be tried again.
   * @throws TabmqError BROKER_UNAVAILABLE, THROTTLING_QUOTA_EXCEEDED, and what starting it throws
   */
  async start(brokerName = 'default'): Promise<Served> {
    if (this.#isMakingRoom) throw makingRoom()
    const known = this.#brokers.get(brokerName)
    if (known === undefined && this.#brokers.size >= WORKER_BROKERS_MAX) throw tooManyBrokers()
    const broker = known ?? this.#options.newBroker(brokerName)
    this.#brokers.set(brokerName, broker)
    return broker.start()
  }

  /** A tab is newer than this worker. Says whether the worker ends for it. */
  makeRoom(): boolean {
    if (this.#mayEnd && !this.#isMakingRoom) {
      this.#isMakingRoom = true
      void this.#end()
    }
    return this.#isMakingRoom
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#brokers.values()].map((broker) => broker.end()))
    this.#options.close()
  }
}

function makingRoom(): TabmqError {
  return new TabmqError('BROKER_UNAVAILABLE', 'the worker makes room for a newer one', {})
}

function tooManyBrokers(): TabmqError {
  const message = `this worker has ${WORKER_BROKERS_MAX} brokers, the most there may be`
  return new TabmqError('THROTTLING_QUOTA_EXCEEDED', message, { brokersMax: WORKER_BROKERS_MAX })
}
