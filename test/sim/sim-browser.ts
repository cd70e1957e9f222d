/**
 * The browser around tabs and worker: it starts the worker when a tab asks for it, keeps the
 * database while workers come and go, and lets everybody know, late, who is gone. At most one worker
 * runs at a time.
 */
import { Broker } from '../../src/broker/runtime/broker.js'
import type { Durability } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { TransportListener } from '../../src/client/host.js'
import type { TabmqError } from '../../src/protocol/errors.js'
import type { BrokerLimits } from '../../src/protocol/limits.js'
import type { SessionId } from '../../src/protocol/names.js'
import type { Request, WireReply } from '../../src/protocol/requests.js'
import type { Prng } from '../../src/std/prng.js'
import type { SimEvent } from './history.js'
import { Lane } from './lane.js'
import type { Plant } from './plants.js'
import type { Process, Scheduler } from './scheduler.js'
import { SimDisk } from './sim-disk.js'
import { SimTransport } from './sim-ports.js'
import { SimStorage, type StorageWeather } from './sim-storage.js'
import type { WeatherFaultName } from './options.js'
import { skewed, type Streams } from './streams.js'
import type { WallClock } from './wall-clock.js'

export interface Weather {
  readonly storage: StorageWeather
  readonly messageDelayMsMax: number
  readonly lockDelayMsMax: number
}

export interface SimBrowserParts {
  readonly scheduler: Scheduler
  readonly clock: WallClock
  readonly streams: Streams
  readonly weather: () => Weather
  readonly limits: Partial<BrokerLimits>
  readonly plant: Plant | undefined
  readonly listener: SimBrowserListener
}

export interface SessionOfBroker {
  readonly incarnation: string
  readonly sessionId: SessionId
}

export interface SimBrowserListener {
  durable(records: readonly DurableRecord[], durability: Durability): void
  /** What happens at the broker's end of a port, and to its transactions. */
  told(event: SimEvent): void
  fault(name: WeatherFaultName): void
  brokerStarted(worker: SimWorker): void
  brokerDied(worker: SimWorker, why: string): void
  /** The broker said something that only a bug makes it say. */
  logged(message: string, details: unknown): void
}

export class SimBrowser {
  readonly disk: SimDisk
  readonly #parts: SimBrowserParts
  readonly #network: Prng
  readonly #locks: Prng
  readonly #transports = new Set<SimTransport>()
  /** Until when a tab's lock is not free again for the tab itself. */
  readonly #lockFreeMs = new Map<Process, number>()
  #worker: SimWorker | undefined
  #workerCount = 0

  constructor(parts: SimBrowserParts) {
    this.#parts = parts
    this.disk = new SimDisk(parts.scheduler)
    this.#network = parts.streams.of('network')
    this.#locks = parts.streams.of('locks')
  }

  get nowMs(): number {
    return this.#parts.scheduler.nowMs
  }

  /** What a page or a worker is told when it asks for the time. */
  get wallMs(): number {
    return this.#parts.clock.nowMs()
  }

  /** The worker that runs now, if one does. */
  get worker(): SimWorker | undefined {
    return this.#worker
  }

  /** The broker that runs now, if one has started. */
  get broker(): Broker | undefined {
    return this.#worker?.broker
  }

