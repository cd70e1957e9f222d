/**
 * Which topics a subscription means: the ones it names and the ones that its patterns match. A name
 * of a topic that does not exist yet means that topic as soon as it does (rule 10).
 */
import { SUBSCRIPTIONS_REMEMBERED_MAX } from '../../protocol/limits.js'
import type { PartitionId, TopicName } from '../../protocol/names.js'
import type { Subscription } from '../../protocol/requests/membership.js'
import type { TopicPatterns } from './topic-patterns.js'
import type { TopicsView } from './topics-view.js'

/** The existing topics that a subscription means. */
export function subscribedTopics(
  subscription: Subscription,
  topics: TopicsView,
): ReadonlySet<TopicName> {
  const found = new Set<TopicName>()
  for (const name of subscription.topics) if (topics.has(name)) found.add(name)
  for (const pattern of subscription.patterns) {
    for (const name of topics.patterns.matching(pattern)) found.add(name)
  }
  return found
}

/** The entries of a subscription as keys of a group's `subscribedSince`. */
export function subscriptionKeys(subscription: Subscription): string[] {
  return [
    ...subscription.topics.map((topic) => `topic ${topic}`),
    ...subscription.patterns.map((pattern) => `pattern ${pattern.flags} ${pattern.source}`),
  ]
}

/** Whether an entry, as {@link subscriptionKeys} names it, means a topic. */
export function keyMeansTopic(key: string, topic: TopicName, patterns: TopicPatterns): boolean {
  if (key.startsWith('topic ')) return key === `topic ${topic}`
  const [, flags = '', ...source] = key.split(' ')
  return patterns.matches({ source: source.join(' '), flags }, topic)
}

/**
 * Since when a group reads each entry of its members' subscriptions, as the id that the next partition
 * had then. What was subscribed once is remembered, for who comes back; up to a limit.
 */
export function subscribedSince(
  before: Readonly<Record<string, number>>,
  keys: Iterable<string>,
  nextPartitionId: number,
): Readonly<Record<string, number>> {
  const wanted = new Set(keys)
  if ([...wanted].every((key) => Object.hasOwn(before, key))) return before
  const current = Object.fromEntries(
    [...wanted].map((key) => [key, before[key] ?? nextPartitionId]),
  )
  const all = { ...before, ...current }
  return Object.keys(all).length > SUBSCRIPTIONS_REMEMBERED_MAX ? current : all
}

/** Rule 11: a partition made after the group began to read its topic. */
export function appearedLater(
  since: Readonly<Record<string, number>>,
  { partitionId, topic }: { partitionId: PartitionId; topic: TopicName },
  patterns: TopicPatterns,
): boolean {
  return Object.entries(since).some(
    ([key, firstLater]) => partitionId >= firstLater && keyMeansTopic(key, topic, patterns),
  )
}

export function isSameSubscription(a: Subscription, b: Subscription): boolean {
  const keysOfA = new Set(subscriptionKeys(a))
  const keysOfB = new Set(subscriptionKeys(b))
  return keysOfA.size === keysOfB.size && [...keysOfA].every((key) => keysOfB.has(key))
}
