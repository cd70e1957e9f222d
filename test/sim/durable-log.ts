/**
 * The messages on the disk, by partition and offset, rebuilt from what was committed. The checkers
 * share it; the history brings it up to date before they hear of a commit.
 */
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import { decodeBatch } from '../../src/codec/decode-batch.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { PartitionId } from '../../src/protocol/names.js'
import type { MessageId, Place, Report } from './history.js'

const codecs = new CodecRegistry()

export interface DurablePartition {
  readonly place: Place
  /** By offset. */
  readonly ids: MessageId[]
}

/** The messages of one batch: from this offset to before that. */
export interface Appended {
  readonly partition: DurablePartition
  readonly from: number
  readonly to: number
}

export class DurableLog {
  readonly #byId = new Map<PartitionId, DurablePartition>()
  readonly #byPlace = new Map<string, DurablePartition>()

  /** Takes in what was committed, and says what it added. */
  apply(records: readonly DurableRecord[], report: Report): Appended[] {
    return records.flatMap((record) => {
      if (record.type === 'topic' && record.value !== null) {
        const { topic, partitionIds } = record.value
        partitionIds.forEach((id, partition) => this.#make(id, { topic, partition }))
      }
      return record.type === 'batch' ? this.#append(record, report) : []
    })
  }

  all(): Iterable<DurablePartition> {
    return this.#byId.values()
  }

  at({ topic, partition }: Place): DurablePartition | undefined {
    return this.#byPlace.get(`${topic}/${partition}`)
  }

  byId(partitionId: PartitionId): DurablePartition | undefined {
    return this.#byId.get(partitionId)
  }

  /** Reports a batch that does not follow the one before it. */
  #append(record: Extract<DurableRecord, { type: 'batch' }>, report: Report): Appended[] {
    const partition = this.#byId.get(record.partitionId)
    if (partition === undefined) {
      report(`a batch of partition ${record.partitionId}, which no topic has`)
      return []
    }
    const from = partition.ids.length
    if (record.baseOffset !== from) {
      report(`${nameOf(partition.place)} ends at ${from}, appended at ${record.baseOffset}`)
    }
    for (const { value } of decodeBatch(record.batch, { codecs })) {
      partition.ids.push((value as { id: MessageId }).id)
    }
    return [{ partition, from, to: partition.ids.length }]
  }

  #make(partitionId: PartitionId, place: Place): void {
    if (this.#byId.has(partitionId)) return
    const made = { place, ids: [] }
    this.#byId.set(partitionId, made)
    this.#byPlace.set(nameOf(place), made)
  }
}

export function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}
