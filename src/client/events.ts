/**
 * Typed listeners. One that throws does not keep the others from hearing, and its error goes to the
 * host's error reporting, never into silence.
 */
export class Events<Map extends object> {
  readonly #listeners = new globalThis.Map<keyof Map, Set<(event: never) => unknown>>()
  readonly #reportError: (error: unknown) => void

  constructor(reportError: (error: unknown) => void) {
    this.#reportError = reportError
  }

  /** Adds a listener; returns a function that removes it. */
  on<K extends keyof Map>(type: K, listener: (event: Map[K]) => unknown): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  has(type: keyof Map): boolean {
    return (this.#listeners.get(type)?.size ?? 0) > 0
  }

  /** Calls the listeners; resolves when those that return promises are done. */
  async emit<K extends keyof Map>(type: K, event: Map[K]): Promise<void> {
    const listeners = [...(this.#listeners.get(type) ?? [])]
    await Promise.all(listeners.map((listener) => this.#call(listener, event)))
  }

  async #call<K extends keyof Map>(listener: (event: never) => unknown, event: Map[K]) {
    try {
      await (listener as (event: Map[K]) => unknown)(event)
    } catch (error) {
      this.#reportError(error)
    }
  }
}
