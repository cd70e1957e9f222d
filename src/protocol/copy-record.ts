/**
 * Takes records out of a stored batch and makes a batch of their own of them, for another partition:
 * what the broker does with dead letters. Values are not decoded, since the broker knows no codec,
 * so records take along what cannot be told apart from their values: with a codec that puts each value
 * behind its length nothing; with the structured one their chunks, and with gzip all chunks, which are
 * one stream. So those of one batch are copied together. The records that come along are void, without
 * keys, headers and properties.
 *
 * A copy has key, value, headers and priority of the record. It is neither delayed nor does it expire,
 * it has no message id, since it is no repeat, and no producer.
 */
import { assert } from '../std/assert.js'
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
  writeIndexRecord,
  writeIndexSection,
  type IndexHeader,
  type IndexRecord,
} from './batch-index.js'
import { sectionReader, sectionsOf, sectionsWith, type BatchSection } from './batch-sections.js'
import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import { hasCode } from './errors.js'
import { utf8Bytes } from './utf8-bytes.js'

const U32_MAX = 0xffff_ffff

export type AddedHeaders = readonly (readonly [name: string, value: string])[]

export interface CopyRecordsOptions {
  /** Those of the records' own whose name begins so are left out. */
  readonly withoutHeaders?: string
  /** Default: the records' own. */
  readonly timestampMs?: number
  /** They have none in the copy: for what is too large with them, or has none that can be read. */
  readonly withoutValues?: boolean
}

/** A section of the index as far as the copy needs it. */
interface Section {
  /** Of each record, whether it has no value. */
  readonly tombstones: readonly boolean[]
  /** The records to copy that are in this section, by which of its records they are, rising. */
  readonly wanted: ReadonlyMap<number, Wanted>
}

interface Wanted {
  /** As it will be. */
  readonly record: IndexRecord
  /** At least what its value takes. */
  readonly valueBytesMax: number
}

/** A section as it will be, and the frame with its values. */
interface Part {
  readonly section: Section
  readonly values: Uint8Array
}

const NOT_WANTED: Section = { tombstones: [], wanted: new Map() }
const NO_VALUES = new Uint8Array(VALUES_FRAME_BYTES)

/**
 * The records at these offsets of a batch, alone in a batch that has yet to get its place in a log, in
 * their order, each with headers that come behind its own.
 * @throws TabmqError CORRUPT_MESSAGE when the batch is no batch
 */
export function copyRecords(
  batch: ArrayBuffer,
  wanted: ReadonlyMap<number, AddedHeaders>,
  options: CopyRecordsOptions = {},
): ArrayBuffer {
  const header = parseBatchHeader(batch)
  const { baseOffset, indexBytes, valuesBytes, codecId, compression } = header
  for (const offset of wanted.keys()) {
    assert(
      offset >= baseOffset && offset < nextOffsetOf(header),
      () => `offset ${offset} is not in the batch at ${baseOffset}`,
    )
  }
  // What is one stream comes along whole, with a place for each of its records.
  const isOneStream = compression !== COMPRESSION_NONE
  const read = isOneStream ? new Set(sectionsOf(batch)) : sectionsWith(batch, wanted.keys())
  const values = new Uint8Array(batch, BATCH_HEADER_BYTES + indexBytes, valuesBytes)
  const sections = sectionsOf(batch).map((section) =>
    read.has(section) ? readSection(batch, section, { wanted, header, options }) : NOT_WANTED,
  )
  if (!isOneStream || sections.every(hasNoValues)) {
    return write(takenApart(sections, values, header), { codecId, compression: COMPRESSION_NONE })
  }
  const [first, ...others] = sections.map((section) => ({ section, values: new Uint8Array() }))
  const whole = first === undefined ? [] : [{ ...first, values }, ...others]
  return write(whole, { codecId, compression })
}

/** Records without key and value, for such as cannot be copied. */
export function emptyRecords(wanted: readonly AddedHeaders[], timestampMs: number): ArrayBuffer {
  const records = wanted.map((headers): Wanted => {
    const record = { ...voidRecord(timestampMs, true), headers: headersOf(headers), isVoid: false }
    return { record, valueBytesMax: 0 }
  })
  const parts = [partOf(records, NO_VALUES)]
  return write(parts, { codecId: STRUCTURED_CODEC_ID, compression: COMPRESSION_NONE })
}

interface CopyTerms {
  readonly wanted: ReadonlyMap<number, AddedHeaders>
  readonly header: ReadBatchHeader
  readonly options: CopyRecordsOptions
}

function readSection(
  batch: ArrayBuffer,
  section: BatchSection,
  { wanted: wantedHeaders, header, options }: CopyTerms,
): Section {
  const reader = sectionReader(batch, section)
  const tombstones: boolean[] = []
  const wanted = new Map<number, Wanted>()
  for (let at = 0; at < section.recordCount; at++) {
    const offset = section.firstOffset + at
    const start = reader.position
    reader.nextRecord()
    tombstones.push(reader.isTombstone)
    const headers = wantedHeaders.get(offset)
    if (headers === undefined) continue
    assert(!reader.isVoid, () => `the record at ${offset} is void`)
    const record = copied(reader.record(), headers, options)
    const indexBytes = reader.position - start
    const valueBytesMax = record.isTombstone
      ? 0
      : Math.max(0, header.largestMessageBytes - indexBytes)
    wanted.set(at, { record, valueBytesMax })
  }
  return { tombstones, wanted }
}

