/**
 * The default codec: whatever structured clone could carry and bytes can hold. msgpackr does the
 * work, in its build without `eval`; structured-tree.ts says which values it would change, and those
 * go through structured-graph.ts.
 *
 * The values of a whole chunk are one msgpack array, because msgpackr writes the property names of
 * objects once per call: `[positions, value, value, …]`, where `positions` lists the values that are
 * graphs, or is null. Record definitions are inline, so a chunk is decoded by itself; messages never
 * share an object, even when the same one was sent twice.
 */
import { Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr/index-no-eval'
import { STRUCTURED_CODEC_ID } from '../protocol/batch-header.js'
import type { Codec } from './codec.js'
import { fromGraph } from './structured-graph-reader.js'
import { toGraph } from './structured-graph.js'
import { UnsupportedValueError } from './structured-kinds.js'
import { TreeCheck } from './structured-tree.js'

export const structuredCodec: Codec = {
  id: STRUCTURED_CODEC_ID,
  name: 'structured',
  encode: (value) => encodeStructuredValues([value]),
  decode: (bytes) => decodeStructuredValues(bytes, 1)[0],
}

// References between objects are structured-graph.ts's business: msgpackr's own way costs a Map entry
// per object, ties messages to each other, and its decoder is one thing less to trust.
const packr = new Packr({
  moreTypes: true,
  structuredClone: false,
  useToJSON: false,
  writeFunction: () => {
    throw new UnsupportedValueError('a function cannot be encoded')
  },
})
const unpackr = new Unpackr({ copyBuffers: true, structuredClone: false })

/**
 * Encodes values that are decoded together.
 * @throws UnsupportedValueError, or whatever a getter of a value throws
 */
export function encodeStructuredValues(values: readonly unknown[]): Uint8Array {
  const tree = new TreeCheck()
  const packed: unknown[] = [null]
  let positions: number[] | undefined
  for (const value of values) {
    if (tree.isPlainTree(value)) {
      packed.push(value)
    } else {
      positions ??= []
      positions.push(packed.length - 1)
      packed.push(toGraph(value))
    }
  }
  if (positions !== undefined) packed[0] = positions
  // msgpackr lends its buffer, and with RESET_BUFFER_MODE writes over it in the next call. The copy
  // must not be made by Buffer's slice, which makes none.
  return new Uint8Array(packr.pack(packed, RESET_BUFFER_MODE))
}

/** @throws some error when `bytes` are not `count` values that were encoded together */
export function decodeStructuredValues(bytes: Uint8Array, count: number): unknown[] {
  // A view of its own, because msgpackr leaves a property on what it is given.
  const unpacked = unpackr.unpack(bytes.subarray())
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
