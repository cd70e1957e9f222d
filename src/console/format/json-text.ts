/**
 * Any value as JSON: what JSON has no word for stands in an object with one property that begins with `$`,
 * and `fromJsonText` reads it back. An object that only looks like one of these is written with another `$` in front:
 * what is read is what was written. A limit keeps a large value from being written whole only to be cut.
 */
import { bytesOf, fromBase64, toBase64 } from './bytes.js'
import { beginOf } from './exact-text.js'

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
      return { text: beginOf(this.#parts.join(''), this.#charsMax), isCut: true }
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
    this.#add(JSON.stringify(beginOf(text, left + 2)))
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
    if (object instanceof Uint8Array) return this.#bytes('$bytes', object)
    const bytes = bytesOf(object)
    if (bytes !== undefined) return this.#view(object, bytes)
    if (object instanceof Date) {
      const isTime = !Number.isNaN(object.getTime())
      return this.#special('$date', isTime ? object.toISOString() : null)
    }
    if (object instanceof RegExp) return this.#special('$regexp', [object.source, object.flags])
    if (object instanceof Error) {
      const { name, message, stack } = object
      const cause = Object.hasOwn(object, 'cause') ? { cause: object.cause } : {}
      return this.#special('$error', {
        name,
        message,
        ...(stack === undefined ? {} : { stack }),
        ...cause,
      })
    }
    const inner = unboxed(object)
    if (inner !== undefined) return this.#special('$boxed', inner)
    if (object instanceof Map) return this.#special('$map', [...object])
    if (object instanceof Set) return this.#special('$set', [...object])
    if (Array.isArray(object)) {
      return this.#list('[]', object.length, (index) => {
        if (index in object) this.#value(object[index])
        else this.#special('$gap', true)
      })
    }
    const names = Object.keys(object)
    const isEscaped = names.length === 1 && isWord(names[0] ?? '')
    this.#list('{}', names.length, (index) => {
      const name = names[index] ?? ''
      this.#string(isEscaped ? `$${name}` : name)
      this.#add(this.#indent > 0 ? ': ' : ':')
      this.#value((object as Record<string, unknown>)[name])
    })
  }

  #special(name: string, value: unknown): void {
    this.#add(`{"${name}":`)
    this.#value(value)
    this.#add('}')
  }

  #view(object: object, bytes: Uint8Array): void {
    const name = Object.prototype.toString.call(object).slice('[object '.length, -1)
    const isTyped = TYPED_ARRAYS.some((type) => type.name === name)
    if (!isTyped) return this.#bytes(`$${name}`, bytes)
    const items = object as ArrayLike<unknown>
    this.#add(`{"$${name}":`)
    this.#list('[]', items.length, (index) => this.#value(items[index]))
    this.#add('}')
  }

  #bytes(word: string, bytes: Uint8Array): void {
    this.#add(`{"${word}":"`)
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
 * @throws SyntaxError for what is no JSON, and for what stands in the place of something that could not be
 * written
 */
export function fromJsonText(text: string): unknown {
  try {
    return revived(JSON.parse(text))
  } catch (error) {
    if (error instanceof RangeError) throw new SyntaxError('This is nested too deep.')
    throw error
  }
}

/** From the outside in: what stands in an escaped object is still read. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return revivedList(value as unknown[])
  const entries = Object.entries(value) as [string, unknown][]
  const [entry, ...others] = entries
  if (entry !== undefined && others.length === 0) {
    const [name, inner] = entry
    if (name.startsWith('$$')) return Object.fromEntries([[name.slice(1), revived(inner)]])
    const read = WORDS.get(name)?.(inner)
    if (read !== undefined) return read.value
  }
  return Object.fromEntries(entries.map(([name, inner]) => [name, revived(inner)]))
}

/** Whether an object with this property alone would be taken for something else. */
function isWord(name: string): boolean {
  return name.startsWith('$$') || WORDS.has(name)
}

function revivedList(items: readonly unknown[]): unknown[] {
  const list: unknown[] = []
  list.length = items.length
  for (const [index, item] of items.entries()) {
    if (!isGap(item)) list[index] = revived(item)
  }
  return list
}

function isGap(item: unknown): boolean {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return false
  return '$gap' in item && item.$gap === true && Object.keys(item).length === 1
}

/** Undefined for what only looks like the word. */
type Read = { readonly value: unknown } | undefined

