/**
 * gzip through the platform's streams, with a bound on what comes out: a few kB of gzip can say a
 * few GB.
 */
import { TabmqError } from '../protocol/errors.js'

/** @throws TabmqError UNSUPPORTED_COMPRESSION_TYPE where the host has no CompressionStream */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof CompressionStream === 'undefined') throw unsupported()
  return through(bytes, new CompressionStream('gzip'), Number.POSITIVE_INFINITY)
}

/**
 * @throws TabmqError CORRUPT_MESSAGE when the bytes are no gzip or hold more than `bytesMax`;
 *   UNSUPPORTED_COMPRESSION_TYPE
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof DecompressionStream === 'undefined') throw unsupported()
  try {
    return await through(bytes, new DecompressionStream('gzip'), bytesMax)
  } catch (error) {
    if (error instanceof TabmqError) throw error
    throw new TabmqError('CORRUPT_MESSAGE', 'compressed values that are no gzip', {}, error)
  }
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: GenericTransformStream,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = (transform.writable as WritableStream<BufferSource>).getWriter()
  const reader = (transform.readable as ReadableStream<Uint8Array>).getReader()
  // What fails here fails the reading side as well, and is reported there.
  const written = writer.write(bytes).then(async () => writer.close())
  written.catch(() => undefined)
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > bytesMax) {
      await reader.cancel().catch(() => undefined)
      throw new TabmqError('CORRUPT_MESSAGE', `values of more than ${bytesMax} bytes`, { bytesMax })
    }
    parts.push(value)
  }
  return joined(parts, length)
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function unsupported(): TabmqError {
  return new TabmqError('UNSUPPORTED_COMPRESSION_TYPE', 'this browser has no gzip streams', {
    compression: 'gzip',
  })
}
