/**
 * The consumer: it ties together who it is in the group (membership), what it fetches (fetch loop),
 * what it hands to the handler (runner) and what it commits (offset commits), and is what the user
 * sees of them.
 */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { fromWireError, hasCode, TabmqError } from '../../protocol/errors.js'
import {
  parseGroupId,
  parseInstanceId,
  parseTopicName,
  describe,
  type GroupId,
  type PartitionId,
} from '../../protocol/names.js'
import type { AssignedPartition, AutoOffsetReset, OffsetToCommit } from '../../protocol/requests.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import {
  checkArray,
  checkInteger,
  checkNoOthers,
  checkObject,
  checkObjects,
  invalidOption,
} from '../check-options.js'
import type { Connection } from '../connection.js'
import { Events } from '../events.js'
import type { ClientHost } from '../host.js'
import { partitionIdOf, type TopicCache } from '../topic-cache.js'
import {
  checkConsumerOptions,
  checkMessagesOptions,
  checkRunOptions,
  type CheckedConsumerOptions,
  type CheckedRunOptions,
  type ConsumerOptions,
  type MessagesOptions,
  type RunOptions,
} from './consumer-options.js'
import {
  topicPartitionKey,
  type ConsumerEvents,
  type Delivery,
  type TopicPartition,
  type TopicPartitionOffset,
  type TopicPartitionOffsetAndMetadata,
} from './delivery.js'
import { FetchLoop } from './fetch-loop.js'
import { Membership, type LossReason } from './membership.js'
import { iterateMessages, LoopLeft } from './message-iterator.js'
import { OffsetCommits } from './offset-commits.js'
import { OwnedPartition } from './owned-partition.js'
import { Runner } from './runner.js'
import { StartOffsets } from './start-offsets.js'
import { Subscriptions, type SubscribeOptions } from './subscriptions.js'

export interface ConsumerParts {
  readonly host: ClientHost
  readonly connection: Connection
  readonly topics: TopicCache
  readonly codecs: CodecRegistry
}

/** Topics with some or all of their partitions, as `pause`, `resume` and `paused` use them. */
export interface TopicPartitions {
  readonly topic: string
  /** All of the topic's when absent. */
  readonly partitions?: readonly number[]
}

/** The life of who is no member of a group. */
const NEVER_ENDING = new AbortController().signal

/** What exists while the consumer runs. */
interface Run {
  readonly options: CheckedRunOptions
  readonly runner: Runner
  readonly fetchLoop: FetchLoop
  readonly commits: OffsetCommits | undefined
  readonly membership: Membership | undefined
  readonly startOffsets: StartOffsets
  /** Resolves when it is over, with the error that ended it if one did. */
  readonly ended: Deferred<{ readonly error: unknown } | undefined>
  /** Whether a loop gets the messages, which then throws the error that ends the run. */
  readonly isLoop: boolean
}

/**
 * Receives messages. Made by `mq.consumer()`.
 *
 * @example
 * const consumer = mq.consumer({ groupId: 'billing' })
 * await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
 * await consumer.run({ eachMessage: async ({ message }) => bill(message.value) })
 */
export class Consumer {
  readonly #parts: ConsumerParts
  readonly #options: CheckedConsumerOptions
  readonly #groupId: GroupId | undefined
  readonly #events: Events<ConsumerEvents>
  readonly #subscriptions = new Subscriptions()
  readonly #partitions = new Map<PartitionId, OwnedPartition>()
  /** Partitions lost with a broker: what was handled of them need not be handled again. */
  readonly #lostWithBroker = new Map<PartitionId, OwnedPartition>()
  /** Seeks and pauses of partitions that are not held yet. */
  readonly #pendingSeeks = new Map<string, number>()
  readonly #pausedTopics = new Map<string, ReadonlySet<number> | 'all'>()
  readonly #stopListening: (() => void)[]
  #manual: readonly AssignedPartition[] | undefined
  #run: Run | undefined
  /** Until handlers of the last run are done; the run itself may be over before. */
  #stopping: Promise<void> | undefined
  #disconnecting: Promise<void> | undefined

