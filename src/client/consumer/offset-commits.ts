/**
 * Commits what was handled: after each batch, or by interval or count, before a revocation, a stop
 * or the end of the page; never a message whose handler has not returned (rule 9). One commit at a
 * time, those made by hand included, or one that has to be repeated would undo a later one; what is
 * handled meanwhile goes into the next.
 */
import { hasCode, TabmqError, type ErrorCode } from '../../protocol/errors.js'
import { CONSUMER_DEFAULTS } from '../../protocol/limits.js'
import type { GroupId } from '../../protocol/names.js'
import type { MemberRef, OffsetToCommit } from '../../protocol/requests/groups.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import type { StoreWrite } from '../../protocol/requests/stores.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import { definedOrThrow } from '../../std/assert.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { storesPart } from '../parts.js'
import { backoffMs } from '../retry-backoff.js'
import type { CheckedRunOptions } from './consumer-options.js'
import type { TopicPartitionOffset } from './delivery.js'
import type { OwnedPartition } from './owned-partition.js'

export interface OffsetCommitsOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly groupId: GroupId
  readonly run: () => CheckedRunOptions
  readonly partitions: () => Iterable<OwnedPartition>
  /** 'none': a consumer of assigned partitions; undefined: no member at this moment. */
  readonly member: () => MemberRef | 'none' | undefined
  /** Aborts with the membership of this moment: what was handled in it is not committed in another. */
  readonly life: () => AbortSignal
  /** Asks for the current epoch after a commit was refused for an old one. */
  readonly refreshEpoch: () => Promise<void>
  readonly onFenced: (error: unknown) => void
  readonly onCommitted: (offsets: readonly TopicPartitionOffset[]) => void
  readonly onError: (error: unknown) => void
}

const STALE_RETRIES_MAX = 5

/** A handled message and what it changes in a store, which are one. */
export interface HandledWithChanges {
  readonly partition: OwnedPartition
  /** The partition's, when the handler was called. */
  readonly version: number
  /** The message's own offset, and the next to read. */
  readonly from: number
  readonly offset: number
  readonly store: StoreWrite
}

interface Waiting {
  readonly handled: HandledWithChanges
  readonly done: Deferred<void>
}

/** One of several may be what is refused: each is tried by itself. */
const REFUSED_FOR_ONE: readonly ErrorCode[] = [
  'INVALID_TXN_STATE',
  'INVALID_REQUEST',
  'OFFSET_OUT_OF_RANGE',
  'UNKNOWN_TOPIC_OR_PARTITION',
]

export class OffsetCommits {
  readonly #options: OffsetCommitsOptions
  /** The last commit of the chain; never rejects. */
  #last: Promise<void> = Promise.resolve()
  /** Messages whose changes wait for their commit, in the order in which they were handled. */
  readonly #waiting: Waiting[] = []
  #isCommittingSoon = false
  #lastCommitMs: number
  #handledSince = 0
  #failures = 0
  #cancelTimer: (() => void) | undefined
  #cancelRetry: (() => void) | undefined

  constructor(options: OffsetCommitsOptions) {
    this.#options = options
    this.#lastCommitMs = options.host.nowMs()
  }

  /** Notes handled messages and commits if the run's options say so. */
  handled(count: number, endOfBatch: boolean): void {
    this.#handledSince += count
    const { autoCommit } = this.#options.run()
    if (!autoCommit) return
    if (this.#isDue(endOfBatch)) this.#commitSoon()
    else this.#commitAfterInterval()
  }

  /** Partitions were taken up: what an earlier ownership had handled and not committed is due too. */
  takenUp(): void {
    if (this.#uncommitted().length > 0) this.handled(1, true)
  }

  close(): void {
    this.#cancelTimer?.()
    this.#cancelRetry?.()
  }

  /** Commits if interval or threshold say so. */
  async commitIfDue(): Promise<void> {
    if (this.#isDue(false)) await this.commitHandled()
  }

  /** Commits everything handled so far; rejects when that fails. */
  commitHandled(only?: ReadonlySet<OwnedPartition>): Promise<void> {
    return this.#inTurn(() => this.#commitHandled({ only, mayLinger: false }))
  }

  /**
   * Commits these offsets, which belong to the membership of this `life`: a member that was fenced and
   * joined again must not commit them, since others may have had the partitions and got further.
   */
  commit(
    offsets: readonly OffsetToCommit[],
    life: AbortSignal = this.#options.life(),
  ): Promise<void> {
    return this.#inTurn(() => this.#commit(offsets, life))
  }

  /**
   * Commits a handled message and what it changes; nothing of it when it rejects, unless the answer was
   * lost. What is handled in other partitions meanwhile goes along.
   */
  commitWithChanges(handled: HandledWithChanges): Promise<void> {
    const done = deferred<void>()
    this.#waiting.push({ handled, done })
    if (this.#waiting.length === 1) void this.#inTurn(() => this.#commitWaiting())
    return done.promise
  }

  async #commitWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken = this.#takeWaiting()
      try {
        await this.#commitTogether(taken)
      } catch (error) {
        if (taken.length === 1 || !hasCode(error, ...REFUSED_FOR_ONE)) {
          for (const { done } of taken) done.reject(error)
          continue
        }
        for (const one of taken) await this.#commitTogether([one]).catch(one.done.reject)
      }
    }
  }

  /** As many as one request takes. */
  #takeWaiting(): Waiting[] {
    const merged = new storesPart.here.MergedChanges(this.#store())
    const end = this.#waiting.findIndex(({ handled: { store } }) => {
      const isTooMuch = !merged.hasRoomFor(store)
      merged.add(store)
      return isTooMuch
    })
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
  }

