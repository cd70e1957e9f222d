/**
 * The broker: the pure core with its edges. It knows the tabs that are connected, lets the core
 * decide on their requests, and answers when what was decided is durable; it sleeps until the next
 * deadline of any part. It is the same object in the SharedWorker, in tests and in the simulator;
 * time, storage and the way back to a tab are given to it.
 */
import { hasCode, TabmqError, toWireError } from '../../protocol/errors.js'
import type { Welcome } from '../../protocol/hello.js'
import { BROKER_LIMITS, DISK_READERS_MAX, type BrokerLimits } from '../../protocol/limits.js'
import type { GroupId, PartitionId, ProducerId, SessionId, TopicId } from '../../protocol/names.js'
import { parseHello } from '../../protocol/parse-hello.js'
import { PROTOCOL_VERSION } from '../../protocol/protocol-version.js'
import type { ClusterDescription, ClusterState } from '../../protocol/requests/cluster.js'
import { parseRequest } from '../../protocol/requests/parse-request.js'
import type { ApiName, ResponseOf, WireReply } from '../../protocol/requests/request.js'
import type { StoreReadRequest } from '../../protocol/requests/stores.js'
import { forgetPublishers, forgetSilentPublishers } from '../routing/forget-publishers.js'
import { forgetProducers, forgetSilentProducers } from '../log/forget-producers.js'
import type { Clock, Logger, PushPort, Random, Storage, StorePage, Timer } from '../ports.js'
import type { Decision, DecisionContext, StateRecord } from '../records.js'
import type { OffsetRange } from '../share/share-coordinator.js'
import { Arrived } from './arrived.js'
import { BrokerState } from './broker-state.js'
import { BufferedBytes, type Reservation } from './buffered-bytes.js'
import { clusterState, RepeatCounts } from './cluster-state.js'
import { DeadLetters } from './dead-letters.js'
import { dispatch } from './dispatch.js'
import { FairTurns } from './fair-turns.js'
import { FetchPurgatory } from './fetch-purgatory.js'
import type { EntryOptions, Urgency } from './group-commit.js'
import { LogReader } from './log-reader.js'
import { MessageIdLoader } from './message-id-loader.js'
import { Replies } from './replies.js'
import { RetentionSweep } from './retention-sweep.js'
import { Session } from './session.js'
import { Sessions } from './sessions.js'
import { SharePurgatory } from './share-purgatory.js'
import { ShareReader } from './share-reader.js'
import { SessionShare } from './session-share.js'
import { brokerClosed, ShardRuntime, type CommittedNews } from './shard-runtime.js'
import { StoreWatches } from './store-watches.js'
import { Wakeups } from './wakeups.js'
import { Watches } from './watches.js'

/** APIs that may read from the storage for long after they were asked. */
const READS: ReadonlySet<ApiName> = new Set(['fetch', 'listOffsets', 'storeRead'])

export interface BrokerOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly timer: Timer
  readonly random: Random
  readonly logger: Logger
  readonly limits?: Partial<BrokerLimits>
  /** Called when the broker had to give up by itself: nothing is answered any more. */
  readonly onEnded?: () => void
}

interface Beginning {
  readonly sessionId: SessionId
  readonly share: SessionShare
  readonly arrived: Arrived
  readonly reservation: Reservation
}

export class Broker {
  readonly incarnation: string
  readonly limits: BrokerLimits
  readonly purgatory: FetchPurgatory
  readonly buffered: BufferedBytes
  readonly reader: LogReader
  readonly messageIdLoader: MessageIdLoader
  readonly watches: Watches
  readonly storeWatches: StoreWatches
  readonly replies: Replies
  readonly retention: RetentionSweep
  readonly sharePurgatory: SharePurgatory
  readonly deadLetters: DeadLetters
  readonly #options: BrokerOptions
  readonly #sessions: Sessions
  readonly #startedAtMs: number
  readonly #shard: ShardRuntime
  /** As of batches: nobody keeps the others from the disk. */
  readonly #storeReads = new FairTurns(DISK_READERS_MAX)
  readonly #wakeups: Wakeups
  readonly #repeats = new RepeatCounts()
  #closing: Promise<void> | undefined

