/**
 * Any value as JSON: what JSON has no word for stands in an object with one property that begins with `$`,
 * and `fromJsonText` reads it back. A limit keeps a large value from being written whole only to be cut.
 */
import { bytesOf, fromBase64, toBase64 } from './bytes.js'

export interface JsonOptions {
  /** Writing stops about there; the text is no JSON then. Default: no limit. */
  readonly charsMax?: number
  /** Spaces for each level. Default 0: all on one line. */
  readonly indent?: number
}

export interface JsonText {
  readonly text: string
  readonly isCut: boolean
}

const DEPTH_MAX = 500
const BYTES_A_STEP = 3_000

export function jsonText(value: unknown, options: JsonOptions = {}): JsonText {
  return new JsonWriter(options).write(value)
}

class Full extends Error {}

class JsonWriter {
  readonly #charsMax: number
  readonly #indent: number
  readonly #parts: string[] = []
  readonly #above: object[] = []
  #length = 0

  constructor({ charsMax = Infinity, indent = 0 }: JsonOptions) {
    this.#charsMax = charsMax
    this.#indent = indent
  }

  write(value: unknown): JsonText {
    try {
      this.#value(value)
      return { text: this.#parts.join(''), isCut: false }
    } catch (error) {
      if (!(error instanceof Full)) throw error
      return { text: this.#parts.join('').slice(0, this.#charsMax), isCut: true }
    }
  }

  #add(text: string): void {
    this.#parts.push(text)
    this.#length += text.length
    if (this.#length > this.#charsMax) throw new Full()
  }

  #string(text: string): void {
    const left = this.#charsMax - this.#length
    // Whatever is cut off need not be escaped first.
    this.#add(JSON.stringify(text.length > left + 1 ? text.slice(0, left + 1) : text))
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'boolean':
        return this.#add(String(value))
      case 'number':
        if (Number.isFinite(value) && !Object.is(value, -0)) return this.#add(String(value))
        return this.#special('$number', Object.is(value, -0) ? '-0' : String(value))
      case 'bigint':
        return this.#special('$bigint', String(value))
      case 'undefined':
        return this.#special('$undefined', true)
      case 'object':
        return value === null ? this.#add('null') : this.#object(value)
      default:
        return this.#special('$unknown', typeof value)
    }
  }

  #object(object: object): void {
    if (this.#above.includes(object)) {
      return this.#special('$above', this.#above.length - this.#above.indexOf(object))
    }
    if (this.#above.length >= DEPTH_MAX) return this.#special('$unknown', 'too deep')
    this.#above.push(object)
    this.#within(object)
    this.#above.pop()
  }

  #within(object: object): void {
    const bytes = bytesOf(object)
    if (bytes !== undefined) return this.#bytes(bytes)
    if (object instanceof Date) {
      const isTime = !Number.isNaN(object.getTime())
      return this.#special('$date', isTime ? object.toISOString() : null)
    }
    if (object instanceof RegExp) return this.#special('$regexp', [object.source, object.flags])
    if (object instanceof Error) {
      return this.#special('$error', { name: object.name, message: object.message })
    }
    if (object instanceof Map) return this.#special('$map', [...object])
    if (object instanceof Set) return this.#special('$set', [...object])
    if (Array.isArray(object)) {
      return this.#list('[]', object.length, (index) => this.#value(object[index]))
    }
    const names = Object.keys(object)
    this.#list('{}', names.length, (index) => {
      const name = names[index] ?? ''
      this.#string(name)
      this.#add(this.#indent > 0 ? ': ' : ':')
      this.#value((object as Record<string, unknown>)[name])
    })
  }

  #special(name: string, value: unknown): void {
    this.#add(`{"${name}":`)
    this.#value(value)
    this.#add('}')
  }

  #bytes(bytes: Uint8Array): void {
    this.#add('{"$bytes":"')
    for (let at = 0; at < bytes.length; at += BYTES_A_STEP) {
      this.#add(toBase64(bytes.subarray(at, at + BYTES_A_STEP)))
    }
    this.#add('"}')
  }

  #list(brackets: '[]' | '{}', count: number, item: (index: number) => void): void {
    this.#add(brackets.charAt(0))
    const level = this.#above.length
    for (let index = 0; index < count; index++) {
      if (index > 0) this.#add(',')
      this.#line(level)
      item(index)
    }
    if (count > 0) this.#line(level - 1)
    this.#add(brackets.charAt(1))
  }

  #line(level: number): void {
    if (this.#indent > 0) this.#add(`\n${' '.repeat(this.#indent * level)}`)
  }
}

/**
 * The value of a JSON text, with what {@link jsonText} writes for values that JSON has not.
 * @throws SyntaxError
 */
export function fromJsonText(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => revived(value))
}

function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const [entry, ...others] = Object.entries(value) as [string, unknown][]
  if (entry === undefined || others.length > 0) return value
  const [name, inner] = entry
  switch (name) {
    case '$number':
      return ['NaN', 'Infinity', '-Infinity', '-0'].includes(String(inner)) ? Number(inner) : value
    case '$bigint':
      return /^-?\d+$/.test(String(inner)) ? BigInt(String(inner)) : value
    case '$date':
      if (inner === null) return new Date(Number.NaN)
      return typeof inner === 'string' ? new Date(inner) : value
    case '$bytes':
      return (typeof inner === 'string' ? fromBase64(inner) : undefined) ?? value
    case '$map':
      return isPairs(inner) ? new Map(inner) : value
    case '$set':
      return Array.isArray(inner) ? new Set(inner as unknown[]) : value
    default:
      return value
  }
}

function isPairs(value: unknown): value is [unknown, unknown][] {
  return Array.isArray(value) && value.every((one) => Array.isArray(one) && one.length === 2)
}
