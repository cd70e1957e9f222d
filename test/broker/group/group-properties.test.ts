import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PartitionId } from '../../../src/protocol/names.js'
import type { GroupDescription, MemberDescription } from '../../../src/protocol/requests/groups.js'
import { GroupContext, type TestMember } from './group-context.js'

/** On a machine that is busy with other things. */
const SLOW = { timeout: 60_000 }

const TOPICS = ['orders', 'refunds', 'audit'] as const
const SLOTS = 5
/** The first two slots hold static members: what joins there takes the place of what was there. */
const STATIC_SLOTS = 2

const slot = fc.nat({ max: SLOTS - 1 })
const topic = fc.constantFrom(...TOPICS)
const topics = fc.subarray([...TOPICS], { minLength: 1 })
const ms = fc.constantFrom(0, 500, 3_000, 9_000, 25_000)

type Step =
  | { do: 'join'; slot: number; topics: string[] }
  | { do: 'resubscribe'; slot: number; topics: string[] }
  | { do: 'beat' | 'loseReply' | 'leave' | 'tabGone' | 'letGo'; slot: number }
  | { do: 'silence' | 'slowness'; slot: number; is: boolean }
  | { do: 'createTopic' | 'deleteTopic' | 'addPartition'; topic: string }
  | { do: 'pass'; ms: number }
  | { do: 'restart' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), slot, topics }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('beat' as const), slot }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('loseReply' as const, 'leave', 'tabGone', 'letGo'),
        slot,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('silence' as const, 'slowness'),
        slot,
        is: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('createTopic' as const, 'deleteTopic', 'addPartition'),
        topic,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('resubscribe' as const), slot, topics }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  ),
  { maxLength: 60, size: 'max' },
)

class GroupModel {
  readonly context = new GroupContext()
  readonly slots: (TestMember | undefined)[] = []
  readonly wants = new Map<TestMember, ReadonlySet<string>>()
  #nextMember = 1
  #groupEpoch = 0
  readonly #memberEpochs = new Map<TestMember, number>()

  constructor() {
    this.context.createTopic('orders', 3)
  }

