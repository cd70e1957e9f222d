/**
 * Reads what structured-writer.ts writes; it has the format. The bytes may be anybody's: nothing in them
 * is believed, and nothing is made that is larger than they are.
 */
import { TYPE_BUFFER, TYPE_DATA_VIEW, VIEW_TYPES } from './structured-writer.js'

/** Up to so many bytes a loop is quicker than a call into TextDecoder. */
const BY_HAND_MAX = 64
/** An array that grows has room for more than this from its first element on. */
const SHORT_MAX = 15
/** A longer list of names is read each time. */
const KNOWN_BYTES_MAX = 1024

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

interface Definition {
  readonly bytes: Uint8Array
  readonly names: readonly string[]
}

/** What was last defined under each id: mostly what is defined there the next time. */
const known: Definition[] = []

/** @throws some error when `bytes` are not one value, whole */
export function readStructured(bytes: Uint8Array): unknown {
  return new StructuredReader(bytes).readAll()
}

class StructuredReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  readonly #shapes: (readonly string[])[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  readAll(): unknown {
    const value = this.#value()
    if (this.#at !== this.#bytes.length) throw new RangeError('more or less than one value')
    return value
  }

  #value(): unknown {
    const first = this.#bytes[this.#at++]
    if (first === undefined) throw cutOff()
    if (first < 0x40) return first
    if (first < 0x80) return this.#object(this.#shapes[first & 0x3f])
    if (first < 0x90) return this.#map(first & 0xf)
    if (first < 0xa0) return this.#array(first & 0xf)
    if (first < 0xc0) return this.#string(first & 0x1f)
    if (first >= 0xe0) return first - 0x100
    switch (first) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#unsigned(first - 0xc4)).slice()
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#unsigned(first - 0xc7))
      case 0xca:
        return this.#view.getFloat32(this.#skip(4))
      case 0xcb:
        return this.#view.getFloat64(this.#skip(8))
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(first - 0xcc)
      case 0xcf:
        return this.#view.getBigUint64(this.#skip(8))
      case 0xd0:
        return this.#view.getInt8(this.#skip(1))
      case 0xd1:
        return this.#view.getInt16(this.#skip(2))
      case 0xd2:
        return this.#view.getInt32(this.#skip(4))
      case 0xd3:
        return this.#view.getBigInt64(this.#skip(8))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (first - 0xd4))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#unsigned(first - 0xd9))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(first - 0xdb))
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(first - 0xdd))
      default:
        throw new RangeError(`a value cannot begin with ${first}`)
    }
  }

  /** A number of 1, 2 or 4 bytes. */
  #unsigned(widthLog2: number): number {
    const at = this.#skip(1 << widthLog2)
    if (widthLog2 === 0) return this.#view.getUint8(at)
    return widthLog2 === 1 ? this.#view.getUint16(at) : this.#view.getUint32(at)
  }

  /** Where the next `count` bytes begin, which may be beyond the end. */
  #skip(count: number): number {
    const at = this.#at
    this.#at = at + count
    return at
  }

  #take(count: number): Uint8Array {
    const at = this.#skip(count)
    if (this.#at > this.#bytes.length) throw cutOff()
    return this.#bytes.subarray(at, this.#at)
  }

  #object(names: readonly string[] | undefined): object {
    if (names === undefined) throw new RangeError('a shape that was not defined')
    const object: Record<string, unknown> = {}
    for (let at = 0; at < names.length; at++) object[names[at] as string] = this.#value()
    return object
  }

  #array(length: number): unknown[] {
    // Longer ones grow as they are read: a length that is a lie allocates nothing.
    if (length <= SHORT_MAX) return this.#shortArray(length)
    const array: unknown[] = []
    for (let at = 0; at < length; at++) array.push(this.#value())
    return array
  }

  #shortArray(length: number): unknown[] {
    const array = new Array<unknown>(length)
    for (let at = 0; at < length; at++) array[at] = this.#value()
    return array
  }

  #map(size: number): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>()
    for (let at = 0; at < size; at++) {
      const key = this.#value()
      map.set(key, this.#value())
    }
    return map
  }

  #string(length: number): string {
    const bytes = this.#bytes
    const start = this.#at
    const end = start + length
    if (end > bytes.length) throw cutOff()
    this.#at = end
    if (length > BY_HAND_MAX) return decoder.decode(bytes.subarray(start, end))
    let text = ''
    let at = start
    // Four characters a step: String.fromCharCode costs more by the call than by the character.
    for (; at + 4 <= end; at += 4) {
      const a = bytes[at] as number
      const b = bytes[at + 1] as number
      const c = bytes[at + 2] as number
      const d = bytes[at + 3] as number
      if ((a | b | c | d) > 0x7f) return decoder.decode(bytes.subarray(start, end))
      text += String.fromCharCode(a, b, c, d)
    }
    for (; at < end; at++) {
      const code = bytes[at] as number
      if (code > 0x7f) return decoder.decode(bytes.subarray(start, end))
      text += String.fromCharCode(code)
    }
    return text
  }

  #extension(length: number): unknown {
    const type = this.#unsigned(0)
    const content = this.#take(length)
    switch (type) {
      case 0:
        return undefined
      case 0x42:
        return bigintOf(content)
      case 0x72:
        return this.#object(this.#define((content[0] as number) & 0x3f))
      case 0x73:
        return new Set(this.#list())
      case 0x74:
        return viewOf(content)
      case 0x78: {
        const [source, flags] = this.#list()
        return new RegExp(String(source), String(flags))
      }
      case 0xff:
        return new Date(timeOf(content))
      default:
        throw new RangeError(`an extension of type ${type}`)
    }
  }

  #list(): unknown[] {
    const list = this.#value()
    if (Array.isArray(list)) return list
    throw new TypeError('no array where one should be')
  }

  #define(id: number): readonly string[] {
    const last = known[id]
    if (last !== undefined && this.#startsWith(last.bytes)) {
      this.#at += last.bytes.length
      this.#shapes[id] = last.names
      return last.names
    }
    const start = this.#at
    const names = this.#list()
    if (!areNames(names)) throw new TypeError('a name that no object may have')
    const bytes = this.#bytes.slice(start, this.#at)
    if (bytes.length <= KNOWN_BYTES_MAX) known[id] = { bytes, names }
    this.#shapes[id] = names
    return names
  }

  #startsWith(expected: Uint8Array): boolean {
    const bytes = this.#bytes
    const start = this.#at
    for (let at = 0; at < expected.length; at++) {
      if (bytes[start + at] !== expected[at]) return false
    }
    return true
  }
}

