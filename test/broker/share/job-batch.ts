/** Batches of records with keys and properties, some of them void. */
import { assembleBatch } from '../../../src/codec/batch.js'
import { encodeChunks } from '../../../src/codec/chunk.js'
import { textCodec } from '../../../src/codec/text-codec.js'
import { encodeUtf8 } from '../../../src/codec/utf8.js'
import {
  BATCH_HEADER_BYTES,
  parseBatchHeader,
  writeBatchHasVoid,
} from '../../../src/protocol/batch-header.js'
import { BatchIndexReader } from '../../../src/protocol/batch-index.js'

export interface Job {
  readonly key?: string | undefined
  readonly deliverAtMs?: number | undefined
  readonly expiresAtMs?: number | undefined
  readonly priority?: number | undefined
  readonly isVoid?: boolean
}

export function jobBatch(jobs: readonly Job[]): ArrayBuffer {
  const chunks = encodeChunks({
    codec: textCodec,
    records: jobs.map(({ key, deliverAtMs, expiresAtMs, priority }) => ({
      keyBytes: key === undefined ? undefined : encodeUtf8(key),
      keyIsString: key !== undefined,
      value: '',
      headers: undefined,
      timestampMs: 1_000,
      properties: { deliverAtMs, expiresAtMs, priority },
    })),
    maxMessageBytes: 1e9,
    chunkBytesMax: 1e9,
  })
  const batch = assembleBatch({ chunks, codecId: textCodec.id })
  makeVoid(batch, jobs)
  return batch
}

function makeVoid(batch: ArrayBuffer, jobs: readonly Job[]): void {
  if (!jobs.some(({ isVoid }) => isVoid === true)) return
  const { indexBytes } = parseBatchHeader(batch)
  const reader = new BatchIndexReader(new Uint8Array(batch, BATCH_HEADER_BYTES, indexBytes))
  let index = 0
  for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
    for (; left > 0; left--) {
      reader.nextRecord()
      if (jobs[index++]?.isVoid === true) reader.makeVoid()
    }
  }
  writeBatchHasVoid(batch)
}
