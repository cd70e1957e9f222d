/** Requests about consumer groups and their offsets, as they come over a port. */
import type { Fields } from '../fields.js'
import type { BrokerLimits } from '../limits.js'
import { parseInstanceId, parseMemberId } from '../names.js'
import type { ParsersOf } from './api.js'
import {
  ASSIGNOR_NAMES,
  type GroupApis,
  type MemberOptions,
  type MemberRef,
  type OffsetToCommit,
} from './groups.js'
import { WEIGHTS, groupIdOf, groupIdsOf, parseSubscription } from './parse-membership.js'
import {
  parsePartitionId,
  partitionIdsMax,
  partitionIdsOf,
  perPartition,
} from './parse-partitions.js'
import { parseStoreWrite } from './parse-stores.js'

export const GROUP_PARSERS: ParsersOf<GroupApis> = {
  groupHeartbeat: (fields, limits) => ({
    api: 'groupHeartbeat',
    groupId: groupIdOf(fields),
    member: parseMember(fields),
    ...(fields.has('options') ? { options: parseMemberOptions(fields, limits) } : {}),
    ...(fields.has('subscription') ? { subscription: parseSubscription(fields) } : {}),
    ...(fields.has('owned')
      ? { owned: fields.list('owned', partitionIdsMax(limits), parsePartitionId) }
      : {}),
  }),
  leaveGroup: (fields) => ({
    api: 'leaveGroup',
    groupId: groupIdOf(fields),
    member: parseMember(fields),
  }),
  commitOffsets: (fields, limits) => ({
    api: 'commitOffsets',
    groupId: groupIdOf(fields),
    ...(fields.has('member') ? { member: parseMember(fields) } : {}),
    offsets: perPartition(fields, 'offsets', {
      lengthMax: partitionIdsMax(limits),
      parse: parseOffsetToCommit,
    }),
    ...(fields.has('store') ? { store: parseStoreWrite(fields.object('store'), limits) } : {}),
    ...(fields.has('mayLinger') ? { mayLinger: fields.boolean('mayLinger') } : {}),
  }),
  fetchOffsets: (fields, limits) => ({
    api: 'fetchOffsets',
    groupId: groupIdOf(fields),
    partitions: fields.raw('partitions') === 'all' ? 'all' : partitionIdsOf(fields, limits),
  }),
  startOffsets: (fields, limits) => ({
    api: 'startOffsets',
    groupId: groupIdOf(fields),
    member: parseMember(fields),
    partitions: partitionIdsOf(fields, limits),
    autoOffsetReset: fields.oneOf('autoOffsetReset', ['earliest', 'latest', 'none'] as const),
  }),
  listGroups: () => ({ api: 'listGroups' }),
  describeGroups: (fields) => ({ api: 'describeGroups', groupIds: groupIdsOf(fields) }),
  deleteGroups: (fields) => ({ api: 'deleteGroups', groupIds: groupIdsOf(fields) }),
}

function parseOffsetToCommit(fields: Fields): Omit<OffsetToCommit, 'partitionId'> {
  const commit = {
    offset: fields.integer('offset'),
    ...(fields.has('from') ? { from: fields.integer('from') } : {}),
  }
  // How long metadata may be is the coordinator's rule, with an error of its own.
  return fields.has('metadata')
    ? { ...commit, metadata: fields.string('metadata', Number.MAX_SAFE_INTEGER) }
    : commit
}

function parseMember(parent: Fields): MemberRef {
  const fields = parent.object('member')
  const ref = {
    memberId: parseMemberId(fields.raw('memberId')),
    memberEpoch: fields.integer('memberEpoch'),
  }
  if (!fields.has('groupInstanceId')) return ref
  return { ...ref, groupInstanceId: parseInstanceId(fields.raw('groupInstanceId')) }
}

function parseMemberOptions(parent: Fields, limits: BrokerLimits): MemberOptions {
  const fields = parent.object('options')
  return {
    sessionTimeoutMs: fields.integer('sessionTimeoutMs', {
      min: limits.sessionTimeoutMsMin,
      max: limits.sessionTimeoutMsMax,
    }),
    rebalanceTimeoutMs: fields.integer('rebalanceTimeoutMs', {
      min: 1,
      max: limits.rebalanceTimeoutMsMax,
    }),
    assignor: fields.oneOf('assignor', ASSIGNOR_NAMES),
    ...(fields.has('weight') ? { weight: fields.integer('weight', WEIGHTS) } : {}),
  }
}
