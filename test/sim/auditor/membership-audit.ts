/**
 * What may be said to members (KIP-848): nobody is given what another holds who was not fenced, has
 * not left and has not let go; epochs never fall; who is no member any more is told so, and who is one
 * is not told otherwise; commits count under the epoch of the member alone.
 */
import type { WireError } from '../../../src/protocol/errors.js'
import type { GroupId, PartitionId } from '../../../src/protocol/names.js'
import type { MemberRef } from '../../../src/protocol/requests/groups.js'
import type { Exchange, Greeting } from '../history.js'
import { isOfFaults, type Answered, type Asked, type AuditParts, type OneOf } from './audit.js'
import { GroupModel, ModelMember } from './group-model.js'

/** What one broker knows of members: all of it is gone with the broker, or with its state. */
interface BrokerModel {
  groups: Map<GroupId, GroupModel>
  readonly sessions: Map<string, Greeting>
  /** Counts how often it has dropped its state. */
  life: number
}

/** What the model knew of the member when it asked. */
interface Standing {
  readonly life: number
  readonly askedAtMs: number
  readonly group: GroupModel
  readonly groupEpoch: number
  readonly member: ModelMember | undefined
  readonly isSettled: boolean
  readonly isSameSession: boolean
  readonly epoch: number | undefined
  readonly previousEpoch: number | undefined
  /** Whether it may change what the member is. */
  readonly isCounted: boolean
  /** Of a join: whose instance it takes over. */
  readonly replaced: ModelMember | undefined
}

export type MemberApi = 'groupHeartbeat' | 'leaveGroup' | 'commitOffsets' | 'startOffsets'

export class MembershipAudit {
  readonly #parts: AuditParts
  readonly #brokers = new Map<string, BrokerModel>()
  readonly #standings = new WeakMap<Exchange, Standing>()
  /** By how much the wall clock, of which deadlines are times, was set forward in all. */
  #aheadMs = 0

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  brokerStarted(incarnation: string): void {
    const groups = this.#staticGroups()
    this.#brokers.set(incarnation, { groups, sessions: new Map(), life: 0 })
  }

  /** Whether anybody is a member still is not known until it is answered. */
  brokerMayReload(incarnation: string): void {
    for (const group of this.#brokers.get(incarnation)?.groups.values() ?? []) {
      group.groupEpoch = 0
      for (const member of group.members.values()) member.isInDoubt()
    }
  }

  /** Members are gone, except for the static ones, which are away. */
  brokerReloads(incarnation: string): void {
    const broker = this.#brokers.get(incarnation)
    if (broker === undefined) return
    broker.groups = this.#staticGroups()
    broker.life += 1
  }

  everythingDied(): void {
    this.#brokers.clear()
  }

  greeted(greeting: Greeting): void {
    this.#brokers.get(greeting.incarnation)?.sessions.set(greeting.sessionId, greeting)
  }

