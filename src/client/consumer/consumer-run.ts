/**
 * What a consumer is from `run` to `stop`: it ties together who it is in the group (membership),
 * which partitions it holds, what it fetches (fetch loop), what it hands to the handler (runner) and
 * what it commits (offset commits).
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { parseInstanceId, type GroupId, type PartitionId } from '../../protocol/names.js'
import type { OffsetToCommit } from '../../protocol/requests/groups.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import { definedOrThrow } from '../../std/assert.js'
import { deferred } from '../../std/deferred.js'
import { checkArray, checkInteger, checkObject, invalidOption } from '../check-options.js'
import type { Events } from '../events.js'
import type { ConsumerParts } from './consumer.js'
import type { CheckedConsumerOptions, CheckedRunOptions } from './consumer-options.js'
import {
  topicPartitionKey,
  type ConsumerEvents,
  type TopicPartition,
  type TopicPartitionOffset,
  type TopicPartitionOffsetAndMetadata,
} from './delivery.js'
import { FetchLoop } from './fetch-loop.js'
import { Membership, type LossReason } from './membership.js'
import { LoopLeft } from './message-iterator.js'
import { OffsetCommits } from './offset-commits.js'
import { OwnedPartition } from './owned-partition.js'
import type { Pauses } from './pauses.js'
import { Runner } from './runner.js'
import { StartOffsets } from './start-offsets.js'
import type { Subscriptions } from './subscriptions.js'

export interface ConsumerRunParts extends ConsumerParts {
  readonly consumerOptions: CheckedConsumerOptions
  readonly options: CheckedRunOptions
  readonly groupId: GroupId | undefined
  /** Partitions assigned by hand; without them it joins the group. */
  readonly manual: readonly AssignedPartition[] | undefined
  readonly subscriptions: Subscriptions
  readonly pauses: Pauses
  /** Where partitions go that are not held yet, by `topicPartitionKey`. */
  readonly pendingSeeks: Map<string, number>
  /** Pauses as the user does; returns a function that resumes. */
  readonly pause: (one: TopicPartition) => () => void
  readonly events: Events<ConsumerEvents>
  /** Whether a loop gets the messages, which then throws the error that ends the run. */
  readonly isLoop: boolean
  /** It is over, by `stop` or by itself; `idle` resolves when the last of its handlers is done. */
  readonly onEnd: (idle: Promise<void>) => void
}

/** For handlers to end that were told to. */
const STOP_ABORTED_MS = 1_000

type Phase = 'running' | 'stopping' | 'over'

export class ConsumerRun {
  readonly #parts: ConsumerRunParts
  readonly #commits: OffsetCommits | undefined
  readonly #partitions = new Map<PartitionId, OwnedPartition>()
  /** Partitions lost with a broker: what was handled of them need not be handled again. */
  readonly #lostWithBroker = new Map<PartitionId, OwnedPartition>()
  /** Ends with the data: the life of who is no member of a group. */
  readonly #dataEnd = new AbortController()
  readonly #membership: Membership | undefined
  readonly #runner: Runner
  readonly #fetchLoop: FetchLoop
  readonly #startOffsets: StartOffsets
  readonly #ended = deferred<{ readonly error: unknown } | undefined>()
  #phase: Phase = 'running'
  #isStarting = true
  /** Resolves when no handler runs any more, or none is waited for. */
  #idle: Promise<void> | undefined

