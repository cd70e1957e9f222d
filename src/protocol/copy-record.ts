/**
 * Takes one record out of a stored batch and makes a batch of its own of it, for another partition:
 * what the broker does with a dead letter. Values are not decoded, since the broker knows no codec,
 * so the record takes along what cannot be told apart from its value: with a codec that puts each value
 * behind its length nothing; with the structured one its chunk, and with gzip all chunks, which are
 * one stream. The records that come along are void, without keys, headers and properties.
 *
 * The copy has key, value, headers and priority of the record. It is neither delayed nor does it expire,
 * it has no message id, since it is no repeat, and no producer.
 */
import { assert, definedOrThrow } from '../std/assert.js'
import {
  BATCH_HEADER_BYTES,
  COMPRESSION_NONE,
  nextOffsetOf,
  parseBatchHeader,
  STRUCTURED_CODEC_ID,
  VALUES_FRAME_BYTES,
  writeBatchHeader,
  writeBatchHasVoid,
  type ReadBatchHeader,
} from './batch-header.js'
import {
  BatchIndexReader,
  writeIndexRecord,
  writeIndexSection,
  type IndexHeader,
  type IndexRecord,
} from './batch-index.js'
import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import { hasCode, TabmqError } from './errors.js'
import { utf8Bytes } from './utf8-bytes.js'

const U32_MAX = 0xffff_ffff

export interface CopyRecordOptions {
  /** Those of the record's own whose name begins so are left out. */
  readonly withoutHeaders?: string
  /** Come behind the record's own. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Default: the record's own. */
  readonly timestampMs?: number
}

/** A section of the index as far as the copy needs it. */
interface Section {
  /** Of each record, whether it has no value. */
  readonly tombstones: readonly boolean[]
  /** The record to copy, if it is in this section. */
  readonly wanted: Wanted | undefined
}

interface Wanted {
  /** Which of its section's records it is. */
  readonly at: number
  readonly record: IndexRecord
  /** What it takes of the index. */
  readonly indexBytes: number
}

/** The section of the record, and the frame with its value. */
interface Source {
  readonly section: Section
  readonly wanted: Wanted
  readonly frame: Uint8Array
}

interface Copy {
  readonly sections: readonly Section[]
  readonly record: IndexRecord
  readonly values: Uint8Array
  /** At least what its value takes. */
  readonly valueBytesMax: number
  readonly compression: number
}

/**
 * The record at `offset` of a batch, alone in a batch that has yet to get its place in a log.
 * @throws TabmqError CORRUPT_MESSAGE when the batch is no batch
 */
export function copyRecord(
  batch: ArrayBuffer,
  offset: number,
  options: CopyRecordOptions = {},
): ArrayBuffer {
  const header = parseBatchHeader(batch)
  const { baseOffset, indexBytes, valuesBytes, codecId } = header
  assert(
    offset >= baseOffset && offset < nextOffsetOf(header),
    () => `offset ${offset} is not in the batch at ${baseOffset}`,
  )
  const index = new Uint8Array(batch, BATCH_HEADER_BYTES, indexBytes)
  const values = new Uint8Array(batch, BATCH_HEADER_BYTES + indexBytes, valuesBytes)
  const sections = readSections(index, header, offset - baseOffset)
  const sectionAt = sections.findIndex(({ wanted }) => wanted !== undefined)
  const section = definedOrThrow(sections[sectionAt], () => 'a record that is in no section')
  const wanted = definedOrThrow(section.wanted, () => 'a record that is in no section')
  const record = copied(wanted.record, options)
  const valueBytesMax = Math.max(0, header.largestMessageBytes - wanted.indexBytes)
  if (wanted.record.isTombstone) {
    const alone = { sections: [only(wanted)], values: new Uint8Array(VALUES_FRAME_BYTES) }
    return write({ ...alone, record, valueBytesMax: 0, compression: COMPRESSION_NONE }, codecId)
  }
  if (header.compression !== COMPRESSION_NONE) {
    const { compression } = header
    return write({ sections, record, values, valueBytesMax, compression }, codecId)
  }
  const source = { section, wanted, frame: frameAt(values, sectionAt) }
  const taken = codecId === STRUCTURED_CODEC_ID ? wholeChunk(source) : singleValue(source)
  const limit = Math.min(valueBytesMax, taken.valueBytesMax)
  return write({ ...taken, record, valueBytesMax: limit, compression: COMPRESSION_NONE }, codecId)
}

