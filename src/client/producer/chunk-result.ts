/**
 * What became of one chunk of a batch, and of what a `send` has for one partition, which may be several
 * chunks: where it is, and which of its messages were there before, under their ids.
 */
import type { ProducedBatch } from '../../protocol/requests/log.js'
import { definedOrThrow } from '../../std/assert.js'

/** A message that was there already. */
export interface Repeat {
  /** Which message of the chunk it is, from 0. */
  readonly index: number
  readonly partition: number
  readonly offset: number
}

export interface ChunkResult {
  readonly recordCount: number
  /** Of the first message, whether or not that is void. */
  readonly baseOffset: number
  readonly repeats: readonly Repeat[]
  /** Where the chunk is if nothing of it was stored. */
  readonly original: Omit<Repeat, 'index'> | undefined
}

/** Where the messages of a `send` for one partition are. */
export interface ShareResult {
  readonly partition: number
  readonly baseOffset: number
  readonly duplicate?: true
  readonly duplicates?: readonly DuplicateMessage[]
}

/** A message that was there already: it was not stored again. */
export interface DuplicateMessage {
  readonly messageId: string
  /** Where the first message with this id is. */
  readonly partition: number
  readonly offset: number
}

const NO_REPEATS: readonly Repeat[] = []

/** Of the records from `recordsBefore` on. */
export function chunkResult(
  produced: ProducedBatch,
  { recordsBefore, recordCount }: { recordsBefore: number; recordCount: number },
): ChunkResult {
  const baseOffset = produced.baseOffset + recordsBefore
  if (produced.repeats === undefined) {
    return { recordCount, baseOffset, repeats: NO_REPEATS, original: undefined }
  }
  const { indexes, partitions, offsets } = produced.repeats
  const repeats: Repeat[] = []
  for (let at = firstAtLeast(indexes, recordsBefore); at < indexes.length; at++) {
    const [index = 0, partition = 0, offset = 0] = [indexes[at], partitions[at], offsets[at]]
    if (index >= recordsBefore + recordCount) break
    repeats.push({ index: index - recordsBefore, partition, offset })
  }
  const isNew = produced.isAppended !== false && repeats.length < recordCount
  // Of a batch that was sent again long after, only the first original may be known.
  const first = { partition: partitions[0] ?? 0, offset: offsets[0] ?? 0 }
  return { recordCount, baseOffset, repeats, original: isNew ? undefined : (repeats[0] ?? first) }
}

/** Where in an ascending list that number is, or would be. */
function firstAtLeast(numbers: Uint32Array, least: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) < least) low = middle + 1
    else high = middle
  }
  return low
}

/** `messageIds`: of all messages of the chunks, if any of them has one. */
export function shareResult(
  chunks: readonly ChunkResult[],
  { partition, messageIds }: { partition: number; messageIds: MessageIdsOfShare },
): ShareResult {
  const first = definedOrThrow(chunks[0], () => 'a share without a chunk')
  if (chunks.every(({ repeats, original }) => repeats.length === 0 && original === undefined)) {
    return { partition, baseOffset: first.baseOffset }
  }
  const duplicates = duplicatesOf(chunks, messageIds)
  const stored = chunks.find(({ original }) => original === undefined)
  if (stored !== undefined) return { partition, baseOffset: firstStored(stored), duplicates }
  const original = definedOrThrow(first.original, () => 'nothing stored, and no original')
  return {
    partition: original.partition,
    baseOffset: original.offset,
    duplicate: true,
    duplicates,
  }
}

export type MessageIdsOfShare = readonly (string | undefined)[] | undefined

function duplicatesOf(
  chunks: readonly ChunkResult[],
  messageIds: MessageIdsOfShare,
): DuplicateMessage[] {
  const duplicates: DuplicateMessage[] = []
  let recordsBefore = 0
  for (const { recordCount, repeats } of chunks) {
    for (const { index, partition, offset } of repeats) {
      const messageId = messageIds?.[recordsBefore + index]
      if (messageId !== undefined) duplicates.push({ messageId, partition, offset })
    }
    recordsBefore += recordCount
  }
  return duplicates
}

function firstStored({ baseOffset, repeats }: ChunkResult): number {
  let index = 0
  while (repeats[index]?.index === index) index++
  return baseOffset + index
}
