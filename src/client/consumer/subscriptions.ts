/**
 * What a consumer subscribed to, and where each part of it starts. Names and patterns can be added
 * and taken away while it runs.
 */
import { TabmqError } from '../../protocol/errors.js'
import { PATTERN_LENGTH_MAX } from '../../protocol/limits.js'
import { describe, detailOf, parseTopicName, type TopicName } from '../../protocol/names.js'
import type { AutoOffsetReset } from '../../protocol/requests/groups.js'
import type { SubscribedPattern, Subscription } from '../../protocol/requests/membership.js'
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
  /** What was taken away: its partitions are held for a moment longer, and may yet be started. */
  readonly #former = new Map<string, SubscribedPart>()

  get isEmpty(): boolean {
    return this.#parts.size === 0
  }

  /** @throws TabmqError INVALID_TOPIC_EXCEPTION, INVALID_REGULAR_EXPRESSION, INVALID_CONFIG */
  add(options: SubscribeOptions): void {
    checkObject('subscribe', options)
    checkNoOthers('subscribe', options, ['topics', 'fromBeginning'])
    const { topics, fromBeginning } = options
    checkArray('topics', topics)
    if (fromBeginning !== undefined) checkOneOf('fromBeginning', fromBeginning, [true, false])
    const parts = topics.map((topic) => toPart(topic, fromBeginning))
    for (const [key, part] of parts) this.#parts.set(key, part)
  }

  /**
   * Takes these away, or everything.
   * @throws TabmqError INVALID_CONFIG
   */
  remove(topics?: readonly (string | RegExp)[]): void {
    if (topics !== undefined) checkArray('topics', topics)
    const keys = topics === undefined ? [...this.#parts.keys()] : topics.map(keyOf)
    for (const key of keys) {
      const part = this.#parts.get(key)
      if (part !== undefined) this.#former.set(key, part)
      this.#parts.delete(key)
    }
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
    const current = [...this.#parts.values()].filter((part) => part.matches(topic))
    const former = [...this.#former.values()].filter((part) => part.matches(topic))
    const matching = current.length > 0 ? current : former
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
    if (source.length > PATTERN_LENGTH_MAX) throw tooLong(source)
    const pattern = new RegExp(source, flags.replace(/[gy]/g, ''))
    const matches = (name: string) => pattern.test(name)
    const part = { matches, topic: undefined, pattern: { source, flags }, fromBeginning }
    return [keyOf(topic), part]
  }
  if (typeof topic !== 'string') {
    throw new TabmqError(
      'INVALID_TOPIC_EXCEPTION',
      `a topic must be a name or a RegExp, not ${describe(topic)}`,
      { topic: detailOf(topic) },
    )
  }
  const name = parseTopicName(topic)
  const matches = (other: string) => other === name
  return [keyOf(topic), { matches, topic: name, pattern: undefined, fromBeginning }]
}

function tooLong(source: string): TabmqError {
  return new TabmqError(
    'INVALID_REGULAR_EXPRESSION',
    `a pattern may have ${PATTERN_LENGTH_MAX} characters, not ${source.length}`,
    { source: detailOf(source), lengthMax: PATTERN_LENGTH_MAX },
  )
}

function keyOf(topic: string | RegExp): string {
  return typeof topic === 'string' ? `topic ${topic}` : `pattern ${String(topic)}`
}
