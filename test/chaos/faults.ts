/**
 * What goes wrong, drawn from the seed: at random moments one of the faults, to a random tab. What a
 * fault begins, it ends later: frozen tabs wake, closed ones are opened again.
 */
import { definedOrThrow } from '../../src/std/assert.js'
import type { Prng } from '../../src/std/prng.js'
import type { ChaosBrowser } from './chaos-browser.js'
import type { ChaosPlan, FaultName } from './plan.js'
import type { Recording } from './recording.js'
import type { Tab, Tabs } from './tabs.js'

/** Shorter and longer than the groups' session timeouts. */
const ASLEEP_MS = [300, 2_000, 9_000]
const REOPEN_MS_MAX = 1_500
const RETRY_MS = 200
/** Duplicates close when there are more than this. */
const TABS_MAX = 7

export interface FaultsParts {
  readonly plan: ChaosPlan
  readonly prng: Prng
  readonly browser: ChaosBrowser
  readonly tabs: Tabs
  readonly recording: Recording
  /** For whoever watches the run. */
  readonly say: (text: string) => void
}

interface Later {
  readonly atMs: number
  readonly act: () => Promise<unknown>
}

export class Faults {
  readonly counts = new Map<string, number>()
  readonly #parts: FaultsParts
  readonly #reopening = new Set<number>()
  #later: Later[] = []
  #nextMs = 0

  constructor(parts: FaultsParts) {
    this.#parts = parts
  }

  /** Opens a tab for every slot and strikes until the time is over. */
  async run(untilMs: number): Promise<void> {
    const { recording, tabs, plan } = this.#parts
    for (const slot of plan.slots.keys()) await tabs.open(slot)
    this.#nextMs = recording.nowMs + this.#drawPauseMs()
    while (recording.nowMs < untilMs) {
      const due = this.#takeDue()
      if (due !== undefined) await this.#attempt('what was due', due.act)
      else if (recording.nowMs >= this.#nextMs) await this.#strike()
      else await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Ends what was begun: everybody is awake, and for every slot there is a tab. */
  async stop(): Promise<void> {
    const { tabs, plan } = this.#parts
    this.#later = []
    for (const tab of tabs.all) {
      await this.#attempt('waking', () => this.#wake(tab))
      // Who does not come back at all is closed, as a user would.
      if (tab.state !== 'awake') await this.#attempt('closing', () => tabs.close(tab))
    }
    for (const slot of plan.slots.keys()) {
      if (!tabs.all.some((tab) => tab.slot === slot)) await tabs.open(slot)
    }
  }

  async #strike(): Promise<void> {
    const { recording, tabs } = this.#parts
    this.#reopenMissing()
    const name = this.#drawFault()
    const victim = this.#drawTab()
    this.#nextMs = recording.nowMs + this.#drawPauseMs()
    if (victim === undefined) return
    const isTabs = name !== 'killWorker' && name !== 'killBrowser'
    const tab = isTabs ? recording.pageOf(victim.number) : undefined
    recording.tell({ type: 'struck', fault: name, tab })
    this.#parts.say(`${name} ${tab ?? ''}`)
    const isStruck = await this.#attempt(name, () => this.#act(name, victim))
    if (isStruck) this.#count(name)
    if (tabs.all.length > TABS_MAX) await this.#attempt('closing', () => tabs.close(victim))
  }

  async #act(name: FaultName, tab: Tab): Promise<boolean> {
    const { tabs } = this.#parts
    switch (name) {
      case 'closeTab':
        this.#reopenLater(tab.slot)
        await tabs.close(tab)
        return true
      case 'crashTab':
        this.#reopenLater(tab.slot)
        await tabs.crash(tab)
        return true
      case 'reloadTab':
        await tabs.reload(tab)
        return true
      case 'freezeTab':
        this.#wakeLater(tab)
        await tabs.freeze(tab)
        return true
      case 'hideTab':
        await tabs.show(tab)
        return true
      case 'cacheTab':
        this.#wakeLater(tab)
        await tabs.leave(tab)
        return true
      case 'duplicateTab':
        await tabs.duplicate(tab)
        return true
      case 'killWorker':
        return this.#killWorker()
      case 'killBrowser':
        await this.#killBrowser()
        return true
    }
  }

  async #killWorker(): Promise<boolean> {
    const { browser, recording } = this.#parts
    recording.tell({ type: 'brokerDied' })
    return browser.killWorker()
  }

