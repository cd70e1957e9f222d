/**
 * Planted bugs, and who has to find each, alone: a checker that finds nothing has to be shown to be
 * able to. How many seeds each may take leaves room for what another draw of the seeds would do.
 */
import { describe, expect, test } from 'vitest'
import { drawOptions, onlyFaults, type SimOptions, type WeatherOptions } from './options.js'
import { PLANTS, type PlantName } from './plants.js'
import { DEAD_LETTERS } from './share/share-options.js'
import { simulate } from './simulate.js'
import { World } from './world.js'

const TIMEOUT_MS = 120_000

interface Canary {
  readonly plant: PlantName
  readonly checker: string
  readonly seeds: number
  /** The first: by default 1. */
  readonly from?: number
}

/** Found by what is wrong with the log. */
const OF_THE_LOG: readonly Canary[] = [
  { plant: 'earlyAcknowledgement', checker: 'lost-write', seeds: 5 },
  { plant: 'earlyAcknowledgement', checker: 'aborted-read', seeds: 5 },
  { plant: 'earlyAcknowledgement', checker: 'invariants', seeds: 5 },
  { plant: 'earlyAcknowledgement', checker: 'auditor', seeds: 1 },
  { plant: 'forgottenSequences', checker: 'duplicate', seeds: 5 },
  { plant: 'forgottenSequences', checker: 'auditor', seeds: 5 },
  { plant: 'relaxedStrict', checker: 'durability', seeds: 20, from: 3 },
  { plant: 'supersededWriter', checker: 'inconsistent-offsets', seeds: 4 },
  { plant: 'supersededWriter', checker: 'auditor', seeds: 6 },
  { plant: 'greedyRetention', checker: 'retention', seeds: 5 },
  { plant: 'wrongBaseOffset', checker: 'inconsistent-offsets', seeds: 5 },
  { plant: 'wrongBaseOffset', checker: 'auditor', seeds: 5 },
  { plant: 'unsequenced', checker: 'producer-order', seeds: 8 },
  { plant: 'unsequenced', checker: 'auditor', seeds: 4 },
  { plant: 'publishedTwice', checker: 'routing', seeds: 20, from: 6 },
  { plant: 'misrouted', checker: 'routing', seeds: 20, from: 6 },
  { plant: 'unknownIds', checker: 'dedup', seeds: 8 },
  { plant: 'wrongOriginals', checker: 'dedup', seeds: 8 },
  { plant: 'wrongOriginals', checker: 'auditor', seeds: 20 },
]

/** Found by what consumers get, and what of it is committed. */
const OF_CONSUMERS: readonly Canary[] = [
  { plant: 'tornStores', checker: 'store-progress', seeds: 12 },
  { plant: 'countedTwice', checker: 'store-progress', seeds: 20 },
  { plant: 'unfencedCommits', checker: 'commit-regression', seeds: 8 },
  { plant: 'unfencedCommits', checker: 'auditor', seeds: 8 },
  { plant: 'hastyHandover', checker: 'two-owners', seeds: 10 },
  { plant: 'hastyHandover', checker: 'auditor', seeds: 4 },
  { plant: 'lostBatch', checker: 'poll-skip', seeds: 8 },
  { plant: 'lostBatch', checker: 'unhandled-commit', seeds: 8 },
  { plant: 'lostBatch', checker: 'auditor', seeds: 8 },
  { plant: 'staleWatermark', checker: 'unseen-at-the-end', seeds: 20 },
  { plant: 'staleWatermark', checker: 'auditor', seeds: 20 },
  { plant: 'falseOutOfRange', checker: 'non-monotonic-poll', seeds: 8 },
  { plant: 'falseOutOfRange', checker: 'auditor', seeds: 8 },
  { plant: 'emptyCommits', checker: 'healing', seeds: 10 },
  { plant: 'emptyCommits', checker: 'auditor', seeds: 10 },
  { plant: 'serverErrors', checker: 'calls', seeds: 5 },
  { plant: 'serverErrors', checker: 'auditor', seeds: 5 },
]

/** Found by what share groups hand out, and what comes of it. */
const OF_SHARES: readonly Canary[] = [
  { plant: 'doubleDelivery', checker: 'two-holders', seeds: 4 },
  { plant: 'emptyAccepts', checker: 'final', seeds: 2 },
  { plant: 'hastyAccepts', checker: 'share-loss', seeds: 2 },
  { plant: 'quietRejects', checker: 'dead-letters', seeds: 4 },
  { plant: 'earlyAcknowledgement', checker: 'delivery-counts', seeds: 4 },
  { plant: 'freeReleases', checker: 'delivery-counts', seeds: 4 },
  { plant: 'keysUnseen', checker: 'key-order', seeds: 4 },
  { plant: 'hastyReleases', checker: 'due', seeds: 4 },
  { plant: 'propertiesUnseen', checker: 'due', seeds: 4 },
  { plant: 'tornStores', checker: 'share-stores', seeds: 4 },
]

