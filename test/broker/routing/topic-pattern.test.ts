import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RoutingPattern, wordsOf } from '../../../src/broker/routing/topic-pattern.js'
import { thrownBy } from '../../protocol/thrown.js'

const matches = (pattern: string, key: string) => new RoutingPattern(pattern).matches(wordsOf(key))

/** As RabbitMQ's tutorial has it: `speed.colour.species`. */
const ANIMALS = {
  'quick.orange.rabbit': ['*.orange.*', '*.*.rabbit'],
  'lazy.orange.elephant': ['*.orange.*', 'lazy.#'],
  'quick.orange.fox': ['*.orange.*'],
  'lazy.brown.fox': ['lazy.#'],
  'lazy.pink.rabbit': ['*.*.rabbit', 'lazy.#'],
  'quick.brown.fox': [],
  orange: [],
  'quick.orange.new.rabbit': [],
  'lazy.orange.new.rabbit': ['lazy.#'],
  lazy: ['lazy.#'],
}

describe('the pattern of a binding to a topic exchange', () => {
  it.each(Object.entries(ANIMALS))('of RabbitMQ’s tutorial matches %s', (key, patterns) => {
    const all = ['*.orange.*', '*.*.rabbit', 'lazy.#']
    expect(all.filter((pattern) => matches(pattern, key))).toEqual(patterns)
  })

  it.each([
    ['', '', true],
    ['', 'a', false],
    ['#', '', true],
    ['#', 'a.b.c', true],
    ['*', '', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['*.*', 'a.', true],
    ['a..b', 'a..b', true],
    ['a.*.b', 'a..b', true],
    ['a.#.b', 'a.b', true],
    ['a.#.b', 'a.x.b.b', true],
    ['a.#.b', 'a.x.b.c', false],
    ['#.a.#', 'x.a', true],
    ['#.#', '', true],
    ['#.#.*', 'a', true],
    ['*.#.*', 'a', false],
    ['A', 'a', false],
    // What stands for words in a pattern is a word in a key.
    ['a', '*', false],
    ['a.b', 'a.#', false],
    ['*', '#', true],
  ])('%o with the key %o: %o', (pattern, key, expected) => {
    expect(matches(pattern, key)).toBe(expected)
  })

  it('matches what a table of all its words with all those of the key says', () => {
    const word = fc.constantFrom('a', 'b', '')
    const key = fc.array(word, { maxLength: 8 }).map((words) => words.join('.'))
    const pattern = fc
      .array(fc.oneof(word, fc.constantFrom('*', '#')), { maxLength: 8 })
      .map((words) => words.join('.'))
    fc.assert(
      fc.property(pattern, key, (one, other) => {
        expect(matches(one, other)).toBe(matchesByTable(wordsOf(one), wordsOf(other)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes one step a word, however many ways there are', () => {
    const pattern = new RoutingPattern(Array.from({ length: 14 }, () => '#.a').join('.'))
    const words = Array.from({ length: 100_000 }, () => 'a')
    expect(pattern.matches([...words, 'b'])).toBe(false)
    expect(pattern.matches(words)).toBe(true)
  })

  it('has 30 words at most', () => {
    const thirty = Array.from({ length: 30 }, (_, at) => `w${at}`)
    expect(matches(thirty.join('.'), thirty.join('.'))).toBe(true)
    expect(matches(`${thirty.slice(1).join('.')}.#`, thirty.slice(1).join('.'))).toBe(true)
    const tooMany = () => new RoutingPattern([...thirty, '#'].join('.'))
    expect(thrownBy(tooMany).code).toBe('INVALID_CONFIG')
  })
})

/** Cell by cell: whether the first n words of the pattern are the first m of the key. */
function matchesByTable(pattern: readonly string[], key: readonly string[]): boolean {
  const table = new Map<string, boolean>()
  const at = (n: number, m: number): boolean => {
    if (n === 0) return m === 0
    const cell = `${n} ${m}`
    const known = table.get(cell)
    if (known !== undefined) return known
    const word = pattern[n - 1]
    const isOne = m > 0 && (word === '*' || word === key[m - 1]) && at(n - 1, m - 1)
    const value = word === '#' ? at(n - 1, m) || (m > 0 && at(n, m - 1)) : isOne
    table.set(cell, value)
    return value
  }
  return at(pattern.length, key.length)
}
