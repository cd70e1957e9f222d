/** Bytes as they are: a Uint8Array or an ArrayBuffer in, a Uint8Array of its own out. */
import { describe } from '../protocol/names.js'
import type { Codec } from './codec.js'

export const bytesCodec: Codec = {
  id: 3,
  name: 'bytes',
  encode(value) {
    if (value instanceof Uint8Array) return value
    if (value instanceof ArrayBuffer) return new Uint8Array(value)
    throw new TypeError(`${describe(value)} is neither a Uint8Array nor an ArrayBuffer`)
  },
  decode: (bytes) => new Uint8Array(bytes),
}
