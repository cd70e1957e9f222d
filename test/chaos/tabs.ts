/** The tabs of the browser, as the runner opens them and does things to them. */
import type { BrowserTab } from './browser-tab.js'
import type { ChaosBrowser } from './chaos-browser.js'
import type { Recording } from './recording.js'
import type { Site } from './site.js'
import { within } from './within.js'

const ACT_MS = 15_000
const LOOK_MS = 30

export type TabState = 'awake' | 'frozen' | 'cached' | 'gone'

export interface Tab {
  /** Its number: stays the same when its page is loaded again. */
  readonly number: number
  readonly slot: number
  readonly page: BrowserTab
  state: TabState
}

export interface TabsParts {
  readonly browser: ChaosBrowser
  readonly site: Site
  readonly recording: Recording
}

export class Tabs {
  readonly #parts: TabsParts
  readonly #open = new Set<Tab>()
  #numbers = 0

  constructor(parts: TabsParts) {
    this.#parts = parts
  }

  get all(): readonly Tab[] {
    return [...this.#open]
  }

  get awake(): readonly Tab[] {
    return this.all.filter(({ state }) => state === 'awake')
  }

  async open(slot: number): Promise<void> {
    const { browser, site } = this.#parts
    const number = ++this.#numbers
    this.#add({ number, slot, page: await browser.openTab(site.urlOf({ tab: number, slot })) })
  }

  async close(tab: Tab): Promise<void> {
    this.#gone(tab)
    await within(ACT_MS, 'closing a tab', tab.page.close())
  }

  async crash(tab: Tab): Promise<void> {
    this.#gone(tab)
    await within(ACT_MS, 'crashing a tab', tab.page.crash())
  }

  async reload(tab: Tab): Promise<void> {
    this.#parts.recording.pageDied(tab.number)
    await within(ACT_MS, 'reloading', tab.page.reload())
  }

  async show(tab: Tab): Promise<void> {
    await within(ACT_MS, 'showing', tab.page.show())
  }

  async freeze(tab: Tab): Promise<void> {
    this.#sleeps(tab, 'frozen')
    await within(ACT_MS, 'freezing', tab.page.setLifecycle('frozen'))
  }

  /** Goes elsewhere; the page is kept in the back/forward cache, if the browser likes. */
  async leave(tab: Tab): Promise<void> {
    this.#sleeps(tab, 'cached')
    await within(ACT_MS, 'leaving', tab.page.goTo(this.#parts.site.emptyUrl))
  }

  async resume(tab: Tab): Promise<void> {
    await within(ACT_MS, 'resuming', tab.page.setLifecycle('active'))
    this.#awakes(tab)
  }

  /** Whether the page came back out of the cache, and was not loaded again. */
  async comeBack(tab: Tab): Promise<boolean> {
    const { recording, site } = this.#parts
    const before = recording.pageOf(tab.number)
    const address = site.urlOf({ tab: tab.number, slot: tab.slot })
    // A page that was left before it was there is not in the history: the address is typed again.
    const back = tab.page.goBack().catch(() => tab.page.goTo(address))
    await within(ACT_MS, 'going back', back)
    const name = await within(ACT_MS, 'coming back', this.#nameOf(tab))
    this.#awakes(tab)
    return name === before
  }

  /** Another tab with the same session storage, as a user duplicates one. */
  async duplicate({ page, slot }: Tab): Promise<void> {
    const { browser, site } = this.#parts
    const number = ++this.#numbers
    const url = site.urlOf({ tab: number, slot })
    const open = () => page.evaluate((to) => void window.open(to), url)
    const opened = await within(ACT_MS, 'duplicating', browser.openedBy(open))
    this.#add({ number, slot, page: opened })
  }

  /** With the browser, all of them are gone. */
  allGone(): void {
    for (const tab of this.#open) this.#gone(tab)
  }

  #add(made: Omit<Tab, 'state'>): void {
    const tab: Tab = { ...made, state: 'awake' }
    this.#open.add(tab)
    void tab.page.whenGone.then(() => {
      this.#gone(tab)
      // A page that was still loading when its end began may have come to life before it came.
      this.#parts.recording.tabGone(tab.number)
    })
  }

  #gone(tab: Tab): void {
    if (!this.#open.delete(tab)) return
    tab.state = 'gone'
    this.#parts.recording.pageDied(tab.number)
  }

  #sleeps(tab: Tab, state: 'frozen' | 'cached'): void {
    tab.state = state
    const name = this.#parts.recording.pageOf(tab.number)
    if (name !== undefined) this.#parts.recording.tell({ type: 'froze', tab: name })
  }

  #awakes(tab: Tab): void {
    if (tab.state !== 'gone') tab.state = 'awake'
    const name = this.#parts.recording.pageOf(tab.number)
    if (name !== undefined) this.#parts.recording.tell({ type: 'resumed', tab: name })
  }

  /** What the page calls itself, as soon as one of ours is there. */
  async #nameOf(tab: Tab): Promise<string> {
    while (tab.state !== 'gone') {
      // Between two documents there is nobody to ask.
      const asked = tab.page.evaluate(() => globalThis.chaosTab?.name)
      const name = await asked.catch(() => undefined)
      if (name !== undefined) return name
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new Error('the tab is gone')
  }
}
