/** What members of groups and of share groups alike say they want to read. */
import type { TopicName } from '../names.js'

export interface Subscription {
  readonly topics: readonly TopicName[]
  readonly patterns: readonly SubscribedPattern[]
}

export interface SubscribedPattern {
  readonly source: string
  readonly flags: string
}
