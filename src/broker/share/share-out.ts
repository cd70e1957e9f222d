/**
 * How many of the messages that there are each of those gets who wait for some: in proportion to their
 * weights, nobody more than it asked for, and everybody one at least as long as there are enough.
 */

export interface Taker {
  readonly weight: number
  readonly max: number
}

/**
 * By index of the takers. Whose turn it is decides who gets what cannot be divided, so that over many
 * turns everybody has its part.
 */
export function shareOut(total: number, takers: readonly Taker[], turn: number): number[] {
  const order = orderOfTurn(takers, turn)
  const count = Math.min(
    total,
    takers.reduce((sum, { max }) => sum + max, 0),
  )
  const parts = takers.map(() => 0)
  let left = count - giveOneEach(parts, { takers, order, count })
  if (left === 0) return parts
  const ideal = idealParts(count, takers)
  for (const [index, part] of ideal.entries()) {
    const more = Math.min(left, Math.max(0, Math.floor(part) - 1))
    parts[index] = (parts[index] ?? 0) + more
    left -= more
  }
  const missing = (index: number) => (ideal[index] ?? 0) - (parts[index] ?? 0)
  const needy = order.toSorted((a, b) => missing(b) - missing(a))
  while (left > 0) left -= giveOneEach(parts, { takers, order: needy, count: left })
  return parts
}

/** All takers, from the one whose turn it is; who has more weight has more turns. */
function orderOfTurn(takers: readonly Taker[], turn: number): number[] {
  const weights = takers.reduce((sum, { weight }) => sum + weight, 0)
  let slot = turn % weights
  let first = 0
  for (const [index, { weight }] of takers.entries()) {
    first = index
    if (slot < weight) break
    slot -= weight
  }
  return takers.map((_, index) => (first + index) % takers.length)
}

interface Giving {
  readonly takers: readonly Taker[]
  readonly order: readonly number[]
  readonly count: number
}

/** Returns how many were given. */
function giveOneEach(parts: number[], { takers, order, count }: Giving): number {
  let given = 0
  for (const index of order) {
    const part = parts[index] ?? 0
    if (given === count) break
    if (part >= (takers[index]?.max ?? 0)) continue
    parts[index] = part + 1
    given += 1
  }
  return given
}

/** In proportion to the weights, where what somebody cannot take is for the others; not rounded. */
function idealParts(count: number, takers: readonly Taker[]): number[] {
  const parts = takers.map(() => 0)
  let open = takers.map((taker, index) => ({ ...taker, index }))
  let left = count
  for (;;) {
    const weights = open.reduce((sum, { weight }) => sum + weight, 0)
    const dueOf = ({ weight }: Taker) => (left * weight) / weights
    const full = open.filter((taker) => taker.max <= dueOf(taker))
    if (full.length === 0) {
      for (const taker of open) parts[taker.index] = dueOf(taker)
      return parts
    }
    open = open.filter((taker) => taker.max > dueOf(taker))
    for (const { index, max } of full) {
      parts[index] = max
      left -= max
    }
  }
}