function areNames(names: readonly unknown[]): names is readonly string[] {
  return names.every((name) => typeof name === 'string' && name !== '__proto__')
}

function bigintOf(bytes: Uint8Array): bigint {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${digits}`))
}

function viewOf(content: Uint8Array): object {
  const type = content[0] as number
  const buffer = content.slice(1).buffer
  if (type === TYPE_BUFFER) return buffer
  const view = type === TYPE_DATA_VIEW ? DataView : VIEW_TYPES[type]
  if (view === undefined) throw new RangeError('a view of no known type')
  return new view(buffer)
}

/** In ms since 1970. Three forms: with seconds alone, with a fraction, and of any year. */
function timeOf(content: Uint8Array): number {
  const view = new DataView(content.buffer, content.byteOffset, content.length)
  switch (content.length) {
    case 4:
      return view.getUint32(0) * 1000
    case 8: {
      const first = view.getUint32(0)
      return ((first & 3) * 2 ** 32 + view.getUint32(4)) * 1000 + (first >>> 2) / 1e6
    }
    case 12:
      return Number(view.getBigInt64(4)) * 1000 + view.getUint32(0) / 1e6
    default:
      return Number.NaN
  }
}

function cutOff(): RangeError {
  return new RangeError('the bytes end within a value')
}
