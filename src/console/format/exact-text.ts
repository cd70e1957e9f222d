/**
 * Texts that a reader has to tell apart, such as keys: whatever would not be seen, or be taken for something
 * else, is written as in JSON. A text that needs none of it stands as it is.
 */
import { toHex, utf8TextOf } from './bytes.js'

/** Control characters, those that turn or join others, line ends, and spaces that are not the usual one. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?! )\p{Zs}/gu
/** Characters that put others into another order than that of the text. */
const TURNING = /[\u202A-\u202E\u2066-\u2069]/g
const UNLIKE_ITSELF = /^$|^\s|\s$|^"|^0x|^null$/

/** `null`, `user-7`, `" a"`, `""`, `0xff00`, `"abc" (bytes)`: each of them means one thing. */
export function exactText(value: string | Uint8Array | null, charsMax = Infinity): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return exactString(value, charsMax)
  const begin = value.subarray(0, Math.min(charsMax, value.length))
  const text = utf8TextOf(value, charsMax)
  const dots = begin.length < value.length ? '…' : ''
  if (text === undefined || text === '' || isUnseen(text)) return `0x${toHex(begin)}${dots}`
  return `${JSON.stringify(text)}${dots} (bytes)`
}

/** With what turns the order of characters around written out, so that it cannot. */
export function unturnedText(text: string): string {
  return text.replaceAll(TURNING, escaped)
}

/** So many characters of a text; one that is a pair is not cut in two. */
export function beginOf(text: string, charsMax: number): string {
  const isCut = text.length > charsMax
  // Half a pair that the text has itself stays: cut off is only what has its other half behind the cut.
  const isPair =
    isCut && /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(charsMax - 1, charsMax + 1))
  return text.slice(0, isPair ? charsMax - 1 : charsMax)
}

function exactString(whole: string, charsMax: number): string {
  const text = beginOf(whole, charsMax)
  const dots = text.length < whole.length ? '…' : ''
  if (!UNLIKE_ITSELF.test(text) && !isUnseen(text)) return text + dots
  return JSON.stringify(text).replaceAll(UNSEEN, escaped) + dots
}

function isUnseen(text: string): boolean {
  return text.search(UNSEEN) !== -1
}

function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, at) => {
    return `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`
  }).join('')
}
