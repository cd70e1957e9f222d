/** JSON that a value is as text or as bytes, as producers of other systems send it. */
import { bytesOf, utf8TextOf } from './bytes.js'

const CHARS_MAX = 2_000_000
const BEGINS = /^\s*[[{]/

/** The object or list; undefined for whatever is none, or too long to be parsed for every message. */
export function jsonWithin(value: unknown): object | undefined {
  const text = textOf(value)
  if (text === undefined || text.length > CHARS_MAX || !BEGINS.test(text)) return undefined
  try {
    return JSON.parse(text) as object
  } catch {
    return undefined
  }
}

/** The text of what {@link jsonWithin} finds, as it stands. */
export function jsonTextWithin(value: unknown): string | undefined {
  return jsonWithin(value) === undefined ? undefined : textOf(value)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const bytes = bytesOf(value)
  return bytes === undefined || bytes.length > CHARS_MAX ? undefined : utf8TextOf(bytes)
}

/** Whether bytes begin as JSON does that is text: nothing is parsed. */
export function beginsAsJson(bytes: Uint8Array): boolean {
  // A character may be cut in two at the end.
  const text = new TextDecoder().decode(bytes.subarray(0, 64), { stream: true })
  return BEGINS.test(text) && !/(?!\s)\p{Cc}|\uFFFD/u.test(text)
}
