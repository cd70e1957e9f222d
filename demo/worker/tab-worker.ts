/**
 * This tab's worker: a member of the group that handles the messages of its partitions one by one,
 * and knows what it is doing. Everything here is soft state; what was handled is in the ledger, and
 * how far the group is, is the broker's to know.
 */
import type { Consumer, EachBatchPayload, ReceivedMessage, Tabmq } from '../../src/index.js'
import type { Leaving } from '../app/leaving.js'
import type { LedgerStore } from '../ledger/ledger-store.js'
import { GROUP, TOPIC } from '../names.js'
import type { TabIdentity } from '../tab-identity.js'
import { Rate } from './rate.js'
import { RebalanceLog, type RebalanceEvent } from './rebalance-log.js'
import { Slice } from './slice.js'
import { WorkTimer } from './work-timer.js'

export type WorkerState = 'joining' | 'working' | 'idle' | 'paused' | 'stopping' | 'stopped'

/** What the page shows of it. */
export interface WorkerStatus {
  readonly state: WorkerState
  /** Whether it was asked to run, whatever it does now. */
  readonly isStarted: boolean
  readonly isPaused: boolean
  readonly skipsNext: boolean
  readonly handled: number
  readonly perSecond: number
  readonly last: { readonly partition: number; readonly message: ReceivedMessage } | undefined
  readonly events: readonly RebalanceEvent[]
}

export interface TabWorkerOptions {
  readonly mq: Tabmq
  readonly store: LedgerStore
  readonly identity: TabIdentity
  readonly leaving: Leaving
  readonly epoch: () => string | undefined
  /** How long each message takes, in ms. */
  readonly workMs: () => number
  readonly onChange: () => void
  readonly onError: (failure: { error: unknown; willRetry: boolean }) => void
  /** It works again where there was an error. */
  readonly onRecovery: () => void
}

const IDLE_AFTER_MS = 400
const COMMIT_INTERVAL_MS = 100
/** About what one `send` has for a partition: the worker turns to the next partition soon. */
const BYTES_PER_TURN = 16 * 1024

export class TabWorker {
  readonly #options: TabWorkerOptions
  readonly #consumer: Consumer
  readonly #timer = new WorkTimer()
  readonly #rate = new Rate()
  readonly #log = new RebalanceLog()
  readonly #slices = new Map<number, Slice>()
  /** The partitions in which something failed, as long as nothing of them was handled since. */
  readonly #failed = new Set<number | undefined>()
  #phase: 'stopped' | 'joining' | 'running' | 'stopping' = 'stopped'
  #isPaused = false
  #skipsNext = false
  #handled = 0
  #lastHandledMs = 0
  #last: WorkerStatus['last']

