/** Keys and values as they are shown: nothing looks like something else. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exactText, unturnedText } from '../../src/console/format/exact-text.js'
import { jsonWithin } from '../../src/console/format/json-within.js'
import type { MessageRow } from '../../src/console/messages/message-row.js'
import { previewText } from '../../src/console/messages/message-text.js'

const utf8 = (text: string) => new TextEncoder().encode(text)

describe('a key is shown', () => {
  test.each([
    ['user-7', 'user-7'],
    ['Zürich', 'Zürich'],
    ['–', '–'],
    ['', '""'],
    [' ', '" "'],
    [' a', '" a"'],
    ['a\t', '"a\\t"'],
    ['a\nb', '"a\\nb"'],
    ['null', '"null"'],
    [null, 'null'],
    ['\u202Eevil.txt', '"\\u202eevil.txt"'],
    ['a\u200Bb', '"a\\u200bb"'],
    ['a\u00A0b', '"a\\u00a0b"'],
    ['\uD800', '"\\ud800"'],
    ['"a"', '"\\"a\\""'],
    ['0xff', '"0xff"'],
    [Uint8Array.of(0xff, 0), '0xff00'],
    [Uint8Array.of(0x61, 0x62), '"ab" (bytes)'],
    [Uint8Array.of(), '0x'],
  ])('%j as %s', (key, text) => {
    expect(exactText(key)).toBe(text)
  })

  test('unlike any other', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom('null', '"a" (bytes)', '0x61', '0x', '""'),
    )
    const key = fc.oneof(text, fc.uint8Array({ maxLength: 2 }), fc.constant(null))
    const same = (a: unknown, b: unknown) =>
      a === b || (a instanceof Uint8Array && b instanceof Uint8Array && a.join() === b.join())
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(exactText(a) === exactText(b)).toBe(same(a, b))
      }),
      { numRuns: 2_000 },
    )
  })

  test('up to a length, and cut after it', () => {
    expect(exactText('x'.repeat(400), 300)).toBe(`${'x'.repeat(300)}…`)
    expect(exactText('x'.repeat(300), 300)).toHaveLength(300)
    expect(exactText(new Uint8Array(400).fill(255), 2)).toBe('0xffff…')
  })

  test('without the half of a character at the cut', () => {
    for (let length = 1; length <= 5; length++) {
      expect(exactText(utf8('a😀b'), length)).toBe(length < 5 ? '"a"… (bytes)' : '"a😀"… (bytes)')
    }
    expect(exactText(utf8('ééé'), 3)).toBe('"é"… (bytes)')
    expect(exactText('a😀b', 2)).toBe('a…')
    expect(exactText('a😀b', 3)).toBe('a😀…')
    // A text may itself have half a pair, and bytes may be no text.
    expect(exactText('a\uD83Dbc', 2)).toBe('"a\\ud83d"…')
    expect(exactText(Uint8Array.of(0x61, 0xc3), 5)).toBe('0x61c3')
    expect(exactText(Uint8Array.of(0x61, 0xff, 0x61), 2)).toBe('0x61ff…')
  })
})

test('a preview ends with a whole character', () => {
  const preview = (value: unknown) => previewText({ value } as MessageRow)
  const before = '['.padEnd(299)
  expect(preview(`${before}😀`)).toBe('[ ')
  expect(preview(utf8(`${before}é`))).toBe('[ ')
  expect(preview(utf8(`${before}e`))).toBe('[ e')
})

test('no text turns the order of what is around it', () => {
  expect(unturnedText('a\u202Egpj.exe\n👩‍👩‍👧')).toBe('a\\u202egpj.exe\n👩‍👩‍👧')
})

test('JSON is found in text and in bytes', () => {
  expect(jsonWithin('{"a":1}')).toEqual({ a: 1 })
  expect(jsonWithin(new TextEncoder().encode(' [1]'))).toEqual([1])
  for (const none of [
    '17',
    '"x"',
    '{',
    '',
    '{"a":1',
    Uint8Array.of(0x7b, 0xff),
    { a: 1 },
    null,
    5,
  ]) {
    expect(jsonWithin(none)).toBeUndefined()
  }
})
