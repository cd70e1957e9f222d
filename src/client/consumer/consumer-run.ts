/**
 * What a consumer is from `run` to `stop`: it ties together who it is in the group (membership),
 * which partitions it holds (assignment), what it does with them (message flow) and what it commits
 * (offset commits, commits by hand).
 */
import type { TabmqError } from '../../protocol/errors.js'
import { parseInstanceId, type GroupId } from '../../protocol/names.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import { definedOrThrow } from '../../std/assert.js'
import { deferred } from '../../std/deferred.js'
import type { Events } from '../events.js'
import { isInTime } from '../in-time.js'
import { Assignment } from './assignment.js'
import { CommitsByHand } from './commits-by-hand.js'
import type { ConsumerParts } from './consumer.js'
import type { CheckedConsumerOptions, CheckedRunOptions } from './consumer-options.js'
import { tellCrash } from './crash.js'
import type {
  ConsumerEvents,
  TopicPartition,
  TopicPartitionOffset,
  TopicPartitionOffsetAndMetadata,
} from './delivery.js'
import { Membership } from './membership.js'
import { MessageFlow } from './message-flow.js'
import { OffsetCommits } from './offset-commits.js'
import type { OwnedPartition } from './owned-partition.js'
import type { Pauses } from './pauses.js'
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

type Phase = 'running' | 'stopping' | 'over'

export class ConsumerRun {
  readonly #parts: ConsumerRunParts
  /** Ends with the data: the life of who is no member of a group. */
  readonly #dataEnd = new AbortController()
  readonly #membership: Membership | undefined
  readonly #assignment: Assignment
  readonly #commits: OffsetCommits | undefined
  readonly #commitsByHand: CommitsByHand
  readonly #flow: MessageFlow
  readonly #ended = deferred<{ readonly error: unknown } | undefined>()
  #phase: Phase = 'running'
  #isStarting = true

  constructor(parts: ConsumerRunParts) {
    this.#parts = parts
    this.#membership = parts.manual === undefined ? this.#newMembership() : undefined
    this.#assignment = new Assignment({
      ...parts,
      idle: (partitionId) => this.#flow.idle(partitionId),
      start: (partitions) => this.#flow.startPartitions(partitions),
      commitHandled: (partitions) => this.#commits?.commitHandled(partitions),
    })
    this.#commits = this.#newCommits()
    this.#commitsByHand = new CommitsByHand({
      ...parts,
      assignment: this.#assignment,
      commits: this.#commits,
      life: () => this.#life,
      handled: (partitionId) => this.#flow.handled(partitionId),
    })
    this.#flow = new MessageFlow({
      ...parts,
      assignment: this.#assignment,
      membership: this.#membership,
      commits: this.#commits,
      commitsByHand: this.#commitsByHand,
    })
  }

  /** Those that it still holds, also while they are being let go. */
  get partitions(): readonly OwnedPartition[] {
    return this.#assignment.partitions
  }

  /** Resolves when it is over, with the error that ended it if one did. */
  get ended(): Promise<{ readonly error: unknown } | undefined> {
    return this.#ended.promise
  }

  /** Resolves when the first assignment is there, or when it is stopped meanwhile. */
  async start(): Promise<void> {
    const { manual, subscriptions } = this.#parts
    this.#flow.start()
    try {
      if (manual !== undefined) this.#assignment.take(manual)
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
    const { host, consumerOptions } = this.#parts
    if (this.#phase === 'over') return
    this.#phase = 'stopping'
    this.#membership?.beginLeaving()
    const held = this.partitions.filter(({ isHeld }) => isHeld)
    await this.#flow.stop()
    await isInTime(host, this.#assignment.tellRevoked(held), consumerOptions.rebalanceTimeoutMs)
    await this.#assignment.commitLast(this.partitions)
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
    this.#flow.setSuspended(true)
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
    this.#assignment.forgetLost()
    tellCrash(this.#parts, error, { willRetry: true })
  }

  connected({ isNewBroker }: { readonly isNewBroker: boolean }): void {
    if (!isNewBroker || this.#membership === undefined) this.#flow.setSuspended(false)
  }

  /** There is no broker any more, nor will there be one for this page. */
  failed(error: unknown): void {
    // Then the start itself fails.
    if (this.#isStarting) return
    if (this.#membership === undefined) this.#onFailed(error)
    else this.#membership.fail(error)
  }

  /** Whether the partition is held, and goes there. */
  seek(where: TopicPartitionOffset): boolean {
    const isHeld = this.#assignment.seek(where)
    this.#flow.wake()
    return isHeld
  }

  pausesChanged(): void {
    this.#assignment.pausesChanged()
    this.#flow.wake()
  }

  /** Commits these, or everything that is handled. */
  commitOffsets(offsets?: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    return this.#commitsByHand.commit(offsets)
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
        assigned: (partitions) => {
          if (this.#phase === 'running') this.#assignment.assigned(partitions)
        },
        revoke: (partitions) => this.#assignment.revoke(partitions),
        lost: (partitions, reason) => {
          this.#flow.setSuspended(true)
          this.#assignment.lost(partitions, reason)
        },
        joined: (memberEpoch) => {
          this.#flow.setSuspended(false)
          void emit('groupJoin', { groupId, memberId: membership.memberId, memberEpoch })
        },
        heartbeat: (memberEpoch) => {
          void emit('heartbeat', { groupId, memberId: membership.memberId, memberEpoch })
          this.#flow.pump()
        },
        rebalancing: () => void emit('rebalancing', { groupId, memberId: membership.memberId }),
        failed: (error) => this.#onFailed(error),
        isStuck: () => this.#flow.isStuck(),
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
      partitions: () => this.#assignment.values(),
      member: () => (this.#membership === undefined ? 'none' : this.#membership.ref),
      life: () => this.#life,
      refreshEpoch: async () => this.#membership?.refresh(),
      onFenced: (error) => this.#membership?.fencedBy(error),
      onCommitted: (offsets) => void events.emit('commitOffsets', { groupId, offsets }),
      onError: (error) => tellCrash(this.#parts, error, { willRetry: true }),
    })
  }

  get #life(): AbortSignal {
    return this.#membership?.life ?? this.#dataEnd.signal
  }

  #end(failure?: { readonly error: unknown }): void {
    this.#phase = 'over'
    this.#ended.resolve(failure)
    const idle = this.#flow.end()
    this.#commits?.close()
    this.#assignment.releaseAll()
    this.#parts.onEnd(idle)
  }

  #onFailed(error: unknown): void {
    const { events, isLoop } = this.#parts
    if (this.#isOver()) return
    this.#end({ error })
    tellCrash(this.#parts, error, { willRetry: false, isThrown: isLoop })
    void events.emit('stop', {})
  }

  #isOver(): boolean {
    return this.#phase === 'over'
  }
}
