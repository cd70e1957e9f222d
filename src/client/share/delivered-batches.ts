/**
 * Takes the records that were delivered out of the batches that they came in. The messages of a batch may be
 * handed out a few at a time: the last batches of which others may yet come are kept, as they came and
 * decoded, and whoever fetches names them, so that they need not come with each few again.
 */
import type { CodecRegistry } from '../../codec/codec-registry.js'
import {
  decodeBatch,
  decodeCompressedBatch,
  isCompressed,
  type DecodedRecord,
} from '../../codec/decode-batch.js'
import { TabmqError } from '../../protocol/errors.js'
import { parseBatchHeader } from '../../protocol/batch-header.js'
import { FETCH_BYTES_MAX, SHARE_KEPT_BATCHES_MAX } from '../../protocol/limits.js'
import type { PartitionId } from '../../protocol/names.js'
import type {
  AcquiredRange,
  KeptBatchId,
  SharedPartition,
} from '../../protocol/requests/share-groups.js'

/** But for the last one, whatever its size. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024

/** What was delivered of one range; with an error when it cannot be decoded, without values then. */
export interface DeliveredRecords {
  readonly range: AcquiredRange
  readonly records: readonly DecodedRecord[]
  readonly error?: unknown
}

interface KeptBatch extends KeptBatchId {
  readonly batch: ArrayBuffer
  /** What of it was not delivered yet, by offset: nobody gets the objects that another has had. */
  readonly records: Map<number, DecodedRecord>
}

export class DeliveredBatches {
  readonly #codecs: CodecRegistry
  /** The one that was used last comes last. */
  readonly #kept = new Map<string, KeptBatch>()
  #keptBytes = 0
  /** Those that do not come with the next answer. */
  #promised: readonly KeptBatch[] = []

  constructor(codecs: CodecRegistry) {
    this.#codecs = codecs
  }

  /** Those that need not come with the next answer: they are here until it was decoded. */
  keptForNext(): KeptBatchId[] {
    this.#promised = [...this.#kept.values()]
    return this.#promised.map(({ partitionId, baseOffset }) => ({ partitionId, baseOffset }))
  }

  /** Another broker knows of nothing that was kept. */
  forget(): void {
    this.#kept.clear()
    this.#keptBytes = 0
    this.#promised = []
  }

  /** In the order of the offsets. */
  async decode({ partitionId, batches, acquired }: SharedPartition): Promise<DeliveredRecords[]> {
    const delivered: DeliveredRecords[] = []
    for (const batch of this.#withKept(partitionId, batches)) {
      const { baseOffset, recordCount } = parseBatchHeader(batch)
      for (const range of acquired) {
        const firstOffset = Math.max(range.firstOffset, baseOffset)
        const lastOffset = Math.min(range.lastOffset, baseOffset + recordCount - 1)
        if (firstOffset > lastOffset) continue
        const inBatch = { ...range, firstOffset, lastOffset }
        try {
          const records = await this.#take({ partitionId, baseOffset }, batch, inBatch)
          delivered.push({ range: inBatch, records })
        } catch (error) {
          delivered.push({ range: inBatch, records: unreadable(inBatch), error })
        }
      }
    }
    return delivered
  }

  /** In the order of offsets, each once. */
  #withKept(partitionId: PartitionId, batches: readonly ArrayBuffer[]): ArrayBuffer[] {
    const all = new Map(batches.map((batch) => [parseBatchHeader(batch).baseOffset, batch]))
    for (const kept of this.#promised) {
      const isMissing = kept.partitionId === partitionId && !all.has(kept.baseOffset)
      if (isMissing) all.set(kept.baseOffset, kept.batch)
    }
    return [...all].sort(([a], [b]) => a - b).map(([, batch]) => batch)
  }

  async #take(id: KeptBatchId, batch: ArrayBuffer, range: AcquiredRange): Promise<DecodedRecord[]> {
    const kept = this.#letGo(id)
    const found = kept === undefined ? undefined : take(kept.records, range)
    if (kept !== undefined && found !== undefined) {
      this.#keep(kept)
      return found
    }
    const fresh = new Map((await this.#decoded(batch)).map((record) => [record.offset, record]))
    const taken = take(fresh, range)
    if (taken === undefined) throw corrupt(range)
    this.#keep({ ...id, batch, records: fresh })
    return taken
  }

  #keep(kept: KeptBatch): void {
    if (kept.records.size === 0) return
    this.#letGo(kept)
    this.#kept.set(keyOf(kept), kept)
    this.#keptBytes += kept.batch.byteLength
    for (const oldest of this.#kept.values()) {
      const isTooMuch = this.#kept.size > SHARE_KEPT_BATCHES_MAX || this.#keptBytes > KEPT_BYTES_MAX
      if (!isTooMuch || oldest === kept) return
      this.#letGo(oldest)
    }
  }

  #letGo(id: KeptBatchId): KeptBatch | undefined {
    const key = keyOf(id)
    const kept = this.#kept.get(key)
    if (this.#kept.delete(key)) this.#keptBytes -= kept?.batch.byteLength ?? 0
    return kept
  }

  async #decoded(batch: ArrayBuffer): Promise<readonly DecodedRecord[]> {
    const codecs = this.#codecs
    if (!isCompressed(batch)) return decodeBatch(batch, { codecs })
    return decodeCompressedBatch(batch, { codecs, valuesBytesMax: FETCH_BYTES_MAX })
  }
}

function keyOf({ partitionId, baseOffset }: KeptBatchId): string {
  return `${partitionId} ${baseOffset}`
}

/** Takes all of a range out of a batch, or nothing when not all of it is there any more. */
function take(
  records: Map<number, DecodedRecord>,
  { firstOffset, lastOffset }: AcquiredRange,
): DecodedRecord[] | undefined {
  const taken: DecodedRecord[] = []
  for (let offset = firstOffset; offset <= lastOffset; offset++) {
    const record = records.get(offset)
    if (record === undefined) return undefined
    taken.push(record)
  }
  for (const { offset } of taken) records.delete(offset)
  return taken
}

function corrupt({ firstOffset, lastOffset }: AcquiredRange): TabmqError {
  return new TabmqError(
    'CORRUPT_MESSAGE',
    `the batch that was delivered does not have all messages from ${firstOffset} to ${lastOffset}`,
    { firstOffset, lastOffset },
  )
}

function unreadable({ firstOffset, lastOffset }: AcquiredRange): DecodedRecord[] {
  return Array.from({ length: lastOffset - firstOffset + 1 }, (_, index) => ({
    offset: firstOffset + index,
    timestamp: 0,
    key: null,
    value: null,
    headers: {},
  }))
}
