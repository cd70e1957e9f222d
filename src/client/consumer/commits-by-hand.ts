/**
 * What the user commits: everything that is handled, or offsets of their own, which are checked, found and
 * refused where this consumer may not speak for the partition.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { GroupId, PartitionId } from '../../protocol/names.js'
import type { OffsetToCommit } from '../../protocol/requests/groups.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import { checkArray, checkInteger, checkObject, invalidOption } from '../check-options.js'
import type { Events } from '../events.js'
import type { TopicCache } from '../topic-cache.js'
import type { Assignment } from './assignment.js'
import type { ConsumerEvents, TopicPartitionOffsetAndMetadata } from './delivery.js'
import type { OffsetCommits } from './offset-commits.js'
import type { OwnedPartition } from './owned-partition.js'

export interface CommitsByHandParts {
  readonly groupId: GroupId | undefined
  readonly topics: TopicCache
  readonly events: Events<ConsumerEvents>
  /** Partitions assigned by hand; without them it is a member of the group. */
  readonly manual: readonly AssignedPartition[] | undefined
  readonly assignment: Assignment
  /** There are none without a group. */
  readonly commits: OffsetCommits | undefined
  /** Aborts with the membership of this moment. */
  readonly life: () => AbortSignal
  /** Of whose ownership a handler is running, if one is. */
  readonly handled: (partitionId: PartitionId) => OwnedPartition | undefined
}

export class CommitsByHand {
  readonly #parts: CommitsByHandParts

  constructor(parts: CommitsByHandParts) {
    this.#parts = parts
  }

  /** Commits these, or everything that is handled. */
  async commit(offsets?: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    const { groupId, events, manual, assignment, commits } = this.#parts
    if (commits === undefined || groupId === undefined) {
      throw new TabmqError('ILLEGAL_STATE', 'only a consumer of a group can commit', {})
    }
    if (offsets === undefined) return commits.commitHandled()
    checkArray('offsets', offsets)
    const life = this.#parts.life()
    const wanted = await Promise.all(offsets.map((one) => this.#toCommit(one)))
    if (manual === undefined) for (const one of wanted) this.#checkMayCommit(one)
    await commits.commit(wanted, life)
    for (const { partitionId, offset } of wanted) {
      assignment.get(partitionId)?.committed(offset)
    }
    void events.emit('commitOffsets', { groupId, offsets })
  }

  /**
   * Nobody commits of what this consumer does not hold; nor of what it holds again, but a handler of
   * an earlier ownership still runs on: others may have had it in between, and got further.
   * @throws TabmqError FENCED_MEMBER_EPOCH
   */
  #checkMayCommit({ partitionId }: OffsetToCommit): void {
    const { groupId, assignment } = this.#parts
    const held = assignment.get(partitionId)
    const handled = this.#parts.handled(partitionId) ?? held
    const isSame = handled === held || handled === assignment.lostWithBroker(partitionId)
    if (held?.isCommittable === true && isSame) return
    throw new TabmqError(
      'FENCED_MEMBER_EPOCH',
      `this consumer has lost ${nameOf(handled) ?? `partition ${partitionId}`}: others go on with it`,
      { groupId, partitionId },
    )
  }

  async #toCommit(one: TopicPartitionOffsetAndMetadata): Promise<OffsetToCommit> {
    checkObject('offsets', one)
    const { offset, metadata } = one
    checkInteger('offset', offset, { min: 0 })
    if (metadata !== undefined && typeof metadata !== 'string') {
      throw invalidOption('metadata', metadata, 'a string')
    }
    const { partitionId } = await this.#parts.topics.locate(one)
    return metadata === undefined ? { partitionId, offset } : { partitionId, offset, metadata }
  }
}

function nameOf(partition: OwnedPartition | undefined): string | undefined {
  return partition === undefined ? undefined : `"${partition.topic}" ${partition.partition}`
}
