/** Requests about share groups, as they come over a port. */
import { TabmqError } from '../errors.js'
import { Fields } from '../fields.js'
import {
  DELIVERY_COUNT_LIMIT_MAX,
  REJECT_REASON_LENGTH_MAX,
  RELEASE_DELAY_MS_MAX,
  SHARE_KEPT_BATCHES_MAX,
  type BrokerLimits,
} from '../limits.js'
import { parseMemberId, parseTopicName, type MemberId } from '../names.js'
import type { ParsersOf } from './api.js'
import { WEIGHTS, groupIdOf, groupIdsOf, parseSubscription } from './parse-membership.js'
import { partitionIdOf } from './parse-partitions.js'
import { parseStoreWrite } from './parse-stores.js'
import {
  ACKNOWLEDGEMENT_TYPES,
  type Acknowledgement,
  type KeptBatchId,
  type ShareGroupApis,
  type ShareGroupOptions,
} from './share-groups.js'
import type { StoreWrite } from './stores.js'

export const SHARE_GROUP_PARSERS: ParsersOf<ShareGroupApis> = {
  joinShareGroup: (fields, limits) => ({
    api: 'joinShareGroup',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
    subscription: parseSubscription(fields),
    options: parseShareGroupOptions(fields, limits),
    weight: fields.integer('weight', WEIGHTS),
  }),
  leaveShareGroup: (fields) => ({
    api: 'leaveShareGroup',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
  }),
  shareFetch: (fields, limits) => ({
    api: 'shareFetch',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
    maxRecords: fields.integer('maxRecords', { min: 0, max: limits.shareFetchRecordsMax }),
    maxBytes: fields.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
    maxWaitMs: fields.integer('maxWaitMs', { min: 0, max: limits.fetchWaitMsMax }),
    ...(fields.has('kept')
      ? { kept: fields.list('kept', SHARE_KEPT_BATCHES_MAX, parseKeptBatch) }
      : {}),
  }),
  shareAcknowledge: (fields, limits) => ({
    api: 'shareAcknowledge',
    groupId: groupIdOf(fields),
    memberId: memberIdOf(fields),
    acknowledgements: fields.list('acknowledgements', limits.shareFetchRecordsMax, (item, what) =>
      parseAcknowledgement(item, what, limits),
    ),
    ...(fields.has('mayLinger') ? { mayLinger: fields.boolean('mayLinger') } : {}),
  }),
  redrive: (fields, limits) => ({
    api: 'redrive',
    records: fields.list('records', limits.requestPartitionsMax, (item, what) => {
      const record = new Fields(what, item)
      return {
        partitionId: partitionIdOf(record),
        offset: record.integer('offset'),
        topic: parseTopicName(record.raw('topic')),
      }
    }),
  }),
  describeShareGroups: (fields) => ({
    api: 'describeShareGroups',
    groupIds: fields.raw('groupIds') === 'all' ? 'all' : groupIdsOf(fields),
  }),
}

function parseShareGroupOptions(parent: Fields, limits: BrokerLimits): ShareGroupOptions {
  const fields = parent.object('options')
  const { lockDurationMsMin: min, lockDurationMsMax: max } = limits
  return {
    lockDurationMs: fields.integer('lockDurationMs', { min, max }),
    deliveryCountLimit: fields.integer('deliveryCountLimit', {
      min: 1,
      max: DELIVERY_COUNT_LIMIT_MAX,
    }),
    deadLetterTopic:
      fields.raw('deadLetterTopic') === null ? null : parseTopicName(fields.raw('deadLetterTopic')),
    isOrderedByKey: fields.boolean('isOrderedByKey'),
    autoOffsetReset: fields.oneOf('autoOffsetReset', ['earliest', 'latest'] as const),
  }
}

function parseKeptBatch(item: unknown, what: string): KeptBatchId {
  const fields = new Fields(what, item)
  return { partitionId: partitionIdOf(fields), baseOffset: fields.integer('baseOffset') }
}

function parseAcknowledgement(item: unknown, what: string, limits: BrokerLimits): Acknowledgement {
  const fields = new Fields(what, item)
  const type = fields.oneOf('type', ACKNOWLEDGEMENT_TYPES)
  const firstOffset = fields.integer('firstOffset')
  return {
    partitionId: partitionIdOf(fields),
    firstOffset,
    lastOffset: fields.integer('lastOffset', { min: firstOffset, max: Number.MAX_SAFE_INTEGER }),
    deliveryCount: fields.integer('deliveryCount', { min: 1, max: DELIVERY_COUNT_LIMIT_MAX }),
    type,
    ...(fields.has('delayMs')
      ? { delayMs: fields.integer('delayMs', { min: 0, max: RELEASE_DELAY_MS_MAX }) }
      : {}),
    ...(fields.has('reason') ? { reason: fields.string('reason', REJECT_REASON_LENGTH_MAX) } : {}),
    ...(fields.has('store') ? { store: parseStoreOf(fields, type, limits) } : {}),
  }
}

/** Nothing is done but what is done for good. */
function parseStoreOf(
  acknowledgement: Fields,
  type: Acknowledgement['type'],
  limits: BrokerLimits,
): StoreWrite {
  const fields = acknowledgement.object('store')
  if (type === 'accept') return parseStoreWrite(fields, limits)
  throw new TabmqError('INVALID_REQUEST', `only what is accepted changes a store, not a ${type}`, {
    field: 'store',
  })
}

function memberIdOf(fields: Fields): MemberId {
  return parseMemberId(fields.raw('memberId'))
}
