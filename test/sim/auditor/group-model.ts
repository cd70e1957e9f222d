/**
 * One group as its members' conversation with one broker makes it: who is in it, under which epoch, and
 * who may still hold what. A member holds what it was told until it has reported, after being told that
 * it is to let go, that it has; or until it is gone. Where more than one thing may have happened (an
 * answer is under way, a timeout may have passed), the model knows nothing and says nothing.
 */
import type { StaticMemberRow } from '../../../src/broker/rows.js'
import type { InstanceId, MemberId, PartitionId, SessionId } from '../../../src/protocol/names.js'
import type { MemberOptions } from '../../../src/protocol/requests/groups.js'

interface Holding {
  /** The request by which it was given this; undefined for what a row says. */
  readonly givenBy: number | undefined
  /** The request by which it was told to let go. */
  revokedBy: number | undefined
}

export class ModelMember {
  readonly memberId: MemberId
  readonly instanceId: InstanceId | undefined
  /** The tab it lives in; undefined while a static member is away. */
  sessionId: SessionId | undefined
  /** What it was told last, and before that; undefined before it was told any. */
  epoch: number | undefined
  previousEpoch: number | undefined
  /** What it may hold. */
  readonly held = new Map<PartitionId, Holding>()
  /** What it said last that it holds. */
  lastOwned: { readonly order: number; readonly owned: ReadonlySet<PartitionId> } | undefined
  timeouts: Pick<MemberOptions, 'sessionTimeoutMs' | 'rebalanceTimeoutMs'>
  /** When it may be fenced for its silence, and for what it has not let go of. */
  deadlineMs: number
  letGoByMs = Infinity
  /** Heartbeats, joins and leaves that are not answered yet. */
  openCount = 0

  constructor(options: {
    readonly memberId: MemberId
    readonly instanceId: InstanceId | undefined
    readonly sessionId: SessionId | undefined
    readonly timeouts: ModelMember['timeouts']
    readonly nowMs: number
  }) {
    this.memberId = options.memberId
    this.instanceId = options.instanceId
    this.sessionId = options.sessionId
    this.timeouts = options.timeouts
    this.deadlineMs = options.nowMs + options.timeouts.sessionTimeoutMs
  }

  /** A static member as its row keeps it, away until it joins again. */
  static away(row: StaticMemberRow, nowMs: number): ModelMember {
    const { memberId, groupInstanceId: instanceId, memberEpoch, assigned } = row
    const member = new ModelMember({
      memberId,
      instanceId,
      sessionId: undefined,
      timeouts: row,
      nowMs,
    })
    member.epoch = memberEpoch
    for (const partitionId of assigned) {
      member.held.set(partitionId, { givenBy: undefined, revokedBy: undefined })
    }
    return member
  }

  /** Whether it is surely a member, and nothing is under way that would change it. */
  isSettled(nowMs: number): boolean {
    return this.openCount === 0 && this.isInTime(nowMs)
  }

  /** Whether it cannot have been fenced for being late. */
  isInTime(nowMs: number): boolean {
    return nowMs < Math.min(this.deadlineMs, this.letGoByMs)
  }

  /** It says what it holds: what it was told to let go of before, and is not among it, is free. */
  says(order: number, owned: readonly PartitionId[]): void {
    this.lastOwned = { order, owned: new Set(owned) }
    this.#release()
  }

  /** It is told what it may hold: an answer to its request of `order`. */
  isTold(order: number, assigned: readonly PartitionId[], askedAtMs: number): void {
    const now = new Set(assigned)
    for (const partitionId of now) {
      const held = this.held.get(partitionId)
      const givenBy = held === undefined ? order : held.givenBy
      this.held.set(partitionId, { givenBy, revokedBy: undefined })
    }
    for (const [partitionId, one] of this.held) {
      if (!now.has(partitionId)) one.revokedBy ??= order
    }
    this.#release()
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.timeouts
    this.deadlineMs = Math.max(this.deadlineMs, askedAtMs + sessionTimeoutMs)
    const isLettingGo = [...this.held.values()].some(({ revokedBy }) => revokedBy !== undefined)
    if (!isLettingGo) this.letGoByMs = Infinity
    else this.letGoByMs = Math.min(this.letGoByMs, askedAtMs + rebalanceTimeoutMs)
  }

  /** Its tab is gone; as a static member it keeps what it was not told to let go of. */
  goesAway(nowMs: number): void {
    const isSure = this.isInTime(nowMs)
    this.sessionId = undefined
    this.deadlineMs = nowMs + this.timeouts.sessionTimeoutMs
    this.letGoByMs = Infinity
    this.dropRevoked()
    // One that was late, or whose broker has dropped its state, is perhaps not waited for.
    if (!isSure) this.isInDoubt()
  }

  /** It may be gone, or have got its epoch back from before. */
  isInDoubt(): void {
    this.deadlineMs = 0
    this.epoch = undefined
    this.previousEpoch = undefined
  }

  /** It may have been told to let go of what it took over, of which nobody but the broker knows. */
  hasTakenOver(askedAtMs: number): void {
    this.dropRevoked()
    this.letGoByMs = askedAtMs + this.timeouts.rebalanceTimeoutMs
  }

  dropRevoked(): void {
    for (const [partitionId, { revokedBy }] of this.held) {
      if (revokedBy !== undefined) this.held.delete(partitionId)
    }
  }

  #release(): void {
    if (this.lastOwned === undefined) return
    const { order, owned } = this.lastOwned
    for (const [partitionId, { revokedBy }] of this.held) {
      if (revokedBy === undefined || revokedBy >= order || owned.has(partitionId)) continue
      this.held.delete(partitionId)
    }
  }
}

export class GroupModel {
  readonly members = new Map<MemberId, ModelMember>()
  groupEpoch = 0

  ofInstance(instanceId: InstanceId | undefined): ModelMember | undefined {
    if (instanceId === undefined) return undefined
    for (const member of this.members.values()) if (member.instanceId === instanceId) return member
    return undefined
  }

  /**
   * A join: the member as it will be, which takes over from the same instance or begins anew. Where
   * that instance may be gone by now, what is taken over is what the member is told.
   */
  joins(member: ModelMember, nowMs: number): { readonly replaced: ModelMember | undefined } {
    const before = this.ofInstance(member.instanceId)
    if (before !== undefined) this.members.delete(before.memberId)
    if (before?.isInTime(nowMs) === true) {
      before.dropRevoked()
      for (const [partitionId, { givenBy }] of before.held) {
        member.held.set(partitionId, { givenBy, revokedBy: undefined })
      }
      member.epoch = before.epoch
    }
    this.members.set(member.memberId, member)
    return { replaced: before }
  }

  /**
   * Who else surely held a partition when a request of `order` of this member's was decided. Who was
   * given it by a later request may have got it after the member was fenced for being late.
   */
  otherHolder(
    partitionId: PartitionId,
    { member, order, nowMs }: { member: ModelMember; order: number; nowMs: number },
  ): ModelMember | undefined {
    for (const other of this.members.values()) {
      const holding = other.held.get(partitionId)
      if (other === member || holding === undefined || !other.isSettled(nowMs)) continue
      if ((holding.givenBy ?? 0) < order || member.isInTime(nowMs)) return other
    }
    return undefined
  }

  sessionEnds(sessionId: string, nowMs: number): void {
    for (const member of this.members.values()) {
      if (member.sessionId !== sessionId) continue
      if (member.instanceId === undefined) this.members.delete(member.memberId)
      else member.goesAway(nowMs)
    }
  }
}
