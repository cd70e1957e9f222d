import { describe, expect, it } from 'vitest'
import { columnsOf, guessKeyColumn, keyOf } from '../../demo/files/key-column.js'

function rowsOf(make: (index: number) => Record<string, unknown>) {
  return Array.from({ length: 100 }, (_, index) => ({ line: index + 2, value: make(index) }))
}

describe('the key column', () => {
  it('is one that names things which many rows are about', () => {
    const rows = rowsOf((index) => ({
      date: `d${index}`,
      kind: 'x',
      airport: `A${index % 12}`,
      cost: '5',
    }))
    expect(guessKeyColumn(rows, columnsOf(rows))).toBe('airport')
  })

  it('is text rather than numbers when no name helps', () => {
    const rows = rowsOf((index) => ({ x: String(index % 10), y: `v${index % 10}` }))
    expect(guessKeyColumn(rows, columnsOf(rows))).toBe('y')
  })

  it('does not exist for lines of text', () => {
    expect(columnsOf([{ line: 1, value: 'text' }])).toEqual([])
    expect(guessKeyColumn([{ line: 1, value: 'text' }], [])).toBeUndefined()
  })
})

describe('the key of a row', () => {
  it('comes from the column, as text', () => {
    expect(keyOf({ a: 'x' }, { by: 'column', column: 'a' })).toBe('x')
    expect(keyOf({ a: 7 }, { by: 'column', column: 'a' })).toBe('7')
    expect(keyOf({ a: '' }, { by: 'column', column: 'a' })).toBeUndefined()
    expect(keyOf('text', { by: 'column', column: 'a' })).toBeUndefined()
  })

  it('is the line, or nothing', () => {
    expect(keyOf('text', { by: 'line' })).toBe('text')
    expect(keyOf('text', { by: 'none' })).toBeUndefined()
    expect(keyOf('x'.repeat(900), { by: 'line' })).toHaveLength(200)
  })
})
