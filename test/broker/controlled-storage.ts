/** Memory storage whose commits and reads a test can watch, hold back and let fail. */
import type { BatchRange, Durability, Storage } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import { MemoryStorage, type MemoryDatabase } from '../../src/broker/runtime/memory-storage.js'
import { deferred, type Deferred } from '../../src/std/deferred.js'

export interface CommitSeen {
  readonly records: readonly DurableRecord[]
  readonly durability: Durability
}

export class ControlledStorage implements Storage {
  /** Every commit that began, also those that are held back or failed. */
  readonly commits: CommitSeen[] = []
  readonly reads: BatchRange[] = []
  loads = 0
  readonly #storage: MemoryStorage
  readonly #held: Deferred<void>[] = []
  #isHolding: 'writes' | 'answers' | undefined
  #heldReads: Deferred<void> | undefined
  readonly #commitErrors: unknown[] = []
  readonly #answerErrors: unknown[] = []
  readonly #loadErrors: unknown[] = []

  constructor(database: MemoryDatabase) {
    this.#storage = new MemoryStorage(database)
  }

  /** Commits wait from now on. */
  hold(): void {
    this.#isHolding = 'writes'
  }

  /** Commits are done from now on, but it is not heard of yet. */
  holdAnswers(): void {
    this.#isHolding = 'answers'
  }

  /** The oldest commit that waits goes on; the next ones go on waiting. */
  releaseOne(): void {
    this.#held.shift()?.resolve()
  }

  /** Nothing waits any more. */
  release(): void {
    this.#isHolding = undefined
    for (const held of this.#held.splice(0)) held.resolve()
  }

  holdReads(): void {
    this.#heldReads = deferred()
  }

  releaseReads(): void {
    this.#heldReads?.resolve()
    this.#heldReads = undefined
  }

  /** The next commits fail with these, one each. */
  failCommits(...errors: unknown[]): void {
    this.#commitErrors.push(...errors)
  }

  /** The next commits are written and fail all the same: the connection was cut in between. */
  failAnswers(...errors: unknown[]): void {
    this.#answerErrors.push(...errors)
  }

  /** Nothing fails any more. */
  heal(): void {
    this.#commitErrors.length = 0
    this.#answerErrors.length = 0
    this.#loadErrors.length = 0
  }

  failLoads(...errors: unknown[]): void {
    this.#loadErrors.push(...errors)
  }

  async load() {
    this.loads += 1
    if (this.#loadErrors.length > 0) throw this.#loadErrors.shift()
    return this.#storage.load()
  }

  async commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    this.commits.push({ records, durability })
    const holding = this.#isHolding
    if (holding === 'writes') await this.#released()
    if (this.#commitErrors.length > 0) throw this.#commitErrors.shift()
    await this.#storage.commit(records)
    if (this.#answerErrors.length > 0) throw this.#answerErrors.shift()
    if (holding === 'answers') await this.#released()
  }

  async readBatches(range: BatchRange): Promise<ArrayBuffer[]> {
    this.reads.push(range)
    await this.#heldReads?.promise
    return this.#storage.readBatches(range)
  }

  readStore(range: Parameters<Storage['readStore']>[0]) {
    return this.#storage.readStore(range)
  }

  estimate() {
    return this.#storage.estimate()
  }

  close(): Promise<void> {
    return this.#storage.close()
  }

  async #released(): Promise<void> {
    const held = deferred<void>()
    this.#held.push(held)
    await held.promise
  }
}
