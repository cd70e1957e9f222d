/**
 * Takes the records that were delivered out of the batches that they came in. A batch whose messages
 * are handed out a few at a time comes again with each few; the last ones that were decoded are kept.
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
import { BROKER_LIMITS } from '../../protocol/limits.js'
import type { AcquiredRange, SharedPartition } from '../../protocol/requests.js'

const KEPT_MAX = 8

/** What was delivered of one range; with an error when it cannot be decoded, without values then. */
export interface DeliveredRecords {
  readonly range: AcquiredRange
  readonly records: readonly DecodedRecord[]
  readonly error?: unknown
}

export class DeliveredBatches {
  readonly #codecs: CodecRegistry
  /** What of a batch was not delivered yet, by offset: nobody gets the objects that another has had. */
  readonly #kept = new Map<string, Map<number, DecodedRecord>>()

  constructor(codecs: CodecRegistry) {
    this.#codecs = codecs
  }

  /** In the order of the offsets. */
  async decode({ partitionId, batches, acquired }: SharedPartition): Promise<DeliveredRecords[]> {
    const delivered: DeliveredRecords[] = []
    for (const batch of batches) {
      const { baseOffset, recordCount } = parseBatchHeader(batch)
      const key = `${partitionId} ${baseOffset}`
      for (const range of acquired) {
        const firstOffset = Math.max(range.firstOffset, baseOffset)
        const lastOffset = Math.min(range.lastOffset, baseOffset + recordCount - 1)
        if (firstOffset > lastOffset) continue
        const inBatch = { ...range, firstOffset, lastOffset }
        try {
          delivered.push({ range: inBatch, records: await this.#take(key, batch, inBatch) })
        } catch (error) {
          delivered.push({ range: inBatch, records: unreadable(inBatch), error })
        }
      }
    }
    return delivered
  }

  async #take(key: string, batch: ArrayBuffer, range: AcquiredRange): Promise<DecodedRecord[]> {
    const kept = this.#kept.get(key)
    this.#kept.delete(key)
    const found = kept === undefined ? undefined : take(kept, range)
    if (kept !== undefined && found !== undefined) {
      this.#keep(key, kept)
      return found
    }
    const records = await this.#decoded(batch)
    const fresh = new Map(records.map((record) => [record.offset, record]))
    const taken = take(fresh, range)
    if (taken === undefined) throw corrupt(range)
    this.#keep(key, fresh)
    return taken
  }

  #keep(key: string, records: Map<number, DecodedRecord>): void {
    if (records.size === 0) return
    this.#kept.set(key, records)
    const [oldest = key] = this.#kept.keys()
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(oldest)
  }

  async #decoded(batch: ArrayBuffer): Promise<readonly DecodedRecord[]> {
    const codecs = this.#codecs
    if (!isCompressed(batch)) return decodeBatch(batch, { codecs })
    return decodeCompressedBatch(batch, { codecs, valuesBytesMax: BROKER_LIMITS.fetchBytesMax })
  }
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