  /** Of a port that another has replaced, the end is nobody's. */
  sessionEnded(greeting: Greeting): void {
    const { incarnation, sessionId } = greeting
    const broker = this.#brokers.get(incarnation)
    if (broker?.sessions.get(sessionId) !== greeting) return
    broker.sessions.delete(sessionId)
    for (const group of broker.groups.values()) group.sessionEnds(sessionId, this.#nowMs())
  }

  /** Back does not count: the broker's deadlines go back with it. */
  clockJumped(byMs: number): void {
    this.#aheadMs += Math.max(0, byMs)
  }

  asked(asked: Asked<MemberApi>): void {
    const { request, exchange } = asked
    const broker = this.#brokers.get(exchange.incarnation)
    if (broker === undefined) return
    const group = groupIn(broker, request.groupId)
    const { member: ref } = request
    const before = ref === undefined ? undefined : group.members.get(ref.memberId)
    const standing = {
      life: broker.life,
      askedAtMs: this.#nowMs(),
      group,
      groupEpoch: group.groupEpoch,
      isSettled: before?.isSettled(this.#nowMs()) ?? true,
      isSameSession: before?.sessionId === exchange.sessionId,
      epoch: before?.epoch,
      previousEpoch: before?.previousEpoch,
    }
    const joined = isJoin(request) ? this.#join(group, asked as Asked<'groupHeartbeat'>) : undefined
    const member = joined?.member ?? before
    const isCounted = request.api === 'groupHeartbeat' || request.api === 'leaveGroup'
    if (isCounted && member !== undefined) member.openCount += 1
    if (request.api === 'groupHeartbeat' && joined === undefined && request.owned !== undefined) {
      before?.says(asked.order, request.owned)
    }
    const replaced = joined?.replaced
    this.#standings.set(exchange, { ...standing, member, isCounted, replaced })
  }

  beaten(answered: Answered<'groupHeartbeat'>): void {
    const standing = this.#close(answered)
    if (standing === undefined) return
    const { request, response, exchange } = answered
    const { member, group } = standing
    if (request.member.memberEpoch !== 0) this.#checkMayAct(answered, standing, true)
    const { memberEpoch, groupEpoch, assigned } = response
    const report = (what: string) => this.#report(exchange, request.groupId, what)
    if (memberEpoch < (standing.epoch ?? 0)) report(`epoch ${memberEpoch} after ${standing.epoch}`)
    if (memberEpoch > groupEpoch) report(`epoch ${memberEpoch} in a group of ${groupEpoch}`)
    // Of two answers given at the same moment either may be told first.
    const least = Math.min(standing.groupEpoch, group.groupEpoch)
    if (groupEpoch < least) report(`group epoch ${groupEpoch}: was ${least}`)
    group.groupEpoch = Math.max(group.groupEpoch, groupEpoch)
    this.#checkNames(answered)
    if (member === undefined || group.members.get(member.memberId) !== member) return
    for (const { partitionId } of assigned) {
      const { order } = answered
      const other = group.otherHolder(partitionId, { member, order, nowMs: this.#nowMs() })
      if (other === undefined) continue
      report(`${member.memberId} is given ${partitionId}, which ${other.memberId} holds`)
    }
    if (member.epoch !== memberEpoch) {
      // Where that was in doubt, the broker has just taken it for what it said.
      member.previousEpoch = member.epoch ?? request.member.memberEpoch
    }
    member.epoch = memberEpoch
    if (request.options !== undefined) member.timeouts = request.options
    const ids = assigned.map(({ partitionId }) => partitionId)
    member.isTold(answered.order, ids, standing.askedAtMs)
    // What a static member was to let go of ends with its absence, or with whom it took over from.
    if (member.sessionId === undefined) member.dropRevoked()
    if (standing.replaced !== undefined) member.hasTakenOver(standing.askedAtMs)
  }

  left(answered: Answered<'leaveGroup'>): void {
    const standing = this.#close(answered)
    if (standing === undefined) return
    const { member, group } = standing
    if (member === undefined) {
      this.#report(answered.exchange, answered.request.groupId, 'left, and was no member')
    } else if (group.members.get(member.memberId) === member) {
      if (member.instanceId === undefined) group.members.delete(member.memberId)
      else member.goesAway(standing.askedAtMs)
    }
  }

  /** A commit, or a question where to start, which only members may ask. */
  accepted(answered: Answered<'commitOffsets' | 'startOffsets'>): void {
    const standing = this.#close(answered)
    if (standing === undefined) return
    if (answered.request.member !== undefined) {
      this.#checkIsNotOthers(answered, standing)
      return this.#checkMayAct(answered, standing, false)
    }
    const nowMs = this.#nowMs()
    const isInUse = [...standing.group.members.values()].find((one) => one.isSettled(nowMs))
    if (isInUse === undefined) return
    const what = `committed by nobody, while ${isInUse.memberId} is a member`
    this.#report(answered.exchange, answered.request.groupId, what)
  }

  /** Whether the error could be true; of those that have to do with who asks. */
  isJustified(asked: Asked<MemberApi>, error: WireError): boolean {
    const standing = this.#close(asked)
    const { request } = asked
    if (isJoin(request) && standing !== undefined) this.#undoJoin(standing)
    const isUnsure = standing === undefined || request.member === undefined
    const isMember = !isUnsure && this.#isSureMember(standing)
    switch (error.code) {
      case 'UNKNOWN_MEMBER_ID':
      case 'FENCED_INSTANCE_ID': {
        const isHeartbeat = request.api === 'groupHeartbeat'
        return !isMember || (isHeartbeat && !standing.isSameSession)
      }
      case 'FENCED_MEMBER_EPOCH':
        return !isMember || standing.epoch !== request.member?.memberEpoch
      case 'STALE_MEMBER_EPOCH':
        if (!isMember || (request.member?.memberEpoch ?? 0) < (standing.epoch ?? 0)) return true
        return request.api === 'commitOffsets' && !holdsAll(standing.member, request.offsets)
      case 'NON_EMPTY_GROUP':
        return isUnsure || standing.group.members.size > 0
      default:
        return isOfFaults(error)
    }
  }

  #join(group: GroupModel, { request, exchange }: Asked<'groupHeartbeat'>) {
    const nowMs = this.#nowMs()
    const { member: ref, options } = request
    const member = new ModelMember({
      memberId: ref.memberId,
      instanceId: ref.groupInstanceId,
      sessionId: exchange.sessionId as ModelMember['sessionId'],
      timeouts: options ?? { sessionTimeoutMs: 0, rebalanceTimeoutMs: 0 },
      nowMs,
    })
    return { member, ...group.joins(member, nowMs) }
  }

  /** It came to nothing; what became of whom it would have replaced is not known. */
  #undoJoin({ member, group, replaced }: Standing): void {
    if (member === undefined || group.members.get(member.memberId) !== member) return
    group.members.delete(member.memberId)
    if (replaced === undefined) return
    replaced.deadlineMs = 0
    group.members.set(replaced.memberId, replaced)
  }

  /** The exchange is over. Undefined when the state that it was of is gone. */
  #close({ exchange }: Asked): Standing | undefined {
    const standing = this.#standings.get(exchange)
    if (standing === undefined) return undefined
    this.#standings.delete(exchange)
    const { member, life } = standing
    if (member !== undefined && standing.isCounted) member.openCount -= 1
    const broker = this.#brokers.get(exchange.incarnation)
    return broker?.life === life ? standing : undefined
  }

  #checkMayAct(
    { request, exchange }: Asked<MemberApi>,
    standing: Standing,
    isHeartbeat: boolean,
  ): void {
    const ref = request.member as MemberRef
    const { member, epoch, previousEpoch } = standing
    const report = (what: string) =>
      this.#report(exchange, request.groupId, `${ref.memberId} ${what}`)
    if (member === undefined) return report('is answered, and is no member')
    if (isHeartbeat && !standing.isSameSession) return report('is answered in another tab')
    if (!standing.isSettled || ref.memberEpoch === epoch) return
    if (isHeartbeat && ref.memberEpoch === previousEpoch) return
    report(`is accepted under epoch ${ref.memberEpoch}, and has ${epoch}`)
  }

