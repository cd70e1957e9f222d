/**
 * Reads of the log that may need the disk: batches for fetches, offsets by timestamp, the head for
 * retention. Whatever was awaited, the log is looked up again afterwards: it may have moved, or be
 * another object after a reload.
 */
import { mapInGroups } from '../../std/promises.js'
import {
  nextOffsetOf,
  parseBatchHeader,
  type ReadBatchHeader,
} from '../../protocol/batch-header.js'
import { readBatchIndex } from '../../protocol/batch-index.js'
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { DISK_READERS_MAX } from '../../protocol/limits.js'
import type { PartitionId, SessionId } from '../../protocol/names.js'
import type {
  FetchedPartition,
  FetchPartition,
  ListedOffset,
  OffsetSpec,
} from '../../protocol/requests/log.js'
import type { PartitionResult } from '../../protocol/requests/partitions.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import type { PartitionLog } from '../log/partition-log.js'
import { failedPartition } from '../log/partition-result.js'
import type { PartitionLogs } from '../log/partition-logs.js'
import type { BatchRange, Storage } from '../ports.js'
import { FairTurns } from './fair-turns.js'

/** How many partitions are read from the disk at once. */
const READS_AT_ONCE = 16
const BATCHES_PER_READ_MAX = 4_096
/** What a look-up by time reads at once where it has to go through the batches. */
const WALK_BYTES_MAX = 4 * 1024 * 1024

export type FetchResult = PartitionResult<FetchedPartition>
type ListedResult = PartitionResult<ListedOffset>

export interface FetchTerms {
  readonly maxBytes: number
  /** Reads from the disk are shared out by tab. */
  readonly whose: SessionId
  /** Whether nobody wants it any more when its turn comes. */
  readonly isMoot: () => boolean
}

export class LogReader {
  readonly #storage: Storage
  readonly #logs: () => PartitionLogs
  /** No tab keeps the others from the disk, and what is read for all at once fits into memory. */
  readonly #turns = new FairTurns(DISK_READERS_MAX)
  /** What was read from the disk for one fetch: nobody else has it. */
  readonly #unshared = new WeakSet<ArrayBuffer>()

  constructor(storage: Storage, logs: () => PartitionLogs) {
    this.#storage = storage
    this.#logs = logs
  }

  /** Whether a batch that was fetched is needed by nobody but whoever fetched it. */
  isUnshared(batch: ArrayBuffer): boolean {
    return this.#unshared.has(batch)
  }

  /** Somebody else needs it too from now on. */
  share(batch: ArrayBuffer): void {
    this.#unshared.delete(batch)
  }

  /** What can be had now: partitions with batches or an error; the others are left out. */
  fetch(wanted: readonly FetchPartition[], terms: FetchTerms): Promise<FetchResult[]> {
    return this.#ofOneState(() => this.#fetchOnce(wanted, terms))
  }

