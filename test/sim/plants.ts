/**
 * Bugs to plant, for the canaries: each changes what goes over the simulator's own edges (the
 * storage, the port), never the product's code, and breaks what a checker is there to watch. A
 * checker that finds nothing has to be shown to be able to.
 */
import {
  countedTwice,
  emptyCommits,
  falseOutOfRange,
  hastyHandover,
  lostBatch,
  misrouted,
  publishedTwice,
  serverErrors,
  staleWatermark,
  unfencedCommits,
  unknownIds,
  unsequenced,
  wrongBaseOffset,
  wrongOriginals,
  type PlantedAnswer,
} from './port-plants.js'
import {
  doubleDelivery,
  emptyAccepts,
  freeReleases,
  hastyAccepts,
  hastyReleases,
  keysUnseen,
  propertiesUnseen,
  quietRejects,
} from './share/share-plants.js'
import type { SimStorage, SimStorageParts } from './sim-storage.js'
import {
  EarlyStorage,
  ForgetfulStorage,
  GreedyRetentionStorage,
  RelaxedStorage,
  TornStorage,
  UnfencedStorage,
} from './storage-plants.js'

export interface Plant {
  readonly openStorage?: (parts: SimStorageParts) => SimStorage
  readonly answer?: PlantedAnswer
}

export type PlantName = keyof typeof PLANTS

export const PLANTS = {
  /** A commit is acknowledged at once and written later: a broker that dies between loses it. */
  earlyAcknowledgement: { openStorage: (parts) => new EarlyStorage(parts) },
  /** What producers sent last is not there after a restart: repeats are appended again. */
  forgottenSequences: { openStorage: (parts) => new ForgetfulStorage(parts) },
  /** What was to be strict is relaxed: a power cut takes it. */
  relaxedStrict: { openStorage: (parts) => new RelaxedStorage(parts) },
  /** A broker that another has superseded still writes. */
  supersededWriter: { openStorage: (parts) => new UnfencedStorage(parts) },
  /** Retention drops what nobody could read yet. */
  greedyRetention: { openStorage: (parts) => new GreedyRetentionStorage(parts) },
  /** Stores and offsets are written one after the other. */
  tornStores: { openStorage: (parts) => new TornStorage(parts) },
  /** From where on a commit counts is not looked at, and a commit may be made twice. */
  countedTwice: { answer: countedTwice },
  unfencedCommits: { answer: unfencedCommits },
  hastyHandover: { answer: hastyHandover },
  emptyCommits: { answer: emptyCommits },
  serverErrors: { answer: serverErrors },
  lostBatch: { answer: lostBatch },
  staleWatermark: { answer: staleWatermark },
  falseOutOfRange: { answer: falseOutOfRange },
  wrongBaseOffset: { answer: wrongBaseOffset },
  unsequenced: { answer: unsequenced },
  publishedTwice: { answer: publishedTwice },
  misrouted: { answer: misrouted },
  unknownIds: { answer: unknownIds },
  wrongOriginals: { answer: wrongOriginals },
  doubleDelivery: { answer: doubleDelivery },
  emptyAccepts: { answer: emptyAccepts },
  quietRejects: { answer: quietRejects },
  freeReleases: { answer: freeReleases },
  hastyReleases: { answer: hastyReleases },
  hastyAccepts: { answer: hastyAccepts },
  keysUnseen: { answer: keysUnseen },
  propertiesUnseen: { answer: propertiesUnseen },
} as const satisfies Record<string, Plant>
