/**
 * Hands what is fetched to the handler: within a partition one after the other and in order, several
 * partitions at once if asked to. A handler that throws gets the same message again after a backoff
 * (rule 17); the other partitions go on meanwhile.
 */
import type { DecodedRecord } from '../../codec/decode-batch.js'
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { CONSUMER_DEFAULTS } from '../../protocol/limits.js'
import { hasCode, type ErrorCode } from '../../protocol/errors.js'
import type { PartitionId } from '../../protocol/names.js'
import type { ReplyTo } from '../../protocol/requests/replies.js'
import type { StoreWrite } from '../../protocol/requests/stores.js'
import { checkInteger } from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { storesPart } from '../parts.js'
import { NOBODY_ASKED, PendingAnswer } from '../request/reply.js'
import { backoffMs } from '../retry-backoff.js'
import type { CheckedRunOptions } from './consumer-options.js'
import { decodeBatches } from './decode-batches.js'
import type { HandledWithChanges } from './offset-commits.js'
import type { Batch, EachBatchHandler, EachMessageHandler } from './delivery.js'
import type {
  EachMessagePayload,
  TopicPartition,
  TopicPartitionOffset,
  TopicPartitionOffsetAndMetadata,
} from './delivery.js'
import { LoopLeft } from './message-iterator.js'
import type { OwnedPartition } from './owned-partition.js'
import { Stretch } from './stretch.js'

/** A commit that came to nothing because the partition is not this member's any more, or the broker died. */
const MOOT: readonly ErrorCode[] = [
  'UNKNOWN_MEMBER_ID',
  'FENCED_MEMBER_EPOCH',
  'FENCED_INSTANCE_ID',
  'STALE_MEMBER_EPOCH',
  'ILLEGAL_STATE',
  'BROKER_UNAVAILABLE',
  'STORAGE_LOST',
  'CLIENT_CLOSED',
]

export interface RunnerOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly codecs: CodecRegistry
  readonly run: CheckedRunOptions
  readonly bytesPerBatch: number
  readonly partitions: () => readonly OwnedPartition[]
  readonly listener: RunnerListener
}

export interface RunnerListener {
  /** Whether anything new may be delivered now; if not, `pump` is called when it may. */
  mayDeliver(nowMs: number): boolean
  /** So many records were handled; `endOfBatch` when no more of what was taken will be. */
  handled(count: number, endOfBatch: boolean): void
  failed(partition: OwnedPartition, error: unknown): void
  /** A buffer has room again, or a partition is free again. */
  released(): void
  heartbeat(): Promise<void>
  commit(offsets?: readonly TopicPartitionOffsetAndMetadata[]): Promise<void>
  uncommitted(): TopicPartitionOffset[]
  /** Commits what is handled of one partition, or where it was sought to. */
  commitProgress(partition: OwnedPartition): Promise<void>
  commitWithChanges(handled: HandledWithChanges): Promise<void>
  /** Goes on behind what is committed: what is at hand is done by somebody. */
  goOnBehindCommitted(partition: OwnedPartition): Promise<void>
  pause(partition: TopicPartition): () => void
}

/** Records of one turn; void once the partition has another version. */
interface Taken {
  readonly partition: OwnedPartition
  readonly records: readonly [DecodedRecord, ...DecodedRecord[]]
  /** Behind them and the void records that follow them. */
  readonly nextOffset: number
  readonly version: number
}

interface Turn {
  readonly partition: OwnedPartition
  readonly done: Promise<void>
  /** When the handler that is running was called. */
  handlerSinceMs: number
}

