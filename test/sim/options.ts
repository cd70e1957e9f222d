/**
 * What a run is made of, drawn from its seed: how many tabs, topics and groups, how consumers and
 * producers are set up, and which faults come how often. Each seed leaves some kinds of fault out
 * altogether, so that what only shows without them has its turn (swarm testing).
 */
import type { AssignorName } from '../../src/protocol/requests/groups.js'
import { ASSIGNOR_NAMES } from '../../src/protocol/requests/groups.js'
import type { Acks } from '../../src/protocol/requests/log.js'
import type { Prng } from '../../src/std/prng.js'
import { drawExchanges, type ExchangeOptions } from './exchange-options.js'
import type { PlantName } from './plants.js'
import {
  drawShareOptions,
  type PropertyOptions,
  type ShareGroupOptions,
} from './share/share-options.js'
import { between, Streams } from './streams.js'

export interface SimOptions {
  readonly topics: readonly TopicOptions[]
  readonly groups: readonly GroupOptions[]
  readonly shareGroups: readonly ShareGroupOptions[]
  /** What messages say beside key and value. */
  readonly properties: PropertyOptions
  readonly slots: readonly SlotOptions[]
  readonly exchanges: readonly ExchangeOptions[]
  readonly weather: WeatherOptions
  readonly faults: FaultOptions
  /** Limits of the broker: small ones, so that what is rare with the defaults happens. */
  readonly tailBytes: number
  readonly transactionBytesMax: number
  readonly retentionCheckIntervalMs: number
  /** How many messages are sent in all: a seed is to be short, and no backlog a reason to fail. */
  readonly messagesMax: number
  /** How long faults and traffic go on, and how long healing may take. */
  readonly faultMs: number
  readonly healMsMax: number
  readonly plant?: PlantName
}

export interface TopicOptions {
  readonly topic: string
  readonly numPartitions: number
  readonly config: {
    readonly retentionBytes: number | null
    readonly retentionMs: number | null
    readonly dedupWindowMs: number | null
  }
}

export type RunMode = 'eachMessage' | 'eachBatch' | 'iterate'

export interface GroupOptions {
  readonly groupId: string
  /** Subscribes by a pattern that means all topics, instead of by their names. */
  readonly byPattern: boolean
  readonly fromBeginning: boolean
  /** Has no policy for where to start: the app seeks to the beginning when it is told so. */
  readonly resetsByHand: boolean
  /** How long after it was opened a tab's consumer joins. */
  readonly startsAfterMs: number
  readonly assignor: AssignorName
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly maxPollIntervalMs: number
  readonly maxWaitMs: number
  readonly maxBytesPerPartition: number
  readonly mode: RunMode
  readonly autoCommitInterval: number | undefined
  readonly autoCommitThreshold: number | undefined
  /** Handlers commit by themselves. */
  readonly commitsByHand: boolean
  /** Handlers count their messages into a store, in the transaction that commits them. */
  readonly counts: boolean
  readonly partitionsConsumedConcurrently: number
  readonly handler: HandlerOptions
  /** How often a consumer seeks back, pauses, or changes its subscription; 0 for never. */
  readonly meddleEveryMs: number
  readonly seeks: boolean
}

export interface HandlerOptions {
  readonly msMax: number
  readonly longChance: number
  readonly longMs: number
  readonly failChance: number
  /** It never returns, unless it heeds its signal, until somebody mends it when healing begins. */
  readonly hangChance: number
  /** Whether it ends at once when its signal aborts. */
  readonly heedsSignal: boolean
}

/** A place for a tab: when its tab dies, the next one there does the same. */
export interface SlotOptions {
  readonly consumers: readonly ConsumerSlot[]
  readonly producers: readonly ProducerSlot[]
}

export interface ConsumerSlot {
  /** Index into the groups. */
  readonly group: number
  readonly isStatic: boolean
}

export interface ProducerSlot {
  readonly acks: Acks
  readonly lingerMs: number
  readonly batchSize: number
  readonly enableIdempotence: boolean
  readonly deliveryTimeoutMs: number
  readonly everyMs: number
  readonly messagesMax: number
  readonly keyedChance: number
}

export interface WeatherOptions {
  readonly messageDelayMsMax: number
  readonly lockDelayMsMax: number
  readonly storageLatencyMsMax: number
  /** What goes wrong by the operation, by its chance. */
  readonly chances: Readonly<Record<WeatherFaultName, number>>
}

/** Faults of single operations. */
export type WeatherFaultName =
  | 'abortedCommit'
  | 'refusedCommit'
  /** Applied, and told to have failed. */
  | 'untoldCommit'
  | 'failedLoad'
  | 'failedRead'
  | 'deathAfterCommit'

