/**
 * UTF-8 both ways, quick for what keys and header names mostly are: a few ASCII characters, for
 * which a call into TextEncoder or TextDecoder costs more than the work. Lone surrogates become
 * U+FFFD, as TextEncoder has it.
 */
import { TabmqError } from '../protocol/errors.js'

/** Up to so many characters, and bytes, a loop is quicker (measured in V8). */
const ENCODE_BY_HAND_MAX = 96
const DECODE_BY_HAND_MAX = 16

const ANY_SURROGATE = /[\uD800-\uDFFF]/
const LONE_SURROGATE = /\p{Surrogate}/u

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The string's bytes, in an array that nothing else uses. */
export function encodeUtf8(text: string): Uint8Array {
  const length = text.length
  if (length > ENCODE_BY_HAND_MAX) return encoder.encode(text)
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return encoder.encode(text)
    bytes[at] = code
  }
  return bytes
}

/**
 * The string of `bytes` from `start` to before `end`, which lie within.
 * @throws TabmqError CORRUPT_MESSAGE when that is no UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (end - start <= DECODE_BY_HAND_MAX) {
    const text = decodeAscii(bytes, start, end)
    if (text !== undefined) return text
  }
  try {
    return decoder.decode(bytes.subarray(start, end))
  } catch (error) {
    throw new TabmqError('CORRUPT_MESSAGE', 'a string that is no UTF-8', {}, error)
  }
}

/**
 * Whether every surrogate in the string has its other half, so that UTF-8 can hold it. The first
 * look is a plain one because engines make that nearly free for most strings; `isWellFormed` is not
 * in Chromium, and not everywhere at all.
 */
export function isWellFormed(text: string): boolean {
  return !ANY_SURROGATE.test(text) || !LONE_SURROGATE.test(text)
}

/** Four characters a step: String.fromCharCode costs more by the call than by the character. */
function decodeAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  let at = start
  for (; at + 4 <= end; at += 4) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    if ((a | b | c | d) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c, d)
  }
  for (; at < end; at++) {
    const code = bytes[at] as number
    if (code > 0x7f) return undefined
    text += String.fromCharCode(code)
  }
  return text
}
