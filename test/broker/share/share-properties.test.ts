import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutSoft } from '../../../src/broker/share/runs.js'
import type { DeadLetter } from '../../../src/broker/share/share-coordinator.js'
import type { BrokerLimits } from '../../../src/protocol/limits.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import {
  ACKNOWLEDGEMENT_TYPES,
  type Acknowledgement,
  type AcknowledgementType,
} from '../../../src/protocol/requests/share-groups.js'
import type { Job } from './job-batch.js'
import { GROUP, OPTIONS, ShareContext, type Taken, type TestShareMember } from './share-context.js'
import { priorityOf, SharePartitionModel, type ModelRecord } from './share-model.js'

/** On a machine that is busy with other things. */
const SLOW = { timeout: 120_000 }
const SLOTS = 4
const PARTITIONS = 2

/** Steps that nobody but the coordinator knows to have made something deliverable. */
const OPENING: ReadonlySet<Step['do']> = new Set([
  'leave',
  'tabGone',
  'joinElsewhere',
  'settle',
  'settleAll',
  'pass',
  'bury',
])

const slot = fc.nat({ max: SLOTS - 1 })
const partition = fc.nat({ max: PARTITIONS - 1 })

/** Times from the moment of sending. */
interface JobPlan {
  readonly key: string | undefined
  readonly delayMs: number | undefined
  readonly ttlMs: number | undefined
  readonly priority: number | undefined
  readonly isVoid: boolean
}

type Step =
  | { do: 'send'; partition: number; jobs: JobPlan[] }
  | { do: 'sendPlain'; partition: number; count: number }
  | { do: 'join' | 'leave' | 'tabGone' | 'joinElsewhere'; slot: number }
  | { do: 'take'; waiting: { slot: number; max: number }[] }
  | {
      do: 'settle'
      slot: number
      from: number
      count: number
      type: AcknowledgementType
      delayMs: number
      isStale: boolean
    }
  | { do: 'settleAll'; slot: number; type: AcknowledgementType }
  | { do: 'pass'; ms: number }
  | { do: 'bury' | 'failLetters' | 'undoLetters' | 'restart' }
  | { do: 'retain'; partition: number; share: number }

const plain: fc.Arbitrary<JobPlan> = fc.record({
  key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  delayMs: fc.constant(undefined),
  ttlMs: fc.constant(undefined),
  priority: fc.constant(undefined),
  isVoid: fc.constant(false),
})

const special: fc.Arbitrary<JobPlan> = fc.record({
  key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  delayMs: fc.option(fc.constantFrom(0, 1_000, 40_000), { nil: undefined, freq: 2 }),
  ttlMs: fc.option(fc.constantFrom(0, 5_000, 60_000), { nil: undefined, freq: 2 }),
  priority: fc.option(fc.constantFrom(1, 5, 9), { nil: undefined, freq: 2 }),
  isVoid: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
})

const type = fc.oneof(
  { weight: 3, arbitrary: fc.constant('accept' as const) },
  fc.constantFrom(...ACKNOWLEDGEMENT_TYPES),
)

function stepsOf(job: fc.Arbitrary<JobPlan>): fc.Arbitrary<Step[]> {
  const send = fc.record({
    do: fc.constant('send' as const),
    partition,
    jobs: fc.array(job, { minLength: 1, maxLength: 8 }),
  })
  const take = fc.record({
    do: fc.constant('take' as const),
    waiting: fc.uniqueArray(fc.record({ slot, max: fc.constantFrom(1, 2, 5, 100) }), {
      minLength: 1,
      selector: (each) => each.slot,
    }),
  })
  const settle = fc.record({
    do: fc.constant('settle' as const),
    slot,
    from: fc.nat({ max: 20 }),
    count: fc.constantFrom(1, 2, 4),
    type,
    delayMs: fc.constantFrom(0, 0, 2_000, 50_000),
    isStale: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  })
  return fc.array(
    fc.oneof(
      { weight: 4, arbitrary: send },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('sendPlain' as const),
          partition,
          count: fc.integer({ min: 1, max: 30 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), slot }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('leave' as const, 'tabGone', 'joinElsewhere'),
          slot,
        }),
      },
      { weight: 8, arbitrary: take },
      { weight: 10, arbitrary: settle },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('settleAll' as const), slot, type }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('pass' as const),
          ms: fc.constantFrom(0, 1_000, 2_000, 31_000, 60_000),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constantFrom('bury' as const, 'failLetters', 'undoLetters', 'restart'),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('retain' as const),
          partition,
          share: fc.constantFrom(0.2, 0.5, 1),
        }),
      },
    ),
    { maxLength: 60, size: 'max' },
  )
}