  constructor(options: TabWorkerOptions) {
    this.#options = options
    this.#consumer = options.mq.consumer({
      groupId: GROUP,
      maxBytesPerPartition: BYTES_PER_TURN,
    })
    this.#listen()
    options.leaving.onLeave(() => this.#leave())
  }

  status(nowMs: number): WorkerStatus {
    return {
      state: this.#state(nowMs),
      isStarted: this.#phase === 'joining' || this.#phase === 'running',
      isPaused: this.#isPaused,
      skipsNext: this.#skipsNext,
      handled: this.#handled,
      perSecond: this.#rate.perSecond(nowMs),
      last: this.#last,
      events: this.#log.events,
    }
  }

  /** Joins the group. @throws TabmqError what `consumer.run` throws */
  async start(): Promise<void> {
    if (this.#phase !== 'stopped') return
    this.#failed.clear()
    this.#setPhase('joining')
    try {
      await this.#consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
      await this.#consumer.run({
        eachBatchAutoResolve: false,
        autoCommitInterval: COMMIT_INTERVAL_MS,
        eachBatch: (payload) => this.#eachBatch(payload),
      })
      this.#setPhase('running')
    } catch (error) {
      this.#setPhase('stopped')
      throw error
    }
  }

  /** Finishes what it is at, commits, leaves the group. */
  async stop(): Promise<void> {
    if (this.#phase !== 'running') return
    this.#setPhase('stopping')
    await this.#consumer.stop()
    this.#setPhase('stopped')
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (isPaused) this.#consumer.pause([{ topic: TOPIC }])
    else this.#consumer.resume([{ topic: TOPIC }])
    this.#options.onChange()
  }

  /** The next message is passed over as a broken handler would do it: the checker has to find it. */
  setSkipNext(skipsNext: boolean): void {
    this.#skipsNext = skipsNext
    this.#options.onChange()
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, isStale, isRunning } = payload
    const slice = this.#newSlice(batch.partition, resolveOffset)
    try {
      for (const message of batch.messages) {
        if (this.#options.leaving.hasBegun) return
        if (isStale() || !isRunning()) break
        if (slice.isFull(message, performance.now())) {
          await slice.write()
          await commitUnlessStale(payload)
        }
        if (this.#takeSkip()) slice.skip(message)
        else await this.#handle(message, batch.partition, slice)
      }
      await slice.write()
      this.#maybeRecover(batch.partition)
    } finally {
      this.#slices.delete(batch.partition)
    }
  }

  async #handle(message: ReceivedMessage, partition: number, slice: Slice): Promise<void> {
    const workMs = this.#options.workMs()
    if (workMs > 0) await this.#timer.work(workMs)
    if (this.#options.leaving.hasBegun) return
    const nowMs = performance.now()
    slice.add(message, nowMs)
    this.#handled += 1
    this.#rate.note(1, nowMs)
    this.#lastHandledMs = nowMs
    this.#last = { partition, message }
    this.#options.onChange()
  }

  #newSlice(partition: number, resolveOffset: (offset: number) => void): Slice {
    const { store, identity, epoch } = this.#options
    const append = store.append.bind(store)
    const { number: tab, run } = identity
    const slice = new Slice({ partition, tab, run, append, resolveOffset, epoch: epoch() ?? '' })
    this.#slices.set(partition, slice)
    return slice
  }

  #maybeRecover(partition: number): void {
    if (this.#failed.size === 0) return
    // An error without a partition was about the broker, and has passed when anything is handled.
    this.#failed.delete(undefined)
    this.#failed.delete(partition)
    if (this.#failed.size === 0) this.#options.onRecovery()
  }

  #takeSkip(): boolean {
    const skips = this.#skipsNext
    this.#skipsNext = false
    if (skips) this.#options.onChange()
    return skips
  }

  #listen(): void {
    const consumer = this.#consumer
    consumer.on('partitionsAssigned', ({ partitions }) => this.#note('assigned', partitions))
    consumer.on('partitionsRevoked', ({ partitions }) => this.#note('revoked', partitions))
    consumer.on('partitionsLost', ({ partitions }) => {
      for (const { partition } of partitions) this.#slices.get(partition)?.drop()
      this.#note('lost', partitions)
    })
    consumer.on('groupJoin', () => this.#note('joined', []))
    consumer.on('crash', ({ error, willRetry, partition }) => {
      this.#failed.add(partition)
      this.#options.onError({ error, willRetry })
    })
    consumer.on('stop', () => {
      if (this.#phase === 'running') this.#setPhase('stopped')
    })
  }

  #note(what: RebalanceEvent['what'], partitions: readonly { readonly partition: number }[]): void {
    this.#log.note(
      what,
      partitions.map(({ partition }) => partition),
      Date.now(),
    )
    this.#options.onChange()
  }

  /** What is resolved here, the client commits right after. */
  #leave(): void {
    for (const slice of this.#slices.values()) slice.leave()
  }

  #setPhase(phase: 'stopped' | 'joining' | 'running' | 'stopping'): void {
    this.#phase = phase
    this.#options.onChange()
  }

  #state(nowMs: number): WorkerState {
    if (this.#phase !== 'running') return this.#phase
    if (this.#isPaused) return 'paused'
    return nowMs - this.#lastHandledMs < IDLE_AFTER_MS && this.#handled > 0 ? 'working' : 'idle'
  }
}

/** Whoever has just lost the partition cannot commit, and need not: its next owner goes on. */
async function commitUnlessStale(payload: EachBatchPayload): Promise<void> {
  try {
    await payload.commitOffsetsIfNecessary()
  } catch (error) {
    if (!payload.isStale()) throw error
  }
}
