/** What the apps of one tab share, and what they are told to do. */
import type { Tabmq } from '../../../src/index.js'
import type { Prng } from '../../../src/std/prng.js'
import type { ChaosPlan, SlotPlan } from '../plan.js'
import type { PlantName } from '../plants.js'
import type { Calls } from './calls.js'
import type { TabRecorder } from './tab-recorder.js'

/** The runner's answer to a page that has loaded. */
export interface TabOrders {
  /** This page's name: another one after a reload. */
  readonly tab: string
  readonly seed: number
  readonly slot: SlotPlan
  readonly plan: Pick<ChaosPlan, 'topics' | 'groups'>
  /** Ids for messages from here on are this tab's own. */
  readonly firstId: number
  readonly isTrafficOn: boolean
  readonly plant: PlantName | undefined
}

export interface TabParts {
  readonly mq: Tabmq
  readonly orders: TabOrders
  readonly recorder: TabRecorder
  readonly calls: Calls
  readonly prng: Prng
  readonly traffic: Traffic
}

export interface Traffic {
  /** Off when the run heals: nothing more is sent, and nothing meddles. */
  isOn: boolean
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export function between(prng: Prng, min: number, max: number): number {
  return min + prng.below(max - min + 1)
}
