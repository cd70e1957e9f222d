/**
 * A group coordinator with members that react, and no runtime: decisions are replayed on the spot,
 * the durable ones also into a database, so that the broker can die and another find what it left.
 */
import { isDurable, type StateRecord } from '../../../src/broker/records.js'
import { BrokerState } from '../../../src/broker/runtime/broker-state.js'
import { MemoryDatabase, MemoryStorage } from '../../../src/broker/runtime/memory-storage.js'
import { hasCode, TabmqError, type ErrorCode } from '../../../src/protocol/errors.js'
import type { BrokerLimits } from '../../../src/protocol/limits.js'
import type {
  GroupId,
  InstanceId,
  MemberId,
  PartitionId,
  SessionId,
  TopicName,
} from '../../../src/protocol/names.js'
import type {
  AutoOffsetReset,
  GroupDescription,
  GroupHeartbeatResponse,
  MemberOptions,
  MemberRef,
  OffsetToCommit,
} from '../../../src/protocol/requests/groups.js'
import type { Subscription } from '../../../src/protocol/requests/membership.js'
import type { PartitionResult } from '../../../src/protocol/requests/partitions.js'
import { idsOf } from '../broker-context.js'
import { StateContext } from '../state-context.js'

export const GROUP = 'billing' as GroupId

export interface MemberFields {
  readonly topics?: readonly string[]
  readonly patterns?: readonly RegExp[]
  readonly instance?: string
  /** The tab; a tab of its own by default. */
  readonly session?: string
  readonly options?: Partial<MemberOptions>
}

export class GroupContext extends StateContext {
  readonly members: TestMember[] = []
  readonly #database = new MemoryDatabase()
  #storage: MemoryStorage

  constructor(limits: Partial<BrokerLimits> = {}) {
    super(limits)
    this.#storage = this.#newStorage()
  }

  /** As the runtime: groups hear of changed topics, and what is durable is stored. */
  override replay(records: readonly StateRecord[]): void {
    super.replay(records)
    const changed = records.some(({ type }) => type === 'topic')
    const more = changed ? this.state.groups.topicsChanged(this) : []
    super.replay(more)
    void this.#storage.commit([...records, ...more].filter(isDurable))
  }

  override deleteTopic(topic: string): void {
    this.replay(this.state.groups.partitionsDeleted(this.partitionIds(topic)))
    super.deleteTopic(topic)
  }

  /** The broker dies and another starts. The tabs live on, and will find out. */
  async restart(): Promise<void> {
    this.#storage = new MemoryStorage(this.#database)
    const stored = await this.#storage.load()
    this.state = new BrokerState(stored, this.state.limits, this.nowMs)
    this.state.checkInvariants()
  }

  /** A member that has not joined. */
  member(name: string, fields: MemberFields = {}): TestMember {
    const member = new TestMember(this, name, fields)
    this.members.push(member)
    return member
  }

  /** A member that has joined, of topic `orders` unless told otherwise. */
  join(name: string, fields: MemberFields = {}): TestMember {
    const member = this.member(name, fields)
    member.beat()
    return member
  }

  /** Everybody heartbeats in turn until nothing changes any more. */
  settle(): void {
    for (let round = 0; round < 10; round++) {
      const before = this.#picture()
      for (const member of this.members) if (!member.isGone) member.beat()
      if (this.#picture() === before) return
    }
    throw new Error(`the group does not come to rest: ${this.#picture()}`)
  }

  /** Goes on by `ms`. Members that are asked for a heartbeat give it, unless they are silent. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms
    for (;;) {
      const dueMs = this.state.groups.nextDeadlineMs()
      if (dueMs === undefined || dueMs > endMs) break
      this.nowMs = Math.max(this.nowMs, dueMs)
      this.replay(this.state.groups.expire(this))
      this.answerHeartbeats()
    }
    this.nowMs = endMs
  }

  /** Members that the coordinator wants to hear from are heard, while there are any. */
  answerHeartbeats(): void {
    for (let round = 0; round < 20; round++) {
      const wanted = this.state.groups.takeHeartbeatsWanted(this.nowMs)
      const asked = wanted.flatMap(({ memberId, sessionId }) =>
        this.members.filter((each) => each.memberId === memberId && each.sessionId === sessionId),
      )
      if (asked.length === 0) return
      for (const member of asked) if (!member.isSilent) member.resume()
    }
    throw new Error('heartbeats lead to ever more heartbeats')
  }

  sessionGone(member: TestMember): void {
    this.replay(this.state.groups.sessionGone(member.sessionId, this))
    for (const each of this.members) if (each.sessionId === member.sessionId) each.isGone = true
  }

  describe(): GroupDescription {
    const [group] = this.state.groups.describe([GROUP])
    if (group === undefined) throw new Error('there is no group')
    return group
  }

  /** Who owns what by partition number, as the coordinator sees it. */
  assignment(topic = 'orders'): Record<string, number[]> {
    return Object.fromEntries(
      this.describe().members.map(({ memberId, assigned }) => [
        memberId,
        assigned.filter((each) => each.topic === topic).map(({ partition }) => partition),
      ]),
    )
  }

  commitOffsets(offsets: readonly OffsetToCommit[], member?: MemberRef): void {
    const by = member === undefined ? {} : { member }
    const request = { api: 'commitOffsets', groupId: GROUP, offsets, ...by } as const
    this.apply(this.state.groups.commit(request, this))
  }

  /** Every partition of the topic that somebody holds, by number. */
  held(topic = 'orders'): number[] {
    const held = Object.values(this.assignment(topic)).flat()
    return held.sort((a, b) => a - b)
  }

  /** The offset that is committed for a partition. */
  committed(partitionId: PartitionId): number | undefined {
    const request = { api: 'fetchOffsets', groupId: GROUP, partitions: [partitionId] } as const
    return this.state.groups.fetchOffsets(request).offsets[0]?.offset
  }

  #newStorage(): MemoryStorage {
    const storage = new MemoryStorage(this.#database)
    void storage.load()
    return storage
  }

  #picture(): string {
    const { members, groupEpoch, state } = this.describe()
    const owned = this.members.map((member) => [...member.owned])
    return JSON.stringify([groupEpoch, state, members, owned])
  }
}

