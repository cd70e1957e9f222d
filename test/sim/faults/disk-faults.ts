/** What befalls the storage: slow or full for a while, cut off for a while or for good. */
import { TabmqError } from '../../../src/protocol/errors.js'
import type { SimStorage } from '../sim-storage.js'
import { between } from '../streams.js'
import type { FaultParts, FaultSource } from './fault-source.js'

const SLOW_DISK_FACTOR = 40

export class DiskFaults implements FaultSource {
  readonly acts: FaultSource['acts']
  readonly #parts: FaultParts
  #isSlowUntilMs = 0
  #isFullUntilMs = 0

  constructor(parts: FaultParts) {
    this.#parts = parts
    this.acts = {
      slowDisk: () => this.#slow(),
      fillDisk: () => this.#fill(),
      dropConnection: () => this.#onStorage((storage) => this.#drop(storage)),
      loseStorage: () => this.#onStorage((storage) => this.#lose(storage)),
    }
  }

  /** By how much the disk is slower than it should be. */
  get slowness(): number {
    return this.#nowMs < this.#isSlowUntilMs ? SLOW_DISK_FACTOR : 1
  }

  get isFull(): boolean {
    return this.#nowMs < this.#isFullUntilMs
  }

  heal(): void {
    this.#isSlowUntilMs = 0
    this.#isFullUntilMs = 0
  }

  get #nowMs(): number {
    return this.#parts.world.scheduler.nowMs
  }

  #slow(): boolean {
    this.#isSlowUntilMs = this.#nowMs + between(this.#parts.prng, 1, 2_000)
    return true
  }

  #fill(): boolean {
    this.#parts.world.note('the disk is full')
    this.#isFullUntilMs = this.#nowMs + between(this.#parts.prng, 1, 4_000)
    return true
  }

  #drop(storage: SimStorage): void {
    const { world, prng } = this.#parts
    world.note('the connection to the database is cut')
    const untilMs = this.#nowMs + prng.pick([0, between(prng, 1, 1_500)])
    storage.dropConnection(untilMs, cutOff())
  }

  /**
   * Where it may not be used any more, the next worker has better luck. Where it only cannot be
   * opened, that is tried again by whatever needs it, and works one day: by then a broker that writes
   * has given up.
   */
  #lose(storage: SimStorage): void {
    const { world, prng } = this.#parts
    world.note('the database is out of reach for the worker that runs')
    const blocked = new TabmqError('STORAGE_BLOCKED', 'simulated: no more storage', {})
    if (prng.chance(0.5)) storage.dropConnection(Infinity, blocked)
    else storage.dropConnection(this.#nowMs + between(prng, 5_000, 20_000), cutOff())
  }

  #onStorage(act: (storage: SimStorage) => void): boolean {
    const storage = this.#parts.world.browser.leader?.storage
    if (storage === undefined) return false
    act(storage)
    return true
  }
}

function cutOff(): TabmqError {
  return new TabmqError('STORAGE_ERROR', 'simulated: the connection was cut', {})
}
