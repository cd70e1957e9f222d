import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { encodeStructuredValues } from '../../src/codec/structured-codec.js'
import { readStructured } from '../../src/codec/structured-reader.js'
import { arbitraryTree } from './structured-values.js'

/** As chunks were written before, and as one that wants to read a dump would. */
const packr = new Packr({ moreTypes: true, structuredClone: false, useToJSON: false })
const unpackr = new Unpackr({ copyBuffers: true, structuredClone: false })

const packed = (value: unknown): Uint8Array => new Uint8Array(packr.pack(value))
const written = (value: unknown): Uint8Array => encodeStructuredValues([value])

/** What both write in one way, and msgpackr reads back as it was. */
const isCommon = (value: unknown): boolean => written(value)[1] === 0xc0 && isKeptByMsgpackr(value)

function isKeptByMsgpackr(value: unknown): boolean {
  try {
    deepStrictEqual(unpackr.unpack(packed(value)), structuredClone(value))
    return true
  } catch {
    return false
  }
}

describe('the format of the default codec', () => {
  const common = arbitraryTree.filter(isCommon)

  it('is what msgpackr reads', () => {
    fc.assert(
      fc.property(common, (value) => {
        deepStrictEqual(unpackr.unpack(written(value)), [null, structuredClone(value)])
      }),
      { numRuns: 1000 },
    )
  })

  it('is what msgpackr wrote', () => {
    fc.assert(
      fc.property(common, (value) => {
        deepStrictEqual(readStructured(packed(value)), structuredClone(value))
      }),
      { numRuns: 1000 },
    )
  })

  it('is the same to the byte for an ordinary message', () => {
    const order = {
      id: 70_000,
      type: 'order.created',
      items: [
        { sku: 'SKU-1', quantity: 1 },
        { sku: 'é€😀', quantity: -40 },
      ],
      total: 9.5,
      at: new Date(1_780_000_000_001),
      paid: null,
      tags: new Set(['a'.repeat(40), 'b'.repeat(300), 'é'.repeat(31)]),
      more: new Map<unknown, unknown>([
        [1n, 2n ** 63n],
        [undefined, /a/g],
      ]),
      samples: Float64Array.of(1, 2),
    }
    expect(Buffer.from(written(order)).toString('hex')).toBe(
      Buffer.from(packed([null, order])).toString('hex'),
    )
  })

  it('has more shapes than there are ids for, as msgpackr has', () => {
    const many = Array.from({ length: 200 }, (_, at) => ({ [`name ${at % 150}`]: { at } }))
    deepStrictEqual(unpackr.unpack(written(many)), [null, many])
    deepStrictEqual(readStructured(packed(many)), many)
  })

  it.each([
    ['nothing', []],
    ['half a number', [0xcb, 1, 2]],
    ['half a string', [0xa5, 0x61]],
    ['half a list of bytes', [0xc4, 9, 1]],
    ['an array that says to be long', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map that says to be long', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['arrays in arrays that say to be long', Array.from({ length: 500 }, () => 0xdc)],
    ['depth without end', Array.from({ length: 100_000 }, () => 0x91)],
    ['more than one value', [1, 2]],
    ['a shape that was not defined', [0x40]],
    ['a shape of numbers', [0xd4, 0x72, 0x40, 0x91, 1, 1]],
    ['a shape that is no array', [0xd4, 0x72, 0x40, 1]],
    ['a set of a number', [0xd4, 0x73, 0, 1]],
    ['what no value begins with', [0xc1]],
    ['an extension that is not known', [0xd4, 0x33, 0]],
    ['a view of no type', [0xd4, 0x74, 0x21]],
    ['a view without its type', [0xc7, 0, 0x74]],
    ['a view of half an element', [0xd5, 0x74, 8, 1]],
    ['a time of two bytes', [0xd5, 0xff, 1, 1, 0xc0]],
    ['a big number of no bytes', [0xc7, 0, 0x42]],
  ])('refuses %s', (_what, bytes) => {
    expect(() => readStructured(Uint8Array.from(bytes))).toThrow()
  })

  it('never takes any bytes for longer than they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readStructured(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 5000 },
    )
  })
})
