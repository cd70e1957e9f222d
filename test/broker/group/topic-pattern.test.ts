import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatternRefused, TopicPattern } from '../../../src/broker/group/topic-pattern.js'

const STEPS_MAX = 1_000

const matches = ({ source, flags }: RegExp, name: string, stepsMax = STEPS_MAX) =>
  new TopicPattern(source, flags, stepsMax).test(name)

describe('a pattern of topic names', () => {
  it.each([
    [/orders/, ['orders', 'eu.orders.v1'], ['order']],
    [/^orders$/, ['orders'], ['orders.', 'xorders']],
    [/^orders\.(eu|us)\.v\d+$/, ['orders.eu.v1', 'orders.us.v12'], ['orders.eu.v', 'ordersxeu.v1']],
    [/^(?:a|b)*c?$/, ['abba', 'c', 'abc'], ['abcc', 'd']],
    [/^[a-f0-9]{2,4}$/i, ['ab', 'AB12'], ['a', 'abcde', 'xy']],
    [/^(?<region>e.)-\w+?$/, ['eu-orders'], ['eu-', 'us-orders']],
    [/\border\b/, ['an.order.x', 'order'], ['orders', 'reorder']],
    [/^\Border/, [], ['order']],
    [/^[^.]+$/, ['orders'], ['orders.eu']],
    [/^\x6f\u0072ders$/, ['orders'], ['xrders']],
    [/^\u{6f}rders\p{L}$/u, ['ordersX'], ['orders1']],
    [new RegExp('^[]$'), [], ['a', '']],
    [/^(a*)*$/, ['aaa', ''], ['b']],
    [/^(?:a?){3}$/, ['', 'aaa'], ['aaaa']],
    [/^a{0}b$/, ['b'], ['ab']],
    [/^a{,2}$/, [], ['aa']],
    [/|/, ['anything'], []],
    [/^a/gy, ['ab'], ['ba']],
  ] as const)('%s', (pattern, matching, others) => {
    for (const name of matching) expect([name, matches(pattern, name)]).toEqual([name, true])
    for (const name of others) expect([name, matches(pattern, name)]).toEqual([name, false])
  })

  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '\\.',
    '\\d',
    '\\w',
    '[ab]',
    '[^a]',
    '[a-c_-]',
    '\\b',
    '^',
    '$',
    '()',
    '-',
  )
  const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,}', '*?', '+?')
  const { source } = fc.letrec<{ source: string; part: string }>((tie) => ({
    source: fc.array(tie('part'), { maxLength: 4 }).map((parts) => parts.join('')),
    part: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.tuple(atom, quantifier).map((both) => both.join('')),
      fc
        .tuple(fc.constantFrom('(', '(?:', '(?<n>'), tie('source'), tie('source'), quantifier)
        .map(([open, one, other, times]) => `${open}${one}|${other})${times}`),
    ),
  }))
  const name = fc.string({ unit: fc.constantFrom(...'abcAB1._-'.split('')), maxLength: 6 })

  it('matches what the engine says, as long as that can', () => {
    fc.assert(
      fc.property(source, fc.constantFrom('', 'i', 'u'), name, (text, flags, topic) => {
        let native: RegExp
        try {
          native = new RegExp(text, flags)
        } catch {
          // Not an expression: a name twice, or nothing to repeat.
          expect(() => new TopicPattern(text, flags, STEPS_MAX)).toThrow(SyntaxError)
          return
        }
        expect([text, flags, topic, matches(native, topic, 1e6)]).toEqual([
          text,
          flags,
          topic,
          native.test(topic),
        ])
      }),
      { numRuns: 3_000 },
    )
  })

  it.each([/^(a+)+$/, /^(a|a)*$/, /^(a|aa)+$/, /^(.*)*x$/, /(a*)*(a*)*(a*)*b/])(
    'takes no longer for %s, which keeps the engine for ever',
    (pattern) => {
      // The engine's own matcher needs more than a lifetime for this.
      expect(matches(pattern, `${'a'.repeat(248)}-`)).toBe(false)
    },
  )

  it.each([/(?=a)/, /(?!a)/, /(?<=a)/, /(?<!a)/, /(a)\1/, /(?<n>a)\k<n>/])(
    'refuses %s, which cannot be matched in one go',
    (pattern) => {
      expect(() => matches(pattern, 'a')).toThrow(PatternRefused)
    },
  )

  it('counts what is repeated once, however deep it lies', () => {
    const deep = `${'('.repeat(100)}a${')+'.repeat(100)}`
    expect(new TopicPattern(deep, '', STEPS_MAX).test('aaa')).toBe(true)
  })

  it.each([/a{2000}/, /((a{30}){30}){30}/, /(?:){1000000}/])('refuses to unfold %s', (pattern) => {
    expect(() => matches(pattern, 'a')).toThrow(PatternRefused)
  })
})
