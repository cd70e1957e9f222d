/** What the page shows of its queue: a `ClusterState` in, plain data out. */
import type { ClusterState, ShareGroupDescription } from '../../src/index.js'
import { tabName, type TabName } from '../cluster/cluster-view.js'
import { DEAD_JOBS, JOBS, JOB_GROUP } from '../names.js'

export interface QueueState {
  /** Jobs that anybody may have now, and those whose time has not come. */
  readonly waiting: number
  readonly delayed: number
  /** Since the broker started. */
  readonly done: number
  readonly releases: number
  readonly deadLetters: number
  /** Whose jobs are being worked on. */
  readonly inHand: readonly JobsInHand[]
}

export interface JobsInHand {
  readonly tab: TabName
  readonly jobs: number
  /** The highest delivery count among them. */
  readonly deliveryCount: number
}

const REDRIVE_GROUP = 'tabmq.redrive'

export function queueStateOf(state: ClusterState): QueueState {
  const group = state.shareGroups.find(({ groupId }) => groupId === JOB_GROUP)
  const partitions = group?.partitions.filter(({ topic }) => topic === JOBS) ?? []
  const sum = (of: (one: (typeof partitions)[number]) => number) =>
    partitions.reduce((total, one) => total + of(one), 0)
  return {
    waiting: group === undefined ? storedIn(state, JOBS) : sum(waitingIn),
    delayed: sum(({ delayed }) => delayed),
    done: sum(({ counters }) => counters.accepted),
    releases: sum(({ counters }) => counters.released + counters.timedOut),
    deadLetters: deadLettersOf(state),
    inHand: group === undefined ? [] : jobsInHand(group),
  }
}

function waitingIn({ available, delayed }: { available: number; delayed: number }): number {
  return available - delayed
}

function jobsInHand({ members, partitions }: ShareGroupDescription): JobsInHand[] {
  const locks = partitions.flatMap((one) => one.locks)
  return members
    .map(({ memberId, clientId }) => {
      const own = locks.filter((lock) => lock.memberId === memberId)
      const jobs = own.reduce((count, { firstOffset, lastOffset }) => {
        return count + lastOffset - firstOffset + 1
      }, 0)
      const deliveryCount = Math.max(0, ...own.map((lock) => lock.deliveryCount))
      return { tab: tabName(clientId), jobs, deliveryCount }
    })
    .toSorted((a, b) => (a.tab.number ?? Infinity) - (b.tab.number ?? Infinity))
}

/** Those that were not sent back. */
function deadLettersOf(state: ClusterState): number {
  const redrive = state.shareGroups.find(({ groupId }) => groupId === REDRIVE_GROUP)
  const known = redrive?.partitions.filter(({ topic }) => topic === DEAD_JOBS) ?? []
  if (known.length === 0) return storedIn(state, DEAD_JOBS)
  return known.reduce((count, { available }) => count + available, 0)
}

function storedIn(state: ClusterState, topic: string): number {
  const partitions = state.topics.find((one) => one.topic === topic)?.partitions ?? []
  return partitions.reduce((count, one) => count + one.highWatermark - one.logStartOffset, 0)
}
