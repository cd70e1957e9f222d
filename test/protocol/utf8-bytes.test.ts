import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Bytes } from '../../src/protocol/utf8-bytes.js'

const encoder = new TextEncoder()

describe('UTF-8 without a TextEncoder', () => {
  it('is what a TextEncoder makes of any string', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
    )
    fc.assert(
      fc.property(text, (any) => {
        expect(utf8Bytes(any)).toEqual(encoder.encode(any))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    '',
    '\u007F\u0080',
    '\u07FF\u0800',
    '\uFFFF\u{10000}',
    '\u{10FFFF}',
    '\uD800',
    '\uDC00a',
  ])('is so at the limits of %j', (text) => expect(utf8Bytes(text)).toEqual(encoder.encode(text)))
})
