import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { CsvReader, EXTRA_FIELDS, nameColumns } from '../../demo/files/csv-reader.js'
import { readAll, slicesOf } from './read-all.js'

const csv = (...slices: string[]) => readAll(new CsvReader(), slices)

describe('the CSV reader', () => {
  it('makes an object of each row and tells its line', () => {
    expect(csv('state,city\nTX,Austin\n\nNY,Albany\n').rows).toEqual([
      { line: 2, value: { state: 'TX', city: 'Austin' } },
      { line: 4, value: { state: 'NY', city: 'Albany' } },
    ])
  })

  it('keeps line ends and delimiters inside quotes', () => {
    expect(csv('a,b\n"x,\ny","say ""hi"""\n2,3').rows).toEqual([
      { line: 2, value: { a: 'x,\ny', b: 'say "hi"' } },
      { line: 4, value: { a: '2', b: '3' } },
    ])
  })

  it('finds out the delimiter, and takes the one it is given', () => {
    expect(csv('a;b\n1;2\n3;4\n').rows[0]?.value).toEqual({ a: '1', b: '2' })
    const tsv = readAll(new CsvReader('\t'), ['a,b\tc\n1\t2\n'])
    expect(tsv.rows[0]?.value).toEqual({ 'a,b': '1', c: '2' })
  })

  it('reads the same rows wherever the slices are cut', () => {
    const field = fc.constantFrom('', 'a', 'b c', ',', '"', '\n', 'ü')
    const table = fc.array(fc.tuple(field, field), { maxLength: 12 })
    fc.assert(
      fc.property(table, fc.array(fc.nat(80), { maxLength: 6 }), (rows, cuts) => {
        const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
        const lines = rows.map((row) => row.map(quote).join(','))
        const text = ['one,two', ...lines].join('\n')
        const values = readAll(new CsvReader(','), slicesOf(text, cuts)).rows.map(
          (row) => row.value,
        )
        expect(values).toEqual(rows.map(([one, two]) => ({ one, two })))
      }),
    )
  })

  it('sends a row with too few or too many fields as it is, and names its line', () => {
    const { rows, problems } = csv('a,b\n1,2,3\n4\n5,6\n')
    expect(rows.map(({ value }) => value)).toEqual([
      { a: '1', b: '2', [EXTRA_FIELDS]: ['3'] },
      { a: '4', b: '' },
      { a: '5', b: '6' },
    ])
    expect(problems.map(({ line }) => line)).toEqual([2, 3])
  })

  it('names the line of a quote that is never closed', () => {
    const { rows, problems } = csv('a,b\n1,2\n3,"4\n5,6\n')
    expect(rows).toHaveLength(2)
    expect(problems).toEqual([expect.objectContaining({ line: 3 })])
  })

  it('gives columns without a name, or with one that is taken, a number', () => {
    expect(nameColumns(['a', '', 'a', ' b '])).toEqual(['a', 'column 2', 'a (3)', 'b'])
  })
})
