/**
 * One life of a SharedWorker, as worker/index.ts makes it: it serves one broker's name, starts the
 * broker when a tab asks for it and the lead can be had, and says where it is if another worker leads.
 */
import type { Broker } from '../../src/broker/runtime/broker.js'
import { ServedBroker, type Served } from '../../src/broker/runtime/served-broker.js'
import { WorkerBrokers } from '../../src/broker/runtime/worker-brokers.js'
import { hasCode } from '../../src/protocol/errors.js'
import type { BrokerLimits } from '../../src/protocol/limits.js'
import type { SessionId } from '../../src/protocol/names.js'
import type { Request, WireReply } from '../../src/protocol/requests/request.js'
import type { Origin, Timer } from '../../src/broker/ports.js'
import type { Deployment } from './deployments.js'
import type { SimEvent } from './history.js'
import type { Plant } from './plants.js'
import type { Process } from './scheduler.js'
import type { SimStorage, SimStorageListener } from './sim-storage.js'
import type { WallClock } from './wall-clock.js'

export interface SimWorkerParts {
  readonly number: number
  readonly process: Process
  readonly script: Deployment
  readonly origin: Origin
  readonly limits: Partial<BrokerLimits>
  readonly plant: Plant | undefined
  readonly clock: WallClock
  readonly openStorage: (listener: SimStorageListener) => SimStorage
  readonly listener: SimWorkerListener
}

export interface SimWorkerListener {
  told(event: SimEvent): void
  brokerStarted(worker: SimWorker, broker: Broker): void
  /** The broker said something that only a bug makes it say. */
  logged(message: string, details: unknown): void
  /** It has made room for a newer one. */
  ended(worker: SimWorker): void
}

export class SimWorker {
  readonly process: Process
  readonly script: Deployment
  /** The tabs that have it as theirs: with the last of them it goes. */
  readonly owners = new Set<Process>()
  readonly #parts: SimWorkerParts
  readonly #served: ServedBroker
  readonly #brokers: WorkerBrokers
  #storage: SimStorage | undefined
  /** Which broker a storage was opened for. */
  readonly #incarnations = new WeakMap<SimStorage, string>()
  /** The last broker that anybody heard of. */
  #told: Broker | undefined
  #idCount = 0

  constructor(parts: SimWorkerParts) {
    this.process = parts.process
    this.script = parts.script
    this.#parts = parts
    this.#served = this.#serve()
    this.#brokers = new WorkerBrokers({
      timer: this.#timer(),
      newBroker: () => this.#served,
      close: () => parts.listener.ended(this),
    })
  }

  /** The broker that runs here, if one does. */
  get broker(): Broker | undefined {
    return this.#served.broker
  }

  /** The one that was opened last: for the broker that runs, or for one that starts. */
  get storage(): SimStorage | undefined {
    return this.#storage
  }

  async start(): Promise<Served> {
    const served = await this.#brokers.start()
    if (served.type === 'here' && served.broker !== this.#told) {
      this.#told = served.broker
      if (this.#storage !== undefined) {
        this.#incarnations.set(this.#storage, served.broker.incarnation)
      }
      this.#parts.listener.brokerStarted(this, served.broker)
    }
    return served
  }

  makeRoom(): boolean {
    return this.#brokers.makeRoom()
  }

  async answer(
    { broker, sessionId, tab }: { broker: Broker; sessionId: SessionId; tab: string },
    request: Request,
  ): Promise<WireReply> {
    const { plant } = this.#parts
    const { incarnation } = broker
    const exchange = { tab, sessionId, incarnation }
    this.tell({ type: 'requested', exchange, request })
    const ask = (asked: Request) => broker.handle(sessionId, asked)
    const reply = await (plant?.answer?.(request, { broker, ask }) ?? ask(request))
    this.tell({ type: 'replied', exchange, request, reply })
    return reply
  }

  tell(event: SimEvent): void {
    this.#parts.listener.told(event)
  }

  #timer(): Timer {
    const { process } = this.#parts
    return { schedule: (delayMs, callback) => process.schedule(delayMs, 'timer', callback) }
  }

  #serve(): ServedBroker {
    const { script, number, origin, limits, clock, openStorage, listener } = this.#parts
    return new ServedBroker({
      brokerName: 'sim',
      protocolVersion: script.protocolVersion,
      address: { url: script.url, name: 'tabmq:sim', type: 'module' },
      origin,
      limits: () => limits,
      clock,
      timer: this.#timer(),
      random: { freshId: () => `broker-${number}-${this.#idCount++}` },
      logger: {
        // What the weather makes it say is no news; see the checker of errors for the rest.
        warn: (message, details) => listener.logged(message, details),
        error: (message, details) => listener.logged(message, details),
      },
      openStorage: (onLost) => {
        const storage: SimStorage = openStorage({
          onLost: (error) => {
            if (!error.retriable) onLost(error)
          },
          onCommitFailed: (error) => this.#commitFailed(storage, error),
        })
        this.#storage = storage
        return Promise.resolve(storage)
      },
    })
  }

  /** A broker that nobody has heard of yet has told nobody anything. */
  #commitFailed(storage: SimStorage, error: unknown): void {
    const incarnation = this.#incarnations.get(storage)
    if (incarnation === undefined) return
    const isForSpace = hasCode(error, 'STORAGE_FULL')
    this.tell({ type: 'commitFailed', incarnation, isForSpace })
  }
}
