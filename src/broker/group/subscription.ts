/**
 * Which topics a subscription means: the ones it names and the ones that its patterns match. A name
 * of a topic that does not exist yet means that topic as soon as it does (rule 10).
 */
import { TabmqError } from '../../protocol/errors.js'
import type { TopicName } from '../../protocol/names.js'
import type { SubscribedPattern, Subscription } from '../../protocol/requests.js'
import type { TopicsView } from './topics-view.js'

/**
 * A pattern as a RegExp without memory: `g` and `y` would make it match every other time.
 * @throws TabmqError INVALID_REGULAR_EXPRESSION
 */
export function compilePattern(pattern: SubscribedPattern): RegExp {
  try {
    return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  } catch (cause) {
    throw new TabmqError(
      'INVALID_REGULAR_EXPRESSION',
      `/${pattern.source}/${pattern.flags} is not a regular expression`,
      { ...pattern },
      cause,
    )
  }
}

/** The existing topics that a subscription means. */
export function subscribedTopics(
  subscription: Subscription,
  topics: TopicsView,
): ReadonlySet<TopicName> {
  const found = new Set<TopicName>()
  for (const name of subscription.topics) if (topics.has(name)) found.add(name)
  const patterns = subscription.patterns.map(compilePattern)
  if (patterns.length === 0) return found
  for (const name of topics.names()) {
    if (patterns.some((pattern) => pattern.test(name))) found.add(name)
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
export function keyMeansTopic(key: string, topic: TopicName): boolean {
  if (key.startsWith('topic ')) return key === `topic ${topic}`
  const [, flags = '', ...source] = key.split(' ')
  return compilePattern({ source: source.join(' '), flags }).test(topic)
}

export function isSameSubscription(a: Subscription, b: Subscription): boolean {
  const keysOfA = new Set(subscriptionKeys(a))
  const keysOfB = new Set(subscriptionKeys(b))
  return keysOfA.size === keysOfB.size && [...keysOfA].every((key) => keysOfB.has(key))
}
