/** Values of a store to bytes and back: the codec's id in one byte, then what the codec made. */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { STRUCTURED_CODEC_ID } from '../../protocol/batch-header.js'
import { TabmqError } from '../../protocol/errors.js'
import { STORE_VALUE_BYTES_MAX } from '../../protocol/limits.js'
import { describe } from '../../protocol/names.js'

/** @throws TabmqError SERIALIZATION_FAILED, MESSAGE_TOO_LARGE, INVALID_CONFIG */
export function encodeValue(codecs: CodecRegistry, key: string, value: unknown): ArrayBuffer {
  if (value === undefined) {
    const message = `the value of ${describe(key)} is undefined, as that of a key that is not there: delete it`
    throw new TabmqError('INVALID_CONFIG', message, { option: 'value', key })
  }
  const bytes = encoded(codecs, key, value)
  const valueBytes = bytes.byteLength + 1
  const storeValueBytesMax = STORE_VALUE_BYTES_MAX
  if (valueBytes > storeValueBytesMax) {
    const message = `the value of ${describe(key)} has ${valueBytes} bytes; ${storeValueBytesMax} are the most`
    throw new TabmqError('MESSAGE_TOO_LARGE', message, { key, valueBytes, storeValueBytesMax })
  }
  const stored = new Uint8Array(valueBytes)
  stored[0] = STRUCTURED_CODEC_ID
  stored.set(bytes, 1)
  return stored.buffer
}

/** @throws TabmqError UNSUPPORTED_CODEC, CORRUPT_MESSAGE */
export function decodeValue(codecs: CodecRegistry, key: string, stored: ArrayBuffer): unknown {
  const [codecId] = new Uint8Array(stored)
  try {
    if (codecId === undefined) throw new RangeError('there are no bytes')
    return codecs.byId(codecId).decode(new Uint8Array(stored, 1))
  } catch (error) {
    if (error instanceof TabmqError) throw error
    const message = `the value of ${describe(key)} cannot be decoded: ${String(error)}`
    throw new TabmqError('CORRUPT_MESSAGE', message, { key }, error)
  }
}

function encoded(codecs: CodecRegistry, key: string, value: unknown): Uint8Array {
  try {
    return codecs.byId(STRUCTURED_CODEC_ID).encode(value)
  } catch (error) {
    const reason = error instanceof Error ? error.message : describe(error)
    const message = `the value of ${describe(key)} cannot be encoded: ${reason}`
    throw new TabmqError('SERIALIZATION_FAILED', message, { key }, error)
  }
}
