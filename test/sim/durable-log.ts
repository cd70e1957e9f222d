/**
 * The messages on the disk, by partition and offset, rebuilt from what was committed. The checkers
 * share it; the history brings it up to date before they hear of a commit. What retention or an
 * administrator deleted stays known here, below the log start, and so do partitions of deleted
 * topics: a handler may be given for a while what is no longer there.
 */
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import { decodeBatch } from '../../src/codec/decode-batch.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { PartitionId } from '../../src/protocol/names.js'
import type { MessageId, Place, Report, Transaction } from './history.js'

const codecs = new CodecRegistry()
/** Of each batch on the disk, so that a power cut does not have all of them decoded again. */
const decoded = new WeakMap<ArrayBuffer, readonly MessageId[]>()

export interface DurablePartition {
  readonly partitionId: PartitionId
  readonly place: Place
  /** By offset, those below the log start among them. */
  readonly ids: MessageId[]
  readonly batches: DurableBatch[]
  logStartOffset: number
  isDeleted: boolean
}

export interface DurableBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly batch: ArrayBuffer
}

/** The messages of one batch: from this offset to before that. */
export interface Appended {
  readonly partition: DurablePartition
  readonly from: number
  readonly to: number
}

export class DurableLog {
  readonly #byId = new Map<PartitionId, DurablePartition>()
  /** Every partition that was ever there, the newest last. */
  readonly #byPlace = new Map<string, DurablePartition[]>()

  /** Takes in what was committed, and says what it added. */
  apply(records: readonly DurableRecord[], report: Report): Appended[] {
    return records.flatMap((record) => {
      switch (record.type) {
        case 'topic':
          if (record.value !== null) this.#makeAll(record.value)
          return []
        case 'partition':
          this.#partition(record)
          return []
        case 'batch':
          return this.#append(record, report)
        default:
          return []
      }
    })
  }

  /** After a power cut: what these transactions make, and nothing else. */
  restore(journal: readonly Transaction[]): void {
    this.#byId.clear()
    this.#byPlace.clear()
    // What is wrong with them was reported when they were committed.
    for (const { records } of journal) this.apply(records, () => {})
  }

  /** All partitions of the topics that there are. */
  *all(): Iterable<DurablePartition> {
    for (const partition of this.#byId.values()) if (!partition.isDeleted) yield partition
  }

  at(place: Place): DurablePartition | undefined {
    return this.#byPlace.get(nameOf(place))?.findLast(({ isDeleted }) => !isDeleted)
  }

  /** The partitions that have been at a place, one for each topic of the name. */
  everAt(place: Place): readonly DurablePartition[] {
    return this.#byPlace.get(nameOf(place)) ?? []
  }

  /** The partition of an id, though its topic may have been deleted. */
  byId(partitionId: PartitionId): DurablePartition | undefined {
    return this.#byId.get(partitionId)
  }

  /** Reports a batch that does not follow the one before it. */
  #append(record: Extract<DurableRecord, { type: 'batch' }>, report: Report): Appended[] {
    const { partitionId, batch, baseOffset } = record
    const partition = this.#byId.get(partitionId)
    if (partition === undefined || partition.isDeleted) {
      report(`a batch of partition ${partitionId}, which no topic has`)
      return []
    }
    const { place, ids, batches } = partition
    const from = ids.length
    if (baseOffset !== from) {
      report(`${nameOf(place)} ends at ${from}, appended at ${baseOffset}`)
    }
    ids.push(...idsOf(batch))
    batches.push({ baseOffset: from, nextOffset: ids.length, batch })
    return [{ partition, from, to: ids.length }]
  }

  #partition({ partitionId, value }: Extract<DurableRecord, { type: 'partition' }>): void {
    const partition = this.#byId.get(partitionId)
    if (partition === undefined) return
    if (value === null) partition.isDeleted = true
    else partition.logStartOffset = value.logStartOffset
  }

  #makeAll({ topic, partitionIds }: { topic: string; partitionIds: readonly PartitionId[] }): void {
    for (const [partition, partitionId] of partitionIds.entries()) {
      if (this.#byId.has(partitionId)) continue
      const place = { topic, partition }
      const made = {
        partitionId,
        place,
        ids: [],
        batches: [],
        logStartOffset: 0,
        isDeleted: false,
      }
      this.#byId.set(partitionId, made)
      this.#byPlace.set(nameOf(place), [...this.everAt(place), made])
    }
  }
}

export function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}

function idsOf(batch: ArrayBuffer): readonly MessageId[] {
  const known = decoded.get(batch)
  if (known !== undefined) return known
  const ids = decodeBatch(batch, { codecs }).map(({ value }) => (value as { id: MessageId }).id)
  decoded.set(batch, ids)
  return ids
}
