import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesCodec } from '../../src/codec/bytes-codec.js'
import { jsonCodec } from '../../src/codec/json-codec.js'
import { textCodec } from '../../src/codec/text-codec.js'
import { decodeUtf8, encodeUtf8, isWellFormed } from '../../src/codec/utf8.js'
import { hasCode } from '../../src/protocol/errors.js'

describe('json', () => {
  it('gives back any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(JSON.stringify(jsonCodec.decode(jsonCodec.encode(value)))).toBe(text)
      }),
    )
  })

  it('keeps lone surrogates and odd names', () => {
    const value: unknown = JSON.parse('{"__proto__":1,"a":"\\ud800"}')
    expect(jsonCodec.decode(jsonCodec.encode(value))).toStrictEqual(value)
  })

  it('refuses what has no JSON', () => {
    for (const value of [undefined, () => 1, Symbol('s'), 1n, { a: 1n }]) {
      expect(() => jsonCodec.encode(value)).toThrow(TypeError)
    }
  })

  it('refuses bytes that are no JSON or no UTF-8', () => {
    expect(() => jsonCodec.decode(Uint8Array.of(0x7b))).toThrow()
    expect(() => jsonCodec.decode(Uint8Array.of(0x22, 0xff, 0x22))).toThrow()
    expect(() => jsonCodec.decode(new Uint8Array(0))).toThrow()
  })
})

describe('text', () => {
  it('gives back any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }).filter(isWellFormed), (text) => {
        expect(textCodec.decode(textCodec.encode(text))).toBe(text)
      }),
    )
    expect(textCodec.decode(textCodec.encode('\uFEFFa'))).toBe('\uFEFFa')
  })

  it('refuses what is no string, and half a surrogate pair', () => {
    for (const value of [1, undefined, {}, new Uint8Array(1), Object('a'), '\uD800']) {
      expect(() => textCodec.encode(value)).toThrow(TypeError)
    }
  })
})

describe('bytes', () => {
  it('gives back a copy of a Uint8Array or an ArrayBuffer', () => {
    const bytes = Uint8Array.of(0, 1, 2, 3).subarray(1)
    const decoded = bytesCodec.decode(bytesCodec.encode(bytes)) as Uint8Array
    expect(decoded).toStrictEqual(Uint8Array.of(1, 2, 3))
    expect(decoded.buffer).not.toBe(bytes.buffer)
    expect(bytesCodec.decode(bytesCodec.encode(new ArrayBuffer(2)))).toStrictEqual(
      new Uint8Array(2),
    )
    expect(bytesCodec.decode(Buffer.from([1]))).toStrictEqual(Uint8Array.of(1))
  })

  it('refuses anything else', () => {
    for (const value of [
      'a',
      1,
      undefined,
      [1],
      new Uint16Array(1),
      new DataView(new ArrayBuffer(1)),
    ]) {
      expect(() => bytesCodec.encode(value)).toThrow(TypeError)
    }
  })
})

describe('UTF-8', () => {
  const encoder = new TextEncoder()

  it('is what TextEncoder writes, at every length', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 150 }),
      fc.string({ maxLength: 150 }),
    )
    fc.assert(
      fc.property(texts, fc.nat(5), (text, before) => {
        const bytes = encodeUtf8(text)
        expect(bytes).toEqual(encoder.encode(text))
        const padded = Uint8Array.from([...new Uint8Array(before), ...bytes, 1, 2])
        const decoded = decodeUtf8(padded, before, before + bytes.length)
        expect(decoded).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
      }),
    )
  })

  it('is refused when it is none', () => {
    for (const length of [1, 4, 8, 40]) {
      const bytes = new Uint8Array(length).fill(65)
      bytes[length - 1] = 0xff
      try {
        decodeUtf8(bytes)
        expect.unreachable()
      } catch (error) {
        expect(hasCode(error, 'CORRUPT_MESSAGE')).toBe(true)
      }
    }
  })

  it('knows half a surrogate pair', () => {
    expect(['', 'a', 'é', '😀', '\uD83D\uDE00'].every(isWellFormed)).toBe(true)
    expect(['\uD800', 'a\uDC00', '\uDE00\uD83D', '😀\uD83D'].some(isWellFormed)).toBe(false)
  })
})
