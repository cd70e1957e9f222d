/**
 * The pattern of a binding to a topic exchange: words between dots, where `*` stands for exactly one word and
 * `#` for any number of them, none included. All ways through a pattern are followed at once, one bit
 * for each place in it, so that a key takes one step per word whatever the pattern (X1).
 *
 * As with RabbitMQ, the empty key has no words, and every dot ends a word: `a..b` has an empty one.
 */
import { TabmqError } from '../../protocol/errors.js'
import { TOPIC_BINDING_WORDS_MAX } from '../../protocol/limits.js'

export class RoutingPattern {
  /** Bit n: the word behind the first n words of the pattern is `#`. */
  readonly #anyNumber: number
  /** The same of `*`. */
  readonly #anyWord: number
  /** The same of each word as it stands. */
  readonly #words: ReadonlyMap<string, number>
  /** That all words of the pattern are through. */
  readonly #end: number

  /** @throws TabmqError INVALID_CONFIG when it has too many words */
  constructor(pattern: string) {
    const parts = withoutRepeatedHashes(wordsOf(pattern))
    if (parts.length > TOPIC_BINDING_WORDS_MAX) {
      throw new TabmqError(
        'INVALID_CONFIG',
        `the routing key of a binding to a topic exchange can have ${TOPIC_BINDING_WORDS_MAX} words`,
        { words: parts.length, wordsMax: TOPIC_BINDING_WORDS_MAX },
      )
    }
    const words = new Map<string, number>()
    for (const [at, word] of parts.entries()) words.set(word, (words.get(word) ?? 0) | (1 << at))
    this.#anyNumber = words.get('#') ?? 0
    this.#anyWord = words.get('*') ?? 0
    this.#end = 1 << parts.length
    // A message's own `*` or `#` is a word like any other, and no pattern has it.
    words.delete('#')
    words.delete('*')
    this.#words = words
  }

  matches(words: readonly string[]): boolean {
    let places = this.#skipping(1)
    for (const word of words) {
      const stepping = this.#anyWord | (this.#words.get(word) ?? 0)
      places = this.#skipping(((places & stepping) << 1) | (places & this.#anyNumber))
      if (places === 0) return false
    }
    return (places & this.#end) !== 0
  }

  /** With what is reached by taking a `#` for no word; no two of them are neighbours. */
  #skipping(places: number): number {
    return places | ((places & this.#anyNumber) << 1)
  }
}

export function wordsOf(key: string): string[] {
  return key === '' ? [] : key.split('.')
}

function withoutRepeatedHashes(words: readonly string[]): string[] {
  return words.filter((word, at) => word !== '#' || words[at - 1] !== '#')
}
