/**
 * A string's UTF-8 bytes without a TextEncoder, which the broker's core does not know. For the few
 * strings that it writes into a batch itself. Lone surrogates become U+FFFD, as TextEncoder has it.
 */
import { ByteWriter } from './byte-writer.js'

const REPLACEMENT = 0xfffd

export function utf8Bytes(text: string): Uint8Array {
  const writer = new ByteWriter(text.length)
  for (const character of text) {
    const code = character.codePointAt(0) ?? REPLACEMENT
    const isLoneSurrogate = code >= 0xd800 && code <= 0xdfff
    writeCodePoint(writer, isLoneSurrogate ? REPLACEMENT : code)
  }
  return writer.finish()
}

function writeCodePoint(writer: ByteWriter, code: number): void {
  if (code < 0x80) return writer.u8(code)
  if (code < 0x800) {
    writer.u8(0xc0 | (code >> 6))
  } else {
    if (code < 0x1_0000) {
      writer.u8(0xe0 | (code >> 12))
    } else {
      writer.u8(0xf0 | (code >> 18))
      writer.u8(0x80 | ((code >> 12) & 0x3f))
    }
    writer.u8(0x80 | ((code >> 6) & 0x3f))
  }
  writer.u8(0x80 | (code & 0x3f))
}
