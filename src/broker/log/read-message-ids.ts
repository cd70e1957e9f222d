/**
 * The message ids of a batch, out of its index. Void records have none: they are not delivered. An id is
 * looked at as bytes and kept as a string of a character each, which can be a key and takes no
 * more memory.
 */
import { BATCH_HEADER_BYTES, type ReadBatchHeader } from '../../protocol/batch-header.js'
import { BatchIndexReader } from '../../protocol/batch-index.js'
import { TabmqError } from '../../protocol/errors.js'

/**
 * Calls back for each record that has an id, in order; `at` is its place in the batch.
 * @returns how many records of the batch are not void
 * @throws TabmqError CORRUPT_MESSAGE
 */
export function readMessageIds(
  batch: ArrayBuffer,
  { indexBytes, recordCount }: ReadBatchHeader,
  each: (id: string, at: number, reader: BatchIndexReader) => void,
): number {
  const reader = new BatchIndexReader(new Uint8Array(batch, BATCH_HEADER_BYTES, indexBytes))
  let at = 0
  let deliveredCount = 0
  for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
    if (at + left > recordCount) throw wrongCount(recordCount)
    for (; left > 0; left--, at++) {
      reader.nextRecord()
      if (reader.isVoid) continue
      deliveredCount++
      const id = reader.messageId()
      if (id !== undefined) each(String.fromCharCode(...id), at, reader)
    }
  }
  if (at < recordCount) throw wrongCount(recordCount)
  return deliveredCount
}

function wrongCount(recordCount: number): TabmqError {
  const what = `the header says ${recordCount} records, the index has another number`
  return new TabmqError('CORRUPT_MESSAGE', what, {})
}
