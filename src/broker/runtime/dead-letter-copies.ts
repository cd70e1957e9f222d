/**
 * Puts dead letters together: copies of records with headers that say where each comes from and why, all
 * those of one batch at once. What cannot be copied, because its bytes are no record or it would be
 * too large, becomes a letter with a null value.
 */
import type { BatchIndexReader } from '../../protocol/batch-index.js'
import { sectionReader, sectionsOf, sectionsWith } from '../../protocol/batch-sections.js'
import {
  copyRecords,
  emptyRecords,
  type AddedHeaders,
  type CopyRecordsOptions,
} from '../../protocol/copy-record.js'
import { hasCode } from '../../protocol/errors.js'
import { TOPIC_NAME_LENGTH_MAX, type BrokerLimits } from '../../protocol/limits.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type { DeadLetter } from '../share/share-coordinator.js'

const DEAD_LETTER_PREFIX = 'dead-letter-'

/** Headers of a dead letter. One that dies again has several values of each, the last death's last. */
export const DEAD_LETTER_HEADERS = {
  topic: 'dead-letter-topic',
  partition: 'dead-letter-partition',
  offset: 'dead-letter-offset',
  group: 'dead-letter-group',
  cause: 'dead-letter-cause',
  reason: 'dead-letter-reason',
  deliveryCount: 'dead-letter-delivery-count',
  firstDeliveredAt: 'dead-letter-first-delivered-at',
  lastDeliveredAt: 'dead-letter-last-delivered-at',
} as const

const UNREADABLE_HEADER = ['dead-letter-unreadable', 'true'] as const

export interface Death {
  readonly topic: string
  readonly partition: string
  readonly cause: string
}

export interface CopyTerms {
  /** By its own time retention might take a letter at once. */
  readonly nowMs: number
  readonly limits: BrokerLimits
}

export interface DeathTerms extends CopyTerms {
  /** Where they died. */
  readonly from: AssignedPartition
}

/** Some of the letters, in one batch. */
export interface Copy {
  readonly letters: readonly DeadLetter[]
  readonly batch: ArrayBuffer
}

interface Piece {
  readonly letters: readonly DeadLetter[]
  /** Undefined when they cannot be copied. */
  readonly batch: ArrayBuffer | undefined
}

/** Copies of all, with where they come from, and why. */
export function deadLetterCopies(
  batch: ArrayBuffer,
  letters: readonly DeadLetter[],
  terms: DeathTerms,
): Copy[] {
  const { from, nowMs, limits } = terms
  const options = { timestampMs: nowMs }
  const headersOfOne = (letter: DeadLetter) => headersOf(letter, from)
  return pieces(letters, limits, (those) =>
    copyOf(batch, those, { headersOf: headersOfOne, options }),
  ).map((piece) => ({
    letters: piece.letters,
    batch: piece.batch ?? stubOf(batch, piece.letters, terms),
  }))
}

/** Letters of which there is nothing but that they died. */
export function deadLetterStubs(
  letters: readonly DeadLetter[],
  { from, nowMs }: Omit<DeathTerms, 'limits'>,
): Copy {
  return {
    letters,
    batch: emptyRecords(
      letters.map((one) => stubHeaders(one, from)),
      nowMs,
    ),
  }
}

/** Copies of those that can be copied, without whatever says that they were dead. */
export function redrivenCopies(
  batch: ArrayBuffer,
  letters: readonly DeadLetter[],
  { nowMs, limits }: CopyTerms,
): Copy[] {
  const options = { timestampMs: nowMs, withoutHeaders: DEAD_LETTER_PREFIX }
  const all = pieces(letters, limits, (those) =>
    copyOf(batch, those, { headersOf: () => [], options }),
  )
  return all.filter((piece): piece is Copy => piece.batch !== undefined)
}

export interface Autopsy {
  /** How the messages died before, the oldest death first. */
  readonly deaths: ReadonlyMap<number, readonly Death[]>
  /** Offsets of void records: of all of the batch, where any letter is redriven. */
  readonly voids: readonly number[]
}

/**
 * What the index of a batch says of these letters.
 * @throws TabmqError CORRUPT_MESSAGE
 */
export function readDeaths(batch: ArrayBuffer, letters: readonly DeadLetter[]): Autopsy {
  const wanted = new Set(letters.map(({ offset }) => offset))
  const isRedriven = letters.some(({ cause }) => cause === 'redriven')
  const deaths = new Map<number, readonly Death[]>()
  const voids: number[] = []
  for (const section of isRedriven ? sectionsOf(batch) : sectionsWith(batch, wanted)) {
    const reader = sectionReader(batch, section)
    const { firstOffset, recordCount } = section
    for (let offset = firstOffset; offset < firstOffset + recordCount; offset++) {
      reader.nextRecord()
      if (reader.isVoid) voids.push(offset)
      else if (wanted.has(offset)) deaths.set(offset, deathsIn(reader))
    }
  }
  return { deaths, voids }
}

