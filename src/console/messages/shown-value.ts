/** A message's value in three ways: as JSON, as text and as bytes. Of a large one only the beginning is shown. */
import { bytesOf, hexDump, toHex, utf8Begin, utf8Bytes, utf8Text } from '../format/bytes.js'
import { beginOf } from '../format/exact-text.js'
import { formatBytes } from '../format/format.js'
import { indentedJson } from '../format/indented-json.js'
import { jsonText } from '../format/json-text.js'
import { jsonTextWithin, jsonWithin } from '../format/json-within.js'

const CHARS_SHOWN = 100_000
const BYTES_SHOWN = 16_384

export const WAYS = ['json', 'text', 'hex'] as const
export type Way = (typeof WAYS)[number]

/** What a copy has: all of what is shown, of JSON that is text or bytes the text itself. */
export function wholeText(value: unknown, way: Way): string {
  const bytes = bytesOf(value)
  const within = way === 'json' ? jsonTextWithin(value) : undefined
  if (within !== undefined) return within
  if (way === 'json' || (way === 'text' && bytes === undefined && typeof value !== 'string')) {
    return jsonText(value, { indent: 2 }).text
  }
  if (way === 'text') return typeof value === 'string' ? value : utf8Text(bytes ?? new Uint8Array())
  return toHex(bytes ?? utf8Bytes(asText(value, Infinity)))
}

/** In which way a value is shown until the reader chooses. */
export function ownWay(value: unknown): Way {
  if (jsonWithin(value) !== undefined) return 'json'
  if (bytesOf(value) !== undefined) return 'hex'
  return typeof value === 'string' ? 'text' : 'json'
}

export interface Shown {
  readonly text: string
  readonly note?: string
  readonly isCut: boolean
}

export function shown(value: unknown, way: Way): Shown {
  const bytes = bytesOf(value)
  switch (way) {
    case 'json': {
      const within = jsonTextWithin(value)
      if (within === undefined) return jsonText(value, { indent: 2, charsMax: CHARS_SHOWN })
      const indented = indentedJson(within, { indent: 2, charsMax: CHARS_SHOWN })
      const text = beginOf(indented, CHARS_SHOWN)
      const what = bytes === undefined ? 'text' : 'bytes'
      const note = `The ${what}, read as JSON. “Text” has it as it stands.`
      return { text, isCut: text.length < indented.length, note }
    }
    case 'text': {
      if (typeof value === 'string') {
        return { text: beginOf(value, CHARS_SHOWN), isCut: value.length > CHARS_SHOWN }
      }
      if (bytes === undefined) return shown(value, 'json')
      const text = utf8Begin(bytes, CHARS_SHOWN)
      return {
        text,
        isCut: bytes.length > CHARS_SHOWN,
        note: `${formatBytes(bytes.length)} as UTF-8`,
      }
    }
    case 'hex': {
      const own = bytes ?? utf8Bytes(asText(value, BYTES_SHOWN + 1))
      const note =
        bytes !== undefined
          ? formatBytes(bytes.length)
          : typeof value === 'string'
            ? 'The text as UTF-8'
            : 'The value written as JSON: its bytes in the log stand together with those of others'
      return { text: hexDump(own.subarray(0, BYTES_SHOWN)), isCut: own.length > BYTES_SHOWN, note }
    }
  }
}

function asText(value: unknown, charsMax: number): string {
  return typeof value === 'string' ? value.slice(0, charsMax) : jsonText(value, { charsMax }).text
}