  /** What was out of range in a state that was dropped while others were read may be there after all. */
  async #ofOneState<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      const logs = this.#logs()
      const results = await read()
      if (this.#logs() === logs) return results
    }
  }

  /** The same at once, where nothing of it is on the disk alone; else undefined. */
  fetchAtOnce(wanted: readonly FetchPartition[], maxBytes: number): FetchResult[] | undefined {
    const { results, onDisk } = this.#fetchAllFromTail(wanted, maxBytes)
    return onDisk.length === 0 ? results : undefined
  }

  async #fetchOnce(
    wanted: readonly FetchPartition[],
    { maxBytes, whose, isMoot }: FetchTerms,
  ): Promise<FetchResult[]> {
    const { results, onDisk, bytesLeft } = this.#fetchAllFromTail(wanted, maxBytes)
    if (onDisk.length === 0 || bytesLeft <= 0) return results
    const read = await this.#turns.run(whose, async () =>
      isMoot() ? [] : this.#fetchAllFromDisk(onDisk, bytesLeft),
    )
    return [...results, ...read]
  }

  #fetchAllFromTail(
    wanted: readonly FetchPartition[],
    maxBytes: number,
  ): { results: FetchResult[]; onDisk: FetchPartition[]; bytesLeft: number } {
    const results: FetchResult[] = []
    const onDisk: FetchPartition[] = []
    let bytesLeft = maxBytes
    for (const partition of wanted) {
      if (bytesLeft <= 0) break
      const result = this.#fetchFromTail(partition, bytesLeft)
      if (result === 'on disk') onDisk.push(partition)
      else if (result !== undefined) {
        results.push(result)
        bytesLeft -= bytesOf(result)
      }
    }
    return { results, onDisk, bytesLeft }
  }

  async #fetchAllFromDisk(
    wanted: readonly FetchPartition[],
    maxBytes: number,
  ): Promise<FetchResult[]> {
    const results: FetchResult[] = []
    const onDisk = [...wanted]
    let bytesLeft = maxBytes
    while (onDisk.length > 0 && bytesLeft > 0) {
      const next = onDisk.splice(0, READS_AT_ONCE)
      const share = Math.ceil(bytesLeft / next.length)
      const read = await Promise.all(next.map((partition) => this.#fetchFromDisk(partition, share)))
      for (const result of read) {
        if (result === undefined) continue
        results.push(result)
        bytesLeft -= bytesOf(result)
      }
    }
    return results
  }

  listOffsets(
    wanted: RequestOf<'listOffsets'>['partitions'],
    whose: SessionId,
  ): Promise<ListedResult[]> {
    return this.#turns.run(whose, () => this.#ofOneState(() => this.#listAll(wanted)))
  }

  #listAll(wanted: RequestOf<'listOffsets'>['partitions']): Promise<ListedResult[]> {
    return mapInGroups(wanted, READS_AT_ONCE, async ({ partitionId, at }) => {
      try {
        return { partitionId, ...(await this.#listOffset(partitionId, at)) }
      } catch (error) {
        return failedPartition(partitionId, error)
      }
    })
  }

  /** @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION */
  async #listOffset(partitionId: PartitionId, at: OffsetSpec): Promise<ListedOffset> {
    const log = this.#logs().findOrThrow(partitionId)
    if (at === 'earliest') return { offset: log.logStartOffset, timestampMs: undefined }
    if (at === 'latest') return { offset: log.highWatermark, timestampMs: undefined }
    return this.#offsetAtTime(partitionId, at.timestampMs)
  }

  /** Stored batches whatever the high watermark and their state, for retention to look at. */
  readStored(range: BatchRange): Promise<ArrayBuffer[]> {
    return this.#storage.readBatches(range)
  }

  /**
   * Every durable batch that was appended since then, in order, and perhaps some before it. What cannot be
   * read is left out.
   */
  async eachBatchSince(
    partitionId: PartitionId,
    appendedAtMs: number,
    each: (batch: ArrayBuffer, header: ReadBatchHeader) => void,
  ): Promise<void> {
    const log = this.#logs().find(partitionId)
    if (log === undefined || log.appendedAtMs < appendedAtMs) return
    const { highWatermark } = log
    let fromOffset = await this.#firstAppendedSince(log, appendedAtMs)
    let maxBatches = 1
    while (fromOffset < highWatermark) {
      const range = { partitionId, fromOffset, maxBytes: WALK_BYTES_MAX, maxBatches }
      const rows = await this.#storage.readBatches(range)
      let nextOffset = fromOffset
      for (const row of rows) {
        const header = tryParse(row)
        if (header === undefined || nextOffsetOf(header) <= fromOffset) continue
        each(row, header)
        nextOffset = nextOffsetOf(header)
      }
      if (nextOffset === fromOffset) {
        // Nothing but rows that cannot be read, if there are any.
        const next = rows.length === 0 ? highWatermark : await this.#nextSound(log, fromOffset)
        if (next <= fromOffset) return
        nextOffset = next
      }
      fromOffset = nextOffset
      maxBatches = Math.min(2 * maxBatches, BATCHES_PER_READ_MAX)
    }
  }

  /** By halving, as below: the time of the append never falls either. */
  async #firstAppendedSince(
    { partitionId, logStartOffset, highWatermark }: PartitionLog,
    appendedAtMs: number,
  ): Promise<number> {
    let low = logStartOffset
    let high = highWatermark
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [batch] = await this.#readOne(partitionId, middle)
      const header = batch === undefined ? undefined : tryParse(batch)
      // Of what cannot be read nobody knows when it was: rather too much is read.
      if (header !== undefined && header.appendedAtMs < appendedAtMs) low = nextOffsetOf(header)
      else high = Math.min(middle, header?.baseOffset ?? middle)
    }
    return low
  }

  #fetchFromTail(wanted: FetchPartition, bytesLeft: number): FetchResult | 'on disk' | undefined {
    const { partitionId, offset } = wanted
    try {
      const log = this.#readableLog(partitionId, offset)
      const batches = log.readFromTail(offset, Math.min(wanted.maxBytes, bytesLeft))
      if (batches === undefined) return 'on disk'
      return batches.length === 0 ? undefined : fetched(log, batches)
    } catch (error) {
      return failedPartition(partitionId, error)
    }
  }

  async #fetchFromDisk(wanted: FetchPartition, share: number): Promise<FetchResult | undefined> {
    const { partitionId, offset } = wanted
    try {
      const stored = await this.#storage.readBatches({
        partitionId,
        fromOffset: offset,
        maxBytes: Math.min(wanted.maxBytes, share),
        maxBatches: BATCHES_PER_READ_MAX,
      })
      const log = this.#readableLog(partitionId, offset)
      const batches = sound(stored, offset).filter(
        (batch) => nextOffsetOf(parseBatchHeader(batch)) <= log.highWatermark,
      )
      for (const batch of batches) this.#unshared.add(batch)
      if (batches.length > 0) return fetched(log, batches)
      if (offset >= log.highWatermark) return undefined
      throw corrupt(log, { offset, nextOffset: await this.#nextSound(log, offset) })
    } catch (error) {
      return failedPartition(partitionId, error)
    }
  }

  /** Where the first batch begins that can be read again after `offset`, else the end of the log. */
  async #nextSound({ partitionId, highWatermark }: PartitionLog, offset: number): Promise<number> {
    for (let maxBatches = 2, seen = 0; ; maxBatches *= 2) {
      const range = { partitionId, fromOffset: offset, maxBytes: WALK_BYTES_MAX, maxBatches }
      const rows = await this.#storage.readBatches(range)
      for (const row of rows.slice(seen)) {
        const header = tryParse(row)
        if (header === undefined || header.baseOffset <= offset) continue
        if (nextOffsetOf(header) <= highWatermark) return header.baseOffset
      }
      const isAll = rows.length === seen || maxBatches >= BATCHES_PER_READ_MAX
      if (isAll) return highWatermark
      seen = rows.length
    }
  }

  /** @throws TabmqError UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE */
  #readableLog(partitionId: PartitionId, offset: number): PartitionLog {
    const log = this.#logs().findOrThrow(partitionId)
    const { logStartOffset, logEndOffset } = log
    if (offset >= logStartOffset && offset <= logEndOffset) return log
    throw new TabmqError(
      'OFFSET_OUT_OF_RANGE',
      `offset ${offset} is not between ${logStartOffset} and ${logEndOffset}`,
      { partitionId, offset, logStartOffset, logEndOffset },
    )
  }

  /**
   * The earliest offset whose timestamp is the target or later (rule 19). Each batch carries the
   * largest timestamp up to and with it, which never falls, so the first candidate is found by
   * halving; timestamps of their own may fall, so from there on it is a walk, of twice as many batches
   * at a time: mostly the first is the one.
   */
  async #offsetAtTime(partitionId: PartitionId, timestampMs: number): Promise<ListedOffset> {
    let fromOffset = await this.#firstCandidate(partitionId, timestampMs)
    let log = this.#logs().findOrThrow(partitionId)
    let maxBatches = 1
    while (fromOffset < log.highWatermark) {
      const range = { partitionId, fromOffset, maxBytes: WALK_BYTES_MAX, maxBatches }
      const rows = await this.#storage.readBatches(range)
      log = this.#logs().findOrThrow(partitionId)
      const broken = rows.findIndex((row) => tryParse(row) === undefined)
      if (broken === 0) throw corrupt(log, { offset: fromOffset })
      const batches = broken < 0 ? rows : rows.slice(0, broken)
      const found = firstRecordAtTime(
        batches,
        Math.max(log.logStartOffset, fromOffset),
        timestampMs,
      )
      if (found !== undefined && found.offset < log.highWatermark) return found
      const last = batches.at(-1)
      if (last === undefined) break
      fromOffset = nextOffsetOf(parseBatchHeader(last))
      maxBatches = Math.min(2 * maxBatches, BATCHES_PER_READ_MAX)
    }
    return { offset: undefined, timestampMs: undefined }
  }

  async #firstCandidate(partitionId: PartitionId, timestampMs: number): Promise<number> {
    const log = this.#logs().findOrThrow(partitionId)
    let low = log.logStartOffset
    let high = log.highWatermark
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [batch] = await this.#readOne(partitionId, middle)
      if (batch === undefined) break
      const header = tryParse(batch)
      if (header === undefined) throw corrupt(log, { offset: middle })
      if (header.maxTimestampSoFarMs < timestampMs) low = nextOffsetOf(header)
      // The batch lies after the middle when retention took the one that was there.
      else high = Math.min(middle, header.baseOffset)
    }
    return low
  }

  #readOne(partitionId: PartitionId, fromOffset: number): Promise<ArrayBuffer[]> {
    return this.#storage.readBatches({ partitionId, fromOffset, maxBytes: 1, maxBatches: 1 })
  }
}