/** Whether it died in the topic where it would come to lie, and nobody has rejected it since (X4). */
export function isCircle(
  deaths: readonly Death[],
  { topic, cause }: Pick<DeadLetter, 'topic' | 'cause'>,
): boolean {
  if (cause === 'rejected' || cause === 'redriven') return false
  const last = deaths.findLastIndex((death) => death.topic === topic)
  if (last < 0) return false
  return deaths.slice(last).every((death) => death.cause !== 'rejected')
}

/** In as few batches as their size allows. */
function pieces(
  letters: readonly DeadLetter[],
  limits: BrokerLimits,
  copy: (letters: readonly DeadLetter[]) => ArrayBuffer | undefined,
): Piece[] {
  const batch = copy(letters)
  if (batch === undefined || batch.byteLength <= limits.batchBytesMax) return [{ letters, batch }]
  if (letters.length === 1) return [{ letters, batch: undefined }]
  const middle = letters.length >> 1
  return [letters.slice(0, middle), letters.slice(middle)].flatMap((half) =>
    pieces(half, limits, copy),
  )
}

interface Manner {
  readonly headersOf: (letter: DeadLetter) => AddedHeaders
  readonly options: CopyRecordsOptions
}

function copyOf(
  batch: ArrayBuffer,
  letters: readonly DeadLetter[],
  { headersOf: headersOfOne, options }: Manner,
): ArrayBuffer | undefined {
  try {
    const wanted = new Map(letters.map((letter) => [letter.offset, headersOfOne(letter)]))
    return copyRecords(batch, wanted, options)
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return undefined
    throw error
  }
}

/** With key and headers of the records, if those can be had. */
function stubOf(
  batch: ArrayBuffer,
  letters: readonly DeadLetter[],
  { from, nowMs, limits }: DeathTerms,
): ArrayBuffer {
  const options = { timestampMs: nowMs, withoutValues: true }
  const stub = copyOf(batch, letters, { headersOf: (one) => stubHeaders(one, from), options })
  const isFit = stub !== undefined && stub.byteLength <= limits.batchBytesMax
  return isFit ? stub : deadLetterStubs(letters, { from, nowMs }).batch
}

function stubHeaders(letter: DeadLetter, from: AssignedPartition): AddedHeaders {
  return [...headersOf(letter, from), UNREADABLE_HEADER]
}

/** Where it comes from, and why. */
function headersOf(letter: DeadLetter, from: AssignedPartition): AddedHeaders {
  return [
    [DEAD_LETTER_HEADERS.topic, from.topic],
    [DEAD_LETTER_HEADERS.partition, String(from.partition)],
    [DEAD_LETTER_HEADERS.offset, String(letter.offset)],
    [DEAD_LETTER_HEADERS.group, letter.groupId],
    [DEAD_LETTER_HEADERS.cause, letter.cause],
    [DEAD_LETTER_HEADERS.reason, letter.reason],
    [DEAD_LETTER_HEADERS.deliveryCount, String(letter.deliveryCount)],
    [DEAD_LETTER_HEADERS.firstDeliveredAt, String(letter.firstDeliveredAtMs)],
    [DEAD_LETTER_HEADERS.lastDeliveredAt, String(letter.lastDeliveredAtMs)],
  ]
}

function deathsIn(reader: BatchIndexReader): Death[] {
  if (!reader.hasHeaders) return []
  const headers = reader.headers().map(({ name, value }) => [decode(name), value] as const)
  const valuesOf = (wanted: string) =>
    headers.flatMap(([name, value]) => (name === wanted ? [decode(value)] : []))
  const causes = valuesOf(DEAD_LETTER_HEADERS.cause)
  const partitions = valuesOf(DEAD_LETTER_HEADERS.partition)
  return valuesOf(DEAD_LETTER_HEADERS.topic).map((topic, index) => ({
    topic,
    partition: partitions[index] ?? '0',
    cause: causes[index] ?? 'rejected',
  }))
}

/** Of what is written here, and of names of topics, all is ASCII; what is longer is somebody else's. */
function decode(bytes: Uint8Array): string {
  if (bytes.length > TOPIC_NAME_LENGTH_MAX) return ''
  return String.fromCharCode(...bytes)
}