/** Faults that strike at random moments. */
export type FaultName =
  | 'crashTab'
  | 'closeTab'
  | 'quitTab'
  | 'freezeTab'
  | 'cacheTab'
  | 'hideTab'
  | 'openTab'
  | 'killBroker'
  | 'freezeBroker'
  | 'wedgeBroker'
  | 'deploy'
  | 'slowDisk'
  | 'fillDisk'
  | 'dropConnection'
  | 'loseStorage'
  | 'cutPower'
  | 'killBrowser'
  | 'jumpClock'
  | 'sleepMachine'
  | 'addPartitions'
  | 'deleteRecords'
  | 'remakeTopic'
  | 'moveOffsets'
  | 'askAround'

/** What `stats.faults` counts. */
export type CountedFaultName = FaultName | WeatherFaultName | 'hungHandler'

export interface FaultOptions {
  /** The mean time between two. */
  readonly everyMs: number
  readonly weights: Readonly<Record<FaultName, number>>
}

export function drawOptions(seed: number): SimOptions {
  const streams = new Streams(seed)
  const prng = streams.of('options')
  const dedup = streams.of('dedup')
  const stores = streams.of('stores')
  const topics = Array.from({ length: between(prng, 1, 2) }, (_, index) => ({
    topic: `topic-${index}`,
    numPartitions: between(prng, 1, 5),
    config: {
      retentionBytes: prng.pick([null, null, null, 300, 2_000]),
      retentionMs: prng.pick([null, null, null, 2_000]),
      dedupWindowMs: dedup.pick([null, null, 3_000, 600_000]),
    },
  }))
  const groups = Array.from({ length: prng.chance(0.3) ? 2 : 1 }, (_, index) =>
    drawCounting(drawGroup(prng, `group-${index}`), stores),
  )
  const slots = Array.from({ length: between(prng, 1, 4) }, (_, index) =>
    drawSlot(prng, { groups: groups.length, index }),
  )
  return {
    topics,
    groups,
    slots,
    exchanges: drawExchanges(
      streams.of('exchanges'),
      topics.map(({ topic }) => topic),
    ),
    weather: drawWeather(prng),
    faults: drawFaults(prng),
    tailBytes: prng.pick([0, 600, 16 * 1024 * 1024]),
    transactionBytesMax: prng.pick([1, 1_000, 32 * 1024 * 1024]),
    retentionCheckIntervalMs: prng.pick([300, 60_000]),
    messagesMax: prng.pick([50, 200, 500]),
    faultMs: between(prng, 5, 20) * 1_000,
    healMsMax: 120_000,
    ...drawShareOptions(seed, slots.length),
  }
}

/** Reading from the beginning in most groups, from the end in some. */
const RESETS = [
  { fromBeginning: true, resetsByHand: false },
  { fromBeginning: true, resetsByHand: false },
  { fromBeginning: true, resetsByHand: true },
  { fromBeginning: false, resetsByHand: false },
] as const

function drawGroup(prng: Prng, groupId: string): GroupOptions {
  // A threshold alone leaves the last messages uncommitted until it is reached, as in KafkaJS.
  const hasInterval = prng.chance(0.4)
  const mode = prng.pick(['eachMessage', 'eachMessage', 'eachBatch', 'iterate'] as const)
  // A batch begins anew when one of its messages took too long: with many it would never end.
  const maxPollIntervalMs = mode === 'eachBatch' ? 300_000 : prng.pick([300_000, 300_000, 1_500])
  const options = {
    groupId,
    byPattern: prng.chance(0.2),
    ...prng.pick(RESETS),
    startsAfterMs: prng.pick([0, 0, 0, 2_000]),
    assignor: prng.pick(ASSIGNOR_NAMES),
    sessionTimeoutMs: prng.pick([1_000, 3_000, 10_000]),
    rebalanceTimeoutMs: prng.pick([1_500, 5_000, 20_000]),
    maxPollIntervalMs,
    maxWaitMs: prng.pick([100, 1_000, 5_000]),
    maxBytesPerPartition: prng.pick([150, 1_000, 1024 * 1024]),
    mode,
    autoCommitInterval: hasInterval ? between(prng, 50, 1_500) : undefined,
    autoCommitThreshold: hasInterval && prng.chance(0.5) ? between(prng, 2, 10) : undefined,
    commitsByHand: prng.chance(0.2),
    counts: false,
    partitionsConsumedConcurrently: prng.pick([1, 1, 3]),
    handler: {
      msMax: prng.pick([0, 5, 40]),
      longChance: prng.pick([0, 0.01]),
      longMs: prng.pick([800, 4_000]),
      failChance: prng.pick([0, 0, 0.03]),
      hangChance: prng.pick([0, 0, 0.01]),
      heedsSignal: prng.chance(0.4),
    },
    meddleEveryMs: prng.chance(0.5) ? between(prng, 100, 3_000) : 0,
    seeks: prng.chance(0.4),
  }
  // Whoever goes back to what is gone goes on at the end then, and has nothing to commit by hand: its
  // lag would look like a consumer that stands still.
  const mayStayBehind = options.commitsByHand && !options.fromBeginning
  return { ...options, seeks: options.seeks && !mayStayBehind }
}

