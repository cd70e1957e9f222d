/**
 * The end of a run: nothing goes wrong any more, nothing new is sent, and everything has to come to
 * rest within a bound. Then all consumers are closed, and the log is read twice: out of the database
 * without the broker, and through the broker without the groups.
 */
import { definedOrThrow } from '../../src/std/assert.js'
import type { GroupDescription } from '../../src/protocol/requests/groups.js'
import type { ShareGroupDescription } from '../../src/protocol/requests/share-groups.js'
import { nameOf } from '../sim/durable-log.js'
import type { BrowserTab } from './browser-tab.js'
import type { StoresAtEnd } from './checkers/stores-checker.js'
import type { ChaosTab } from './page/main.js'
import {
  COUNTS_GROUP,
  JOBS_GROUP,
  JOBS_TOPIC_OF_DEAD,
  REQUESTS_TOPIC,
  type ChaosPlan,
} from './plan.js'
import type { StoredLog } from './record.js'
import type { Tab, Tabs } from './tabs.js'
import { within } from './within.js'

/** Longer than every session, every rebalance and every send may take. */
const STUCK_MS_MAX = 60_000
/** However little there is to catch up with. */
const HEAL_MS_MIN = 300_000
const POLL_MS = 400
const READY_MS = 60_000
const CLOSE_MS = 60_000
const READ_MS = 60_000
/** While consumers are there: without them a request has nobody who answers. */
const TO_SETTLE = new Set(['send', 'request'])

type TabState = ReturnType<ChaosTab['state']>

/** What a partition holds, by message id, as a consumer without a group reads it. */
export interface ReadPartition {
  readonly topic: string
  readonly partition: number
  readonly ids: readonly number[]
}

export interface HealingParts {
  readonly tabs: Tabs
  readonly plan: ChaosPlan
  /** How long the faults went on: there may be as much to catch up with. */
  readonly faultMs: number
  /** For whoever watches the run. */
  readonly say: (text: string) => void
}

export class Healing {
  readonly #parts: HealingParts

  constructor(parts: HealingParts) {
    this.#parts = parts
  }

