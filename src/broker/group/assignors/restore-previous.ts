/**
 * Third step of the balanced assignor: among all equally balanced assignments find one that moves
 * the fewest partitions. As a minimum-cost flow: an assignment moves the fewest exactly when no
 * closed chain of exchanges would move fewer, so negative cycles are looked for (Bellman–Ford) and
 * taken until there is none. The balancing step leaves few or none of them.
 *
 * A cycle goes from a member to the class that it gives a partition of, to the member that takes it,
 * and so on. It may also close over a level: where the last partition of one member would lie as heavily on
 * another (with equal weights: on one that has one fewer), either may have it, so the other may end a
 * chain that the one began.
 */
import { definedOrThrow } from '../../../std/assert.js'
import type { PartitionCounts } from './partition-counts.js'

/**
 * Beyond this much work what is reached is kept: it is balanced all the same, and moves at worst a
 * few more than it must. Counted, not timed, so that the result is the same on every machine.
 */
const RESTORE_STEPS_MAX = 20_000_000

/** Exchanges partitions until no exchange saves a move. It stays as balanced as it is. */
export function restorePrevious(counts: PartitionCounts): void {
  const graph = new ExchangeGraph(counts)
  while (graph.steps < RESTORE_STEPS_MAX) {
    const cycles = graph.findNegativeCycles()
    if (cycles.length === 0) return
    for (const cycle of cycles) graph.take(cycle)
  }
}

/** Nodes are numbers: the members, then the classes, then the levels (a level is a burden). */
class ExchangeGraph {
  steps = 0
  readonly #counts: PartitionCounts
  readonly #firstLevel: number
  #nodeCount: number
  /** The node of each burden of now. */
  #levels = new Map<number, number>()
  readonly #distances: Int32Array
  /** By node: the node before it on the shortest way found, or the node itself at a start. */
  readonly #before: Int32Array
  #improved = false

  constructor(counts: PartitionCounts) {
    this.#counts = counts
    this.#firstLevel = counts.memberCount + counts.classCount
    this.#nodeCount = this.#firstLevel
    const nodesMax = this.#firstLevel + 2 * counts.memberCount
    this.#distances = new Int32Array(nodesMax)
    this.#before = new Int32Array(nodesMax)
  }

  /** Disjoint cycles, each of which saves moves; none only if there is none. */
  findNegativeCycles(): number[][] {
    this.#placeLevels()
    this.#distances.fill(0)
    for (let node = 0; node < this.#nodeCount; node++) this.#before[node] = node
    for (;;) {
      this.#improved = false
      this.#relaxAll()
      if (!this.#improved) return []
      const cycles = this.#cyclesOfBefore()
      if (cycles.length > 0) return cycles
    }
  }

  /** Carries out a cycle given as its nodes in order, as many times over as it pays off. */
  take(cycle: readonly number[]): void {
    const counts = this.#counts
    const moves: { topicClass: number; giver: number; taker: number }[] = []
    let amount = Number.POSITIVE_INFINITY
    for (const [index, node] of cycle.entries()) {
      if (node >= this.#firstLevel) amount = 1
      if (node < counts.memberCount || node >= this.#firstLevel) continue
      const topicClass = node - counts.memberCount
      const giver = cycle.at(index - 1) as number
      const taker = cycle[(index + 1) % cycle.length] as number
      amount = Math.min(amount, counts.moveLimit(topicClass, giver, taker))
      moves.push({ topicClass, giver, taker })
    }
    for (const { topicClass, giver, taker } of moves) counts.move(topicClass, giver, taker, amount)
  }

  #placeLevels(): void {
    const counts = this.#counts
    const burdens = new Set<number>()
    for (let member = 0; member < counts.memberCount; member++) {
      burdens.add(counts.burdenOfNext(member)).add(counts.burdenOfLast(member))
    }
    const ascending = [...burdens].toSorted((a, b) => a - b)
    this.#levels = new Map(ascending.map((burden, index) => [burden, this.#firstLevel + index]))
    this.#nodeCount = this.#firstLevel + ascending.length
  }

  #levelOf(burden: number): number {
    return definedOrThrow(this.#levels.get(burden), () => `no level for a burden of ${burden}`)
  }

  #relaxAll(): void {
    const counts = this.#counts
    for (let member = 0; member < counts.memberCount; member++) {
      for (const topicClass of counts.classesOf[member] ?? []) {
        if (counts.count(topicClass, member) === 0) continue
        this.#relax(member, counts.memberCount + topicClass, counts.giveCost(topicClass, member))
      }
    }
    for (const [topicClass, members] of counts.membersOf.entries()) {
      for (const member of members) {
        this.#relax(counts.memberCount + topicClass, member, counts.takeCost(topicClass, member))
      }
    }
    for (let member = 0; member < counts.memberCount; member++) {
      this.#relax(member, this.#levelOf(counts.burdenOfNext(member)), 0)
    }
    for (let member = 0; member < counts.memberCount; member++) {
      if (counts.load(member) === 0) continue
      this.#relax(this.#levelOf(counts.burdenOfLast(member)), member, 0)
    }
  }

  #relax(from: number, to: number, cost: number): void {
    this.steps++
    const distance = (this.#distances[from] as number) + cost
    if (distance >= (this.#distances[to] as number)) return
    this.#distances[to] = distance
    this.#before[to] = from
    this.#improved = true
  }

  /** Shortest ways run in a circle only around a negative cycle. */
  #cyclesOfBefore(): number[][] {
    const cycles: number[][] = []
    /** By node: the walk that first passed it; 0 is none. */
    const walks = new Int32Array(this.#nodeCount)
    for (let start = 0; start < this.#nodeCount; start++) {
      let node = start
      while (walks[node] === 0 && this.#before[node] !== node) {
        walks[node] = start + 1
        node = this.#before[node] as number
      }
      if (walks[node] === start + 1) cycles.push(this.#cycleThrough(node))
    }
    return cycles
  }

  #cycleThrough(node: number): number[] {
    const cycle = [node]
    for (let at = this.#before[node] as number; at !== node; at = this.#before[at] as number) {
      cycle.push(at)
    }
    return cycle.toReversed()
  }
}