  async #commitTogether(taken: readonly Waiting[]): Promise<void> {
    const { groupId, life, onCommitted } = this.#options
    const mine = taken.filter(({ handled, done }) => {
      if (handled.partition.isCommittable) return true
      done.reject(endOf(life(), groupId))
      return false
    })
    if (mine.length === 0) return
    const merged = new storesPart.here.MergedChanges(this.#store())
    for (const { handled } of mine) merged.add(handled.store)
    const store = merged.toWrite()
    const offsets = mine.map(({ handled: { partition, from, offset } }) => ({
      partitionId: partition.partitionId,
      offset,
      from,
    }))
    await this.#commit(offsets, life(), store === undefined ? {} : { store })
    for (const { handled, done } of mine) {
      const { partition, version, offset } = handled
      partition.handled(version, offset)
      partition.committed(offset, version)
      done.resolve()
    }
    onCommitted(
      mine.map(({ handled: { partition, offset } }) => ({
        topic: partition.topic,
        partition: partition.partition,
        offset,
      })),
    )
  }

  #store() {
    const { transactionalStore } = this.#options.run()
    return definedOrThrow(transactionalStore, () => 'changes are of a store')
  }

  #inTurn(commit: () => Promise<void>): Promise<void> {
    const done = this.#last.then(commit)
    this.#last = done.catch(() => {
      // Its own caller is told; the next is tried all the same.
    })
    return done
  }

  /**
   * Nobody waits for it, so it may be written together with what comes after it, and the next need not
   * wait for its answer: it is not repeated as it is.
   */
  async #linger(): Promise<void> {
    await this.#last
    try {
      await this.#commitHandled({ mayLinger: true })
    } catch (error) {
      if (!hasCode(error, 'STALE_MEMBER_EPOCH')) throw error
      await this.commitHandled()
    }
  }

  async #commitHandled({
    only,
    mayLinger,
  }: {
    only?: ReadonlySet<OwnedPartition> | undefined
    mayLinger: boolean
  }): Promise<void> {
    const handled = this.#uncommitted(only)
    this.#lastCommitMs = this.#options.host.nowMs()
    // Even if nothing is left to commit: what was handled may belong to partitions that are lost.
    if (only === undefined) this.#handledSince = 0
    if (handled.length === 0) return
    const offsets = handled.map(({ partition: { partitionId }, offset }) => ({
      partitionId,
      offset,
    }))
    await this.#commit(offsets, this.#options.life(), mayLinger ? { mayLinger } : {})
    for (const { partition, offset, version } of handled) partition.committed(offset, version)
    this.#options.onCommitted(
      handled.map(({ partition: { topic, partition }, offset }) => ({ topic, partition, offset })),
    )
  }

  /** Again under the new epoch when the member's has just changed. */
  async #commit(
    offsets: readonly OffsetToCommit[],
    life: AbortSignal,
    more: Pick<RequestOf<'commitOffsets'>, 'mayLinger' | 'store'> = {},
  ): Promise<void> {
    const { connection, refreshEpoch, onFenced } = this.#options
    for (let attempt = 1; ; attempt++) {
      if (life.aborted) throw endOf(life, this.#options.groupId)
      try {
        // Not repeated as it is when a broker dies: what was posted since may have got further.
        const request = { ...this.#request(offsets), ...more }
        await connection.call(request, { isRepeatable: false, signal: life })
        return
      } catch (error) {
        if (life.aborted) throw endOf(life, this.#options.groupId)
        const mayRepeat = more.mayLinger !== true && attempt < STALE_RETRIES_MAX
        if (hasCode(error, 'STALE_MEMBER_EPOCH') && mayRepeat) {
          await refreshEpoch()
          continue
        }
        if (hasCode(error, 'UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH', 'FENCED_INSTANCE_ID')) {
          onFenced(error)
        }
        throw error
      }
    }
  }

  /** Posts what is handled without waiting: the page is going away. */
  post(): void {
    const handled = this.#uncommitted()
    const { autoCommit, transactionalStore } = this.#options.run()
    if (handled.length === 0 || !autoCommit) return
    // It would come behind a commit with changes that is on its way, and take its offset back.
    if (transactionalStore !== undefined) return
    const offsets = handled.map(({ partition: { partitionId }, offset }) => ({
      partitionId,
      offset,
    }))
    if (this.#options.member() !== undefined) this.#options.connection.post(this.#request(offsets))
  }

  uncommitted(): TopicPartitionOffset[] {
    return this.#uncommitted().map(({ partition: { topic, partition }, offset }) => ({
      topic,
      partition,
      offset,
    }))
  }

  #commitSoon(): void {
    if (this.#isCommittingSoon) return
    this.#isCommittingSoon = true
    const { transactionalStore } = this.#options.run()
    // One that lingers could come behind one with changes that has got further.
    const committed = transactionalStore === undefined ? this.#linger() : this.commitHandled()
    const done = committed.then(
      () => {
        this.#failures = 0
        // What was sought meanwhile looked as if it were committed, until this was.
        if (this.#handledSince === 0) this.takenUp()
      },
      (error: unknown) => {
        const isOver = hasCode(
          error,
          'UNKNOWN_MEMBER_ID',
          'FENCED_MEMBER_EPOCH',
          'ILLEGAL_STATE',
          'STORAGE_LOST',
        )
        if (isOver) return
        if (!hasCode(error, 'BROKER_UNAVAILABLE')) this.#options.onError(error)
        const isPassing = error instanceof TabmqError && error.retriable
        if (isPassing || hasCode(error, 'STORAGE_FULL')) this.#commitLater()
      },
    )
    void done.finally(() => {
      this.#isCommittingSoon = false
      // What was handled meanwhile is due as well when commits follow batches.
      const { autoCommit } = this.#options.run()
      if (!autoCommit || this.#handledSince === 0) return
      if (this.#isDue(true)) this.#commitSoon()
      else this.#commitAfterInterval()
    })
  }

  /** After a failure: even if no other message comes, what is handled has to be committed. */
  #commitLater(): void {
    const { host } = this.#options
    this.#failures += 1
    const { retryBackoffMs: firstMs, retryBackoffMsMax: maxMs } = CONSUMER_DEFAULTS
    const waitMs = backoffMs(this.#failures, { firstMs, maxMs, random: () => host.random() })
    this.#cancelRetry?.()
    this.#cancelRetry = host.setTimer(waitMs, () => {
      if (this.#uncommitted().length > 0) this.#commitSoon()
    })
  }

  /** With an interval, the last messages are committed even when no other comes. */
  #commitAfterInterval(): void {
    const { autoCommitInterval } = this.#options.run()
    if (autoCommitInterval === undefined || this.#cancelTimer !== undefined) return
    this.#cancelTimer = this.#options.host.setTimer(autoCommitInterval, () => {
      this.#cancelTimer = undefined
      if (this.#handledSince > 0) this.#commitSoon()
    })
  }

  #isDue(endOfBatch: boolean): boolean {
    const { autoCommitInterval, autoCommitThreshold } = this.#options.run()
    if (autoCommitInterval === undefined && autoCommitThreshold === undefined) return endOfBatch
    if (autoCommitThreshold !== undefined && this.#handledSince >= autoCommitThreshold) return true
    const sinceMs = this.#options.host.nowMs() - this.#lastCommitMs
    return autoCommitInterval !== undefined && sinceMs >= autoCommitInterval
  }

  #uncommitted(only?: ReadonlySet<OwnedPartition>) {
    const found: { partition: OwnedPartition; offset: number; version: number }[] = []
    for (const partition of only ?? this.#options.partitions()) {
      const offset = partition.uncommitted
      const { version } = partition
      if (offset !== undefined && partition.isCommittable)
        found.push({ partition, offset, version })
    }
    return found
  }

  #request(offsets: readonly OffsetToCommit[]): RequestOf<'commitOffsets'> {
    const { groupId } = this.#options
    const member = this.#options.member()
    if (member === undefined) {
      throw new TabmqError('ILLEGAL_STATE', `this consumer is no member of "${groupId}" now`, {
        groupId,
      })
    }
    const request = { api: 'commitOffsets', groupId, offsets } as const
    return member === 'none' ? request : { ...request, member }
  }
}

/** Why nothing of a membership that is over can be committed. */
function endOf(life: AbortSignal, groupId: GroupId): TabmqError {
  if (hasCode(life.reason, 'STORAGE_LOST')) return life.reason
  return new TabmqError(
    'FENCED_MEMBER_EPOCH',
    `this consumer lost its membership of "${groupId}" before the commit was made`,
    { groupId },
  )
}
