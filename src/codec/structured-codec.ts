/**
 * The default codec: whatever structured clone could carry and bytes can hold. structured-writer.ts and
 * structured-reader.ts do the work; what the bytes would not keep exactly goes through
 * structured-graph.ts.
 *
 * The values of a whole chunk are one msgpack array, because the property names of objects are written
 * once for each shape: `[positions, value, value, …]`, where `positions` lists the values that are
 * graphs, or is null. A chunk is decoded by itself; messages never share an object, even when the same
 * one was sent twice.
 */
import { STRUCTURED_CODEC_ID } from '../protocol/batch-header.js'
import { assert } from '../std/assert.js'
import type { Codec } from './codec.js'
import { fromGraph } from './structured-graph-reader.js'
import { toGraph } from './structured-graph.js'
import { readStructured } from './structured-reader.js'
import { StructuredWriter } from './structured-writer.js'

export const structuredCodec: Codec = {
  id: STRUCTURED_CODEC_ID,
  name: 'structured',
  encode: (value) => encodeStructuredValues([value]),
  decode: (bytes) => decodeStructuredValues(bytes, 1)[0],
}

/** The writer of the last call, unless a getter of a value is encoding something itself. */
let spare: StructuredWriter | undefined

/**
 * Encodes values that are decoded together.
 * @throws UnsupportedValueError, or whatever a getter of a value throws
 */
export function encodeStructuredValues(values: readonly unknown[]): Uint8Array {
  const writer = spare ?? new StructuredWriter()
  spare = undefined
  try {
    writer.begin()
    const positions: number[] = []
    for (let position = 0; position < values.length; position++) {
      const value = values[position]
      if (writer.write(value)) continue
      positions.push(position)
      const isWritten = writer.write(toGraph(value))
      assert(isWritten, () => 'a graph is a list that can be written')
    }
    // Which are graphs is known only now, and nothing in it is a shape.
    const headStart = writer.length
    writer.arrayHead(values.length + 1)
    writer.write(positions.length === 0 ? null : positions)
    return writer.finish(headStart)
  } finally {
    spare = writer
  }
}

/** @throws some error when `bytes` are not `count` values that were encoded together */
export function decodeStructuredValues(bytes: Uint8Array, count: number): unknown[] {
  const unpacked = readStructured(bytes)
  if (!Array.isArray(unpacked) || unpacked.length !== count + 1) {
    throw new TypeError(`the values are not an array of ${count}`)
  }
  const values: unknown[] = unpacked
  const positions = values.shift()
  if (positions === null) return values
  if (!Array.isArray(positions)) throw new TypeError('the list of graphs is no array')
  let next = 0
  for (const position of positions as unknown[]) {
    if (
      !Number.isInteger(position) ||
      (position as number) < next ||
      (position as number) >= count
    ) {
      throw new RangeError('the list of graphs names a value that there is not')
    }
    next = (position as number) + 1
    values[position as number] = fromGraph(values[position as number])
  }
  return values
}
