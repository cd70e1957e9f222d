/**
 * A growable run of bytes, written front to back. Numbers are little-endian; a varint is unsigned
 * LEB128. Used in the tab that encodes and in the broker that rewrites a batch; strings are written
 * as bytes by the caller, since this folder knows no TextEncoder.
 */
import { assert } from '../std/assert.js'

const INITIAL_BYTES = 256
/** Below this a loop beats the call into `TypedArray.prototype.set`. */
const COPY_BY_HAND_BELOW = 24

/** Where a float becomes bytes. A view of each writer's own would make small arrays large. */
const float = new DataView(new ArrayBuffer(8))

export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(initialBytes = INITIAL_BYTES) {
    this.#bytes = new Uint8Array(initialBytes)
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = value
  }

  u32(value: number): void {
    this.#reserve(4)
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#length++] = value >>> shift
  }

  f64(value: number): void {
    this.#reserve(8)
    float.setFloat64(0, value, true)
    for (let at = 0; at < 8; at++) this.#bytes[this.#length++] = float.getUint8(at)
  }

  /** A whole number from 0 to 2^53 - 1, in one to eight bytes. */
  varint(value: number): void {
    if (value < 0x80) {
      this.u8(value)
      return
    }
    assert(Number.isSafeInteger(value), () => `${value} is no varint`)
    this.#reserve(8)
    let rest = value
    while (rest > 0x7fff_ffff) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#length++] = rest
  }

  /**
   * Any safe integer, small magnitudes in few bytes: 0, -1, 1, -2, … are the varints 0, 1, 2, 3, ….
   * The sign is split off before doubling would pass 2^53.
   */
  zigzag(value: number): void {
    assert(Number.isSafeInteger(value), () => `${value} is no safe integer`)
    const magnitude = value < 0 ? -1 - value : value
    const first = (magnitude % 0x40) * 2 + (value < 0 ? 1 : 0)
    if (magnitude < 0x40) {
      this.u8(first)
      return
    }
    this.u8(first | 0x80)
    this.varint(Math.floor(magnitude / 0x40))
  }

  bytes(source: Uint8Array): void {
    const count = source.length
    this.#reserve(count)
    const target = this.#bytes
    const start = this.#length
    if (count < COPY_BY_HAND_BELOW) {
      for (let at = 0; at < count; at++) target[start + at] = source[at] as number
    } else {
      target.set(source, start)
    }
    this.#length = start + count
  }

  /** Bytes behind their length as a varint. */
  sizedBytes(source: Uint8Array): void {
    this.varint(source.length)
    this.bytes(source)
  }

  /** What was written, in a buffer of its own of exactly that size. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(count: number): void {
    if (this.#length + count > this.#bytes.length) this.#grow(count)
  }

  #grow(count: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
