/** How long a message takes: one setting for all tabs, kept over reloads. */
import { byId } from './dom.js'

const STORAGE_KEY = 'tabmq-demo-work-ms'
const DEFAULT_MS = 2

export class WorkTime {
  readonly #input = byId('work-ms', HTMLInputElement)
  readonly #shown = byId('work-ms-shown', HTMLOutputElement)
  #ms = DEFAULT_MS

  constructor() {
    this.#read()
    this.#input.addEventListener('input', () => {
      localStorage.setItem(STORAGE_KEY, this.#input.value)
      this.#read()
    })
    addEventListener('storage', ({ key }) => {
      if (key === STORAGE_KEY) this.#read()
    })
  }

  get ms(): number {
    return this.#ms
  }

  #read(): void {
    const stored = Number(localStorage.getItem(STORAGE_KEY) ?? DEFAULT_MS)
    this.#ms = Number.isInteger(stored) && stored >= 0 && stored <= 50 ? stored : DEFAULT_MS
    this.#input.value = String(this.#ms)
    this.#shown.value = `${this.#ms} ms`
  }
}
