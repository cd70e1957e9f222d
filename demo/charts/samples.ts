/**
 * The last minute of a topic, twice a second: how much came, how much was handled, and how far the groups
 * are behind. Pure: states are handed to it.
 */
import type { ClusterState } from '../../src/index.js'

/** Columns, as the charts take them; the oldest first. */
export interface Series {
  /** In seconds since 1970. */
  readonly atS: readonly number[]
  readonly sentPerSecond: readonly number[]
  readonly handledPerSecond: readonly number[]
  readonly lag: readonly number[]
}

interface Sample {
  readonly atMs: number
  readonly topicId: string
  readonly end: number
  readonly committed: number
  readonly lag: number
  /** How often the group was found at rest: it handles nothing then, whatever becomes of its offsets. */
  readonly rests: number
}

const SAMPLES_MAX = 120
/** Rates are over so many samples, so that a single late one is no spike. */
const RATE_SAMPLES = 2

export class Samples {
  readonly #names: { readonly topic: string; readonly group: string }
  #all: Sample[] = []
  #rests = 0

  constructor(names: { topic: string; group: string }) {
    this.#names = names
  }

  /** Looks at each state: a group may be at rest for no longer than it takes to set it elsewhere. */
  look({ groups }: ClusterState): void {
    const group = groups.find(({ groupId }) => groupId === this.#names.group)
    if (group === undefined || group.state === 'empty') this.#rests += 1
  }

  /** @param atMs of the sample, not of the state: nothing may have changed since */
  note(state: ClusterState, atMs: number): void {
    const topic = state.topics.find((one) => one.topic === this.#names.topic)
    if (topic === undefined) return
    const group = state.groups.find(({ groupId }) => groupId === this.#names.group)
    const offsets = group?.offsets.filter((one) => one.topic === this.#names.topic) ?? []
    const sum = (values: readonly number[]) => values.reduce((total, one) => total + one, 0)
    const { topicId } = topic
    // A topic that was cleared is another one.
    if (this.#all.at(-1)?.topicId !== topicId) this.#all = []
    this.#all.push({
      atMs,
      rests: this.#rests,
      topicId,
      end: sum(topic.partitions.map(({ highWatermark }) => highWatermark)),
      committed: sum(offsets.map(({ committedOffset }) => committedOffset ?? 0)),
      lag: sum(offsets.map(({ lag }) => lag)),
    })
    if (this.#all.length > SAMPLES_MAX) this.#all.shift()
  }

  series(): Series {
    const rate = (of: (sample: Sample, earlier: Sample) => number) =>
      this.#all.map((sample, index) => {
        const earlier = this.#all[Math.max(0, index - RATE_SAMPLES)] ?? sample
        const seconds = (sample.atMs - earlier.atMs) / 1_000
        // A group that is set back handles nothing by that.
        return seconds <= 0 ? 0 : Math.max(0, of(sample, earlier) / seconds)
      })
    return {
      atS: this.#all.map(({ atMs }) => atMs / 1_000),
      sentPerSecond: rate((sample, earlier) => sample.end - earlier.end),
      // Nor does one that is set on, which it can be only at rest.
      handledPerSecond: rate((sample, earlier) =>
        sample.rests === earlier.rests ? sample.committed - earlier.committed : 0,
      ),
      lag: this.#all.map(({ lag }) => lag),
    }
  }
}

/** How things stand with the lag: at the present rates it is gone in so many ms, or grows. */
export type Drain =
  | { readonly is: 'caught up' }
  | { readonly is: 'draining'; readonly inMs: number }
  | { readonly is: 'growing'; readonly perSecond: number }
  | { readonly is: 'standing' }

/** The rates of so many samples are looked at, some seconds; the median, so that a burst is soon forgotten. */
const DRAIN_SAMPLES = 5
/** Rates that are closer to each other than this part of them are as good as equal. */
const DEAD_BAND = 0.1
/** What is handled in so long is on its way, and does not wait. */
const ON_ITS_WAY_S = 1

export function drainOf({ lag, sentPerSecond, handledPerSecond }: Series): Drain {
  const behind = lag.at(-1) ?? 0
  const sent = sentPerSecond.slice(-DRAIN_SAMPLES)
  const handled = handledPerSecond.slice(-DRAIN_SAMPLES)
  const rate = Math.max(medianOf(handled), handled.at(-1) ?? 0)
  if (behind <= rate * ON_ITS_WAY_S) return { is: 'caught up' }
  const gain = medianOf(handled.map((perSecond, index) => perSecond - (sent[index] ?? 0)))
  const isSteady = Math.abs(gain) <= DEAD_BAND * Math.max(medianOf(sent), medianOf(handled))
  if (isSteady) return { is: 'standing' }
  if (gain > 0) return { is: 'draining', inMs: (behind / gain) * 1_000 }
  return { is: 'growing', perSecond: -gain }
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
