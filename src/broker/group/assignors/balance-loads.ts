/**
 * First and second step of the balanced assignor: place what nobody had, then even the loads out.
 *
 * One member can relieve another along a chain: a gives b a partition, b gives c one of another
 * topic. The loads are as balanced as the subscriptions allow when no chain leads from any member to
 * one on whom the last partition would lie less heavily (`burdens.ts`): with equal weights, to one with two
 * fewer. That is the optimal semi-matching of Harvey, Ladner, Lovász and Tamir
 * ("Semi-matchings for bipartite graphs and load balancing", 2006): it has the smallest sum of
 * squares of the loads, is max-min fair, and its sorted loads are unique.
 */
import type { PartitionCounts } from './partition-counts.js'

/** Gives each new partition to the subscriber that it burdens least, the first in order among equals. */
export function placeUnowned(counts: PartitionCounts, unowned: readonly number[]): void {
  // Classes with few subscribers first: those with many can make up for their load afterwards.
  const classes = [...unowned.keys()].toSorted(
    (a, b) => (counts.membersOf[a]?.length ?? 0) - (counts.membersOf[b]?.length ?? 0) || a - b,
  )
  for (const topicClass of classes) {
    for (let left = unowned[topicClass] ?? 0; left > 0; left--) {
      const to = leastBurdened(counts, counts.membersOf[topicClass] ?? [])
      if (to !== undefined) counts.add(topicClass, to, 1)
    }
  }
}

/**
 * Moves partitions along chains until nobody could be relieved by somebody less burdened.
 *
 * Always from the most burdened member. When no chain from it helps, none will ever help anybody that
 * chains from it reach: a later chain starts at a burden no higher, so could it touch those members, it
 * would have been a way out for this one. So they are settled and left out from then on, and every
 * search either moves something or settles somebody.
 */
export function balanceLoads(counts: PartitionCounts): void {
  const settled = new Uint8Array(counts.memberCount)
  for (;;) {
    const from = mostBurdenedUnsettled(counts, settled)
    if (from === undefined) return
    const chains = findChains(counts, from, settled)
    const to = leastBurdened(counts, chains.reached)
    if (to === undefined || counts.burdenOfLast(from) <= counts.burdenOfNext(to)) {
      for (const member of chains.reached) settled[member] = 1
    } else {
      relieve(counts, from, to, chains)
    }
  }
}

/** Breadth first, so `reached` is in the order of distance and the chains are the shortest. */
interface Chains {
  /** The start and every member that a chain leads to. */
  readonly reached: readonly number[]
  /** By member reached: the class of the partition that it would take. */
  readonly takes: Int32Array
  /** By class: the member that would give a partition of it up. */
  readonly givers: Int32Array
}

function findChains(counts: PartitionCounts, from: number, settled: Uint8Array): Chains {
  const reached = [from]
  const takes = new Int32Array(counts.memberCount)
  const givers = new Int32Array(counts.classCount)
  const seenMembers = settled.slice()
  const seenClasses = new Uint8Array(counts.classCount)
  seenMembers[from] = 1
  for (const giver of reached) {
    for (const topicClass of counts.classesOf[giver] ?? []) {
      if (seenClasses[topicClass] === 1 || counts.count(topicClass, giver) === 0) continue
      seenClasses[topicClass] = 1
      givers[topicClass] = giver
      for (const taker of counts.membersOf[topicClass] ?? []) {
        if (seenMembers[taker] === 1) continue
        seenMembers[taker] = 1
        takes[taker] = topicClass
        reached.push(taker)
      }
    }
  }
  return { reached, takes, givers }
}

/** Moves as many along the chain as even it out, or as its narrowest link lets through. */
function relieve(counts: PartitionCounts, from: number, to: number, chains: Chains): void {
  const links: { topicClass: number; giver: number; taker: number }[] = []
  let amount = Math.max(1, counts.evenOut(from, to))
  for (let taker = to; taker !== from;) {
    const topicClass = chains.takes[taker] as number
    const giver = chains.givers[topicClass] as number
    amount = Math.min(amount, counts.moveLimit(topicClass, giver, taker))
    links.push({ topicClass, giver, taker })
    taker = giver
  }
  for (const { topicClass, giver, taker } of links) counts.move(topicClass, giver, taker, amount)
}

function mostBurdenedUnsettled(counts: PartitionCounts, settled: Uint8Array): number | undefined {
  let most: number | undefined
  for (let member = 0; member < counts.memberCount; member++) {
    if (settled[member] === 1) continue
    const isMore = most === undefined || counts.burdenOfLast(member) > counts.burdenOfLast(most)
    if (isMore) most = member
  }
  return most
}

function leastBurdened(counts: PartitionCounts, members: readonly number[]): number | undefined {
  let least: number | undefined
  for (const member of members) {
    const isLess = least === undefined || counts.burdenOfNext(member) < counts.burdenOfNext(least)
    if (isLess) least = member
  }
  return least
}
