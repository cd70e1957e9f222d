/**
 * What a consumer subscribed to, and where each part of it starts. Names and patterns can be added
 * and taken away while it runs.
 */
import { TabmqError } from '../../protocol/errors.js'
import { describe, parseTopicName, type TopicName } from '../../protocol/names.js'
import type { AutoOffsetReset, SubscribedPattern, Subscription } from '../../protocol/requests.js'
import { checkArray, checkNoOthers, checkObject, checkOneOf } from '../check-options.js'

/** What `subscribe` takes. */
export interface SubscribeOptions {
  /** Topic names, and patterns that also match topics made later. */
  readonly topics: readonly (string | RegExp)[]
  /** Overrides `autoOffsetReset` for these: true is `earliest`, false `latest`. */
  readonly fromBeginning?: boolean
}

interface SubscribedPart {
  readonly matches: (topic: string) => boolean
  readonly topic: TopicName | undefined
  readonly pattern: SubscribedPattern | undefined
  readonly fromBeginning: boolean | undefined
}

export class Subscriptions {
  readonly #parts = new Map<string, SubscribedPart>()

  get isEmpty(): boolean {
    return this.#parts.size === 0
  }

  /** @throws TabmqError INVALID_TOPIC_EXCEPTION, INVALID_CONFIG */
  add(options: SubscribeOptions): void {
    checkObject('subscribe', options)
    checkNoOthers('subscribe', options, ['topics', 'fromBeginning'])
    const { topics, fromBeginning } = options
    checkArray('topics', topics)
    if (fromBeginning !== undefined) checkOneOf('fromBeginning', fromBeginning, [true, false])
    const parts = topics.map((topic) => toPart(topic, fromBeginning))
    for (const [key, part] of parts) this.#parts.set(key, part)
  }

  /** Takes these away, or everything. */
  remove(topics?: readonly (string | RegExp)[]): void {
    if (topics === undefined) this.#parts.clear()
    else for (const topic of topics) this.#parts.delete(keyOf(topic))
  }

  toSubscription(): Subscription {
    const parts = [...this.#parts.values()]
    return {
      topics: parts.flatMap(({ topic }) => (topic === undefined ? [] : [topic])),
      patterns: parts.flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern])),
    }
  }

  /** Where a topic starts without a committed offset; a name says more than a pattern. */
  resetPolicy(topic: string, otherwise: AutoOffsetReset): AutoOffsetReset {
    const matching = [...this.#parts.values()].filter((part) => part.matches(topic))
    const named = matching.find((part) => part.topic !== undefined)
    const fromBeginning = (named ?? matching.find((part) => part.fromBeginning !== undefined))
      ?.fromBeginning
    if (fromBeginning === undefined) return otherwise
    return fromBeginning ? 'earliest' : 'latest'
  }
}

function toPart(
  topic: string | RegExp,
  fromBeginning: boolean | undefined,
): readonly [string, SubscribedPart] {
  if (topic instanceof RegExp) {
    const { source, flags } = topic
    const pattern = new RegExp(source, flags.replace(/[gy]/g, ''))
    const matches = (name: string) => pattern.test(name)
    const part = { matches, topic: undefined, pattern: { source, flags }, fromBeginning }
    return [keyOf(topic), part]
  }
  if (typeof topic !== 'string') {
    throw new TabmqError(
      'INVALID_TOPIC_EXCEPTION',
      `a topic must be a name or a RegExp, not ${describe(topic)}`,
      { topic: describe(topic) },
    )
  }
  const name = parseTopicName(topic)
  const matches = (other: string) => other === name
  return [keyOf(topic), { matches, topic: name, pattern: undefined, fromBeginning }]
}

function keyOf(topic: string | RegExp): string {
  return typeof topic === 'string' ? `topic ${topic}` : `pattern ${String(topic)}`
}
