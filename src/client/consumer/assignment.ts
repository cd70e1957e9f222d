/**
 * The partitions that a consumer holds, by its group or by hand: takes them up, lets go of them and loses
 * them, and tells listeners of what the group gave and took.
 */
import { hasCode } from '../../protocol/errors.js'
import type { GroupId, PartitionId } from '../../protocol/names.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type { CheckedRunOptions } from './consumer-options.js'
import { tellCrash, type CrashParts } from './crash.js'
import { topicPartitionKey, type TopicPartition, type TopicPartitionOffset } from './delivery.js'
import type { LossReason } from './membership.js'
import { OwnedPartition } from './owned-partition.js'
import type { Pauses } from './pauses.js'

export interface AssignmentParts extends CrashParts {
  readonly groupId: GroupId | undefined
  readonly options: CheckedRunOptions
  /** Partitions assigned by hand; without them the group assigns and revokes. */
  readonly manual: readonly AssignedPartition[] | undefined
  readonly pauses: Pauses
  /** Where partitions go that are not held yet, by `topicPartitionKey`. */
  readonly pendingSeeks: Map<string, number>
  /** Resolves when no handler of this partition is running. */
  readonly idle: (partitionId: PartitionId) => Promise<void>
  /** Finds out where to start, and fetches. */
  readonly start: (partitions: readonly OwnedPartition[]) => Promise<void>
  readonly commitHandled: (partitions: ReadonlySet<OwnedPartition>) => Promise<void> | undefined
}

export class Assignment {
  readonly #parts: AssignmentParts
  readonly #partitions = new Map<PartitionId, OwnedPartition>()
  /** Partitions lost with a broker: what was handled of them need not be handled again. */
  readonly #lostWithBroker = new Map<PartitionId, OwnedPartition>()

  constructor(parts: AssignmentParts) {
    this.#parts = parts
  }

  /** Those that it still holds, also while they are being let go. */
  get partitions(): readonly OwnedPartition[] {
    return [...this.#partitions.values()]
  }

  /** The same, uncopied. */
  values(): Iterable<OwnedPartition> {
    return this.#partitions.values()
  }

  get(partitionId: PartitionId): OwnedPartition | undefined {
    return this.#partitions.get(partitionId)
  }

  /** As it was when it was lost with a broker, until what it had handled is taken over. */
  lostWithBroker(partitionId: PartitionId): OwnedPartition | undefined {
    return this.#lostWithBroker.get(partitionId)
  }

  /** Whether the partition is held, and goes there. */
  seek({ topic, partition, offset }: TopicPartitionOffset): boolean {
    const isSame = (held: OwnedPartition) => held.topic === topic && held.partition === partition
    const held = this.partitions.find(isSame)
    held?.seek(offset)
    return held !== undefined
  }

  pausesChanged(): void {
    for (const partition of this.#partitions.values()) {
      if (this.#parts.pauses.has(partition)) partition.pause()
      else partition.resume()
    }
  }

  /** The group has assigned them. */
  assigned(partitions: readonly AssignedPartition[]): void {
    const { events, groupId = '' } = this.#parts
    void events.emit('partitionsAssigned', { groupId, partitions: namesOf(partitions) })
    this.take(partitions)
  }

  take(assigned: readonly AssignedPartition[]): void {
    const { pauses, pendingSeeks } = this.#parts
    const taken = assigned.map((one) => {
      const partition = new OwnedPartition(one)
      this.#partitions.set(one.partitionId, partition)
      if (pauses.has(partition)) partition.pause()
      const key = topicPartitionKey(partition)
      const seekTo = pendingSeeks.get(key)
      pendingSeeks.delete(key)
      if (seekTo !== undefined) partition.seek(seekTo)
      return partition
    })
    if (taken.length > 0) void this.#start(taken)
  }

  /** Starts them once no handler of an earlier ownership is running any more. */
  async #start(partitions: readonly OwnedPartition[]): Promise<void> {
    await Promise.all(
      partitions.map(async (partition) => {
        const { partitionId } = partition
        const before = this.#lostWithBroker.get(partitionId)
        if (before === undefined) return
        await this.#parts.idle(partitionId)
        if (!partition.isHeld) return
        partition.follow(before)
        this.#lostWithBroker.delete(partitionId)
      }),
    )
    await this.#parts.start(partitions)
  }

  /** Rule 8: listeners run while offsets can still be committed; then what was handled is. */
  async revoke(assigned: readonly AssignedPartition[]): Promise<void> {
    const partitions = assigned.flatMap(
      ({ partitionId }) => this.#partitions.get(partitionId) ?? [],
    )
    for (const partition of partitions) partition.beginRevocation()
    await Promise.all(partitions.map(({ partitionId }) => this.#parts.idle(partitionId)))
    await this.tellRevoked(partitions)
    await this.commitLast(partitions)
    for (const partition of partitions) this.#release(partition)
  }

  /** While it waited for handlers, the membership may have ended: those were told of as lost. */
  async tellRevoked(waited: readonly OwnedPartition[]): Promise<void> {
    const { manual, events, groupId = '' } = this.#parts
    const partitions = namesOf(waited.filter(({ isCommittable }) => isCommittable))
    if (manual !== undefined || partitions.length === 0) return
    await events.emit('partitionsRevoked', { groupId, partitions })
  }

  /** Before they are let go. */
  async commitLast(partitions: readonly OwnedPartition[]): Promise<void> {
    const { options, commitHandled } = this.#parts
    if (!options.autoCommit) return
    try {
      await commitHandled(new Set(partitions))
    } catch (error) {
      // Fenced, forgotten by a broker that died, or the topic is deleted: nothing of it can be
      // committed any more.
      const isMoot = hasCode(
        error,
        'BROKER_UNAVAILABLE',
        'UNKNOWN_MEMBER_ID',
        'FENCED_MEMBER_EPOCH',
        'UNKNOWN_TOPIC_OR_PARTITION',
        'ILLEGAL_STATE',
        'STORAGE_LOST',
      )
      if (!isMoot) tellCrash(this.#parts, error, { willRetry: false })
    }
  }

  /** They are gone already, with the membership. */
  lost(assigned: readonly AssignedPartition[], reason: LossReason): void {
    const { pendingSeeks, options, events, groupId = '' } = this.#parts
    for (const { partitionId } of assigned) {
      const partition = this.#partitions.get(partitionId)
      if (partition === undefined) continue
      this.#release(partition)
      if (reason !== 'broker') continue
      const { soughtTo } = partition
      if (soughtTo !== undefined) pendingSeeks.set(topicPartitionKey(partition), soughtTo)
      // One that had not come to know where to start says nothing: what was before it stands.
      if (options.autoCommit && partition.hasProgress) {
        this.#lostWithBroker.set(partitionId, partition)
      }
    }
    void events.emit('partitionsLost', { groupId, partitions: namesOf(assigned) })
  }

  /** What was lost is of other data: nothing of it is taken over. */
  forgetLost(): void {
    this.#lostWithBroker.clear()
  }

  releaseAll(): void {
    for (const partition of this.#partitions.values()) partition.release()
    this.#partitions.clear()
    this.#lostWithBroker.clear()
  }

  #release(partition: OwnedPartition): void {
    partition.release()
    if (this.#partitions.get(partition.partitionId) === partition) {
      this.#partitions.delete(partition.partitionId)
    }
  }
}

function namesOf(partitions: readonly TopicPartition[]): TopicPartition[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }))
}
