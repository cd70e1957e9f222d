import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatKey,
  formatQuantity,
  formatRate,
  formatShortCount,
  formatShortId,
  formatValue,
} from '../../demo/format.js'
import { parseMessageId } from '../../demo/ledger/ledger-row.js'
import { clientIdOf, tabNumberOf } from '../../demo/tab-identity.js'
import { Rate } from '../../demo/worker/rate.js'

describe('what the page writes', () => {
  it('sizes in the unit that fits', () => {
    expect([0, 999, 1_000, 99_449, 999_600, 10.74e9].map(formatBytes)).toEqual([
      '0 bytes',
      '999 bytes',
      '1.0 kB',
      '99.4 kB',
      '1.0 MB',
      '10.7 GB',
    ])
  })

  it('large counts short, where there is little room', () => {
    const counts = [0, 999_999, 1_018_050, 12_345_678].map(formatShortCount)
    expect(counts).toEqual(['0', '999,999', '1.02M', '12.3M'])
  })

  it('rates with a decimal while they are small', () => {
    expect([0, 0.25, 9.94, 9.96, 1_234.5].map(formatRate)).toEqual([
      '0',
      '0.3',
      '9.9',
      '10',
      '1,235',
    ])
  })

  it('one thing and many', () => {
    expect(formatQuantity(1, 'row')).toBe('1 row')
    expect(formatQuantity(1_500, 'row')).toBe('1,500 rows')
  })

  it('values on one line and not too long', () => {
    expect(formatValue({ a: 'x\ny' })).toBe(String.raw`{"a":"x\ny"}`)
    expect(formatValue('x\n y')).toBe('x y')
    expect(formatValue('abcdef', 4)).toBe('abc…')
    expect(formatValue(undefined)).toBe('undefined')
    expect(formatValue(1n)).toBe('[object BigInt]')
  })

  it('keys of every kind', () => {
    expect([null, 'k', new Uint8Array(3)].map(formatKey)).toEqual(['no key', 'k', '3 bytes'])
    expect(formatShortId('01234567-89ab')).toBe('01234567')
  })
})

describe('ids', () => {
  it('of messages are read back, and others are none', () => {
    expect(parseMessageId('a1.20')).toEqual({ run: 'a1', number: 20 })
    expect(['', '.5', 'a.', 'a.x', 'a', 'a.-1'].map(parseMessageId)).toEqual(
      Array(6).fill(undefined),
    )
  })

  it('of clients tell the number of a tab', () => {
    expect(tabNumberOf(clientIdOf(12))).toBe(12)
    expect(tabNumberOf('/somewhere')).toBeUndefined()
  })
})

describe('the rate', () => {
  it('looks at the last two seconds', () => {
    const rate = new Rate()
    for (let atMs = 0; atMs < 2_000; atMs += 10) rate.note(1, atMs)
    expect(rate.perSecond(2_000)).toBeCloseTo(100, -1)
    expect(rate.perSecond(3_000)).toBeCloseTo(50, -1)
    expect(rate.perSecond(9_000)).toBe(0)
  })

  it('does not exaggerate the first message', () => {
    const rate = new Rate()
    rate.note(1, 0)
    expect(rate.perSecond(0)).toBe(4)
  })
})
