/**
 * Reads what {@link ByteWriter} wrote, never past the end and never a number that JavaScript cannot
 * hold: whatever is wrong with the bytes is a CORRUPT_MESSAGE. Lengths are checked against what is
 * left before anything is allocated for them.
 */
import { TabmqError } from './errors.js'

export class ByteReader {
  readonly source: Uint8Array
  readonly #view: DataView
  #position = 0

  constructor(source: Uint8Array) {
    this.source = source
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength)
  }

  /** Where the next byte is read, counted in `source`. */
  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.source.length - this.#position
  }

  u8(): number {
    if (this.#position >= this.source.length) throw endOfData()
    return this.source[this.#position++] as number
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.skip(8), true)
  }

  varint(): number {
    const byte = this.u8()
    return byte < 0x80 ? byte : this.#longVarint(byte & 0x7f, 0x80)
  }

  zigzag(): number {
    const byte = this.u8()
    const low = (byte & 0x7f) >> 1
    const magnitude = byte < 0x80 ? low : this.#longVarint(low, 0x40)
    return (byte & 1) === 0 ? magnitude : -1 - magnitude
  }

  /** A varint that says how many bytes follow: at most what is left. */
  size(): number {
    const size = this.varint()
    if (size > this.remaining) throw endOfData()
    return size
  }

  /** Passes over bytes and returns where they began. */
  skip(count: number): number {
    const start = this.#position
    if (count > this.source.length - start) throw endOfData()
    this.#position = start + count
    return start
  }

  /** A view of the next bytes, not a copy. */
  bytes(count: number): Uint8Array {
    const start = this.skip(count)
    return this.source.subarray(start, start + count)
  }

  /** A view of the bytes behind a length. */
  sizedBytes(): Uint8Array {
    return this.bytes(this.size())
  }

  /** The bytes of a varint from its second on: `value` so far, `scale` of the next seven bits. */
  #longVarint(value: number, scale: number): number {
    for (;;) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw corrupt('a number beyond 2^53')
      if (byte < 0x80) return value
      scale *= 0x80
      if (scale > Number.MAX_SAFE_INTEGER) throw corrupt('a number of too many bytes')
    }
  }
}

function endOfData(): TabmqError {
  return corrupt('the data ends too early')
}

function corrupt(reason: string): TabmqError {
  return new TabmqError('CORRUPT_MESSAGE', reason, {})
}
