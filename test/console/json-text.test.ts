/** Values as JSON, and back. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, hexDump } from '../../src/console/format/bytes.js'
import { fromJsonText, jsonText } from '../../src/console/format/json-text.js'

const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value')),
    fc.array(fc.tuple(fc.string(), tie('value'))).map((pairs) => new Map(pairs)),
    fc.array(fc.string()).map((items) => new Set(items)),
  ),
})).value

describe('jsonText', () => {
  test('is JSON that is read back as the value', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0, 2), (value, indent) => {
        const { text, isCut } = jsonText(value, { indent })
        expect(isCut).toBe(false)
        expect(() => JSON.parse(text) as unknown).not.toThrow()
        expect(fromJsonText(text)).toEqual(value)
      }),
    )
  })

  test('looks as JSON.stringify makes it', () => {
    const value = { a: [1, { b: 'x\n' }], c: {}, d: [] }
    expect(jsonText(value).text).toBe(JSON.stringify(value))
    expect(jsonText(value, { indent: 2 }).text).toBe(JSON.stringify(value, null, 2))
  })

  test('ends where there is too much, without writing the rest', () => {
    const large = { text: 'x'.repeat(1_000), more: new Uint8Array(50_000_000) }
    const { text, isCut } = jsonText(large, { charsMax: 40 })
    expect(text).toBe(`{"text":"${'x'.repeat(31)}`)
    expect(isCut).toBe(true)
    const bytes = jsonText(large.more, { charsMax: 100 })
    expect(bytes.text).toHaveLength(100)
    expect(jsonText('x', { charsMax: 3 })).toEqual({ text: '"x"', isCut: false })
  })

  test('writes what JSON has no word for, and what contains itself', () => {
    const round: Record<string, unknown> = { a: undefined }
    round['self'] = { round }
    expect(jsonText(round).text).toBe('{"a":{"$undefined":true},"self":{"round":{"$above":2}}}')
    const shared = { x: 1 }
    expect(jsonText([shared, shared]).text).toBe('[{"x":1},{"x":1}]')
    expect(jsonText(new Error('no')).text).toBe('{"$error":{"name":"Error","message":"no"}}')
    expect(jsonText([-0, NaN, -Infinity]).text).toBe(
      '[{"$number":"-0"},{"$number":"NaN"},{"$number":"-Infinity"}]',
    )
    let deep: unknown = null
    for (let depth = 0; depth < 10_000; depth++) deep = [deep]
    expect(jsonText(deep).text).toContain('too deep')
  })

  test('reads what only looks like its own words as it stands', () => {
    for (const text of ['{"$bytes":5}', '{"$map":[1]}', '{"$bigint":"x"}', '{"$date":"x","y":1}']) {
      expect(fromJsonText(text)).toEqual(JSON.parse(text))
    }
    expect(() => fromJsonText('{')).toThrow(SyntaxError)
  })
})

test('bytes are shown in rows of sixteen, and read from digits', () => {
  const bytes = new TextEncoder().encode('hello, wide world\n')
  expect(hexDump(bytes)).toBe(
    [
      '00000000  68 65 6c 6c 6f 2c 20 77  69 64 65 20 77 6f 72 6c  hello, wide worl',
      '00000010  64 0a                                             d.',
    ].join('\n'),
  )
  expect(fromHex('68 65\n6C')).toEqual(new TextEncoder().encode('hel'))
  expect(fromHex('6')).toBeUndefined()
  expect(fromHex('zz')).toBeUndefined()
})
