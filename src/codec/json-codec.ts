/** Values as JSON text: readable by anything, and what JSON cannot say is lost as JSON has it. */
import type { Codec } from './codec.js'
import { decodeUtf8, encodeUtf8 } from './utf8.js'

export const jsonCodec: Codec = {
  id: 1,
  name: 'json',
  encode(value) {
    const text: unknown = JSON.stringify(value)
    if (typeof text !== 'string') throw new TypeError(`${typeof value} has no form in JSON`)
    return encodeUtf8(text)
  },
  decode: (bytes) => JSON.parse(decodeUtf8(bytes)) as unknown,
}