  constructor(parts: ConsumerParts, options: ConsumerOptions) {
    this.#parts = parts
    this.#options = checkConsumerOptions(options)
    const { groupId } = this.#options
    this.#groupId = groupId === undefined ? undefined : parseGroupId(groupId)
    this.#events = new Events((error) => parts.host.reportError(error))
    const { events } = parts.connection
    this.#stopListening = [
      events.on('disconnected', () => this.#run?.runner.setSuspended(true)),
      events.on('connected', ({ isNewBroker }) => {
        if (!isNewBroker || this.#manual !== undefined) this.#run?.runner.setSuspended(false)
      }),
      events.on('pageHide', () => this.#run?.commits?.post()),
    ]
  }

  /** Connects now; without it, `run` does. */
  async connect(): Promise<void> {
    await this.#parts.connection.connect()
  }

  /** Listens to what happens to this consumer; returns a function that stops listening. */
  on<K extends keyof ConsumerEvents>(
    type: K,
    listener: (event: ConsumerEvents[K]) => unknown,
  ): () => void {
    return this.#events.on(type, listener)
  }

  /**
   * Adds topics to the subscription, before or while running. A topic that does not exist yet is
   * read as soon as it does.
   * @throws TabmqError INVALID_TOPIC_EXCEPTION, ILLEGAL_STATE after `assign`, CLIENT_CLOSED
   */
  async subscribe(options: SubscribeOptions): Promise<void> {
    this.#assertOpen()
    if (this.#manual !== undefined) throw mixedUp()
    this.#groupIdOrThrow()
    this.#subscriptions.add(options)
    this.#run?.membership?.resubscribe(this.#subscriptions.toSubscription())
  }

  /** Takes topics out of the subscription, or all of them. */
  async unsubscribe(
    options: { readonly topics?: readonly (string | RegExp)[] } = {},
  ): Promise<void> {
    this.#assertOpen()
    checkObject('unsubscribe', options)
    checkNoOthers('unsubscribe', options, ['topics'])
    this.#subscriptions.remove(options.topics)
    this.#run?.membership?.resubscribe(this.#subscriptions.toSubscription())
  }

  /**
   * Reads exactly these partitions, without group management: nothing is shared, nothing moves. With
   * a `groupId`, offsets are kept for that group, which must have no members.
   * @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, ILLEGAL_STATE after `subscribe` or `run`
   */
  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    this.#assertOpen()
    if (!this.#subscriptions.isEmpty) throw mixedUp()
    if (this.#run !== undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'assign comes before run', {})
    }
    checkObjects('partitions', partitions)
    this.#manual = await Promise.all(partitions.map((one) => this.#locate(one)))
  }

  /**
   * Starts to receive. Resolves when the first assignment is there; messages come from then on. A
   * `stop` meanwhile makes it resolve as well.
   * @throws TabmqError ILLEGAL_STATE without a subscription or when it runs already, INVALID_CONFIG,
   *   GROUP_MAX_SIZE_REACHED, INVALID_REGULAR_EXPRESSION, CLIENT_CLOSED, BROKER_UNAVAILABLE
   */
  run(options: RunOptions): Promise<void> {
    return this.#startRun(options, { isLoop: false })
  }

  /**
   * Messages one by one, instead of `run`. A message counts as handled when the loop asks for the
   * next; leaving the loop stops the consumer. An error that ends the consumer is thrown.
   * @throws TabmqError INVALID_CONFIG
   *
   * @example
   * for await (const { message } of consumer.messages({ signal })) await handle(message)
   */
  messages(options: MessagesOptions = {}): AsyncGenerator<Delivery, void, undefined> {
    checkMessagesOptions(options)
    const { signal, ...runOptions } = options
    const source = {
      start: (eachMessage: NonNullable<RunOptions['eachMessage']>) =>
        this.#startRun(
          { ...runOptions, partitionsConsumedConcurrently: 1, eachMessage },
          { isLoop: true },
        ),
      stop: () => this.stop(),
      ended: () => this.#run?.ended.promise ?? Promise.resolve(undefined),
    }
    return iterateMessages(source, signal)
  }

  /** Waits for running handlers, commits what they handled, leaves the group. `run` starts again. */
  async stop(): Promise<void> {
    const run = this.#run
    if (run !== undefined) this.#stopping ??= this.#untilStopped(this.#stop(run))
    await this.#stopping
  }

  /** Stops, for good. */
  disconnect(): Promise<void> {
    this.#disconnecting ??= this.stop().then(() => {
      for (const stop of this.#stopListening) stop()
    })
    return this.#disconnecting
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect()
  }

  /**
   * Goes on at this offset. Messages fetched before are not delivered any more; of several seeks the
   * last counts. A partition that is not held is sought when it is.
   * @throws TabmqError INVALID_CONFIG
   */
  seek(where: TopicPartitionOffset): void {
    checkObject('seek', where)
    const { topic, partition, offset } = where
    parseTopicName(topic)
    checkInteger('partition', partition, { min: 0 })
    checkInteger('offset', offset, { min: 0 })
    const held = this.#find({ topic, partition })
    if (held === undefined) {
      this.#pendingSeeks.set(topicPartitionKey({ topic, partition }), offset)
    } else {
      held.seek(offset)
      this.#run?.fetchLoop.wake()
    }
  }

  /** Delivers nothing of these until `resume`. They stay this consumer's. */
  pause(topics: readonly TopicPartitions[]): void {
    for (const one of checkTopicPartitions(topics)) this.#notePause(one)
    for (const partition of this.#partitions.values()) {
      if (this.#isPausedByUser(partition)) partition.pause()
    }
  }

  resume(topics: readonly TopicPartitions[]): void {
    for (const one of checkTopicPartitions(topics)) this.#noteResume(one)
    for (const partition of this.#partitions.values()) {
      if (!this.#isPausedByUser(partition)) partition.resume()
    }
    this.#run?.fetchLoop.wake()
  }

  /** What is paused, of what this consumer holds. */
  paused(): TopicPartitions[] {
    const paused = new Map<string, number[]>()
    for (const { topic, partition, isPaused } of this.#partitions.values()) {
      if (isPaused) paused.set(topic, [...(paused.get(topic) ?? []), partition])
    }
    return [...paused].map(([topic, partitions]) => ({ topic, partitions }))
  }

  /** The partitions that this consumer holds now. */
  assignment(): TopicPartition[] {
    return [...this.#partitions.values()]
      .filter(({ isHeld }) => isHeld)
      .map(({ topic, partition }) => ({ topic, partition }))
  }

  /**
   * Commits offsets, the next to read each; without any, everything that is handled.
   * @throws TabmqError UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, OFFSET_OUT_OF_RANGE,
   *   UNKNOWN_TOPIC_OR_PARTITION, ILLEGAL_STATE without a group or when not running
   */
  async commitOffsets(offsets?: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    const commits = this.#run?.commits
    if (commits === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'only a running consumer of a group can commit', {})
    }
    if (offsets === undefined) return commits.commitHandled()
    checkArray('offsets', offsets)
    const life = this.#run?.membership?.life
    const wanted = await Promise.all(offsets.map((one) => this.#toCommit(one)))
    await commits.commit(wanted, life)
    for (const { partitionId, offset } of wanted)
      this.#partitions.get(partitionId)?.committed(offset)
    void this.#events.emit('commitOffsets', { groupId: this.#groupId ?? '', offsets })
  }

  async #startRun(options: RunOptions, { isLoop }: { isLoop: boolean }): Promise<void> {
    this.#assertOpen()
    while (this.#stopping !== undefined) await this.#stopping
    this.#assertOpen()
    if (this.#run !== undefined) throw new TabmqError('ILLEGAL_STATE', 'it runs already', {})
    if (this.#subscriptions.isEmpty && this.#manual === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'subscribe or assign comes before run', {})
    }
    const run = { ...this.#newRun(checkRunOptions(options)), isLoop }
    this.#run = run
    run.runner.start()
    run.fetchLoop.start()
    try {
      if (this.#manual !== undefined) this.#take(run, this.#manual)
      else await run.membership?.join(this.#subscriptions.toSubscription())
    } catch (error) {
      // Whoever stopped it meanwhile does not want to hear what became of it.
      if (this.#run !== run || this.#stopping !== undefined) return
      this.#end(run)
      throw error
    }
  }

  #newRun(options: CheckedRunOptions): Omit<Run, 'isLoop'> {
    const { host, connection, codecs } = this.#parts
    const partitions = () => this.#partitions.values()
    const membership = this.#manual === undefined ? this.#newMembership() : undefined
    const commits = this.#newCommits(options, membership)
    const fetchLoop = new FetchLoop({
      host,
      connection,
      options: this.#options,
      partitions,
      isFixed: membership === undefined,
      onFetched: () => runner.pump(),
      onOutOfRange: (partition) => this.#reset(partition),
      onError: (error, partition) => this.#crash(error, { willRetry: true, partition }),
    })
    const runner = new Runner({
      host,
      codecs,
      run: options,
      bytesPerBatch: this.#options.maxBytesPerPartition,
      partitions: () => [...this.#partitions.values()],
      listener: {
        handled: async (_partition, count, endOfBatch) => commits?.handled(count, endOfBatch),
        failed: (partition, error) => this.#onHandlerFailed(partition, error),
        released: () => {
          fetchLoop.wake()
          if (!this.#isStuck(runner)) membership?.unstuck()
        },
        heartbeat: async () => membership?.heartbeat(),
        commit: (offsets) =>
          offsets === undefined
            ? (commits?.commitIfDue() ?? Promise.resolve())
            : this.commitOffsets(offsets),
        uncommitted: () => commits?.uncommitted() ?? [],
        pause: ({ topic, partition }) => {
          const one = [{ topic, partitions: [partition] }]
          this.pause(one)
          return () => this.resume(one)
        },
      },
    })
    const startOffsets = new StartOffsets({
      connection,
      groupId: this.#groupId,
      member: () => (membership === undefined ? 'none' : membership.ref),
      policy: (topic) => this.#resetPolicy(topic),
    })
    const ended: Run['ended'] = deferred()
    return { options, runner, fetchLoop, commits, membership, startOffsets, ended }
  }

  #newMembership(): Membership {
    const { host, connection } = this.#parts
    const groupId = this.#groupIdOrThrow()
    const { groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, assignor } = this.#options
    const emit = this.#events.emit.bind(this.#events)
    const membership: Membership = new Membership({
      host,
      connection,
      groupId,
      groupInstanceId: groupInstanceId === undefined ? undefined : parseInstanceId(groupInstanceId),
      options: { sessionTimeoutMs, rebalanceTimeoutMs, assignor },
      listener: {
        assigned: (partitions) => this.#onAssigned(partitions),
        revoke: (partitions) => this.#onRevoke(partitions),
        lost: (partitions, reason) => this.#onLost(partitions, reason),
        joined: (memberEpoch) => {
          this.#run?.runner.setSuspended(false)
          void emit('groupJoin', { groupId, memberId: membership.memberId, memberEpoch })
        },
        heartbeat: (memberEpoch) =>
          void emit('heartbeat', { groupId, memberId: membership.memberId, memberEpoch }),
        rebalancing: () => void emit('rebalancing', { groupId, memberId: membership.memberId }),
        failed: (error) => this.#onMembershipFailed(error),
        isStuck: () => this.#run !== undefined && this.#isStuck(this.#run.runner),
      },
    })
    return membership
  }

  #newCommits(
    options: CheckedRunOptions,
    membership: Membership | undefined,
  ): OffsetCommits | undefined {
    const groupId = this.#groupId
    if (groupId === undefined) return undefined
    const { host, connection } = this.#parts
    return new OffsetCommits({
      host,
      connection,
      groupId,
      run: () => options,
      partitions: () => this.#partitions.values(),
      member: () => (membership === undefined ? 'none' : membership.ref),
      life: () => membership?.life ?? NEVER_ENDING,
      refreshEpoch: async () => membership?.refresh(),
      onFenced: (error) => membership?.fencedBy(error),
      onCommitted: (offsets) => void this.#events.emit('commitOffsets', { groupId, offsets }),
      onError: (error) => this.#crash(error, { willRetry: true }),
    })
  }

  #onAssigned(partitions: readonly AssignedPartition[]): void {
    const groupId = this.#groupId ?? ''
    const run = this.#run
    if (run === undefined || this.#stopping !== undefined) return
    void this.#events.emit('partitionsAssigned', { groupId, partitions: namesOf(partitions) })
    this.#take(run, partitions)
  }

  #take(run: Run, assigned: readonly AssignedPartition[]): void {
    const taken = assigned.map((one) => {
      const partition = new OwnedPartition(one)
      this.#partitions.set(one.partitionId, partition)
      if (this.#isPausedByUser(partition)) partition.pause()
      const key = topicPartitionKey(partition)
      const seekTo = this.#pendingSeeks.get(key)
      this.#pendingSeeks.delete(key)
      if (seekTo !== undefined) partition.seek(seekTo)
      return partition
    })
    if (taken.length > 0) void this.#start(run, taken)
  }

  /** Finds out where to start, once no handler of an earlier ownership is running any more. */
  async #start(run: Run, partitions: readonly OwnedPartition[]): Promise<void> {
    await Promise.all(
      partitions.map(async (partition) => {
        const { partitionId } = partition
        const before = this.#lostWithBroker.get(partitionId)
        if (before === undefined) return
        await run.runner.idle(partitionId)
        partition.resumeFrom = before.handledUpTo ?? before.resumeFrom
        this.#lostWithBroker.delete(partitionId)
      }),
    )
    await run.startOffsets.find(partitions, {
      isCurrent: (partition) => partition.isHeld && this.#run === run,
      onError: (error, partition) => this.#crash(error, { willRetry: false, partition }),
      host: this.#parts.host,
    })
    run.fetchLoop.wake()
    await run.commits?.takenUp()
  }

  /** Rule 8: listeners run while offsets can still be committed; then what was handled is. */
  async #onRevoke(assigned: readonly AssignedPartition[]): Promise<void> {
    const run = this.#run
    const partitions = assigned.flatMap(
      ({ partitionId }) => this.#partitions.get(partitionId) ?? [],
    )
    for (const partition of partitions) partition.beginRevocation()
    if (run !== undefined) {
      await Promise.all(partitions.map(({ partitionId }) => run.runner.idle(partitionId)))
    }
    const groupId = this.#groupId ?? ''
    await this.#events.emit('partitionsRevoked', { groupId, partitions: namesOf(assigned) })
    if (run !== undefined) await this.#commitLast(run, new Set(partitions))
    for (const partition of partitions) this.#release(partition)
  }

  #onLost(assigned: readonly AssignedPartition[], reason: LossReason): void {
    this.#run?.runner.setSuspended(true)
    for (const { partitionId } of assigned) {
      const partition = this.#partitions.get(partitionId)
      if (partition === undefined) continue
      this.#release(partition)
      if (reason === 'broker' && partition.soughtTo !== undefined) {
        this.#pendingSeeks.set(topicPartitionKey(partition), partition.soughtTo)
      }
      if (reason === 'broker' && this.#run?.options.autoCommit === true) {
        this.#lostWithBroker.set(partitionId, partition)
      }
    }
    const groupId = this.#groupId ?? ''
    void this.#events.emit('partitionsLost', { groupId, partitions: namesOf(assigned) })
  }

  #release(partition: OwnedPartition): void {
    partition.release()
    if (this.#partitions.get(partition.partitionId) === partition) {
      this.#partitions.delete(partition.partitionId)
    }
  }

  async #stop(run: Run): Promise<void> {
    run.membership?.beginLeaving()
    run.fetchLoop.stop()
    await run.runner.stop()
    await this.#commitLast(run, new Set(this.#partitions.values()))
    await run.membership?.leave()
    if (this.#run !== run) return
    this.#end(run)
    await this.#events.emit('stop', {})
  }

  async #untilStopped(stopped: Promise<void>): Promise<void> {
    try {
      await stopped
    } finally {
      this.#stopping = undefined
    }
  }

  #end(run: Run, failure?: { readonly error: unknown }): void {
    if (this.#run === run) this.#run = undefined
    run.ended.resolve(failure)
    run.fetchLoop.stop()
    run.commits?.close()
    void run.runner.stop()
    for (const partition of this.#partitions.values()) partition.release()
    this.#partitions.clear()
    this.#lostWithBroker.clear()
  }

  async #commitLast(run: Run, partitions: ReadonlySet<OwnedPartition>): Promise<void> {
    if (!run.options.autoCommit || run.commits === undefined) return
    try {
      await run.commits.commitHandled(partitions)
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
      )
      if (!isMoot) this.#crash(error, { willRetry: false })
    }
  }

  #onMembershipFailed(error: unknown): void {
    const run = this.#run
    if (run === undefined) return
    this.#end(run, { error })
    // Another run must not handle what a handler of this one still has at hand.
    this.#stopping ??= this.#untilStopped(run.runner.stop())
    this.#crash(error, { willRetry: false, isThrown: run.isLoop })
    void this.#events.emit('stop', {})
  }

  #isStuck(runner: Runner): boolean {
    return runner.longestHandlerMs() > this.#options.maxPollIntervalMs
  }

  #onHandlerFailed(partition: OwnedPartition, error: unknown): void {
    if (error instanceof LoopLeft) return
    const wasToldToEnd = !partition.isHeld && error instanceof Error && error.name === 'AbortError'
    if (!wasToldToEnd) this.#crash(error, { willRetry: true, partition })
  }

