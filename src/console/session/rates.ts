/**
 * How fast logs grow and groups go on: from the states that a watch shows, over the last seconds. Nothing
 * is asked of the broker for it. A watch shows nothing while nothing changes, so that what was last shown
 * holds on: the meter is asked again as time goes by, and rates fall.
 */
import type { ClusterState, GroupDescription, GroupOffset } from '../../index.js'

const WINDOW_MS = 4_000

interface Sample {
  readonly atMs: number
  /** Messages ever appended, by topic id; messages that members were seen to commit, by group id. */
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
  /** The last before the window, if there is one, and those within. */
  #samples: Sample[] = []
  #state: ClusterState | undefined

  /** Takes in the newest state. */
  next(state: ClusterState): Rates {
    const before = this.#state
    const last = this.#samples.at(-1)
    // Another broker has another clock of its own to begin with, and may have lost the last messages.
    if (before?.incarnation !== state.incarnation || (last && state.atMs < last.atMs)) {
      this.#samples = []
    }
    this.#state = state
    const known = this.#samples.at(-1)
    this.#samples.push({
      atMs: state.atMs,
      topics: appendedOf(state),
      groups: committedOf(
        state,
        known && before ? { work: known.groups, groups: before.groups } : undefined,
      ),
    })
    return this.at(state.atMs)
  }

  /** At a time since, by the broker's clock, of which no newer state has come. */
  at(nowMs: number): Rates {
    const from = nowMs - WINDOW_MS
    while ((this.#samples[1]?.atMs ?? Infinity) <= from) this.#samples.shift()
    const [first] = this.#samples
    const newest = this.#samples.at(-1)
    if (first === undefined || newest === undefined) return NO_RATES
    // What was shown before the window held on until it began.
    const seconds = (nowMs - Math.max(first.atMs, from)) / 1_000
    if (seconds <= 0) return NO_RATES
    return {
      topics: ratesOf(first.topics, newest.topics, seconds),
      groups: ratesOf(first.groups, newest.groups, seconds),
    }
  }
}

/** Whether anything goes on, so that to ask later gives another answer. */
export function isMoving({ topics, groups }: Rates): boolean {
  return [...topics.values(), ...groups.values()].some((rate) => rate > 0)
}

function appendedOf({ topics }: ClusterState): Map<string, number> {
  return new Map(
    topics.map(({ topicId, partitions }) => [
      topicId,
      partitions.reduce((total, { logEndOffset }) => total + logEndOffset, 0),
    ]),
  )
}

interface Before {
  /** What was committed so far, by group id. */
  readonly work: ReadonlyMap<string, number>
  readonly groups: readonly GroupDescription[]
}

/**
 * Offsets of a group without members are set, not worked for. Whatever goes back, or begins, is no work
 * either, and takes nothing from that of other partitions.
 */
function committedOf({ groups }: ClusterState, before: Before | undefined): Map<string, number> {
  const known = new Map(before?.groups.map((group) => [group.groupId, group]))
  return new Map(
    groups.map((group) => {
      const was = known.get(group.groupId)
      const total = before?.work.get(group.groupId) ?? 0
      const isEmpty = group.members.length + (was?.members.length ?? 0) === 0
      return [group.groupId, was === undefined || isEmpty ? total : total + workOf(was, group)]
    }),
  )
}

function workOf(before: GroupDescription, { offsets }: GroupDescription): number {
  const place = ({ topic, partition }: GroupOffset) => `${topic} ${partition}`
  const known = new Map(before.offsets.map((one) => [place(one), one.committedOffset]))
  return offsets.reduce((sum, one) => {
    const was = known.get(place(one))
    const isKnown = was !== undefined && one.committedOffset !== undefined
    return isKnown ? sum + Math.max(0, one.committedOffset - was) : sum
  }, 0)
}

function ratesOf(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
  seconds: number,
): Map<string, number> {
  return new Map(
    [...now].flatMap(([id, total]) => {
      const was = before.get(id)
      return was === undefined ? [] : [[id, Math.max(0, total - was) / seconds]]
    }),
  )
}
