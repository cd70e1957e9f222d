/**
 * What a chaos run does, drawn from its seed: which topics and groups there are, what the tab of
 * each slot sends and reads, and how often what goes wrong. Real browsers take their own time, so
 * the same seed gives the same plan and the same sequence of faults, and not the same run.
 */
import type { AssignorName } from '../../src/protocol/requests/groups.js'
import type { Acks } from '../../src/protocol/requests/log.js'
import type { Prng } from '../../src/std/prng.js'

export type Mode = 'eachMessage' | 'eachBatch' | 'messages'

export interface GroupPlan {
  readonly groupId: string
  readonly mode: Mode
  readonly commitsByHand: boolean
  readonly autoCommitInterval: number | undefined
  /** Its members are static: their tabs' ids outlive a reload. */
  readonly isStatic: boolean
  /** Pauses, seeks back, changes what it subscribes to. */
  readonly meddles: boolean
  readonly assignor: AssignorName
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly maxPollIntervalMs: number
  readonly maxWaitMs: number
  readonly maxBytesPerPartition: number
  readonly partitionsConsumedConcurrently: number
  readonly handler: {
    readonly msMax: number
    readonly failChance: number
    readonly longChance: number
    readonly longMs: number
  }
}

export interface ProducerPlan {
  readonly acks: Acks
  readonly isIdempotent: boolean
  readonly keyedChance: number
  readonly everyMs: number
  readonly messagesMax: number
  readonly lingerMs: number
  readonly deliveryTimeoutMs: number
}

export interface SlotPlan {
  readonly producers: readonly ProducerPlan[]
  /** Indexes of the groups that its consumers are of. */
  readonly groups: readonly number[]
}

export interface ChaosPlan {
  readonly topics: readonly { readonly topic: string; readonly numPartitions: number }[]
  readonly groups: readonly GroupPlan[]
  readonly slots: readonly SlotPlan[]
  /** The mean time between two faults. */
  readonly faultEveryMs: number
  readonly weights: Readonly<Record<FaultName, number>>
}

export type FaultName =
  | 'closeTab'
  | 'crashTab'
  | 'reloadTab'
  | 'freezeTab'
  | 'hideTab'
  | 'cacheTab'
  | 'duplicateTab'
  | 'killWorker'
  | 'killBrowser'

/** A tab as an app's tab would be: what it sends is what its own handler of `outbox` passes on. */
export const OUTBOX_TOPIC = 'outbox'
export const REFUSED_TOPIC = 'outbox-refused'
/** What the share group of every tab works on. */
export const JOBS_TOPIC = 'jobs'
export const JOBS_GROUP = 'job-workers'
/** Made by the broker, and read by nobody. */
export const JOBS_TOPIC_OF_DEAD = 'jobs-dead'
/** Each done job has an entry here, made by its acceptance. */
export const JOBS_STORE = 'jobs-done'
/** What a group of every tab counts into a store. */
export const COUNTED_TOPIC = 'orders'
export const COUNTS_GROUP = 'counting'
export const COUNTS_STORE = 'counts'
/** What tabs ask each other: nobody looks at it afterwards. */
export const REQUESTS_TOPIC = 'requests'
export const ANSWERS_GROUP = 'answering'
const POISON_EVERY = 12
const SLOTS = 5
const GROUPS_PER_SLOT = 3

/** Ten minutes kill some 30 browsers, 60 workers and 200 tabs, on two busy cores. */
const WEIGHTS: Readonly<Record<FaultName, number>> = {
  closeTab: 8,
  crashTab: 9,
  reloadTab: 6,
  freezeTab: 8,
  hideTab: 8,
  cacheTab: 5,
  duplicateTab: 4,
  killWorker: 8,
  killBrowser: 3,
}

/** Of messages in the topic of the jobs: no handler gets through with it. */
export function isPoison(id: number): boolean {
  return id % POISON_EVERY === 0
}

