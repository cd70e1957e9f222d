/** Message headers to and from the form in which the index holds them. */
import type { IndexHeader } from '../protocol/batch-index.js'
import { TabmqError } from '../protocol/errors.js'
import { describe } from '../protocol/names.js'
import { decodeUtf8, encodeUtf8 } from './utf8.js'

/** What a header can hold: text, or bytes as they are. */
export type HeaderValue = string | Uint8Array

/** Headers by name, as they are sent and as they arrive. */
export type Headers = Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>

/** What every record without headers has: one object for all, so nobody may change it. */
export const NO_HEADERS: Headers = Object.freeze({})

const NO_INDEX_HEADERS: readonly IndexHeader[] = []

/**
 * Headers as bytes. A list with one value reads back as that value, an empty one as no header.
 * @throws TabmqError SERIALIZATION_FAILED naming the header
 */
export function encodeHeaders(headers: Headers | undefined): readonly IndexHeader[] {
  if (headers === undefined) return NO_INDEX_HEADERS
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw unserializable(`the headers are ${describe(headers)} instead of an object`, {})
  }
  const encoded: IndexHeader[] = []
  for (const [name, value] of Object.entries(headers)) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    const nameBytes = values.length === 0 ? undefined : encodeUtf8(name)
    for (const single of values) {
      const valueIsString = typeof single === 'string'
      if (!valueIsString && !(single instanceof Uint8Array)) {
        const what = `${describe(single)} instead of a string or a Uint8Array`
        throw unserializable(`header ${describe(name)} is ${what}`, { header: name })
      }
      encoded.push({
        name: nameBytes ?? encodeUtf8(name),
        value: valueIsString ? encodeUtf8(single) : single,
        valueIsString,
      })
    }
  }
  return encoded
}

/** @throws TabmqError CORRUPT_MESSAGE when a string is no UTF-8 */
export function decodeHeaders(encoded: readonly IndexHeader[]): Headers {
  const byName = new Map<string, HeaderValue | HeaderValue[]>()
  for (const header of encoded) {
    const name = decodeUtf8(header.name)
    const value = header.valueIsString ? decodeUtf8(header.value) : new Uint8Array(header.value)
    const earlier = byName.get(name)
    if (earlier === undefined) byName.set(name, value)
    else if (Array.isArray(earlier)) earlier.push(value)
    else byName.set(name, [earlier, value])
  }
  return Object.fromEntries(byName)
}

function unserializable(message: string, details: Record<string, unknown>): TabmqError {
  return new TabmqError('SERIALIZATION_FAILED', message, details)
}
