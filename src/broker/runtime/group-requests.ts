/**
 * Answers what is about groups of either kind: a name belongs to one of the two, lists and deletions go
 * over both.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { GroupId } from '../../protocol/names.js'
import type { GroupListing } from '../../protocol/requests/groups.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type { Broker } from './broker.js'
import type { Session } from './session.js'

export function listGroups({ state }: Broker): ResponseOf<'listGroups'> {
  const { groups, shares } = state
  return { groups: [...groups.list(), ...shares.list()].sort(byGroupId) }
}

export function groupHeartbeat(
  broker: Broker,
  session: Session,
  request: RequestOf<'groupHeartbeat'>,
): Promise<ResponseOf<'groupHeartbeat'>> {
  const { groups, shares } = broker.state
  if (shares.has(request.groupId)) throw wrongKind(request.groupId, 'a share group')
  return broker.apply(groups.heartbeat(request, session, broker.context()))
}

export function joinShareGroup(
  broker: Broker,
  session: Session,
  request: RequestOf<'joinShareGroup'>,
): Promise<ResponseOf<'joinShareGroup'>> {
  const { groups, shares } = broker.state
  if (groups.has(request.groupId)) throw wrongKind(request.groupId, 'a consumer group')
  return broker.apply(shares.join(request, session, broker.context()))
}

export function deleteGroups(
  broker: Broker,
  { groupIds, api }: RequestOf<'deleteGroups'>,
): Promise<ResponseOf<'deleteGroups'>> {
  const { groups, shares } = broker.state
  const ofShares = groupIds.filter((groupId) => shares.has(groupId))
  const others = groupIds.filter((groupId) => !shares.has(groupId))
  const { records } = groups.deleteGroups({ api, groupIds: others })
  const shareRecords = ofShares.flatMap((groupId) => shares.deleteGroup(groupId))
  return broker.apply({ records: [...records, ...shareRecords], response: {} })
}

function byGroupId(a: GroupListing, b: GroupListing): number {
  return a.groupId < b.groupId ? -1 : 1
}

function wrongKind(groupId: GroupId, kind: string): TabmqError {
  const message = `"${groupId}" is ${kind}: the other kind needs a name of its own`
  return new TabmqError('INCONSISTENT_GROUP_PROTOCOL', message, { groupId })
}