  /** What one member has committed, no other may have in hand. */
  #checkIsNotOthers(
    { request, exchange, order }: Answered<'commitOffsets' | 'startOffsets'>,
    { group, member }: Standing,
  ): void {
    if (member === undefined || request.api !== 'commitOffsets') return
    for (const { partitionId } of request.offsets) {
      const other = group.otherHolder(partitionId, { member, order, nowMs: this.#nowMs() })
      if (other === undefined) continue
      const what = `${member.memberId} commits ${partitionId}, which ${other.memberId} holds`
      this.#report(exchange, request.groupId, what)
    }
  }

  /** Whether nothing has happened to it since it asked either. */
  #isSureMember({ member, group, isSettled }: Standing): boolean {
    if (member === undefined || !isSettled) return false
    if (group.members.get(member.memberId) !== member) return false
    return member.isInTime(this.#nowMs())
  }

  #checkNames(answered: Answered<'groupHeartbeat'>): void {
    const { request, response, exchange, version } = answered
    const { durable } = this.#parts
    for (const { partitionId, topic, partition } of response.assigned) {
      const place = durable.log.byId(partitionId)?.place
      if (place?.topic === topic && place.partition === partition) continue
      this.#report(exchange, request.groupId, `${partitionId} is not ${topic}/${partition}`)
    }
    const isSo = durable.groups
      .of(request.groupId)
      .wasSince(version, (row) => row?.groupEpoch === response.groupEpoch)
    if (isSo || answered.isSuperseded) return
    this.#report(exchange, request.groupId, `group epoch ${response.groupEpoch} is not on the disk`)
  }

  #staticGroups(): Map<GroupId, GroupModel> {
    const groups = new Map<GroupId, GroupModel>()
    for (const [groupId, row] of this.#parts.durable.groups.entries()) {
      const group = new GroupModel()
      for (const member of row.now?.staticMembers ?? []) {
        group.members.set(member.memberId, ModelMember.away(member, this.#nowMs()))
      }
      group.groupEpoch = row.now?.groupEpoch ?? 0
      groups.set(groupId, group)
    }
    return groups
  }

  /** Goes at least as fast as the clock by which members are fenced. */
  #nowMs(): number {
    return this.#parts.nowMs() + this.#aheadMs
  }

  #report(exchange: Exchange, groupId: GroupId, what: string): void {
    this.#parts.report(exchange, `${groupId}: ${what}`)
  }
}

function holdsAll(
  member: ModelMember | undefined,
  offsets: readonly { readonly partitionId: PartitionId }[],
): boolean {
  return offsets.every(({ partitionId }) => member?.held.has(partitionId) === true)
}

function isJoin(request: OneOf<MemberApi>): boolean {
  return request.api === 'groupHeartbeat' && request.member.memberEpoch === 0
}

function groupIn(broker: BrokerModel, groupId: GroupId): GroupModel {
  const known = broker.groups.get(groupId)
  if (known !== undefined) return known
  const made = new GroupModel()
  broker.groups.set(groupId, made)
  return made
}
