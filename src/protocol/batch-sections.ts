/**
 * Where the sections of a batch's index begin, so that one record can be read without all others of its
 * batch. An index does not say it; it is found out once for each buffer.
 */
import { BATCH_HEADER_BYTES, parseBatchHeader } from './batch-header.js'
import { BatchIndexReader } from './batch-index.js'
import { TabmqError } from './errors.js'

export interface BatchSection {
  readonly firstOffset: number
  readonly recordCount: number
  /** In bytes, from the beginning of the index. */
  readonly position: number
}

const known = new WeakMap<ArrayBuffer, readonly BatchSection[]>()

/** @throws TabmqError CORRUPT_MESSAGE, also when the header counts other records than the index has */
export function sectionsOf(batch: ArrayBuffer): readonly BatchSection[] {
  const { baseOffset, recordCount, indexBytes } = parseBatchHeader(batch)
  const before = known.get(batch)
  if (before?.[0]?.firstOffset === baseOffset) return before
  const reader = new BatchIndexReader(new Uint8Array(batch, BATCH_HEADER_BYTES, indexBytes))
  const sections: BatchSection[] = []
  let firstOffset = baseOffset
  for (;;) {
    const { position } = reader
    const count = reader.nextSection()
    if (count === 0) break
    sections.push({ firstOffset, recordCount: count, position })
    for (let left = count; left > 0; left--) reader.nextRecord()
    firstOffset += count
  }
  const found = firstOffset - baseOffset
  if (found !== recordCount) {
    const message = `the header says ${recordCount} records, the index has ${found}`
    throw new TabmqError('CORRUPT_MESSAGE', message, {})
  }
  known.set(batch, sections)
  return sections
}

/** A reader of one section's records, of which the first is the next. */
export function sectionReader(batch: ArrayBuffer, { position }: BatchSection): BatchIndexReader {
  const { indexBytes } = parseBatchHeader(batch)
  const start = BATCH_HEADER_BYTES + position
  const reader = new BatchIndexReader(new Uint8Array(batch, start, indexBytes - position))
  reader.nextSection()
  return reader
}

/** Those in which any of the offsets is. */
export function sectionsWith(
  batch: ArrayBuffer,
  offsets: Iterable<number>,
): ReadonlySet<BatchSection> {
  const sections = sectionsOf(batch)
  const found = new Set<BatchSection>()
  for (const offset of offsets) {
    let low = 0
    let high = sections.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sections[middle] as BatchSection).firstOffset <= offset) low = middle + 1
      else high = middle
    }
    const section = sections[low - 1]
    if (section !== undefined) found.add(section)
  }
  return found
}
