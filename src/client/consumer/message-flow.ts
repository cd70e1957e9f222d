/**
 * What becomes of the partitions that a consumer holds: it is found out where they start (start offsets),
 * they are fetched (fetch loop), and their messages are handed to the handler (runner).
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import type { PartitionId } from '../../protocol/names.js'
import { isInTime } from '../in-time.js'
import type { Assignment } from './assignment.js'
import type { CommitsByHand } from './commits-by-hand.js'
import type { ConsumerRunParts } from './consumer-run.js'
import { tellCrash, tellDeliveryFailed } from './crash.js'
import { FetchLoop } from './fetch-loop.js'
import type { Membership } from './membership.js'
import { LoopLeft } from './message-iterator.js'
import type { OffsetCommits } from './offset-commits.js'
import type { OwnedPartition } from './owned-partition.js'
import { Runner } from './runner.js'
import { StartOffsets } from './start-offsets.js'

export interface MessageFlowParts extends ConsumerRunParts {
  readonly assignment: Assignment
  /** Of who is a member of the group. */
  readonly membership: Membership | undefined
  /** Of who has a group. */
  readonly commits: OffsetCommits | undefined
  readonly commitsByHand: CommitsByHand
}

/** For handlers to end that were told to. */
const STOP_ABORTED_MS = 1_000

export class MessageFlow {
  readonly #parts: MessageFlowParts
  readonly #fetchLoop: FetchLoop
  readonly #runner: Runner
  readonly #startOffsets: StartOffsets
  #isOver = false
  /** Resolves when no handler runs any more, or none is waited for. */
  #idle: Promise<void> | undefined

  constructor(parts: MessageFlowParts) {
    this.#parts = parts
    this.#fetchLoop = this.#newFetchLoop()
    this.#runner = this.#newRunner()
    this.#startOffsets = this.#newStartOffsets()
  }

  start(): void {
    this.#runner.start()
    this.#fetchLoop.start()
  }

  /**
   * Fetches and delivers nothing more; resolves when running handlers are done. It waits for them as long
   * as for letting go of a partition, and a little more once their signals have told them to end. Then it
   * goes on without them, or a handler that hangs, or one that waits for this itself, would keep the page
   * from ever closing.
   */
  stop(): Promise<void> {
    this.#fetchLoop.stop()
    this.#idle ??= this.#waitForHandlers()
    return this.#idle
  }

  /** As `stop`, and nothing is started any more either. */
  end(): Promise<void> {
    this.#isOver = true
    return this.stop()
  }

  /** While the membership is in doubt nothing new is delivered. */
  setSuspended(isSuspended: boolean): void {
    this.#runner.setSuspended(isSuspended)
  }

  /** Delivers what may be delivered now. */
  pump(): void {
    this.#runner.pump()
  }

  /** Fetches what may be fetched now. */
  wake(): void {
    this.#fetchLoop.wake()
  }

  /** Of whose ownership a handler is running, if one is. */
  handled(partitionId: PartitionId): OwnedPartition | undefined {
    return this.#runner.handled(partitionId)
  }

  /** Resolves when no handler of this partition is running. */
  idle(partitionId: PartitionId): Promise<void> {
    return this.#runner.idle(partitionId)
  }

  /** Whether a handler has run for longer than it may. */
  isStuck(): boolean {
    return this.#runner.longestHandlerMs() > this.#parts.consumerOptions.maxPollIntervalMs
  }

  /** Finds out where to start; from there on they are fetched. */
  async startPartitions(partitions: readonly OwnedPartition[]): Promise<void> {
    await this.#startOffsets.find(partitions, {
      isCurrent: (partition) => partition.isHeld && !this.#isOver,
      onError: (error, partition) => tellCrash(this.#parts, error, { willRetry: false, partition }),
      host: this.#parts.host,
    })
    this.#fetchLoop.wake()
    this.#parts.commits?.takenUp()
  }

  async #waitForHandlers(): Promise<void> {
    const { host, assignment, consumerOptions } = this.#parts
    const { rebalanceTimeoutMs } = consumerOptions
    const done = this.#runner.stop()
    if (await isInTime(host, done, rebalanceTimeoutMs)) return
    for (const partition of assignment.values()) partition.beginRevocation()
    if (await isInTime(host, done, STOP_ABORTED_MS)) return
    tellCrash(this.#parts, stillRunning(rebalanceTimeoutMs), { willRetry: false })
  }

  #newFetchLoop(): FetchLoop {
    const { host, connection, consumerOptions, assignment, membership, commits } = this.#parts
    return new FetchLoop({
      host,
      connection,
      options: consumerOptions,
      partitions: () => assignment.values(),
      isFixed: membership === undefined,
      isHandled: ({ partitionId }) => this.#runner.handled(partitionId) !== undefined,
      onFetched: () => this.#runner.pump(),
      onOutOfRange: async (partition) => {
        await this.#startOffsets.reset(partition)
        commits?.takenUp()
      },
      onError: (error, partition) => {
        // That is told once, by the connection.
        if (!hasCode(error, 'STORAGE_LOST')) tellDeliveryFailed(this.#parts, error, partition)
      },
    })
  }

  #newRunner(): Runner {
    const { host, connection, codecs, options, consumerOptions, pause } = this.#parts
    const { assignment, membership, commits, commitsByHand } = this.#parts
    return new Runner({
      host,
      connection,
      codecs,
      run: options,
      bytesPerBatch: consumerOptions.maxBytesPerPartition,
      partitions: () => assignment.partitions,
      listener: {
        mayDeliver: (nowMs) => this.#mayDeliver(nowMs),
        handled: (count, endOfBatch) => commits?.handled(count, endOfBatch),
        failed: (partition, error) => this.#onHandlerFailed(partition, error),
        released: () => {
          this.#fetchLoop.wake()
          if (!this.isStuck()) membership?.unstuck()
        },
        heartbeat: async () => membership?.heartbeat(),
        commit: (offsets) =>
          offsets === undefined
            ? (commits?.commitIfDue() ?? Promise.resolve())
            : commitsByHand.commit(offsets),
        uncommitted: () => commits?.uncommitted() ?? [],
        commitProgress: async (partition) => commits?.commitHandled(new Set([partition])),
        commitWithChanges: async (handled) => commits?.commitWithChanges(handled),
        goOnBehindCommitted: async (partition) => {
          await this.#startOffsets.goOnBehindCommitted(partition)
          this.#fetchLoop.wake()
        },
        pause,
      },
    })
  }

  #newStartOffsets(): StartOffsets {
    const { connection, groupId, membership, subscriptions, consumerOptions } = this.#parts
    return new StartOffsets({
      connection,
      groupId,
      member: () => (membership === undefined ? 'none' : membership.ref),
      policy: (topic) => subscriptions.resetPolicy(topic, consumerOptions.autoOffsetReset),
    })
  }

  /** A member that was away for as long as its session asks first whether it still is one. */
  #mayDeliver(nowMs: number): boolean {
    const { membership } = this.#parts
    if (membership?.isSure(nowMs) !== false) return true
    membership.confirm()
    return false
  }

  #onHandlerFailed(partition: OwnedPartition, error: unknown): void {
    if (error instanceof LoopLeft) return
    const wasToldToEnd = !partition.isHeld && error instanceof Error && error.name === 'AbortError'
    if (!wasToldToEnd) tellDeliveryFailed(this.#parts, error, partition)
  }
}

function stillRunning(waitedMs: number): TabmqError {
  return new TabmqError(
    'ABORTED',
    `a handler still ran ${waitedMs} ms after the stop, and was left behind`,
    { waitedMs },
  )
}
