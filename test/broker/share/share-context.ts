/**
 * A share coordinator over topics and logs, with members that take and acknowledge, and no runtime:
 * decisions are replayed on the spot, the durable ones also kept as rows, so that the broker can die
 * and another find what it left.
 */
import { TopicsView } from '../../../src/broker/group/topics-view.js'
import type { PartitionLog } from '../../../src/broker/log/partition-log.js'
import type { Decision, ShareRecord, StateRecord } from '../../../src/broker/records.js'
import type { ShareGroupRow, SharePartitionRow } from '../../../src/broker/rows.js'
import {
  ShareCoordinator,
  type DeadLetter,
  type DeadLetterEnd,
  type Granted,
} from '../../../src/broker/share/share-coordinator.js'
import { decodeRuns } from '../../../src/broker/share/runs.js'
import { NO_COUNTERS, type SharePartitionState } from '../../../src/broker/share/share-partition.js'
import type { BrokerLimits } from '../../../src/protocol/limits.js'
import type {
  GroupId,
  MemberId,
  PartitionId,
  SessionId,
  TopicName,
} from '../../../src/protocol/names.js'
import type {
  Acknowledgement,
  AcknowledgementType,
  AcquiredRange,
  ShareGroupDescription,
  ShareGroupOptions,
  SharePartitionDescription,
} from '../../../src/protocol/requests/share-groups.js'
import type { ErrorCode } from '../../../src/protocol/errors.js'
import type { BatchParts } from '../batches.js'
import { succeeded } from '../broker-context.js'
import { StateContext } from '../state-context.js'
import { jobBatch, type Job } from './job-batch.js'

export const GROUP = 'jobs' as GroupId

export const OPTIONS: ShareGroupOptions = {
  lockDurationMs: 30_000,
  deliveryCountLimit: 5,
  deadLetterTopic: null,
  isOrderedByKey: false,
  autoOffsetReset: 'earliest',
}

export interface ShareMemberFields {
  readonly group?: string
  readonly topics?: readonly string[]
  readonly patterns?: readonly RegExp[]
  readonly options?: Partial<ShareGroupOptions>
  readonly weight?: number
  /** The tab; a tab of its own by default. */
  readonly session?: string
}

export class ShareContext extends StateContext {
  shares: ShareCoordinator
  /** What is stored. */
  readonly groupRows = new Map<GroupId, ShareGroupRow>()
  readonly partitionRows = new Map<string, SharePartitionRow>()
  readonly #known = new Map<string, SharePartitionState>()

  constructor(limits: Partial<BrokerLimits> = {}) {
    super(limits)
    this.shares = this.#newCoordinator()
  }

  /** As the runtime: share groups hear of changed topics, and what is durable is stored. */
  override replay(records: readonly StateRecord[]): void {
    const ofShares = records.filter((record) => isOfShares(record))
    super.replay(records.filter((record) => !isOfShares(record)))
    this.replayShares(ofShares)
    if (records.some(({ type }) => type === 'topic')) {
      this.replayShares(this.shares.topicsChanged(this))
    }
  }

  replayShares(records: readonly ShareRecord[]): void {
    for (const record of records) {
      this.shares.replay(record)
      this.#store(record)
    }
    this.shares.checkInvariants()
  }

  applyShares<R>({ records, response }: Decision<R, ShareRecord>): R {
    this.replayShares(records)
    return response
  }

  override deleteTopic(topic: string): void {
    this.replayShares(this.shares.partitionsDeleted(this.partitionIds(topic)))
    super.deleteTopic(topic)
  }

  /** The broker dies and another starts: nobody is a member any more, and the topics are as they were. */
  restart(): void {
    this.shares = this.#newCoordinator()
    for (const [groupId, value] of this.groupRows) {
      this.shares.replay({ type: 'shareGroup', groupId, value: structuredClone(value) })
    }
    for (const [key, value] of this.partitionRows) {
      const [groupId, partitionId] = JSON.parse(key) as [GroupId, PartitionId]
      const stored = structuredClone(value)
      this.shares.replay({ type: 'sharePartition', groupId, partitionId, value: stored })
      this.#known.set(key, stateOf(stored))
    }
    this.shares.checkInvariants()
  }

  /** Appends one batch, which is durable at once. Returns its base offset. */
  send(log: PartitionLog, parts: BatchParts = {}): number {
    const { baseOffset } = this.append(log, parts)
    this.commit()
    return baseOffset
  }

