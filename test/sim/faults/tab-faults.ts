/** What befalls one tab: it dies in one way or another, or sleeps, or is opened. */
import { between } from '../streams.js'
import type { Tab } from '../tab.js'
import type { FaultParts, FaultSource } from './fault-source.js'

export class TabFaults implements FaultSource {
  readonly acts: FaultSource['acts']
  readonly #parts: FaultParts

  constructor(parts: FaultParts) {
    const { world } = parts
    this.#parts = parts
    this.acts = {
      crashTab: () => this.#onAwakeTab((tab) => world.tabDied(tab)),
      closeTab: () => this.#onAwakeTab((tab) => this.#close(tab)),
      quitTab: () => this.#onAwakeTab((tab) => this.#quit(tab)),
      freezeTab: () => this.#onAwakeTab((tab) => this.#freeze(tab)),
      cacheTab: () => this.#onAwakeTab((tab) => this.#cache(tab)),
      hideTab: () => this.#onAwakeTab((tab) => this.#hide(tab)),
      openTab: () => this.#openTab(),
    }
  }

  heal(): void {
    for (const tab of this.#parts.world.tabs) this.#wake(tab)
  }

  #onAwakeTab(act: (tab: Tab) => void): boolean {
    const { world, prng } = this.#parts
    const awake = world.awakeTabs()
    if (awake.length === 0) return false
    act(prng.pick(awake))
    return true
  }

  #close(tab: Tab): void {
    const { world } = this.#parts
    world.note(`${tab.name} is closed`)
    tab.host.hidePage({ mayReturn: false })
    world.tabDied(tab)
  }

  #quit(tab: Tab): void {
    const { world } = this.#parts
    world.note(`${tab.name} quits`)
    tab.process.schedule(0, 'quits', () => {
      void tab.quit().then(() => world.tabDied(tab))
    })
  }

  #freeze(tab: Tab): void {
    this.#parts.world.note(`${tab.name} freezes`)
    tab.process.freeze()
    this.#wakeLater(tab)
  }

  /** Into the back/forward cache: the page is told, and then sleeps. */
  #cache(tab: Tab): void {
    this.#parts.world.note(`${tab.name} is put into the cache`)
    tab.host.hidePage({ mayReturn: true })
    tab.isCached = true
    tab.process.freeze()
    this.#wakeLater(tab)
  }

  #wakeLater(tab: Tab): void {
    const { chaos, prng } = this.#parts
    const forMs = between(prng, 1, prng.pick([300, 3_000, 15_000]))
    chaos.schedule(forMs, 'wakes a tab', () => this.#wake(tab))
  }

  #wake(tab: Tab): void {
    if (!tab.process.isFrozen) return
    this.#parts.world.note(`${tab.name} wakes`)
    tab.process.resume()
    if (tab.isCached) tab.host.showPage()
    tab.isCached = false
  }

  #hide(tab: Tab): void {
    const { world, chaos, prng } = this.#parts
    world.note(`${tab.name} is hidden`)
    tab.host.isHidden = true
    chaos.schedule(between(prng, 1, 10_000), 'shows a tab', () => {
      tab.host.isHidden = false
    })
  }

  #openTab(): boolean {
    const { world, prng } = this.#parts
    const free = [...world.options.slots.keys()].filter((slot) => !world.isTaken(slot))
    if (free.length === 0) return false
    world.openTab(prng.pick(free))
    return true
  }
}
