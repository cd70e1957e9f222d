/**
 * Share groups as one would write them down without a thought of speed: an object for every record, and
 * the rules S1 to S9 for each alone. It is told what a {@link ShareContext} was told, and says whether
 * what that did is right.
 */
import { expect } from 'vitest'
import type { PartitionLog } from '../../../src/broker/log/partition-log.js'
import { piecesBetween, type Death } from '../../../src/broker/share/runs.js'
import type { BrokerLimits } from '../../../src/protocol/limits.js'
import type { MemberId } from '../../../src/protocol/names.js'
import type {
  AcknowledgementType,
  ShareGroupOptions,
} from '../../../src/protocol/requests/share-groups.js'
import type { Job } from './job-batch.js'
import type { ShareContext, Taken } from './share-context.js'

export interface ModelRecord {
  readonly offset: number
  readonly job: Job
  state: 'available' | 'acquired' | 'deadLettering' | 'final'
  deliveryCount: number
  availableAtMs: number
  firstDeliveredAtMs: number
  lastDeliveredAtMs: number
  memberId: MemberId | undefined
  untilMs: number
  death: Death | undefined
}

const FIELDS = [
  'state',
  'deliveryCount',
  'availableAtMs',
  'firstDeliveredAtMs',
  'lastDeliveredAtMs',
  'death',
] as const

export class SharePartitionModel {
  readonly log: PartitionLog
  readonly records: ModelRecord[] = []
  readonly #context: ShareContext
  readonly #limits: BrokerLimits
  options: ShareGroupOptions

  constructor(context: ShareContext, log: PartitionLog, options: ShareGroupOptions) {
    this.#context = context
    this.log = log
    this.options = options
    this.#limits = context.state.limits
  }

  append(jobs: readonly Job[]): void {
    for (const job of jobs) {
      this.records.push({
        offset: this.records.length,
        job,
        state: 'available',
        deliveryCount: 0,
        availableAtMs: 0,
        firstDeliveredAtMs: 0,
        lastDeliveredAtMs: 0,
        memberId: undefined,
        untilMs: 0,
        death: undefined,
      })
    }
  }

