/**
 * Rows of the `batches` store. A row is one batch, or several of one partition side by side, each
 * beginning where the one before ends: to the browser a row costs as much as 5 kB of what is in it.
 * Where a batch of a row ends is in its header (src/protocol/batch-header.ts). No stored batch is put again
 * as another: then it would be in two rows.
 */
import { BATCH_HEADER_BYTES, nextOffsetOf, parseHeader } from '../src/protocol/batch-header.js'
import { hasCode } from '../src/protocol/errors.js'
import type { PartitionId } from '../src/protocol/names.js'

/** Of a row of several. Chromium moves larger values to a file of their own. */
export const JOINED_BYTES_MAX = 64 * 1024

/** A batch, and the base offset it is stored under. The bytes are part of a buffer of several. */
export interface StoredBatch {
  readonly baseOffset: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface BatchRow {
  readonly key: [PartitionId, number]
  readonly value: ArrayBuffer
}

/**
 * The batches of a row. From where something is not what it should be the rest is one piece, which is
 * no batch either: whoever reads it finds that out as with a row of one batch.
 */
export function splitRow(rowOffset: number, row: ArrayBuffer): StoredBatch[] {
  const batches: StoredBatch[] = []
  let baseOffset = rowOffset
  let at = 0
  do {
    const length = batchLength(row, at)
    const nextOffset = length === undefined ? undefined : endOf(row, { at, length, baseOffset })
    if (length === undefined || nextOffset === undefined) {
      batches.push({ baseOffset, bytes: new Uint8Array(row, at) })
      break
    }
    batches.push({ baseOffset, bytes: new Uint8Array(row, at, length) })
    baseOffset = nextOffset
    at += length
  } while (at < row.byteLength)
  return batches
}

/** A buffer of its own; the row itself where the batch is all of it. */
export function takenFromRow({ bytes }: StoredBatch): ArrayBuffer {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : copyOf(bytes)
}

export function copyOf(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}

/** As few rows as can be of these batches, which are in their order. */
export function joinedRows(partitionId: PartitionId, batches: readonly StoredBatch[]): BatchRow[] {
  const rows: BatchRow[] = []
  let run: StoredBatch[] = []
  let runBytes = 0
  let nextOffset: number | undefined
  const endRun = () => {
    const [first] = run
    if (first === undefined) return
    rows.push({ key: [partitionId, first.baseOffset], value: joined(run) })
    run = []
    runBytes = 0
  }
  for (const batch of batches) {
    const { baseOffset, bytes } = batch
    if (baseOffset !== nextOffset || runBytes + bytes.byteLength > JOINED_BYTES_MAX) endRun()
    run.push(batch)
    runBytes += bytes.byteLength
    // Behind one that does not say where it ends, nothing would be found again.
    nextOffset = endOf(bytes.buffer, { at: bytes.byteOffset, length: bytes.byteLength, baseOffset })
  }
  endRun()
  return rows
}

export function joined(batches: readonly StoredBatch[]): ArrayBuffer {
  const whole = new Uint8Array(batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0))
  let at = 0
  for (const { bytes } of batches) {
    whole.set(bytes, at)
    at += bytes.byteLength
  }
  return whole.buffer
}

/** As its header says, when that fits into the row. */
function batchLength(row: ArrayBuffer, at: number): number | undefined {
  if (at + BATCH_HEADER_BYTES > row.byteLength) return undefined
  const view = new DataView(row, at)
  const length = BATCH_HEADER_BYTES + view.getUint32(64, true) + view.getUint32(68, true)
  return at + length > row.byteLength ? undefined : length
}

/** The offset after the last record, unless this is not the batch that is expected there. */
function endOf(
  buffer: ArrayBuffer,
  { at, length, baseOffset }: { at: number; length: number; baseOffset: number },
): number | undefined {
  try {
    const header = parseHeader({
      header: buffer.slice(at, at + Math.min(length, BATCH_HEADER_BYTES)),
      byteLength: length,
    })
    return header.baseOffset === baseOffset ? nextOffsetOf(header) : undefined
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return undefined
    throw error
  }
}
