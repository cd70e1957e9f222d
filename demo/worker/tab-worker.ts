/**
 * This tab's worker: a member of the group that handles the messages of its partitions one by one,
 * and knows what it is doing. Everything here is soft state; what was handled is in the ledger, and
 * how far the group is, is the broker's to know.
 */
import type {
  AssignorName,
  Consumer,
  EachBatchPayload,
  ReceivedMessage,
  Tabmq,
} from '../../src/index.js'
import type { Leaving } from '../app/leaving.js'
import type { LedgerStore } from '../ledger/ledger-store.js'
import { GROUP, POISON_HEADER, TOPIC } from '../names.js'
import { clientIdOf, type TabIdentity } from '../tab-identity.js'
import { Rate } from './rate.js'
import { PoisonError, type Poison } from './poison.js'
import { Slice } from './slice.js'
import type { WorkTimer } from './work-timer.js'

export type WorkerState = 'joining' | 'working' | 'idle' | 'paused' | 'stopping' | 'stopped'

/** What the page shows of it. */
export interface WorkerStatus {
  readonly state: WorkerState
  /** Whether it was asked to run, whatever it does now. */
  readonly isStarted: boolean
  readonly isPaused: boolean
  readonly skipsNext: boolean
  readonly hangsNext: boolean
  readonly handled: number
  readonly perSecond: number
  readonly last: { readonly partition: number; readonly message: ReceivedMessage } | undefined
  readonly isSlow: boolean
  /** Until when its handler hangs, in ms since 1970; undefined when it does not. */
  readonly hangsUntilMs: number | undefined
  /** What is odd about it, in a few words. */
  readonly trouble: string | undefined
  /** The message that it cannot get over. */
  readonly poison: Poison | undefined
  /** When the broker has last heard of this member, in ms since 1970. */
  readonly heartbeatAtMs: number | undefined
}

/** How the group is to be, the same in all tabs. */
export interface GroupOptions {
  readonly assignor: AssignorName
  /** Whether a tab that is reloaded gets its partitions back, and they wait for it. */
  readonly isStatic: boolean
}

export interface TabWorkerOptions {
  readonly mq: Tabmq
  readonly store: LedgerStore
  readonly identity: TabIdentity
  readonly leaving: Leaving
  readonly epoch: () => string | undefined
  /** Whether partitions were added to the topic, so that keys may be in more than one. */
  readonly hasGrown: () => boolean
  /** How long each message takes, in ms. */
  readonly workMs: () => number
  readonly group: () => GroupOptions
  /** Deals with a message that cannot be handled; false when it is to be tried again. */
  readonly setAside: (partition: number, message: ReceivedMessage) => Promise<boolean>
  readonly timer: WorkTimer
  readonly onChange: () => void
  readonly onError: (failure: { error: unknown; willRetry: boolean }) => void
  /** It works again where there was an error. */
  readonly onRecovery: () => void
}

const IDLE_AFTER_MS = 400
const COMMIT_INTERVAL_MS = 100
/** A handler that takes longer has to say that it lives, or its member leaves the group. */
const POLL_INTERVAL_MS_MAX = 8_000
const SIGN_OF_LIFE_MS = 2_000
export const SLOW_MS = 250
export const HANG_MS = 20_000
/** About what one `send` has for a partition: the worker turns to the next partition soon. */
const BYTES_PER_TURN = 16 * 1024

export class TabWorker {
  readonly #options: TabWorkerOptions
  readonly #rate = new Rate()
  readonly #slices = new Map<number, Slice>()
  /** The partitions in which something failed, as long as nothing of them was handled since. */
  readonly #failed = new Set<number | undefined>()
  #phase: 'stopped' | 'joining' | 'running' | 'stopping' = 'stopped'
  /** Whether it is to run, once it has stopped. */
  #isWanted = false
  #stopping: Promise<void> | undefined
  #starting: Promise<void> | undefined
  #joinedAs: GroupOptions | undefined
  #consumer: Consumer | undefined
  #isPaused = false
  #isSlow = false
  #hangsNext = false
  #hangsUntilMs: number | undefined
  #poison: Poison | undefined
  #skipsNext = false
  #handled = 0
  #lastHandledMs = 0
  #last: WorkerStatus['last']
  #heartbeatAtMs: number | undefined

