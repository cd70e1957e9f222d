/**
 * The patterns that members subscribed with, and which topics each matches: soft state, worked out
 * once per pattern and topic rather than at every look at a group. What is not used is forgotten.
 */
import { TabmqError } from '../../protocol/errors.js'
import { PATTERN_STEPS_MAX, PATTERN_WORK_MAX } from '../../protocol/limits.js'
import type { TopicName } from '../../protocol/names.js'
import type { SubscribedPattern } from '../../protocol/requests/membership.js'
import type { TopicRegistry } from '../topic/topic-registry.js'
import { PatternRefused, TopicPattern } from './topic-pattern.js'

const PATTERNS_REMEMBERED_MAX = 64

interface Remembered {
  /** One that cannot be matched (another version's, restored from the disk) matches nothing. */
  readonly pattern: TopicPattern | TabmqError
  readonly answers: Map<TopicName, boolean>
}

export class TopicPatterns {
  readonly #topics: TopicRegistry
  /** The one that was used last is the last. */
  readonly #remembered = new Map<string, Remembered>()

  constructor(topics: TopicRegistry) {
    this.#topics = topics
  }

  /**
   * Whether these can be subscribed with: expressions that can be matched in time.
   * @throws TabmqError INVALID_REGULAR_EXPRESSION
   */
  check(patterns: readonly SubscribedPattern[]): void {
    let work = 0
    for (const wanted of patterns) {
      const { pattern, answers } = this.#recall(wanted)
      if (pattern instanceof TabmqError) throw pattern
      work += pattern.size * this.#charactersUnanswered(answers)
    }
    if (work <= PATTERN_WORK_MAX) return
    throw new TabmqError(
      'INVALID_REGULAR_EXPRESSION',
      `matching these patterns with ${this.#topics.count} topics would take too long`,
      { topics: this.#topics.count, work, workMax: PATTERN_WORK_MAX },
    )
  }

  /** The topics that a pattern matches. */
  *matching(pattern: SubscribedPattern): Iterable<TopicName> {
    const known = this.#recall(pattern)
    for (const topic of this.#topics.names()) if (answer(known, topic)) yield topic
    // Topics that were deleted since.
    if (known.answers.size > 2 * this.#topics.count) known.answers.clear()
  }

  matches(pattern: SubscribedPattern, topic: TopicName): boolean {
    return answer(this.#recall(pattern), topic)
  }

  #charactersUnanswered(answers: ReadonlyMap<TopicName, boolean>): number {
    let characters = 0
    for (const topic of this.#topics.names()) if (!answers.has(topic)) characters += topic.length
    return characters
  }

  #recall({ source, flags }: SubscribedPattern): Remembered {
    const key = `${flags} ${source}`
    const known = this.#remembered.get(key) ?? {
      pattern: compile(source, flags),
      answers: new Map(),
    }
    this.#remembered.delete(key)
    this.#remembered.set(key, known)
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > PATTERNS_REMEMBERED_MAX && oldest !== undefined) {
      this.#remembered.delete(oldest)
    }
    return known
  }
}

function answer({ pattern, answers }: Remembered, topic: TopicName): boolean {
  const isKnown = answers.get(topic)
  if (isKnown !== undefined) return isKnown
  const matches = pattern instanceof TopicPattern && pattern.test(topic)
  answers.set(topic, matches)
  return matches
}

function compile(source: string, flags: string): TopicPattern | TabmqError {
  try {
    return new TopicPattern(source, flags, PATTERN_STEPS_MAX)
  } catch (cause) {
    const why =
      cause instanceof PatternRefused
        ? `is not taken as a pattern of topics, which can have no ${cause.message}`
        : 'is not a regular expression'
    return new TabmqError(
      'INVALID_REGULAR_EXPRESSION',
      `/${source.slice(0, 100)}/${flags} ${why}`,
      { source, flags },
      cause,
    )
  }
}
