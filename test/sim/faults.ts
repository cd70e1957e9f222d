/**
 * What goes wrong, drawn from the seed: at random moments one of the faults that this seed has. When
 * healing begins it stops, wakes whoever sleeps, and sees to it that every group has a consumer.
 */
import type { Prng } from '../../src/std/prng.js'
import type { FaultName } from './options.js'
import type { Process } from './scheduler.js'
import { between } from './streams.js'
import type { Tab } from './tab.js'
import type { World } from './world.js'

const SLOW_DISK_FACTOR = 40
const PARTITIONS_MAX = 8

export class FaultInjector {
  readonly counts: Record<string, number> = {}
  readonly #world: World
  readonly #chaos: Process
  readonly #prng: Prng
  readonly #acts: Readonly<Record<FaultName, () => boolean>>
  #isSlowUntilMs = 0

  constructor(world: World) {
    this.#world = world
    this.#chaos = world.scheduler.process('chaos')
    this.#prng = world.streams.of('faults')
    this.#acts = {
      killBroker: () => this.#killBroker(),
      crashTab: () => this.#onAwakeTab((tab) => world.tabDied(tab)),
      closeTab: () => this.#onAwakeTab((tab) => this.#close(tab)),
      quitTab: () => this.#onAwakeTab((tab) => this.#quit(tab)),
      freezeTab: () => this.#onAwakeTab((tab) => this.#freeze(tab)),
      cacheTab: () => this.#onAwakeTab((tab) => this.#cache(tab)),
      hideTab: () => this.#onAwakeTab((tab) => this.#hide(tab)),
      slowDisk: () => this.#slowDisk(),
      addPartitions: () => this.#onAwakeTab((tab) => this.#addPartitions(tab)),
      openTab: () => this.#openTab(),
    }
  }

  /** By how much the disk is slower than it should be. */
  get diskSlowness(): number {
    return this.#world.scheduler.nowMs < this.#isSlowUntilMs ? SLOW_DISK_FACTOR : 1
  }

  start(): void {
    this.#next()
  }

  stop(): void {
    const { tabs, options } = this.#world
    this.#isSlowUntilMs = 0
    for (const tab of tabs) this.#wake(tab)
    const served = new Set<number>()
    for (const tab of tabs.filter((one) => one.isAlive && !one.isClosing && one.slot >= 0)) {
      for (const { group } of options.slots[tab.slot]?.consumers ?? []) served.add(group)
    }
    for (const [slot, { consumers }] of options.slots.entries()) {
      if (consumers.every(({ group }) => served.has(group)) || this.#isTaken(slot)) continue
      this.#world.openTab(slot)
      for (const { group } of consumers) served.add(group)
    }
    for (const tab of tabs.filter((one) => one.isAlive && !one.isClosing)) {
      for (const consumer of tab.consumers) {
        tab.process.schedule(0, 'behaves', () => consumer.behave())
      }
    }
  }

  #next(): void {
    const { everyMs } = this.#world.options.faults
    this.#chaos.schedule(between(this.#prng, 1, 2 * everyMs), 'strikes', () => {
      if (!this.#world.hasTraffic) return
      this.#strike()
      this.#next()
    })
  }

  #strike(): void {
    const weights = Object.entries(this.#world.options.faults.weights) as [FaultName, number][]
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
    let draw = this.#prng.float() * total
    for (const [name, weight] of weights) {
      draw -= weight
      if (draw >= 0) continue
      if (this.#acts[name]()) this.counts[name] = (this.counts[name] ?? 0) + 1
      return
    }
  }

  #onAwakeTab(act: (tab: Tab) => void): boolean {
    const { tabs } = this.#world
    const awake = tabs.filter((tab) => tab.process.isRunning && !tab.isClosing && tab.slot >= 0)
    if (awake.length === 0) return false
    const tab = this.#prng.pick(awake)
    act(tab)
    return true
  }

  #killBroker(): boolean {
    if (this.#world.browser.worker === undefined) return false
    this.#world.browser.killWorker('struck')
    return true
  }

  #close(tab: Tab): void {
    this.#world.note(`${tab.name} is closed`)
    tab.host.hidePage({ mayReturn: false })
    this.#world.tabDied(tab)
  }

  #quit(tab: Tab): void {
    this.#world.note(`${tab.name} quits`)
    tab.process.schedule(0, 'quits', () => {
      void tab.quit().then(() => this.#world.tabDied(tab))
    })
  }

  #freeze(tab: Tab): void {
    this.#world.note(`${tab.name} freezes`)
    tab.process.freeze()
    this.#wakeLater(tab)
  }

  /** Into the back/forward cache: the page is told, and then sleeps. */
  #cache(tab: Tab): void {
    this.#world.note(`${tab.name} is put into the cache`)
    tab.host.hidePage({ mayReturn: true })
    tab.isCached = true
    tab.process.freeze()
    this.#wakeLater(tab)
  }

  #wakeLater(tab: Tab): void {
    const forMs = between(this.#prng, 1, this.#prng.pick([300, 3_000, 15_000]))
    this.#chaos.schedule(forMs, 'wakes a tab', () => this.#wake(tab))
  }

  #wake(tab: Tab): void {
    if (!tab.process.isFrozen) return
    this.#world.note(`${tab.name} wakes`)
    tab.process.resume()
    if (tab.isCached) tab.host.showPage()
    tab.isCached = false
  }

  #hide(tab: Tab): void {
    this.#world.note(`${tab.name} is hidden`)
    tab.host.isHidden = true
    this.#chaos.schedule(between(this.#prng, 1, 10_000), 'shows a tab', () => {
      tab.host.isHidden = false
    })
  }

  #slowDisk(): boolean {
    this.#isSlowUntilMs = this.#world.scheduler.nowMs + between(this.#prng, 1, 2_000)
    return true
  }

  #addPartitions(tab: Tab): void {
    const { topic } = this.#prng.pick(this.#world.options.topics)
    const had = this.#world.browser.broker?.state.topics.find(topic as never)?.partitionIds.length
    if (had === undefined || had >= PARTITIONS_MAX) return
    const topicPartitions = [{ topic, count: had + between(this.#prng, 1, 2) }]
    tab.process.schedule(0, 'adds partitions', () => {
      void tab.call('createPartitions', () => tab.mq.admin().createPartitions({ topicPartitions }))
    })
  }

  #openTab(): boolean {
    const free = [...this.#world.options.slots.keys()].filter((slot) => !this.#isTaken(slot))
    if (free.length === 0) return false
    this.#world.openTab(this.#prng.pick(free))
    return true
  }

  #isTaken(slot: number): boolean {
    return this.#world.tabs.some((tab) => tab.slot === slot && tab.isAlive && !tab.isClosing)
  }
}