/** Such a group commits with each message, and in no other way. */
function drawCounting(group: GroupOptions, prng: Prng): GroupOptions {
  const counts = prng.chance(0.3) && group.mode === 'eachMessage' && !group.commitsByHand
  if (!counts) return group
  return { ...group, counts, autoCommitInterval: undefined, autoCommitThreshold: undefined }
}

/** The first slot reads for every group, so that none is without a reader. */
function drawSlot(prng: Prng, { groups, index }: { groups: number; index: number }): SlotOptions {
  const isFirst = index === 0
  const count = isFirst ? groups : prng.chance(0.2) ? 2 : 1
  const consumers = Array.from({ length: count }, (_, consumer) => ({
    group: isFirst ? consumer : prng.below(groups),
    isStatic: prng.chance(0.25),
  }))
  const isProducing = isFirst || prng.chance(0.6)
  return { consumers, producers: isProducing ? drawProducers(prng) : [] }
}

function drawProducers(prng: Prng): ProducerSlot[] {
  return Array.from({ length: prng.chance(0.2) ? 2 : 1 }, () => drawProducer(prng))
}

function drawProducer(prng: Prng): ProducerSlot {
  return {
    acks: prng.pick([1, 1, 1, -1, 0] as const),
    lingerMs: prng.pick([0, 0, 5, 50]),
    batchSize: prng.pick([120, 500, 1024 * 1024]),
    enableIdempotence: prng.chance(0.9),
    deliveryTimeoutMs: prng.pick([3_000, 30_000, 120_000]),
    everyMs: prng.pick([20, 60, 200]),
    messagesMax: prng.pick([1, 3, 8]),
    keyedChance: prng.pick([0, 0.5, 1]),
  }
}

function drawWeather(prng: Prng): WeatherOptions {
  const maybe = (chance: number) => (prng.chance(0.35) ? chance : 0)
  return {
    messageDelayMsMax: prng.pick([0, 2, 30]),
    lockDelayMsMax: prng.pick([5, 50]),
    storageLatencyMsMax: prng.pick([1, 5, 60]),
    chances: {
      abortedCommit: maybe(0.03),
      refusedCommit: maybe(0.01),
      untoldCommit: maybe(0.03),
      failedLoad: maybe(0.2),
      failedRead: maybe(0.02),
      deathAfterCommit: maybe(0.01),
    },
  }
}

function drawFaults(prng: Prng): FaultOptions {
  const maybe = (weight: number) => (prng.chance(0.6) ? weight : 0)
  return {
    everyMs: prng.pick([200, 700, 2_500]),
    weights: {
      crashTab: maybe(2),
      closeTab: maybe(2),
      quitTab: maybe(1),
      freezeTab: maybe(3),
      cacheTab: maybe(2),
      hideTab: maybe(1),
      openTab: 3,
      killBroker: maybe(3),
      freezeBroker: maybe(1),
      wedgeBroker: maybe(0.7),
      deploy: maybe(1.5),
      slowDisk: maybe(1),
      fillDisk: maybe(1),
      dropConnection: maybe(1),
      loseStorage: maybe(0.5),
      cutPower: maybe(0.5),
      killBrowser: maybe(0.5),
      jumpClock: maybe(1),
      sleepMachine: maybe(0.3),
      addPartitions: maybe(1),
      deleteRecords: maybe(1),
      askAround: maybe(2),
      remakeTopic: maybe(0.5),
      moveOffsets: maybe(1),
    },
  }
}

/** No faults but these: for a canary that needs one kind of misfortune again and again. */
export function onlyFaults(
  wanted: Partial<FaultOptions['weights']>,
  everyMs: number,
): FaultOptions {
  const { weights } = drawOptions(1).faults
  const none = Object.fromEntries(Object.keys(weights).map((name) => [name, 0]))
  return { everyMs, weights: { ...weights, ...none, ...wanted } }
}
