/**
 * How fast logs grow and groups go on: from the states that a watch shows, over the last seconds. Nothing
 * is asked of the broker for it.
 */
import type { ClusterState } from '../../index.js'

const WINDOW_MS = 4_000

interface Sample {
  readonly atMs: number
  /** Messages ever appended, by topic id; messages ever committed, by group id. */
  readonly topics: ReadonlyMap<string, number>
  readonly groups: ReadonlyMap<string, number>
}

/** Messages per second. What was not there a moment ago has none. */
export interface Rates {
  readonly topics: ReadonlyMap<string, number>
  readonly groups: ReadonlyMap<string, number>
}

export const NO_RATES: Rates = { topics: new Map(), groups: new Map() }

export class RateMeter {
  #samples: Sample[] = []
  #incarnation: string | undefined

  /** Takes in the newest state. */
  next(state: ClusterState): Rates {
    const sample = sampleOf(state)
    const last = this.#samples.at(-1)
    // Another broker has another clock of its own to begin with, and may have lost the last messages.
    if (state.incarnation !== this.#incarnation || (last && sample.atMs < last.atMs)) {
      this.#samples = []
    }
    this.#incarnation = state.incarnation
    this.#samples.push(sample)
    while (this.#samples.length > 2 && this.#isOld(this.#samples[1], sample)) this.#samples.shift()
    const [first = sample] = this.#samples
    const seconds = (sample.atMs - first.atMs) / 1_000
    if (seconds <= 0) return NO_RATES
    return {
      topics: ratesOf(first.topics, sample.topics, seconds),
      groups: ratesOf(first.groups, sample.groups, seconds),
    }
  }

  #isOld(sample: Sample | undefined, newest: Sample): boolean {
    return sample !== undefined && newest.atMs - sample.atMs >= WINDOW_MS
  }
}

function sampleOf({ atMs, topics, groups }: ClusterState): Sample {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  return {
    atMs,
    topics: new Map(
      topics.map(({ topicId, partitions }) => [
        topicId,
        sum(partitions.map(({ logEndOffset }) => logEndOffset)),
      ]),
    ),
    groups: new Map(
      groups.map(({ groupId, offsets }) => [
        groupId,
        sum(offsets.map(({ committedOffset = 0 }) => committedOffset)),
      ]),
    ),
  }
}

function ratesOf(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
  seconds: number,
): Map<string, number> {
  return new Map(
    [...now].flatMap(([id, total]) => {
      const was = before.get(id)
      // An offset that was set back is no work undone.
      return was === undefined ? [] : [[id, Math.max(0, total - was) / seconds]]
    }),
  )
}