const CALM: WeatherOptions = {
  messageDelayMsMax: 2,
  lockDelayMsMax: 5,
  storageLatencyMsMax: 5,
  chances: {
    abortedCommit: 0,
    refusedCommit: 0,
    untoldCommit: 0,
    failedLoad: 0,
    failedRead: 0,
    deathAfterCommit: 0,
  },
}

/** Partitions are always on their way from one tab to another. */
const MOVING: Partial<SimOptions> = {
  faults: onlyFaults({ openTab: 3, quitTab: 1, closeTab: 1 }, 80),
  messagesMax: 500,
}

/** What a bug needs to show itself often enough, where all kinds of fault together dilute it. */
const FORGETFUL = { ...CALM, chances: { ...CALM.chances, untoldCommit: 0.05 } }

const OVERRIDES: Partial<Record<PlantName, Partial<SimOptions>>> = {
  // A batch that is written, and sent again because nobody was told.
  forgottenSequences: { weather: FORGETFUL },
  publishedTwice: { weather: FORGETFUL, faults: onlyFaults({ openTab: 3 }, 300), faultMs: 5_000 },
  relaxedStrict: { faults: onlyFaults({ cutPower: 1, openTab: 1 }, 300) },
  supersededWriter: { faults: onlyFaults({ killBroker: 3, openTab: 1 }, 300) },
  unfencedCommits: MOVING,
  hastyHandover: MOVING,
  // What does not heal is waited for.
  emptyCommits: { faultMs: 5_000, healMsMax: 20_000 },
  staleWatermark: { faultMs: 5_000, healMsMax: 20_000 },
}

/** Every seed has a share group, and messages for it. */
function withShares(seed: number, orderingKey: boolean): Partial<SimOptions> {
  const { slots } = drawOptions(seed)
  const handler = {
    msMax: 40,
    longChance: 0,
    longMs: 0,
    failChance: 0.1,
    hangChance: 0,
    heedsSignal: true,
    renews: false,
    releaseChance: 0.2,
    rejectChance: 0.1,
    silentChance: 0,
  }
  const members = Array.from({ length: slots.length }, (_, slot) => {
    const how = { mode: 'run', acknowledgement: 'onReturn', concurrency: 3 } as const
    return { slot, ...how, maxInFlight: 4, weight: 1 }
  })
  return {
    messagesMax: 500,
    properties: {
      delayChance: 0.3,
      delayMsMax: 1_500,
      ttlChance: 0.1,
      ttlMsMax: 1_500,
      priorityChance: 0,
      headersChance: 0.5,
    },
    shareGroups: [
      {
        groupId: 'share-0',
        byPattern: false,
        fromLatest: false,
        lockDurationMs: 10_000,
        deliveryCountLimit: 4,
        deadLetterTopic: `${DEAD_LETTERS}0`,
        orderingKey,
        retry: { initialDelayMs: 200, maxDelayMs: 1_000 },
        startsAfterMs: 0,
        handler,
        poisonEvery: 0,
        entersIntoStore: true,
        meddleEveryMs: 0,
        members,
      },
    ],
  }
}

const SHARE_CHECKERS = new Set(OF_SHARES.map(({ checker }) => checker))

describe.each([
  ['of the log', OF_THE_LOG],
  ['of consumers', OF_CONSUMERS],
  ['of share groups', OF_SHARES],
])('planted bugs are found: %s', (_, canaries) => {
  test.each(canaries)(
    '$plant, by $checker alone, within $seeds seeds',
    async (canary) => {
      expect((await firstViolation(canary))?.checker).toBe(canary.checker)
    },
    TIMEOUT_MS,
  )
})

test('each checker has a canary, and each planted bug is one', () => {
  const canaries = [...OF_THE_LOG, ...OF_CONSUMERS, ...OF_SHARES]
  const { history } = new World(1, drawOptions(1), { keepsTrace: false, checkers: undefined })
  const found = new Set(canaries.map(({ checker }) => checker))
  // Healing is no checker of the history: the world itself looks whether all is well.
  expect([...found].sort()).toEqual([...history.checkers, 'healing'].sort())
  const planted = new Set(canaries.map(({ plant }) => plant))
  expect([...planted].sort()).toEqual(Object.keys(PLANTS).sort())
})

async function firstViolation({ plant, checker, seeds, from = 1 }: Canary) {
  for (let seed = from; seed < from + seeds; seed++) {
    const shares = SHARE_CHECKERS.has(checker)
      ? withShares(seed, plant === 'keysUnseen')
      : { shareGroups: [] }
    const overrides = { plant, ...OVERRIDES[plant], ...shares }
    const { violations } = await simulate(seed, { overrides, checkers: [checker] })
    if (violations[0] !== undefined) return violations[0]
  }
  return undefined
}
