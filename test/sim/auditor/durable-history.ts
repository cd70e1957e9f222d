/**
 * The rows on the disk with their past, from the durable transactions alone, and how far each
 * partition is known to be durable to the broker itself: what it has acknowledged, or served. Between
 * that and what the disk has lies what the broker may or may not have heard of.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { GroupRow, ProducerRow, TopicRow } from '../../../src/broker/rows.js'
import type { GroupId, PartitionId, TopicId, TopicName } from '../../../src/protocol/names.js'
import type { DurableLog } from '../durable-log.js'
import type { Transaction } from '../history.js'
import { VersionedMap, type Versioned } from './versioned.js'

export interface DurableTopic extends TopicRow {
  readonly topicId: TopicId
}

export interface DurablePartitionRow {
  readonly logStartOffset: number
}

export class DurableHistory {
  readonly log: DurableLog
  readonly topics = new VersionedMap<TopicName, DurableTopic>()
  readonly partitions = new VersionedMap<PartitionId, DurablePartitionRow>()
  readonly groups = new VersionedMap<GroupId, GroupRow>()
  /** By store and key. */
  readonly #entries = new VersionedMap<string, ArrayBuffer>()
  readonly #offsets = new Map<GroupId, VersionedMap<PartitionId, number>>()
  readonly #producers = new Map<PartitionId, VersionedMap<number, ProducerRow>>()
  readonly #acknowledgedEnds = new VersionedMap<PartitionId, number>()
  readonly #nameById = new Map<TopicId, TopicName>()
  #version = 0

  constructor(log: DurableLog) {
    this.log = log
  }

  /** Names this moment. */
  get version(): number {
    return this.#version
  }

  offsets(groupId: GroupId): VersionedMap<PartitionId, number> {
    return mapIn(this.#offsets, groupId)
  }

  storeEntry(store: string, key: string): Versioned<ArrayBuffer> {
    return this.#entries.of(`${store}\0${key}`)
  }

  producers(partitionId: PartitionId): VersionedMap<number, ProducerRow> {
    return mapIn(this.#producers, partitionId)
  }

  /** What the broker knew to be durable then, at least. */
  acknowledgedEnd(partitionId: PartitionId, version: number): number {
    return this.#acknowledgedEnds.of(partitionId).at(version) ?? 0
  }

  /** What is on the disk: the broker cannot know of more. */
  durableEnd(partitionId: PartitionId): number {
    const partition = this.log.byId(partitionId)
    return Math.max(partition?.ids.length ?? 0, partition?.logStartOffset ?? 0)
  }

  /** The broker has shown that it knows. */
  acknowledge(partitionId: PartitionId, end: number): void {
    const ends = this.#acknowledgedEnds.of(partitionId)
    if ((ends.now ?? 0) >= end) return
    this.#version += 1
    ends.set(this.#version, end)
  }

  /** A broker has loaded its state: it knows everything that is there. */
  acknowledgeAll(): void {
    for (const { partitionId } of this.log.all()) {
      this.acknowledge(partitionId, this.durableEnd(partitionId))
    }
  }

  apply(records: readonly DurableRecord[]): void {
    for (const record of records) {
      this.#version += 1
      this.#applyOne(record, this.#version)
    }
  }

  /** After a power cut: nobody who asked before lives to hear a reply. */
  restore(journal: readonly Transaction[]): void {
    for (const map of [this.topics, this.partitions, this.groups, this.#acknowledgedEnds]) {
      map.clear()
    }
    this.#entries.clear()
    this.#offsets.clear()
    this.#producers.clear()
    this.#nameById.clear()
    for (const { records } of journal) this.apply(records)
  }

  #applyOne(record: DurableRecord, version: number): void {
    switch (record.type) {
      case 'topic':
        return this.#topic(record, version)
      case 'partition':
        return this.partitions.of(record.partitionId).set(version, record.value ?? undefined)
      case 'group':
        return this.groups.of(record.groupId).set(version, record.value ?? undefined)
      case 'offset': {
        const { groupId, partitionId, value } = record
        return this.offsets(groupId).of(partitionId).set(version, value?.offset)
      }
      case 'storeEntry': {
        const { store, key, value } = record
        return this.storeEntry(store, key).set(version, value ?? undefined)
      }
      case 'producer': {
        const { partitionId, producerId, value } = record
        return this.producers(partitionId)
          .of(producerId)
          .set(version, value ?? undefined)
      }
      default:
    }
  }

  #topic({ topicId, value }: Extract<DurableRecord, { type: 'topic' }>, version: number): void {
    const name = value?.topic ?? this.#nameById.get(topicId)
    if (name === undefined) return
    this.#nameById.set(topicId, name)
    this.topics.of(name).set(version, value === null ? undefined : { topicId, ...value })
  }
}

function mapIn<Outer, K, T>(maps: Map<Outer, VersionedMap<K, T>>, key: Outer): VersionedMap<K, T> {
  const known = maps.get(key)
  if (known !== undefined) return known
  const made = new VersionedMap<K, T>()
  maps.set(key, made)
  return made
}
