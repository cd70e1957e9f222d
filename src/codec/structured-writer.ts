/**
 * Writes values as msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md) with the extensions
 * that the package msgpackr has for what JavaScript knows besides: the property names of objects of one
 * shape are written once, with the first of them, and later ones name the shape by a byte. Whatever
 * msgpackr writes with `moreTypes` and records, structured-reader.ts reads, and the other way round.
 *
 * | extension | |
 * |---:|---|
 * | 0 | undefined |
 * | 0x42 | a whole number beyond 64 bits: two's complement, big-endian |
 * | 0x72 | the shape 0x40 to 0x7f: what follows is the array of its names, then the values of an object |
 * | 0x73, 0x78 | a Set or a RegExp: what follows is an array |
 * | 0x74 | a buffer or a view: its type (VIEW_TYPES), then its bytes |
 * | 0xff | a time, as the specification has it; an invalid Date is the one byte 0xff |
 *
 * It writes what such bytes keep exactly, a tree of ordinary parts, and that is nearly all messages. At
 * anything else it takes back what it has of that value and says no: holes in arrays, lone surrogates, an
 * object that is there twice, cycles, `__proto__` as a name, boxed primitives, errors, objects of another
 * realm, whatever lies deep. Those go through structured-graph.ts, which also knows what to refuse.
 */
import { structuredKindOf } from './structured-kinds.js'
import { isWellFormed } from './utf8.js'