const options = fc.record({
  deliveryCountLimit: fc.constantFrom(1, 2, 3),
  deadLetterTopic: fc.constantFrom(null, 'dead' as never),
  isOrderedByKey: fc.boolean(),
})

const limits = fc.constantFrom<Partial<BrokerLimits>>(
  {},
  { sharePartitionAcquiredMax: 5 },
  { shareLookAheadRecordsMax: 7 },
)

interface Plan {
  readonly options: Partial<typeof OPTIONS>
  readonly limits: Partial<BrokerLimits>
  /** Whether what is taken is what the model would take: not where little may be remembered. */
  readonly isExact: boolean
}

class ShareModel {
  readonly context: ShareContext
  readonly slots: (TestShareMember | undefined)[] = []
  readonly partitions: SharePartitionModel[] = []
  readonly #plan: Plan
  /** What each member was given, whether it still has it or not. */
  readonly #given = new Map<TestShareMember, Taken[]>()
  /** Handed out and not written yet. */
  #letters: DeadLetter[] = []
  #nextMember = 1

  constructor(plan: Plan) {
    this.#plan = plan
    this.context = new ShareContext(plan.limits)
    const options = { ...OPTIONS, ...plan.options }
    for (const partitionId of this.context.createTopic('orders', PARTITIONS)) {
      const log = this.context.log(partitionId)
      this.partitions.push(new SharePartitionModel(this.context, log, options))
    }
    this.#join(0)
  }

  step(step: Step): void {
    const { context } = this
    const member = 'slot' in step ? this.slots[step.slot] : undefined
    switch (step.do) {
      case 'send': {
        const { nowMs } = context
        const jobs = step.jobs.map(({ key, delayMs, ttlMs, priority, isVoid }): Job => {
          const deliverAtMs = delayMs === undefined ? undefined : nowMs + delayMs
          const expiresAtMs = ttlMs === undefined ? undefined : nowMs + ttlMs
          return { key, deliverAtMs, expiresAtMs, priority, isVoid }
        })
        const model = this.#partition(step.partition)
        context.sendJobs(model.log, jobs)
        return model.append(jobs)
      }
      case 'sendPlain': {
        const model = this.#partition(step.partition)
        context.send(model.log, { records: step.count })
        return model.append(Array.from({ length: step.count }, () => ({})))
      }
      case 'join':
        return this.#join(step.slot)
      case 'leave':
        member?.leave()
        return this.#gone(member)
      case 'tabGone':
        if (member !== undefined) context.sessionGone(member)
        return this.#gone(member)
      case 'joinElsewhere':
        if (member === undefined) return
        member.join({ options: this.#plan.options, session: `tab ${this.#nextMember++}` })
        for (const model of this.partitions) model.releaseAllOf(new Set([member.memberId]))
        return
      case 'take':
        return this.#take(step.waiting)
      case 'settle':
        return member === undefined ? undefined : this.#settle(member, step)
      case 'settleAll': {
        if (member === undefined) return
        for (const taken of this.#heldBy(member)) this.#acknowledge(member, [taken], step)
        return
      }
      case 'pass':
        return this.#pass(step.ms)
      case 'bury':
        return this.#bury({ isUndone: false })
      case 'undoLetters':
        return this.#bury({ isUndone: true })
      case 'failLetters': {
        this.#letters.push(...context.shares.takeDeadLetters())
        const retryAtMs = context.nowMs + 10_000
        for (const letter of this.#letters.splice(0)) {
          context.endLetters([letter], 'failed', retryAtMs)
          const record = this.#recordOf(letter)
          if (record?.state === 'deadLettering') record.availableAtMs = retryAtMs
        }
        return
      }
      case 'restart':
        return this.#restart()
      case 'retain': {
        const { log, records } = this.#partition(step.partition)
        const logStartOffset = Math.floor(records.length * step.share)
        if (logStartOffset > log.logStartOffset) context.moveLogStart(log, logStartOffset)
        return
      }
    }
  }

  /**
   * Takes a step while somebody waits in vain: when there is something to deliver afterwards, the
   * group says so. What is appended, and who comes anew, its owner sees by itself.
   */
  stepWhileWaiting(step: Step): void {
    const { context } = this
    context.look()
    const couldDeliver = this.#canDeliver()
    context.shares.takeReady()
    this.step(step)
    if (couldDeliver || !this.#canDeliver() || !OPENING.has(step.do)) return
    const hasMembers = this.context.describe().members.length > 0
    expect(context.shares.takeReady()).toEqual(hasMembers ? [GROUP] : [])
  }

  #canDeliver(): boolean {
    return this.partitions.some((model) => model.candidates().length > 0)
  }

  check(): void {
    for (const model of this.partitions) model.check()
    const { partitions, members } = this.context.describe()
    const acquired = partitions.reduce((sum, each) => sum + each.acquired, 0)
    expect(members.reduce((sum, each) => sum + each.acquired, 0)).toBe(acquired)
    for (const model of this.partitions) {
      const { log, records } = model
      const open = records.filter(
        ({ state, offset }) => state === 'available' && offset >= log.logStartOffset,
      )
      const seen = this.context.describePartition(log)
      expect(seen.available).toBe(open.length)
      expect(seen.acquired).toBe(records.filter(({ state }) => state === 'acquired').length)
    }
  }

  /** Time heals everything: what is not final after all is taken and accepted, in the end all is. */
  finish(): void {
    this.#join(0)
    const [member] = this.slots
    if (member === undefined) throw new Error('nobody is left')
    for (let round = 0; round < 400; round++) {
      this.#take([{ slot: 0, max: 100 }])
      for (const taken of this.#heldBy(member)) {
        this.#acknowledge(member, [taken], { type: 'accept', delayMs: 0 })
      }
      this.#bury({ isUndone: false })
      this.check()
      const isOver = ({ log, records }: SharePartitionModel) =>
        this.context.known(log).startOffset === records.length
      if (this.partitions.every((model) => isOver(model))) return
      this.#pass(10_000)
    }
    throw new Error('something is never final')
  }

  #join(slotIndex: number): void {
    const known = this.slots[slotIndex]
    if (known !== undefined) return known.join()
    const { options } = this.#plan
    const member = this.context.join(`m${this.#nextMember++}`, { options })
    this.slots[slotIndex] = member
    this.#given.set(member, [])
  }

  #gone(member: TestShareMember | undefined): void {
    if (member === undefined) return
    this.slots[this.slots.indexOf(member)] = undefined
    this.#given.delete(member)
    for (const model of this.partitions) model.releaseAllOf(new Set([member.memberId]))
  }

  #take(wanted: readonly { slot: number; max: number }[]): void {
    const { context } = this
    const waiting = wanted.flatMap(({ slot: index, max }) => {
      const member = this.slots[index]
      return member === undefined ? [] : [[member, max] as const]
    })
    if (waiting.length === 0) return
    // What a restart or retention did is seen first.
    const candidates = this.partitions.map((model) => model.candidates())
    const granted = context.take(waiting)
    const taken = new Set<ModelRecord>()
    for (const [member, max] of waiting) {
      const got = granted[member.memberId] ?? []
      expect(got.length).toBeLessThanOrEqual(max)
      for (const each of got) {
        const model = this.#modelOf(each.partitionId)
        model.take(member.memberId, each)
        taken.add(model.records[each.offset] as ModelRecord)
        this.#given.get(member)?.push(each)
      }
    }
    this.#checkTaken(candidates, taken, waiting)
    for (const model of this.partitions) model.check()
  }

