/**
 * Finds out where partitions start: at the group's committed offset, else where the reset policy
 * says, as it does again when a position is no longer in the log. A member asks the coordinator, who
 * decides both at once; a consumer of assigned partitions asks for the committed offsets and the ends
 * of the log itself.
 */
import { fromWireError, hasCode, TabmqError } from '../../protocol/errors.js'
import type { GroupId } from '../../protocol/names.js'
import type { AutoOffsetReset, MemberRef } from '../../protocol/requests/groups.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { backoffMs } from '../retry-backoff.js'
import type { OwnedPartition } from './owned-partition.js'

const RETRY_BACKOFF = { firstMs: 10, maxMs: 1_000 }

export interface StartOffsetsOptions {
  readonly connection: Connection
  readonly groupId: GroupId | undefined
  /** 'none': a consumer of assigned partitions; undefined: no member at this moment. */
  readonly member: () => MemberRef | 'none' | undefined
  readonly policy: (topic: string) => AutoOffsetReset
}

export interface FindOptions {
  readonly host: ClientHost
  /** Whether the partition is still this consumer's to start. */
  readonly isCurrent: (partition: OwnedPartition) => boolean
  readonly onError: (error: unknown, partition?: OwnedPartition) => void
}

export class StartOffsets {
  readonly #options: StartOffsetsOptions

  constructor(options: StartOffsetsOptions) {
    this.#options = options
  }

  /** Starts the partitions; repeats while the broker or the member's epoch is changing. */
  async find(partitions: readonly OwnedPartition[], options: FindOptions): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const current = partitions.filter(options.isCurrent)
      if (current.length === 0) return
      try {
        await this.#findOnce(current, options)
        return
      } catch (error) {
        const isPassing =
          hasCode(
            error,
            'STALE_MEMBER_EPOCH',
            'UNKNOWN_MEMBER_ID',
            'FENCED_MEMBER_EPOCH',
            'STORAGE_LOST',
          ) ||
          (error instanceof TabmqError && error.retriable)
        if (!isPassing) {
          options.onError(error)
          return
        }
        const { host } = options
        const random = () => host.random()
        const waitMs = backoffMs(attempt, { ...RETRY_BACKOFF, random })
        await new Promise<void>((resolve) => {
          host.setTimer(waitMs, resolve)
        })
      }
    }
  }

  /**
   * The position is out of range: go where the policy says (rule 15).
   * @throws TabmqError OFFSET_OUT_OF_RANGE without a policy
   */
  async reset(partition: OwnedPartition): Promise<void> {
    const policy = this.#options.policy(partition.topic)
    if (policy === 'none') throw outOfRange(partition)
    const { version, partitionId } = partition
    const { results } = await this.#options.connection.call(
      { api: 'listOffsets', partitions: [{ partitionId, at: policy }] },
      { isRepeatable: true },
    )
    const [result] = results
    if (result?.error !== undefined) throw fromWireError(result.error)
    if (partition.version === version && result?.offset !== undefined) {
      partition.fetchNotBeforeMs = 0
      partition.resetTo(result.offset)
    }
  }

  /** Goes on at what is committed: somebody else has done what is at hand. */
  async goOnBehindCommitted(partition: OwnedPartition): Promise<void> {
    const { connection, groupId } = this.#options
    const { partitionId, version } = partition
    if (groupId === undefined) return
    const request = { api: 'fetchOffsets', groupId, partitions: [partitionId] } as const
    const { offsets } = await connection.call(request, { isRepeatable: true })
    const offset = offsets[0]?.offset
    if (offset !== undefined && partition.version === version) partition.goOnAt(offset)
  }

  async #findOnce(partitions: readonly OwnedPartition[], options: FindOptions): Promise<void> {
    const byPolicy = new Map<AutoOffsetReset, OwnedPartition[]>()
    for (const partition of partitions) {
      const policy = this.#options.policy(partition.topic)
      byPolicy.set(policy, [...(byPolicy.get(policy) ?? []), partition])
    }
    await Promise.all(
      [...byPolicy].map(([policy, some]) =>
        this.#options.member() === 'none'
          ? this.#findWithoutMember(some, policy, options)
          : this.#findAsMember(some, policy, options),
      ),
    )
  }

  async #findAsMember(
    partitions: readonly OwnedPartition[],
    autoOffsetReset: AutoOffsetReset,
    options: FindOptions,
  ): Promise<void> {
    const { connection, groupId, member: memberNow } = this.#options
    const member = memberNow()
    if (groupId === undefined || member === undefined || member === 'none') {
      throw new TabmqError('UNKNOWN_MEMBER_ID', 'this consumer is no member at this moment', {})
    }
    const ids = partitions.map((partition) => partition.partitionId)
    const { results } = await connection.call(
      { api: 'startOffsets', groupId, member, partitions: ids, autoOffsetReset },
      { isRepeatable: true },
    )
    results.forEach((result, index) => {
      const partition = partitions[index]
      if (partition === undefined || !options.isCurrent(partition)) return
      if (result.error === undefined) partition.startAt(result.offset)
      else if (result.error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') {
        options.onError(fromWireError(result.error), partition)
      }
    })
  }

  async #findWithoutMember(
    partitions: readonly OwnedPartition[],
    policy: AutoOffsetReset,
    options: FindOptions,
  ): Promise<void> {
    const { connection, groupId } = this.#options
    const ids = partitions.map((partition) => partition.partitionId)
    const committed = new Map<number, number>()
    if (groupId !== undefined) {
      const request = { api: 'fetchOffsets', groupId, partitions: ids } as const
      const { offsets } = await connection.call(request, { isRepeatable: true })
      for (const { partitionId, offset } of offsets) committed.set(partitionId, offset)
    }
    for (const partition of partitions) {
      const offset = committed.get(partition.partitionId)
      if (offset !== undefined) partition.startAt(offset)
    }
    const open = partitions.filter(({ partitionId }) => !committed.has(partitionId))
    if (open.length === 0) return
    if (policy === 'none') {
      for (const partition of open) options.onError(noOffset(partition), partition)
      return
    }
    const wanted = open.map(({ partitionId }) => ({ partitionId, at: policy }))
    const { results } = await connection.call(
      { api: 'listOffsets', partitions: wanted },
      { isRepeatable: true },
    )
    results.forEach((result, index) => {
      const partition = open[index]
      if (partition === undefined) return
      if (result.error !== undefined) options.onError(fromWireError(result.error), partition)
      else if (result.offset !== undefined) partition.startAt(result.offset)
    })
  }
}

function noOffset({ topic, partition }: OwnedPartition): TabmqError {
  return new TabmqError(
    'NO_OFFSET_FOR_PARTITION',
    `"${topic}" ${partition} has no committed offset, and there is no reset policy`,
    { topic, partition },
  )
}

function outOfRange({ topic, partition, position: offset }: OwnedPartition): TabmqError {
  return new TabmqError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${offset} of "${topic}" ${partition} is not in the log, and there is no reset policy`,
    { topic, partition, offset },
  )
}
