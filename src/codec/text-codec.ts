/** Strings as UTF-8, and nothing else. */
import { describe } from '../protocol/names.js'
import type { Codec } from './codec.js'
import { decodeUtf8, encodeUtf8, isWellFormed } from './utf8.js'

export const textCodec: Codec = {
  id: 2,
  name: 'text',
  encode(value) {
    if (typeof value !== 'string') throw new TypeError(`${describe(value)} is no string`)
    if (!isWellFormed(value)) throw new TypeError('a string with half a surrogate pair')
    return encodeUtf8(value)
  },
  decode: (bytes) => decodeUtf8(bytes),
}