  async #killBrowser(): Promise<void> {
    const { browser, tabs, recording, plan } = this.#parts
    recording.tell({ type: 'brokerDied' })
    tabs.allGone()
    this.#later = []
    this.#reopening.clear()
    await browser.kill()
    await browser.start()
    for (const slot of plan.slots.keys()) this.#reopen(slot, 0)
  }

  #reopenLater(slot: number): void {
    this.#reopen(slot, this.#parts.prng.below(REOPEN_MS_MAX))
  }

  #reopen(slot: number, inMs: number): void {
    if (this.#reopening.has(slot)) return
    this.#reopening.add(slot)
    this.#doLater(inMs, async () => {
      await this.#parts.tabs.open(slot)
      this.#reopening.delete(slot)
    })
  }

  /** A crash takes along what else lived in the process, as a duplicate does. */
  #reopenMissing(): void {
    const { plan, tabs } = this.#parts
    for (const slot of plan.slots.keys()) {
      if (!tabs.all.some((tab) => tab.slot === slot)) this.#reopen(slot, REOPEN_MS_MAX)
    }
  }

  #wakeLater(tab: Tab): void {
    const { prng } = this.#parts
    this.#doLater(1 + prng.below(prng.pick(ASLEEP_MS)), () => this.#wake(tab))
  }

  /** What does not succeed is tried again: a tab that is still on its way elsewhere cannot come back. */
  #doLater(inMs: number, act: () => Promise<unknown>): void {
    const { recording } = this.#parts
    const tryIt = async () => {
      try {
        await act()
      } catch (error) {
        this.#doLater(RETRY_MS, act)
        throw error
      }
    }
    this.#later.push({ atMs: recording.nowMs + inMs, act: tryIt })
  }

  async #wake(tab: Tab): Promise<void> {
    const { tabs } = this.#parts
    if (tab.state === 'frozen') await tabs.resume(tab)
    if (tab.state === 'cached') {
      const isFromCache = await tabs.comeBack(tab)
      this.#count(isFromCache ? 'cameBackFromCache' : 'loadedAgain')
    }
  }

  /** A tab that dies meanwhile, or a browser, makes an action fail: that is what faults are for. */
  async #attempt(what: string, act: () => Promise<unknown>): Promise<boolean> {
    try {
      return (await act()) !== false
    } catch (error) {
      this.#count(`failed: ${what}`)
      this.#parts.say(`${what}: ${String(error)}`)
      return false
    }
  }

  #takeDue(): Later | undefined {
    const { nowMs } = this.#parts.recording
    const due = this.#later.find(({ atMs }) => atMs <= nowMs)
    this.#later = this.#later.filter((one) => one !== due)
    return due
  }

  #drawTab(): Tab | undefined {
    const { tabs, prng } = this.#parts
    return tabs.awake.length === 0 ? undefined : prng.pick(tabs.awake)
  }

  #drawPauseMs(): number {
    const { prng, plan } = this.#parts
    return 1 + prng.below(2 * plan.faultEveryMs)
  }

  #drawFault(): FaultName {
    const { prng, plan } = this.#parts
    const weights = Object.entries(plan.weights) as [FaultName, number][]
    let draw = prng.float() * weights.reduce((sum, [, weight]) => sum + weight, 0)
    const drawn = weights.find(([, weight]) => {
      draw -= weight
      return draw < 0
    })
    return definedOrThrow(drawn, () => 'there are no faults')[0]
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}