function readSections(index: Uint8Array, header: ReadBatchHeader, wantedAt: number): Section[] {
  const reader = new BatchIndexReader(index)
  const sections: Section[] = []
  let recordCount = 0
  for (let count = reader.nextSection(); count > 0; count = reader.nextSection()) {
    const tombstones: boolean[] = []
    let wanted: Wanted | undefined
    for (let at = 0; at < count; at++) {
      const start = reader.position
      reader.nextRecord()
      tombstones.push(reader.isTombstone)
      if (recordCount + at !== wantedAt) continue
      assert(!reader.isVoid, () => `record ${wantedAt} is void`)
      wanted = { at, record: reader.record(), indexBytes: reader.position - start }
    }
    sections.push({ tombstones, wanted })
    recordCount += count
  }
  if (recordCount === header.recordCount) return sections
  throw corrupt(`the header says ${header.recordCount} records, the index has ${recordCount}`)
}

/** The frame of a section, without its length. */
function frameAt(values: Uint8Array, sectionAt: number): Uint8Array {
  const reader = new ByteReader(values)
  for (let before = 0; before < sectionAt; before++) reader.skip(reader.u32())
  return reader.bytes(reader.u32())
}

type Taken = Pick<Copy, 'sections' | 'values' | 'valueBytesMax'>

function wholeChunk({ section, frame }: Source): Taken {
  return { sections: [section], values: framed(frame), valueBytesMax: frame.length }
}

/** The record's value alone; the whole chunk if that is not what it should be. */
function singleValue(source: Source): Taken {
  const { section, wanted, frame } = source
  try {
    const reader = new ByteReader(frame)
    const before = section.tombstones.slice(0, wanted.at).filter((isTombstone) => !isTombstone)
    for (const _ of before) reader.skip(reader.size())
    const value = reader.sizedBytes()
    const writer = new ByteWriter(value.length + 8)
    writer.sizedBytes(value)
    const values = framed(writer.finish())
    return { sections: [only(wanted)], values, valueBytesMax: value.length }
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return wholeChunk(source)
    throw error
  }
}

function only(wanted: Wanted): Section {
  return { tombstones: [wanted.record.isTombstone], wanted: { ...wanted, at: 0 } }
}

function framed(frame: Uint8Array): Uint8Array {
  const writer = new ByteWriter(VALUES_FRAME_BYTES + frame.length)
  writer.u32(frame.length)
  writer.bytes(frame)
  return writer.finish()
}

function copied(record: IndexRecord, options: CopyRecordOptions): IndexRecord {
  const added = (options.headers ?? []).map(([name, value]): IndexHeader => ({
    name: utf8Bytes(name),
    value: utf8Bytes(value),
    valueIsString: true,
  }))
  const { withoutHeaders } = options
  const without = withoutHeaders === undefined ? undefined : utf8Bytes(withoutHeaders)
  const kept =
    without === undefined
      ? record.headers
      : record.headers.filter(({ name }) => !without.every((byte, at) => name[at] === byte))
  const priority = record.properties?.priority
  return {
    ...record,
    timestampMs: options.timestampMs ?? record.timestampMs,
    headers: [...kept, ...added],
    properties: priority === undefined ? undefined : { priority },
  }
}

function write(copy: Copy, codecId: number): ArrayBuffer {
  const { sections, record, values, compression } = copy
  const { timestampMs } = record
  const index = new ByteWriter()
  let recordCount = 0
  let recordBytes = 0
  for (const { tombstones, wanted } of sections) {
    writeIndexSection(index, tombstones.length, timestampMs)
    recordCount += tombstones.length
    for (const [at, isTombstone] of tombstones.entries()) {
      const start = index.length
      const isWanted = at === wanted?.at
      writeIndexRecord(index, timestampMs, isWanted ? record : voidRecord(timestampMs, isTombstone))
      if (isWanted) recordBytes = index.length - start
    }
  }
  const batch = new ArrayBuffer(BATCH_HEADER_BYTES + index.length + values.length)
  writeBatchHeader(batch, {
    codecId,
    compression,
    recordCount,
    firstTimestampMs: timestampMs,
    maxTimestampMs: timestampMs,
    indexBytes: index.length,
    valuesBytes: values.length,
    largestMessageBytes: Math.min(recordBytes + copy.valueBytesMax, U32_MAX),
    hasProperties: record.properties !== undefined,
  })
  if (recordCount > 1) writeBatchHasVoid(batch)
  const bytes = new Uint8Array(batch)
  bytes.set(index.finish(), BATCH_HEADER_BYTES)
  bytes.set(values, BATCH_HEADER_BYTES + index.length)
  return batch
}

/** It keeps its place, and says whether it has a value, which is there. */
function voidRecord(timestampMs: number, isTombstone: boolean): IndexRecord {
  return {
    timestampMs,
    key: undefined,
    keyIsString: false,
    isTombstone,
    headers: [],
    isVoid: true,
  }
}

function corrupt(reason: string): TabmqError {
  return new TabmqError('CORRUPT_MESSAGE', reason, {})
}