  constructor(options: TabWorkerOptions) {
    this.#options = options
    options.leaving.onLeave(() => this.#leave())
  }

  status(nowMs: number): WorkerStatus {
    return {
      state: this.#state(nowMs),
      isStarted: this.#phase === 'stopped' ? false : this.#isWanted,
      isPaused: this.#isPaused,
      skipsNext: this.#skipsNext,
      hangsNext: this.#hangsNext,
      handled: this.#handled,
      perSecond: this.#rate.perSecond(nowMs),
      last: this.#last,
      isSlow: this.#isSlow,
      hangsUntilMs: this.#hangsUntilMs,
      trouble: this.#trouble(),
      poison: this.#poison,
      heartbeatAtMs: this.#heartbeatAtMs,
    }
  }

  /**
   * Joins the group; where it is still stopping, as a handler that hangs lets it wait, when it has.
   * @throws TabmqError what `consumer.run` throws
   */
  async start(): Promise<void> {
    this.#isWanted = true
    // Whoever stopped it hears of what failed.
    await this.#stopping?.catch(() => {})
    if (this.#phase !== 'stopped' || !this.#isWanted) return
    this.#starting = this.#join()
    await this.#starting
    // What was wished for while it joined, which takes long where static members are waited for.
    if (!this.#isWanted) await this.stop()
    else if (!isSame(this.#joinedAs, this.#options.group())) await this.rejoin()
  }

  async #join(): Promise<void> {
    this.#failed.clear()
    this.#poison = undefined
    this.#setPhase('joining')
    const consumer = this.#newConsumer()
    this.#consumer = consumer
    try {
      await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
      await consumer.run({
        eachBatchAutoResolve: false,
        autoCommitInterval: COMMIT_INTERVAL_MS,
        eachBatch: (payload) => this.#eachBatch(payload),
      })
      this.#setPhase('running')
    } catch (error) {
      await this.#disconnect()
      throw error
    }
  }

  /** Finishes what it is at, commits, leaves the group. */
  async stop(): Promise<void> {
    this.#isWanted = false
    if (this.#phase === 'joining') await this.#starting?.catch(() => {})
    if (this.#phase === 'running') {
      this.#setPhase('stopping')
      this.#stopping = this.#disconnect()
    }
    await this.#stopping
  }

  /**
   * Leaves and joins again, with the group's options as they are now; one that joins looks at them by
   * itself when it has. @throws TabmqError
   */
  async rejoin(): Promise<void> {
    if (this.#phase !== 'running') return
    await this.stop()
    await this.start()
  }

  /** Whether the next message's handler does not return for a while. */
  setHangNext(hangsNext: boolean): void {
    this.#hangsNext = hangsNext
    this.#options.onChange()
  }

  setSlow(isSlow: boolean): void {
    this.#isSlow = isSlow
    this.#options.onChange()
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (isPaused) this.#consumer?.pause([{ topic: TOPIC }])
    else this.#consumer?.resume([{ topic: TOPIC }])
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
    let signOfLifeMs = performance.now()
    try {
      for (const message of batch.messages) {
        if (this.#options.leaving.hasBegun) return
        if (isStale() || !isRunning()) break
        const nowMs = performance.now()
        if (slice.isFull(message, nowMs)) {
          await slice.write()
          await commitUnlessStale(payload)
        }
        if (nowMs - signOfLifeMs > SIGN_OF_LIFE_MS) {
          signOfLifeMs = nowMs
          await payload.heartbeat()
        }
        if (this.#takeSkip()) slice.skip(message)
        else await this.#handle(message, payload, slice)
      }
      await slice.write()
      this.#maybeRecover(batch.partition)
    } finally {
      this.#slices.delete(batch.partition)
    }
  }

  async #handle(message: ReceivedMessage, payload: EachBatchPayload, slice: Slice): Promise<void> {
    const { partition } = payload.batch
    if (this.#hangsNext) await this.#hang(slice)
    const workMs = this.#options.workMs() + (this.#isSlow ? SLOW_MS : 0)
    if (workMs > 0) await this.#options.timer.work(workMs)
    // What another tab has by now is not for this one to count.
    if (this.#options.leaving.hasBegun || payload.isStale()) return
    if (isPoison(message)) await this.#meetPoison(message, partition, slice)
    const nowMs = performance.now()
    slice.add(message, nowMs)
    this.#handled += 1
    this.#rate.note(1, nowMs)
    this.#lastHandledMs = nowMs
    this.#last = { partition, message }
    this.#options.onChange()
  }

  /** What was handled before it is written down, and counts. */
  async #hang(slice: Slice): Promise<void> {
    this.#hangsNext = false
    await slice.write()
    this.#hangsUntilMs = Date.now() + HANG_MS
    this.#options.onChange()
    await this.#options.timer.wait(HANG_MS)
    this.#hangsUntilMs = undefined
    this.#options.onChange()
  }

  /** @throws PoisonError unless it was set aside */
  async #meetPoison(message: ReceivedMessage, partition: number, slice: Slice): Promise<void> {
    await slice.write()
    const { offset } = message
    const isSame = this.#poison?.partition === partition && this.#poison.offset === offset
    const tries = isSame ? (this.#poison?.tries ?? 0) + 1 : 1
    this.#poison = { partition, offset, tries }
    this.#options.onChange()
    if (!(await this.#options.setAside(partition, message))) throw new PoisonError(this.#poison)
    this.#poison = undefined
  }

  #trouble(): string | undefined {
    if (this.#hangsUntilMs !== undefined) {
      const seconds = Math.max(0, Math.ceil((this.#hangsUntilMs - Date.now()) / 1_000))
      return `Its handler hangs, for ${seconds} s more.`
    }
    if (this.#poison !== undefined) {
      const { partition, offset, tries } = this.#poison
      return `Fails at ${partition}:${offset}, tried ${tries} ${tries === 1 ? 'time' : 'times'}.`
    }
    if (this.#hangsNext) return 'Hangs at the next message.'
    return this.#isSlow ? `Slow: ${SLOW_MS} ms more for each message.` : undefined
  }

  #newSlice(partition: number, resolveOffset: (offset: number) => void): Slice {
    const { store, identity, epoch, hasGrown } = this.#options
    const append = store.append.bind(store)
    const { number: tab, run } = identity
    const slice = new Slice({
      partition,
      tab,
      run,
      append,
      resolveOffset,
      epoch: epoch() ?? '',
      notesKeys: hasGrown(),
    })
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

  #newConsumer(): Consumer {
    const { mq, identity, group } = this.#options
    this.#joinedAs = group()
    const { assignor, isStatic } = this.#joinedAs
    const consumer = mq.consumer({
      groupId: GROUP,
      assignor,
      maxBytesPerPartition: BYTES_PER_TURN,
      maxPollIntervalMs: POLL_INTERVAL_MS_MAX,
      ...(isStatic ? { groupInstanceId: clientIdOf(identity.number) } : {}),
    })
    if (this.#isPaused) consumer.pause([{ topic: TOPIC }])
    this.#listen(consumer)
    return consumer
  }

  async #disconnect(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = undefined
    try {
      await consumer?.disconnect()
    } finally {
      this.#setPhase('stopped')
    }
  }

  #listen(consumer: Consumer): void {
    consumer.on('partitionsRevoked', ({ partitions }) => this.#forgetPoison(partitions))
    consumer.on('partitionsLost', ({ partitions }) => {
      for (const { partition } of partitions) this.#slices.get(partition)?.drop()
      this.#forgetPoison(partitions)
    })
    consumer.on('heartbeat', () => {
      this.#heartbeatAtMs = Date.now()
    })
    consumer.on('crash', ({ error, willRetry, partition }) => {
      // It is shown where the tab's troubles are.
      if (error instanceof PoisonError) return
      this.#failed.add(partition)
      this.#options.onError({ error, willRetry })
    })
    consumer.on('stop', () => {
      if (this.#phase === 'running' && this.#consumer === consumer) void this.#disconnect()
    })
  }

  /** Another tab is at it now. */
  #forgetPoison(partitions: readonly { readonly partition: number }[]): void {
    if (partitions.some(({ partition }) => partition === this.#poison?.partition)) {
      this.#poison = undefined
    }
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

function isSame(a: GroupOptions | undefined, b: GroupOptions): boolean {
  return a?.assignor === b.assignor && a.isStatic === b.isStatic
}

function isPoison({ headers }: ReceivedMessage): boolean {
  return headers[POISON_HEADER] !== undefined
}

/** Whoever has just lost the partition cannot commit, and need not: its next owner goes on. */
async function commitUnlessStale(payload: EachBatchPayload): Promise<void> {
  try {
    await payload.commitOffsetsIfNecessary()
  } catch (error) {
    if (!payload.isStale()) throw error
  }
}
