/** Messages as lines of JSON, which other programs read, and this one's `fromJsonText`. */
import { jsonText } from '../format/json-text.js'
import type { MessageRow } from './message-row.js'

/** One line for each, with a line feed behind it: a part of a file at a time, not one long string. */
export function toNdjson(topic: string, messages: readonly MessageRow[]): string[] {
  return messages.map((message) => `${jsonText(lineOf(topic, message)).text}\n`)
}

function lineOf(topic: string, message: MessageRow): object {
  const { type: _, partition, offset, timestamp, key, value, headers, undecoded, ...rest } = message
  return {
    topic,
    partition,
    offset,
    timestamp,
    key,
    headers: { ...headers },
    ...rest,
    ...(undecoded === undefined ? { value } : { undecoded: undecoded.code, bytes: value }),
  }
}