function hasNoValues({ wanted }: Section): boolean {
  return [...wanted.values()].every(({ record }) => record.isTombstone)
}

/** Of each section with any that are wanted what these need. */
function takenApart(
  sections: readonly Section[],
  values: Uint8Array,
  { codecId }: ReadBatchHeader,
): Part[] {
  const reader = new ByteReader(values)
  const parts: Part[] = []
  // Behind the last value that is wanted nothing is read.
  let left = sections.filter((section) => !hasNoValues(section)).length
  for (const section of sections) {
    if (hasNoValues(section)) {
      if (section.wanted.size > 0) parts.push(partOf([...section.wanted.values()], NO_VALUES))
      if (left > 0) reader.skip(reader.u32())
      continue
    }
    left -= 1
    const frame = reader.bytes(reader.u32())
    const isOfOne = codecId === STRUCTURED_CODEC_ID
    parts.push(isOfOne ? wholeChunk(section, frame) : singleValues(section, frame))
  }
  return parts
}

function wholeChunk({ tombstones, wanted }: Section, frame: Uint8Array): Part {
  const limited = [...wanted].map(([at, one]): [number, Wanted] => {
    return [at, { ...one, valueBytesMax: Math.min(one.valueBytesMax, frame.length) }]
  })
  return { section: { tombstones, wanted: new Map(limited) }, values: framed(frame) }
}

/** The records' values alone; the whole chunk if that is not what it should be. */
function singleValues(section: Section, frame: Uint8Array): Part {
  try {
    const reader = new ByteReader(frame)
    const writer = new ByteWriter()
    const alone: Wanted[] = []
    for (const [at, isTombstone] of section.tombstones.entries()) {
      const one = section.wanted.get(at)
      if (isTombstone) {
        if (one !== undefined) alone.push(one)
      } else if (one === undefined) reader.skip(reader.size())
      else {
        const value = reader.sizedBytes()
        writer.sizedBytes(value)
        alone.push({ ...one, valueBytesMax: Math.min(one.valueBytesMax, value.length) })
      }
      if (alone.length === section.wanted.size) break
    }
    return partOf(alone, framed(writer.finish()))
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return wholeChunk(section, frame)
    throw error
  }
}

/** Nothing but these. */
function partOf(wanted: readonly Wanted[], values: Uint8Array): Part {
  const tombstones = wanted.map(({ record }) => record.isTombstone)
  return { section: { tombstones, wanted: new Map(wanted.entries()) }, values }
}

function framed(frame: Uint8Array): Uint8Array {
  const writer = new ByteWriter(VALUES_FRAME_BYTES + frame.length)
  writer.u32(frame.length)
  writer.bytes(frame)
  return writer.finish()
}

function headersOf(added: AddedHeaders): IndexHeader[] {
  return added.map(([name, value]) => ({
    name: utf8Bytes(name),
    value: utf8Bytes(value),
    valueIsString: true,
  }))
}

function copied(
  record: IndexRecord,
  added: AddedHeaders,
  options: CopyRecordsOptions,
): IndexRecord {
  const { withoutHeaders, timestampMs = record.timestampMs, withoutValues = false } = options
  const without = withoutHeaders === undefined ? undefined : utf8Bytes(withoutHeaders)
  const kept =
    without === undefined
      ? record.headers
      : record.headers.filter(({ name }) => !without.every((byte, at) => name[at] === byte))
  const priority = record.properties?.priority
  return {
    ...record,
    timestampMs,
    isTombstone: record.isTombstone || withoutValues,
    headers: [...kept, ...headersOf(added)],
    properties: priority === undefined ? undefined : { priority },
  }
}

function write(
  parts: readonly Part[],
  { codecId, compression }: { codecId: number; compression: number },
): ArrayBuffer {
  const records = parts.flatMap(({ section }) => [...section.wanted.values()])
  const times = records.map(({ record }) => record.timestampMs)
  const [firstTimestampMs = 0] = times
  const index = new ByteWriter()
  let recordCount = 0
  let largestMessageBytes = 0
  for (const { section } of parts) {
    const { tombstones, wanted } = section
    writeIndexSection(index, tombstones.length, firstTimestampMs)
    recordCount += tombstones.length
    for (const [at, isTombstone] of tombstones.entries()) {
      const start = index.length
      const one = wanted.get(at)
      const record = one?.record ?? voidRecord(firstTimestampMs, isTombstone)
      writeIndexRecord(index, firstTimestampMs, record)
      const bytes = one === undefined ? 0 : index.length - start + one.valueBytesMax
      largestMessageBytes = Math.max(largestMessageBytes, bytes)
    }
  }
  const valuesBytes = parts.reduce((sum, { values }) => sum + values.length, 0)
  const batch = new ArrayBuffer(BATCH_HEADER_BYTES + index.length + valuesBytes)
  writeBatchHeader(batch, {
    codecId,
    compression,
    recordCount,
    firstTimestampMs,
    maxTimestampMs: times.reduce((a, b) => Math.max(a, b), firstTimestampMs),
    indexBytes: index.length,
    valuesBytes,
    largestMessageBytes: Math.min(largestMessageBytes, U32_MAX),
    hasProperties: records.some(({ record }) => record.properties !== undefined),
  })
  if (recordCount > records.length) writeBatchHasVoid(batch)
  const bytes = new Uint8Array(batch)
  let at = BATCH_HEADER_BYTES
  for (const piece of [index.finish(), ...parts.map(({ values }) => values)]) {
    bytes.set(piece, at)
    at += piece.length
  }
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
