/**
 * A value with its past, for the question whether it was so at some moment between two: a reply may
 * say what was true at any time from its request on.
 */
export class Versioned<T> {
  readonly #versions: number[] = []
  readonly #values: (T | undefined)[] = []

  set(version: number, value: T | undefined): void {
    this.#versions.push(version)
    this.#values.push(value)
  }

  get now(): T | undefined {
    return this.#values.at(-1)
  }

  /** The value that it had at `version`. */
  at(version: number): T | undefined {
    return this.#values[this.#indexAt(version)]
  }

  /** Whether it ever was so since `version`; undefined is what is not there. */
  wasSince(version: number, test: (value: T | undefined) => boolean): boolean {
    const first = this.#indexAt(version)
    if (first < 0 && test(undefined)) return true
    for (let index = Math.max(first, 0); index < this.#values.length; index++) {
      if (test(this.#values[index])) return true
    }
    return false
  }

  #indexAt(version: number): number {
    let index = this.#versions.length - 1
    while (index >= 0 && (this.#versions[index] ?? 0) > version) index -= 1
    return index
  }
}

/** Values by key, each with its past. */
export class VersionedMap<K, T> {
  readonly #byKey = new Map<K, Versioned<T>>()

  of(key: K): Versioned<T> {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const made = new Versioned<T>()
    this.#byKey.set(key, made)
    return made
  }

  entries(): Iterable<readonly [K, Versioned<T>]> {
    return this.#byKey
  }

  clear(): void {
    this.#byKey.clear()
  }
}
