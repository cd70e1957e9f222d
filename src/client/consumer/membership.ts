/**
 * A consumer's place in its group: joins, answers the broker's heartbeats, lets go of partitions and
 * takes new ones, leaves. It is the client's half of KIP-848. The broker sets the pace: it asks for
 * a heartbeat when one is due or when something changed, since a hidden tab's own timers cannot be
 * relied upon; the tab answers from its message handler.
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { CLIENT_DEFAULTS } from '../../protocol/limits.js'
import {
  parseMemberId,
  type GroupId,
  type MemberId,
  type PartitionId,
} from '../../protocol/names.js'
import type {
  GroupHeartbeatRequest,
  MemberOptions,
  MemberRef,
} from '../../protocol/requests/groups.js'
import type { Subscription } from '../../protocol/requests/membership.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type { ResponseOf } from '../../protocol/requests/request.js'
import type { InstanceId } from '../../protocol/names.js'
import { deferred } from '../../std/deferred.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { backoffMs } from '../retry-backoff.js'

const REJOIN_BACKOFF = { firstMs: 20, maxMs: 1_000 }

export interface MembershipOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly groupId: GroupId
  readonly groupInstanceId: InstanceId | undefined
  readonly options: MemberOptions
  readonly listener: MembershipListener
}

export interface MembershipListener {
  /** These may be used from now on. */
  assigned(partitions: readonly AssignedPartition[]): void
  /** These are to be let go; resolves when handlers are done and offsets are committed. */
  revoke(partitions: readonly AssignedPartition[]): Promise<void>
  /** These are gone already, with the membership. */
  lost(partitions: readonly AssignedPartition[], reason: LossReason): void
  joined(memberEpoch: number): void
  heartbeat(memberEpoch: number): void
  rebalancing(): void
  /** The member cannot be one any more: another took its instance id, or the request is wrong. */
  failed(error: unknown): void
  /** Whether a handler has run for longer than it may: the member then leaves. */
  isStuck(): boolean
}

/**
 * `broker`: it died and forgot its members. `fenced`: this member was put out of the group. `storage`:
 * the data are others, and the partitions with them.
 */
export type LossReason = 'broker' | 'fenced' | 'storage'

type Phase = 'idle' | 'joining' | 'member' | 'stopped'