const TYPED_ARRAYS = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]
const BOXES = [Number, String, Boolean, BigInt]
const ERRORS = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]

const WORDS: ReadonlyMap<string, (inner: unknown) => Read> = new Map<
  string,
  (inner: unknown) => Read
>([
  [
    '$number',
    (inner) =>
      ['NaN', 'Infinity', '-Infinity', '-0'].includes(String(inner))
        ? { value: Number(inner) }
        : undefined,
  ],
  [
    '$bigint',
    (inner) => (/^-?\d+$/.test(String(inner)) ? { value: BigInt(String(inner)) } : undefined),
  ],
  ['$undefined', (inner) => (inner === true ? { value: undefined } : undefined)],
  // Read where it stands in a list; here so that an object of a user's that looks like it is escaped.
  ['$gap', () => undefined],
  ['$date', readDate],
  ['$regexp', readRegExp],
  ['$error', readError],
  [
    '$boxed',
    (inner) => (isPrimitive(revived(inner)) ? { value: Object(revived(inner)) } : undefined),
  ],
  ['$bytes', (inner) => readBytes(inner, (bytes) => bytes)],
  ['$ArrayBuffer', (inner) => readBytes(inner, ({ buffer }) => buffer)],
  ['$DataView', (inner) => readBytes(inner, ({ buffer }) => new DataView(buffer))],
  ...TYPED_ARRAYS.map((type) => [`$${type.name}`, typedArrayReader(type)] as const),
  [
    '$map',
    (inner) =>
      isPairs(inner)
        ? { value: new Map(inner.map(([key, value]) => [revived(key), revived(value)])) }
        : undefined,
  ],
  ['$set', (inner) => (Array.isArray(inner) ? { value: new Set(revivedList(inner)) } : undefined)],
  ['$above', () => refuse('an object that contains itself')],
  ['$unknown', () => refuse('something that cannot be written as text')],
])

function refuse(what: string): never {
  throw new SyntaxError(
    `This stands for ${what}, which cannot be read back. Write something else there.`,
  )
}

function readDate(inner: unknown): Read {
  if (inner === null) return { value: new Date(Number.NaN) }
  const date = new Date(typeof inner === 'string' ? inner : Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : { value: date }
}

function readRegExp(inner: unknown): Read {
  const [source, flags, ...others] = Array.isArray(inner) ? (inner as unknown[]) : []
  if (typeof source !== 'string' || typeof flags !== 'string' || others.length > 0) return undefined
  try {
    return { value: new RegExp(source, flags) }
  } catch {
    return undefined
  }
}

function readError(inner: unknown): Read {
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return undefined
  const { name, message, stack, ...others } = inner as Record<string, unknown>
  if (typeof name !== 'string' || typeof message !== 'string') return undefined
  const type = ERRORS.find((one) => one.name === name) ?? Error
  const options = 'cause' in others ? { cause: revived(others['cause']) } : {}
  const error = new type(message, options)
  const hide = (property: string, value: unknown) =>
    Object.defineProperty(error, property, { value, writable: true, configurable: true })
  if (error.name !== name) hide('name', name)
  hide('stack', typeof stack === 'string' ? stack : undefined)
  return { value: error }
}

function readBytes(inner: unknown, toValue: (bytes: Uint8Array<ArrayBuffer>) => unknown): Read {
  const bytes = typeof inner === 'string' ? fromBase64(inner) : undefined
  return bytes === undefined ? undefined : { value: toValue(bytes) }
}

function typedArrayReader(type: (typeof TYPED_ARRAYS)[number]) {
  return (inner: unknown): Read => {
    if (!Array.isArray(inner)) return undefined
    try {
      const items = revivedList(inner)
      const wanted = type.name.startsWith('Big') ? 'bigint' : 'number'
      if (items.some((item) => typeof item !== wanted)) return undefined
      return { value: Reflect.construct(type, [items]) as unknown }
    } catch (error) {
      if (error instanceof SyntaxError) throw error
      return undefined
    }
  }
}

/** A property of a message's own may have the name `valueOf`: never called on the object itself. */
function unboxed(object: object): unknown {
  const type = BOXES.find((one) => object instanceof one)
  return type === undefined ? undefined : Reflect.apply(type.prototype.valueOf, object, [])
}

function isPrimitive(value: unknown): boolean {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value)
}

function isPairs(value: unknown): value is [unknown, unknown][] {
  return Array.isArray(value) && value.every((one) => Array.isArray(one) && one.length === 2)
}