  /** The same of records with keys and properties. */
  sendJobs(log: PartitionLog, jobs: readonly Job[]): number {
    const { partitionId } = log
    const [result] = this.produce([{ partitionId, batch: jobBatch(jobs) }])
    this.commit()
    return succeeded(result).baseOffset
  }

  /** What the group knows of a partition, as it was told last. */
  known(log: PartitionLog, groupId: GroupId = GROUP): SharePartitionState {
    const known = this.#known.get(JSON.stringify([groupId, log.partitionId]))
    if (known === undefined) throw new Error('the group does not know that partition')
    return known
  }

  /** The same, as it is stored. */
  stored(log: PartitionLog, groupId: GroupId = GROUP): SharePartitionState {
    const row = this.partitionRows.get(JSON.stringify([groupId, log.partitionId]))
    if (row === undefined) throw new Error('nothing of that partition is stored')
    return stateOf(row)
  }

  /** A member that has joined, of topic `orders` unless told otherwise. */
  join(name: string, fields: ShareMemberFields = {}): TestShareMember {
    const member = new TestShareMember(this, name, fields)
    member.join()
    return member
  }

  /** Shows the coordinator all that it wants to see. */
  look(groupId: GroupId = GROUP, maxRecords = 1_000_000): void {
    for (let round = 0; round < 1_000; round++) {
      const wanted = this.shares.wantedFacts(groupId, maxRecords, this)
      if (wanted.length === 0) return
      for (const { partitionId, seenTo } of wanted) {
        const batches = this.log(partitionId).readFromTail(seenTo, 1)
        if (batches === undefined) throw new Error('the tail of a test is too short')
        for (const batch of batches) this.shares.see(partitionId, batch)
      }
    }
    throw new Error('there is always more to be seen')
  }

  /** All of these wait at once. What each got, by name. */
  take(
    waiting: readonly (readonly [TestShareMember, number])[],
    groupId: GroupId = GROUP,
  ): Record<string, Taken[]> {
    this.look(groupId)
    const members = waiting.map(([{ memberId }, maxRecords]) => ({ memberId, maxRecords }))
    const granted = this.applyShares(this.shares.acquire(groupId, members, this))
    return Object.fromEntries(granted.map((each) => [each.memberId, takenOf(each)]))
  }

  /** Goes on by `ms`, and does what is due on the way. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms
    for (;;) {
      const dueMs = this.shares.nextDeadlineMs()
      if (dueMs === undefined || dueMs > endMs) break
      this.nowMs = Math.max(this.nowMs, dueMs)
      this.replayShares(this.shares.expire(this))
    }
    this.nowMs = endMs
  }

  sessionGone(member: TestShareMember): void {
    this.replayShares(this.shares.sessionGone(member.sessionId, this))
  }

  /** Writes the dead letters that are to be written. */
  bury(): DeadLetter[] {
    const letters = this.shares.takeDeadLetters()
    this.endLetters(letters, 'written')
    return letters
  }

  endLetters(
    letters: readonly DeadLetter[],
    outcome: DeadLetterEnd['outcome'],
    retryAtMs = this.nowMs,
  ): void {
    const ends = letters.map((letter) => ({ letter, outcome }))
    this.replayShares(this.shares.deadLettersEnded(ends, retryAtMs, this))
  }

  /** The transaction with which they ended did not come to be. */
  undoLetters(
    letters: readonly DeadLetter[],
    outcome: DeadLetterEnd['outcome'],
    retryAtMs: number,
  ): void {
    const ends = letters.map((letter) => ({ letter, outcome }))
    this.replayShares(this.shares.undoDeadLetters(ends, retryAtMs, this))
  }

  /** Retention deletes what is below the offset. */
  moveLogStart(log: PartitionLog, logStartOffset: number): void {
    const { partitionId, topicId, partition } = log
    this.replay([{ type: 'partition', partitionId, value: { topicId, partition, logStartOffset } }])
  }

  describe(groupId: GroupId = GROUP): ShareGroupDescription {
    return this.shares.describe(groupId, this)
  }

  describePartition(log: PartitionLog, groupId: GroupId = GROUP): SharePartitionDescription {
    const found = this.describe(groupId).partitions.find(
      ({ partitionId }) => partitionId === log.partitionId,
    )
    if (found === undefined) throw new Error('the group does not know that partition')
    return found
  }

