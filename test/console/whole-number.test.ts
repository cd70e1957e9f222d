import { describe, expect, it } from 'vitest'
import { readWholeNumber } from '../../src/console/parts/whole-number.js'
import { DEFAULT_CONFIG_TEXT, textToConfig } from '../../src/console/topics/topic-config-fields.js'

describe('a whole number that is typed', () => {
  it('is read', () => {
    expect(readWholeNumber(' 12 ')).toEqual({ number: 12 })
    expect(readWholeNumber('0', { isOptional: true })).toEqual({ number: 0 })
  })

  it('is an error when it cannot be read, never nothing', () => {
    for (const text of ['5-', '1e', '1e999', '-5', '10.5', '0x10', '1 000', '9007199254740993']) {
      expect(readWholeNumber(text, { isOptional: true }), text).toEqual({
        error: 'A whole number.',
      })
    }
  })

  it('may be left out only where that means something', () => {
    expect(readWholeNumber(' ', { isOptional: true })).toEqual({})
    expect(readWholeNumber('')).toEqual({ error: 'A whole number.' })
  })

  it('has to be as large as it must', () => {
    expect(readWholeNumber('1', { min: 2 })).toEqual({ error: 'A whole number of at least 2.' })
    expect(readWholeNumber('2', { min: 2 })).toEqual({ number: 2 })
  })

  it('of bytes to keep is not taken for any size', () => {
    const { errors } = textToConfig({ ...DEFAULT_CONFIG_TEXT, retentionBytes: '1e999' })
    expect(errors.retentionBytes).toBe('A whole number of bytes.')
  })
})
