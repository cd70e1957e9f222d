import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { JsonArrayReader, lineOfError, ndjsonReader } from '../../demo/files/json-reader.js'
import { LineReader } from '../../demo/files/line-reader.js'
import { ROW_BYTES_MAX } from '../../demo/files/row-reader.js'
import { readAll, slicesOf } from './read-all.js'

describe('the line reader', () => {
  it('makes a row of every line that is not blank', () => {
    const { rows } = readAll(new LineReader(), ['one\n\n  \ntw', 'o\nthree'])
    expect(rows).toEqual([
      { line: 1, value: 'one' },
      { line: 4, value: 'two' },
      { line: 5, value: 'three' },
    ])
  })

  it('reads the same lines wherever the slices are cut', () => {
    const lines = fc.array(fc.constantFrom('', 'a', 'bb', 'ccc'), { maxLength: 20 })
    fc.assert(
      fc.property(lines, fc.array(fc.nat(60), { maxLength: 6 }), (lines, cuts) => {
        const text = lines.join('\n')
        const { rows } = readAll(new LineReader(), slicesOf(text, cuts))
        const expected = lines.flatMap((value, index) => (value === '' ? [] : [[index + 1, value]]))
        expect(rows.map(({ line, value }) => [line, value])).toEqual(expected)
      }),
    )
  })

  it('leaves out a line that is too long, says so once, and goes on after it', () => {
    const long = 'x'.repeat(ROW_BYTES_MAX)
    const { rows, problems } = readAll(new LineReader(), ['a\n', `${long}y`, long, '\nb\n'])
    expect(rows).toEqual([
      { line: 1, value: 'a' },
      { line: 3, value: 'b' },
    ])
    expect(problems.map(({ line }) => line)).toEqual([2])
  })

  it('measures a line in bytes', () => {
    const { rows, problems } = readAll(new LineReader(), [`${'ü'.repeat(600_000)}\nb\n`])
    expect(rows).toEqual([{ line: 2, value: 'b' }])
    expect(problems).toEqual([{ line: 1, text: expect.stringContaining('longer than 1 MB') }])
  })
})

describe('the NDJSON reader', () => {
  it('reads a value per line', () => {
    const { rows, problems } = readAll(ndjsonReader(), ['{"a":1}\n[2]\n"three"'])
    expect(rows.map(({ value }) => value)).toEqual([{ a: 1 }, [2], 'three'])
    expect(problems).toEqual([])
  })

  it('sends a malformed line as text and names it', () => {
    const { rows, problems } = readAll(ndjsonReader(), ['{"a":1}\n\n{"a":\n{"a":3}\n'])
    expect(rows.map(({ value }) => value)).toEqual([{ a: 1 }, '{"a":', { a: 3 }])
    expect(problems).toEqual([{ line: 3, text: expect.stringContaining('not valid JSON') }])
  })
})

describe('the JSON array reader', () => {
  it('makes a row of each element', () => {
    const { rows } = readAll(new JsonArrayReader(), ['[{"a":1},\n', '{"a":2}]'])
    expect(rows.map(({ value }) => value)).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('makes one row of a value that is no array', () => {
    expect(readAll(new JsonArrayReader(), ['{"a":1}']).rows).toHaveLength(1)
  })

  it('names the line at which the text stops being JSON', () => {
    const read = () => readAll(new JsonArrayReader(), ['[{"a":1},\n{"b":2},\n{"c" 3}]'])
    expect(read).toThrow(/^Line 3 is not valid JSON/)
    expect(lineOfError('a\nb\nc', 'Unexpected token at position 2')).toBe(2)
    expect(lineOfError('a\nb\nc', 'JSON.parse: unexpected character at line 3 column 1')).toBe(3)
    expect(lineOfError('a\nb\n\n', 'Unexpected end of JSON input')).toBe(2)
  })
})
