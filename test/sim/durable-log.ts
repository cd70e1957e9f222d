/**
 * The messages on the disk, by partition and offset, rebuilt from what was committed. The checkers
 * share it; the history brings it up to date before they hear of a commit. What retention or an
 * administrator deleted stays known here, below the log start, and so do partitions of deleted
 * topics: a handler may be given for a while what is no longer there.
 */
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import { decodeBatch, type DecodedRecord } from '../../src/codec/decode-batch.js'
import { parseBatchHeader } from '../../src/protocol/batch-header.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { PartitionId } from '../../src/protocol/names.js'
import type { MessageId, Place, Report, Transaction } from './history.js'

const codecs = new CodecRegistry()
/** Of each batch on the disk, so that a power cut does not have all of them decoded again. */
const decoded = new WeakMap<ArrayBuffer, readonly (DecodedRecord | undefined)[]>()

/**
 * Stands where a record is void: of what was not stored, since its id was known, and of what came along
 * with a dead letter.
 */
export const VOID: MessageId = 0

export interface DurablePartition {
  readonly partitionId: PartitionId
  readonly place: Place
  /** By offset, those below the log start among them; {@link VOID} where nothing is delivered. */
  readonly ids: MessageId[]
  /** By offset as well; undefined where a record is void. */
  readonly records: (DecodedRecord | undefined)[]
  readonly batches: DurableBatch[]
  logStartOffset: number
  isDeleted: boolean
}

export interface DurableBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly batch: ArrayBuffer
  /** Which transaction wrote it, counted from 0. */
  readonly transaction: number
}

/** Where a message is. */
export interface Found {
  readonly partition: DurablePartition
  readonly offset: number
  readonly transaction: number
}

export interface MessageAt {
  readonly place: Place
  readonly offset: number
  readonly id: MessageId
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
  readonly #byMessage = new Map<MessageId, Found[]>()
  readonly #committed = new Map<string, Map<PartitionId, number>>()
  #transactionCount = 0
  #strictCount = 0

  /** Takes in what was committed, and says what it added. */
  apply({ records, durability }: Transaction, report: Report): Appended[] {
    this.#transactionCount += 1
    if (durability === 'strict') this.#strictCount = this.#transactionCount
    return records.flatMap((record) => {
      switch (record.type) {
        case 'topic':
          if (record.value !== null) this.#makeAll(record.value)
          return []
        case 'partition':
          this.#partition(record)
          return []
        case 'offset':
          this.#commit(record)
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
    this.#byMessage.clear()
    this.#committed.clear()
    this.#transactionCount = 0
    this.#strictCount = 0
    // What is wrong with them was reported when they were committed.
    for (const transaction of journal) this.apply(transaction, () => {})
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

  /** Which partition a handler's message is of: topics of one name may have followed each other. */
  lifeOf({ place, offset, id }: MessageAt): DurablePartition | undefined {
    const lives = this.everAt(place)
    return lives.findLast(({ ids }) => ids[offset] === id) ?? lives.at(-1)
  }

  /**
   * Every place that a message was ever written to: more than one if it was written again. Dead letters
   * are not among them.
   */
  find(id: MessageId): readonly Found[] {
    return this.#byMessage.get(id) ?? []
  }

  /** The offset that a group has committed, the next to read. */
  committed(groupId: string, partitionId: PartitionId): number | undefined {
    return this.#committed.get(groupId)?.get(partitionId)
  }

  /** Whether the transaction, or one after it, was strict: what it wrote survives a power cut. */
  isSafe(transaction: number): boolean {
    return transaction < this.#strictCount
  }

  /** Reports a batch that does not follow the one before it. It takes the place of what was there. */
  #append(record: Extract<DurableRecord, { type: 'batch' }>, report: Report): Appended[] {
    const { partitionId, batch, baseOffset } = record
    const partition = this.#byId.get(partitionId)
    if (partition === undefined || partition.isDeleted) {
      report(`a batch of partition ${partitionId}, which no topic has`)
      return []
    }
    const { place, ids, records, batches } = partition
    if (baseOffset !== ids.length) {
      report(`${nameOf(place)} ends at ${ids.length}, appended at ${baseOffset}`)
    }
    const transaction = this.#transactionCount - 1
    let offset = baseOffset
    for (const read of recordsOf(batch)) {
      const id = read === undefined ? VOID : idOf(read)
      ids[offset] = id
      records[offset] = read
      offset += 1
      if (read === undefined || isDeadLetter(read)) continue
      const found = this.#byMessage.get(id) ?? []
      if (found.length === 0) this.#byMessage.set(id, found)
      found.push({ partition, offset: offset - 1, transaction })
    }
    batches.push({ baseOffset, nextOffset: offset, batch, transaction })
    return [{ partition, from: baseOffset, to: offset }]
  }

  #commit({ groupId, partitionId, value }: Extract<DurableRecord, { type: 'offset' }>): void {
    const ofGroup = this.#committed.get(groupId) ?? new Map<PartitionId, number>()
    this.#committed.set(groupId, ofGroup)
    if (value === null) ofGroup.delete(partitionId)
    else ofGroup.set(partitionId, value.offset)
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
        records: [],
        batches: [],
        logStartOffset: 0,
        isDeleted: false,
      }
      this.#byId.set(partitionId, made)
      this.#byPlace.set(nameOf(place), [...this.everAt(place), made])
    }
  }
}

/** The next offset from there on at which something is delivered, or the end of the log. */
export function pastVoid({ ids }: DurablePartition, offset: number): number {
  let next = offset
  while (ids[next] === VOID) next += 1
  return next
}

export function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}

export function isDeadLetter({ headers }: DecodedRecord): boolean {
  return headers['dead-letter-offset'] !== undefined
}

function idOf({ value }: DecodedRecord): MessageId {
  // A dead letter of what cannot be read has no value.
  return (value as { id: MessageId } | null)?.id ?? VOID
}

/** By their place in the batch. */
function recordsOf(batch: ArrayBuffer): readonly (DecodedRecord | undefined)[] {
  const known = decoded.get(batch)
  if (known !== undefined) return known
  const { baseOffset, recordCount } = parseBatchHeader(batch)
  const records = Array.from({ length: recordCount }, (): DecodedRecord | undefined => undefined)
  for (const record of decodeBatch(batch, { codecs })) records[record.offset - baseOffset] = record
  decoded.set(batch, records)
  return records
}