function firstRecordAtTime(
  batches: readonly ArrayBuffer[],
  fromOffset: number,
  timestampMs: number,
): { offset: number; timestampMs: number } | undefined {
  for (const batch of batches) {
    const { baseOffset, maxTimestampMs } = parseBatchHeader(batch)
    if (maxTimestampMs < timestampMs) continue
    let offset = baseOffset
    for (const record of readBatchIndex(batch)) {
      if (offset >= fromOffset && record.timestampMs >= timestampMs && record.isVoid !== true) {
        return { offset, timestampMs: record.timestampMs }
      }
      offset += 1
    }
  }
  return undefined
}

/**
 * The batches that are what they should be: the first has the offset asked for, each of the others
 * follows the one before. What lies before it was dropped while it was read.
 */
function sound(rows: readonly ArrayBuffer[], fromOffset: number): readonly ArrayBuffer[] {
  const found: ArrayBuffer[] = []
  let next: number | undefined
  for (const row of rows) {
    const header = tryParse(row)
    if (header === undefined) return found
    const nextOffset = nextOffsetOf(header)
    if (next === undefined && nextOffset <= fromOffset) continue
    const isInPlace =
      next === undefined ? header.baseOffset <= fromOffset : header.baseOffset === next
    if (!isInPlace) return found
    found.push(row)
    next = nextOffset
  }
  return found
}

function tryParse(row: ArrayBuffer): ReadBatchHeader | undefined {
  try {
    return parseBatchHeader(row)
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return undefined
    throw error
  }
}

function corrupt(
  { partitionId, partition }: PartitionLog,
  where: { offset: number; nextOffset?: number },
): TabmqError {
  return new TabmqError(
    'CORRUPT_MESSAGE',
    `the batch with offset ${where.offset} of partition ${partition} cannot be read`,
    { partitionId, partition, ...where },
  )
}

function fetched(log: PartitionLog, batches: readonly ArrayBuffer[]): FetchResult {
  const { partitionId, highWatermark, logStartOffset } = log
  return { partitionId, highWatermark, logStartOffset, batches }
}

export function bytesOf(result: FetchResult): number {
  if (result.error !== undefined) return 0
  return result.batches.reduce((sum, batch) => sum + batch.byteLength, 0)
}
