/**
 * Reads of a batch what the broker must know of single records before it can deliver them: the one
 * place of the share groups that looks into a batch's index. A batch that says in its header that none
 * of its records is special is not looked into, unless keys are wanted.
 */
import {
  BATCH_HEADER_BYTES,
  nextOffsetOf,
  parseBatchHeader,
  type ReadBatchHeader,
} from '../../protocol/batch-header.js'
import { BatchIndexReader } from '../../protocol/batch-index.js'
import { hasCode } from '../../protocol/errors.js'

/** Neighbours that are special in the same way. */
export interface RecordFacts {
  /** Offsets, both inclusive. */
  readonly firstOffset: number
  readonly lastOffset: number
  /** Uses up its offset, and is delivered to nobody. */
  readonly isVoid: boolean
  /** In ms since 1970; 0 for at once. */
  readonly deliverAtMs: number
  /** In ms since 1970; Infinity for never. */
  readonly expiresAtMs: number
  /** Higher is sooner; 0 for no priority. */
  readonly priority: number
}

/** What is known of the records from one offset up to another, the last one exclusive. */
export interface BatchFacts {
  readonly firstOffset: number
  readonly nextOffset: number
  /** Of the records in their order, 0 where one has none, as those have that are missing at the end;
   * undefined when keys were not looked at. */
  readonly keyHashes: readonly number[] | undefined
  /** In the order of offsets, without plain records. */
  readonly special: readonly RecordFacts[]
}

/**
 * An index that cannot be read tells nothing: its records are delivered as plain ones, for whoever gets
 * them to say so.
 * @throws TabmqError CORRUPT_MESSAGE when the header cannot be read
 */
export function readFacts(batch: ArrayBuffer, { withKeys }: { withKeys: boolean }): BatchFacts {
  const header = parseBatchHeader(batch)
  const { baseOffset: firstOffset } = header
  const nextOffset = nextOffsetOf(header)
  const plain = { firstOffset, nextOffset, keyHashes: undefined, special: [] }
  if (!withKeys && !header.hasProperties && !header.hasVoid) return plain
  try {
    return readIndex(batch, header, withKeys)
  } catch (error) {
    if (!hasCode(error, 'CORRUPT_MESSAGE')) throw error
    return withKeys ? { ...plain, keyHashes: [] } : plain
  }
}

function readIndex(batch: ArrayBuffer, header: ReadBatchHeader, withKeys: boolean): BatchFacts {
  const firstOffset = header.baseOffset
  const nextOffset = nextOffsetOf(header)
  const reader = new BatchIndexReader(new Uint8Array(batch, BATCH_HEADER_BYTES, header.indexBytes))
  const keyHashes: number[] = []
  const special: RecordFacts[] = []
  let offset = firstOffset
  for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
    for (; left > 0 && offset < nextOffset; left--) {
      reader.nextRecord()
      if (withKeys) keyHashes.push(reader.hasKey ? hashOf(reader) : 0)
      if (reader.isVoid || reader.hasProperties) noteSpecial(special, offset, reader)
      offset += 1
    }
  }
  return { firstOffset, nextOffset, keyHashes: withKeys ? keyHashes : undefined, special }
}

function noteSpecial(special: RecordFacts[], offset: number, reader: BatchIndexReader): void {
  const { isVoid, priority, deliverAtMs = 0, expiresAtMs = Infinity } = reader
  // What only has an id is as plain as others.
  if (!isVoid && priority === 0 && deliverAtMs <= 0 && expiresAtMs === Infinity) return
  const before = special.at(-1)
  const isAlike =
    before !== undefined &&
    before.lastOffset + 1 === offset &&
    before.isVoid === isVoid &&
    before.deliverAtMs === deliverAtMs &&
    before.expiresAtMs === expiresAtMs &&
    before.priority === priority
  if (isAlike) special[special.length - 1] = { ...before, lastOffset: offset }
  else
    special.push({
      firstOffset: offset,
      lastOffset: offset,
      isVoid,
      deliverAtMs,
      expiresAtMs,
      priority,
    })
}

/** FNV-1a, never 0. Two keys of one hash only wait for each other. */
function hashOf({ source, keyStart, keyEnd }: BatchIndexReader): number {
  let hash = 0x811c9dc5
  for (let at = keyStart; at < keyEnd; at++) {
    hash = Math.imul(hash ^ (source[at] as number), 0x01000193)
  }
  return hash === 0 ? 1 : hash
}