/** A member as an honest client has it. It lets go at once of what it may no longer hold. */
export class TestMember {
  readonly memberId: MemberId
  readonly sessionId: SessionId
  epoch = 0
  /** What it believes it holds. */
  owned = new Set<PartitionId>()
  /** It hears nothing, and answers nothing that it is asked. */
  isSilent = false
  /** It is slow to let go: it holds on to what was revoked until `letGo()`. */
  isSlow = false
  isGone = false
  /** How often it was told that it is no member any more. */
  fences = 0
  readonly #context: GroupContext
  readonly #instance: InstanceId | undefined
  readonly #options: MemberOptions
  #subscription: Subscription
  #subscriptionIsNews = false
  #assigned = new Set<PartitionId>()

  constructor(context: GroupContext, name: string, fields: MemberFields) {
    this.#context = context
    this.memberId = name as MemberId
    this.sessionId = (fields.session ?? `tab of ${name}`) as SessionId
    this.#instance = fields.instance as InstanceId | undefined
    this.#subscription = subscriptionOf(fields)
    this.#options = {
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      assignor: 'uniform',
      ...fields.options,
    }
  }

  get ref(): MemberRef {
    const ref = { memberId: this.memberId, memberEpoch: this.epoch }
    return this.#instance === undefined ? ref : { ...ref, groupInstanceId: this.#instance }
  }

  /** One heartbeat; the first one joins. Whoever is fenced forgets all and joins at the next. */
  beat(options: { replyLost?: boolean } = {}): GroupHeartbeatResponse | undefined {
    try {
      const response = this.heartbeat()
      if (options.replyLost !== true) this.take(response)
      return response
    } catch (error) {
      if (!hasCode(error, 'UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH', 'FENCED_INSTANCE_ID'))
        throw error
      this.owned = new Set()
      this.epoch = 0
      this.fences += 1
      if (error.code === 'FENCED_INSTANCE_ID') this.isGone = true
      return undefined
    }
  }

  /** It hears that it is to heartbeat; when that tells it that it was fenced, it joins again. */
  resume(): void {
    if (!this.isGone) this.beat()
    if (!this.isGone && this.epoch === 0) this.beat()
  }

  /** A heartbeat as the member is, or with other fields; what it says is not taken in. */
  heartbeat(
    fields: { memberEpoch?: number; owned?: readonly PartitionId[] | undefined } = {},
  ): GroupHeartbeatResponse {
    const { state } = this.#context
    const { sessionId } = this
    const memberEpoch = fields.memberEpoch ?? this.epoch
    const owned = 'owned' in fields ? fields.owned : [...this.owned]
    const isJoin = memberEpoch === 0
    const request = {
      api: 'groupHeartbeat',
      groupId: GROUP,
      member: { ...this.ref, memberEpoch },
      ...(isJoin ? { options: this.#options } : {}),
      ...(isJoin || this.#subscriptionIsNews ? { subscription: this.#subscription } : {}),
      ...(owned === undefined ? {} : { owned }),
    } as const
    const caller = { sessionId, clientId: `client of ${this.memberId}` }
    return this.#context.apply(state.groups.heartbeat(request, caller, this.#context))
  }

  take(response: GroupHeartbeatResponse): void {
    this.epoch = response.memberEpoch
    this.#subscriptionIsNews = false
    this.#assigned = new Set(idsOf(response.assigned))
    for (const partitionId of this.#assigned) this.owned.add(partitionId)
    if (!this.isSlow) this.letGo()
  }

  letGo(): void {
    this.owned = new Set([...this.owned].filter((id) => this.#assigned.has(id)))
  }

  /** Subscribes to something else, from the next heartbeat on. */
  resubscribe(fields: Pick<MemberFields, 'topics' | 'patterns'>): void {
    this.#subscription = subscriptionOf(fields)
    this.#subscriptionIsNews = true
  }

  leave(): void {
    const request = { api: 'leaveGroup', groupId: GROUP, member: this.ref } as const
    this.#context.apply(this.#context.state.groups.leave(request, this.#context))
    this.isGone = true
  }

  commit(partitionId: PartitionId, offset: number, ref: Partial<MemberRef> = {}): void {
    this.#context.commitOffsets([{ partitionId, offset }], { ...this.ref, ...ref })
  }

  /** Where it starts on each of its partitions. */
  start(
    autoOffsetReset: AutoOffsetReset,
    partitions: readonly PartitionId[] = [...this.owned],
  ): readonly PartitionResult<{ offset: number }>[] {
    const { groups } = this.#context.state
    const request = { api: 'startOffsets', groupId: GROUP, member: this.ref } as const
    const decision = groups.startOffsets({ ...request, partitions, autoOffsetReset }, this.#context)
    return this.#context.apply(decision).results
  }
}

function subscriptionOf({ topics, patterns = [] }: MemberFields): Subscription {
  return {
    topics: (topics ?? (patterns.length === 0 ? ['orders'] : [])) as readonly TopicName[],
    patterns: patterns.map(({ source, flags }) => ({ source, flags })),
  }
}

/** The code that a call is refused with, or undefined. */
export function refusal(call: () => unknown): ErrorCode | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (error instanceof TabmqError) return error.code
    throw error
  }
}