  #checkTaken(
    candidates: readonly ModelRecord[][],
    taken: ReadonlySet<ModelRecord>,
    waiting: readonly (readonly [TestShareMember, number])[],
  ): void {
    const all = candidates.flat()
    if (!this.#plan.isExact) return
    for (const record of taken) expect(all).toContain(record)
    const wanted = waiting.reduce((sum, [, max]) => sum + max, 0)
    expect(taken.size).toBe(Math.min(wanted, all.length))
    for (const ofPartition of candidates) {
      const isTaken = ofPartition.map((record) => taken.has(record))
      // The first ones, and none behind one that was not.
      expect(isTaken.lastIndexOf(true)).toBeLessThan(
        isTaken.includes(false) ? isTaken.indexOf(false) : Infinity,
      )
    }
    const least = Math.min(...[...taken].map(priorityOf))
    for (const record of all) if (priorityOf(record) > least) expect(taken).toContain(record)
    const parts = waiting.map(([member]) => [...taken].filter(isOf(member)).length)
    if (taken.size >= waiting.length) expect(Math.min(...parts)).toBeGreaterThan(0)
  }

  #settle(member: TestShareMember, step: Extract<Step, { do: 'settle' }>): void {
    const given = step.isStale ? (this.#given.get(member) ?? []) : this.#heldBy(member)
    const first = given[step.from % Math.max(1, given.length)]
    if (first === undefined) return
    const range = Array.from({ length: step.count }, (_, index) => ({
      ...first,
      offset: first.offset + index,
    }))
    this.#acknowledge(member, range, step)
  }

  #acknowledge(
    member: TestShareMember,
    range: readonly Taken[],
    { type: kind, delayMs = 0 }: { type: AcknowledgementType; delayMs?: number },
  ): void {
    const [first] = range
    const last = range.at(-1)
    if (first === undefined || last === undefined) return
    const { partitionId, deliveryCount } = first
    const model = this.#modelOf(partitionId)
    const isHeld = range.every(({ offset }) => model.isHeld(member.memberId, offset, deliveryCount))
    const acknowledgement: Acknowledgement = {
      partitionId,
      firstOffset: first.offset,
      lastOffset: last.offset,
      deliveryCount,
      type: kind,
      delayMs,
      reason: 'bad',
    }
    expect(member.acknowledge([acknowledgement])).toEqual([isHeld ? 'ok' : 'INVALID_RECORD_STATE'])
    if (isHeld) for (const { offset } of range) model.settle(offset, kind, delayMs)
  }

  #pass(ms: number): void {
    this.context.advance(ms)
    for (const model of this.partitions) model.expire()
  }

  #bury({ isUndone }: { isUndone: boolean }): void {
    const { context } = this
    this.#letters.push(...context.shares.takeDeadLetters())
    for (const letter of this.#letters.splice(0)) {
      const record = this.#recordOf(letter)
      const before = record === undefined ? undefined : { ...record }
      context.endLetters([letter], 'written')
      const model = this.#modelOf(letter.partitionId)
      if (record?.state === 'deadLettering') {
        const { cause, reason, topic, ...address } = letter
        const { offset: _, groupId: _group, partitionId: _id, ...rest } = address
        expect(before).toMatchObject({ ...rest, death: { cause, reason, topic } })
        model.deadLettered(letter.offset)
      }
      const isGone = letter.offset < model.log.logStartOffset
      if (!isUndone || before?.state !== 'deadLettering' || record === undefined || isGone) continue
      const retryAtMs = context.nowMs + 5_000
      context.undoLetters([letter], 'written', retryAtMs)
      Object.assign(record, { ...before, availableAtMs: retryAtMs })
    }
  }

  #restart(): void {
    const { context } = this
    const known = this.partitions.map(({ log }) => context.known(log))
    for (const [index, { log }] of this.partitions.entries()) {
      const { startOffset, runs } = known[index] ?? context.known(log)
      const stored = context.stored(log)
      expect(stored.startOffset).toBe(startOffset)
      // A delay that is over may still be stored: it is over there too.
      const over = stored.runs.map((run) =>
        run.availableAtMs <= context.nowMs ? { ...run, availableAtMs: 0 } : run,
      )
      expect(withoutSoft(over)).toEqual(withoutSoft(runs))
    }
    context.restart()
    this.#letters = []
    for (const [index] of this.slots.entries()) this.slots[index] = undefined
    this.#given.clear()
    for (const model of this.partitions) model.restart()
    this.#pass(0)
  }

  #heldBy(member: TestShareMember): Taken[] {
    const given = this.#given.get(member) ?? []
    return given.filter(({ partitionId, offset, deliveryCount }) =>
      this.#modelOf(partitionId).isHeld(member.memberId, offset, deliveryCount),
    )
  }

  #recordOf({ partitionId, offset }: DeadLetter): ModelRecord | undefined {
    return this.#modelOf(partitionId).records[offset]
  }

  #partition(index: number): SharePartitionModel {
    const model = this.partitions[index]
    if (model === undefined) throw new Error(`there is no partition ${index}`)
    return model
  }

  #modelOf(partitionId: PartitionId): SharePartitionModel {
    const model = this.partitions.find(({ log }) => log.partitionId === partitionId)
    if (model === undefined) throw new Error(`there is no partition ${partitionId}`)
    return model
  }
}