  openTransport(tab: Process, listener: TransportListener): SimTransport {
    this.#worker ??= this.#newWorker()
    const transport = new SimTransport(this, { tab, worker: this.#worker, listener })
    this.#transports.add(transport)
    return transport
  }

  killWorker(why: string): void {
    const worker = this.#worker
    if (worker === undefined) return
    this.#worker = undefined
    worker.process.kill()
    this.#parts.listener.brokerDied(worker, why)
    for (const transport of this.#transports) {
      if (transport.worker !== worker) continue
      this.#transports.delete(transport)
      transport.brokerDied()
    }
  }

  tabDied(tab: Process, transport: SimTransport | undefined): void {
    tab.kill()
    transport?.tabDied()
  }

  lane(to: Process): Lane {
    const delayMsMax = () => this.#parts.weather().messageDelayMsMax
    return new Lane({ to, prng: this.#network, delayMsMax })
  }

  lockDelayMs(): number {
    return skewed(this.#locks, this.#parts.weather().lockDelayMsMax)
  }

  lockReleased(tab: Process, delayMs: number): void {
    this.#lockFreeMs.set(tab, this.nowMs + delayMs)
  }

  /** Who watched a tab's lock is granted it first, when the tab takes it again. */
  lockWaitMs(tab: Process): number {
    return Math.max(0, (this.#lockFreeMs.get(tab) ?? 0) - this.nowMs)
  }

  #newWorker(): SimWorker {
    this.#workerCount += 1
    const { scheduler, clock, streams, weather, limits, plant, listener } = this.#parts
    const number = this.#workerCount
    const process = scheduler.process(`broker ${number}`)
    const prng = streams.of(`storage ${number}`)
    const parts = {
      disk: this.disk,
      worker: process,
      prng,
      nowMs: () => scheduler.nowMs,
      weather: () => weather().storage,
      onFault: (name: WeatherFaultName) => listener.fault(name),
      onDurable: (records: readonly DurableRecord[], durability: Durability) =>
        listener.durable(records, durability),
      onCommitFailed: () => listener.told({ type: 'commitFailed', worker: process.name }),
      killWorker: () => {
        if (this.#worker?.process === process) this.killWorker('after a commit')
      },
    }
    return new SimWorker({
      number,
      process,
      limits,
      plant,
      listener,
      clock,
      openStorage: (onLost) => {
        const all = { ...parts, onLost }
        return plant?.openStorage?.(all) ?? new SimStorage(all)
      },
      end: () => {
        if (this.#worker?.process === process) this.killWorker('it gave up')
      },
    })
  }
}

interface SimWorkerParts {
  readonly number: number
  readonly process: Process
  readonly limits: Partial<BrokerLimits>
  readonly plant: Plant | undefined
  readonly listener: SimBrowserListener
  readonly clock: WallClock
  readonly openStorage: (onLost: (error: TabmqError) => void) => SimStorage
  readonly end: () => void
}

/** One life of the SharedWorker, as worker/index.ts makes it: a broker, started when asked for. */
export class SimWorker {
  readonly process: Process
  readonly #parts: SimWorkerParts
  #broker: Broker | undefined
  #storage: SimStorage | undefined
  #starting: Promise<Broker> | undefined
  #idCount = 0

  constructor(parts: SimWorkerParts) {
    this.process = parts.process
    this.#parts = parts
  }

  get broker(): Broker | undefined {
    return this.#broker
  }

  /** The one that was opened last: for the broker that runs, or for one that starts. */
  get storage(): SimStorage | undefined {
    return this.#storage
  }

  /** A start that failed is tried again by the next tab that asks. */
  start(): Promise<Broker> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async answer(
    { broker, sessionId, tab }: { broker: Broker; sessionId: SessionId; tab: string },
    request: Request,
  ): Promise<WireReply> {
    const { plant, listener } = this.#parts
    const { incarnation } = broker
    const exchange = { tab, sessionId, incarnation, worker: this.process.name }
    listener.told({ type: 'requested', exchange, request })
    const ask = (asked: Request) => broker.handle(sessionId, asked)
    const reply = await (plant?.answer?.(request, { broker, ask }) ?? ask(request))
    listener.told({ type: 'replied', exchange, request, reply })
    return reply
  }

  tell(event: SimEvent): void {
    this.#parts.listener.told(event)
  }

  async #start(): Promise<Broker> {
    const { process, number, limits, listener, clock, openStorage, end } = this.#parts
    const storage = openStorage((error) => {
      if (!error.retriable) this.#broker?.storageLost(error)
    })
    this.#storage = storage
    const broker = await Broker.start({
      storage,
      clock,
      timer: { schedule: (delayMs, callback) => process.schedule(delayMs, 'timer', callback) },
      random: { freshId: () => `broker-${number}-${this.#idCount++}` },
      logger: {
        // What the weather makes it say is no news; see the checker of errors for the rest.
        warn: (message, details) => listener.logged(message, details),
        error: (message, details) => listener.logged(message, details),
      },
      limits,
      onEnded: end,
    })
    this.#broker = broker
    listener.brokerStarted(this)
    return broker
  }
}
