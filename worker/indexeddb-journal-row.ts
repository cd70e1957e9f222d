/**
 * A row of the journal: all that one commit changes but for its large batches. The small ones lie in
 * one buffer, and whose they are in another: to clone hundreds of buffers takes longer than to write them.
 * So do the producers, of whose rows there is one for each batch. Where there is much of it, the batches
 * go on in further rows: Chromium moves large values to a file of their own, which takes it longer.
 */
import type { DurableRecord } from '../src/broker/records.js'
import type { ProducerBatch, ProducerRow } from '../src/broker/rows.js'
import type { PartitionId, ProducerId } from '../src/protocol/names.js'
import { definedOrThrow } from '../src/std/assert.js'
import { joined, type StoredBatch } from './indexeddb-batch-rows.js'
import type { JournalKey, JournalPartKey } from './indexeddb-schema.js'

/** A record that is a row by itself, or its end. */
export type RowRecord = Exclude<
  DurableRecord,
  { readonly type: 'batch' | 'batchesDeleted' | 'storeCleared' }
>
export type StoreEntryRecord = Extract<DurableRecord, { readonly type: 'storeEntry' }>
export type StoreCleared = Extract<DurableRecord, { readonly type: 'storeCleared' }>
export type BatchesDeleted = Extract<DurableRecord, { readonly type: 'batchesDeleted' }>
export type BatchRecord = Extract<DurableRecord, { readonly type: 'batch' }>

export interface JournalRow {
  /** Of all commits of this broker no other has it: tells one that is tried again. */
  readonly commitId: number
  /**
   * What they delete, or clear, was in the journal before; the commit's own batches come after, and so do
   * entries of the stores.
   */
  readonly records: readonly (RowRecord | BatchesDeleted | StoreCleared)[]
  /** More of them, as numbers: see {@link packedProducers}. */
  readonly producers?: Float64Array<ArrayBuffer>
  /** The batches, and of each three numbers: partition id, base offset, bytes. */
  readonly batches?: ArrayBuffer
  readonly places?: Float64Array<ArrayBuffer>
  /** The rows of all records before are written; of batches that is not said. */
  readonly areRowsWritten?: true
}

export type KeyedJournalRow = readonly [JournalKey | JournalPartKey, JournalRow]

/** What a newer broker leaves in the place of an older one's next row. */
export interface ClosingRow {
  readonly closedBy: number
}

export interface PlacedBatch extends StoredBatch {
  readonly partitionId: PartitionId
}

export type ProducerRecord = Extract<DurableRecord, { readonly type: 'producer' }>
export type ProducerPut = ProducerRecord & { readonly value: ProducerRow }
/** What {@link isPackable} leaves out is not in it; whatever else it comes to have, is. */
type PackedProducerBatch = Required<Omit<ProducerBatch, 'repeats' | 'isAppended'>>
type PackedBatches = Required<Pick<JournalRow, 'batches' | 'places'>>

const PLACE_NUMBERS = 3
const PRODUCER_NUMBERS = 5
const PRODUCER_BATCH_NUMBERS = 3
/** Of one row of the journal. */
const ROW_BYTES_MAX = 64 * 1024

/** For as many rows as it takes; the first has so many bytes less, and perhaps no room. */
export function packedBatches(
  placed: readonly PlacedBatch[],
  bytesInFirst: number,
): (PackedBatches | undefined)[] {
  const chunks: PlacedBatch[][] = [[]]
  let room = ROW_BYTES_MAX - bytesInFirst
  for (const batch of placed) {
    const { byteLength } = batch.bytes
    if (byteLength > room) {
      chunks.push([])
      room = ROW_BYTES_MAX
    }
    chunks.at(-1)?.push(batch)
    room -= byteLength
  }
  return chunks.map((chunk) =>
    chunk.length === 0 ? undefined : { batches: joined(chunk), places: placesOf(chunk) },
  )
}

function placesOf(placed: readonly PlacedBatch[]): Float64Array<ArrayBuffer> {
  const places = new Float64Array(placed.length * PLACE_NUMBERS)
  let at = 0
  for (const { partitionId, baseOffset, bytes } of placed) {
    places[at++] = partitionId
    places[at++] = baseOffset
    places[at++] = bytes.byteLength
  }
  return places
}

/** Views of the row's buffer. */
export function batchesIn({ batches, places }: JournalRow): PlacedBatch[] {
  if (batches === undefined || places === undefined) return []
  const next = reader(places)
  const found: PlacedBatch[] = []
  let start = 0
  for (let left = places.length / PLACE_NUMBERS; left > 0; left--) {
    const partitionId = next() as PartitionId
    const baseOffset = next()
    const bytes = new Uint8Array(batches, start, next())
    found.push({ partitionId, baseOffset, bytes })
    start += bytes.byteLength
  }
  return found
}

/** Whether it is nothing but numbers: what was told of repeats is not. */
export function isPackable(record: RowRecord): record is ProducerPut {
  if (record.type !== 'producer' || record.value === null) return false
  return record.value.batches.every(
    ({ repeats, isAppended }) => repeats === undefined && isAppended === undefined,
  )
}

/**
 * Of each: partition id, producer id, producer epoch, updatedAtMs, how many batches, and of each of
 * these the first sequence, the last and the base offset.
 */
export function packedProducers(records: readonly ProducerPut[]): Float64Array<ArrayBuffer> {
  const length = records.reduce(
    (sum, { value }) => sum + PRODUCER_NUMBERS + PRODUCER_BATCH_NUMBERS * value.batches.length,
    0,
  )
  const numbers = new Float64Array(length)
  let at = 0
  for (const { partitionId, producerId, value } of records) {
    numbers[at++] = partitionId
    numbers[at++] = producerId
    numbers[at++] = value.producerEpoch
    numbers[at++] = value.updatedAtMs
    numbers[at++] = value.batches.length
    for (const { firstSequence, lastSequence, baseOffset } of value.batches) {
      numbers[at++] = firstSequence
      numbers[at++] = lastSequence
      numbers[at++] = baseOffset
    }
  }
  return numbers
}

export function producersIn({ producers }: JournalRow): ProducerPut[] {
  if (producers === undefined) return []
  const next = reader(producers)
  const found: ProducerPut[] = []
  for (let at = 0; at < producers.length;) {
    const partitionId = next() as PartitionId
    const producerId = next() as ProducerId
    const producerEpoch = next()
    const updatedAtMs = next()
    const batches = Array.from({ length: next() }, () => {
      const firstSequence = next()
      const lastSequence = next()
      return { firstSequence, lastSequence, baseOffset: next() } satisfies PackedProducerBatch
    })
    // Whatever else a row comes to have has to be packed as well.
    const value: Required<ProducerRow> = { producerEpoch, batches, updatedAtMs }
    found.push({ type: 'producer', partitionId, producerId, value })
    at += PRODUCER_NUMBERS + PRODUCER_BATCH_NUMBERS * batches.length
  }
  return found
}

function reader(numbers: Float64Array): () => number {
  let at = 0
  return () => definedOrThrow(numbers[at++], () => 'a row of the journal breaks off')
}
