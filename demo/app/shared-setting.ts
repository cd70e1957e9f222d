/** A setting that all tabs have in common and that outlives them, in localStorage. */
import { Cell } from './cell.js'

export class SharedSetting<T> {
  readonly cell: Cell<T>
  readonly #storageKey: string
  readonly #parse: (text: string | null) => T

  /** @param parse from what is stored, which is null at first and may be anything */
  constructor(name: string, parse: (text: string | null) => T) {
    this.#storageKey = `tabmq-demo-${name}`
    this.#parse = parse
    this.cell = new Cell(this.#read())
    addEventListener('storage', ({ key }) => {
      if (key === this.#storageKey || key === null) this.cell.set(this.#read())
    })
  }

  get value(): T {
    return this.cell.value
  }

  set(value: T): void {
    try {
      localStorage.setItem(this.#storageKey, String(value))
    } catch {
      // Where storage is blocked there is no broker either, and the page says so.
    }
    this.cell.set(this.#parse(String(value)))
  }

  #read(): T {
    return this.#parse(maybeStored(this.#storageKey))
  }
}

function maybeStored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

/** A whole number between two others, or the default. */
export function wholeNumber(defaultValue: number, { min, max }: { min: number; max: number }) {
  return (text: string | null): number => {
    const value = text === null ? defaultValue : Number(text)
    return Number.isInteger(value) && value >= min && value <= max ? value : defaultValue
  }
}

/** One of these, the first by default. */
export function oneOf<T extends string>(values: readonly [T, ...T[]]) {
  return (text: string | null): T => values.find((value) => value === text) ?? values[0]
}
