/**
 * The database as the simulator has it: the rows of a MemoryDatabase behind an asynchronous port
 * with latencies and failures. A transaction is applied as a whole at one moment, by the disk, and
 * acknowledged at a later one, to the worker: a worker that dies before the first leaves it to
 * chance whether it is applied, one that dies between the two never hears of what is durable. So
 * does one whose connection is cut: whatever is under way fails, applied or not.
 */
import type {
  BatchRange,
  Durability,
  Storage,
  StoredState,
  StorePage,
} from '../../src/broker/ports.js'
import { needsSpace, type DurableRecord } from '../../src/broker/records.js'
import { MemoryStorage } from '../../src/broker/runtime/memory-storage.js'
import { TabmqError, type ErrorCode } from '../../src/protocol/errors.js'
import type { StorageEstimate } from '../../src/protocol/requests/cluster.js'
import type { StoreReadRequest } from '../../src/protocol/requests/stores.js'
import type { Prng } from '../../src/std/prng.js'
import type { Transaction } from './history.js'
import type { WeatherFaultName } from './options.js'
import type { Process } from './scheduler.js'
import type { SimDisk } from './sim-disk.js'
import { skewed } from './streams.js'

/** How the storage behaves at this moment. */
export interface StorageWeather {
  readonly latencyMsMax: number
  /** Nothing that needs space can be written. */
  readonly isFull: boolean
  /** Each per operation. */
  readonly chances: Readonly<Record<WeatherFaultName, number>>
}

export interface SimStorageListener {
  /** The worker heard that a transaction has failed. */
  readonly onCommitFailed: (error: unknown) => void
  /** The connection is gone, and there will be no other for this worker. */
  readonly onLost: (error: TabmqError) => void
}

export interface SimStorageParts extends SimStorageListener {
  readonly disk: SimDisk
  readonly worker: Process
  readonly prng: Prng
  readonly nowMs: () => number
  readonly weather: () => StorageWeather
  readonly onFault: (name: WeatherFaultName) => void
  /** These records are durable now. */
  readonly onDurable: (records: readonly DurableRecord[], durability: Durability) => void
  readonly killWorker: () => void
}

/** What was called and has not settled; `cut` has it fail now. */
interface UnderWay {
  cut(error: TabmqError): void
}

interface Lost {
  readonly untilMs: number
  /** What every reopening says. */
  readonly error: TabmqError
  isTold: boolean
}

export class SimStorage implements Storage {
  protected readonly parts: SimStorageParts
  protected readonly rows: MemoryStorage
  readonly #diskProcess: Process
  readonly #underWay = new Set<UnderWay>()
  readonly #whenIdle: (() => void)[] = []
  #brokerEpoch = 0
  #lost: Lost | undefined

  constructor(parts: SimStorageParts) {
    this.parts = parts
    this.rows = new MemoryStorage(parts.disk.database)
    this.#diskProcess = parts.disk.process
  }

