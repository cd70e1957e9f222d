/** What may be said of groups to whoever looks at them: what their rows were since it was asked. */
import type { WireError } from '../../../src/protocol/errors.js'
import type { GroupId, MemberId, PartitionId } from '../../../src/protocol/names.js'
import type { GroupDescription } from '../../../src/protocol/requests/groups.js'
import { isOfFaults, type Answered, type Asked, type AuditParts } from './audit.js'

export class GroupsAudit {
  readonly #parts: AuditParts

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  listed(answered: Answered<'listGroups'>): void {
    if (answered.isSuperseded) return
    const ofConsumers = answered.response.groups.filter(({ type }) => type === 'consumer')
    const said = new Set(ofConsumers.map(({ groupId }) => groupId))
    for (const groupId of said) {
      if (this.#wasThere(answered, groupId, true)) continue
      this.#parts.report(answered.exchange, `${groupId} is listed, and was never there`)
    }
    for (const [groupId] of this.#parts.durable.groups.entries()) {
      if (said.has(groupId) || this.#wasThere(answered, groupId, false)) continue
      this.#parts.report(answered.exchange, `${groupId} is left out`)
    }
  }

  described(answered: Answered<'describeGroups'>): void {
    if (answered.isSuperseded) return
    for (const group of answered.response.groups) this.#described(answered, group)
  }

  deleted(answered: Answered<'deleteGroups'>): void {
    for (const groupId of answered.request.groupIds) {
      if (this.#wasThere(answered, groupId, false)) continue
      this.#parts.report(answered.exchange, `${groupId} was there all the time`)
    }
  }

  isJustified(asked: Asked<'describeGroups' | 'deleteGroups'>, error: WireError): boolean {
    const { groupIds } = asked.request
    switch (error.code) {
      case 'GROUP_ID_NOT_FOUND':
        return groupIds.some((groupId) => this.#wasThere(asked, groupId, false))
      case 'NON_EMPTY_GROUP':
        return groupIds.some((groupId) => this.#wasThere(asked, groupId, true))
      default:
        return isOfFaults(error)
    }
  }

  #described(answered: Answered<'describeGroups'>, group: GroupDescription): void {
    const { durable } = this.#parts
    const { groupId, groupEpoch, members, offsets } = group
    const report = (what: string) => this.#parts.report(answered.exchange, `${groupId}: ${what}`)
    const isEpoch = durable.groups
      .of(groupId)
      .wasSince(answered.version, (row) => row?.groupEpoch === groupEpoch)
    if (!isEpoch) report(`group epoch ${groupEpoch} is not on the disk`)
    const owners = new Map<PartitionId, MemberId>()
    for (const { memberId, memberEpoch, assigned } of members) {
      if (memberEpoch > groupEpoch) report(`${memberId} has epoch ${memberEpoch} of ${groupEpoch}`)
      for (const { partitionId } of assigned) {
        const other = owners.get(partitionId)
        if (other !== undefined) report(`${partitionId} is of ${other} and ${memberId}`)
        owners.set(partitionId, memberId)
      }
    }
    for (const { partitionId, committedOffset, highWatermark } of offsets) {
      const wasSo = durable
        .offsets(groupId)
        .of(partitionId)
        .wasSince(answered.version, (value) => value === committedOffset)
      if (!wasSo) report(`${committedOffset} of ${partitionId} was never committed`)
      const least = durable.acknowledgedEnd(partitionId, answered.version)
      const most = durable.durableEnd(partitionId)
      if (highWatermark >= least && highWatermark <= most) continue
      report(`high watermark ${highWatermark} of ${partitionId}, durable were ${least} to ${most}`)
    }
  }

  #wasThere({ version }: Asked, groupId: GroupId, isThere: boolean): boolean {
    const { groups } = this.#parts.durable
    return groups.of(groupId).wasSince(version, (row) => (row !== undefined) === isThere)
  }
}
