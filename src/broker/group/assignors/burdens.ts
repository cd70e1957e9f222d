/**
 * How heavily partitions lie on members: the more it has for its weight, the heavier the next. Partitions are
 * balanced when nobody could give one to somebody on whom it would lie less heavily.
 *
 * Where all members subscribed to the same, each has a share, its weight's part of all partitions, and
 * the burden is what it has beyond: the balance is then within one of the share, the largest
 * remainders rounded up (Hamilton's method). Where subscriptions differ there is no such share, since what one
 * may not have is for the others, and the burden is what it has in relation to its weight (Sainte-Laguë's
 * method, which minimizes the sum of the squares of the loads, each by its weight). With equal weights both
 * are the loads.
 */

/** Where whoever has any subscription has the same one. */
export interface SharedPartitions {
  readonly partitions: number
  /** Of all who share in them. */
  readonly weight: number
}

export class Burdens {
  readonly memberCount: number
  readonly #unit: number
  /** By member: what to take off, and what to divide by. */
  readonly #shares: readonly number[]
  readonly #divisors: readonly number[]

  constructor(weights: readonly number[], shared: SharedPartitions | undefined) {
    const isUneven = weights.some((weight) => weight !== weights[0])
    const byShare = isUneven ? shared : undefined
    this.memberCount = weights.length
    this.#unit = byShare?.weight ?? 1
    this.#shares = weights.map((weight) => weight * (byShare?.partitions ?? 0))
    this.#divisors = weights.map((weight) => (isUneven && byShare === undefined ? weight : 1))
  }

  /** Of the partition that comes after so many. Equal burdens are equal numbers. */
  of(member: number, load: number): number {
    const beyond = (2 * load + 1) * this.#unit - 2 * (this.#shares[member] ?? 0)
    return beyond / (this.#divisors[member] ?? 1)
  }

  /** By how much the burden grows from one partition to the next. */
  step(member: number): number {
    return (2 * this.#unit) / (this.#divisors[member] ?? 1)
  }
}
