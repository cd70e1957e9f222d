/** What befalls everybody at once: a power cut, the browser's death, the clock, the machine asleep. */
import type { Process } from '../scheduler.js'
import { between } from '../streams.js'
import type { FaultParts, FaultSource } from './fault-source.js'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

export class MachineFaults implements FaultSource {
  readonly acts: FaultSource['acts']
  readonly #parts: FaultParts
  /** What goes on while the machine sleeps. */
  readonly #outside: Process
  #asleep: readonly Process[] = []

  constructor(parts: FaultParts) {
    this.#parts = parts
    this.#outside = parts.world.scheduler.process('outside')
    this.acts = {
      cutPower: () => this.#cutPower(),
      killBrowser: () => this.#killBrowser(),
      jumpClock: () => this.#jumpClock(),
      sleepMachine: () => this.#sleep(),
    }
  }

  heal(): void {
    this.#wake()
    const { world } = this.#parts
    const { behindMs } = world.clock
    // What is delayed by the clock waits for it, be that for a day.
    if (world.options.shareGroups.length > 0 && behindMs > 0) this.#jumpBy(behindMs)
  }

  #cutPower(): boolean {
    const { world } = this.#parts
    this.#killAll('the power is cut')
    void world.browser.disk
      .cutPower(world.streams.of(`power ${world.scheduler.eventCount}`))
      .then((lost) => {
        world.note(`${lost} transactions are lost`)
        world.tellPowerCut(lost)
      })
    return true
  }

  #killBrowser(): boolean {
    this.#killAll('the browser is killed')
    return true
  }

  /** Whoever comes back opens the tabs again, or most of them. */
  #killAll(why: string): void {
    const { world, chaos, prng } = this.#parts
    world.note(why)
    for (const worker of world.browser.workers) world.browser.killWorker(worker, why)
    for (const tab of world.tabs.filter((one) => one.isAlive)) {
      world.tabDied(tab)
      const { slot } = tab
      if (slot < 0 || prng.chance(0.2)) continue
      chaos.schedule(between(prng, 1, 2_000), 'restores a tab', () => {
        if (!world.isTaken(slot) && !world.isAtRest) world.openTab(slot)
      })
    }
  }

  #jumpClock(): boolean {
    const { prng } = this.#parts
    const most = prng.pick([5 * SECOND_MS, 10 * MINUTE_MS, 30 * HOUR_MS])
    const byMs = between(prng, 1, most) * (prng.chance(0.5) ? 1 : -1)
    this.#jumpBy(byMs)
    return true
  }

  #jumpBy(byMs: number): void {
    const { world } = this.#parts
    world.note(`the clock jumps by ${byMs} ms`)
    world.clock.jump(byMs)
    world.history.tell({ type: 'clockJumped', byMs })
  }

  /** Everything stands still and then goes on, except for the time. */
  #sleep(): boolean {
    const { world, chaos, prng } = this.#parts
    const forMs = between(prng, SECOND_MS, prng.pick([30 * SECOND_MS, 10 * MINUTE_MS]))
    const workers = world.browser.workers.map(({ process }) => process)
    const tabs = world.tabs.map(({ process }) => process)
    const everybody = [chaos, world.browser.disk.process, ...workers, ...tabs]
    this.#asleep = everybody.filter((process) => process.isRunning)
    world.note(`the machine sleeps for ${forMs} ms`)
    for (const process of this.#asleep) process.freeze()
    world.goesOnFor(forMs)
    this.#outside.schedule(forMs, 'wakes the machine', () => this.#wake())
    return true
  }

  #wake(): void {
    for (const process of this.#asleep) process.resume()
    this.#asleep = []
  }
}