  /** Loads the state from storage and starts. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const limits = { ...BROKER_LIMITS, ...options.limits }
    const stored = await options.storage.load()
    return new Broker(options, new BrokerState(stored, limits, options.clock.nowMs()))
  }

  private constructor(options: BrokerOptions, state: BrokerState) {
    const { storage, clock, timer, logger } = options
    this.#options = options
    this.limits = state.limits
    this.incarnation = options.random.freshId()
    this.#startedAtMs = clock.nowMs()
    this.#sessions = new Sessions(this.limits.sessionsMax)
    this.#shard = new ShardRuntime(state, {
      storage,
      timer,
      logger,
      limits: this.limits,
      context: () => this.context(),
      listener: {
        changed: () => this.#onChanged(),
        committed: (news) => this.#onCommitted(news),
        recovered: () => this.#onRecovered(),
        ended: () => void this.close().finally(() => options.onEnded?.()),
      },
    })
    this.reader = new LogReader(storage, () => this.state.logs)
    this.messageIdLoader = new MessageIdLoader({
      state: () => this.state,
      reader: this.reader,
      nowMs: () => clock.nowMs(),
      isReady: () => !this.#shard.isRecovering && !this.#isClosed,
      ready: async () => {
        await this.#shard.recovered()
        this.#assertOpen()
      },
      batchesDurable: (partitionId, upTo) => this.batchesDurable(partitionId, upTo),
      limits: this.limits,
    })
    this.purgatory = new FetchPurgatory(this.reader, timer, this.limits)
    const currentState = () => this.state
    const context = () => this.context()
    const shareReader = new ShareReader(this.reader, currentState, context)
    this.sharePurgatory = new SharePurgatory({
      shares: () => this.state.shares,
      reader: shareReader,
      timer,
      logger,
      limits: this.limits,
      context,
      apply: (decision) => this.apply(decision),
    })
    this.deadLetters = new DeadLetters({
      state: currentState,
      reader: shareReader,
      context,
      write: (records, urgency, entry) => this.#shard.write(records, urgency, entry),
      holdKeys: (groupId, ranges) => this.holdKeys(groupId, ranges),
      logger,
    })
    this.buffered = new BufferedBytes(this.limits)
    const clusterState = () => this.#clusterState()
    this.watches = new Watches({ clock, timer, logger, limits: this.limits, clusterState })
    this.storeWatches = new StoreWatches(this.limits)
    const session = (sessionId: SessionId) => this.#sessions.find(sessionId)
    this.replies = new Replies({ clock, timer, limits: this.limits, session })
    this.retention = new RetentionSweep({
      state: () => this.state,
      reader: this.reader,
      nowMs: () => clock.nowMs(),
      write: (records) => this.#shard.write(records, 'relaxed'),
      logger,
    })
    this.#wakeups = new Wakeups({
      clock,
      timer,
      limits: this.limits,
      state: currentState,
      context,
      isReady: () => !this.#shard.isRecovering,
      write: (records) => void this.#writeQuietly(records),
      onExpired: () => {
        this.#askForHeartbeats()
        this.#lookAtShares()
      },
      onCheck: (...args) => this.#check(...args),
      onFailed: (error) => this.#shard.recover(error),
    })
    this.retention.request()
    this.#wakeups.schedule()
  }

  get state(): BrokerState {
    return this.#shard.state
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined
  }

  context(): DecisionContext {
    const { clock, random } = this.#options
    return { nowMs: clock.nowMs(), freshId: () => random.freshId() }
  }

  /**
   * A tab says hello. The same session again replaces its port and keeps its members and producers.
   * @throws TabmqError INVALID_REQUEST, UNSUPPORTED_VERSION, BROKER_SUPERSEDED, BROKER_UNAVAILABLE,
   *   THROTTLING_QUOTA_EXCEEDED
   */
  connect(hello: unknown, port: PushPort): Welcome {
    const { sessionId, clientId } = parseHello(hello)
    this.#assertOpen()
    const before = this.#sessions.find(sessionId)
    if (before === undefined) this.#sessions.checkCount()
    else this.#closeSession(before)
    const { nowMs } = this.context()
    const { limits } = this
    const share = before?.share ?? new SessionShare({ ...this.#options, limits })
    const session = new Session({ sessionId, clientId, port, share, nowMs, limits })
    for (const producerId of before?.producers ?? []) session.producers.add(producerId)
    this.#sessions.set(session)
    this.state.groups.askAgain(sessionId, this.context())
    this.replies.connected(session)
    this.watches.changed()
    this.#wakeups.schedule()
    const { brokerEpoch, databaseId } = this.state
    return { incarnation: this.incarnation, brokerEpoch, databaseId }
  }

  /** Answers one request of a connected tab; never rejects. */
  handle(sessionId: SessionId, request: unknown): Promise<WireReply> {
    return this.#handle(sessionId, new Arrived(request))
  }

  /** The buffers of a reply that nobody needs here any more: posting it may take them along. */
  transferable(reply: WireReply): ArrayBuffer[] {
    if (!reply.ok || typeof reply.value !== 'object' || reply.value === null) return []
    const { partitions = [] } = reply.value as Partial<ResponseOf<'fetch'>>
    return partitions
      .flatMap((result) => (result.error === undefined ? (result.batches ?? []) : []))
      .filter((batch) => this.reader.isUnshared(batch))
  }

  async #handle(sessionId: SessionId, arrived: Arrived): Promise<WireReply> {
    const { incarnation } = this
    try {
      const { share } = this.#sessions.findOrThrow(sessionId)
      const answered = async () => {
        const reservation = this.buffered.reserve(sessionId, arrived.peek())
        try {
          return await share.inTurn(() => this.#begin({ sessionId, share, arrived, reservation }))
        } finally {
          reservation.release()
        }
      }
      return { incarnation, ok: true, value: await share.run(answered) }
    } catch (error) {
      if (!(error instanceof TabmqError)) this.#options.logger.error('a request failed', error)
      // Whether the tab is too old for the broker that took over, that one will tell.
      const told = hasCode(error, 'BROKER_SUPERSEDED') ? takenOver(error) : error
      return { incarnation, ok: false, error: toWireError(told) }
    }
  }

  async #begin({ sessionId, share, arrived, reservation }: Beginning) {
    const request = share.timed(() => parseRequest(arrived.take(), this.limits))
    while (this.#shard.isRecovering) await this.#shard.recovered()
    this.#assertOpen()
    // The tab may have gone meanwhile, or have said hello again.
    const session = this.#sessions.findOrThrow(sessionId)
    this.#wakeups.schedule()
    const response = await share.timed(() => dispatch(this, { session, request, reservation }))
    // What a storage said that was closed meanwhile is not to be taken for what the log says.
    if (READS.has(request.api)) this.#assertOpen()
    return response
  }

  /**
   * A tab is no longer there: its members leave, its fetches and watches end. When the tab itself is
   * gone nothing will be sent again, and its producers are forgotten; one that only sleeps in the
   * back/forward cache may still repeat its last batches. With a port given, only the session on that
   * port ends, not one that has replaced it.
   */
  async endSession(
    sessionId: SessionId,
    { isTabGone, port }: { isTabGone: boolean; port?: PushPort },
  ): Promise<void> {
    const session = this.#sessions.find(sessionId)
    if (session === undefined || this.#isClosed) return
    if (port !== undefined && session.port !== port) return
    this.#sessions.delete(sessionId)
    this.#closeSession(session)
    if (isTabGone) this.replies.gone(sessionId)
    try {
      while (this.#shard.isRecovering) await this.#shard.recovered()
    } catch {
      // The broker has ended, and nobody is a member any more.
      return
    }
    if (this.#isClosed) return
    this.#wakeups.schedule()
    const { groups, shares } = this.state
    const left = [
      ...groups.sessionGone(sessionId, this.context()),
      ...shares.sessionGone(sessionId, this.context()),
    ]
    this.watches.changed()
    // The state is loaded again without the session's members; producers expire by time.
    const written = [this.#writeQuietly(left)]
    if (isTabGone) written.push(this.#forgetProducersOf(session))
    await Promise.all(written)
  }

  /** What the tab has sent and still waits for a topic's message ids may repeat what is in the log. */
  async #forgetProducersOf({ producers }: Session): Promise<void> {
    try {
      while (this.messageIdLoader.hasWaiting) await this.messageIdLoader.allBegun()
      while (this.#shard.isRecovering) await this.#shard.recovered()
    } catch {
      return
    }
    if (!this.#isClosed) await this.#writeQuietly([...this.forgetProducers(producers)])
  }

  /**
   * Waits for the transactions under way and closes the storage. Waiting requests are answered, and
   * every tab is told, at the end, that there may be another broker now.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Commits a decision, applies it, and resolves with its response once it is durable. */
  async apply<R>(
    decision: Decision<R>,
    urgency: Urgency = 'relaxed',
    options: EntryOptions = {},
  ): Promise<R> {
    await this.#shard.write(decision.records, urgency, options)
    return decision.response
  }

  /** Resolves when the batches of a partition up to this base offset are durable. */
  batchesDurable(partitionId: PartitionId, upToOffset: number): Promise<void> {
    return this.#shard.batchesDurable(partitionId, upToOffset)
  }

  /** What is durable of a store: values are nowhere but on the disk. */
  readStore(whose: SessionId, range: StoreReadRequest): Promise<StorePage> {
    return this.#storeReads.run(whose, () => this.#options.storage.readStore(range))
  }

  /** Messages of a batch were known by their ids; of one that was sent again, they are counted already. */
  noteRepeats(result: ResponseOf<'produce'>['results'][number]): void {
    if (result.error !== undefined || result.repeats === undefined || result.duplicate) return
    const topicId = this.state.logs.find(result.partitionId)?.topicId
    if (topicId !== undefined) this.countRepeats(topicId, result.repeats.indexes.length)
  }

  countRepeats(topicId: TopicId, count: number): void {
    this.#repeats.add(topicId, count)
    this.watches.changed()
  }

  /**
   * Applies a decision and answers at once: whether it became durable is nobody's to know. With too
   * much on its way to the disk, the answer comes when this is there: the tab sends no faster then.
   */
  async applyUnacknowledged<R>(decision: Decision<R>, onWritten: () => void): Promise<R> {
    // Nobody asked to be told of a failure (acks: 0); the recovery logs it.
    const written = this.#shard.write(decision.records, 'relaxed').then(onWritten, onWritten)
    if (this.#shard.pendingBytes > this.limits.unacknowledgedBytesMax) await written
    return decision.response
  }

  /** Nothing that these producers sent will come again. */
  forgetProducers(producerIds: ReadonlySet<ProducerId>): StateRecord[] {
    const { logs, exchanges } = this.state
    return [...forgetProducers(logs, producerIds), ...forgetPublishers(exchanges, producerIds)]
  }

  /**
   * Messages are about to be final in a transaction that may be taken back. Where those of one key are in
   * order, nobody gets the next ones before it is known what became of that.
   */
  holdKeys(groupId: GroupId, ranges: readonly OffsetRange[]): () => void {
    const release = this.state.shares.holdKeys(groupId, ranges)
    return () => {
      release()
      this.sharePurgatory.groupChanged(groupId)
    }
  }

  /** For what nobody waits for. */
  applyQuietly(records: readonly StateRecord[]): void {
    void this.#writeQuietly(records)
  }

  /** The storage says that it cannot be had any more. If so, the broker ends. */
  storageLost(error: unknown): void {
    this.#shard.recover(error)
  }

  async describeCluster(): Promise<ClusterDescription> {
    return {
      incarnation: this.incarnation,
      brokerEpoch: this.state.brokerEpoch,
      protocolVersion: PROTOCOL_VERSION,
      startedAtMs: this.#startedAtMs,
      sessions: this.#sessions.describe(),
      storage: await this.#options.storage.estimate(),
      limits: this.limits,
    }
  }

  checkInvariants(): void {
    this.state.checkInvariants()
    this.storeWatches.checkInvariants()
  }

  async #close(): Promise<void> {
    this.#wakeups.close()
    this.retention.close()
    this.purgatory.close()
    this.sharePurgatory.close()
    this.replies.close()
    for (const session of this.#sessions.all()) this.watches.sessionEnded(session)
    try {
      await this.#shard.close()
      await this.#options.storage.close()
    } finally {
      this.#sessions.announce('closed')
    }
  }

  #onChanged(): void {
    this.#askForHeartbeats()
    this.#lookAtShares()
    this.watches.changed()
    this.#wakeups.schedule()
  }

  #onCommitted({ readable, changed, topicsChanged, stores }: CommittedNews): void {
    if (topicsChanged) this.#sessions.announce('topicsChanged')
    this.purgatory.partitionsAppended(readable)
    this.sharePurgatory.partitionsAppended(readable.keys())
    this.purgatory.partitionsChanged(changed)
    this.storeWatches.committed(stores)
    this.retention.appended([...readable.keys(), ...changed])
    this.watches.changed()
  }

  #onRecovered(): void {
    this.#wakeups.stateLoaded()
    this.purgatory.everythingChanged()
    this.sharePurgatory.everythingChanged()
    this.storeWatches.everythingChanged()
    // Members are soft state and were lost with it: their tabs have to join again.
    this.#sessions.announce('rejoin')
    this.#onChanged()
  }

  /** What can be delivered now is, and what has died is buried. */
  #lookAtShares(): void {
    for (const groupId of this.state.shares.takeReady()) this.sharePurgatory.groupChanged(groupId)
    this.deadLetters.takeUp()
  }

  #askForHeartbeats(): void {
    const wanted = this.state.groups.takeHeartbeatsWanted(this.context().nowMs)
    for (const { sessionId, groupId, memberId } of wanted) {
      this.#sessions.find(sessionId)?.ask({ push: 'heartbeat', groupId, memberId })
    }
  }

  /** What is done now and then: retention, offsets of groups long empty, producers long silent. */
  #check(context: DecisionContext, livedMs: number): void {
    this.retention.request()
    const { groups, shares, logs, messageIds, topics, exchanges } = this.state
    messageIds.forgetExpired(context.nowMs)
    this.#repeats.forgetGone((topicId) => topics.byId(topicId) !== undefined)
    void this.#writeQuietly([
      ...groups.expireOffsets({ ...context, nowMs: livedMs }),
      ...shares.expireGroups({ ...context, nowMs: livedMs }),
      ...forgetSilentProducers(logs, livedMs - this.limits.producerExpirationMs),
      ...forgetSilentPublishers(exchanges, livedMs - this.limits.producerExpirationMs),
    ])
  }

  async #writeQuietly(records: readonly StateRecord[]): Promise<void> {
    if (records.length === 0) return
    await this.#shard.write(records, 'relaxed').catch(() => {
      // The recovery logs it; what is due is due again after it.
    })
  }

  #closeSession(session: Session): void {
    this.purgatory.sessionEnded(session.sessionId)
    this.sharePurgatory.sessionEnded(session.sessionId)
    this.watches.sessionEnded(session)
    this.storeWatches.sessionEnded(session)
  }

  #assertOpen(): void {
    if (!this.#isClosed) return
    throw brokerClosed()
  }

  #clusterState(): ClusterState {
    return clusterState(this.state, {
      incarnation: this.incarnation,
      nowMs: this.context().nowMs,
      repeats: this.#repeats,
      sessions: this.#sessions.describe(),
    })
  }
}

function takenOver(cause: TabmqError): TabmqError {
  return new TabmqError(
    'BROKER_UNAVAILABLE',
    `the broker has ended: ${cause.message}`,
    cause.details,
    cause,
  )
}
