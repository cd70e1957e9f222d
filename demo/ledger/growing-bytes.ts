/** A byte per offset, for as many offsets as come: a plain array that grows, cheap for a million. */
export class GrowingBytes {
  #bytes = new Uint8Array(1_024)

  get(index: number): number {
    return this.#bytes[index] ?? 0
  }

  set(index: number, value: number): void {
    if (index >= this.#bytes.length) {
      const larger = new Uint8Array(Math.max(index + 1, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[index] = value
  }

  /** Keeps these bits of every byte and clears the others. */
  mask(bits: number): void {
    for (let index = 0; index < this.#bytes.length; index++) {
      this.#bytes[index] = (this.#bytes[index] ?? 0) & bits
    }
  }
}