export class Runner {
  readonly #options: RunnerOptions
  readonly #turns = new Map<PartitionId, Turn>()
  readonly #stretch: Stretch
  #isRunning = false
  #isSuspended = false
  #lastTurn = 0
  #cancelTimer: (() => void) | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#stretch = new Stretch(options.host)
  }

  start(): void {
    this.#isRunning = true
    this.pump()
  }

  /** Delivers nothing more; resolves when the handlers that are running are done. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#cancelTimer?.()
    await Promise.all([...this.#turns.values()].map((turn) => turn.done))
  }

  /** While the membership is in doubt nothing new is delivered. */
  setSuspended(isSuspended: boolean): void {
    this.#isSuspended = isSuspended
    if (!isSuspended) this.pump()
  }

  /** Of whose ownership a handler is running, if one is. */
  handled(partitionId: PartitionId): OwnedPartition | undefined {
    return this.#turns.get(partitionId)?.partition
  }

  /** Resolves when no handler of this partition is running. */
  async idle(partitionId: PartitionId): Promise<void> {
    await this.#turns.get(partitionId)?.done
  }

  /** For how long the oldest handler has been running, in ms. */
  longestHandlerMs(): number {
    const nowMs = this.#options.host.nowMs()
    return Math.max(0, ...[...this.#turns.values()].map((turn) => nowMs - turn.handlerSinceMs))
  }

  /**
   * Starts turns for partitions that have something, as many as may run at once. Called when something
   * has come from outside: the page has just had a turn.
   */
  pump(): void {
    this.#stretch.begin()
    this.#pump()
  }

  #pump(): void {
    if (!this.#isRunning || this.#isSuspended) return
    if (!this.#options.partitions().some((partition) => this.#isDeliverable(partition))) return
    const nowMs = this.#options.host.nowMs()
    if (!this.#options.listener.mayDeliver(nowMs)) return
    const partitions = this.#options.partitions()
    const lastTurn = this.#lastTurn
    let nextTryMs = Infinity
    for (let step = 1; step <= partitions.length; step++) {
      if (this.#turns.size >= this.#options.run.partitionsConsumedConcurrently) break
      const index = (lastTurn + step) % partitions.length
      const partition = partitions[index]
      if (partition === undefined || !this.#isDeliverable(partition)) continue
      if (partition.deliverNotBeforeMs > nowMs) {
        nextTryMs = Math.min(nextTryMs, partition.deliverNotBeforeMs)
      } else {
        this.#lastTurn = index
        this.#begin(partition, nowMs)
      }
    }
    if (nextTryMs < Infinity) this.#pumpAt(nextTryMs, nowMs)
  }

  #isDeliverable(partition: OwnedPartition): boolean {
    const { isHeld, isPaused, hasBuffered, partitionId } = partition
    return isHeld && !isPaused && hasBuffered && !this.#turns.has(partitionId)
  }

  #begin(partition: OwnedPartition, nowMs: number): void {
    const done = this.#turn(partition).finally(() => {
      this.#turns.delete(partition.partitionId)
      this.#options.listener.released()
      this.#pump()
    })
    this.#turns.set(partition.partitionId, { partition, done, handlerSinceMs: nowMs })
  }

  async #turn(partition: OwnedPartition): Promise<void> {
    const { run, bytesPerBatch, codecs } = this.#options
    const { version } = partition
    try {
      const batches = partition.take(run.eachBatch === undefined ? 1 : bytesPerBatch)
      const fromOffset = partition.position ?? 0
      const decoded = await decodeBatches(batches, { fromOffset, codecs })
      const { nextOffset, failure } = decoded
      const [first, ...others] = decoded.records
      if (first === undefined) {
        if (nextOffset > (partition.position ?? 0)) this.#pass(partition, version, nextOffset)
        if (failure !== undefined) this.#onUnreadable(partition, version, failure.error)
        return
      }
      const taken: Taken = { partition, records: [first, ...others], nextOffset, version }
      if (run.transactionalStore !== undefined) await this.#eachWithStore(taken)
      else if (run.eachMessage !== undefined) await this.#eachMessage(taken, run.eachMessage)
      else if (run.eachBatch !== undefined) await this.#eachBatch(taken, run.eachBatch)
      const isWhole = (partition.position ?? 0) >= nextOffset
      const isRest = !isWhole || failure !== undefined
      if (isRest && partition.isHeld && partition.version === version) partition.redeliver()
    } catch (error) {
      this.#onFailure(partition, version, error)
    }
  }

  async #eachMessage(taken: Taken, handler: EachMessageHandler): Promise<void> {
    const { listener } = this.#options
    const { partition, records, nextOffset, version } = taken
    const payload = this.#payloadOf(partition)
    try {
      for (const message of records) {
        if (this.#stretch.isOver()) await this.#stretch.breathe()
        if (!this.#begins(partition, version)) return
        await this.#called(handler, taken, { ...payload, message })
        const isLast = message === records.at(-1)
        partition.handled(version, isLast ? nextOffset : message.offset + 1)
        listener.handled(1, false)
      }
    } finally {
      // However it ended: what was handled is not to wait for the rest.
      listener.handled(0, true)
    }
  }

  #payloadOf(partition: OwnedPartition) {
    const { topic, partition: number, signal } = partition
    const heartbeat = () => this.#heartbeat(partition)
    const pause = () => this.#options.listener.pause(partition)
    return { topic, partition: number, signal, heartbeat, pause, reply: NOBODY_ASKED }
  }

  /** Asked for every message, of which hardly any is a request. */
  #called(handler: EachMessageHandler, taken: Taken, payload: EachMessagePayload): unknown {
    const { replyTo } = payload.message
    if (replyTo === undefined) return handler(payload)
    return this.#answered(handler, taken, { payload, replyTo })
  }

  async #answered(
    handler: EachMessageHandler,
    { partition, version }: Taken,
    { payload, replyTo }: { payload: EachMessagePayload; replyTo: ReplyTo },
  ): Promise<unknown> {
    const answer = new PendingAnswer(this.#options.connection, replyTo)
    try {
      return await handler({ ...payload, reply: answer.reply })
    } catch (error) {
      // What another member has now, it may still answer.
      const isItsOwn = this.#isCurrent(partition, version) && !(error instanceof LoopLeft)
      if (isItsOwn) answer.fail(error)
      throw error
    }
  }

  /**
   * The next handler may read what this one has changed, and does not begin before that is committed. What
   * changes nothing is committed with what does, or at the end.
   */
  async #eachWithStore(taken: Taken): Promise<void> {
    const { listener } = this.#options
    const { partition, records, nextOffset, version } = taken
    const payload = this.#payloadOf(partition)
    // A seek goes back: what is done from there on must not look as if it had been done before.
    if (!(await this.#isProgressCommitted(partition))) return
    for (const message of records) {
      if (this.#stretch.isOver()) await this.#stretch.breathe()
      if (!this.#begins(partition, version)) return
      const from = message.offset
      const offset = message === records.at(-1) ? nextOffset : from + 1
      const store = await this.#changesOf(taken, { ...payload, message })
      if (store === undefined) {
        partition.handled(version, offset)
      } else {
        const handled = { partition, version, from, offset, store }
        if (!(await this.#isCommitted(partition, listener.commitWithChanges(handled)))) return
      }
    }
    await this.#isProgressCommitted(partition)
  }

  async #isProgressCommitted(partition: OwnedPartition): Promise<boolean> {
    if (partition.uncommitted === undefined) return true
    return this.#isCommitted(partition, this.#options.listener.commitProgress(partition))
  }

  /** What was not committed comes again, here or elsewhere. */
  async #isCommitted(partition: OwnedPartition, commit: Promise<void>): Promise<boolean> {
    try {
      await commit
      return true
    } catch (error) {
      if (hasCode(error, 'INVALID_TXN_STATE')) {
        await this.#options.listener.goOnBehindCommitted(partition)
      } else if (!hasCode(error, ...MOOT)) {
        throw error
      }
      return false
    }
  }

  async #changesOf(taken: Taken, payload: EachMessagePayload): Promise<StoreWrite | undefined> {
    const { run, codecs } = this.#options
    const { eachMessage, transactionalStore } = run
    if (eachMessage === undefined || transactionalStore === undefined) return undefined
    const returned = await this.#called(eachMessage, taken, payload)
    return storesPart.here.encodeChanges(codecs, transactionalStore, returned)
  }

  async #eachBatch(taken: Taken, handler: EachBatchHandler): Promise<void> {
    const { listener, run } = this.#options
    const { partition, records, nextOffset, version } = taken
    const { signal } = partition
    const batch = batchOf(taken)
    const firstOffset = records[0].offset
    const lastOffset = records.at(-1)?.offset ?? firstOffset
    let resolved = firstOffset - 1
    let resolvedCount = 0
    const resolveOffset = (offset: number) => {
      checkInteger('offset', offset, { min: 0, max: lastOffset })
      if (offset <= resolved) return
      resolved = offset
      const countBefore = resolvedCount
      while ((records[resolvedCount]?.offset ?? Infinity) <= offset) resolvedCount++
      partition.handled(version, offset === lastOffset ? nextOffset : offset + 1)
      listener.handled(resolvedCount - countBefore, false)
    }
    if (this.#stretch.isOver()) await this.#stretch.breathe()
    if (!this.#begins(partition, version)) return
    try {
      await handler({
        batch,
        signal,
        resolveOffset,
        heartbeat: () => this.#heartbeat(partition),
        commitOffsetsIfNecessary: (offsets) => listener.commit(offsets),
        uncommittedOffsets: () => listener.uncommitted(),
        isRunning: () => this.#isRunning,
        isStale: () => !this.#isCurrent(partition, version),
        pause: () => listener.pause(partition),
      })
      if (run.eachBatchAutoResolve) resolveOffset(lastOffset)
      // It comes again, but not at once: that would go on without a pause.
      const gotNowhere = resolved < firstOffset
      if (gotNowhere && this.#isCurrent(partition, version)) this.#backOff(partition)
    } finally {
      listener.handled(0, true)
    }
  }

  /** What was taken is void, all of it: that is done. */
  #pass(partition: OwnedPartition, version: number, nextOffset: number): void {
    partition.handled(version, nextOffset)
    this.#options.listener.handled(1, true)
  }

  #onFailure(partition: OwnedPartition, version: number, error: unknown): void {
    if (partition.version === version) {
      this.#backOff(partition)
      partition.redeliver()
    }
    this.#options.listener.failed(partition, error)
  }

  /** Bytes that are no messages, or a codec that cannot make values of them: trying again is no use. */
  #onUnreadable(partition: OwnedPartition, version: number, error: unknown): void {
    if (partition.version !== version) return
    partition.redeliver()
    partition.stopAt(partition.position)
    this.#options.listener.failed(partition, error)
  }

  #backOff(partition: OwnedPartition): void {
    const { host } = this.#options
    partition.failures += 1
    const waitMs = backoffMs(partition.failures, {
      firstMs: CONSUMER_DEFAULTS.retryBackoffMs,
      maxMs: CONSUMER_DEFAULTS.retryBackoffMsMax,
      random: () => host.random(),
    })
    partition.deliverNotBeforeMs = host.nowMs() + waitMs
  }

  async #heartbeat(partition: OwnedPartition): Promise<void> {
    this.#noteHandlerStarts(partition, this.#options.host.nowMs())
    await this.#options.listener.heartbeat()
  }

  #noteHandlerStarts(partition: OwnedPartition, nowMs: number): void {
    const turn = this.#turns.get(partition.partitionId)
    if (turn !== undefined) turn.handlerSinceMs = nowMs
  }

  /** Whether a handler may begin; then it does, as of the last look at the clock. */
  #begins(partition: OwnedPartition, version: number): boolean {
    if (!this.#isCurrent(partition, version)) return false
    const { nowMs } = this.#stretch
    if (!this.#options.listener.mayDeliver(nowMs)) return false
    this.#noteHandlerStarts(partition, nowMs)
    return true
  }

  #isCurrent(partition: OwnedPartition, version: number): boolean {
    const isSame = partition.isHeld && partition.version === version
    return isSame && this.#isRunning && !this.#isSuspended
  }

  #pumpAt(atMs: number, nowMs: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#options.host.setTimer(Math.max(1, atMs - nowMs), () => this.pump())
  }
}

function batchOf({ partition: owned, records: messages, nextOffset }: Taken): Batch {
  const { topic, partition: number, highWatermark } = owned
  return {
    topic,
    partition: number,
    highWatermark,
    messages,
    isEmpty: () => false,
    firstOffset: () => messages[0]?.offset,
    lastOffset: () => messages.at(-1)?.offset,
    offsetLag: () => Math.max(0, highWatermark - nextOffset),
  }
}
