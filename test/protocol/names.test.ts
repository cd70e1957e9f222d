import fc from 'fast-check'
import { describe as suite, expect, it } from 'vitest'
import {
  describe,
  parseBrokerName,
  parseGroupId,
  parseInstanceId,
  parseMemberId,
  parseSessionId,
  parseTopicName,
} from '../../src/protocol/names.js'
import { thrownBy } from './thrown.js'

const NO_STRINGS = [undefined, null, 7, 7n, true, {}, [], ['a'], new String('a'), Symbol('a')]

suite('topic names', () => {
  it('are 1 to 249 letters, digits, dots, underscores and hyphens', () => {
    for (const name of ['a', 'Orders.eu_1-x', '...', '0', 'x'.repeat(249)]) {
      expect(parseTopicName(name)).toBe(name)
    }
  })

  it('are nothing else', () => {
    const wrong = ['', '.', '..', 'x'.repeat(250), 'a b', 'a/b', 'é', 'a\n', '\na', 'a:b', '*']
    for (const name of [...wrong, ...NO_STRINGS]) {
      expect(thrownBy(() => parseTopicName(name)).code).toBe('INVALID_TOPIC_EXCEPTION')
    }
  })

  it('are named in the error', () => {
    const error = thrownBy(() => parseTopicName('no spaces'))
    expect(error.message).toContain('"no spaces"')
    expect(error.details).toEqual({ topic: 'no spaces' })
  })
})

suite('other names', () => {
  const parsers = [
    { parse: parseGroupId, code: 'INVALID_GROUP_ID', lengthMax: 255, named: 'group id' },
    { parse: parseMemberId, code: 'INVALID_REQUEST', lengthMax: 255, named: 'memberId' },
    { parse: parseInstanceId, code: 'INVALID_REQUEST', lengthMax: 255, named: 'groupInstanceId' },
    { parse: parseSessionId, code: 'INVALID_REQUEST', lengthMax: 255, named: 'sessionId' },
    { parse: parseBrokerName, code: 'INVALID_CONFIG', lengthMax: 100, named: 'broker name' },
  ] as const

  for (const { parse, code, lengthMax, named } of parsers) {
    it(`${named}: any string of 1 to ${lengthMax} characters`, () => {
      for (const name of ['a', ' ', 'Grüße, 世界 🌍', '__proto__', 'x'.repeat(lengthMax)]) {
        expect(parse(name)).toBe(name)
      }
      for (const name of ['', 'x'.repeat(lengthMax + 1), ...NO_STRINGS]) {
        const error = thrownBy(() => parse(name))
        expect(error.code).toBe(code)
        expect(error.message).toContain(named)
      }
    })
  }
})

suite('describe', () => {
  it('shows any value shortly and never throws', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    })
    fc.assert(
      fc.property(fc.oneof(anything, fc.string({ maxLength: 500 })), (value) => {
        expect(describe(value).length).toBeLessThan(500)
      }),
    )
  })

  it('does not spell out a bigint that has millions of digits', () => {
    // Spelling it out would take longer than any test may.
    expect(describe(1n << 50_000_000n)).toBe('a large bigint')
    expect(describe(-(1n << 64n))).toBe('a large bigint')
    expect(describe(-(2n ** 63n))).toBe('-9223372036854775808n')
  })

  it('tells the kinds of values apart', () => {
    const shown = [describe('a'), describe(1n), describe(null), describe([1]), describe({ a: 1 })]
    expect(shown).toEqual(['"a"', '1n', 'null', 'an array', 'an object'])
    expect(describe(undefined)).toBe('undefined')
    expect(describe(() => 1)).toBe('a function')
    expect(describe(Symbol('s'))).toBe('Symbol(s)')
    expect(describe('x'.repeat(100))).toBe(`"${'x'.repeat(60)}…"`)
  })
})
