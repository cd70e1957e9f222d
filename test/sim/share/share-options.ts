/**
 * What of a run is about share groups, drawn from its seed apart from all else: a seed without share
 * groups is what it was before there were any, and so is one whose `shareGroups` are overridden by none.
 */
import type { AcknowledgementMode } from '../../../src/client/share/share-options.js'
import type { Prng } from '../../../src/std/prng.js'
import { between, Streams } from '../streams.js'

export interface ShareGroupOptions {
  readonly groupId: string
  readonly byPattern: boolean
  readonly fromLatest: boolean
  readonly lockDurationMs: number
  readonly deliveryCountLimit: number
  readonly deadLetterTopic: string | undefined
  readonly orderingKey: boolean
  readonly retry: { readonly initialDelayMs: number; readonly maxDelayMs: number }
  readonly startsAfterMs: number
  readonly handler: ShareHandlerOptions
  /** Every so manieth message fails whoever handles it; 0 for none. */
  readonly poisonEvery: number
  /** What is accepted is entered into a store, in the same transaction. */
  readonly entersIntoStore: boolean
  /** How often a consumer stops and starts again, or changes its subscription; 0 for never. */
  readonly meddleEveryMs: number
  readonly members: readonly ShareMemberOptions[]
}

export interface ShareHandlerOptions {
  readonly msMax: number
  readonly longChance: number
  readonly longMs: number
  readonly failChance: number
  /** It never returns, unless it heeds its signal, until somebody mends it when healing begins. */
  readonly hangChance: number
  readonly heedsSignal: boolean
  /** Whether long ones renew their locks. */
  readonly renews: boolean
  readonly releaseChance: number
  readonly rejectChance: number
  /** With explicit acknowledgements: says nothing, so that the lock runs out. */
  readonly silentChance: number
}

/** A consumer that every tab of a slot has. */
export interface ShareMemberOptions {
  readonly slot: number
  readonly mode: 'run' | 'iterate'
  readonly acknowledgement: AcknowledgementMode
  readonly concurrency: number
  readonly maxInFlight: number
  readonly weight: number
}

/** What messages say beside key and value. */
export interface PropertyOptions {
  readonly delayChance: number
  readonly delayMsMax: number
  readonly ttlChance: number
  readonly ttlMsMax: number
  readonly priorityChance: number
  readonly headersChance: number
}

export interface ShareOptions {
  readonly shareGroups: readonly ShareGroupOptions[]
  readonly properties: PropertyOptions
}

/** For so many of the seeds there are share groups. */
const SEEDS_WITH_SHARES = 0.4
/** And so many of their groups enter into a store. */
const GROUPS_WITH_STORES = 0.4
/** Share groups read topics that nobody counts as theirs: patterns leave these out. */
export const DEAD_LETTERS = 'dead-letters-'

export function drawShareOptions(seed: number, slots: number): ShareOptions {
  const prng = new Streams(seed).of('share options')
  const groups = prng.chance(SEEDS_WITH_SHARES) ? (prng.chance(0.3) ? 2 : 1) : 0
  const stores = new Streams(seed).of('share stores')
  return {
    shareGroups: Array.from({ length: groups }, (_, index) =>
      maybeEntering(drawGroup(prng, index, slots), stores),
    ),
    properties: drawProperties(prng, groups > 0),
  }
}

/** Only a run can, and only what is accepted when it is done. */
function maybeEntering(
  group: Omit<ShareGroupOptions, 'entersIntoStore'>,
  prng: Prng,
): ShareGroupOptions {
  if (!prng.chance(GROUPS_WITH_STORES)) return { ...group, entersIntoStore: false }
  const members = group.members.map((member): ShareMemberOptions => {
    const isLost = member.acknowledgement === 'onDelivery'
    return { ...member, mode: 'run', ...(isLost ? { acknowledgement: 'onReturn' } : {}) }
  })
  return { ...group, members, entersIntoStore: true }
}

function drawGroup(
  prng: Prng,
  index: number,
  slots: number,
): Omit<ShareGroupOptions, 'entersIntoStore'> {
  return {
    groupId: `share-${index}`,
    byPattern: prng.chance(0.2),
    fromLatest: prng.chance(0.15),
    lockDurationMs: prng.pick([150, 500, 2_000, 10_000]),
    deliveryCountLimit: between(prng, 2, 5),
    deadLetterTopic: prng.chance(0.7) ? `${DEAD_LETTERS}${index}` : undefined,
    orderingKey: prng.chance(0.35),
    retry: {
      initialDelayMs: prng.pick([0, 20, 200]),
      maxDelayMs: prng.pick([200, 1_000]),
    },
    startsAfterMs: prng.pick([0, 0, 0, 2_000]),
    handler: {
      msMax: prng.pick([0, 5, 40]),
      longChance: prng.pick([0, 0.02]),
      longMs: prng.pick([800, 3_000]),
      failChance: prng.pick([0, 0, 0.05]),
      hangChance: prng.pick([0, 0, 0.01]),
      heedsSignal: prng.chance(0.5),
      renews: prng.chance(0.5),
      releaseChance: prng.pick([0, 0.1]),
      rejectChance: prng.pick([0, 0.05]),
      silentChance: prng.pick([0, 0.05]),
    },
    poisonEvery: prng.pick([0, 7, 25]),
    meddleEveryMs: prng.chance(0.4) ? between(prng, 200, 3_000) : 0,
    members: drawMembers(prng, slots),
  }
}

/** The first slot has one in any case, so that no group is without a member. */
function drawMembers(prng: Prng, slots: number): ShareMemberOptions[] {
  return Array.from({ length: slots }, (_, slot) => slot)
    .filter((slot) => slot === 0 || prng.chance(0.7))
    .map((slot) => {
      const concurrency = prng.pick([1, 1, 3, 8])
      return {
        slot,
        mode: prng.pick(['run', 'run', 'run', 'iterate'] as const),
        acknowledgement: prng.pick(['onReturn', 'onReturn', 'explicit', 'onDelivery'] as const),
        concurrency,
        maxInFlight: concurrency + prng.pick([0, 4, 100]),
        weight: prng.pick([1, 1, 5]),
      }
    })
}

/** Of messages that say nothing beside key and value. */
export const NO_PROPERTIES: PropertyOptions = {
  delayChance: 0,
  delayMsMax: 1,
  ttlChance: 0,
  ttlMsMax: 1,
  priorityChance: 0,
  headersChance: 0,
}

function drawProperties(prng: Prng, isWanted: boolean): PropertyOptions {
  const maybe = (chance: number) => (isWanted && prng.chance(0.4) ? chance : 0)
  return {
    delayChance: maybe(0.2),
    delayMsMax: prng.pick([100, 1_500]),
    ttlChance: maybe(0.2),
    ttlMsMax: prng.pick([100, 1_500]),
    priorityChance: maybe(0.4),
    headersChance: maybe(0.5),
  }
}