/** What is in the store of the counts, under the partition. */
export interface Counted {
  readonly count: number
  /** The message that was counted last. */
  readonly offset: number
}

export function jobKey(partition: number, offset: number): string {
  return `${partition}@${offset}`
}

export function answerTo(id: number): number {
  return 2 * id
}

export function drawPlan(prng: Prng): ChaosPlan {
  const topics = [
    { topic: 'orders', numPartitions: 2 + prng.below(4) },
    { topic: 'events', numPartitions: 1 + prng.below(3) },
    { topic: OUTBOX_TOPIC, numPartitions: 2 + prng.below(2) },
    { topic: REFUSED_TOPIC, numPartitions: 1 },
    { topic: JOBS_TOPIC, numPartitions: 3 },
  ]
  const groups = drawGroups(prng)
  // Every group is in several slots, so that its partitions can move.
  const offset = prng.below(groups.length)
  const slots = Array.from({ length: SLOTS }, (_, slot) => ({
    producers: drawProducers(prng, slot),
    groups: Array.from(
      { length: GROUPS_PER_SLOT },
      (_, i) => (offset + slot * GROUPS_PER_SLOT + i) % groups.length,
    ),
  }))
  return { topics, groups, slots, faultEveryMs: 900, weights: WEIGHTS }
}

/** Every way to consume is in every run; the rest is drawn. */
function drawGroups(prng: Prng): GroupPlan[] {
  const ways = [
    { groupId: 'each-message', mode: 'eachMessage', assignor: 'uniform' },
    { groupId: 'each-batch', mode: 'eachBatch', assignor: 'range', autoCommitInterval: 400 },
    { groupId: 'iterated', mode: 'messages', assignor: 'sticky' },
    { groupId: 'by-hand', mode: 'eachMessage', assignor: 'roundrobin', commitsByHand: true },
    { groupId: 'static', mode: 'eachBatch', assignor: 'uniform', isStatic: true },
    { groupId: OUTBOX_TOPIC, mode: 'eachMessage', assignor: 'sticky' },
    { groupId: 'meddling', mode: 'eachBatch', assignor: 'uniform', meddles: true },
  ] as const satisfies readonly Partial<GroupPlan>[]
  return ways.map((way) => ({
    commitsByHand: false,
    autoCommitInterval: undefined,
    isStatic: false,
    meddles: false,
    sessionTimeoutMs: prng.pick([3_000, 6_000]),
    rebalanceTimeoutMs: prng.pick([4_000, 10_000]),
    maxPollIntervalMs: prng.pick([2_000, 10_000]),
    maxWaitMs: prng.pick([200, 1_000, 5_000]),
    maxBytesPerPartition: prng.pick([300, 2_000, 1024 * 1024]),
    partitionsConsumedConcurrently: prng.pick([1, 3, 8]),
    handler: {
      msMax: prng.pick([2, 20]),
      failChance: prng.pick([0, 0.01]),
      longChance: prng.pick([0, 0.002]),
      longMs: prng.pick([500, 3_000]),
    },
    ...way,
  }))
}

function drawProducers(prng: Prng, slot: number): ProducerPlan[] {
  const draw = (acks: Acks, isIdempotent: boolean): ProducerPlan => ({
    acks,
    isIdempotent,
    keyedChance: prng.pick([0, 0.5, 1]),
    everyMs: prng.pick([200, 400]),
    messagesMax: prng.pick([1, 3]),
    lingerMs: prng.pick([0, 5, 30]),
    deliveryTimeoutMs: prng.pick([10_000, 30_000]),
  })
  // One slot also sends without promises: nothing of it may stand in the log twice or out of turn
  // where it is numbered, and all of it may be missing.
  if (slot === 0) return [draw(1, true), draw(0, true)]
  if (slot === 1) return [draw(-1, true), draw(1, false)]
  return [draw(1, true), draw(-1, true)]
}