function isOf({ memberId }: TestShareMember) {
  return (record: ModelRecord) => record.memberId === memberId
}

describe('share groups', () => {
  const run = (plan: Plan, steps: readonly Step[]) => {
    const model = new ShareModel(plan)
    for (const step of steps) {
      model.stepWhileWaiting(step)
      model.check()
    }
    model.finish()
  }

  it('do what the model does, of plain messages', SLOW, () => {
    fc.assert(
      fc.property(options, limits, stepsOf(plain), (drawn, limited, steps) => {
        run({ options: drawn, limits: limited, isExact: true }, steps)
      }),
      { numRuns: 100 },
    )
  })

  it('do what the model does, of delayed, expiring, urgent and void ones', SLOW, () => {
    fc.assert(
      fc.property(options, limits, stepsOf(special), (drawn, limited, steps) => {
        run({ options: drawn, limits: limited, isExact: true }, steps)
      }),
      { numRuns: 100 },
    )
  })

  it('lose nothing and hold nothing back for ever with few runs to remember', SLOW, () => {
    fc.assert(
      fc.property(options, stepsOf(fc.oneof(plain, special)), (drawn, steps) => {
        const limited = { sharePartitionRunsMax: 3, sharePartitionAcquiredMax: 20 }
        run({ options: drawn, limits: limited, isExact: false }, steps)
      }),
      { numRuns: 100 },
    )
  })
})
