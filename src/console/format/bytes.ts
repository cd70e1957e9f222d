/** Bytes as text, as hexadecimal digits and as base64, and back. */
const decoder = new TextDecoder()
const STRICT = { fatal: true, ignoreBOM: true }
const strictDecoder = new TextDecoder('utf-8', STRICT)
const encoder = new TextEncoder()

/** What is no UTF-8 becomes replacement characters. */
export function utf8Text(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** As {@link utf8Text}, of the first bytes; a character that is cut in two there is left out. */
export function utf8Begin(bytes: Uint8Array, bytesMax: number): string {
  // One of its own: a decoder keeps the half for what it is given next.
  const cutting = new TextDecoder()
  return cutting.decode(bytes.subarray(0, bytesMax), { stream: bytes.length > bytesMax })
}

/** Undefined for what is no UTF-8: of the first bytes, where not all are wanted, as {@link utf8Begin}. */
export function utf8TextOf(bytes: Uint8Array, bytesMax = Infinity): string | undefined {
  try {
    if (bytes.length <= bytesMax) return strictDecoder.decode(bytes)
    const cutting = new TextDecoder('utf-8', STRICT)
    return cutting.decode(bytes.subarray(0, bytesMax), { stream: true })
  } catch {
    return undefined
  }
}

export function utf8Bytes(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/** The bytes of a buffer or of whatever is a view of one; undefined of anything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (!ArrayBuffer.isView(value)) return undefined
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = []
  // A call takes so many arguments; a multiple of three, so that the pieces can be joined.
  for (let at = 0; at < bytes.length; at += 24_576) {
    parts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 24_576))))
  }
  return parts.join('')
}

/** Undefined for what is no base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** `deadbeef`. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** `de ad be ef`, with spaces or without; undefined for anything else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  const digits = text.replaceAll(/\s+/g, '')
  if (digits.length % 2 !== 0 || !/^[\da-f]*$/i.test(digits)) return undefined
  const bytes = new Uint8Array(digits.length / 2)
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16)
  }
  return bytes
}

/** Lines of sixteen bytes: where they are, in hexadecimal digits, and as far as they are ASCII. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0'))
    const left = hex.slice(0, 8).join(' ')
    const right = hex.slice(8).join(' ')
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
    lines.push(
      `${at.toString(16).padStart(8, '0')}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${text.join('')}`,
    )
  }
  return lines.join('\n')
}
