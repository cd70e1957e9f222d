/** What was typed into the form that produces a message, as a message. */
import type { Message } from '../../index.js'
import { fromHex } from '../format/bytes.js'
import { fromJsonText } from '../format/json-text.js'
import { parseDuration } from '../topics/topic-config-fields.js'

export type ValueKind = 'json' | 'text' | 'hex' | 'null'
/** `text`: none when it is empty. */
export type KeyKind = 'text' | 'empty' | 'hex'

/** As typed. */
export interface MessageText {
  readonly key: string
  readonly keyKind: KeyKind
  readonly kind: ValueKind
  readonly value: string
  /** One `name: value` a line. */
  readonly headers: string
  readonly partition: string
  readonly delay: string
  readonly ttl: string
  readonly priority: string
  readonly messageId: string
}

export const EMPTY_MESSAGE: MessageText = {
  key: '',
  keyKind: 'text',
  kind: 'json',
  value: '{}',
  headers: '',
  partition: '',
  delay: '',
  ttl: '',
  priority: '',
  messageId: '',
}

export type MessageErrors = Partial<Record<keyof MessageText, string>>

const HEX_EXPECTED = 'Pairs of hexadecimal digits, such as de ad be ef.'

/** Where there are errors, the message is not whole. */
export function toMessage(text: MessageText): { message: Message; errors: MessageErrors } {
  const errors: MessageErrors = {}
  const delayMs = duration(text, 'delay', errors)
  const ttlMs = duration(text, 'ttl', errors)
  const partition = wholeNumber(text, 'partition', errors)
  const priority = wholeNumber(text, 'priority', errors)
  const key = keyOf(text, errors)
  const message: Message = {
    value: valueOf(text, errors),
    headers: headersOf(text, errors),
    ...(key === undefined ? {} : { key }),
    ...(partition === undefined ? {} : { partition }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(priority === undefined ? {} : { priority }),
    ...(text.messageId === '' ? {} : { messageId: text.messageId }),
  }
  return { message, errors }
}

function keyOf({ key, keyKind }: MessageText, errors: MessageErrors): Message['key'] {
  switch (keyKind) {
    case 'text':
      return key === '' ? undefined : key
    case 'empty':
      return ''
    case 'hex': {
      const bytes = fromHex(key)
      if (bytes === undefined) errors.key = HEX_EXPECTED
      return bytes
    }
  }
}

function valueOf({ kind, value }: MessageText, errors: MessageErrors): unknown {
  switch (kind) {
    case 'null':
      return null
    case 'text':
      return value
    case 'hex': {
      const bytes = fromHex(value)
      if (bytes === undefined) errors.value = HEX_EXPECTED
      return bytes ?? null
    }
    case 'json':
      try {
        return fromJsonText(value)
      } catch (error) {
        errors.value = error instanceof Error ? error.message : String(error)
        return null
      }
  }
}

function headersOf(text: MessageText, errors: MessageErrors): Record<string, string | string[]> {
  const headers = new Map<string, string | string[]>()
  for (const [index, line] of text.headers.split('\n').entries()) {
    if (line.trim() === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim()
    if (colon < 1 || name === '') {
      errors.headers = `Line ${index + 1} is not “name: value”.`
      continue
    }
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : [before, value].flat())
  }
  return Object.fromEntries(headers)
}

function duration(
  text: MessageText,
  name: 'delay' | 'ttl',
  errors: MessageErrors,
): number | undefined {
  if (text[name].trim() === '') return undefined
  const ms = parseDuration(text[name])
  if (ms === undefined) errors[name] = 'A number and a unit, such as 90s or 12h.'
  return ms
}

function wholeNumber(
  text: MessageText,
  name: 'partition' | 'priority',
  errors: MessageErrors,
): number | undefined {
  if (text[name].trim() === '') return undefined
  const number = Number(text[name])
  if (Number.isSafeInteger(number) && number >= 0) return number
  errors[name] = 'A whole number.'
  return undefined
}
