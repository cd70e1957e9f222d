/** Batches that were fetched to records, as far as they can be decoded. */
import { decodeBatch, decodeCompressedBatch, isCompressed } from '../../codec/decode-batch.js'
import type { DecodedRecord } from '../../codec/decode-batch.js'
import type { CodecRegistry } from '../../codec/codec-registry.js'
import { nextOffsetOf, parseBatchHeader } from '../../protocol/batch-header.js'
import { TabmqError } from '../../protocol/errors.js'
import { FETCH_BYTES_MAX } from '../../protocol/limits.js'

export interface Decoded {
  readonly records: readonly DecodedRecord[]
  /** Up to there it is decoded: what is not among the records is void. */
  readonly nextOffset: number
  /** Why there are no more. */
  readonly failure: { readonly error: unknown } | undefined
}

interface DecodeOptions {
  readonly fromOffset: number
  readonly codecs: CodecRegistry
}

/** The records up to the first that cannot be decoded: those before it are not to wait for it. */
export async function decodeBatches(
  batches: readonly ArrayBuffer[],
  options: DecodeOptions,
): Promise<Decoded> {
  const { fromOffset } = options
  let records: readonly DecodedRecord[] = []
  let nextOffset = fromOffset
  for (const batch of batches) {
    try {
      records = records.concat(await decodeOne(batch, options))
      nextOffset = nextOffsetOf(parseBatchHeader(batch))
    } catch (error) {
      const untilOffset = error instanceof TabmqError ? Number(error.details['offset'] ?? 0) : 0
      if (untilOffset > fromOffset) {
        records = records.concat(await decodeOne(batch, { ...options, untilOffset }))
        nextOffset = untilOffset
      }
      return { records, nextOffset, failure: { error } }
    }
  }
  return { records, nextOffset, failure: undefined }
}

function decodeOne(batch: ArrayBuffer, options: DecodeOptions & { readonly untilOffset?: number }) {
  if (!isCompressed(batch)) return decodeBatch(batch, options)
  return decodeCompressedBatch(batch, { ...options, valuesBytesMax: FETCH_BYTES_MAX })
}
