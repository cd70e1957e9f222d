/** A message's parts as a line of text, for the list. */
import { bytesOf, utf8Text } from '../format/bytes.js'
import { formatBytes } from '../format/format.js'
import { jsonText } from '../format/json-text.js'
import type { MessageRow } from './message-scan.js'

const PREVIEW_CHARS = 300

export function keyText(key: string | Uint8Array | null): string {
  if (key === null) return '–'
  return typeof key === 'string' ? cutText(key) : `${utf8Text(key.subarray(0, 100))} (bytes)`
}

/** So much of a text as fits a line or two. */
export function cutText(text: string): string {
  return text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text
}

export function previewText({ value, undecoded }: MessageRow): string {
  const bytes = bytesOf(value)
  if (undecoded !== undefined) return `cannot be decoded: ${formatBytes(bytes?.length ?? 0)}`
  if (value === null) return 'null (tombstone)'
  if (bytes !== undefined) return `bytes: ${formatBytes(bytes.length)}`
  const text = typeof value === 'string' ? value : jsonText(value, { charsMax: PREVIEW_CHARS }).text
  return text.slice(0, PREVIEW_CHARS).replaceAll(/\s+/g, ' ')
}

/** `orders-2-117.json`: which message a file is of. */
export function fileName(topic: string, { partition, offset }: MessageRow, ending: string): string {
  return `${topic}-${partition}-${offset}.${ending}`
}
