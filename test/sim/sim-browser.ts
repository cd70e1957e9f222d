/**
 * The browser around tabs and workers: it starts a worker when a tab asks for one at an address where
 * none runs, keeps the database while workers come and go, and lets everybody know, late, who is gone.
 */
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { Durability } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { BrokerLimits } from '../../src/protocol/limits.js'
import type { Prng } from '../../src/std/prng.js'
import type { Deployments } from './deployments.js'
import type { SimEvent } from './history.js'
import { Lane } from './lane.js'
import type { Plant } from './plants.js'
import type { Process, Scheduler } from './scheduler.js'
import { SimDisk } from './sim-disk.js'
import type { SimLine } from './sim-line.js'
import { SimOrigin } from './sim-origin.js'
import { SimStorage, type StorageWeather } from './sim-storage.js'
import { SimWorker } from './sim-worker.js'
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
  readonly deployments: Deployments
  readonly streams: Streams
  readonly weather: () => Weather
  readonly limits: Partial<BrokerLimits>
  readonly plant: Plant | undefined
  readonly listener: SimBrowserListener
}

export interface SimBrowserListener {
  durable(records: readonly DurableRecord[], durability: Durability): void
  /** What happens at the broker's end of a port, and to its transactions. */
  told(event: SimEvent): void
  fault(name: WeatherFaultName): void
  brokerStarted(worker: SimWorker, broker: Broker): void
  workerDied(worker: SimWorker, why: string): void
  /** The broker said something that only a bug makes it say. */
  logged(message: string, details: unknown): void
}

export class SimBrowser {
  readonly disk: SimDisk
  readonly #parts: SimBrowserParts
  readonly #network: Prng
  readonly #locks: Prng
  readonly #lines = new Set<SimLine>()
  /** Until when a tab's lock is not free again for the tab itself. */
  readonly #lockFreeMs = new Map<Process, number>()
  readonly #origin: SimOrigin
  /** By the address of their scripts. */
  readonly #workers = new Map<string, SimWorker>()
  #workerCount = 0

  constructor(parts: SimBrowserParts) {
    this.#parts = parts
    this.disk = new SimDisk(parts.scheduler)
    this.#network = parts.streams.of('network')
    this.#locks = parts.streams.of('locks')
    this.#origin = new SimOrigin({
      scheduler: parts.scheduler,
      lockDelayMs: () => this.lockDelayMs(),
      lane: (to) => this.lane(to),
    })
  }

  get nowMs(): number {
    return this.#parts.scheduler.nowMs
  }

  /** What a page or a worker is told when it asks for the time. */
  get wallMs(): number {
    return this.#parts.clock.nowMs()
  }

  /** All that live. */
  get workers(): readonly SimWorker[] {
    return [...this.#workers.values()]
  }

  /** The worker of the newest broker, if one runs: any other may write no more. */
  get leader(): SimWorker | undefined {
    let leader: SimWorker | undefined
    for (const worker of this.#workers.values()) {
      if (epochOf(worker) > epochOf(leader)) leader = worker
    }
    return leader
  }

  /** The broker that may write. */
  get broker(): Broker | undefined {
    return this.leader?.broker
  }

  /** The worker at that address, started if need be, for a tab that has it from now on. */
  workerAt(url: string, tab: Process): SimWorker {
    const worker = this.#workers.get(url) ?? this.#newWorker(url)
    this.#workers.set(url, worker)
    worker.owners.add(tab)
    return worker
  }

  lineOpened(line: SimLine): void {
    this.#lines.add(line)
  }

  killWorker(worker: SimWorker, why: string): void {
    const { url } = worker.script
    if (this.#workers.get(url) !== worker) return
    this.#workers.delete(url)
    worker.process.kill()
    this.#origin.workerDied(worker.process)
    this.#parts.listener.workerDied(worker, why)
    for (const line of this.#lines) {
      if (line.worker !== worker) continue
      this.#lines.delete(line)
      line.brokerDied()
    }
  }

  /** A worker goes with the last of its tabs. */
  tabDied(tab: Process): void {
    tab.kill()
    for (const worker of this.workers) {
      worker.owners.delete(tab)
      if (worker.owners.size === 0) this.killWorker(worker, 'no tab is left')
    }
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

  #newWorker(url: string): SimWorker {
    this.#workerCount += 1
    const { clock, streams, limits, plant, listener, deployments, scheduler } = this.#parts
    const number = this.#workerCount
    const process = scheduler.process(`broker ${number}`)
    const prng = streams.of(`storage ${number}`)
    const worker: SimWorker = new SimWorker({
      number,
      process,
      script: deployments.scriptAt(url),
      origin: this.#origin.of(process),
      limits,
      plant,
      clock,
      openStorage: (storageListener) => {
        const parts = { ...this.#storageParts(process, prng), ...storageListener, killWorker }
        return plant?.openStorage?.(parts) ?? new SimStorage(parts)
      },
      listener: {
        told: (event) => listener.told(event),
        brokerStarted: (_, broker) => listener.brokerStarted(worker, broker),
        logged: (message, details) => listener.logged(message, details),
        ended: () => this.killWorker(worker, 'it makes room'),
      },
    })
    const killWorker = () => this.killWorker(worker, 'after a commit')
    return worker
  }

  #storageParts(worker: Process, prng: Prng) {
    const { scheduler, weather, listener } = this.#parts
    return {
      disk: this.disk,
      worker,
      prng,
      nowMs: () => scheduler.nowMs,
      weather: () => weather().storage,
      onFault: (name: WeatherFaultName) => listener.fault(name),
      onDurable: (records: readonly DurableRecord[], durability: Durability) =>
        listener.durable(records, durability),
    }
  }
}

/** 0 where no broker runs. */
function epochOf(worker: SimWorker | undefined): number {
  return worker?.broker?.state.brokerEpoch ?? 0
}
