/**
 * The balanced assignor's working table: how many partitions of each class of topics each member has.
 * Topics with the same subscribers form one class, since their partitions can stand in for each
 * other; which partitions the counts stand for is decided when the counts are final. Soft state that
 * lives for one assignment.
 *
 * The table knows what a change costs in moved partitions. A member that has at most as many of a
 * class as before has only its own; every one beyond is somebody else's or new. So taking is free up
 * to the previous count and costs one move beyond it, and giving one up again refunds that move.
 *
 * And it knows how heavily partitions lie on members (`burdens.ts`), which says what is balanced.
 */
import type { Burdens } from './burdens.js'

/** Of a quotient of whole numbers; those that differ at all differ by much more. */
const ROUNDING = 1e-9

export class PartitionCounts {
  readonly memberCount: number
  readonly classCount: number
  /** By class: who subscribed to its topics. */
  readonly membersOf: readonly (readonly number[])[]
  /** By member: the classes of what it subscribed to. */
  readonly classesOf: readonly (readonly number[])[]
  readonly #counts: Int32Array
  readonly #previous: Int32Array
  readonly #loads: Int32Array
  readonly #burdens: Burdens

  constructor(burdens: Burdens, membersOf: readonly (readonly number[])[]) {
    const { memberCount } = burdens
    this.#burdens = burdens
    this.memberCount = memberCount
    this.classCount = membersOf.length
    this.membersOf = membersOf
    const classesOf: number[][] = Array.from({ length: memberCount }, () => [])
    for (const [topicClass, members] of membersOf.entries()) {
      for (const member of members) classesOf[member]?.push(topicClass)
    }
    this.classesOf = classesOf
    this.#counts = new Int32Array(memberCount * this.classCount)
    this.#previous = new Int32Array(memberCount * this.classCount)
    this.#loads = new Int32Array(memberCount)
  }

  /** How many partitions a member has over all classes. */
  load(member: number): number {
    return this.#loads[member] as number
  }

  /** How heavily one more would lie on a member. */
  burdenOfNext(member: number): number {
    return this.#burdens.of(member, this.load(member))
  }

  /** How heavily the last one of those that it has does. */
  burdenOfLast(member: number): number {
    return this.#burdens.of(member, this.load(member) - 1)
  }

  /** How many it takes from one to the other before the next would only turn it round. */
  evenOut(from: number, to: number): number {
    const difference = this.burdenOfLast(from) - this.burdenOfNext(to)
    const step = this.#burdens.step(from) + this.#burdens.step(to)
    return Math.max(0, Math.ceil(difference / step - ROUNDING))
  }

  count(topicClass: number, member: number): number {
    return this.#counts[this.#at(topicClass, member)] as number
  }

  previous(topicClass: number, member: number): number {
    return this.#previous[this.#at(topicClass, member)] as number
  }

  /** Gives a member a partition that it had before. */
  keep(topicClass: number, member: number): void {
    const at = this.#at(topicClass, member)
    this.#previous[at] = (this.#previous[at] as number) + 1
    this.add(topicClass, member, 1)
  }

  add(topicClass: number, member: number, amount: number): void {
    const at = this.#at(topicClass, member)
    this.#counts[at] = (this.#counts[at] as number) + amount
    this.#loads[member] = this.load(member) + amount
  }

  move(topicClass: number, from: number, to: number, amount: number): void {
    this.add(topicClass, from, -amount)
    this.add(topicClass, to, amount)
  }

  /** What giving one up changes in moves: -1 when it came from elsewhere, else 0. */
  giveCost(topicClass: number, member: number): number {
    const at = this.#at(topicClass, member)
    return (this.#counts[at] as number) > (this.#previous[at] as number) ? -1 : 0
  }

  /** What taking one more changes in moves: 1 when the member has all of its own, else 0. */
  takeCost(topicClass: number, member: number): number {
    const at = this.#at(topicClass, member)
    return (this.#counts[at] as number) < (this.#previous[at] as number) ? 0 : 1
  }

  /** How many can go from one to the other before there are none or one of the costs changes. */
  moveLimit(topicClass: number, from: number, to: number): number {
    const beyond = this.count(topicClass, from) - this.previous(topicClass, from)
    const short = this.previous(topicClass, to) - this.count(topicClass, to)
    const givable = beyond > 0 ? beyond : this.count(topicClass, from)
    return short > 0 ? Math.min(givable, short) : givable
  }

  #at(topicClass: number, member: number): number {
    return topicClass * this.memberCount + member
  }
}
