/**
 * Deadlines as data: a binary heap of keys ordered by the time at which they are due. The core
 * never sets a timer; its runtime asks for `nextMs()`, sleeps until then, and takes what is due.
 * Setting a key again replaces its deadline; the stale heap entry is skipped when it surfaces.
 */
export class DeadlineQueue<K> {
  readonly #heap: Entry<K>[] = []
  readonly #current = new Map<K, Entry<K>>()
  #nextOrder = 0

  get size(): number {
    return this.#current.size
  }

  set(key: K, dueMs: number): void {
    if (this.#current.get(key)?.dueMs === dueMs) return
    const entry = { key, dueMs, order: this.#nextOrder++ }
    this.#current.set(key, entry)
    this.#heap.push(entry)
    this.#siftUp(this.#heap.length - 1)
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#current.size) this.#rebuild()
  }

  delete(key: K): void {
    this.#current.delete(key)
  }

  /** When the earliest key is due, or undefined when there is none. */
  nextMs(): number | undefined {
    this.#dropStale()
    return this.#heap[0]?.dueMs
  }

  /** Removes and returns every key due at `nowMs` or before, earliest first. */
  takeDue(nowMs: number): K[] {
    const due: K[] = []
    for (;;) {
      this.#dropStale()
      const top = this.#heap[0]
      if (top === undefined || top.dueMs > nowMs) return due
      this.#pop()
      this.#current.delete(top.key)
      due.push(top.key)
    }
  }

  #dropStale(): void {
    for (;;) {
      const top = this.#heap[0]
      if (top === undefined || this.#current.get(top.key) === top) return
      this.#pop()
    }
  }

  #rebuild(): void {
    this.#heap.length = 0
    for (const entry of this.#current.values()) {
      this.#heap.push(entry)
      this.#siftUp(this.#heap.length - 1)
    }
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#siftDown(0)
  }

  #siftUp(start: number): void {
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#isBefore(index, parent)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #siftDown(start: number): void {
    let index = start
    for (;;) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child
      }
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #isBefore(a: number, b: number): boolean {
    const left = this.#heap[a] as Entry<K>
    const right = this.#heap[b] as Entry<K>
    return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order)
  }

  #swap(a: number, b: number): void {
    const left = this.#heap[a] as Entry<K>
    this.#heap[a] = this.#heap[b] as Entry<K>
    this.#heap[b] = left
  }
}

interface Entry<K> {
  readonly key: K
  readonly dueMs: number
  /** Breaks ties in the order of setting, so that a run is the same for the same seed. */
  readonly order: number
}
