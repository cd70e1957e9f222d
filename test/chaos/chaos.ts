/**
 * One run of chaos on a real browser: tabs under load, faults drawn from the seed, healing, and the
 * checkers' judgement of what was recorded.
 */
import { Prng } from '../../src/std/prng.js'
import { ChaosBrowser } from './chaos-browser.js'
import { Faults } from './faults.js'
import { Healing } from './healing.js'
import { judge, storedCount } from './judge.js'
import { drawPlan } from './plan.js'
import type { PlantName } from './plants.js'
import type { RecordedEvent, StoredLog } from './record.js'
import { Recording } from './recording.js'
import { openSite } from './site.js'
import { summarize, type ChaosSummary } from './summary.js'
import { Tabs } from './tabs.js'
import { within } from './within.js'

export { describeSummary } from './summary.js'

const LOOK_EVERY_MS = 300
const LOOK_MS_MAX = 3_000

export interface ChaosOptions {
  readonly seed: number
  /** How long faults go on; starting, healing and judging come on top. */
  readonly faultMs: number
  readonly plant?: PlantName | undefined
  /** Hears what is struck, and what is still ill. */
  readonly say?: ((text: string) => void) | undefined
}

export interface ChaosResult {
  readonly summary: ChaosSummary
  readonly events: readonly RecordedEvent[]
}

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, faultMs, plant } = options
  const prng = new Prng(seed)
  const plan = drawPlan(prng)
  const recording = new Recording({ plan, prng: new Prng(seed + 1), plant })
  const browser = new ChaosBrowser({ workerGone: () => recording.tell({ type: 'brokerDied' }) })
  const site = await openSite(recording)
  const say = (text: string) => options.say?.(`${recording.nowMs} ms: ${text}`)
  const tabs = new Tabs({ browser, site, recording })
  const faults = new Faults({ plan, prng, browser, tabs, recording, say })
  const healing = new Healing({ tabs, plan, faultMs, say })
  try {
    await browser.start()
    const illness = await runPhases(options, { tabs, recording, faults, healing })
    const log = planted(await healing.readLog(), plant)
    const read = await healing.readThroughBroker(log)
    const stores = await healing.readStores()
    recording.tell({ type: 'rest', illness })
    const { events } = recording
    const groupIds = plan.groups.map(({ groupId }) => groupId)
    const anomalies = judge({ events, log, read, groupIds, stores })
    const stored = storedCount(log)
    const known = { seed, stored, anomalies, faults: Object.fromEntries(faults.counts) }
    return { summary: summarize(events, known), events }
  } finally {
    await browser.close()
    await site.close()
  }
}

interface Run {
  readonly tabs: Tabs
  readonly recording: Recording
  readonly faults: Faults
  readonly healing: Healing
}

/** Faults, then healing, then the end of all consumers. Returns what was never well again. */
async function runPhases(
  { seed, faultMs }: ChaosOptions,
  { tabs, recording, faults, healing }: Run,
): Promise<readonly string[]> {
  const looking = new AbortController()
  const looks = lookAtOffsets({ tabs, recording, prng: new Prng(seed + 2) }, looking.signal)
  try {
    await faults.run(recording.nowMs + faultMs)
    recording.tell({ type: 'healing' })
    recording.isTrafficOn = false
    await faults.stop()
    const illness = await healing.heal()
    recording.tell({ type: 'healed' })
    return [...illness, ...(await healing.close())]
  } finally {
    looking.abort()
    await looks
  }
}

interface Looks {
  readonly tabs: Tabs
  readonly recording: Recording
  readonly prng: Prng
}

/** One look at a time, so that what is found is in the order in which it was there. */
async function lookAtOffsets({ tabs, recording, prng }: Looks, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    const { awake } = tabs
    if (awake.length === 0) continue
    recording.tell({ type: 'looking' })
    try {
      const look = prng.pick(awake).page.evaluate(() => globalThis.chaosTab?.readOffsets())
      const rows = await within(LOOK_MS_MAX, 'a look', look)
      if (rows !== undefined) recording.tell({ type: 'offsets', rows })
    } catch {
      // The tab that was to look is gone, or not there yet.
    }
  }
}

function planted(log: StoredLog, plant: PlantName | undefined): StoredLog {
  if (plant !== 'lostBatch') return log
  return { ...log, batches: log.batches.slice(0, -1) }
}
