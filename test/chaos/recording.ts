/**
 * The record of a run while it is made. It knows which tabs there are by name, gives each page that
 * loads its orders, and puts what they tell in the order in which it was heard.
 */
import type { Prng } from '../../src/std/prng.js'
import type { TabOrders } from './page/tab.js'
import type { Told } from './page/tab-recorder.js'
import type { WorkerTold } from './page/worker.js'
import type { ChaosPlan } from './plan.js'
import type { PlantName } from './plants.js'
import type { RecordedEvent, RunnerEvent, TabEvent } from './record.js'

const IDS_PER_TAB = 10_000_000

export interface RecordingOptions {
  readonly plan: ChaosPlan
  readonly prng: Prng
  readonly plant: PlantName | undefined
}

export class Recording {
  readonly events: RecordedEvent[] = []
  readonly startMs = performance.now()
  isTrafficOn = true
  readonly #options: RecordingOptions
  /** The page that a tab of the browser shows now. */
  readonly #pages = new Map<number, string>()
  readonly #gone = new Set<number>()
  readonly #heard = new Map<string, number>()
  #named = 0

  constructor(options: RecordingOptions) {
    this.#options = options
  }

  get nowMs(): number {
    return Math.round(performance.now() - this.startMs)
  }

  tell(event: RunnerEvent): void {
    this.events.push({ ...event, atMs: this.nowMs })
  }

  /** What the page that this tab of the browser shows is called; undefined before it has loaded. */
  pageOf(tab: number): string | undefined {
    return this.#pages.get(tab)
  }

  /** The page of this tab ends, or has ended. */
  pageDied(tab: number): void {
    const page = this.#pages.get(tab)
    this.#pages.delete(tab)
    if (page !== undefined) this.tell({ type: 'tabDied', tab: page })
  }

  /** The tab is gone for good: what a page of it still asks was under way. */
  tabGone(tab: number): void {
    this.pageDied(tab)
    this.#gone.add(tab)
  }

  orders({ tab, slot }: { readonly tab: number; readonly slot: number }): TabOrders {
    this.pageDied(tab)
    const number = ++this.#named
    const name = `tab${slot}.${number}`
    this.#pages.set(tab, name)
    this.tell({ type: 'tabStarted', tab: name })
    if (this.#gone.has(tab)) this.pageDied(tab)
    const { plan, prng, plant } = this.#options
    const ofSlot = plan.slots[slot]
    if (ofSlot === undefined) throw new Error(`there is no slot ${slot}`)
    const { topics, groups } = plan
    return {
      tab: name,
      seed: prng.below(2 ** 31),
      slot: ofSlot,
      plan: { topics, groups },
      firstId: number * IDS_PER_TAB + 1,
      isTrafficOn: this.isTrafficOn,
      plant,
    }
  }

  /** What is told twice, by a page that goes away, is heard once. */
  told({ tab, from, events }: Told): void {
    const heard = this.#heard.get(tab) ?? 0
    if (from > heard) throw new Error(`${tab} tells ${from} after ${heard}`)
    const { nowMs: atMs } = this
    for (const event of events.slice(heard - from)) this.#hear(tab, event, atMs)
    this.#heard.set(tab, Math.max(heard, from + events.length))
  }

  workerTold(told: WorkerTold): void {
    if (told.type === 'started') this.tell({ type: 'brokerStarted' })
    else this.tell({ type: 'workerSaid', level: told.level, text: told.text })
  }

  #hear(tab: string, event: TabEvent, atMs: number): void {
    this.events.push({ ...event, tab, atMs })
  }
}
