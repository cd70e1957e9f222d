/**
 * Which topics a subscription means: the ones it names and the ones that its patterns match. A name
 * of a topic that does not exist yet means that topic as soon as it does (rule 10).
 */
import type { TopicName } from '../../protocol/names.js'
import type { Subscription } from '../../protocol/requests.js'
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

export function isSameSubscription(a: Subscription, b: Subscription): boolean {
  const keysOfA = new Set(subscriptionKeys(a))
  const keysOfB = new Set(subscriptionKeys(b))
  return keysOfA.size === keysOfB.size && [...keysOfA].every((key) => keysOfB.has(key))
}