  async take(step: Step): Promise<void> {
    const { context } = this
    const member = 'slot' in step ? this.#memberIn(step.slot) : undefined
    switch (step.do) {
      case 'join':
        return this.#join(step.slot, step.topics)
      case 'beat':
        member?.beat()
        return
      case 'loseReply':
        member?.beat({ replyLost: true })
        return
      case 'leave':
        if (member !== undefined && known(this.#group(), member) !== undefined) member.leave()
        return
      case 'tabGone':
        if (member !== undefined) context.sessionGone(member)
        return
      case 'letGo':
        member?.letGo()
        return
      case 'silence':
        if (member !== undefined) member.isSilent = step.is
        return
      case 'slowness':
        if (member !== undefined) member.isSlow = step.is
        return
      case 'resubscribe':
        if (member === undefined) return
        member.resubscribe({ topics: step.topics })
        this.wants.set(member, new Set(step.topics))
        return
      case 'createTopic':
        if (!this.#hasTopic(step.topic)) context.createTopic(step.topic, 2)
        return
      case 'deleteTopic':
        if (this.#hasTopic(step.topic)) context.deleteTopic(step.topic)
        return
      case 'addPartition': {
        if (!this.#hasTopic(step.topic)) return
        const count = context.partitionIds(step.topic).length + 1
        if (count < 8) context.addPartitions(step.topic, count)
        return
      }
      case 'pass':
        return context.advance(step.ms)
      case 'restart':
        return context.restart()
    }
  }

  /** Nobody believes to hold what the coordinator may give to others; epochs never go back. */
  check(): void {
    const group = this.#group()
    const owners = new Map<PartitionId, TestMember>()
    for (const member of this.context.members) {
      const seen = known(group, member)
      if (seen === undefined) {
        this.#memberEpochs.delete(member)
        continue
      }
      const held = heldBy(seen)
      for (const partitionId of this.#existing(member.owned)) {
        expect(owners.get(partitionId)).toBeUndefined()
        owners.set(partitionId, member)
        expect(held.has(partitionId)).toBe(true)
      }
      const before = this.#memberEpochs.get(member) ?? 0
      if (member.epoch > 0) {
        expect(member.epoch).toBeGreaterThanOrEqual(before)
        this.#memberEpochs.set(member, member.epoch)
      } else {
        this.#memberEpochs.delete(member)
      }
    }
    const groupEpoch = group?.groupEpoch ?? this.#groupEpoch
    expect(groupEpoch).toBeGreaterThanOrEqual(this.#groupEpoch)
    this.#groupEpoch = groupEpoch
  }

  /** Everybody answers again, lets go of what it is to let go, and enough time passes. */
  recover(): void {
    for (const member of this.context.members) {
      member.isSilent = false
      member.isSlow = false
      member.letGo()
      member.resume()
    }
    this.context.advance(60_000)
  }

  /** Every partition somebody wants is held by one who wants it, and all agree. */
  checkIsSettled(): void {
    const living = this.context.members.filter((member) => !member.isGone)
    const group = this.#group()
    expect(group?.state ?? 'empty').toBe(living.length === 0 ? 'empty' : 'stable')
    const held: PartitionId[] = []
    for (const member of living) {
      expect(heldBy(known(group, member))).toEqual(new Set(this.#existing(member.owned)))
      const wanted = new Set(this.#partitionsOf(this.wants.get(member) ?? []))
      for (const partitionId of member.owned) expect(wanted.has(partitionId)).toBe(true)
      held.push(...member.owned)
    }
    const wantedByAny = new Set(living.flatMap((member) => [...(this.wants.get(member) ?? [])]))
    expect(sorted(held)).toEqual(sorted(this.#partitionsOf(wantedByAny)))
  }

  #join(slotIndex: number, wanted: readonly string[]): void {
    const isStatic = slotIndex < STATIC_SLOTS
    if (!isStatic && this.#memberIn(slotIndex) !== undefined) return
    const instance = isStatic ? { instance: `instance-${slotIndex}` } : {}
    const name = `m${this.#nextMember++}`
    const member = this.context.member(name, { topics: wanted, ...instance })
    this.wants.set(member, new Set(wanted))
    this.slots[slotIndex] = member
    member.beat()
  }

  #memberIn(slotIndex: number): TestMember | undefined {
    const member = this.slots[slotIndex]
    return member?.isGone === true ? undefined : member
  }

  /** The group as the coordinator has it, once there is one. */
  #group(): GroupDescription | undefined {
    const { groups } = this.context.state
    return groups.list().length === 0 ? undefined : this.context.describe()
  }

  #existing(partitionIds: Iterable<PartitionId>): PartitionId[] {
    const { logs } = this.context.state
    return [...partitionIds].filter((partitionId) => logs.find(partitionId) !== undefined)
  }

  #hasTopic(name: string): boolean {
    return this.context.state.topics.find(name as never) !== undefined
  }

  #partitionsOf(names: Iterable<string>): PartitionId[] {
    return [...names].flatMap((name) =>
      this.#hasTopic(name) ? [...this.context.partitionIds(name)] : [],
    )
  }
}

/** The member as the coordinator has it; undefined when it is none, or another tab's by now. */
function known(
  group: GroupDescription | undefined,
  { memberId, sessionId }: TestMember,
): MemberDescription | undefined {
  const found = group?.members.find((each) => each.memberId === memberId)
  return found?.sessionId === sessionId ? found : undefined
}

/** What it may hold, and what it has yet to let go. */
function heldBy(member: MemberDescription | undefined): Set<PartitionId> {
  return new Set(member?.assigned.map(({ partitionId }) => partitionId))
}

const sorted = (ids: Iterable<PartitionId>) => [...ids].sort((a, b) => a - b)

describe('a group, whatever happens to it', () => {
  it(
    'never gives a partition two owners, and comes to rest with every partition assigned',
    SLOW,
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (taken) => {
          const model = new GroupModel()
          for (const step of taken) {
            await model.take(step)
            model.check()
          }
          model.recover()
          model.check()
          model.checkIsSettled()
        }),
        { numRuns: 100 },
      )
    },
  )

  it('gives static members back what they held when the broker dies at rest', async () => {
    const members = fc.array(topics, { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(members, fc.nat(), async (subscriptions, turn) => {
        const context = new GroupContext()
        for (const each of TOPICS) context.createTopic(each, 3)
        const before = subscriptions.map((wanted, index) =>
          context.join(`a${index}`, { topics: wanted, instance: `i${index}` }),
        )
        context.settle()
        const held = before.map((member) => sorted(member.owned))
        const { groupEpoch } = context.describe()
        await context.restart()
        context.members.splice(0)
        const order = subscriptions.map((_, index) => (index + turn) % subscriptions.length)
        const after = new Map(
          order.map((index) => {
            const wanted = subscriptions[index] ?? []
            return [index, context.join(`b${index}`, { topics: wanted, instance: `i${index}` })]
          }),
        )
        const heldAgain = before.map((_, index) => sorted(after.get(index)?.owned ?? []))
        expect(heldAgain).toEqual(held)
        expect(context.describe()).toMatchObject({ state: 'stable', groupEpoch })
      }),
      { numRuns: 50 },
    )
  })
})
