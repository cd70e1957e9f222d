/**
 * The disk: what is in the database, and the journal of how it came there. Workers come and go and
 * find what was committed; a power cut takes the last relaxed transactions with it, those that the
 * operating system had not yet written, and the database is made again from what is left.
 */
import type { Durability } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import { MemoryDatabase, MemoryStorage } from '../../src/broker/runtime/memory-storage.js'
import type { Prng } from '../../src/std/prng.js'
import type { Process, Scheduler } from './scheduler.js'

interface Transaction {
  readonly brokerEpoch: number
  /** None where a broker only raised its epoch. */
  readonly records: readonly DurableRecord[]
  readonly durability: Durability
}

export class SimDisk {
  readonly #scheduler: Scheduler
  #process: Process
  #database = new MemoryDatabase()
  readonly #journal: Transaction[] = []

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
    this.#process = scheduler.process('disk')
  }

  /** Another one after each power cut: what was on its way to the old one never arrives. */
  get process(): Process {
    return this.#process
  }

  get database(): MemoryDatabase {
    return this.#database
  }

  /** This was written. */
  written(transaction: Transaction): void {
    this.#journal.push(transaction)
  }

  /**
   * Every process of the machine has died before this.
   * @returns how many commits are lost: by chance some of those since the last strict one
   */
  async cutPower(prng: Prng): Promise<number> {
    this.#process.kill()
    this.#process = this.#scheduler.process('disk')
    const lastStrict = this.#journal.findLastIndex(({ durability }) => durability === 'strict')
    const firstLost = this.#journal.length - prng.below(this.#journal.length - lastStrict)
    const lost = this.#journal.splice(firstLost)
    this.#database = new MemoryDatabase(this.#database.databaseId)
    const rows = new MemoryStorage(this.#database)
    await rows.load()
    for (const { records } of this.#journal) await rows.commit(records)
    this.#database.brokerEpoch = this.#journal.at(-1)?.brokerEpoch ?? 0
    return lost.filter(({ records }) => records.length > 0).length
  }
}
