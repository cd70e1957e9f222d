/** Whether a message is one that a filter lets pass. Nothing of the filter is ever run as code. */
import { utf8Text } from '../format/bytes.js'
import { jsonText } from '../format/json-text.js'
import { jsonWithin } from '../format/json-within.js'
import {
  parseFilter,
  type Comparison,
  type FilterNode,
  type Literal,
  type Path,
} from './parse-filter.js'

/** What of a message can be asked for. */
export interface Filterable {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string | Uint8Array | null
  readonly value: unknown
  readonly headers: object
  readonly messageId?: string
  readonly priority?: number
  readonly deliverAt?: number
  readonly expiresAt?: number
  readonly codec?: string
}

export type Filter = (message: Filterable) => boolean

/** Of a value that is no text, so much of its JSON is looked through. */
const SEARCHED_CHARS = 100_000

/**
 * An empty text lets everything pass.
 * @throws FilterError, which says where
 */
export function toFilter(text: string): Filter {
  if (text.trim() === '') return () => true
  const node = parseFilter(text)
  return (message) => passes(node, message)
}

function passes(node: FilterNode, message: Filterable): boolean {
  switch (node.type) {
    case 'and':
      return passes(node.sides[0], message) && passes(node.sides[1], message)
    case 'or':
      return passes(node.sides[0], message) || passes(node.sides[1], message)
    case 'not':
      return !passes(node.side, message)
    case 'exists': {
      const found = find(node.path, message)
      return found !== undefined && found !== null && found !== false
    }
    case 'text': {
      const wanted = node.text.toLowerCase()
      return [message.key, message.value].some((one) => searchText(one).includes(wanted))
    }
    case 'compare':
      return matches(find(node.path, message), node.by, node.literal)
    case 'in': {
      const found = find(node.path, message)
      return node.literals.some((literal) => matches(found, '=', literal))
    }
  }
}

/** Own properties only: what an object inherits is nobody's data. JSON that is text or bytes is gone into. */
function find({ root, steps }: Path, message: Filterable): unknown {
  let found: unknown = message[root]
  if (root === 'priority') found ??= 0
  for (const step of steps) {
    found = parsed(found)
    if (typeof found !== 'object' || found === null) return undefined
    if (found instanceof Map) found = found.get(step)
    else found = Object.hasOwn(found, step) ? (found as Record<string, unknown>)[step] : undefined
  }
  return found
}

let lastParsed: { readonly of: unknown; readonly json: unknown } | undefined

/** Several conditions look into the same value, one after the other. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return value
  if (lastParsed?.of !== value) lastParsed = { of: value, json: jsonWithin(value) }
  return lastParsed.json
}

/** A header with several values matches when one of them does. */
function matches(found: unknown, by: Comparison, literal: Literal): boolean {
  if (by === '!=') return !matches(found, '=', literal)
  if (Array.isArray(found) && by !== 'contains') {
    return found.some((one) => matches(one, by, literal))
  }
  switch (by) {
    case 'contains':
      return contains(found, literal)
    case 'startsWith':
      return textOf(found)?.startsWith(String(literal)) ?? false
    case 'endsWith':
      return textOf(found)?.endsWith(String(literal)) ?? false
    default:
      return compares(found, by, literal)
  }
}

function contains(found: unknown, literal: Literal): boolean {
  if (found === undefined || found === null) return false
  if (Array.isArray(found) || found instanceof Set) {
    return [...(found as Iterable<unknown>)].some((one) => matches(one, '=', literal))
  }
  return searchText(found).includes(String(literal).toLowerCase())
}

function compares(found: unknown, by: '=' | '<' | '<=' | '>' | '>=', literal: Literal): boolean {
  if (found === undefined) return false
  if (literal === null || typeof literal === 'boolean') return by === '=' && found === literal
  const comparable = toComparable(found, literal)
  if (comparable === undefined) return false
  const [left, right] = comparable
  switch (by) {
    case '=':
      return left === right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}

/** Both as numbers or both as texts; a number in a text, as headers have it, is one. */
function toComparable(
  found: unknown,
  literal: string | number,
): readonly [number, number] | readonly [string, string] | undefined {
  if (found instanceof Date) {
    const ms = typeof literal === 'number' ? literal : Date.parse(literal)
    return Number.isNaN(ms) ? undefined : [found.getTime(), ms]
  }
  if (typeof found === 'number' || typeof found === 'bigint') {
    const number = typeof literal === 'number' || literal.trim() === '' ? literal : Number(literal)
    return typeof number !== 'number' || Number.isNaN(number) ? undefined : [Number(found), number]
  }
  const text = textOf(found)
  if (text === undefined) return undefined
  if (typeof literal === 'string') return [text, literal]
  const number = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isNaN(number) ? undefined : [number, literal]
}

function textOf(found: unknown): string | undefined {
  if (typeof found === 'string') return found
  return found instanceof Uint8Array ? utf8Text(found) : undefined
}

function searchText(found: unknown): string {
  const text =
    textOf(found) ?? (found === null ? '' : jsonText(found, { charsMax: SEARCHED_CHARS }).text)
  return text.toLowerCase()
}