  /**
   * The connection is cut: everything under way fails, each commit applied or not. What comes before
   * `untilMs` fails as well, and is told as the loss of the storage if that is for good.
   */
  dropConnection(untilMs: number, error: TabmqError): void {
    this.#lost = { untilMs, error, isTold: false }
    for (const operation of this.#underWay) operation.cut(error)
  }

  load(): Promise<StoredState> {
    const fails = this.#draws('failedLoad')
    return this.#inWorker('load', async () => {
      if (fails) throw this.#failure('failedLoad', 'STORAGE_ERROR')
      const state = structuredClone(await this.rows.load())
      const { brokerEpoch } = state
      if (this.#brokerEpoch !== brokerEpoch) {
        this.#brokerEpoch = brokerEpoch
        this.parts.disk.written({ brokerEpoch, records: [], durability: 'relaxed' })
      }
      return state
    })
  }

  commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const { prng, weather } = this.parts
    // As a transaction does: what is written is what the records were when they were handed over.
    const copies = structuredClone(records)
    const aborts = this.#draws('abortedCommit')
    const isRefused = this.#draws('refusedCommit')
    const isUntold = this.#draws('untoldCommit')
    const killsWorker = this.#draws('deathAfterCommit')
    const outlivesWorker = prng.chance(0.5)
    return this.transaction(async () => {
      if (aborts) throw this.#failure('abortedCommit', 'STORAGE_ERROR')
      if (isRefused) throw this.#failure('refusedCommit', 'STORAGE_FULL')
      if (weather().isFull && copies.some(needsSpace)) {
        throw failure('STORAGE_FULL', 'the disk is full')
      }
      await this.write({ records: copies, durability }, outlivesWorker)
      if (isUntold) throw this.#failure('untoldCommit', 'STORAGE_ERROR')
      if (!killsWorker) return
      this.parts.onFault('deathAfterCommit')
      this.parts.killWorker()
    })
  }

  readBatches(range: BatchRange): Promise<ArrayBuffer[]> {
    const fails = this.#draws('failedRead')
    return this.#inWorker('read', async () => {
      if (fails) throw this.#failure('failedRead', 'STORAGE_ERROR')
      return this.rows.readBatches(range)
    })
  }

  readStore(range: StoreReadRequest): Promise<StorePage> {
    const fails = this.#draws('failedRead')
    return this.#inWorker('read of a store', async () => {
      if (fails) throw this.#failure('failedRead', 'STORAGE_ERROR')
      return this.rows.readStore(range)
    })
  }

  estimate(): Promise<StorageEstimate> {
    return this.rows.estimate()
  }

  async close(): Promise<void> {
    if (this.#underWay.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    await this.rows.close()
  }

  /** Applies on the disk after a while, and tells the worker after another. */
  protected transaction(apply: () => Promise<void>): Promise<void> {
    const { worker, prng } = this.parts
    const lost = this.#lostNow()
    if (lost !== undefined)
      return this.#failLater('commit failed', lost, () => this.parts.onCommitFailed(lost))
    return new Promise((resolve, reject) => {
      let cancel = () => {}
      /** It cannot be cut any more: it is on the disk, or was cut before. */
      let isDecided = false
      const settle = (label: string, settled: () => void) => {
        cancel = worker.schedule(this.latencyMs() / 4, label, () => {
          this.#ended(operation)
          settled()
        })
      }
      const operation = this.#begin((error) => {
        cancel()
        // Applied all the same by chance, and nobody is told.
        if (!isDecided && prng.chance(0.5)) void quietly(apply)
        isDecided = true
        settle('commit cut off', () => {
          this.parts.onCommitFailed(error)
          reject(error)
        })
      })
      cancel = this.#diskProcess.schedule(this.latencyMs(), 'commit', () => {
        isDecided = true
        apply().then(
          () => settle('committed', resolve),
          (error: unknown) =>
            settle('commit failed', () => {
              this.parts.onCommitFailed(error)
              reject(error)
            }),
        )
      })
    })
  }

  /** The moment of truth: all of the records or none. */
  protected async write(
    { records, durability }: Transaction,
    outlivesWorker: boolean,
  ): Promise<void> {
    const { worker, disk, onDurable } = this.parts
    if (worker.isDead && !outlivesWorker) return
    await this.rows.commit(records)
    disk.written({ brokerEpoch: this.#brokerEpoch, records, durability })
    onDurable(records, durability)
  }

  protected latencyMs(): number {
    const { prng, weather } = this.parts
    return skewed(prng, weather().latencyMsMax)
  }

  #inWorker<T>(label: string, work: () => Promise<T>): Promise<T> {
    const { worker } = this.parts
    const lost = this.#lostNow()
    if (lost !== undefined) return this.#failLater(`${label} failed`, lost)
    return new Promise((resolve, reject) => {
      const operation = this.#begin((error) => {
        cancel()
        worker.schedule(this.latencyMs() / 4, `${label} cut off`, () => {
          this.#ended(operation)
          reject(error)
        })
      })
      const cancel = worker.schedule(this.latencyMs(), label, () => {
        this.#ended(operation)
        work().then(resolve, reject)
      })
    })
  }

  /** Why nothing can be done now. */
  #lostNow(): TabmqError | undefined {
    const lost = this.#lost
    if (lost === undefined || this.parts.nowMs() >= lost.untilMs) return undefined
    if (lost.untilMs === Infinity && !lost.isTold) {
      lost.isTold = true
      this.parts.worker.schedule(0, 'lost its storage', () => {
        this.parts.onCommitFailed(lost.error)
        this.parts.onLost(lost.error)
      })
    }
    return lost.error
  }

  #failLater(label: string, error: TabmqError, onFailed = () => {}): Promise<never> {
    return new Promise((_, reject) => {
      this.parts.worker.schedule(this.latencyMs(), label, () => {
        onFailed()
        reject(error)
      })
    })
  }

  #begin(cut: (error: TabmqError) => void): UnderWay {
    const operation = { cut }
    this.#underWay.add(operation)
    return operation
  }

  #ended(operation: UnderWay): void {
    this.#underWay.delete(operation)
    if (this.#underWay.size > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  #draws(name: WeatherFaultName): boolean {
    const { prng, weather } = this.parts
    return prng.chance(weather().chances[name])
  }

  #failure(name: WeatherFaultName, code: ErrorCode): TabmqError {
    this.parts.onFault(name)
    return failure(code, `a ${name}`)
  }
}

async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch {
    // Whoever waits is told of something else.
  }
}

function failure(code: ErrorCode, what: string): TabmqError {
  return new TabmqError(code, `simulated: ${what}`, {})
}
