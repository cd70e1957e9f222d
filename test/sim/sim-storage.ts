/**
 * The database as the simulator has it: the rows of a MemoryDatabase behind an asynchronous port
 * with latencies and failures. A transaction is applied as a whole at one moment, by the disk, and
 * acknowledged at a later one, to the worker: a worker that dies before the first leaves it to
 * chance whether it is applied, one that dies between the two never hears of what is durable.
 */
import type { BatchRange, Durability, Storage, StoredState } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import { MemoryStorage, type MemoryDatabase } from '../../src/broker/runtime/memory-storage.js'
import { TabmqError, type ErrorCode } from '../../src/protocol/errors.js'
import type { StorageEstimate } from '../../src/protocol/requests.js'
import type { Prng } from '../../src/std/prng.js'
import type { Transaction } from './history.js'
import type { Process } from './scheduler.js'
import { skewed } from './streams.js'

/** How the storage behaves at this moment. */
export interface StorageWeather {
  readonly latencyMsMax: number
  /** Probabilities, each per operation. */
  readonly abortChance: number
  readonly fullChance: number
  readonly loadFailChance: number
  readonly readFailChance: number
  /** The worker dies right after the transaction was applied, before anybody is told. */
  readonly dieAfterCommitChance: number
}

export interface SimStorageParts {
  readonly database: MemoryDatabase
  readonly worker: Process
  readonly disk: Process
  readonly prng: Prng
  readonly weather: () => StorageWeather
  /** These records are durable now. */
  readonly onDurable: (records: readonly DurableRecord[], durability: Durability) => void
  /** The worker heard that a transaction has failed. */
  readonly onCommitFailed: () => void
  readonly killWorker: () => void
}

export class SimStorage implements Storage {
  protected readonly parts: SimStorageParts
  protected readonly rows: MemoryStorage
  #underWay = 0
  readonly #whenIdle: (() => void)[] = []

  constructor(parts: SimStorageParts) {
    this.parts = parts
    this.rows = new MemoryStorage(parts.database)
  }

  load(): Promise<StoredState> {
    const { prng, weather } = this.parts
    const fails = prng.chance(weather().loadFailChance)
    return this.#inWorker('load', async () => {
      if (fails) throw failure('STORAGE_ERROR', 'load')
      return structuredClone(await this.rows.load())
    })
  }

  commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const { prng, weather } = this.parts
    // As a transaction does: what is written is what the records were when they were handed over.
    const copies = structuredClone(records)
    const { abortChance, fullChance, dieAfterCommitChance } = weather()
    const draw = prng.float()
    const code = draw < abortChance ? 'STORAGE_ERROR' : 'STORAGE_FULL'
    const fails = draw < abortChance + fullChance
    const killsWorker = prng.chance(dieAfterCommitChance)
    const outlivesWorker = prng.chance(0.5)
    return this.transaction(async () => {
      if (fails) throw failure(code, 'commit')
      await this.write({ records: copies, durability }, outlivesWorker)
      if (killsWorker) this.parts.killWorker()
    })
  }

  readBatches(range: BatchRange): Promise<ArrayBuffer[]> {
    const { prng, weather } = this.parts
    const fails = prng.chance(weather().readFailChance)
    return this.#inWorker('read', async () => {
      if (fails) throw failure('STORAGE_ERROR', 'read')
      return this.rows.readBatches(range)
    })
  }

  estimate(): Promise<StorageEstimate> {
    return this.rows.estimate()
  }

  async close(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    await this.rows.close()
  }

  /** Applies on the disk after a while, and tells the worker after another. */
  protected transaction(apply: () => Promise<void>): Promise<void> {
    const { disk, worker } = this.parts
    this.#underWay += 1
    return new Promise((resolve, reject) => {
      const settle = (label: string, settled: () => void) => {
        worker.schedule(this.latencyMs() / 4, label, () => {
          this.#ended()
          settled()
        })
      }
      disk.schedule(this.latencyMs(), 'commit', () => {
        apply().then(
          () => settle('committed', resolve),
          (error: unknown) =>
            settle('commit failed', () => {
              this.parts.onCommitFailed()
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
    if (this.parts.worker.isDead && !outlivesWorker) return
    await this.rows.commit(records)
    this.parts.onDurable(records, durability)
  }

  protected latencyMs(): number {
    const { prng, weather } = this.parts
    return skewed(prng, weather().latencyMsMax)
  }

  #inWorker<T>(label: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.parts.worker.schedule(this.latencyMs(), label, () => {
        work().then(resolve, reject)
      })
    })
  }

  #ended(): void {
    this.#underWay -= 1
    if (this.#underWay > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

function failure(code: ErrorCode, what: string): TabmqError {
  return new TabmqError(code, `simulated: the ${what} failed`, {})
}
