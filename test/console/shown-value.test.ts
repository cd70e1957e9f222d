/** A message's value as JSON, text and bytes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { indentedJson } from '../../src/console/format/indented-json.js'
import { shown, wholeText } from '../../src/console/messages/shown-value.js'

const utf8 = (text: string) => new TextEncoder().encode(text)

describe('JSON that is text', () => {
  const text =
    '{"id":12345678901234567890,"id":1.50,"at":{"$date":"x"},"far":1e999,"less":[-0],' +
    '"escaped":"\\u0041\\"}{","none":{ },"empty":[]}'
  const lines = [
    '{',
    '  "id": 12345678901234567890,',
    '  "id": 1.50,',
    '  "at": {',
    '    "$date": "x"',
    '  },',
    '  "far": 1e999,',
    '  "less": [',
    '    -0',
    '  ],',
    '  "escaped": "\\u0041\\"}{",',
    '  "none": {},',
    '  "empty": []',
    '}',
  ].join('\n')

  test('is indented, with all that it says', () => {
    expect(shown(text, 'json')).toMatchObject({ text: lines, isCut: false })
    expect(shown(utf8(text), 'json')).toMatchObject({ text: lines, isCut: false })
    expect(shown(lines, 'json')).toMatchObject({ text: lines, isCut: false })
  })

  test('is copied as it stands', () => {
    for (const way of ['json', 'text'] as const) {
      expect(wholeText(text, way)).toBe(text)
      expect(wholeText(utf8(text), way)).toBe(text)
    }
    expect(wholeText({ a: 1 }, 'json')).toBe('{\n  "a": 1\n}')
  })

  test('looks as if it had been made with lines', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 4), (value, spaces) => {
        const json = ` ${JSON.stringify(value, null, spaces)}\n`
        expect(indentedJson(json, { indent: 2 })).toBe(JSON.stringify(value, null, 2))
      }),
      { numRuns: 500 },
    )
  })

  test('is shown up to a length, however deep it is', () => {
    const { text: begin, isCut } = shown('['.repeat(5_000) + ']'.repeat(5_000), 'json')
    expect(begin).toHaveLength(100_000)
    expect(isCut).toBe(true)
    const long = JSON.stringify(['"'.repeat(500_000)])
    expect(shown(long, 'json')).toMatchObject({
      text: `[\n  ${long.slice(1)}`.slice(0, 100_000),
      isCut: true,
    })
  })
})

test('a text that is cut ends with a whole character', () => {
  const before = 'x'.repeat(99_999)
  expect(shown(`${before}😀`, 'text')).toMatchObject({ text: before, isCut: true })
  expect(shown(utf8(`${before}é`), 'text')).toMatchObject({ text: before, isCut: true })
  expect(shown(`["${before}😀"]`, 'json').isCut).toBe(true)
})
