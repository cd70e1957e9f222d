/**
 * The page's last moment. Listeners of `pagehide` run in the order in which they were added, and the
 * client's own commits what is resolved by then. So this has to be made before the client is.
 */
export class Leaving {
  readonly #listeners: (() => void)[] = []
  #hasBegun = false

  constructor() {
    addEventListener('pagehide', () => {
      this.#hasBegun = true
      for (const listener of this.#listeners) listener()
    })
    addEventListener('pageshow', () => {
      this.#hasBegun = false
    })
  }

  /** Scripts run on for a while after `pagehide`; nothing that they do then counts any more. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  onLeave(listener: () => void): void {
    this.#listeners.push(listener)
  }
}
