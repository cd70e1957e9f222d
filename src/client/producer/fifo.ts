/**
 * First in, first out. Unlike an array that is shifted, it takes as long for the millionth entry as
 * for the first; what was taken out is let go of in portions.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #start = 0

  get first(): T | undefined {
    return this.#items[this.#start]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const first = this.#items[this.#start]
    if (this.#start === this.#items.length) return undefined
    this.#items[this.#start] = undefined
    this.#start += 1
    if (this.#start * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return first
  }
}
