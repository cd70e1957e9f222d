/** A message's parts as a line of text, for the list. */
import { bytesOf, utf8Begin } from '../format/bytes.js'
import { beginOf, exactText, unturnedText } from '../format/exact-text.js'
import { formatBytes } from '../format/format.js'
import { jsonText } from '../format/json-text.js'
import { beginsAsJson } from '../format/json-within.js'
import type { MessageRow } from './message-row.js'

const PREVIEW_CHARS = 300

export function keyText(key: string | Uint8Array | null): string {
  return exactText(key, PREVIEW_CHARS)
}

export function previewText({ value, undecoded }: MessageRow): string {
  const bytes = bytesOf(value)
  if (undecoded !== undefined) return `cannot be decoded: ${formatBytes(bytes?.length ?? 0)}`
  if (value === null) return 'null (tombstone)'
  if (bytes !== undefined && !beginsAsJson(bytes)) return `bytes: ${formatBytes(bytes.length)}`
  const text = bytes === undefined ? textOf(value) : utf8Begin(bytes, PREVIEW_CHARS)
  return unturnedText(beginOf(text, PREVIEW_CHARS).replaceAll(/\s+/g, ' '))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : jsonText(value, { charsMax: PREVIEW_CHARS }).text
}

/** `orders-2-117.json`: which message a file is of. */
export function fileName(topic: string, { partition, offset }: MessageRow, ending: string): string {
  return `${topic}-${partition}-${offset}.${ending}`
}