  /** What is still not as it should be when it is given up; empty when all is well. */
  async heal(): Promise<readonly string[]> {
    try {
      await this.#ask('getting ready', READY_MS, async ({ page }) => {
        await untilReady(page)
        await page.evaluate(() => chaosTab.behave())
      })
    } catch (error) {
      return [String(error)]
    }
    // As long as it goes on, a machine that is busy may take its time.
    const startMs = performance.now()
    let before = ''
    let sinceMs = startMs
    for (;;) {
      const illness = await this.#illness()
      const nowMs = performance.now()
      if (illness.join() !== before) sinceMs = nowMs
      before = illness.join()
      const isOver =
        nowMs - sinceMs > STUCK_MS_MAX || nowMs - startMs > this.#parts.faultMs + HEAL_MS_MIN
      if (illness.length === 0 || isOver) return illness
      this.#parts.say(illness.join('; '))
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  /** Calls that do not settle are seen by the checkers: it waits for them no longer than this. */
  async close(): Promise<readonly string[]> {
    try {
      await this.#ask('closing', CLOSE_MS, ({ page }) => page.evaluate(() => chaosTab.close()))
      return []
    } catch (error) {
      return [String(error)]
    } finally {
      await this.#ask('flushing', CLOSE_MS, ({ page }) => page.evaluate(() => chaosTab.flush()))
    }
  }

  async readLog(): Promise<StoredLog> {
    const { page } = this.#any
    const log = await within(
      READ_MS,
      'reading the database',
      page.evaluate(() => chaosTab.readLog()),
    )
    const { topics: all, batches } = definedOrThrow(log, () => 'there is no database')
    // Requests are numbered apart, and nobody but those who answer them reads them.
    const topics = all.filter(({ topic }) => topic !== REQUESTS_TOPIC)
    const partitionIds = new Set(topics.flatMap((topic) => topic.partitionIds))
    const ofThem = batches.filter(([partitionId]) => partitionIds.has(partitionId))
    return {
      topics,
      batches: ofThem.map(([partitionId, baseOffset, base64]) => ({
        partitionId,
        baseOffset,
        batch: new Uint8Array(Buffer.from(base64, 'base64')).buffer,
      })),
    }
  }

  readStores(): Promise<StoresAtEnd> {
    const { page } = this.#any
    return within(
      READ_MS,
      'reading the stores',
      page.evaluate(() => chaosTab.readStores()),
    )
  }

  /** Every partition up to where it ended, as a consumer without a group reads it. */
  async readThroughBroker({ topics }: StoredLog): Promise<ReadPartition[]> {
    const { page } = this.#any
    const read: ReadPartition[] = []
    // Of dead letters the last record may be one that is delivered to nobody.
    const wanted = topics.filter(({ topic }) => topic !== JOBS_TOPIC_OF_DEAD)
    for (const { topic, partitionIds } of wanted) {
      for (const partition of partitionIds.keys()) {
        const ids = page.evaluate(
          (topic, partition) => chaosTab.readThroughBroker(topic, partition),
          topic,
          partition,
        )
        read.push({ topic, partition, ids: await within(READ_MS, `reading ${topic}`, ids) })
      }
    }
    return read
  }

  async #illness(): Promise<string[]> {
    try {
      const states = await this.#ask('asking for states', READ_MS, ({ page }) =>
        page.evaluate(() => chaosTab.state()),
      )
      const asked = states.flatMap(({ pending }) => pending.filter((name) => TO_SETTLE.has(name)))
      if (asked.length > 0) return [`${asked.length} sends and requests are under way`]
      const groups = await this.#any.page.evaluate(() => chaosTab.describeGroups())
      if (typeof groups === 'string') return [groups]
      const shares = await this.#any.page.evaluate(() => chaosTab.describeShareGroups())
      if (typeof shares === 'string') return [shares]
      const ofGroups = this.#parts.plan.groups.flatMap(({ groupId }) => {
        const group = groups.find((one) => one.groupId === groupId)
        return group === undefined ? [`there is no group ${groupId}`] : this.#illOf(group, states)
      })
      const ill = [...ofGroups, ...lagOf(COUNTS_GROUP, groups), ...illOfJobs(shares)]
      if (ill.length > 0) return ill
      // With all else well, whoever asks is answered.
      const failed = await this.#ask('asking', READ_MS, ({ page }) =>
        page.evaluate(() => chaosTab.ask()),
      )
      return failed.flatMap((error) => (error === undefined ? [] : [`a request failed: ${error}`]))
    } catch (error) {
      return [String(error)]
    }
  }

  #illOf(group: GroupDescription, states: readonly TabState[]): string[] {
    const { groupId, state, members, offsets } = group
    const ill = state === 'stable' ? [] : [`${groupId} is ${state}`]
    ill.push(...lagsOf(groupId, offsets))
    const held = new Map<string, string>()
    for (const { consumer, groupId: itsGroup, memberId, assignment } of states.flatMap(
      ({ consumers }) => consumers,
    )) {
      if (itsGroup !== groupId) continue
      const places = assignment.map(nameOf).sort()
      const member = members.find((one) => one.memberId === memberId)
      const assigned = (member?.assigned ?? []).map(nameOf).sort()
      if (places.join() !== assigned.join()) {
        ill.push(`${consumer} holds [${places}], the coordinator says [${assigned}]`)
      }
      for (const place of places) {
        const other = held.get(place)
        if (other !== undefined) ill.push(`${groupId} ${place}: held by ${other} and ${consumer}`)
        held.set(place, consumer)
      }
    }
    for (const { topic, numPartitions } of this.#parts.plan.topics) {
      for (let partition = 0; partition < numPartitions; partition++) {
        const place = nameOf({ topic, partition })
        if (!held.has(place)) ill.push(`${groupId} ${place}: held by nobody`)
      }
    }
    return ill
  }

  get #any(): Tab {
    return definedOrThrow(this.#parts.tabs.awake[0], () => 'no tab is awake')
  }

  #ask<T>(what: string, ms: number, ask: (tab: Tab) => Promise<T>): Promise<T[]> {
    const asked = this.#parts.tabs.awake.map((tab) =>
      within(ms, `${what}, tab ${tab.number}`, ask(tab)),
    )
    return Promise.all(asked)
  }
}

function lagOf(wanted: string, groups: readonly GroupDescription[]): string[] {
  const group = groups.find(({ groupId }) => groupId === wanted)
  return group === undefined ? [`there is no group ${wanted}`] : lagsOf(wanted, group.offsets)
}

function lagsOf(groupId: string, offsets: GroupDescription['offsets']): string[] {
  return offsets.flatMap((one) =>
    one.lag > 0 ? [`${groupId} ${nameOf(one)}: lags by ${one.lag}`] : [],
  )
}

/** Every job is done, or among the dead letters. */
function illOfJobs(groups: readonly ShareGroupDescription[]): string[] {
  const group = groups.find(({ groupId }) => groupId === JOBS_GROUP)
  if (group === undefined) return [`there is no group ${JOBS_GROUP}`]
  return group.partitions.flatMap((one) =>
    one.startOffset >= one.highWatermark
      ? []
      : [`${JOBS_GROUP} ${nameOf(one)}: done up to ${one.startOffset} of ${one.highWatermark}`],
  )
}

async function untilReady(page: BrowserTab): Promise<void> {
  for (;;) {
    const asked = page.evaluate(() => 'chaosTab' in globalThis)
    if (await asked.catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