  /** Every error reaches somebody: the listeners, or the page's error reporting. */
  #crash(
    error: unknown,
    options: {
      willRetry: boolean
      partition?: OwnedPartition | undefined
      isThrown?: boolean
    },
  ): void {
    const { willRetry, partition, isThrown = false } = options
    if (!isThrown && !this.#events.has('crash')) this.#parts.host.reportError(error)
    const where =
      partition === undefined ? {} : { topic: partition.topic, partition: partition.partition }
    const offset = partition?.position
    void this.#events.emit('crash', {
      error,
      willRetry,
      ...where,
      ...(offset === undefined ? {} : { offset }),
    })
  }

  /** The position is out of range: go where the policy says (rule 15). */
  async #reset(partition: OwnedPartition): Promise<void> {
    const policy = this.#resetPolicy(partition.topic)
    if (policy === 'none') {
      const { topic, partition: number, position } = partition
      throw new TabmqError(
        'OFFSET_OUT_OF_RANGE',
        `offset ${position} of "${topic}" ${number} is not in the log, and there is no reset policy`,
        { topic, partition: number, offset: position },
      )
    }
    const { version, partitionId } = partition
    const { results } = await this.#parts.connection.call(
      { api: 'listOffsets', partitions: [{ partitionId, at: policy }] },
      { isRepeatable: true },
    )
    const [result] = results
    if (result?.error !== undefined) throw fromWireError(result.error)
    if (partition.version === version && result?.offset !== undefined) {
      partition.fetchNotBeforeMs = 0
      partition.resetTo(result.offset)
    }
  }

  #resetPolicy(topic: string): AutoOffsetReset {
    return this.#subscriptions.resetPolicy(topic, this.#options.autoOffsetReset)
  }

  async #toCommit(one: TopicPartitionOffsetAndMetadata): Promise<OffsetToCommit> {
    checkObject('offsets', one)
    const { offset, metadata } = one
    checkInteger('offset', offset, { min: 0 })
    if (metadata !== undefined && typeof metadata !== 'string') {
      throw invalidOption('metadata', metadata, 'a string')
    }
    const { partitionId } = await this.#locate(one)
    return metadata === undefined ? { partitionId, offset } : { partitionId, offset, metadata }
  }

  async #locate({ topic, partition }: TopicPartition): Promise<AssignedPartition> {
    const name = parseTopicName(topic)
    const metadata = await this.#parts.topics.get(name)
    const partitionId = partitionIdOf(metadata, partition)
    if (partitionId !== undefined) return { partitionId, topic: name, partition }
    throw new TabmqError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `topic "${name}" has no partition ${describe(partition)}`,
      { topic: name, partition: describe(partition) },
    )
  }

  #find({ topic, partition }: TopicPartition): OwnedPartition | undefined {
    for (const held of this.#partitions.values()) {
      if (held.topic === topic && held.partition === partition) return held
    }
    return undefined
  }

  #notePause({ topic, partitions }: TopicPartitions): void {
    const before = this.#pausedTopics.get(topic)
    if (partitions === undefined || before === 'all') this.#pausedTopics.set(topic, 'all')
    else this.#pausedTopics.set(topic, new Set([...(before ?? []), ...partitions]))
  }

  #noteResume({ topic, partitions }: TopicPartitions): void {
    const before = this.#pausedTopics.get(topic)
    if (before === undefined) return
    if (partitions === undefined) {
      this.#pausedTopics.delete(topic)
      return
    }
    const paused =
      before === 'all'
        ? [...this.#partitions.values()]
            .filter((one) => one.topic === topic)
            .map((one) => one.partition)
        : [...before]
    this.#pausedTopics.set(topic, new Set(paused.filter((one) => !partitions.includes(one))))
  }

  #isPausedByUser({ topic, partition }: TopicPartition): boolean {
    const paused = this.#pausedTopics.get(topic)
    return paused === 'all' || paused?.has(partition) === true
  }

  #groupIdOrThrow(): GroupId {
    if (this.#groupId !== undefined) return this.#groupId
    throw new TabmqError('ILLEGAL_STATE', 'a consumer without a groupId can only assign', {})
  }

  #assertOpen(): void {
    if (this.#disconnecting !== undefined) {
      throw new TabmqError('CLIENT_CLOSED', 'this consumer has disconnected', {})
    }
  }
}

function namesOf(partitions: readonly AssignedPartition[]): TopicPartition[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }))
}

function checkTopicPartitions(topics: readonly TopicPartitions[]): readonly TopicPartitions[] {
  checkObjects('topics', topics)
  for (const one of topics) {
    parseTopicName(one.topic)
    if (one.partitions === undefined) continue
    checkArray('partitions', one.partitions)
    for (const partition of one.partitions) checkInteger('partitions', partition, { min: 0 })
  }
  return topics
}

function mixedUp(): TabmqError {
  return new TabmqError('ILLEGAL_STATE', 'a consumer either subscribes or assigns', {})
}