  #newCoordinator(): ShareCoordinator {
    const { topics, logs, limits } = this.state
    return new ShareCoordinator(new TopicsView(topics, logs), limits)
  }

  #store(record: ShareRecord): void {
    if (record.type === 'shareGroup') put(this.groupRows, record.groupId, record.value)
    if (record.type === 'shareRuns') {
      this.#known.set(JSON.stringify([record.groupId, record.partitionId]), record.value)
    }
    if (record.type !== 'sharePartition') return
    const { groupId, partitionId, value } = record
    const key = JSON.stringify([groupId, partitionId])
    put(this.partitionRows, key, value)
    put(this.#known, key, value === null ? null : stateOf(value))
  }
}

/** Offsets with their partition, one by one. */
export interface Taken {
  readonly partitionId: PartitionId
  readonly offset: number
  readonly deliveryCount: number
}

export class TestShareMember {
  readonly memberId: MemberId
  /** The tab that it joined from last. */
  sessionId: SessionId
  readonly groupId: GroupId
  readonly #context: ShareContext
  readonly #fields: ShareMemberFields

  constructor(context: ShareContext, name: string, fields: ShareMemberFields) {
    this.#context = context
    this.#fields = fields
    this.memberId = name as MemberId
    this.sessionId = (fields.session ?? `tab of ${name}`) as SessionId
    this.groupId = (fields.group ?? GROUP) as GroupId
  }

  join(changed: ShareMemberFields = {}): void {
    const fields = { ...this.#fields, ...changed }
    const { topics, patterns = [], options, weight = 1 } = fields
    const { groupId, memberId } = this
    const subscription = {
      topics: (topics ?? (patterns.length === 0 ? ['orders'] : [])) as readonly TopicName[],
      patterns: patterns.map(({ source, flags }) => ({ source, flags })),
    }
    const request = { groupId, memberId, subscription, options: { ...OPTIONS, ...options }, weight }
    if (changed.session !== undefined) this.sessionId = changed.session as SessionId
    const caller = { sessionId: this.sessionId, clientId: `client of ${memberId}` }
    const { shares } = this.#context
    this.#context.applyShares(
      shares.join({ api: 'joinShareGroup', ...request }, caller, this.#context),
    )
  }

  leave(): void {
    const { groupId, memberId } = this
    const request = { api: 'leaveShareGroup', groupId, memberId } as const
    this.#context.applyShares(this.#context.shares.leave(request, this.#context))
  }

  /** Alone in waiting. The offsets that it got. */
  take(maxRecords = 1_000): number[] {
    return this.takeAll(maxRecords).map(({ offset }) => offset)
  }

  takeAll(maxRecords = 1_000): Taken[] {
    return this.#context.take([[this, maxRecords]], this.groupId)[this.memberId] ?? []
  }

  /** What becomes of each: the code of an error, or `ok`. */
  acknowledge(acknowledgements: readonly Acknowledgement[]): (ErrorCode | 'ok')[] {
    const { groupId, memberId } = this
    const request = { api: 'shareAcknowledge', groupId, memberId, acknowledgements } as const
    const decision = this.#context.shares.acknowledge(request, this.#context)
    const { results } = this.#context.applyShares(decision)
    return results.map(({ error }) => error?.code ?? 'ok')
  }

  /** One range of the first partition of `orders`. */
  settle(
    type: AcknowledgementType,
    [firstOffset, lastOffset]: readonly [number, number],
    more: Partial<Acknowledgement> = {},
  ): ErrorCode | 'ok' | undefined {
    const [partitionId] = this.#context.partitionIds('orders')
    if (partitionId === undefined) throw new Error('there is no partition')
    const range = { partitionId, firstOffset, lastOffset, deliveryCount: 1 }
    return this.acknowledge([{ ...range, type, ...more }])[0]
  }
}

function takenOf({ partitions }: Granted): Taken[] {
  return partitions.flatMap(({ partitionId, acquired }) =>
    acquired.flatMap((range) => offsetsOf(range).map((taken) => ({ partitionId, ...taken }))),
  )
}

function offsetsOf({ firstOffset, lastOffset, deliveryCount }: AcquiredRange) {
  return Array.from({ length: lastOffset - firstOffset + 1 }, (_, index) => ({
    offset: firstOffset + index,
    deliveryCount,
  }))
}

function stateOf({ startOffset, runs }: SharePartitionRow): SharePartitionState {
  return { startOffset, runs: decodeRuns(startOffset, runs), counters: NO_COUNTERS }
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}

function isOfShares(record: StateRecord): record is ShareRecord {
  return record.type.startsWith('share')
}
