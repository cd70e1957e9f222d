/** What requests about groups and about share groups have in common. */
import { Fields } from '../fields.js'
import {
  MEMBER_WEIGHT_MAX,
  PATTERN_LENGTH_MAX,
  REQUEST_GROUPS_MAX,
  SUBSCRIPTION_PATTERNS_MAX,
  SUBSCRIPTION_TOPICS_MAX,
} from '../limits.js'
import { parseGroupId, parseTopicName, type GroupId } from '../names.js'
import { distinct } from './distinct.js'
import type { Subscription } from './membership.js'

export const WEIGHTS = { min: 1, max: MEMBER_WEIGHT_MAX }

export function parseSubscription(parent: Fields): Subscription {
  const fields = parent.object('subscription')
  return {
    topics: fields.list('topics', SUBSCRIPTION_TOPICS_MAX, parseTopicName),
    patterns: fields.list('patterns', SUBSCRIPTION_PATTERNS_MAX, (item, what) => {
      const pattern = new Fields(what, item)
      return {
        source: pattern.string('source', PATTERN_LENGTH_MAX),
        flags: pattern.string('flags', 16),
      }
    }),
  }
}

export function groupIdOf(fields: Fields): GroupId {
  return parseGroupId(fields.raw('groupId'))
}

export function groupIdsOf(fields: Fields): GroupId[] {
  return distinct(fields.list('groupIds', REQUEST_GROUPS_MAX, parseGroupId))
}
