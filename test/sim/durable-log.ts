/**
 * What is on the disk, rebuilt from what was committed: the messages of every partition by offset,
 * and the committed offsets. The checkers' own copy, with their own idea of what a commit may change.
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

export class DurableLog {
  readonly #byId = new Map<PartitionId, DurablePartition>()
  readonly #byPlace = new Map<string, DurablePartition>()

  /** Takes in what was committed; reports a batch that does not follow the one before it. */
  apply(record: DurableRecord, report: Report): DurablePartition | undefined {
    if (record.type === 'topic' && record.value !== null) {
      const { topic, partitionIds } = record.value
      partitionIds.forEach((partitionId, partition) =>
        this.#make(partitionId, { topic, partition }),
      )
    }
    if (record.type !== 'batch') return undefined
    const partition = this.#byId.get(record.partitionId)
    if (partition === undefined) {
      report(`a batch of partition ${record.partitionId}, which no topic has`)
      return undefined
    }
    if (record.baseOffset !== partition.ids.length) {
      const { topic, partition: number } = partition.place
      report(`${topic}/${number} ends at ${partition.ids.length}, appended at ${record.baseOffset}`)
    }
    for (const { value } of decodeBatch(record.batch, { codecs })) {
      partition.ids.push((value as { id: MessageId }).id)
    }
    return partition
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