/** By their numbers in the extension. */
export const VIEW_TYPES: readonly (new (buffer: ArrayBuffer) => ArrayBufferView)[] = [
  Int8Array,
  Uint8Array,
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
export const TYPE_BUFFER = 16
export const TYPE_DATA_VIEW = 17
const SHAPES_MAX = 64

const EXT_UNDEFINED = 0
const EXT_BIG = 0x42
const EXT_SHAPE = 0x72
const EXT_SET = 0x73
const EXT_VIEW = 0x74
const EXT_REGEXP = 0x78
const EXT_TIME = 0xff

/** Deeper values are not walked recursively, here or when they are decoded. */
const DEPTH_MAX = 64
/** Up to so many parts a look at each costs less than a Set. */
const LINEAR_PARTS_MAX = 12
/** Up to so many characters a loop is quicker than a call into TextEncoder. */
const BY_HAND_MAX = 64
/** Shapes of more names are not remembered from one call to the next, nor more shapes than this. */
const KNOWN_NAMES_MAX = 64
const KNOWN_SHAPES_MAX = 512
/** A larger buffer is not kept. */
const KEPT_BYTES_MAX = 1 << 20

const encoder = new TextEncoder()

interface Shape {
  readonly names: readonly string[]
  /** Of what is written for its names; empty until then. */
  definition: Uint8Array
  /** For each name, the shape of the object that was its value the last time. */
  readonly slots: readonly Slot[]
  /** In which chunk it was defined last, and as what. */
  chunk: number
  id: number
}

interface Slot {
  shape: Shape | undefined
}

/** How a part is written that belongs to the host. */
type Leaf = 'buffer' | 'data view' | 'date' | 'map' | 'regexp' | 'set' | number

const LEAVES = new Map<unknown, Leaf>([
  [Map.prototype, 'map'],
  [Set.prototype, 'set'],
  [Date.prototype, 'date'],
  [RegExp.prototype, 'regexp'],
  [ArrayBuffer.prototype, 'buffer'],
  [DataView.prototype, 'data view'],
  ...VIEW_TYPES.map((type, at): [unknown, Leaf] => [type.prototype, at]),
])
const UINT8_ARRAY = VIEW_TYPES.indexOf(Uint8Array)

/** Prototypes of classes of the app whose objects are nothing but their properties, or not. */
const plainPrototypes = new WeakMap<object, boolean>()

/** Writes the values of one chunk after the other. */
export class StructuredWriter {
  #bytes = new Uint8Array(8192)
  #view = new DataView(this.#bytes.buffer)
  #at = 0
  #chunk = 0
  #shapeCount = 0
  /** By their ids in this chunk or an earlier one. */
  readonly #owners: Shape[] = []
  readonly #shapes = new Map<string, Shape>()
  readonly #root: Slot = { shape: undefined }
  readonly #parts: object[] = []
  readonly #partSet = new Set<object>()
  #partCount = 0

  /** Begins a chunk: nothing in it refers to another. */
  begin(): void {
    this.#at = 0
    this.#chunk++
    this.#shapeCount = 0
  }

  /** Writes a value, or nothing: whether it is one that the bytes keep exactly. */
  write(value: unknown): boolean {
    const start = this.#at
    this.#partCount = 0
    if (this.#partSet.size > 0) this.#partSet.clear()
    if (this.#value(value, this.#root, 0)) return true
    this.#at = start
    // What was defined there is gone. Ids are not used again before all are.
    this.#chunk++
    return false
  }

  /** How much was written since `begin`. */
  get length(): number {
    return this.#at
  }

  /** What was written, from `headStart` on first, in an array that nothing else uses. */
  finish(headStart: number): Uint8Array<ArrayBuffer> {
    const written = this.#bytes.subarray(0, this.#at)
    const all = new Uint8Array(written.length)
    all.set(written.subarray(headStart))
    all.set(written.subarray(0, headStart), written.length - headStart)
    this.#parts.length = 0
    this.#partSet.clear()
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#resize(0)
    return all
  }

  /** What is before the elements of an array. */
  arrayHead(length: number): void {
    this.#head(length, 0x90, 0xdc)
  }

  #value(value: unknown, slot: Slot, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'number':
        this.#number(value)
        return true
      case 'object':
        if (value !== null) return this.#object(value, slot, depth)
        this.#byte(0xc0)
        return true
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2)
        return true
      case 'undefined':
        this.#marker(EXT_UNDEFINED, 0)
        return true
      case 'bigint':
        this.#bigint(value)
        return true
      case 'function':
      case 'symbol':
        return false
    }
  }

  #number(value: number): void {
    this.#reserve(9)
    const bytes = this.#bytes
    if (value >>> 0 === value && (value !== 0 || 1 / value > 0)) {
      if (value < 0x40) {
        bytes[this.#at++] = value
      } else if (value < 0x100) {
        bytes[this.#at++] = 0xcc
        bytes[this.#at++] = value
      } else if (value < 0x10000) {
        bytes[this.#at++] = 0xcd
        bytes[this.#at++] = value >> 8
        bytes[this.#at++] = value
      } else {
        bytes[this.#at++] = 0xce
        this.#u32(value)
      }
    } else if (value >> 0 === value && value < 0) {
      if (value >= -0x20) {
        bytes[this.#at++] = value
      } else if (value >= -0x80) {
        bytes[this.#at++] = 0xd0
        bytes[this.#at++] = value
      } else if (value >= -0x8000) {
        bytes[this.#at++] = 0xd1
        bytes[this.#at++] = value >> 8
        bytes[this.#at++] = value
      } else {
        bytes[this.#at++] = 0xd2
        this.#u32(value)
      }
    } else {
      bytes[this.#at++] = 0xcb
      this.#view.setFloat64(this.#at, value)
      this.#at += 8
    }
  }

  #bigint(value: bigint): void {
    this.#reserve(9)
    if (BigInt.asIntN(64, value) === value) {
      this.#byte(0xd3)
      this.#view.setBigInt64(this.#at, value)
      this.#at += 8
    } else if (BigInt.asUintN(64, value) === value) {
      this.#byte(0xcf)
      this.#view.setBigUint64(this.#at, value)
      this.#at += 8
    } else {
      const isNegative = value < 0n
      // A digit more: the first bit is the sign.
      let digits = `0${(isNegative ? ~value : value).toString(16)}`
      if (digits.length % 2 === 1) digits = `0${digits}`
      const bytes = new Uint8Array(digits.length / 2)
      for (let at = 0; at < bytes.length; at++) {
        const byte = Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16)
        bytes[at] = isNegative ? ~byte : byte
      }
      this.#extension(EXT_BIG, bytes)
    }
  }

  #string(text: string): boolean {
    const { length } = text
    this.#reserve(length * 3 + 5)
    const guess = length < 0x20 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5
    const bytes = this.#bytes
    const start = this.#at + guess
    let end = start
    if (length < BY_HAND_MAX) {
      for (let at = 0; at < length; at++) {
        const code = text.charCodeAt(at)
        if (code < 0x80) {
          bytes[end++] = code
        } else if (code < 0x800) {
          bytes[end++] = 0xc0 | (code >> 6)
          bytes[end++] = 0x80 | (code & 0x3f)
        } else if (code < 0xd800 || code > 0xdfff) {
          bytes[end++] = 0xe0 | (code >> 12)
          bytes[end++] = 0x80 | ((code >> 6) & 0x3f)
          bytes[end++] = 0x80 | (code & 0x3f)
        } else {
          const next = at + 1 < length ? text.charCodeAt(++at) : 0
          if (code > 0xdbff || (next & 0xfc00) !== 0xdc00) return false
          const point = 0x10000 + ((code & 0x3ff) << 10) + (next & 0x3ff)
          bytes[end++] = 0xf0 | (point >> 18)
          bytes[end++] = 0x80 | ((point >> 12) & 0x3f)
          bytes[end++] = 0x80 | ((point >> 6) & 0x3f)
          bytes[end++] = 0x80 | (point & 0x3f)
        }
      }
    } else {
      if (!isWellFormed(text)) return false
      end += encoder.encodeInto(text, bytes.subarray(start)).written
    }
    const byteCount = end - start
    const needed = byteCount < 0x20 ? 1 : byteCount < 0x100 ? 2 : byteCount < 0x10000 ? 3 : 5
    if (needed > guess) bytes.copyWithin(this.#at + needed, start, end)
    if (needed === 1) bytes[this.#at++] = 0xa0 | byteCount
    else this.#sized(0xd9, byteCount)
    this.#at += byteCount
    return true
  }

  #object(value: object, slot: Slot, depth: number): boolean {
    if (depth > DEPTH_MAX || !this.#isNew(value)) return false
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype === Object.prototype || prototype === null) {
      return this.#record(value as Record<string, unknown>, slot, depth)
    }
    if (Array.isArray(value)) {
      return prototype === Array.prototype && this.#array(value, slot, depth)
    }
    const leaf = LEAVES.get(prototype)
    if (leaf !== undefined) return this.#leaf(value, leaf, slot, depth)
    if (!isPlainClass(value, prototype)) return false
    return this.#record(value as Record<string, unknown>, slot, depth)
  }

  #record(object: Record<string, unknown>, slot: Slot, depth: number): boolean {
    const names = Object.keys(object)
    let shape = slot.shape
    if (shape === undefined || !areSame(shape.names, names)) {
      shape = this.#shapeOf(names)
      slot.shape = shape
    }
    if (shape.chunk === this.#chunk) this.#byte(0x40 | shape.id)
    else if (!this.#define(shape)) return false
    const { slots } = shape
    for (let at = 0; at < names.length; at++) {
      if (!this.#value(object[names[at] as string], slots[at] ?? slot, depth + 1)) return false
    }
    return true
  }

  #shapeOf(names: readonly string[]): Shape {
    const isKept = names.length <= KNOWN_NAMES_MAX
    const all = isKept ? names.join('\0') : ''
    const known = isKept ? this.#shapes.get(all) : undefined
    if (known !== undefined && areSame(known.names, names)) return known
    const slots = isKept ? names.map((): Slot => ({ shape: undefined })) : []
    const shape = { names, definition: new Uint8Array(0), slots, chunk: 0, id: 0 }
    if (!isKept) return shape
    if (this.#shapes.size >= KNOWN_SHAPES_MAX) this.#shapes.clear()
    this.#shapes.set(all, shape)
    return shape
  }

  /** Writes the names, which makes the shape known to the rest of the chunk. */
  #define(shape: Shape): boolean {
    const id = this.#shapeCount++ % SHAPES_MAX
    this.#reserve(3 + shape.definition.length)
    this.#marker(EXT_SHAPE, 0x40 | id)
    if (shape.definition.length > 0) {
      this.#raw(shape.definition)
    } else {
      const start = this.#at
      this.arrayHead(shape.names.length)
      for (const name of shape.names) {
        if (name === '__proto__' || !this.#string(name)) return false
      }
      shape.definition = this.#bytes.slice(start, this.#at)
    }
    const owner = this.#owners[id]
    if (owner !== undefined) owner.chunk = 0
    this.#owners[id] = shape
    shape.id = id
    shape.chunk = this.#chunk
    return true
  }

  #array(array: readonly unknown[], slot: Slot, depth: number): boolean {
    const { length } = array
    this.arrayHead(length)
    for (let at = 0; at < length; at++) {
      const element = array[at]
      if (element === undefined && !(at in array)) return false
      if (!this.#value(element, slot, depth + 1)) return false
    }
    return true
  }

  #leaf(value: object, leaf: Leaf, slot: Slot, depth: number): boolean {
    switch (leaf) {
      case 'map':
        return this.#map([...(value as Map<unknown, unknown>)], slot, depth)
      case 'set':
        this.#marker(EXT_SET, 0)
        return this.#array([...(value as Set<unknown>)], slot, depth)
      case 'date':
        this.#date((value as Date).getTime())
        return true
      case 'regexp':
        this.#marker(EXT_REGEXP, 0)
        return this.#array([(value as RegExp).source, (value as RegExp).flags], slot, depth)
      case 'buffer':
        // To ask for the length fails for what only pretends to be one.
        this.#typed(
          TYPE_BUFFER,
          new Uint8Array(value as ArrayBuffer, 0, (value as ArrayBuffer).byteLength),
        )
        return true
      case 'data view':
        this.#typed(TYPE_DATA_VIEW, bytesOf(value as DataView))
        return true
      default:
        if (leaf === UINT8_ARRAY) this.#binary(bytesOf(value as Uint8Array))
        else this.#typed(leaf, bytesOf(value as ArrayBufferView))
        return true
    }
  }

  #map(entries: readonly (readonly [unknown, unknown])[], slot: Slot, depth: number): boolean {
    this.#head(entries.length, 0x80, 0xde)
    for (const [key, element] of entries) {
      if (!this.#value(key, slot, depth + 1)) return false
      if (!this.#value(element, slot, depth + 1)) return false
    }
    return true
  }

  #date(timeMs: number): void {
    const seconds = Math.floor(timeMs / 1000)
    const nanoseconds = (timeMs - seconds * 1000) * 1e6
    if (Number.isNaN(timeMs)) {
      this.#marker(EXT_TIME, 0xff)
    } else if (seconds < 0 || seconds > 0xffff_ffff) {
      this.#reserve(15)
      for (const byte of [0xc7, 12, EXT_TIME]) this.#byte(byte)
      this.#u32(nanoseconds)
      this.#u32(Math.floor(seconds / 2 ** 32))
      this.#u32(seconds)
    } else {
      this.#reserve(10)
      this.#byte(nanoseconds === 0 ? 0xd6 : 0xd7)
      this.#byte(EXT_TIME)
      if (nanoseconds > 0) this.#u32(nanoseconds * 4)
      this.#u32(seconds)
    }
  }

  #typed(type: number, content: Uint8Array): void {
    this.#reserve(7 + content.length)
    this.#sized(0xc7, content.length + 1)
    this.#byte(EXT_VIEW)
    this.#byte(type)
    this.#raw(content)
  }

  #binary(content: Uint8Array): void {
    this.#reserve(5 + content.length)
    this.#sized(0xc4, content.length)
    this.#raw(content)
  }

  #extension(type: number, content: Uint8Array): void {
    this.#reserve(6 + content.length)
    this.#sized(0xc7, content.length)
    this.#byte(type)
    this.#raw(content)
  }

  /** One byte as the data of an extension. */
  #marker(type: number, data: number): void {
    this.#reserve(3)
    this.#bytes[this.#at++] = 0xd4
    this.#bytes[this.#at++] = type
    this.#bytes[this.#at++] = data
  }

  /** How many there are: up to 15 in `few`, else behind the first or second byte from `many`. */
  #head(count: number, few: number, many: number): void {
    this.#reserve(5)
    if (count < 0x10) this.#byte(few | count)
    else if (count < 0x10000) {
      this.#byte(many)
      this.#u16(count)
    } else {
      this.#byte(many + 1)
      this.#u32(count)
    }
  }

  /** A length behind the first, second or third byte from `first`. There must be room. */
  #sized(first: number, length: number): void {
    this.#byte(length < 0x100 ? first : length < 0x10000 ? first + 1 : first + 2)
    if (length < 0x100) this.#byte(length)
    else if (length < 0x10000) this.#u16(length)
    else this.#u32(length)
  }

  #byte(value: number): void {
    if (this.#at === this.#bytes.length) this.#reserve(1)
    this.#bytes[this.#at++] = value
  }

  #u16(value: number): void {
    this.#view.setUint16(this.#at, value)
    this.#at += 2
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#at, value)
    this.#at += 4
  }

  #raw(content: Uint8Array): void {
    this.#bytes.set(content, this.#at)
    this.#at += content.length
  }

  #reserve(count: number): void {
    if (this.#at + count > this.#bytes.length) this.#resize((this.#at + count) * 2)
  }

  #resize(length: number): void {
    const bytes = new Uint8Array(length)
    bytes.set(this.#bytes.subarray(0, Math.min(this.#at, length)))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }

  /** Notes a part; false when it is already part of this value. */
  #isNew(part: object): boolean {
    const parts = this.#parts
    const count = this.#partCount++
    if (count < LINEAR_PARTS_MAX) {
      for (let at = 0; at < count; at++) if (parts[at] === part) return false
      parts[count] = part
      return true
    }
    if (count === LINEAR_PARTS_MAX) for (const earlier of parts) this.#partSet.add(earlier)
    const size = this.#partSet.size
    return this.#partSet.add(part).size > size
  }
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/**
 * Objects of an app's class go the quick way unless the class is, or extends, something of the host.
 * Asked once per prototype.
 */
function isPlainClass(value: object, prototype: object): boolean {
  const known = plainPrototypes.get(prototype)
  if (known !== undefined) return known
  const isPlain = isObjectKind(value)
  plainPrototypes.set(prototype, isPlain)
  return isPlain
}

function isObjectKind(value: object): boolean {
  try {
    return structuredKindOf(value) === 'object'
  } catch {
    return false
  }
}
