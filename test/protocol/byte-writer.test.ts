import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteReader } from '../../src/protocol/byte-reader.js'
import { ByteWriter } from '../../src/protocol/byte-writer.js'
import { hasCode } from '../../src/protocol/errors.js'
import { AssertionError } from '../../src/std/assert.js'

const bytesOf = (write: (writer: ByteWriter) => void): number[] => {
  const writer = new ByteWriter(0)
  write(writer)
  return [...writer.finish()]
}

const readerOf = (...bytes: number[]): ByteReader => new ByteReader(Uint8Array.from(bytes))

const corrupt = (read: () => unknown): boolean => {
  try {
    read()
    return false
  } catch (error) {
    return hasCode(error, 'CORRUPT_MESSAGE')
  }
}

it('writes varints as unsigned LEB128', () => {
  expect(bytesOf((writer) => writer.varint(0))).toEqual([0])
  expect(bytesOf((writer) => writer.varint(127))).toEqual([127])
  expect(bytesOf((writer) => writer.varint(128))).toEqual([0x80, 1])
  expect(bytesOf((writer) => writer.varint(624_485))).toEqual([0xe5, 0x8e, 0x26])
})

it('writes small magnitudes of either sign in one byte', () => {
  const written = [0, -1, 1, -2, 63, -64].map((n) => bytesOf((writer) => writer.zigzag(n)))
  expect(written).toEqual([[0], [1], [2], [3], [126], [127]])
  expect(bytesOf((writer) => writer.zigzag(64))).toEqual([0x80, 1])
})

it('writes numbers in little-endian order', () => {
  expect(bytesOf((writer) => writer.u32(0x0102_0304))).toEqual([4, 3, 2, 1])
  expect(bytesOf((writer) => writer.f64(1))).toEqual([0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
})

it('refuses what is no varint', () => {
  const writer = new ByteWriter()
  expect(() => writer.varint(2 ** 53)).toThrow(AssertionError)
  expect(() => writer.varint(128.5)).toThrow(AssertionError)
  expect(() => writer.zigzag(0.5)).toThrow(AssertionError)
})

const field = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.record({ kind: fc.constant('f64' as const), value: fc.double({ noNaN: true }) }),
  fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('zigzag' as const), value: fc.maxSafeInteger() }),
  fc.record({ kind: fc.constant('sizedBytes' as const), value: fc.uint8Array({ maxLength: 300 }) }),
)

it('reads back whatever was written, in the same order', () => {
  fc.assert(
    fc.property(fc.array(field), fc.nat(40), (fields, initialBytes) => {
      const writer = new ByteWriter(initialBytes)
      for (const { kind, value } of fields) (writer[kind] as (value: unknown) => void)(value)
      const written = writer.finish()
      expect(written.length).toBe(writer.length)
      const reader = new ByteReader(written)
      for (const { kind, value } of fields) expect(reader[kind]()).toEqual(value)
      expect(reader.remaining).toBe(0)
    }),
  )
})

it('finds the largest and smallest safe integers again', () => {
  const writer = new ByteWriter()
  writer.varint(Number.MAX_SAFE_INTEGER)
  writer.zigzag(Number.MAX_SAFE_INTEGER)
  writer.zigzag(Number.MIN_SAFE_INTEGER)
  const reader = new ByteReader(writer.finish())
  expect(reader.varint()).toBe(Number.MAX_SAFE_INTEGER)
  expect(reader.zigzag()).toBe(Number.MAX_SAFE_INTEGER)
  expect(reader.zigzag()).toBe(Number.MIN_SAFE_INTEGER)
})

it('never reads past the end', () => {
  expect(corrupt(() => readerOf().u8())).toBe(true)
  expect(corrupt(() => readerOf(1, 2, 3).u32())).toBe(true)
  expect(corrupt(() => readerOf(1, 2, 3, 4, 5, 6, 7).f64())).toBe(true)
  expect(corrupt(() => readerOf(0x80).varint())).toBe(true)
  expect(corrupt(() => readerOf(0x80).zigzag())).toBe(true)
  expect(corrupt(() => readerOf(2, 1).sizedBytes())).toBe(true)
  expect(corrupt(() => readerOf(0xff, 0xff, 0xff, 0xff, 0x7f).size())).toBe(true)
})

it('refuses numbers that JavaScript cannot hold, and numbers without end', () => {
  expect(corrupt(() => readerOf(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f).varint())).toBe(
    true,
  )
  expect(corrupt(() => readerOf(...Array<number>(100).fill(0x80), 0).varint())).toBe(true)
  expect(corrupt(() => readerOf(...Array<number>(100).fill(0x80), 0).zigzag())).toBe(true)
})

it('stays where it was when it cannot read on', () => {
  const reader = readerOf(1, 2, 3)
  expect(corrupt(() => reader.u32())).toBe(true)
  expect(reader.position).toBe(0)
  expect(reader.u8()).toBe(1)
})