export class Membership {
  readonly memberId: MemberId
  readonly #options: MembershipOptions
  #subscription: Subscription = { topics: [], patterns: [] }
  #subscriptionIsNews = false
  #weight: number | undefined
  #weightIsNews = false
  #memberEpoch = 0
  /** When the last heartbeat that was answered was sent: the broker has heard it no earlier. */
  #lastHeardMs = 0
  /** How often the broker has said that it has forgotten its members, and before that heartbeat. */
  #doubts = 0
  #doubtsHeardOf = 0
  #owned = new Map<PartitionId, AssignedPartition>()
  readonly #revoking = new Set<PartitionId>()
  #phase: Phase = 'idle'
  #isLeaving = false
  #isBeating = false
  #beating: Promise<void> = Promise.resolve()
  #beatAgain = false
  #failures = 0
  /** Counts memberships, so that what belongs to a former one is not taken for the present. */
  #life = 0
  #lifeEnd = new AbortController()
  readonly #stopped = deferred<undefined>()
  readonly #stopListening: (() => void)[]

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#weight = options.options.weight
    this.memberId = parseMemberId(options.host.freshId())
    const { events } = options.connection
    this.#stopListening = [
      events.on('push', (message) => {
        if (message.push === 'rejoin') this.#doubt()
        if (message.push !== 'heartbeat' || message.memberId !== this.memberId) return
        if (message.groupId === options.groupId) this.confirm()
      }),
      events.on('connected', ({ isNewBroker }) => {
        if (isNewBroker) this.#fenced('broker')
      }),
    ]
  }

  get isMember(): boolean {
    return this.#phase === 'member'
  }

  /** How the member names itself in a commit, or undefined while it is none. */
  get ref(): MemberRef | undefined {
    return this.isMember ? this.#ref() : undefined
  }

  /**
   * Whether the broker can not have fenced it yet. A page that was frozen, or whose thread was busy,
   * for as long as its session may have lost its partitions and not have heard of it.
   */
  isSure(nowMs: number): boolean {
    const isInTime = nowMs - this.#lastHeardMs < this.#options.options.sessionTimeoutMs
    return this.isMember && isInTime && !this.#isInDoubt
  }

  get #isInDoubt(): boolean {
    return this.#doubtsHeardOf !== this.#doubts
  }

  /** Aborts when this membership is over: what belongs to it must not be done under the next one. */
  get life(): AbortSignal {
    return this.#lifeEnd.signal
  }

  get owned(): readonly AssignedPartition[] {
    return [...this.#owned.values()]
  }

  /**
   * Joins; resolves with the first assignment taken, or at once when it is stopped meanwhile, and
   * rejects when joining failed for good.
   */
  async join(subscription: Subscription): Promise<void> {
    this.#subscription = subscription
    this.#phase = 'joining'
    this.#isBeating = true
    const joined = this.#joinOnceThereIsRoom()
    joined.then(
      (response) => this.#leaveIfStopped(response),
      () => {},
    )
    try {
      const response = await Promise.race([joined, this.#stopped.promise])
      if (response === undefined) return
      this.#take(response)
    } catch (error) {
      this.#stop()
      throw error
    } finally {
      this.#isBeating = false
    }
    if (this.#beatAgain) this.heartbeat()
  }

  /** A tab may have so many members: one too many waits for another to leave, as long as for a call. */
  async #joinOnceThereIsRoom(): Promise<ResponseOf<'groupHeartbeat'>> {
    const { host } = this.#options
    const untilMs = host.nowMs() + CLIENT_DEFAULTS.requestTimeoutMs
    for (;;) {
      try {
        return await this.#beat()
      } catch (error) {
        const isOver = this.#phase !== 'joining' || host.nowMs() >= untilMs
        if (isOver || !hasCode(error, 'THROTTLING_QUOTA_EXCEEDED')) throw error
        this.#failures += 1
        await this.#sleepBeforeRetry()
        if (this.#isOver()) throw error
      }
    }
  }

  /** Subscribes to something else while running. */
  resubscribe(subscription: Subscription): void {
    this.#subscription = subscription
    this.#subscriptionIsNews = true
    this.heartbeat()
  }

  /** Asks for another part of the partitions. */
  setWeight(weight: number): void {
    this.#weight = weight
    this.#weightIsNews = true
    this.heartbeat()
  }

  /** A heartbeat now, or right after the one under way. */
  heartbeat(): void {
    if (this.#phase === 'idle' || this.#isOver()) return
    if (this.#isBeating) {
      this.#beatAgain = true
      return
    }
    this.#beating = this.#beatUntilDone()
  }

  /** The broker is to hear of this member: it lives, or it is stuck and leaves. */
  confirm(): void {
    if (!this.#options.listener.isStuck()) this.heartbeat()
    else if (this.isMember) void this.#leaveStuck()
    // Else it has left already, and joins again when the handler is done.
  }

  /** A heartbeat, and what it said taken in: for who was told that its epoch is old. */
  async refresh(): Promise<void> {
    this.heartbeat()
    await this.#beating
  }

  /** Another request was told that this member is fenced. */
  fencedBy(error: unknown): void {
    if (hasCode(error, 'FENCED_INSTANCE_ID')) this.fail(error)
    else this.#fenced('fenced')
  }

  /** It is over: whatever it holds is lost. */
  fail(error: unknown): void {
    if (this.#phase === 'idle' || this.#phase === 'stopped') return
    this.#loseAll('fenced')
    this.#stop()
    this.#options.listener.failed(error)
  }

  /** The data are others: it joins the group of that name that is there now. */
  storageLost(error: TabmqError): void {
    this.#fenced('storage', error)
  }

  /** A handler is stuck no more: the member that left for it joins again. */
  unstuck(): void {
    // Also while a heartbeat is under way: that one may still be of the membership that was lost.
    if (this.#phase === 'joining') this.heartbeat()
  }

  /**
   * It is about to leave. Should it lose its membership before it has, it joins no more: as a static
   * member it would take the place of whoever has come after it.
   */
  beginLeaving(): void {
    this.#isLeaving = true
  }

  /** Leaves the group; its partitions are gone when this resolves. */
  async leave(): Promise<void> {
    const wasMember = this.isMember
    this.#stop()
    if (!wasMember) return
    try {
      const { groupId } = this.#options
      const request = { api: 'leaveGroup', groupId, member: this.#ref() } as const
      await this.#options.connection.call(request, { isRepeatable: false })
    } catch (error) {
      // Fenced or without a broker: it is no member either way.
      if (!(error instanceof TabmqError)) throw error
    }
  }

  /** A join that was answered when nobody wanted it any more. */
  #leaveIfStopped({ memberEpoch }: ResponseOf<'groupHeartbeat'>): void {
    if (this.#phase !== 'stopped') return
    this.#memberEpoch = memberEpoch
    const { connection, groupId } = this.#options
    const request = { api: 'leaveGroup', groupId, member: this.#ref() } as const
    connection.call(request, { isRepeatable: false }).catch(() => {
      // The session timeout will end the membership instead.
    })
  }

  #stop(): void {
    this.#phase = 'stopped'
    this.#stopped.resolve(undefined)
    this.#endLife()
    this.#stopListening.forEach((stop) => stop())
  }

  #endLife(reason?: TabmqError): void {
    this.#life += 1
    this.#lifeEnd.abort(reason)
    this.#lifeEnd = new AbortController()
  }

  /** A handler runs for too long: others are to have the partitions until it is done. */
  async #leaveStuck(): Promise<void> {
    const { connection, groupId } = this.#options
    const request = { api: 'leaveGroup', groupId, member: this.#ref() } as const
    this.#loseAll('fenced')
    this.#phase = 'joining'
    await connection.call(request, { isRepeatable: false }).catch(() => {
      // The session timeout will end the membership instead.
    })
  }

  async #beatUntilDone(): Promise<void> {
    this.#isBeating = true
    try {
      do {
        this.#beatAgain = false
        const life = this.#life
        const isJoin = this.#memberEpoch === 0
        try {
          const response = await this.#beat()
          if (life === this.#life) this.#take(response)
          else if (isJoin) this.#leaveIfStopped(response)
        } catch (error) {
          if (life === this.#life) await this.#onBeatFailed(error)
        }
      } while (this.#beatAgain && !this.#isOver())
    } finally {
      this.#isBeating = false
    }
  }

  #isOver(): boolean {
    return this.#phase === 'stopped' || (this.#isLeaving && this.#memberEpoch === 0)
  }

  async #beat(): Promise<ResponseOf<'groupHeartbeat'>> {
    const { connection, groupId, options, host } = this.#options
    const sentMs = host.nowMs()
    const doubts = this.#doubts
    const isJoin = this.#memberEpoch === 0
    const tellsSubscription = isJoin || this.#subscriptionIsNews
    this.#subscriptionIsNews = false
    const tellsOptions = isJoin || this.#weightIsNews
    this.#weightIsNews = false
    const weight = this.#weight === undefined ? {} : { weight: this.#weight }
    const request: GroupHeartbeatRequest = {
      groupId,
      member: this.#ref(),
      owned: [...this.#owned.keys()],
      ...(tellsOptions ? { options: { ...options, ...weight } } : {}),
      ...(tellsSubscription ? { subscription: this.#subscription } : {}),
    }
    // Said late, to a broker that was long in coming, it must still be true: who has stopped
    // meanwhile does not join, who was fenced says nothing under its old epoch.
    const life = this.#life
    const isMoot = () => life !== this.#life
    const wanted = { api: 'groupHeartbeat', ...request } as const
    const response = await connection.call(wanted, { isRepeatable: isJoin, isMoot })
    if (life === this.#life) {
      this.#lastHeardMs = sentMs
      this.#doubtsHeardOf = doubts
    }
    return response
  }

  #take(response: ResponseOf<'groupHeartbeat'>): void {
    const { listener } = this.#options
    const wasMember = this.isMember
    this.#failures = 0
    this.#phase = 'member'
    this.#memberEpoch = response.memberEpoch
    if (!wasMember) listener.joined(response.memberEpoch)
    listener.heartbeat(response.memberEpoch)

    const assigned = new Map(response.assigned.map((item) => [item.partitionId, item]))
    const added = response.assigned.filter(({ partitionId }) => !this.#owned.has(partitionId))
    const gone = [...this.#owned.values()].filter(
      ({ partitionId }) => !assigned.has(partitionId) && !this.#revoking.has(partitionId),
    )
    if (response.rebalancing || gone.length > 0) listener.rebalancing()
    for (const item of added) this.#owned.set(item.partitionId, item)
    if (added.length > 0 || !wasMember) listener.assigned(added)
    if (gone.length > 0) void this.#revoke(gone)
  }

  async #revoke(partitions: readonly AssignedPartition[]): Promise<void> {
    const life = this.#life
    for (const { partitionId } of partitions) this.#revoking.add(partitionId)
    try {
      await this.#options.listener.revoke(partitions)
    } finally {
      if (life === this.#life) {
        for (const { partitionId } of partitions) {
          this.#revoking.delete(partitionId)
          this.#owned.delete(partitionId)
        }
        this.heartbeat()
      }
    }
  }

  async #onBeatFailed(error: unknown): Promise<void> {
    if (hasCode(error, 'UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH')) {
      this.#loseAll(this.#isInDoubt ? 'broker' : 'fenced')
      this.#beatAgain = true
    } else if (hasCode(error, 'STORAGE_LOST')) {
      // The broker that says so is about to end; the next one is asked.
      this.#loseAll('storage', error)
      this.#beatAgain = true
    } else if (error instanceof TabmqError && (error.retriable || error.code === 'STORAGE_FULL')) {
      // Space comes back: who left for good on a full disk would have to be started again by hand.
      this.#beatAgain = true
      this.#subscriptionIsNews = true
      this.#weightIsNews = true
    } else {
      this.fail(error)
      return
    }
    this.#failures += 1
    if (this.#failures > 1) await this.#sleepBeforeRetry()
  }

  /**
   * The broker has loaded its state again, and knows none of who joined before. Whether this one has
   * joined since only it can say: what it holds is not dropped for nothing, with handlers at work.
   */
  #doubt(): void {
    if (this.#phase === 'idle' || this.#phase === 'stopped') return
    this.#doubts += 1
    if (this.isMember) this.confirm()
    else this.#fenced('broker')
  }

  #fenced(reason: LossReason, error?: TabmqError): void {
    if (this.#phase === 'idle' || this.#phase === 'stopped') return
    if (this.#phase === 'joining' && this.#isBeating) {
      this.#beatAgain = true
      return
    }
    this.#loseAll(reason, error)
    if (!this.#options.listener.isStuck()) this.heartbeat()
  }

  #loseAll(reason: LossReason, error?: TabmqError): void {
    const lost = this.owned
    this.#endLife(error)
    this.#phase = 'joining'
    this.#memberEpoch = 0
    this.#owned = new Map()
    this.#revoking.clear()
    if (lost.length > 0) this.#options.listener.lost(lost, reason)
  }

  #ref(): MemberRef {
    const { memberId } = this
    const { groupInstanceId } = this.#options
    const ref = { memberId, memberEpoch: this.#memberEpoch }
    return groupInstanceId === undefined ? ref : { ...ref, groupInstanceId }
  }

  #sleepBeforeRetry(): Promise<void> {
    const { host } = this.#options
    const random = () => host.random()
    const waitMs = backoffMs(Math.max(1, this.#failures - 1), { ...REJOIN_BACKOFF, random })
    return new Promise((resolve) => {
      host.setTimer(waitMs, resolve)
    })
  }
}