  constructor(parts: ConsumerRunParts) {
    const { subscriptions, consumerOptions } = parts
    this.#parts = parts
    this.#membership = parts.manual === undefined ? this.#newMembership() : undefined
    this.#commits = this.#newCommits()
    this.#fetchLoop = this.#newFetchLoop()
    this.#runner = this.#newRunner()
    this.#startOffsets = new StartOffsets({
      connection: parts.connection,
      groupId: parts.groupId,
      member: () => (this.#membership === undefined ? 'none' : this.#membership.ref),
      policy: (topic) => subscriptions.resetPolicy(topic, consumerOptions.autoOffsetReset),
    })
  }

  /** Those that it still holds, also while they are being let go. */
  get partitions(): readonly OwnedPartition[] {
    return [...this.#partitions.values()]
  }

  /** Resolves when it is over, with the error that ended it if one did. */
  get ended(): Promise<{ readonly error: unknown } | undefined> {
    return this.#ended.promise
  }

  /** Resolves when the first assignment is there, or when it is stopped meanwhile. */
  async start(): Promise<void> {
    const { manual, subscriptions } = this.#parts
    this.#runner.start()
    this.#fetchLoop.start()
    try {
      if (manual !== undefined) this.#take(manual)
      else await this.#membership?.join(subscriptions.toSubscription())
    } catch (error) {
      // Whoever stopped it meanwhile does not want to hear what became of it.
      if (this.#phase !== 'running') return
      this.#end()
      throw error
    } finally {
      this.#isStarting = false
    }
  }

  /** Waits for running handlers, commits what they handled, leaves the group. */
  async stop(): Promise<void> {
    if (this.#phase === 'over') return
    this.#phase = 'stopping'
    this.#membership?.beginLeaving()
    this.#fetchLoop.stop()
    const held = this.partitions.filter(({ isHeld }) => isHeld)
    await this.#handlersDone()
    await this.#isInTime(this.#emitRevoked(held), this.#parts.consumerOptions.rebalanceTimeoutMs)
    await this.#commitLast(this.partitions)
    await this.#membership?.leave()
    if (this.#isOver()) return
    this.#end()
    await this.#parts.events.emit('stop', {})
  }

  resubscribe(): void {
    this.#membership?.resubscribe(this.#parts.subscriptions.toSubscription())
  }

  setWeight(weight: number): void {
    this.#membership?.setWeight(weight)
  }

  /** The broker is gone: nothing new is delivered until the membership is sure again. */
  disconnected(): void {
    this.#runner.setSuspended(true)
  }

  /**
   * The data are others. A member joins again, and takes along nothing of what it knew; partitions that
   * were assigned by hand are gone, and the run with them.
   */
  storageLost(error: TabmqError): void {
    if (this.#isOver()) return
    this.#dataEnd.abort(error)
    if (this.#membership === undefined) return this.#onFailed(error)
    this.#membership.storageLost(error)
    this.#lostWithBroker.clear()
    this.#crash(error, { willRetry: true })
  }

  connected({ isNewBroker }: { readonly isNewBroker: boolean }): void {
    if (!isNewBroker || this.#membership === undefined) this.#runner.setSuspended(false)
  }

  /** There is no broker any more, nor will there be one for this page. */
  failed(error: unknown): void {
    // Then the start itself fails.
    if (this.#isStarting) return
    if (this.#membership === undefined) this.#onFailed(error)
    else this.#membership.fail(error)
  }

  /** Whether the partition is held, and goes there. */
  seek({ topic, partition, offset }: TopicPartitionOffset): boolean {
    const isSame = (held: OwnedPartition) => held.topic === topic && held.partition === partition
    const held = this.partitions.find(isSame)
    held?.seek(offset)
    this.#fetchLoop.wake()
    return held !== undefined
  }

  pausesChanged(): void {
    for (const partition of this.#partitions.values()) {
      if (this.#parts.pauses.has(partition)) partition.pause()
      else partition.resume()
    }
    this.#fetchLoop.wake()
  }

  /** Commits these, or everything that is handled. */
  async commitOffsets(offsets?: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    const { groupId, events } = this.#parts
    const commits = this.#commits
    if (commits === undefined || groupId === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'only a consumer of a group can commit', {})
    }
    if (offsets === undefined) return commits.commitHandled()
    checkArray('offsets', offsets)
    const life = this.#life
    const wanted = await Promise.all(offsets.map((one) => this.#toCommit(one)))
    if (this.#membership !== undefined) for (const one of wanted) this.#checkMayCommit(one)
    await commits.commit(wanted, life)
    for (const { partitionId, offset } of wanted) {
      this.#partitions.get(partitionId)?.committed(offset)
    }
    void events.emit('commitOffsets', { groupId, offsets })
  }

  /** The page is going away: what is handled is committed without waiting for an answer. */
  postCommits(): void {
    this.#commits?.post()
  }

  #newMembership(): Membership {
    const { host, connection, consumerOptions, events } = this.#parts
    const groupId = definedOrThrow(this.#parts.groupId, () => 'members have a group')
    const { groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, assignor, weight } =
      consumerOptions
    const emit = events.emit.bind(events)
    const membership: Membership = new Membership({
      host,
      connection,
      groupId,
      groupInstanceId: groupInstanceId === undefined ? undefined : parseInstanceId(groupInstanceId),
      options: { sessionTimeoutMs, rebalanceTimeoutMs, assignor, weight },
      listener: {
        assigned: (partitions) => this.#onAssigned(partitions),
        revoke: (partitions) => this.#onRevoke(partitions),
        lost: (partitions, reason) => this.#onLost(partitions, reason),
        joined: (memberEpoch) => {
          this.#runner.setSuspended(false)
          void emit('groupJoin', { groupId, memberId: membership.memberId, memberEpoch })
        },
        heartbeat: (memberEpoch) => {
          void emit('heartbeat', { groupId, memberId: membership.memberId, memberEpoch })
          this.#runner.pump()
        },
        rebalancing: () => void emit('rebalancing', { groupId, memberId: membership.memberId }),
        failed: (error) => this.#onFailed(error),
        isStuck: () => this.#isStuck(),
      },
    })
    return membership
  }

  #newCommits(): OffsetCommits | undefined {
    const { host, connection, groupId, events, options } = this.#parts
    if (groupId === undefined) return undefined
    return new OffsetCommits({
      host,
      connection,
      groupId,
      run: () => options,
      partitions: () => this.#partitions.values(),
      member: () => (this.#membership === undefined ? 'none' : this.#membership.ref),
      life: () => this.#life,
      refreshEpoch: async () => this.#membership?.refresh(),
      onFenced: (error) => this.#membership?.fencedBy(error),
      onCommitted: (offsets) => void events.emit('commitOffsets', { groupId, offsets }),
      onError: (error) => this.#crash(error, { willRetry: true }),
    })
  }

  get #life(): AbortSignal {
    return this.#membership?.life ?? this.#dataEnd.signal
  }

  #newFetchLoop(): FetchLoop {
    const { host, connection, consumerOptions } = this.#parts
    return new FetchLoop({
      host,
      connection,
      options: consumerOptions,
      partitions: () => this.#partitions.values(),
      isFixed: this.#membership === undefined,
      isHandled: ({ partitionId }) => this.#runner.handled(partitionId) !== undefined,
      onFetched: () => this.#runner.pump(),
      onOutOfRange: async (partition) => {
        await this.#startOffsets.reset(partition)
        this.#commits?.takenUp()
      },
      onError: (error, partition) => {
        // That is told once, by the connection.
        if (!hasCode(error, 'STORAGE_LOST')) this.#onDeliveryFailed(error, partition)
      },
    })
  }

  #newRunner(): Runner {
    const { host, connection, codecs, options, consumerOptions, pause } = this.#parts
    return new Runner({
      host,
      connection,
      codecs,
      run: options,
      bytesPerBatch: consumerOptions.maxBytesPerPartition,
      partitions: () => this.partitions,
      listener: {
        mayDeliver: (nowMs) => this.#mayDeliver(nowMs),
        handled: (count, endOfBatch) => this.#commits?.handled(count, endOfBatch),
        failed: (partition, error) => this.#onHandlerFailed(partition, error),
        released: () => {
          this.#fetchLoop.wake()
          if (!this.#isStuck()) this.#membership?.unstuck()
        },
        heartbeat: async () => this.#membership?.heartbeat(),
        commit: (offsets) =>
          offsets === undefined
            ? (this.#commits?.commitIfDue() ?? Promise.resolve())
            : this.commitOffsets(offsets),
        uncommitted: () => this.#commits?.uncommitted() ?? [],
        commitProgress: async (partition) => this.#commits?.commitHandled(new Set([partition])),
        commitWithChanges: async (handled) => this.#commits?.commitWithChanges(handled),
        goOnBehindCommitted: (partition) => this.#goOnBehindCommitted(partition),
        pause,
      },
    })
  }

  async #goOnBehindCommitted(partition: OwnedPartition): Promise<void> {
    const { connection, groupId } = this.#parts
    const { partitionId, version } = partition
    if (groupId === undefined) return
    const request = { api: 'fetchOffsets', groupId, partitions: [partitionId] } as const
    const { offsets } = await connection.call(request, { isRepeatable: true })
    const offset = offsets[0]?.offset
    if (offset !== undefined && partition.version === version) partition.goOnAt(offset)
    this.#fetchLoop.wake()
  }

  /** A member that was away for as long as its session asks first whether it still is one. */
  #mayDeliver(nowMs: number): boolean {
    if (this.#membership?.isSure(nowMs) !== false) return true
    this.#membership.confirm()
    return false
  }

  #onAssigned(partitions: readonly AssignedPartition[]): void {
    if (this.#phase !== 'running') return
    const groupId = this.#parts.groupId ?? ''
    void this.#parts.events.emit('partitionsAssigned', { groupId, partitions: namesOf(partitions) })
    this.#take(partitions)
  }

  #take(assigned: readonly AssignedPartition[]): void {
    const { pauses, pendingSeeks } = this.#parts
    const taken = assigned.map((one) => {
      const partition = new OwnedPartition(one)
      this.#partitions.set(one.partitionId, partition)
      if (pauses.has(partition)) partition.pause()
      const key = topicPartitionKey(partition)
      const seekTo = pendingSeeks.get(key)
      pendingSeeks.delete(key)
      if (seekTo !== undefined) partition.seek(seekTo)
      return partition
    })
    if (taken.length > 0) void this.#startPartitions(taken)
  }

  /** Finds out where to start, once no handler of an earlier ownership is running any more. */
  async #startPartitions(partitions: readonly OwnedPartition[]): Promise<void> {
    await Promise.all(
      partitions.map(async (partition) => {
        const { partitionId } = partition
        const before = this.#lostWithBroker.get(partitionId)
        if (before === undefined) return
        await this.#runner.idle(partitionId)
        if (!partition.isHeld) return
        partition.follow(before)
        this.#lostWithBroker.delete(partitionId)
      }),
    )
    await this.#startOffsets.find(partitions, {
      isCurrent: (partition) => partition.isHeld && !this.#isOver(),
      onError: (error, partition) => this.#crash(error, { willRetry: false, partition }),
      host: this.#parts.host,
    })
    this.#fetchLoop.wake()
    this.#commits?.takenUp()
  }

  /** Rule 8: listeners run while offsets can still be committed; then what was handled is. */
  async #onRevoke(assigned: readonly AssignedPartition[]): Promise<void> {
    const partitions = assigned.flatMap(
      ({ partitionId }) => this.#partitions.get(partitionId) ?? [],
    )
    for (const partition of partitions) partition.beginRevocation()
    await Promise.all(partitions.map(({ partitionId }) => this.#runner.idle(partitionId)))
    await this.#emitRevoked(partitions)
    await this.#commitLast(partitions)
    for (const partition of partitions) this.#release(partition)
  }

  /** While it waited for handlers, the membership may have ended: those were told of as lost. */
  async #emitRevoked(waited: readonly OwnedPartition[]): Promise<void> {
    const partitions = namesOf(waited.filter(({ isCommittable }) => isCommittable))
    if (this.#membership === undefined || partitions.length === 0) return
    const groupId = this.#parts.groupId ?? ''
    await this.#parts.events.emit('partitionsRevoked', { groupId, partitions })
  }

  #onLost(assigned: readonly AssignedPartition[], reason: LossReason): void {
    const { pendingSeeks, options, events } = this.#parts
    this.#runner.setSuspended(true)
    for (const { partitionId } of assigned) {
      const partition = this.#partitions.get(partitionId)
      if (partition === undefined) continue
      this.#release(partition)
      if (reason !== 'broker') continue
      const { soughtTo } = partition
      if (soughtTo !== undefined) pendingSeeks.set(topicPartitionKey(partition), soughtTo)
      // One that had not come to know where to start says nothing: what was before it stands.
      if (options.autoCommit && partition.hasProgress) {
        this.#lostWithBroker.set(partitionId, partition)
      }
    }
    const groupId = this.#parts.groupId ?? ''
    void events.emit('partitionsLost', { groupId, partitions: namesOf(assigned) })
  }

  #release(partition: OwnedPartition): void {
    partition.release()
    if (this.#partitions.get(partition.partitionId) === partition) {
      this.#partitions.delete(partition.partitionId)
    }
  }

  #end(failure?: { readonly error: unknown }): void {
    this.#phase = 'over'
    this.#ended.resolve(failure)
    this.#fetchLoop.stop()
    this.#commits?.close()
    const idle = this.#handlersDone()
    for (const partition of this.#partitions.values()) partition.release()
    this.#partitions.clear()
    this.#lostWithBroker.clear()
    this.#parts.onEnd(idle)
  }

  /**
   * Waits for running handlers: as long as for letting go of a partition, and a little more once their
   * signals have told them to end. Then it goes on without them, or a handler that hangs, or one that
   * waits for this itself, would keep the page from ever closing.
   */
  #handlersDone(): Promise<void> {
    this.#idle ??= this.#waitForHandlers()
    return this.#idle
  }

  async #waitForHandlers(): Promise<void> {
    const { rebalanceTimeoutMs } = this.#parts.consumerOptions
    const done = this.#runner.stop()
    if (await this.#isInTime(done, rebalanceTimeoutMs)) return
    for (const partition of this.#partitions.values()) partition.beginRevocation()
    if (await this.#isInTime(done, STOP_ABORTED_MS)) return
    this.#crash(stillRunning(rebalanceTimeoutMs), { willRetry: false })
  }

  async #isInTime(done: Promise<void>, waitMs: number): Promise<boolean> {
    let cancelTimer = () => {}
    const late = new Promise<false>((resolve) => {
      cancelTimer = this.#parts.host.setTimer(waitMs, () => resolve(false))
    })
    const isDone = await Promise.race([done.then(() => true as const), late])
    cancelTimer()
    return isDone
  }

  async #commitLast(partitions: readonly OwnedPartition[]): Promise<void> {
    if (!this.#parts.options.autoCommit) return
    try {
      await this.#commits?.commitHandled(new Set(partitions))
    } catch (error) {
      // Fenced, forgotten by a broker that died, or the topic is deleted: nothing of it can be
      // committed any more.
      const isMoot = hasCode(
        error,
        'BROKER_UNAVAILABLE',
        'UNKNOWN_MEMBER_ID',
        'FENCED_MEMBER_EPOCH',
        'UNKNOWN_TOPIC_OR_PARTITION',
        'ILLEGAL_STATE',
        'STORAGE_LOST',
      )
      if (!isMoot) this.#crash(error, { willRetry: false })
    }
  }

  #onFailed(error: unknown): void {
    const { events, isLoop } = this.#parts
    if (this.#isOver()) return
    this.#end({ error })
    this.#crash(error, { willRetry: false, isThrown: isLoop })
    void events.emit('stop', {})
  }

  #isStuck(): boolean {
    return this.#runner.longestHandlerMs() > this.#parts.consumerOptions.maxPollIntervalMs
  }

  #onHandlerFailed(partition: OwnedPartition, error: unknown): void {
    if (error instanceof LoopLeft) return
    const wasToldToEnd = !partition.isHeld && error instanceof Error && error.name === 'AbortError'
    if (!wasToldToEnd) this.#onDeliveryFailed(error, partition)
  }

  /** Of what cannot be read, the error says where it is, and it is not tried again. */
  #onDeliveryFailed(error: unknown, partition: OwnedPartition | undefined): void {
    if (partition?.isStopped !== true || !(error instanceof TabmqError)) {
      return this.#crash(error, { willRetry: true, partition })
    }
    const { code, message, details, cause } = error
    const { topic, partition: number, damagedAt: offset } = partition
    const named = new TabmqError(
      code,
      message,
      { ...details, topic, partition: number, offset },
      cause,
    )
    this.#crash(named, { willRetry: false, partition, offset })
  }

  /** Every error reaches somebody: the listeners, or the page's error reporting. */
  #crash(
    error: unknown,
    options: {
      willRetry: boolean
      partition?: OwnedPartition | undefined
      offset?: number | undefined
      isThrown?: boolean
    },
  ): void {
    const { willRetry, partition, isThrown = false } = options
    const { events, host } = this.#parts
    if (!isThrown && !events.has('crash')) host.reportError(error)
    const where =
      partition === undefined ? {} : { topic: partition.topic, partition: partition.partition }
    const offset = options.offset ?? partition?.position
    const at = offset === undefined ? {} : { offset }
    void events.emit('crash', { error, willRetry, ...where, ...at })
  }

  /**
   * Nobody commits of what this consumer does not hold; nor of what it holds again, but a handler of
   * an earlier ownership still runs on: others may have had it in between, and got further.
   * @throws TabmqError FENCED_MEMBER_EPOCH
   */
  #checkMayCommit({ partitionId }: OffsetToCommit): void {
    const held = this.#partitions.get(partitionId)
    const handled = this.#runner.handled(partitionId) ?? held
    const isSame = handled === held || handled === this.#lostWithBroker.get(partitionId)
    if (held?.isCommittable === true && isSame) return
    throw new TabmqError(
      'FENCED_MEMBER_EPOCH',
      `this consumer has lost ${nameOf(handled) ?? `partition ${partitionId}`}: others go on with it`,
      { groupId: this.#parts.groupId, partitionId },
    )
  }

  async #toCommit(one: TopicPartitionOffsetAndMetadata): Promise<OffsetToCommit> {
    checkObject('offsets', one)
    const { offset, metadata } = one
    checkInteger('offset', offset, { min: 0 })
    if (metadata !== undefined && typeof metadata !== 'string') {
      throw invalidOption('metadata', metadata, 'a string')
    }
    const { partitionId } = await this.#parts.topics.locate(one)
    return metadata === undefined ? { partitionId, offset } : { partitionId, offset, metadata }
  }

  #isOver(): boolean {
    return this.#phase === 'over'
  }
}

function nameOf(partition: OwnedPartition | undefined): string | undefined {
  return partition === undefined ? undefined : `"${partition.topic}" ${partition.partition}`
}

function namesOf(partitions: readonly TopicPartition[]): TopicPartition[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }))
}

function stillRunning(waitedMs: number): TabmqError {
  return new TabmqError(
    'ABORTED',
    `a handler still ran ${waitedMs} ms after the stop, and was left behind`,
    { waitedMs },
  )
}
