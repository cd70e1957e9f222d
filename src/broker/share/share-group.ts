/**
 * One share group: its options, its members, and how far it has come in each partition. Options and
 * partitions are hard state, members are soft. Every member reads every partition of the topics that it
 * subscribed to. Only `replay` changes a group; the decisions are in the decide-*.ts files.
 */
import { assert, unreachable } from '../../std/assert.js'
import { TabmqError } from '../../protocol/errors.js'
import type { GroupId, MemberId, PartitionId } from '../../protocol/names.js'
import type { GroupState } from '../../protocol/requests/groups.js'
import type { ShareGroupOptions } from '../../protocol/requests/share-groups.js'
import { subscribedTopics } from '../group/subscription.js'
import type { TopicsView } from '../group/topics-view.js'
import type { ShareRecord } from '../records.js'
import type { ShareGroupRow } from '../rows.js'
import { HeldKeys } from './held-keys.js'
import type { ShareMember } from './share-member.js'
import { SharePartition } from './share-partition.js'

export class ShareGroup {
  readonly groupId: GroupId
  readonly heldKeys = new HeldKeys()
  readonly #members = new Map<MemberId, ShareMember>()
  readonly #partitions = new Map<PartitionId, SharePartition>()
  #row: ShareGroupRow | undefined
  #turn = 0
  /** What each member reads, as far as it was asked for since topics or members changed. */
  readonly #readBy = new Map<MemberId, readonly PartitionId[]>()
  #read: readonly PartitionId[] | undefined

  constructor(groupId: GroupId) {
    this.groupId = groupId
  }

  get row(): ShareGroupRow | undefined {
    return this.#row
  }

  get members(): ReadonlyMap<MemberId, ShareMember> {
    return this.#members
  }

  get partitions(): ReadonlyMap<PartitionId, SharePartition> {
    return this.#partitions
  }

  get state(): GroupState {
    return this.#members.size === 0 ? 'empty' : 'stable'
  }

  /** Goes up whenever messages are handed out: whose turn it is. */
  get turn(): number {
    return this.#turn
  }

  /** @throws TabmqError GROUP_ID_NOT_FOUND */
  get options(): ShareGroupOptions {
    if (this.#row !== undefined) return this.#row.options
    const { groupId } = this
    throw new TabmqError('GROUP_ID_NOT_FOUND', `there is no share group "${groupId}"`, { groupId })
  }

  /** @throws TabmqError UNKNOWN_MEMBER_ID */
  memberOrThrow(memberId: MemberId): ShareMember {
    const member = this.#members.get(memberId)
    if (member !== undefined) return member
    const { groupId } = this
    throw new TabmqError(
      'UNKNOWN_MEMBER_ID',
      `share group "${groupId}" has no member ${memberId}: it left, or its tab was gone`,
      { groupId, memberId },
    )
  }

  /** The partitions that a member reads, by topic and number. */
  readBy(memberId: MemberId, topics: TopicsView): readonly PartitionId[] {
    const known = this.#readBy.get(memberId)
    if (known !== undefined) return known
    const member = this.#members.get(memberId)
    const read = member === undefined ? [] : this.#subscribed(member, topics)
    this.#readBy.set(memberId, read)
    return read
  }

  /** The partitions that any member reads. */
  read(topics: TopicsView): readonly PartitionId[] {
    this.#read ??= [
      ...new Set([...this.#members.keys()].flatMap((memberId) => this.readBy(memberId, topics))),
    ]
    return this.#read
  }

  /** Topics or partitions came or went: what members read is not what it was. */
  forgetReads(): void {
    this.#readBy.clear()
    this.#read = undefined
  }

  replay(record: ShareRecord): void {
    switch (record.type) {
      case 'shareGroup':
        this.#row = record.value ?? undefined
        return
      case 'sharePartition':
        if (!this.#partitions.has(record.partitionId) || record.value === null) this.forgetReads()
        if (record.value === null) this.#partitions.delete(record.partitionId)
        else this.#partitionFor(record.partitionId).replayRow(record.value)
        return
      case 'shareMember':
        this.forgetReads()
        if (record.value === null) this.#members.delete(record.memberId)
        else this.#members.set(record.memberId, record.value)
        return
      case 'shareRuns':
        this.#turn = record.value.turn ?? this.#turn
        return this.#partitions.get(record.partitionId)?.replayState(record.value)
      default:
        return unreachable(record)
    }
  }

  checkInvariants(): void {
    const { groupId } = this
    for (const partition of this.#partitions.values()) {
      partition.checkInvariants()
      for (const { lock } of partition.runs) {
        assert(
          lock === undefined || this.#members.has(lock.memberId),
          () => `${groupId}: ${lock?.memberId} is no member and has messages`,
        )
      }
    }
    assert(
      this.#row !== undefined || this.#members.size + this.#partitions.size === 0,
      () => `${groupId}: no row, and not empty`,
    )
    assert(
      this.#row?.emptySinceMs === undefined || this.#members.size === 0,
      () => `${groupId}: empty with ${this.#members.size} members`,
    )
  }

  #subscribed({ subscription }: ShareMember, topics: TopicsView): readonly PartitionId[] {
    return [...subscribedTopics(subscription, topics)]
      .sort()
      .flatMap((topic) => topics.partitionIds(topic))
      .filter((partitionId) => this.#partitions.has(partitionId))
  }

  #partitionFor(partitionId: PartitionId): SharePartition {
    const known = this.#partitions.get(partitionId)
    if (known !== undefined) return known
    const partition = new SharePartition(this.groupId, partitionId)
    this.#partitions.set(partitionId, partition)
    return partition
  }
}
