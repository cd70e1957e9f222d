/** Values as JSON, and back. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, hexDump } from '../../src/console/format/bytes.js'
import { fromJsonText, jsonText } from '../../src/console/format/json-text.js'

const NAMES_THAT_MEAN_SOMETHING = [
  '$bytes',
  '$$bytes',
  '$date',
  '$undefined',
  '$gap',
  '$above',
  '$Float64Array',
  '$map',
  '$error',
  '$other',
  '$',
  '__proto__',
  'valueOf',
  'toString',
  'toJSON',
  'constructor',
]

const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.float64Array(),
    fc.int16Array(),
    fc.bigInt64Array(),
    fc.uint8Array().map((bytes) => bytes.slice().buffer),
    fc.constantFrom(/a+\/"/gi, /\n/, new RegExp('')),
    fc
      .tuple(fc.constantFrom(Error, RangeError, TypeError), fc.string(), tie('value'))
      .map(([type, message, cause]) => new type(message, { cause })),
    fc.array(tie('value')),
    fc
      .array(tie('value'))
      .map((items) => [1, ...items, 2])
      .map(withGap),
    fc
      .tuple(fc.constantFrom(...NAMES_THAT_MEAN_SOMETHING), tie('value'))
      .map(([name, value]) => ({ [name]: value })),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
    fc.array(fc.tuple(fc.string(), tie('value'))).map((pairs) => new Map(pairs)),
    fc.array(fc.string()).map((items) => new Set(items)),
  ),
})).value

function withGap(items: unknown[]): unknown[] {
  const list = items.slice(0, 1)
  for (const [index, item] of items.entries()) if (index > 1) list[index] = item
  return list
}

describe('jsonText', () => {
  test('is JSON that is read back as the value', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0, 2), (value, indent) => {
        const { text, isCut } = jsonText(value, { indent })
        expect(isCut).toBe(false)
        expect(() => JSON.parse(text) as unknown).not.toThrow()
        // A value's own `constructor` is no type, as `toStrictEqual` has it.
        assert.deepStrictEqual(fromJsonText(text), value)
      }),
      { numRuns: 500 },
    )
  })

  test('calls nothing that a value has', () => {
    const value = { valueOf: 1, toString: { valueOf: null }, toJSON: 'x', constructor: [] }
    expect(jsonText(value).text).toBe(
      '{"valueOf":1,"toString":{"valueOf":null},"toJSON":"x","constructor":[]}',
    )
    expect(jsonText(Object.assign(Object(5), { valueOf: 1 })).text).toBe('{"$boxed":5}')
  })

  test('looks as JSON.stringify makes it', () => {
    const value = { a: [1, { b: 'x\n' }], c: {}, d: [] }
    expect(jsonText(value).text).toBe(JSON.stringify(value))
    expect(jsonText(value, { indent: 2 }).text).toBe(JSON.stringify(value, null, 2))
  })

  test('ends before a character that is a pair, or after it', () => {
    const texts = [3, 4, 5, 6].map((charsMax) => jsonText('a🙂bcdef', { charsMax }).text)
    expect(texts).toEqual(['"a', '"a🙂', '"a🙂b', '"a🙂bc'])
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
    const error = Object.assign(new Error('no'), { stack: 'at x' })
    expect(jsonText(error).text).toBe('{"$error":{"name":"Error","message":"no","stack":"at x"}}')
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

  test('reads errors, boxes and views as what they were', () => {
    const back = (value: unknown) => fromJsonText(jsonText(value).text)
    const error = Object.assign(new RangeError('far'), { name: 'Mine', stack: 'at x' })
    expect(back(error)).toMatchObject({ name: 'Mine', message: 'far', stack: 'at x' })
    expect(back(error)).toBeInstanceOf(Error)
    expect(back(new TypeError('x'))).toBeInstanceOf(TypeError)
    expect(Object.keys(back(error) as object)).toEqual([])
    expect(back(Object(5))).toBeInstanceOf(Number)
    expect(back(new DataView(Uint8Array.of(1, 2).buffer))).toEqual(
      new DataView(Uint8Array.of(1, 2).buffer),
    )
    expect(back(Object.fromEntries([['__proto__', 1]]))).toEqual(
      Object.fromEntries([['__proto__', 1]]),
    )
    // As a user may type it: what stands in an escaped object is read all the same.
    expect(fromJsonText('{"$$bytes":{"$bytes":"AQ=="}}')).toEqual({ $bytes: Uint8Array.of(1) })
  })

  test('refuses to read what stands for something that could not be written', () => {
    const round: Record<string, unknown> = {}
    round['self'] = round
    expect(() => fromJsonText(jsonText(round).text)).toThrow('an object that contains itself')
    let deep: unknown = null
    for (let depth = 0; depth < 1_000; depth++) deep = [deep]
    expect(() => fromJsonText(jsonText(deep).text)).toThrow(SyntaxError)
    expect(() => fromJsonText('['.repeat(100_000) + ']'.repeat(100_000))).toThrow(SyntaxError)
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
