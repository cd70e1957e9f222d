/**
 * Notices tabs that vanish without a goodbye. Each life of a tab holds a lock and has an entry in
 * localStorage, which it removes as its last act. The others wait for its lock: whoever gets it and
 * still finds the entry knows that the tab has crashed, or was ended by the browser. All of it is
 * soft state but the entries: those of a browser that was killed are found by the next tab.
 */
import type { Leaving } from './app/leaving.js'
import { PRESENT } from './names.js'
import type { TabIdentity } from './tab-identity.js'

export interface PresenceOptions {
  readonly identity: TabIdentity
  readonly leaving: Leaving
  /** Called in one of the tabs; when it fails, another tab or the next one is asked. */
  readonly onCrash: (gone: TabIdentity) => Promise<void>
}

/** What a tab removed from localStorage may reach the others later than the end of its lock. */
const GOODBYE_MS = 150

export class Presence {
  readonly #options: PresenceOptions
  readonly #watched = new Set<string>()

  constructor(options: PresenceOptions) {
    this.#options = options
    const { identity, leaving } = options
    this.#watched.add(identity.run)
    leaving.onLeave(() => localStorage.removeItem(PRESENT + identity.run))
  }

  /** Resolves when this tab is known to the others. */
  async begin(): Promise<void> {
    const { number, run } = this.#options.identity
    await new Promise<void>((resolve, reject) => {
      const hold = () => {
        resolve()
        return new Promise(() => {})
      }
      navigator.locks.request(PRESENT + run, hold).catch(reject)
    })
    localStorage.setItem(PRESENT + run, String(number))
    addEventListener('storage', ({ key, newValue }) => {
      if (key !== null && newValue !== null) this.#maybeWatch(key)
    })
    for (const key of Object.keys(localStorage)) this.#maybeWatch(key)
  }

  #maybeWatch(key: string): void {
    const run = key.slice(PRESENT.length)
    if (!key.startsWith(PRESENT) || this.#watched.has(run)) return
    this.#watched.add(run)
    navigator.locks
      .request(key, () => this.#onGone(key, run))
      .catch(() => {
        this.#watched.delete(run)
      })
  }

  async #onGone(key: string, run: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_MS))
    const number = localStorage.getItem(key)
    if (number === null) return
    await this.#options.onCrash({ number: Number(number), run })
    localStorage.removeItem(key)
  }
}