  /** What is to be delivered, in that order, as far as there is room. */
  candidates(): ModelRecord[] {
    const { nowMs } = this.#context
    const busy = new Set<string>()
    const found: ModelRecord[] = []
    const fromOffset = this.#fromOffset()
    const endOffset = fromOffset + this.#limits.shareLookAheadRecordsMax
    for (const record of this.records.slice(0, endOffset)) {
      const { offset, state, job } = record
      if (state === 'final' || (state !== 'acquired' && offset < this.log.logStartOffset)) continue
      const isFree = !this.options.isOrderedByKey || job.key === undefined || !busy.has(job.key)
      const why = this.#undeliverable(record)
      const isDue = record.availableAtMs <= nowMs && (job.deliverAtMs ?? 0) <= nowMs
      if (isFree && state === 'available' && why === undefined && isDue) found.push(record)
      const isDropped = why === 'void' || this.options.deadLetterTopic === null
      const isOver = state === 'available' && why !== undefined && isDropped
      if (job.key !== undefined && isFree && !isOver) busy.add(job.key)
    }
    found.sort((a, b) => priorityOf(b) - priorityOf(a))
    const isHeld = ({ state, offset }: ModelRecord) =>
      state === 'acquired' || (state === 'deadLettering' && offset >= this.log.logStartOffset)
    const held = this.records.filter(isHeld).length
    return found.slice(0, Math.max(0, this.#limits.sharePartitionAcquiredMax - held))
  }

  take(memberId: MemberId, { offset, deliveryCount }: Taken): void {
    const record = this.#at(offset)
    const { nowMs } = this.#context
    expect(record.state).toBe('available')
    expect(deliveryCount).toBe(record.deliveryCount + 1)
    expect(deliveryCount).toBeLessThanOrEqual(this.options.deliveryCountLimit)
    record.state = 'acquired'
    record.deliveryCount = deliveryCount
    if (deliveryCount === 1) record.firstDeliveredAtMs = nowMs
    record.lastDeliveredAtMs = nowMs
    record.availableAtMs = 0
    record.memberId = memberId
    record.untilMs = nowMs + this.options.lockDurationMs
  }

  /** Whether the acknowledgement is to count. */
  isHeld(memberId: MemberId, offset: number, deliveryCount: number): boolean {
    const record = this.records[offset]
    if (record?.state !== 'acquired') return false
    return record.memberId === memberId && record.deliveryCount === deliveryCount
  }

  settle(offset: number, type: AcknowledgementType, delayMs: number): void {
    const record = this.#at(offset)
    const { nowMs } = this.#context
    switch (type) {
      case 'accept':
        return finish(record)
      case 'release':
        return this.release(record, delayMs)
      case 'return':
        record.deliveryCount -= 1
        if (record.deliveryCount === 0) {
          record.firstDeliveredAtMs = 0
          record.lastDeliveredAtMs = 0
        }
        return this.#makeAvailable(record, 0)
      case 'reject':
        return this.#die(record, { cause: 'rejected', reason: 'bad' })
      case 'renew':
        record.untilMs = nowMs + this.options.lockDurationMs
    }
  }

  release(record: ModelRecord, delayMs: number): void {
    if (record.deliveryCount >= this.options.deliveryCountLimit) {
      this.#die(record, { cause: 'deliveryCountLimit', reason: '' })
    } else this.#makeAvailable(record, delayMs > 0 ? this.#context.nowMs + delayMs : 0)
  }

  releaseAllOf(memberIds: ReadonlySet<MemberId>): void {
    for (const record of this.records) {
      const { memberId } = record
      if (memberId !== undefined && memberIds.has(memberId)) this.release(record, 0)
    }
  }

  /** It is later now. */
  expire(): void {
    const { nowMs } = this.#context
    for (const record of this.records) {
      if (record.state === 'acquired' && record.untilMs <= nowMs) this.release(record, 0)
      if (record.availableAtMs <= nowMs) record.availableAtMs = 0
    }
  }

  /** Nobody has anything any more. */
  restart(): void {
    for (const record of this.records) {
      if (record.state !== 'acquired' && record.state !== 'deadLettering') continue
      record.state = 'available'
      record.availableAtMs = 0
      record.memberId = undefined
      record.death = undefined
    }
  }

  deadLettered(offset: number): void {
    const record = this.#at(offset)
    expect(record.state).toBe('deadLettering')
    finish(record)
  }

  /** What the coordinator knows is what is so. */
  check(): void {
    const { startOffset, runs } = this.#context.known(this.log)
    const { logStartOffset } = this.log
    for (const record of this.records.slice(0, startOffset)) {
      if (record.state !== 'final') this.#adopt(record, 'final')
    }
    for (const run of piecesBetween(runs, startOffset, this.records.length)) {
      for (let offset = run.firstOffset; offset <= run.lastOffset; offset++) {
        const record = this.#at(offset)
        if (run.state !== record.state) this.#adopt(record, run.state)
        if (offset < logStartOffset && record.state !== 'acquired') continue
        const { lock, firstOffset: _first, lastOffset: _last, ...known } = run
        const { offset: _, job: _job, memberId, untilMs, ...expected } = record
        // In so many records nearly all are as they should be: saying so in detail takes its time.
        const isAlike = FIELDS.every((field) => known[field] === record[field])
        if (!isAlike || known.death !== undefined) {
          expect({ offset, ...known }).toEqual({ offset, ...expected })
        }
        if (lock?.memberId === memberId && (lock?.untilMs ?? untilMs) === untilMs) continue
        expect(lock).toEqual({ memberId, untilMs })
      }
    }
    const open = this.records.findIndex(({ state }) => state !== 'final')
    const end = open < 0 ? this.records.length : open
    if (logStartOffset <= end) expect(startOffset).toBe(end)
  }

  /** What nobody is to get any more is put aside when somebody comes by, which may be now or later. */
  #adopt(record: ModelRecord, state: ModelRecord['state']): void {
    if (record.state === state || record.state === 'acquired') {
      expect(state).toBe(record.state)
      return
    }
    if (record.offset < this.log.logStartOffset) {
      if (state === 'final') finish(record)
      return
    }
    const why = record.state === 'available' ? this.#undeliverable(record) : undefined
    expect({ offset: record.offset, state, why }).not.toMatchObject({ why: undefined })
    if (why === 'void') finish(record)
    else if (why !== undefined) this.#die(record, { cause: why, reason: '' })
    expect(record.state).toBe(state)
  }

  #undeliverable({ job, deliveryCount }: ModelRecord) {
    if (job.isVoid === true) return 'void'
    if (job.expiresAtMs !== undefined && job.expiresAtMs <= this.#context.nowMs) return 'expired'
    return deliveryCount >= this.options.deliveryCountLimit ? 'deliveryCountLimit' : undefined
  }

  #makeAvailable(record: ModelRecord, availableAtMs: number): void {
    record.memberId = undefined
    if (record.offset < this.log.logStartOffset) return finish(record)
    record.state = 'available'
    record.availableAtMs = availableAtMs
  }

  #die(record: ModelRecord, death: Omit<Death, 'topic'>): void {
    const topic = this.options.deadLetterTopic
    record.memberId = undefined
    const isGone = record.offset < this.log.logStartOffset
    if (topic === null || isGone) return finish(record)
    record.state = 'deadLettering'
    record.availableAtMs = 0
    record.death = { ...death, topic }
  }

  #fromOffset(): number {
    const { logStartOffset } = this.log
    const open = this.records.findIndex(({ state, offset }) =>
      offset < logStartOffset ? state === 'acquired' : state !== 'final',
    )
    return Math.max(open < 0 ? this.records.length : open, this.log.logStartOffset)
  }

  #at(offset: number): ModelRecord {
    const record = this.records[offset]
    if (record === undefined) throw new Error(`there is no record ${offset}`)
    return record
  }
}

export function priorityOf({ job }: ModelRecord): number {
  return job.priority ?? 0
}

function finish(record: ModelRecord): void {
  record.state = 'final'
  record.deliveryCount = 0
  record.availableAtMs = 0
  record.firstDeliveredAtMs = 0
  record.lastDeliveredAtMs = 0
  record.memberId = undefined
  record.death = undefined
}
